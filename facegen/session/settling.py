"""Which pictures are brought to what was asked, and which already were.

A dial is moved by prediction, so its picture can fall short. When somebody has turned a dial and
lets it rest, the picture is corrected behind the page (`facegen.editing.closed_loop`) and the step
becomes what was asked. A face that was opened, linked to or gone back to stays as it is: there
the correction is offered. Once it gave all it could, it is neither made nor offered again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from facegen.session.edit_state import EditState
from facegen.session.readouts import Readout

MAX_SETTLED = 64


class Settling:
    """What is left to be done for the states of one visitor."""

    def __init__(self) -> None:
        self._turned: EditState | None = None
        self._names: frozenset[str] = frozenset()
        self._settled: list[EditState] = []
        self._left: list[EditState] = []

    def turned(self, state: EditState, names: Iterable[str] = ()) -> None:
        """These dials were turned, and this came of it."""
        self._turned, self._names = state, frozenset(names)

    def is_due(self, state: EditState, readouts: Mapping[str, Readout]) -> bool:
        """Whether the picture of a state, now measured, is to be brought to what was asked.

        A number that was just chosen is to be met closely; the others may stay a little off.
        """
        if state is not self._turned or state in self or self.is_left(state):
            return False
        return any(
            readout.missed if name in self._names else readout.is_off
            for name, readout in readouts.items()
        )

    def add(self, states: Iterable[EditState]) -> None:
        """Their pictures were corrected as far as that goes."""
        self._settled = [*self._settled, *states][-MAX_SETTLED:]

    def leave(self, state: EditState) -> None:
        """Nobody chose its numbers, so its picture is good as it comes."""
        self._left = [*self._left, state][-MAX_SETTLED:]

    def is_left(self, state: EditState) -> bool:
        """Whether a picture stays as it came."""
        return any(state.draws_as(known) for known in self._left)

    def __contains__(self, state: EditState) -> bool:
        return any(state.draws_as(known) for known in self._settled)
