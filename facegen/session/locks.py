"""Locks: what stays as it is while other dials move, and what is asked of the dials.

A lock holds a reading, the one its dial had when it was set, or when another face came in hand.
`DialSet.apply` finds the face for changes since its base; a change of 0 holds a dial, and
"identity" with 0 the person. So a dial at a reading, or held at one, is the difference to the
reading of the base.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from facegen.editing.targets import IDENTITY
from facegen.errors import OutOfRangeError
from facegen.session.edit_state import DELTA_DIGITS

PARTS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25)
FURTHEST_RMS = 0.3  # Of a latent's numbers; further at once, faces fall apart.
HOME = 2e-4  # A dial turned so near to where it came from (of its range) counts as put back.
MISS_SD = 0.35
STUCK = 0.6

Latent = Callable[[Mapping[str, float]], np.ndarray]


class Locks:
    """What one visitor has locked.

    Attributes:
        held: Dial -> the reading at which it is held, in its unit.
        identity: Whether the person stays the same person.
    """

    def __init__(self) -> None:
        self.held: dict[str, float] = {}
        self.identity = False

    def __bool__(self) -> bool:
        return bool(self.held) or self.identity

    def set(self, name: str, on: bool, readings: Mapping[str, float]) -> None:
        """Lock or unlock a dial or the identity; unknown names are ignored."""
        if name == IDENTITY:
            self.identity = on
        elif not on:
            self.held.pop(name, None)
        elif name in readings:
            self.held[name] = float(readings[name])

    def retake(self, readings: Mapping[str, float]) -> None:
        """Hold the readings of another face from now on."""
        self.held = {name: float(readings[name]) for name in self.held if name in readings}


def turned_deltas(
    dials: Any,
    latent: Latent,
    deltas: Mapping[str, float],
    moves: Mapping[str, float],
    resets: Collection[str],
    locks: Locks,
) -> dict[str, float]:
    """What to ask of the dials after some were turned to readings and others put back.

    Args:
        dials: A `facegen.editing.dial_set.DialSet`.
        latent: Gives the w_plus [18, 512] of the face with such deltas.
        deltas: Dial -> what is asked of it now, in its unit.
        moves: Dial -> wanted reading, in its unit. What is locked is not moved.
        resets: Dials to put back. What is locked stays.
        locks: What to hold.

    Raises:
        OutOfRangeError: What is locked leaves no way there.
    """
    own = dials.read(latent({}))
    after = {
        name: delta
        for name, delta in deltas.items()
        if delta and name not in locks.held and name not in resets
    }
    for name, value in moves.items():
        if name in locks.held or not math.isfinite(value):
            continue
        low, high = dials.spec(name).safe
        change = float(value) - own[name]
        if abs(change) < HOME * (high - low):
            after.pop(name, None)
        else:
            after[name] = change
    held = {name: round(value - own[name], DELTA_DIGITS) for name, value in locks.held.items()}
    if not any(after.values()) and not any(held.values()):
        return {}
    after |= held
    if locks.identity:
        after[IDENTITY] = 0.0
    wanted = {name: after[name] - deltas.get(name, 0.0) for name in moves if name in after}
    _require_held(dials, own, dials.read(latent(after)), after, wanted, locks)
    return after


def _require_held(
    dials: Any,
    own: Mapping[str, float],
    now: Mapping[str, float],
    after: Mapping[str, float],
    wanted: Mapping[str, float],
    locks: Locks,
) -> None:
    """Raise OutOfRangeError if a lock gives way, or what was turned hardly moves for the locks."""
    if not locks:
        return

    def missed(name: str) -> float:
        return abs(now[name] - own[name] - after[name])

    lost = any(missed(name) > MISS_SD * dials.spec(name).unit_per_sd for name in locks.held)
    stuck = any(
        missed(name) > max(STUCK * abs(change), MISS_SD * dials.spec(name).unit_per_sd)
        for name, change in wanted.items()
    )
    if lost or stuck:
        raise OutOfRangeError(
            "What is locked leaves no way there, so the face stays as it was. Unlock something, "
            "or move the dial less far."
        )


def aimed_deltas(
    dials: Any,
    latent: Latent,
    deltas: Mapping[str, float],
    targets: Mapping[str, float],
    locks: Locks,
) -> dict[str, float]:
    """As `turned_deltas` for many dials at once; where all of the way is too far, a part of it.

    Raises:
        OutOfRangeError: Not even a part of the way is possible.
    """
    now = dials.read(latent(deltas))
    wanted = {}
    for name, value in targets.items():
        if name in now and name not in locks.held:
            low, high = dials.spec(name).safe
            wanted[name] = min(max(float(value), low), high)
    start = latent(deltas)
    for part in PARTS:
        partly = {name: now[name] + part * (value - now[name]) for name, value in wanted.items()}
        try:
            after = turned_deltas(dials, latent, deltas, partly, (), locks)
        except OutOfRangeError:
            if part == PARTS[-1]:
                raise
            continue
        if part == PARTS[-1] or np.sqrt(np.mean((latent(after) - start) ** 2)) <= FURTHEST_RMS:
            return after
    return dict(deltas)


def natural_targets(
    dials: Any, readings: Mapping[str, float], names: Collection[str]
) -> dict[str, float]:
    """Some readings of somebody, brought into the natural range."""
    targets = {}
    for name in names:
        if name in readings:
            low, high = dials.spec(name).natural
            targets[name] = min(max(readings[name], low), high)
    return targets
