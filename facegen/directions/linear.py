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

PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0)
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
        channel_mean, channel_sd: Of the channel over the faces.
        held_out: Cross-validated predictions, [N].
    """

    weights: np.ndarray
    offset: float
    score: float
    error: float
    channel_mean: float
    channel_sd: float
    held_out: np.ndarray


def fit_readings(
    w: np.ndarray, w_mean: np.ndarray, channels: Mapping[str, np.ndarray]
) -> dict[str, Reading]:
    """Fit all channels, each with its own penalty.

    Args:
        w: [N, 512].
        w_mean: [512].
        channels: Name -> [N], finite.
    """
    names = list(channels)
    x = (w - w_mean).astype(np.float64)
    y = np.stack([channels[name] for name in names], axis=1).astype(np.float64)
    if len(x) < MIN_SAMPLES or not np.isfinite(y).all():
        raise ValueError(f"{len(x)} faces are too few to learn from, or a channel has gaps")
    folds = np.random.RandomState(FOLD_SEED).randint(0, FOLDS, len(x))
    held_out = np.empty((len(PENALTIES), *y.shape))
    for fold in range(FOLDS):
        train = folds != fold
        for index, (weights, offset) in enumerate(ridge(x[train], y[train], PENALTIES)):
            held_out[index, ~train] = x[~train] @ weights + offset
    fits = ridge(x, y, PENALTIES)
    readings = {}
    for k, name in enumerate(names):
        scores = [np.corrcoef(held_out[i, :, k], y[:, k])[0, 1] for i in range(len(PENALTIES))]
        i = int(np.argmax(scores))
        weights, offset = fits[i]
        readings[name] = Reading(
            weights[:, k], float(offset[k]), float(scores[i]),
            float(np.abs(held_out[i, :, k] - y[:, k]).mean()),
            float(y[:, k].mean()), float(y[:, k].std()), held_out[i, :, k],
        )  # fmt: skip
    return readings


def ridge(
    x: np.ndarray, y: np.ndarray, penalties: Sequence[float]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Ridge regressions with an offset, one per penalty.

    Args:
        x: [N, D].
        y: [N, K].
        penalties: In units of the mean eigenvalue of x'x.

    Returns:
        Weights [D, K] and offset [K] for each penalty.
    """
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    values, vectors = np.linalg.eigh((x - x_mean).T @ (x - x_mean))
    projected = vectors.T @ ((x - x_mean).T @ (y - y_mean))
    fits = []
    for penalty in penalties:
        shrunk = projected / (values + penalty * values.mean())[:, None]
        weights = vectors @ shrunk
        fits.append((weights, y_mean - x_mean @ weights))
    return fits


def solve_direction(
    target: str,
    readings: Mapping[str, np.ndarray],
    covariance: np.ndarray,
    *,
    held: Sequence[str],
    hold: float,
    spread: Mapping[str, float] | None = None,
) -> np.ndarray:
    """The change of w, [D], that raises one reading by 1 and keeps the held ones.

    Args:
        target: Name of the reading to move.
        readings: Name -> weights [D].
        covariance: Of w, [D, D]; where it is zero nothing moves.
        held: Names of readings to keep; the target's own name is left out.
        hold: How hard to keep them; see the module.
        spread: Natural standard deviation s_j of the readings, if not that under `covariance`.
    """
    g = readings[target]
    columns = [readings[name] for name in held if name != target]
    base = covariance @ g
    if not columns or hold <= 0:
        return base / (g @ base)
    h = np.stack(columns, axis=1)
    sh = covariance @ h
    h_cov = h.T @ sh
    s_squared = np.diag(h_cov)
    if spread is not None:
        s_squared = np.array([spread[name] ** 2 for name in held if name != target])
    scale = np.diag(s_squared) / hold
    # Woodbury: M^-1 = S - S H (s^2 / hold + H' S H)^-1 H' S.
    d = base - sh @ np.linalg.solve(scale + h_cov, h.T @ base)
    return d / (g @ d)
