"""Edits by the plain directions of the dials alone, under a limit on how far a latent may go.

The rows of a dial move and no others, so coarse rows can be turned while colour and surface stay:
sweeps and expressions use this, and what docs/results/pose.md says was measured with it. Sums of
large edits leave the region of faces; for these there is `facegen.directions.solver`, which solves
the same task with one more way to move. The task and its weights are described there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facegen.directions.regressor import Regressor, gelu
from facegen.directions.solver import CAUTION, CAUTION_ASKED, IDENTITY, LONGEST_STEP, Settler

CAUTION_KEEPERS = 0.5
FURTHEST = 1.42
"""Of natural distances from the average w: of 30 edits looked at, those that broke went 1.5 or
more, and no other did."""
FURTHEST_OF_OWN = 1.12
ROUNDS = 12
FIRST_DAMPING = 3.0
GOOD_ENOUGH = 0.05


class PlainSettler(Settler):
    """Solves with the plain directions and the regressor's keepers."""

    def settle(
        self, w_plus: np.ndarray, asked: Mapping[str, float], *, person: np.ndarray | None = None
    ) -> np.ndarray:
        """The change to make.

        Args:
            w_plus: The face, [18, 512].
            asked: Dial -> change of its reading in standard deviations; 0 holds it firmly.
                IDENTITY -> 0 holds the person firmly.
            person: Who is to be held, [18, 512], if not the face itself.

        Returns:
            What to add to the w_plus, float64 [18, 512].
        """
        wanted = {name: change for name, change in asked.items() if name in self._index}
        start = self._regressor.contributions(np.asarray(w_plus)[None])[0]
        before = self._regressor.scores(start[None])[0]
        goal, weight = before.astype(np.float64), self._weights(wanted, IDENTITY in asked)
        if person is not None:
            theirs = self._regressor.contributions(np.asarray(person)[None])
            known = len(self._regressor.names)
            goal[known:] = self._regressor.scores(theirs)[0, known:]
        caution = np.full(len(self._steps), CAUTION)
        caution[len(self._names) :] = CAUTION_KEEPERS
        steps = np.zeros(len(self._steps))
        for name, change in wanted.items():
            k = self._index[name]
            goal[self._channels[k]] += change
            steps[k] = change
            caution[k] = CAUTION_ASKED
        best, damping = np.inf, 0.0
        tried = steps
        for _ in range(ROUNDS):
            here = start + tried.astype(np.float32) @ self._shares
            scores, slopes = _linearised(self._regressor, here, self._shares, self._entry)
            cost = float(weight @ (goal - scores) ** 2 + caution @ tried**2)
            if cost < best:
                close = best - cost < GOOD_ENOUGH
                best, steps, damping = cost, tried, damping / 5
                if close:
                    break
                weighted = weight[:, None].astype(np.float32) * slopes
                system = (slopes.T @ weighted).astype(np.float64) + np.diag(caution)
                push = weighted.T @ (goal - scores) - caution * steps
            else:  # a threshold was overrun: a shorter step from the best so far
                damping = max(damping * 5, FIRST_DAMPING)
            step = np.linalg.solve(system + damping * np.eye(len(steps)), push)
            tried = steps + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        shift: np.ndarray = np.tensordot(steps, self._steps.astype(np.float64), axes=1)
        return shift * self._room(np.asarray(w_plus, np.float64), shift)

    def _room(self, w_plus: np.ndarray, change: np.ndarray) -> float:
        """The share of a change, at most 1, that stays within the region of faces."""
        start = w_plus - self._regressor.origin
        limit = max(
            FURTHEST * float(self._regressor.radius[0]),
            FURTHEST_OF_OWN * float(np.linalg.norm(start)),
        )
        if np.linalg.norm(start + change) <= limit:
            return 1.0
        along, size = float(np.vdot(start, change)), float(np.vdot(change, change))
        inside = limit**2 - float(np.vdot(start, start))
        return (-along + np.sqrt(along**2 + size * inside)) / size

    def _weights(self, wanted: Mapping[str, float], same_person: bool) -> np.ndarray:
        """As the other solver's, with every number of the descriptor by itself, [K + 128]."""
        weight = super()._weights(wanted, same_person)
        known = len(self._regressor.names)
        person = float(weight[-1]) * self._regressor.spread[known:] ** 2
        return np.concatenate([weight[:known], person])


def _linearised(
    regressor: Regressor, contributions: np.ndarray, steps: np.ndarray, entry: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Standard scores at one latent, and their slopes along given steps.

    Args:
        regressor: Of the space.
        contributions: Of the latent, [6 (K + 128)].
        steps: `shares` of the steps, [S, 6 (K + 128)].
        entry: `steps @ w1`, [S, hidden]; the same for every latent.

    Returns:
        [K + 128] and [K + 128, S].
    """
    first, slope1 = gelu(contributions @ regressor.w1 + regressor.b1)
    second, slope2 = gelu(first @ regressor.w2 + regressor.b2)
    scores = second @ regressor.w3 + regressor.b3 + regressor.total(contributions[None])[0]
    inner = (entry * slope1) @ regressor.w2 * slope2
    return scores, (inner @ regressor.w3 + regressor.total(steps)).T
