"""What is in the way of a wish that was missed: which other thing that is asked, or locked.

The readings of a latent do not tell: they promise a fringe on a bald head. So the others are left
out in turn and the pictures looked at. The one without which the missed dial comes furthest toward
its goal is in the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from facegen.editing.closed_loop import See
from facegen.editing.locks import IDENTITY
from facegen.editing.targets import miss_sd, missed_targets
from facegen.face import Face
from facegen.protocols import Moves

MAX_MISSED, MAX_LOOKS = 2, 6
"""Of many missed wishes, the worst are looked into; of many others, those that move the face the
furthest are left out.
"""
WORTH_SHARE = 0.5
"""What leaving a wish out must win, as a share of what is missing."""


@dataclass(frozen=True)
class Obstacle:
    """What is in the way of a dial.

    Attributes:
        name: Another dial that is asked or locked, or IDENTITY.
        reading: Where the missed dial gets without it, on the picture, in its unit.
        is_enough: Whether that is all of the way.
    """

    name: str
    reading: float
    is_enough: bool

    def sentence(self, missed: str, unit: str) -> str:
        """In words; `missed` and its `unit` are the dial in whose way it is."""
        what = "The locked person" if self.name == IDENTITY else self.name
        how_far = "all the way" if self.is_enough else f"to {self.reading:.1f} ({unit})"
        return f"{what} is in the way: without it, {missed} gets {how_far}."


def find_obstacles(
    dials: Moves,
    face: Face,
    targets: Mapping[str, float],
    measured: Mapping[str, float],
    see: See,
) -> dict[str, Obstacle]:
    """What is in the way of the targets that are missed the most.

    Args:
        dials: Of the face's space.
        face: Edited as far as it goes.
        targets: Dial -> value that was wanted, in its unit.
        measured: Dial -> what its picture shows, in its unit; empty where no face is seen.
        see: Renders and measures.

    Returns:
        Missed dial -> what is in its way, where that is known.
    """
    asked = {entry.dial: entry.delta for entry in face.edits}
    found = {}
    for name in missed_targets(dials, targets, measured)[:MAX_MISSED]:
        one = obstacle(
            dials, face.base, asked, name, goal=targets[name], measured=measured[name], see=see
        )
        if one is not None:
            found[name] = one
    return found


def obstacle(
    dials: Moves,
    base: np.ndarray,
    asked: Mapping[str, float],
    name: str,
    *,
    goal: float,
    measured: float,
    see: See,
) -> Obstacle | None:
    """What is most in the way of a dial; None where nothing that is asked is much in its way.

    Renders and measures up to MAX_LOOKS pictures.

    Args:
        dials: Of the face's space.
        base: The face before any dial, [18, 512].
        asked: Dial -> change asked of the solver, in its unit; 0 holds a dial, or the person.
        name: The dial that was missed.
        goal: Its value that was wanted, in its unit.
        measured: What the picture shows instead.
        see: Renders and measures.
    """
    missing = goal - measured
    best: Obstacle | None = None
    least = abs(missing) * (1 - WORTH_SHARE)
    for other in _furthest(dials, asked, name):
        rest = {key: change for key, change in asked.items() if key != other}
        seen = see(dials.apply(base, rest))
        if not seen:
            continue
        left = (goal - seen[name]) * np.sign(missing)  # Beyond the goal nothing is left.
        if left < least:
            least = left
            tolerance = miss_sd(dials.spec(name)) * dials.spec(name).unit_per_sd
            best = Obstacle(other, float(seen[name]), bool(left <= tolerance))
    return best


def _furthest(dials: Moves, asked: Mapping[str, float], name: str) -> list[str]:
    """The other wishes: the person first, then locks, then those that move the furthest."""

    def by_size(other: str) -> tuple[bool, bool, float]:
        if other == IDENTITY:
            return False, False, 0.0
        return True, bool(asked[other]), -abs(asked[other]) / dials.spec(other).unit_per_sd

    return sorted((other for other in asked if other != name), key=by_size)[:MAX_LOOKS]
