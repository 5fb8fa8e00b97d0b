"""The instruments as sweeps use them: quick angles for closing the loop, everything for files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from facegen.measure.classifiers import load_classifiers
from facegen.measure.details import read_gaze
from facegen.measure.detector import MEASURE_PX, Sight, at_size, load_instruments
from facegen.measure.face import measured_from
from facegen.measure.hog import appearance
from facegen.measure.pose import fit_pose, load_shape
from facegen.measure.shape import measure_shape

TURNED_DEG = 25.0
"""From here on landmarks are looked for six times more: docs/measure.md."""


MOST_DOUBT_DEG = 4.0
"""Of the yaw between several looks: beyond, landmarks hold on to nothing."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What was measured in one picture.

    Attributes:
        values: Name -> number; at least yaw, pitch and roll in degrees.
        landmarks: [68, 2] in fractions of the picture's edge.
        descriptor: [128]; None where identity was not measured.
        doubt: Standard deviation of the yaw between several looks, in degrees: large where the
            landmarks find no hold; 0 where one look was enough.
    """

    values: Mapping[str, float]
    landmarks: np.ndarray
    descriptor: np.ndarray | None = None
    doubt: float = 0.0

    @property
    def is_sure(self) -> bool:
        """Whether the landmarks hold on to a face."""
        return self.doubt <= MOST_DOUBT_DEG


class Looks(Protocol):
    """Measures pictures; `Watcher` is the real one."""

    def angles(self, image: np.ndarray) -> Seen | None:
        """Pose and shape: quick."""

    def all(self, image: np.ndarray) -> Seen | None:
        """Everything, with the descriptor: slower."""


class Watcher:
    """Measures pictures with the bundled instruments; use `load_watcher`."""

    def angles(self, image: np.ndarray) -> Seen | None:
        """Pose and shape by landmarks; None if no face is seen.

        Args:
            image: uint8 [H, H, 3].
        """
        image = at_size(image, MEASURE_PX)  # once, not in each instrument: 3 of 27 ms
        sight = load_instruments().look(image, describe=False)
        if sight is None:
            return None
        sight, doubt = _steadied(image, sight)
        landmarks = sight.landmarks / MEASURE_PX
        values = measure_shape(sight.landmarks) | _gaze(image, landmarks)
        return Seen(values, landmarks, doubt=doubt)

    def all(self, image: np.ndarray) -> Seen | None:
        """Every number there is, and the descriptor."""
        image = at_size(image, MEASURE_PX)
        sight = load_instruments().look(image)
        if sight is None:
            return None
        sight, doubt = _steadied(image, sight)
        measured = measured_from(appearance(image), sight, load_classifiers())
        landmarks = sight.landmarks / MEASURE_PX
        values = measured.values | _gaze(image, landmarks)
        return Seen(values, landmarks, measured.descriptor, doubt)


def _steadied(image: np.ndarray, sight: Sight) -> tuple[Sight, float]:
    """A turned face with the median of more looks, and the yaws' standard deviation in degrees."""
    shape = load_shape()
    if abs(fit_pose(sight.landmarks, shape)[0].yaw) < TURNED_DEG:
        return sight, 0.0
    looks = load_instruments().look_again(image, sight)
    yaws = [fit_pose(points, shape)[0].yaw for points in looks]
    return replace(sight, landmarks=np.median(looks, axis=0)), float(np.std(yaws))


def _gaze(image: np.ndarray, landmarks: np.ndarray) -> dict[str, float]:
    """Where the eyes look, in degrees as sweeps ask for it; nothing if they are not seen."""
    degrees = read_gaze(image, landmarks)
    return {} if degrees is None else {"gaze": degrees}


@lru_cache(maxsize=1)
def load_watcher() -> Watcher:
    """The one watcher of this process; its instruments load on first use."""
    return Watcher()
