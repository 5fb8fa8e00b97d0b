"""One step of Levenberg and Marquardt's method for `facegen.directions.solver`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve

LEAST_DAMPING = 0.02
LONGEST_STEP = 1.5


@dataclass(frozen=True, eq=False)
class Point:
    """A change: x [A], alike in all rows, and c, in steps."""

    x: np.ndarray
    c: np.ndarray


@dataclass(frozen=True, eq=False)
class System:
    """Least squares around a change, in x and c.

    by_x [R, A] and by_c [R, S] are the slopes of the readings; the rest is the quadratic cost of
    x and c themselves: [[own_x I, both], [both^T, own_c]], and how it pushes.
    """

    by_x: np.ndarray
    by_c: np.ndarray
    own_x: float
    both: np.ndarray
    own_c: np.ndarray
    push_x: np.ndarray
    push_c: np.ndarray
    miss: np.ndarray
    weight: np.ndarray

    def step(self, damping: float) -> tuple[Point, float]:
        """The step, and by how much it should lower the cost.

        Solved in the space of the R readings: fewer than the unknowns.
        """
        own_x = self.own_x * (1 + damping)
        schur = self.own_c + damping * np.diag(np.diag(self.own_c))
        schur = schur - (self.both.T @ self.both).astype(np.float64) / own_x
        right = self.by_c.T - self.both.T @ self.by_x.T / np.float32(own_x)
        free = self.push_c - self.both.T @ self.push_x.astype(np.float32) / own_x
        factor = cho_factor(schur, check_finite=False)
        to_c = cho_solve(factor, right, check_finite=False).astype(np.float32)
        c0 = cho_solve(factor, free, check_finite=False)
        to_x = (self.by_x.T - self.both @ to_c) / np.float32(own_x)
        x0 = (self.push_x - self.both @ c0.astype(np.float32)) / own_x
        system = (self.by_x @ to_x + self.by_c @ to_c).astype(np.float64)
        miss = self.miss - self.by_x @ x0 - self.by_c @ c0
        system[np.diag_indices_from(system)] += 1 / self.weight
        answer = solve(system, miss, assume_a="sym", check_finite=False)
        x = x0 + to_x @ answer
        c = np.clip(c0 + to_c @ answer, -LONGEST_STEP, LONGEST_STEP)
        left = self.miss - self.by_x @ x - self.by_c @ c
        own = self.own_x * (x @ x) + c @ self.own_c @ c + 2 * x @ (self.both @ c.astype(np.float32))
        gain = self.weight @ self.miss**2 - self.weight @ left**2 - own
        return Point(x, c), float(gain + 2 * (self.push_x @ x + self.push_c @ c))


def eased(damping: float, kept: float) -> float:
    """The next damping after a step that won `kept` times what it promised (Nielsen 1999)."""
    if damping > LEAST_DAMPING:
        return damping * float(np.clip(1 - (2 * kept - 1) ** 3, 0.2, 2.0))
    return 0.0 if kept > 0.5 else LEAST_DAMPING * 15
