"""Locks: what stays as it is while other dials move, and the one way from dials to the solver.

A lock holds a reading, the one its dial had when it was set, or when another face came in hand.
The identity has no reading; the solver holds it by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from facegen.editing import solve
from facegen.errors import FacegenError, OutOfRangeError

IDENTITY: str | None = getattr(solve, "IDENTITY", None)
"""The name under which the solver holds the identity; None while it cannot."""


PARTS = (1.0, 0.8, 0.6, 0.4, 0.25)
HOME = 2e-4  # A dial turned so near to where it came from (of its range) counts as put back.


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

    @property
    def names(self) -> tuple[str, ...]:
        """Everything locked, as the solver wants it."""
        own = (IDENTITY,) if self.identity and IDENTITY else ()
        return (*self.held, *own)

    def set(self, name: str, on: bool, readings: Mapping[str, float]) -> None:
        """Lock or unlock a dial or the identity; unknown names are ignored."""
        if IDENTITY and name == IDENTITY:
            self.identity = on
        elif not on:
            self.held.pop(name, None)
        elif name in readings:
            self.held[name] = float(readings[name])

    def retake(self, readings: Mapping[str, float]) -> None:
        """Hold the readings of another face from now on."""
        self.held = {name: float(readings[name]) for name in self.held if name in readings}


def reach(
    dials: Any, w_plus: np.ndarray, targets: Mapping[str, float], locks: Locks
) -> dict[str, float]:
    """What to add to the dials so that they read `targets` and what is locked stays.

    Args:
        dials: A `facegen.editing.dials.DialSet`.
        w_plus: The face as it is, [18, 512].
        targets: Dial -> wanted reading, in its unit.
        locks: What to hold.

    Returns:
        Dial -> change in its unit.

    Raises:
        OutOfRangeError: There is no such face.
    """
    try:
        solution = solve.solve_targets(dials, w_plus, targets, locks.names, keep=dict(locks.held))
    except OutOfRangeError as err:
        if not locks:
            raise
        raise OutOfRangeError(
            "What is locked leaves no way there, so the face stays as it was. Unlock something, "
            "or move the dial less far."
        ) from err
    return dict(solution.deltas)


def reach_or_add(
    dials: Any, w_plus: np.ndarray, targets: Mapping[str, float], locks: Locks
) -> dict[str, float]:
    """As `reach`; without locks, what the solver cannot do is done by plain steps instead.

    Raises:
        OutOfRangeError: What is locked leaves no way there.
    """
    try:
        return reach(dials, w_plus, targets, locks)
    except FacegenError:
        if locks:
            raise
        now = dials.read(w_plus)
        return {name: value - now[name] for name, value in targets.items()}


def turned_deltas(
    dials: Any,
    latent: Callable[[Mapping[str, float]], np.ndarray],
    deltas: Mapping[str, float],
    moves: Mapping[str, float],
    resets: Collection[str],
    locks: Locks,
    *,
    base_moved: bool = False,
) -> dict[str, float]:
    """Where the dials stand after some were turned to readings and others put back.

    Args:
        dials: A `facegen.editing.dials.DialSet`.
        latent: Gives the w_plus [18, 512] of a face with these deltas.
        deltas: Dial -> how far it is moved now, in its unit.
        moves: Dial -> wanted reading, in its unit. What is locked is not moved.
        resets: Dials to put back. What is locked stays.
        locks: What to hold.
        base_moved: The face under the dials changed too.

    Raises:
        OutOfRangeError: What is locked leaves no way there.
    """
    held = locks.held
    back = {name for name in resets if name in deltas and name not in held}
    after = {name: delta for name, delta in deltas.items() if name not in back}
    targets = {
        name: float(value)
        for name, value in moves.items()
        if name not in held and math.isfinite(value)
    }
    if not locks:
        for name in list(targets):  # Back on its tick, a dial is simply not moved any more.
            rest = {other: delta for other, delta in after.items() if other != name}
            low, high = dials.spec(name).safe
            if name in after and (
                abs(dials.read(latent(rest))[name] - targets[name]) < HOME * (high - low)
            ):
                after = rest
                del targets[name]
    if targets or (locks and (back or base_moved)):
        for name, step in reach_or_add(dials, latent(after), targets, locks).items():
            after[name] = after.get(name, 0.0) + step
    return after


def aimed_deltas(
    dials: Any,
    w_plus: np.ndarray,
    deltas: Mapping[str, float],
    targets: Mapping[str, float],
    locks: Locks,
) -> dict[str, float]:
    """Where the dials stand after many were sent to readings at once, as far as that goes.

    Many targets may contradict each other on a face; then all go a part of the way together.

    Args:
        dials: A `facegen.editing.dials.DialSet`.
        w_plus: The face as it is, [18, 512].
        deltas: Dial -> how far it is moved now, in its unit.
        targets: Dial -> wanted reading, in its unit. What is locked is not moved.
        locks: What to hold.

    Raises:
        OutOfRangeError: Not even a small part of the way is possible.
    """
    now = dials.read(w_plus)
    wanted = {}
    for name, value in targets.items():
        if name in now and name not in locks.held:
            low, high = dials.spec(name).safe
            wanted[name] = min(max(float(value), low), high)
    after = dict(deltas)
    for part in PARTS:
        partly = {
            name: now[name] + part * (value - now[name])
            for name, value in wanted.items()
            if dials.spec(name).safe[0] <= now[name] <= dials.spec(name).safe[1]
        }
        try:
            steps = reach(dials, w_plus, partly, locks)
        except OutOfRangeError:
            if part == PARTS[-1]:
                raise
            continue
        for name, step in steps.items():
            after[name] = after.get(name, 0.0) + step
        return after
    return after
