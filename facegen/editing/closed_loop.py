"""Close the loop on the picture: where a reading misses, look, and ask for more or less.

Readings predict the picture's measurement well but not exactly, and traits with a threshold
(a beard, glasses) jump. The edit is rendered and measured, and what is asked of the dial is
corrected: at first by what was missed, then by the secant through what was seen. Only what was
asked for is corrected; to chase the measured side effects as well was tried, and made things
worse (the noise of fifty classifiers moves the face, descriptor distance 0.26 -> 0.38).

Of all tries the best is kept: the one that misses the fewest wishes, then the nearest; never one
that leaves the region of faces. So a correction can only help, and what cannot be reached does not
cost what can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facegen.directions.solver import IDENTITY
from facegen.editing.targets import MISS_SD
from facegen.protocols import Moves

MAX_ROUNDS = 3
CLOSE_ENOUGH_SD = 0.12
FURTHEST_SD = 4.5
LONGEST_CORRECTION_SD = 2.0
SLOPES = (0.35, 4.0)
TOO_LITTLE_COSTS = 2.0
NEARNESS_COUNTS = 0.2
"""How much of a wish being met or not the way there counts: ties are broken by it."""
ALL_MET_BELOW = 1.0
"""A cost below this: every wish counts 1 where it is missed. Nearness of up to five is less."""
LEAST_NATURAL = 1.0
"""Per cent, see `Natural.naturalness`: further out a try is not taken, unless it began there."""

See = Callable[[np.ndarray], Mapping[str, float] | None]
"""Renders and measures a w_plus: dial -> value in its unit; None if no face is seen."""
Naturalness = Callable[[np.ndarray], float]
"""How natural a w_plus is, 0 to 100; `facegen.editing.dial_set.DialSet.naturalness`."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """Where the loop ended.

    Attributes:
        w_plus: The edited face, [18, 512].
        asked: Dial -> change to ask of the dials to get there, in units.
        measured: Dial -> value on the edited picture, in its unit; empty if nothing was seen.
        look: Which of the pictures looked at it is, counted from 0.
        cost: How bad it is: below 1 where every wish is met; infinite if nothing was seen.
    """

    w_plus: np.ndarray
    asked: dict[str, float]
    measured: dict[str, float]
    look: int
    cost: float = np.inf


class Loop:
    """One edit on its way: render and measure `w_plus`, tell it with `saw`, until `done`.

    Args:
        dials: Of the face's space.
        base: The face, [18, 512].
        wanted: Dial -> change of its measured value, in units; 0 is a lock.
        before: Dial -> value measured on the base.
        fixed: Dial -> change to ask for besides, in units; not corrected.
        asked: Dial -> change to ask of the dials at first, in units, where earlier corrections are
            known; what is wanted, if not.
        natural: Tells which tries leave the region of faces; None takes all.
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
        asked: Mapping[str, float] | None = None,
        natural: Naturalness | None = None,
        rounds: int = MAX_ROUNDS,
    ) -> None:
        self._dials, self._base, self._before = dials, base, before
        self._asked = {**(fixed or {}), **wanted}
        self._asked |= {name: asked[name] for name in wanted if asked and name in asked}
        self._natural = natural or (lambda w_plus: 100.0)
        self._looks_left = rounds + 1
        self._looks = 0
        self._unit = {name: dials.spec(name).unit_per_sd for name in wanted if name != IDENTITY}
        self._wanted = {name: wanted[name] / unit for name, unit in self._unit.items()}
        self._tries: dict[str, list[tuple[float, float]]] = {name: [] for name in self._unit}
        self._cost = np.inf
        self.w_plus = dials.apply(base, self._asked)
        self._least = min(LEAST_NATURAL, self._natural(self.w_plus))
        self.outcome = Outcome(self.w_plus, dict(self._asked), {}, 0)
        self.done = not any(self._wanted.values())

    def saw(self, found: Mapping[str, float] | None) -> None:
        """Tell what was measured on the picture of `w_plus`; None if no face was seen."""
        if found is None:
            self.done = True
            return
        cost, worst = 0.0, 0.0
        for name, unit in self._unit.items():
            moved = (found[name] - self._before[name]) / unit
            self._tries[name].append((self._asked[name] / unit, moved))
            cost += cost_of(self._wanted[name], moved)
            worst = max(worst, abs(self._wanted[name] - moved))
        if cost < self._cost and self._natural(self.w_plus) >= self._least:
            self._cost = cost
            self.outcome = Outcome(self.w_plus, dict(self._asked), dict(found), self._looks, cost)
        self._looks += 1
        self._looks_left -= 1
        self.done = worst <= CLOSE_ENOUGH_SD or not self._looks_left
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
    asked: Mapping[str, float] | None = None,
    natural: Naturalness | None = None,
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
        asked: As for `Loop`.
        natural: As for `Loop`.
        rounds: Corrections at most.
    """
    loop = Loop(
        dials, base, wanted, before, fixed=fixed, asked=asked, natural=natural, rounds=rounds
    )
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
    """How bad it is that a measured value moved by this instead: from 0 to 1 and a little.

    A miss of more than MISS_SD counts 1; within it, and to tell misses apart, the distance counts.
    An edit that falls short is further off than one that goes too far. In standard deviations.
    """
    off = abs(moved - wanted)
    seen = off * (TOO_LITTLE_COSTS if abs(moved) < abs(wanted) or moved * wanted < 0 else 1.0)
    return float(off > MISS_SD) + NEARNESS_COUNTS * seen**2 / (seen**2 + MISS_SD**2)
