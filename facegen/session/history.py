"""Undo and redo over edit states, and the newest state of each subject."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from facegen.session.edit_state import EditState

MAX_HISTORY = 100
MAX_RECENT = 24
MERGE_SECONDS = 0.8


class History:
    """States in the order they were made; one of them is the current one."""

    def __init__(self) -> None:
        self._states: list[EditState] = []
        self._at = -1
        self._recent: list[EditState] = []  # Of each subject, newest last.
        self._merge: tuple[str, float] = ("", -math.inf)

    def __bool__(self) -> bool:
        return bool(self._states)

    @property
    def state(self) -> EditState:
        """The current state."""
        return self._states[self._at]

    @property
    def steps(self) -> tuple[EditState, ...]:
        """All steps in order, those that were taken back, too."""
        return tuple(self._states)

    @property
    def at(self) -> int:
        """The index of the current state among the steps."""
        return self._at

    @property
    def recent(self) -> tuple[EditState, ...]:
        """The newest state of each subject, newest subject first."""
        return tuple(reversed(self._recent))

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self._at + 1 < len(self._states)

    def step(self, state: EditState) -> None:
        """Make a state the newest step; what was taken back is forgotten."""
        del self._states[self._at + 1 :]
        self._states.append(state)
        del self._states[:-MAX_HISTORY]
        self._at = len(self._states) - 1
        self.arrive()

    def merges(self, what: str, now: float) -> bool:
        """Whether a move of a dial at a time belongs to the step before; remembers both."""
        same = bool(what) and self._merge[0] == what and now - self._merge[1] < MERGE_SECONDS
        self._merge = (what, now)
        return same and self._at > 0

    def replace(self, state: EditState) -> None:
        """Put a state in the place of the current one; what was taken back stays so."""
        self._states[self._at] = state
        self._remember(state)

    def go(self, steps: int) -> bool:
        """Go so many steps back (negative) or forth; False where that is impossible."""
        index = self._at + steps
        if not 0 <= index < len(self._states) or not steps:
            return False
        self._at = index
        self.arrive()
        return True

    def arrive(self) -> None:
        """The current state did not come from a dial: the next move is a new step."""
        self._merge = ("", -math.inf)
        self._remember(self.state)

    def restore(self, steps: Sequence[EditState], at: int, recent: Sequence[EditState]) -> None:
        """Take these in place of what there is.

        Args:
            steps: At least one, in order.
            at: The index of the current one.
            recent: The newest state of each subject, newest subject first.
        """
        left_out = max(len(steps) - MAX_HISTORY, 0)
        self._states = list(steps[left_out:])
        self._at = min(max(at - left_out, 0), len(self._states) - 1)
        self._recent = list(reversed(recent[:MAX_RECENT]))
        self.arrive()

    def meet(self, states: Sequence[EditState]) -> None:
        """Put subjects behind those met so far, as if they had been met before; all that fit."""
        room = max(MAX_RECENT - len(self._recent), 0)
        self._recent[:0] = reversed(states[:room])

    def change_all(self, change: Callable[[EditState], EditState]) -> None:
        """Change every state, taken back or not."""
        self._states = [change(state) for state in self._states]
        self._recent = [change(state) for state in self._recent]

    def _remember(self, state: EditState) -> None:
        for index, known in enumerate(self._recent):
            if known.subject.uid == state.subject.uid:
                self._recent[index] = state
                return
        self._recent.append(state)
        del self._recent[:-MAX_RECENT]
