"""Close the loop on the picture: where a reading misses, look, and ask for more or less.

Readings predict the picture's measurement well but not exactly, and traits with a threshold
(a beard, glasses) jump. The edit is rendered and measured, and what is asked of the dial is
corrected: at first by what was missed, then by the secant through what was seen. Only what was
asked for is corrected; to chase the measured side effects as well was tried, and made things
worse (the noise of fifty classifiers moves the face, descriptor distance 0.26 -> 0.38).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facegen.directions.solver import IDENTITY
from facegen.protocols import Moves

MAX_ROUNDS = 3
CLOSE_ENOUGH_SD = 0.12
FURTHEST_SD = 4.5
LONGEST_CORRECTION_SD = 2.0
SLOPES = (0.35, 4.0)
TOO_LITTLE_COSTS = 2.0

See = Callable[[np.ndarray], Mapping[str, float] | None]
"""Renders and measures a w_plus: dial -> value in its unit; None if no face is seen."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Where the loop ended.

    Attributes:
        w_plus: The edited face, [18, 512].
        asked: Dial -> change to ask of the dials to get there, in units.
        measured: Dial -> value on the edited picture, in its unit; empty if nothing was seen.
        look: Which of the pictures looked at it is, counted from 0.
    """

    w_plus: np.ndarray
    asked: dict[str, float]
    measured: dict[str, float]
    look: int


class Loop:
    """One edit on its way: render and measure `w_plus`, tell it with `saw`, until `done`.

    Args:
        dials: Of the face's space.
        base: The face, [18, 512].
        wanted: Dial -> change of its measured value, in units; 0 is a lock.
        before: Dial -> value measured on the base.
        fixed: Dial -> change to ask for besides, in units; not corrected.
        rounds: Corrections at most.

    Raises:
        UnknownDialError, UsageError, LatentError: as `DialSet.apply`.
    """

    def __init__(
        self,
        dials: Moves,
        base: np.ndarray,
        wanted: Mapping[str, float],
        before: Mapping[str, float],
        *,
        fixed: Mapping[str, float] | None = None,
        rounds: int = MAX_ROUNDS,
    ) -> None:
        self._dials, self._base, self._before = dials, base, before
        self._asked = {**(fixed or {}), **wanted}
        self._looks_left = rounds + 1
        self._looks = 0
        self._unit = {name: dials.spec(name).unit_per_sd for name in wanted if name != IDENTITY}
        self._wanted = {name: wanted[name] / unit for name, unit in self._unit.items()}
        self._tries: dict[str, list[tuple[float, float]]] = {name: [] for name in self._unit}
        self._cost = np.inf
        self.w_plus = dials.apply(base, self._asked)
        self.outcome = Outcome(self.w_plus, dict(self._asked), {}, 0)
        self.done = not any(self._wanted.values())

    def saw(self, found: Mapping[str, float] | None) -> None:
        """Tell what was measured on the picture of `w_plus`; None if no face was seen."""
        if found is None:
            self.done = True
            return
        costs = []
        for name, unit in self._unit.items():
            moved = (found[name] - self._before[name]) / unit
            self._tries[name].append((self._asked[name] / unit, moved))
            costs.append(cost_of(self._wanted[name], moved))
        # One target that cannot be reached must not keep the others from being better.
        if sum(costs) < self._cost:
            self._cost = sum(costs)
            self.outcome = Outcome(self.w_plus, dict(self._asked), dict(found), self._looks)
        self._looks += 1
        self._looks_left -= 1
        self.done = max(costs) <= CLOSE_ENOUGH_SD or not self._looks_left
        if not self.done:
            for name, unit in self._unit.items():
                self._asked[name] = unit * next_try(self._wanted[name], self._tries[name])
            self.w_plus = self._dials.apply(self._base, self._asked)


def reach(
    dials: Moves,
    base: np.ndarray,
    wanted: Mapping[str, float],
    before: Mapping[str, float],
    see: See,
    *,
    fixed: Mapping[str, float] | None = None,
    rounds: int = MAX_ROUNDS,
) -> Outcome:
    """Move measured values by `wanted`, looking at the picture after each try.

    Args:
        dials: Of the face's space.
        base: The face, [18, 512].
        wanted: Dial -> change of its measured value, in units; 0 is a lock.
        before: Dial -> value measured on the base.
        see: Renders and measures.
        fixed: Dial -> change to ask for besides, in units; not corrected.
        rounds: Corrections at most.
    """
    loop = Loop(dials, base, wanted, before, fixed=fixed, rounds=rounds)
    while not loop.done:
        loop.saw(see(loop.w_plus))
    return loop.outcome


def next_try(wanted: float, tries: Sequence[tuple[float, float]]) -> float:
    """What to ask for next, in standard deviations.

    Args:
        wanted: Change wanted on the picture.
        tries: (asked, moved) so far, at least one.
    """
    asked, moved = min(tries, key=lambda one: abs(wanted - one[1]))
    slope = 1.0
    if len(tries) > 1:
        # The other end: the nearest try on the far side of what is wanted, else the next nearest.
        others = [one for one in tries if one != (asked, moved)]
        across = [one for one in others if (one[1] - wanted) * (moved - wanted) < 0]
        other = min(across or others, key=lambda one: abs(one[0] - asked), default=None)
        if other is not None and abs(other[0] - asked) > 1e-6:
            slope = float(np.clip((moved - other[1]) / (asked - other[0]), *SLOPES))
    step = float(np.clip((wanted - moved) / slope, -LONGEST_CORRECTION_SD, LONGEST_CORRECTION_SD))
    return float(np.clip(asked + step, -FURTHEST_SD, FURTHEST_SD))


def cost_of(wanted: float, moved: float) -> float:
    """How bad a result is: an edit that falls short counts twice one that goes too far."""
    if not wanted:
        return abs(moved)
    miss = (moved - wanted) * np.sign(wanted)
    return float(miss if miss >= 0 else -TOO_LITTLE_COSTS * miss)
