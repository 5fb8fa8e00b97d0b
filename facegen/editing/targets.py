"""Targets beside locks: what to ask of the dials so that they read what is wanted.

The app, the command line and Python all come through here. A *goal* is a reading that a dial
shall have: a target, or the reading at which a lock holds it. `DialSet.apply` takes changes since
the base of a face (a change of 0 holds its dial firmly, and "identity" with 0 the person), so
`plan` turns goals into differences to the readings of the base. `check_targets` refuses a request
before it is solved; `require_reached` and `require_locks` compare the readings with the goals
afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from facegen.controls import NOTHING_BETWEEN
from facegen.editing.locks import IDENTITY, Locks
from facegen.errors import OutOfRangeError, UsageError
from facegen.protocols import Dials, Moves

MISS_SD = 0.35
"""A goal counts as met within so many standard deviations of its dial."""
MISS_UNITS = {"years": 4.0, "deg": 3.0}
"""On a picture, goals in these units count as met within so much."""
STUCK = 0.6
"""Beside locks, a dial that was turned may fall short by up to this share of its way."""
SHARES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25)
FURTHEST_RMS = 0.3
"""Of a latent's numbers; where many dials move further at once, faces fall apart."""

Edited = TypeVar("Edited")


@dataclass(frozen=True)
class Plan:
    """What to ask of the dials.

    Attributes:
        deltas: Dial -> change since the base, in its unit; locked dials too.
        goals: Dial -> the reading it shall have, in its unit: targets and locks.
    """

    deltas: dict[str, float]
    goals: dict[str, float]


@dataclass(frozen=True, eq=False)
class Solution:
    """A plan and where it leads.

    Attributes:
        w_plus: The edited face, [18, 512].
        deltas: As in `Plan`.
        predicted: Dial -> reading afterwards, in its unit, all dials.
    """

    w_plus: np.ndarray
    deltas: dict[str, float]
    predicted: dict[str, float]


def plan(
    base: Mapping[str, float],
    deltas: Mapping[str, float],
    targets: Mapping[str, float],
    locks: Locks,
    *,
    resets: Collection[str] = (),
) -> Plan:
    """Turn goals into changes since the base.

    Args:
        base: Dial -> reading of the base, in its unit.
        deltas: Dial -> change asked for so far, in its unit; it stays where nothing else is said.
        targets: Dial -> wanted reading. What is locked is not moved.
        locks: What to hold.
        resets: Dials to put back to the base; what is locked stays.
    """
    free = {name: value for name, value in targets.items() if name not in locks.held}
    goals = {**locks.held, **free}
    asked = {name: delta for name, delta in deltas.items() if name not in resets}
    asked |= {name: float(value - base[name]) for name, value in goals.items()}
    if locks.identity:
        asked[IDENTITY] = 0.0
    return Plan(asked, goals)


def solve_targets(
    dials: Dials,
    base: np.ndarray,
    targets: Mapping[str, float],
    locks: Locks | Collection[str] = (),
    *,
    deltas: Mapping[str, float] | None = None,
) -> Solution:
    """Move a face until its readings are the targets and the locked ones are where they were.

    Args:
        dials: The dials of the face's space.
        base: The face before any dial, [18, 512].
        targets: Dial -> wanted reading, in the dial's unit.
        locks: What must not move; names (IDENTITY is the person) hold the readings of `base`.
        deltas: Dial -> change asked for besides, since the base, in its unit.

    Raises:
        UnknownDialError: no such dial.
        UsageError: a dial is both wanted and locked, or a target is not a finite number.
        OutOfRangeError: a target lies outside the safe range, or the locks leave no way there.
    """
    check_targets(dials, targets, locks.held if isinstance(locks, Locks) else locks)
    own = dials.read(base)
    held = locks if isinstance(locks, Locks) else Locks.of(locks, own)
    planned = plan(own, deltas or {}, targets, held)
    w_plus = dials.apply(base, planned.deltas)
    predicted = dials.read(w_plus)
    require_reached(dials, predicted, planned.goals)
    return Solution(w_plus, planned.deltas, predicted)


def check_targets(dials: Dials, targets: Mapping[str, float], locks: Collection[str]) -> None:
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


def misses_sd(
    dials: Dials, readings: Mapping[str, float], goals: Mapping[str, float]
) -> dict[str, float]:
    """How far each reading is from its goal: dial -> standard deviations."""
    return {
        name: abs(readings[name] - value) / dials.spec(name).unit_per_sd
        for name, value in goals.items()
    }


def miss_sd(spec: Any) -> float:
    """How near a dial's value on a picture must come to count as met, in standard deviations."""
    if spec.unit in MISS_UNITS:
        return float(MISS_UNITS[spec.unit] / spec.unit_per_sd)
    return MISS_SD


def is_answered(dials: Moves, name: str, asked: float, seen: float | None) -> bool:
    """Whether this is a thing that is there or not, and the picture has it, or not, as asked."""
    since = dials.spec(name).yes_from if name in NOTHING_BETWEEN else None
    return since is not None and seen is not None and (asked >= since) == (seen >= since)


def missed_targets(
    dials: Moves, targets: Mapping[str, float], measured: Mapping[str, float]
) -> list[str]:
    """The targets that a picture does not meet, the worst first.

    Args:
        dials: Of the face's space.
        targets: Dial -> value in its unit.
        measured: Dial -> what the picture shows instead; dials that are not in it do not count.
    """
    misses = {
        name: abs(measured[name] - value) / dials.spec(name).unit_per_sd
        for name, value in targets.items()
        if name in measured and not is_answered(dials, name, value, measured[name])
    }
    worst_first = sorted(misses, key=lambda name: -misses[name])
    return [name for name in worst_first if misses[name] > miss_sd(dials.spec(name))]


def require_reached(
    dials: Dials, readings: Mapping[str, float], goals: Mapping[str, float]
) -> None:
    """Raise OutOfRangeError if a reading misses its goal by more than MISS_SD."""
    missed = misses_sd(dials, readings, goals)
    worst = max(missed, key=lambda name: missed[name], default=None)
    if worst is not None and missed[worst] > MISS_SD:
        raise OutOfRangeError(
            f"The targets and locks contradict each other (at {worst}): on this face they cannot "
            "all be met. Drop a lock, or ask for less."
        )


def require_locks(
    dials: Dials,
    readings: Mapping[str, float],
    goals: Mapping[str, float],
    locks: Locks,
    turns: Mapping[str, float],
) -> None:
    """Raise OutOfRangeError if a lock gives way, or hardly lets a dial move that was turned.

    Without locks everything passes: a dial that goes part of its way is still of use.

    Args:
        dials: Of the face's space.
        readings: Of the edited face.
        goals: Of its plan.
        locks: What is held.
        turns: Dial -> the change it was just asked for, in its unit.
    """
    if not locks:
        return
    missed = misses_sd(dials, readings, goals)
    lost = any(missed[name] > MISS_SD for name in locks.held)
    stuck = any(
        missed[name] > max(STUCK * abs(turn) / dials.spec(name).unit_per_sd, MISS_SD)
        for name, turn in turns.items()
    )
    if lost or stuck:
        raise OutOfRangeError(
            "What is locked leaves no way there, so the face stays as it was. Unlock something, "
            "or move the dial less far."
        )


def as_far_as_possible(
    dials: Dials,
    now: np.ndarray,
    targets: Mapping[str, float],
    locks: Locks,
    attempt: Callable[[Mapping[str, float]], tuple[Edited, np.ndarray]],
) -> Edited:
    """Send many dials to targets at once; where all of the way is too far, a part of it.

    Args:
        dials: Of the face's space.
        now: The face as it is, [18, 512].
        targets: Dial -> wanted reading; brought into the safe range. What is locked is not moved.
        locks: What is held.
        attempt: Makes an edit that leads to targets, and the face it gives; raises
            OutOfRangeError.

    Raises:
        OutOfRangeError: Not even a part of the way is possible.
    """
    readings = dials.read(now)
    wanted = {}
    for name, value in targets.items():
        if name in readings and name not in locks.held:
            low, high = dials.spec(name).safe
            wanted[name] = min(max(float(value), low), high)

    def part(share: float) -> dict[str, float]:
        return {
            name: readings[name] + share * (value - readings[name])
            for name, value in wanted.items()
        }

    for share in SHARES[:-1]:
        try:
            edited, w_plus = attempt(part(share))
        except OutOfRangeError:
            continue
        if np.sqrt(np.mean((w_plus - now) ** 2)) <= FURTHEST_RMS:
            return edited
    return attempt(part(SHARES[-1]))[0]


def natural_targets(
    dials: Dials, readings: Mapping[str, float], names: Collection[str]
) -> dict[str, float]:
    """Some readings of somebody, brought into the natural range."""
    targets = {}
    for name in names:
        if name in readings:
            low, high = dials.spec(name).natural
            targets[name] = min(max(readings[name], low), high)
    return targets
