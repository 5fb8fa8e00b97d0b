"""Targets and locks: set dials to absolute values while others stay where they are.

What is asked of a dial is the difference between its target and its present reading; a lock asks
for the difference to the reading it holds, mostly 0. `DialSet.apply` finds the face; here the
request is checked before, and after it whether readings did come where they should.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from facegen.directions.solver import IDENTITY
from facegen.editing.dial_set import DialSet
from facegen.errors import OutOfRangeError, UsageError

__all__ = ["IDENTITY", "Solution", "solve_targets"]
MISS_SD = 0.35


@dataclass(frozen=True)
class Solution:
    """What to add to the dials, and where that is predicted to lead.

    Attributes:
        deltas: Dial -> change in its unit, wanted and locked dials only; a locked one that is
            where it should be has 0, and `IDENTITY` always.
        predicted: Dial -> reading afterwards, in its unit, all dials.
    """

    deltas: dict[str, float]
    predicted: dict[str, float]


def solve_targets(
    dials: DialSet,
    w_plus: np.ndarray,
    targets: Mapping[str, float],
    locks: Collection[str] = (),
    *,
    keep: Mapping[str, float] | None = None,
) -> Solution:
    """Find the dial changes that bring readings to `targets` and keep those of `locks`.

    Args:
        dials: The dials of the face's space.
        w_plus: The face as it is, [18, 512].
        targets: Dial -> wanted reading, in the dial's unit.
        locks: Dials whose reading must not move; IDENTITY keeps the person.
        keep: Reading at which a lock holds its dial, if not the present one.

    Raises:
        UnknownDialError: no such dial.
        UsageError: a dial is both wanted and locked, or a target is not a finite number.
        OutOfRangeError: a target lies outside the safe range, or the locks leave no way there.
    """
    check_targets(dials, targets, locks)
    now = dials.read(w_plus)
    goal = {**now, **(keep or {}), **targets}
    held = [name for name in dict.fromkeys(locks) if name != IDENTITY]
    deltas = {name: float(goal[name] - now[name]) for name in (*targets, *held)}
    if IDENTITY in locks:
        deltas[IDENTITY] = 0.0
    predicted = dials.read(dials.apply(w_plus, deltas))
    require_reached(dials, predicted, {name: goal[name] for name in (*targets, *held)})
    return Solution(deltas, predicted)


def check_targets(dials: DialSet, targets: Mapping[str, float], locks: Collection[str]) -> None:
    """Refuse what cannot be meant; raises as `solve_targets`."""
    for name in locks:
        if name != IDENTITY:
            dials.spec(name)
    for name, value in targets.items():
        low, high = dials.spec(name).safe
        if name in locks:
            raise UsageError(f"{name} is locked and asked to move; drop the lock or the target.")
        if not np.isfinite(value):
            raise UsageError(f"The target of {name} must be a finite number, got {value}.")
        if not low <= value <= high:
            raise OutOfRangeError(
                f"{name} can be set from {low:.1f} to {high:.1f} ({dials.spec(name).unit}), got "
                f"{value:g}."
            )


def require_reached(
    dials: DialSet, predicted: Mapping[str, float], goal: Mapping[str, float]
) -> None:
    """Raise OutOfRangeError if a reading misses its goal by more than MISS_SD."""
    miss = {
        name: abs(predicted[name] - value) / dials.spec(name).unit_per_sd
        for name, value in goal.items()
    }
    worst = max(miss, key=lambda name: miss[name], default=None)
    if worst is not None and miss[worst] > MISS_SD:
        raise OutOfRangeError(
            f"The targets and locks contradict each other (at {worst}): on this face they cannot "
            "all be met. Drop a lock, or ask for less."
        )
