"""Choosing whom to draw next: surely right, and unlike those who are there already.

People are told apart by dlib's descriptor: predicted beforehand, measured once they are drawn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

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

    def __len__(self) -> int:
        return len(self._measured)

    def add(self, measured: np.ndarray, predicted: np.ndarray) -> None:
        """Somebody joins: descriptor on the picture, and as predicted from the seed."""
        self._measured.append(measured)
        self._predicted.append(predicted)

    def nearest(self, measured: Sequence[np.ndarray]) -> np.ndarray:
        """How near each of some, by descriptor, is to the nearest of those who are there, [N]."""
        if not self._measured or not measured:
            return np.full(len(measured), np.inf)
        return distances(np.array(measured), np.array(self._measured)).min(axis=1)

    def since(self, count: int) -> np.ndarray:
        """Predicted descriptors of those who joined after the first `count`, [N, 128]."""
        return np.array(self._predicted[count:], np.float32).reshape(-1, DESCRIPTOR_DIM)


class Chooser:
    """Chooses among people, one after the other, while the crowd grows.

    Args:
        crowd: Whom they should be unlike.
        predicted: Their descriptors, [N, 128].
    """

    def __init__(self, crowd: Crowd, predicted: np.ndarray) -> None:
        self._crowd, self._predicted = crowd, predicted
        self._nearest = np.full(len(predicted), np.inf, np.float32)
        self._known = 0

    def apart(self) -> np.ndarray:
        """How unlike those who are there each is, 0 to 1, [N]."""
        for one in self._crowd.since(self._known):
            self.keep_from(one)
        self._known = len(self._crowd)
        return np.minimum(self._nearest / AS_FAR, 1.0)

    def keep_from(self, predicted: np.ndarray) -> None:
        """Somebody besides the crowd whom they should be unlike: a descriptor, [128]."""
        away = distances(self._predicted, predicted[None])[:, 0]
        self._nearest = np.minimum(self._nearest, away)

    def choose(self, chance: np.ndarray) -> int:
        """The one to draw next: the surest, [N], among those unlike the others."""
        return int(np.argmax(chance * self.apart() ** NEAR_MATTERS))


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
    chooser, begun = Chooser(crowd, descriptors), 0
    while len(order):
        some = order[: FAIRLY_NEAR * (begun + 8)]
        apart = chooser.apart()[some]
        worth = np.log(np.maximum(apart, 1e-6)) - np.log(2.0) * short[some] / SHORTFALL_UNIT
        index = int(some[np.argmax(worth)])
        order = order[order != index]
        begun += 1
        chooser.keep_from(descriptors[index])
        yield index


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distances between descriptors, [N, 128] and [M, 128] -> [N, M]."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None]
    return np.sqrt(np.maximum(squares - 2 * one @ other.T, 0.0))
