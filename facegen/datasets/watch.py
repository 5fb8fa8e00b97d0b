"""The instruments as sweeps use them: quick angles for closing the loop, everything for files."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from facegen.datasets.frames import Seen
from facegen.measure.appearance import appearance
from facegen.measure.classifiers import load_classifiers
from facegen.measure.face import measured_from
from facegen.measure.instruments import MEASURE_PX, at_size, load_instruments
from facegen.measure.shape import measure_shape
from facegen.pose.retouch import read_gaze


class Watcher:
    """Measures pictures with the bundled instruments; use `load_watcher`."""

    def angles(self, image: np.ndarray) -> Seen | None:
        """Pose and shape by landmarks; None if no face is seen.

        Args:
            image: uint8 [H, H, 3].
        """
        sight = load_instruments().look(image, describe=False)
        if sight is None:
            return None
        landmarks = sight.landmarks / MEASURE_PX
        return Seen(measure_shape(sight.landmarks) | _gaze(image, landmarks), landmarks)

    def all(self, image: np.ndarray) -> Seen | None:
        """Every number there is, and the descriptor."""
        image = at_size(image, MEASURE_PX)  # once, not in each instrument: 3 of 27 ms
        sight = load_instruments().look(image)
        if sight is None:
            return None
        measured = measured_from(appearance(image), sight, load_classifiers())
        landmarks = sight.landmarks / MEASURE_PX
        return Seen(measured.values | _gaze(image, landmarks), landmarks, measured.descriptor)


def _gaze(image: np.ndarray, landmarks: np.ndarray) -> dict[str, float]:
    """Where the eyes look, in degrees as sweeps ask for it; nothing if they are not seen."""
    degrees = read_gaze(image, landmarks)
    return {} if degrees is None else {"gaze": degrees}


@lru_cache(maxsize=1)
def load_watcher() -> Watcher:
    """The one watcher of this process; its instruments load on first use."""
    return Watcher()
