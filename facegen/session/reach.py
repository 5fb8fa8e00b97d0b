"""How far a dial gets on a face, given everything else that is asked of it.

A number is within reach when the face that the solver finds for it reads as wanted, keeps what is
locked, and is no less natural than `AT_THE_EDGE_BELOW` (or than the face is already). Searched by
halving between where the dial stands and the ends of its safe range.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facegen.editing.locks import Locks
from facegen.editing.naturalness import AT_THE_EDGE_BELOW
from facegen.editing.targets import MISS_SD, misses_sd, plan
from facegen.protocols import Dials

HALVINGS = 3
"""The end is found to an eighth of the way to it: nine solves a dial at most."""


def reach(
    dials: Dials,
    base: np.ndarray,
    asked: Mapping[str, float],
    locks: Locks,
    name: str,
) -> tuple[float, float]:
    """The lowest and the highest reading that a dial gets to, in its unit.

    Args:
        dials: Of the face's space.
        base: The face before any dial, [18, 512].
        asked: Dial -> change asked for, in its unit.
        locks: What is held.
        name: The dial.
    """
    own = dials.read(base)
    present = dials.apply(base, dict(asked))
    here = dials.read(present)[name]
    floor = min(AT_THE_EDGE_BELOW, dials.naturalness(present))

    def is_reached(value: float) -> bool:
        planned = plan(own, asked, {name: value}, locks)
        found = dials.apply(base, planned.deltas)
        missed = misses_sd(dials, dials.read(found), {**locks.held, name: value})
        return max(missed.values()) <= MISS_SD and dials.naturalness(found) >= floor

    def furthest(end: float) -> float:
        if is_reached(end):
            return end
        near, far = here, end
        for _ in range(HALVINGS):
            half = (near + far) / 2
            near, far = (half, far) if is_reached(half) else (near, half)
        return near

    low, high = dials.spec(name).safe
    return furthest(min(low, here)), furthest(max(high, here))
