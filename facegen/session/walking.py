"""Going through the steps of a session: forth, back, and to new ones."""

from __future__ import annotations

from collections.abc import Mapping

from facegen.editing.locks import Locks
from facegen.session.edit_state import EditState
from facegen.session.history import History


class Walking:
    """A session's way through its history; `facegen.session.session.Session` has the rest.

    Attributes:
        history: The steps.
        locks: What is held; a lock holds the current face, not the one before.
        revision: Counts arrivals.
    """

    history: History
    locks: Locks
    revision: int

    @property
    def state(self) -> EditState:
        """The current state."""
        return self.history.state

    def predicted(self, state: EditState | None = None) -> Mapping[str, float]:
        """What dials read by prediction."""
        raise NotImplementedError

    def undo(self) -> EditState:
        """Go one step back."""
        return self.go(-1)

    def redo(self) -> EditState:
        """Go one step forward again."""
        return self.go(1)

    def put(self, state: EditState) -> None:
        """Put a state that was made elsewhere in the place of the current one."""
        self.history.replace(state)
        self._hold_zeros(state)
        self.revision += 1

    def _hold_zeros(self, state: EditState) -> None:
        """Hold what a face from a link or a file was made to hold: the zeros among its deltas."""
        for name in (name for name, delta in state.deltas if not delta):
            self.locks = self.locks.with_lock(name, True, self.predicted(state))

    def _commit(self, state: EditState, what: str, now: float) -> EditState:
        """Make a state the newest step; quick moves of one dial make one step together."""
        if state.same_as(self.state):
            return self.state
        if self.history.merges(what, now):
            self.history.replace(state)
            return state
        self.history.step(state)
        self.history.merges(what, now)
        return state

    def _step_if_new(self, state: EditState) -> EditState:
        return self.state if state.same_as(self.state) else self.step(state)

    def step(self, state: EditState) -> EditState:
        """Make a state the newest step, wherever it comes from."""
        self.history.step(state)
        self._arrived()
        return state

    def go(self, steps: int) -> EditState:
        """Go so many steps back (negative) or forth; where that is impossible nothing happens."""
        if self.history.go(steps):
            self._arrived()
        return self.state

    def _arrived(self) -> None:
        self.revision += 1
        self._hold_current()

    def _hold_current(self) -> None:
        if self.locks.held:  # A lock holds the current face, not the one before.
            self.locks = self.locks.at(self.predicted())
