"""From about twenty faces that have something and twenty that have it not, to a direction.

Reading. Forty examples say little about 512 numbers, so each face is described by what matters
first: the standardised readings of all measurements that the space's regressor knows, the face
descriptor, and w itself. A ridge regression on the examples' +1 and -1 over these three, each
scaled to a fixed share of the whole (READINGS, DESCRIPTOR, PLAIN), gives weights that fall back
on w alone for a space without a regressor. On labels that the readings were not allowed to know
it beat mean difference, shrinkage LDA, logistic and plain ridge regression; the table and the
command are in docs/results/own-dials.md.

Direction. Solved as the named dials are (`facegen.directions.linear.solve_direction`): one unit of
the reading, where faces are dense, and the other readings held, except those that are much the
same thing as what the examples show (a correlation of SAME_THING or more).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facegen.directions.linear import ridge, solve_direction
from facegen.directions.population import (
    NamedReadings,
    Population,
    groups_touched,
    named_readings,
    population_of,
    what_it_moves,
)
from facegen.directions.regressor import ROW_GROUPS, group_means, spread_groups
from facegen.errors import UsageError
from facegen.latents import NUM_WS, W_DIM, as_w_plus
from facegen.paths import DIRECTIONS_DIR
from facegen.protocols import Maps, Progress

READINGS, DESCRIPTOR, PLAIN = 1.0, 0.5, 1.0
NOISE = 0.3
HOLD = 30.0
SAME_THING = 0.5
FEWEST, MOST, ADVISED = 3, 2000, 20
FOLDS, REPEATS = 5, 4
FOLD_SEED = 0
NATURAL_PERCENTILES = (1, 99)
AUC_DIGITS = 3
STEPS = 5
_ROWS = np.array([last - first for first, last in ROW_GROUPS])


@dataclass(frozen=True, eq=False)
class Learned:
    """A direction with its reading; one unit is one standard deviation of generated faces.

    Attributes:
        vector, weights: [18, 512] float32; (weights * vector).sum() is 1.
        bias: Makes generated faces read 0 on average.
        natural: 1st and 99th percentile.
        rows: First row it acts on, and one past the last.
        score: Area under the ROC curve on examples left out, or None.
        moves: Named dial -> change per unit, predicted, in standard deviations; largest first.
        same: Named readings that were left free, being much the same thing.
    """

    vector: np.ndarray
    weights: np.ndarray
    bias: float
    natural: tuple[float, float]
    rows: tuple[int, int]
    score: float | None = None
    moves: dict[str, float] = field(default_factory=dict)
    same: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Features:
    """What a face is described by: linear maps of the mean rows of its six groups.

    Attributes:
        maps: [6 * 512, M].
        kinds: Of each of the M: 0 reading, 1 descriptor, 2 plain.
    """

    maps: np.ndarray
    kinds: np.ndarray

    @classmethod
    def of(
        cls, population: Population, readings: NamedReadings, *, without: Sequence[str] = ()
    ) -> Features:
        """The features of a space.

        Args:
            population: Its faces.
            readings: Its named readings.
            without: Measurements not to use (to test how well something new is learned).
        """
        groups = len(ROW_GROUPS)
        plain = np.tile(np.eye(W_DIM) / groups, (groups, 1))
        if readings.regressor is None:
            return cls(plain, np.full(W_DIM, 2))
        known = readings.regressor.names
        keep = [k for k, name in enumerate(known) if name not in without]
        keep += range(len(known), readings.regressor.size)
        maps = readings.regressor.linear[:, keep].astype(np.float64)
        whole = maps.reshape(groups, W_DIM, -1).sum(axis=0)
        spread = np.sqrt(np.einsum("dk,de,ek->k", whole, population.covariance, whole,
                                   optimize=True))  # fmt: skip
        kinds = [int(k >= len(known)) for k in keep] + [2] * W_DIM
        return cls(np.concatenate([maps / spread, plain], axis=1), np.array(kinds))

    def fit(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Ridge weights, [6 * 512], of +1 and -1 on faces.

        Args:
            x: Mean rows less the average, [N, 6 * 512].
            y: [N].
        """
        seen = x @ self.maps
        size = np.array([np.square(seen[:, self.kinds == kind]).sum() for kind in range(3)])
        shares = np.array([READINGS, DESCRIPTOR, PLAIN])
        seen *= np.sqrt(shares / np.maximum(size, 1e-12))[self.kinds]
        scaled = self.maps * np.sqrt(shares / np.maximum(size, 1e-12))[self.kinds]
        penalty = NOISE * float(np.square(seen).sum()) / len(y)
        return scaled @ ridge(seen, y, penalty, intercept=True)


def learn_from_examples(
    generator: Maps,
    has: Sequence[np.ndarray],
    has_not: Sequence[np.ndarray],
    *,
    rows: tuple[int, int] = (0, NUM_WS),
    folder: Path = DIRECTIONS_DIR,
    progress: Progress | None = None,
) -> Learned:
    """Learn a direction; see the module, and `facegen.directions.make_user_dial` for arguments."""
    rows = checked_rows(rows)
    x, y = _examples(has, has_not)
    report = progress or (lambda done, total: None)
    report(0, STEPS)
    population = population_of(generator)
    report(1, STEPS)
    readings = named_readings(generator.space, folder=folder)
    features = Features.of(population, readings)
    report(2, STEPS)
    x = x - np.tile(population.mean, len(ROW_GROUPS))
    weights = features.fit(x, y)
    if not np.any(weights) or not np.isfinite(weights).all():
        raise UsageError("The two sets of examples do not differ; choose other faces.")
    report(3, STEPS)
    score = held_out_score(features, x, y)
    report(4, STEPS)
    learned = solve_own(weights, population, readings, rows=rows, score=score)
    report(STEPS, STEPS)
    return learned


def solve_own(
    weights: np.ndarray,
    population: Population,
    readings: NamedReadings,
    *,
    rows: tuple[int, int],
    score: float | None = None,
) -> Learned:
    """The direction that raises a reading and holds the named ones.

    Args:
        weights: The reading of the mean rows of the six groups, [6 * 512], any scale.
        population: Of the space.
        readings: Of the space.
        rows: Rows to act on.
        score: To pass on.
    """
    covariance = population.covariance
    groups = len(ROW_GROUPS)
    touched = groups_touched(rows)
    blocks = weights.reshape(groups, W_DIM)
    whole = blocks.sum(axis=0)
    spread = float(np.sqrt(whole @ covariance @ whole))
    blocks, whole = blocks / spread, whole / spread
    target = "\0own"
    table = {target: blocks.ravel()}
    natural_sd = {target: 1.0}
    same = []
    if readings.regressor is not None:
        linear = readings.regressor.linear.astype(np.float64).reshape(groups, W_DIM, -1)
        for k, name in enumerate(readings.regressor.names):
            total = linear[:, :, k].sum(axis=0)
            sd = float(np.sqrt(total @ covariance @ total))
            if abs(total @ covariance @ whole) >= SAME_THING * sd:
                same.append(name)
                continue
            table[name] = linear[:, :, k].ravel()
            natural_sd[name] = sd
    within = np.zeros((groups, W_DIM, groups, W_DIM))
    for group in np.flatnonzero(touched):
        within[group, :, group, :] = covariance
    step = solve_direction(
        target, table, within.reshape(groups * W_DIM, -1),
        held=[name for name in table if name != target], hold=HOLD, spread=natural_sd,
    )  # fmt: skip
    acting = np.flatnonzero(touched)
    vector = spread_groups(step.reshape(groups, W_DIM)).astype(np.float32)
    per_row = spread_groups(blocks / _ROWS[:, None]).astype(np.float32)
    centred = (population.w - population.mean) @ whole
    low, high = (round(float(np.percentile(centred, q)), 3) for q in NATURAL_PERCENTILES)
    return Learned(
        vector=vector, weights=per_row, bias=-float(population.mean @ whole),
        natural=(low, high), rows=(ROW_GROUPS[acting[0]][0], ROW_GROUPS[acting[-1]][1]),
        score=score, moves=what_it_moves(vector, population, readings), same=tuple(same),
    )  # fmt: skip


def held_out_score(features: Features, x: np.ndarray, y: np.ndarray) -> float:
    """Area under the ROC curve on examples left out, the mean of REPEATS rounds of FOLDS."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import RepeatedStratifiedKFold

    has = y > 0
    folds = min(FOLDS, int(has.sum()), int((~has).sum()))
    rounds = RepeatedStratifiedKFold(n_splits=folds, n_repeats=REPEATS, random_state=FOLD_SEED)
    scores = [
        roc_auc_score(has[out], x[out] @ features.fit(x[known], y[known]))
        for known, out in rounds.split(x, has)
    ]
    return float(np.mean(scores))


def checked_rows(rows: tuple[int, int]) -> tuple[int, int]:
    """Rows to act on, if they are such.

    Raises:
        UsageError: they are not.
    """
    first, last = rows
    if not 0 <= first < last <= NUM_WS:
        raise UsageError(
            f"Rows are given as first:end from 0:{NUM_WS}, e.g. 0:8, got {first}:{last}."
        )
    return int(first), int(last)


def _examples(
    has: Sequence[np.ndarray], has_not: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean rows of the groups, [N, 6 * 512], and +1 or -1, [N]."""
    if min(len(has), len(has_not)) < FEWEST or max(len(has), len(has_not)) > MOST:
        raise UsageError(
            f"A dial needs {FEWEST} to {MOST} faces that have it and as many that have it not "
            f"(about {ADVISED} of each are good), got {len(has)} and {len(has_not)}."
        )
    faces = np.stack([as_w_plus(face, what="The example") for face in (*has, *has_not)])
    both = {face.tobytes() for face in faces[: len(has)]}
    both &= {face.tobytes() for face in faces[len(has) :]}
    if both:
        raise UsageError(
            f"{len(both)} of the examples {'is' if len(both) == 1 else 'are'} among both those "
            "that have it and those that have it not; leave each on one side."
        )
    y = np.r_[np.ones(len(has)), -np.ones(len(has_not))]
    return group_means(faces).reshape(len(faces), -1).astype(np.float64), y
