"""Locks: dials, and the person, that stay as they are while other dials move.

The app, the command line and Python use the same `Locks`. `facegen.editing.targets` plans with
them, and its `require_locks` says when one gave way; `DialSet.apply` holds what is locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from facegen.directions.solver import IDENTITY as IDENTITY


@dataclass(frozen=True)
class Locks:
    """What stays as it is while other dials move.

    Attributes:
        held: Dial -> the reading at which it is held, in its unit.
        identity: Whether the person stays the same person.
    """

    held: Mapping[str, float] = field(default_factory=dict)
    identity: bool = False

    @classmethod
    def of(cls, names: Iterable[str], readings: Mapping[str, float]) -> Locks:
        """Hold dials (and the identity, by the name IDENTITY) at these readings."""
        names = dict.fromkeys(names)
        held = {name: float(readings[name]) for name in names if name != IDENTITY}
        return cls(held, IDENTITY in names)

    def __bool__(self) -> bool:
        return bool(self.held) or self.identity

    def with_lock(self, name: str, on: bool, readings: Mapping[str, float]) -> Locks:
        """Lock a dial (or the identity) at its reading, or unlock it; unknown names do nothing."""
        if name == IDENTITY:
            return replace(self, identity=on)
        others = {known: value for known, value in self.held.items() if known != name}
        if on and name in readings:
            others[name] = float(readings[name])
        return replace(self, held=others)

    def at(self, readings: Mapping[str, float]) -> Locks:
        """The same locks at the readings of another face; dials without a reading are let go."""
        held = {name: float(readings[name]) for name in self.held if name in readings}
        return replace(self, held=held)
