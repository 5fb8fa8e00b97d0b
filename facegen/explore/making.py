"""Leading somebody who comes near a query to it, with the dials, checked on the picture.

For what no latent of one w shows (`facegen.explore.solving`): here rows move apart.

Only as far as it takes: what the start has already is held, what it lacks is moved to a little
within the bounds. `facegen.editing.closed_loop` corrects what the picture contradicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from facegen.editing.closed_loop import Loop
from facegen.editing.dial_set import DialSet
from facegen.explore.query import Condition, Query
from facegen.face import Face
from facegen.operations import DialMove

ROUNDS = 4
"""Corrections: another start is worth more than a fifth."""
INSIDE_ERRORS = 0.8
"""So far within a bound is aimed, in standard deviations of a prediction's miss …"""
INSIDE_SHARE = 0.35
"""… but not further than this share of the way between two bounds."""


@dataclass(frozen=True, eq=False)
class Start:
    """Somebody to begin with.

    Attributes:
        face: Without edits.
        values: Dial -> value in its unit.
        is_measured: Whether these are of the picture, else predicted.
        descriptor: As predicted, [128].
    """

    face: Face
    values: Mapping[str, float]
    is_measured: bool
    descriptor: np.ndarray


class Led:
    """One start on its way: draw and measure `w_plus`, tell it with `saw`, until `done`.

    Args:
        query: What is wanted.
        dials: Of the face's space.
        errors: Dial -> standard deviation of a prediction's miss, in its unit.
        start: From where.
    """

    def __init__(
        self, query: Query, dials: DialSet, errors: Mapping[str, float], start: Start
    ) -> None:
        self._wanted = {
            one.dial: goal(one, start.values[one.dial], errors[one.dial]) - start.values[one.dial]
            for one in query.conditions
        }
        self._loop = Loop(
            dials,
            start.face.base,
            self._wanted,
            start.values,
            natural=dials.naturalness,
            rounds=ROUNDS,
        )

    @property
    def w_plus(self) -> np.ndarray:
        """What to draw next, [18, 512]."""
        return self._loop.w_plus

    @property
    def done(self) -> bool:
        """Whether it leads no further."""
        return self._loop.done

    def saw(self, values: Mapping[str, float] | None) -> None:
        """Tell what was measured; None if no face was seen."""
        self._loop.saw(values)

    def moves(self) -> tuple[DialMove, ...]:
        """What leads from the start to `w_plus`; a change of 0 holds a dial."""
        return tuple(
            DialMove(name, asked, asked - self._wanted[name])
            for name, asked in self._loop.asked.items()
        )


def goal(condition: Condition, value: float, error: float) -> float:
    """The nearest value that is a little within the bounds.

    >>> goal(Condition("age", 55.0, 65.0, "55-65"), 40.0, 4.0)
    58.2
    >>> goal(Condition("age", 55.0, 65.0, "55-65"), 60.0, 4.0)
    60.0
    """
    inside = INSIDE_ERRORS * error
    low, high = condition.low, condition.high
    if low is not None and high is not None:
        inside = min(inside, INSIDE_SHARE * (high - low))
    if low is not None and value < low + inside:
        return low + inside
    if high is not None and value > high - inside:
        return high - inside
    return value
