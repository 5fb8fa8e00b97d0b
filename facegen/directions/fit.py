"""The mathematics of learning: ridge readings, and directions that move one reading alone.

Readings: for each channel k a ridge regression w -> y_k on w minus its mean, with the penalty
chosen by 5-fold cross-validation.

Directions: a change d of w moves reading j by g_j . d. Among all d that move reading k by one
unit, the one wanted stays where faces are dense (small Mahalanobis length d' S^-1 d, S being the
covariance of w) and moves the held readings little. With s_j^2 = g_j' S g_j it minimises

    d' S^-1 d + hold * sum_j (g_j . d)^2 / s_j^2      subject to  g_k . d = 1,

so d = M^-1 g_k / (g_k' M^-1 g_k), M = S^-1 + hold * sum_j g_j g_j' / s_j^2. With hold = 0 this
is S g / (g' S g); with hold to infinity it is the column of S G (G' S G)^-1. A finite `hold`
keeps forty correlated readings from giving wild vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
FOLDS = 5
FOLD_SEED = 0
MIN_SAMPLES = 50


@dataclass(frozen=True, eq=False)
class Reading:
    """A linear reading of w: value = (w - w_mean) . weights + offset.

    Attributes:
        weights: float64 [512], in the channel's unit.
        offset: Value at the mean w.
        score: Cross-validated correlation with the channel.
        error: Cross-validated mean absolute error, in the channel's unit.
        auc: Cross-validated area under the ROC curve, for channels of two values; else None.
        channel_sd: Standard deviation of the channel.
        samples: Number of faces it was fitted on.
        held_out: Cross-validated predictions, [N], NaN where the channel is.
    """

    weights: np.ndarray
    offset: float
    score: float
    error: float
    auc: float | None
    channel_sd: float
    samples: int
    held_out: np.ndarray


def fit_reading(w: np.ndarray, w_mean: np.ndarray, values: np.ndarray) -> Reading:
    """Fit one channel.

    Args:
        w: [N, 512].
        w_mean: [512].
        values: [N], NaN where unknown.
    """
    known = np.isfinite(values)
    x, y = (w[known] - w_mean).astype(np.float64), values[known].astype(np.float64)
    if len(y) < MIN_SAMPLES or np.ptp(y) == 0:
        raise ValueError(f"{len(y)} faces are too few to learn from, or all are alike")
    folds = np.random.RandomState(FOLD_SEED).randint(0, FOLDS, len(values))[known]
    best: tuple[float, float, np.ndarray] | None = None
    for penalty in PENALTIES:
        predicted = np.empty_like(y)
        for fold in range(FOLDS):
            train = folds != fold
            weights, offset = ridge(x[train], y[train], penalty)
            predicted[~train] = x[~train] @ weights + offset
        score = float(np.corrcoef(predicted, y)[0, 1])
        if best is None or score > best[0]:
            best = (score, penalty, predicted)
    assert best is not None
    score, penalty, predicted = best
    weights, offset = ridge(x, y, penalty)
    held_out = np.full(len(values), np.nan)
    held_out[known] = predicted
    two = len(np.unique(y)) == 2
    return Reading(
        weights, offset, score, float(np.abs(predicted - y).mean()),
        area_under_curve(predicted, y > y.mean()) if two else None,
        float(y.std()), len(y), held_out,
    )  # fmt: skip


def ridge(x: np.ndarray, y: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Ridge regression with an offset.

    Args:
        x: [N, D].
        y: [N].
        penalty: In units of the mean squared length of x per sample.

    Returns:
        Weights [D], offset.
    """
    x_mean, y_mean = x.mean(axis=0), float(y.mean())
    x = x - x_mean
    gram = x.T @ x
    # The trace scales with N; 0.03 .. 10 of the mean eigenvalue covers what was ever chosen.
    gram[np.diag_indices_from(gram)] += penalty * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram, x.T @ (y - y_mean))
    return weights, y_mean - float(x_mean @ weights)


def solve_direction(
    target: str,
    readings: Mapping[str, np.ndarray],
    covariance: np.ndarray,
    *,
    held: Sequence[str],
    hold: float,
) -> np.ndarray:
    """The change of w, [512], that raises one reading by 1 and keeps the held ones.

    Args:
        target: Name of the reading to move.
        readings: Name -> weights [512].
        covariance: Of w, [512, 512].
        held: Names of readings to keep; the target's own name is left out.
        hold: How hard to keep them; see the module.
    """
    g = readings[target]
    columns = [readings[name] for name in held if name != target]
    base = covariance @ g
    if not columns or hold <= 0:
        return base / (g @ base)
    h = np.stack(columns, axis=1)
    sh = covariance @ h
    h_cov = h.T @ sh
    scale = np.diag(np.diag(h_cov)) / hold
    # Woodbury: M^-1 = S - S H (s^2 / hold + H' S H)^-1 H' S.
    d = base - sh @ np.linalg.solve(scale + h_cov, h.T @ base)
    return d / (g @ d)


def area_under_curve(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the share of pairs that the scores put in the right order."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    n_positive = int(positive.sum())
    n_negative = len(scores) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    return float(
        (ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative)
    )
