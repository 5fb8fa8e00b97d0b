"""Close the loop on the picture: where a reading misses, look, and ask for more or less.

Readings predict the picture's measurement well but not exactly, and traits with a threshold
(a beard, glasses) jump. The edit is rendered and measured, and what is asked of the dial is
corrected: at first by what was missed, then by the secant through what was seen. Only what was
asked for is corrected; to chase the measured side effects as well was tried, and made things
worse (the noise of fifty classifiers moves the face, descriptor distance 0.26 -> 0.38).

Of all tries the best is kept: the one that misses the fewest wishes, then the nearest; never one
that leaves the region of faces. So a correction can only help, and what cannot be reached does not
cost what can. Where a try is worse than the best, too much was asked at once, and half the way
from the best is tried next. What is there or not (glasses, grey hair) is met where the classifier
answers as asked, however much of it there is. A few corrections are always worth it, more of them
only as long as a wish is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from facegen.directions.solver import IDENTITY
from facegen.editing.targets import MISS_SD, miss_sd
from facegen.operations import told
from facegen.protocols import Moves

USUAL_ROUNDS, MAX_ROUNDS = 3, 7
"""Corrections at most where every wish is met, and where one is missed."""
CLOSE_ENOUGH_SD = 0.12
FURTHEST_SD = 4.5
LONGEST_CORRECTION_SD = 2.0
SLOPES = (0.35, 4.0)
TOO_LITTLE_COSTS = 2.0
NEARNESS_COUNTS = 0.2
"""How much of a wish being met or not the way there counts: ties are broken by it."""
ALL_MET_BELOW = 1.0
"""A cost below this: every wish counts 1 where it is missed. Nearness of up to five is less."""
WORSE_BY = 0.05
"""By so much more a try costs than the best one before the way back to that is tried."""
LESS = 0.6
"""Where no face is seen, so much of what was asked is tried next."""
LEAST_NATURAL = 1.0
"""Per cent, see `Natural.naturalness`: further out a try is not taken, unless it began there."""

CARRIED_SD = 1.2
"""An edit of this size carries along half of what its start was measured to be off."""

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


@dataclass(frozen=True)
class Wish:
    """One thing that is asked for, counted in standard deviations from where the face began.

    Attributes:
        change: How far it is to move.
        tolerance: How near counts as met.
        yes_from: The change from which the thing is there; None for what is a matter of degree.
    """

    change: float
    tolerance: float = MISS_SD
    yes_from: float | None = None

    def is_met(self, moved: float) -> bool:
        """Whether a change seen on a picture is what was asked."""
        if self.yes_from is not None:
            return (self.change >= self.yes_from) == (moved >= self.yes_from)
        return abs(moved - self.change) <= self.tolerance

    def cost(self, moved: float) -> float:
        """How bad it is that this change is seen instead: from 0 to 1 and a little.

        A wish that is missed counts 1; besides, and to tell misses apart, the distance counts. An
        edit that falls short is further off than one that goes too far.
        """
        falls_short = abs(moved) < abs(self.change) or moved * self.change < 0
        seen = abs(moved - self.change) * (TOO_LITTLE_COSTS if falls_short else 1.0)
        near = NEARNESS_COUNTS * seen**2 / (seen**2 + self.tolerance**2)
        return float(not self.is_met(moved)) + near


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
        rounds: Corrections at most, as long as a wish is missed; USUAL_ROUNDS where all are met.
        predicted: Dial -> value predicted on the base, in units; with it the first try counts on
            no more of what the base was measured to be off than an edit carries along.
        gains: Dial -> how many times as much is asked at first, where `asked` does not tell.

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
        predicted: Mapping[str, float] | None = None,
        gains: Mapping[str, float] | None = None,
    ) -> None:
        self._dials, self._base, self._before = dials, base, before
        self._asked = {**(fixed or {}), **wanted}
        self._asked |= {name: asked[name] for name in wanted if asked and name in asked}
        self._natural = natural or (lambda w_plus: 100.0)
        self._rounds = rounds
        self._looks = 0
        self._unit = {name: dials.spec(name).unit_per_sd for name in wanted if name != IDENTITY}
        self._wishes = {
            name: wish(dials.spec(name), wanted[name], before[name]) for name in self._unit
        }
        if predicted is not None and asked is None:
            lost = 1 - carried_share(one.change for one in self._wishes.values())
            for name, one in self._wishes.items():
                if one.change:
                    self._asked[name] += lost * (before[name] - predicted[name])
        if asked is None:
            for name, gain in (gains or {}).items():
                if name in self._unit:
                    self._asked[name] *= gain
        self._tries: dict[str, list[tuple[float, float]]] = {name: [] for name in self._unit}
        self._is_half_way = False
        self._asked = {name: told(change) for name, change in self._asked.items()}
        self.w_plus = dials.apply(base, self._asked)
        self._least = min(LEAST_NATURAL, self._natural(self.w_plus))
        self.outcome = Outcome(self.w_plus, dict(self._asked), {}, 0)
        self.done = not any(one.change for one in self._wishes.values())

    @property
    def asked(self) -> Mapping[str, float]:
        """Dial -> change that leads from the base to `w_plus`, in units."""
        return self._asked

    @property
    def looks(self) -> int:
        """How many pictures were looked at."""
        return self._looks

    def saw(self, found: Mapping[str, float] | None) -> None:
        """Tell what was measured on the picture of `w_plus`; None if no face was seen.

        Where no face was seen on any picture yet, less of everything is tried next.
        """
        cost, worst = np.inf, np.inf
        if found is not None:
            moved = {
                name: (found[name] - self._before[name]) / unit for name, unit in self._unit.items()
            }
            for name, change in moved.items():
                self._tries[name].append((self._asked[name] / self._unit[name], change))
            if self._natural(self.w_plus) >= self._least:
                cost = sum(one.cost(moved[name]) for name, one in self._wishes.items())
                worst = max(abs(one.change - moved[name]) for name, one in self._wishes.items())
        best = self.outcome.cost
        if found is not None and cost < best:
            self.outcome = Outcome(self.w_plus, dict(self._asked), dict(found), self._looks, cost)
        self._looks += 1
        is_met = self.outcome.cost < ALL_MET_BELOW
        rounds = min(self._rounds, USUAL_ROUNDS) if is_met else self._rounds
        self.done = worst <= CLOSE_ENOUGH_SD or self._looks > rounds
        if not self.done:
            self._try_next(is_worse=cost > best + WORSE_BY)

    def _try_next(self, *, is_worse: bool) -> None:
        """Ask for less, half way back to the best, or what the tries so far suggest."""
        self._is_half_way = is_worse and not self._is_half_way
        if not np.isfinite(self.outcome.cost):  # No face was seen yet.
            self._asked |= {name: LESS * self._asked[name] for name in self._unit}
        elif self._is_half_way:
            for name, asked in self.outcome.asked.items():
                self._asked[name] = (asked + self._asked[name]) / 2
        else:
            for name, unit in self._unit.items():
                self._asked[name] = unit * next_try(self._wishes[name].change, self._tries[name])
        self._asked = {name: told(change) for name, change in self._asked.items()}
        self.w_plus = self._dials.apply(self._base, self._asked)


def carried_share(changes: Iterable[float]) -> float:
    """How much of what a face is measured to be off its prediction is still there after an edit.

    Small edits keep nearly all of it, large ones little: docs/notes/natural.md.

    Args:
        changes: That are asked for, in standard deviations.
    """
    size = float(np.sqrt(sum(change**2 for change in changes)))
    return 1 / (1 + size / CARRIED_SD)


def wish(spec: Any, change: float, before: float) -> Wish:
    """What is asked of a dial as a wish.

    Args:
        spec: The dial's numbers.
        change: In its unit; 0 is a lock, which is held by its number.
        before: Where it was measured to stand.
    """
    unit, since = spec.unit_per_sd, spec.yes_from if change else None
    return Wish(change / unit, miss_sd(spec), None if since is None else (since - before) / unit)


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
    predicted: Mapping[str, float] | None = None,
    gains: Mapping[str, float] | None = None,
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
        predicted: As for `Loop`.
        gains: As for `Loop`.
    """
    loop = Loop(
        dials, base, wanted, before, fixed=fixed, asked=asked, natural=natural, rounds=rounds,
        predicted=predicted, gains=gains,
    )  # fmt: skip
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
