"""A map of many people: those who are alike lie near each other.

Two principal components of what is predicted of them (`facegen.explore.screening`), dial by dial in
standard deviations: the two mixtures of dials in which people differ most. What an axis means is
told by the dials that go along with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from facegen.controls import Dial
from facegen.editing.dial_set import DialSet
from facegen.errors import UsageError
from facegen.explore.screening import Readings
from facegen.threads import one_blas_thread

FEWEST = 50
WORDS = 3
TELLING = 0.35
"""A dial is named at an axis from this correlation on."""
NOT_WHO = frozenset({"Pose", "Expression", "Light & scene"})
"""Groups of dials that tell of the moment and not of the person."""


@dataclass(frozen=True)
class Axis:
    """One axis of a map.

    Attributes:
        low: Words for who is at its low end, such as "sex: feminine", the clearest first.
        high: Likewise for the high end.
        correlations: Dial -> correlation with the axis, -1 to 1, the strongest first.
        share: Of all differences between the people, 0 to 1.
    """

    low: tuple[str, ...]
    high: tuple[str, ...]
    correlations: dict[str, float]
    share: float


@dataclass(frozen=True, eq=False)
class CrowdMap:
    """People as points.

    Attributes:
        seeds: int64 [N].
        points: float32 [N, 2], x to the right and y upward, in standard deviations of each axis.
        x: What x means.
        y: What y means.
        names: The dials that say where somebody lies.
        middle: Of their values, [D].
        to_point: From values without it to a point, [D, 2].
    """

    seeds: np.ndarray
    points: np.ndarray
    x: Axis
    y: Axis
    names: tuple[str, ...]
    middle: np.ndarray
    to_point: np.ndarray

    def place(self, values: np.ndarray) -> np.ndarray:
        """Where others lie: values of the dials `names`, [N, D], to points, float32 [N, 2]."""
        found: np.ndarray = (values - self.middle) @ self.to_point
        return found.astype(np.float32)


def crowd_map(people: Iterable[Readings], dials: DialSet) -> CrowdMap:
    """Lay people out.

    Args:
        people: In parts, such as a bank's blocks; at least 50.
        dials: That they were read with.

    Raises:
        UsageError: too few people.
    """
    from sklearn.decomposition import PCA

    parts = list(people)
    if (total := sum(len(part) for part in parts)) < FEWEST:
        raise UsageError(f"A map needs at least {FEWEST} people, got {total}.")
    one_blas_thread()
    together = Readings.joined(parts)
    entries = [dials.entry(name) for name in together.names]
    kept = [k for k, entry in enumerate(entries) if entry.group not in NOT_WHO]
    values = together.values[:, kept].astype(np.float64)
    middle, spread = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
    scores = (values - middle) / spread
    found = PCA(n_components=2, svd_solver="covariance_eigh").fit(scores)
    points = found.transform(scores)
    lengths = np.maximum(points.std(axis=0), 1e-9)
    points /= lengths
    to_point = found.components_.T / spread[:, None] / lengths
    correlations = scores.T @ points / total
    named = [entries[k] for k in kept]
    for axis in range(2):  # The sign of a component is any: the dial that tells most goes up.
        if correlations[np.abs(correlations[:, axis]).argmax(), axis] < 0:
            points[:, axis] *= -1
            to_point[:, axis] *= -1
            correlations[:, axis] *= -1
    x, y = (
        _axis(named, correlations[:, k], float(found.explained_variance_ratio_[k]))
        for k in range(2)
    )
    names = tuple(dial.name for dial in named)
    return CrowdMap(together.seeds, points.astype(np.float32), x, y, names, middle, to_point)


def _axis(dials: Sequence[Dial], correlations: np.ndarray, share: float) -> Axis:
    order = np.argsort(-np.abs(correlations), kind="stable")
    telling = [k for k in order if abs(correlations[k]) >= TELLING] or [int(order[0])]
    low, high = [], []
    for k in telling[:WORDS]:
        ends = _words(dials[k])
        low.append(ends[0] if correlations[k] > 0 else ends[1])
        high.append(ends[1] if correlations[k] > 0 else ends[0])
    return Axis(
        tuple(low),
        tuple(high),
        {dials[k].name: round(float(correlations[k]), 3) for k in order},
        share,
    )


def _words(dial: Dial) -> tuple[str, str]:
    """The ends of a dial in words that stand alone, such as "beard: shaved"."""
    return f"{dial.label.lower()}: {dial.low}", f"{dial.label.lower()}: {dial.high}"
