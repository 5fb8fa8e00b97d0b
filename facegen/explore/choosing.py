"""Choosing whom to draw next: surely right, and unlike those who are there already.

People are told apart by dlib's descriptor: predicted beforehand, measured once they are drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from facegen.directions.regressor import DESCRIPTOR_DIM
from facegen.explore.screening import Readings

AS_FAR = 0.45
"""Predicted distance from which two people are as different as any two."""
NEAR_MATTERS = 1.5
"""How strongly a chance gives way to being unlike the others; 0 would look at the chance alone."""
SHORTFALL_UNIT = 3.0
"""A start that is so much less likely (natural logarithm) must be twice as unlike the others."""
FAIRLY_NEAR = 24
"""Starts are chosen among so many times the nearest as are asked for, at a time."""


class Crowd:
    """The people found so far."""

    def __init__(self) -> None:
        self._measured: list[np.ndarray] = []
        self._predicted: list[np.ndarray] = []

    @property
    def predicted(self) -> np.ndarray:
        """Descriptors as predicted, [N, 128]."""
        return np.array(self._predicted, np.float32).reshape(-1, DESCRIPTOR_DIM)

    def __len__(self) -> int:
        return len(self._measured)

    def add(self, measured: np.ndarray, predicted: np.ndarray) -> None:
        """Somebody joins: descriptor on the picture, and as predicted from the seed."""
        self._measured.append(measured)
        self._predicted.append(predicted)

    def nearest(self, measured: np.ndarray) -> float:
        """How near somebody's descriptor is to the nearest of those who are there."""
        if not self._measured:
            return np.inf
        return float(distances(measured[None], np.array(self._measured)).min())

    def apart(self, predicted: np.ndarray) -> np.ndarray:
        """How unlike those who are there each is, 0 to 1, [N], from predicted descriptors."""
        if not self._predicted:
            return np.ones(len(predicted))
        nearest = distances(predicted, np.array(self._predicted)).min(axis=1)
        return np.minimum(nearest / AS_FAR, 1.0)

    def choose(self, chance: np.ndarray, predicted: np.ndarray) -> int:
        """The one to draw next: the surest among those unlike the others."""
        return int(np.argmax(chance * self.apart(predicted) ** NEAR_MATTERS))


def nearest_people(
    near: Readings, short: np.ndarray, crowd: Crowd, *, without: Collection[int]
) -> Iterator[int]:
    """People to start from, the nearest first, unlike those found and those started from.

    Args:
        near: Of whom something is predicted.
        short: How far each is from what is wanted, [N]; see `screening.shortfalls`.
        crowd: Those found; asked anew before each.
        without: Seeds to leave out.

    Yields:
        Indices into `near`; each once.
    """
    order = np.argsort(short, kind="stable")
    order = order[[seed not in without for seed in near.seeds[order].tolist()]]
    descriptors = near.descriptors
    begun: list[np.ndarray] = []
    while len(order):
        some = order[: FAIRLY_NEAR * (len(begun) + 8)]
        apart = crowd.apart(descriptors[some])
        if begun:
            to_begun = distances(descriptors[some], np.array(begun)).min(axis=1)
            apart = np.minimum(apart, np.minimum(to_begun / AS_FAR, 1.0))
        worth = np.log(np.maximum(apart, 1e-6)) - np.log(2.0) * short[some] / SHORTFALL_UNIT
        index = int(some[np.argmax(worth)])
        order = order[order != index]
        begun.append(descriptors[index])
        yield index


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distances between descriptors, [N, 128] and [M, 128] -> [N, M]."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None]
    return np.sqrt(np.maximum(squares - 2 * one @ other.T, 0.0))
