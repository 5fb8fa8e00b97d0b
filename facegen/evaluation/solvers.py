"""The ways to make a face that has what is asked, as `evaluate compose` sets them side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from facegen.editing.closed_loop import See
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import reach_on_picture
from facegen.errors import FacegenError
from facegen.face import Face
from facegen.protocols import Dials


@dataclass(frozen=True, eq=False)
class Made:
    """What a solver made of a face.

    Attributes:
        first: w_plus [18, 512] before any look at an edited picture, as the app draws it at first;
            None where it refused.
        after: The same after its corrections on the picture.
        refusal: What it said where it refused; a solver may refuse the one and make the other.
    """

    first: np.ndarray | None
    after: np.ndarray | None
    refusal: str = ""


class Solver(Protocol):
    """Makes a face that has what is asked; must be deterministic."""

    def __call__(self, face: Face, targets: Mapping[str, float], see: See) -> Made:
        """Go from `face` to dial -> value in its unit; `see` renders and measures a w_plus."""


def by_targets(dials: Dials) -> Solver:
    """As `python -m facegen edit --target` does it with these dials."""

    def solve(face: Face, targets: Mapping[str, float], see: See) -> Made:
        looked: list[np.ndarray] = []

        def watched(w_plus: np.ndarray) -> Mapping[str, float] | None:
            looked.append(w_plus)
            return see(w_plus)

        try:
            after = reach_on_picture(dials, face, face, targets, (), watched)[0].w_plus
        except FacegenError as err:
            return Made(None, None, str(err))
        tries = (one for one in looked if not np.array_equal(one, face.base))
        return Made(next(tries, after), after)

    return solve


SOLVERS: Mapping[str, Callable[[DialSet], Solver]] = {
    "plain": lambda dials: by_targets(dials.plain),
    "dials": by_targets,
}
"""Name -> how to make it for the dials of a space. Names are the tables' headings.

"dials" is what the program does, "plain" what it did at first (`DialSet.plain`).
"""
