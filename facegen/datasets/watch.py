"""The instruments as sweeps use them: quick angles for closing the loop, everything for files."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from facegen.datasets.frames import Seen
from facegen.measure.appearance import appearance
from facegen.measure.classifiers import load_classifiers
from facegen.measure.face import measured_from
from facegen.measure.instruments import MEASURE_PX, Sight, at_size, load_instruments
from facegen.measure.pose import fit_pose, load_shape
from facegen.measure.shape import measure_shape
from facegen.pose.retouch import read_gaze

TURNED_DEG = 25.0
"""From here on landmarks are looked for six times more: docs/measure.md."""


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
