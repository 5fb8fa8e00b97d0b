"""The mathematics of learning: readings, and directions that move one reading alone.

A reading is a ridge regression from w to a measurement. A change d of w moves reading j by
g_j . d. Among all d that move reading k by one unit, the one wanted stays where faces are dense
(small Mahalanobis length d' S^-1 d, S being the covariance of w) and moves the held readings
little. With s_j^2 = g_j' S g_j it minimises

    d' S^-1 d + hold * sum_j (g_j . d)^2 / s_j^2      subject to  g_k . d = 1,

so d = M^-1 g_k / (g_k' M^-1 g_k), M = S^-1 + hold * sum_j g_j g_j' / s_j^2. With hold = 0 this
is S g / (g' S g); with hold to infinity it is the column of S G (G' S G)^-1. A finite `hold`
keeps forty correlated readings from giving wild vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from facegen.threads import one_blas_thread


def ridge(x: np.ndarray, y: np.ndarray, penalty: float, *, intercept: bool = False) -> np.ndarray:
    """Weights of ridge regressions, [D] for y [N], [D, K] for y [N, K].

    Args:
        x: [N, D].
        y: [N] or [N, K].
        penalty: Of the squared weights.
        intercept: Take the means of x and y away first.
    """
    # Imported here: it takes a second, and only learning needs it.
    from sklearn.linear_model import Ridge

    one_blas_thread()
    model = Ridge(alpha=penalty, fit_intercept=intercept, solver="cholesky")
    weights: np.ndarray = model.fit(x, y).coef_.T
    return weights


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
