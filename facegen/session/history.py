"""The way back and forth over looks, and the people met."""

from __future__ import annotations

import math
from collections.abc import Callable

from facegen.session.edit_state import Look

MAX_HISTORY = 100
MAX_RECENT = 24
MERGE_SECONDS = 0.8


class History:
    """Looks in the order they were made; one of them is in hand."""

    def __init__(self) -> None:
        self._looks: list[Look] = []
        self._at = -1
        self._recent: list[Look] = []  # The newest look of each person, newest person last.
        self._merge: tuple[str, float] = ("", -math.inf)

    def __bool__(self) -> bool:
        return bool(self._looks)

    @property
    def look(self) -> Look:
        """The look in hand."""
        return self._looks[self._at]

    @property
    def recent(self) -> tuple[Look, ...]:
        """The newest look of each person met, newest person first."""
        return tuple(reversed(self._recent))

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self._at + 1 < len(self._looks)

    def step(self, look: Look) -> None:
        """Make a look the newest step; what was taken back is forgotten."""
        del self._looks[self._at + 1 :]
        self._looks.append(look)
        del self._looks[:-MAX_HISTORY]
        self._at = len(self._looks) - 1
        self.arrive()

    def merges(self, what: str, now: float) -> bool:
        """Whether a move of a dial at a time belongs to the step before; remembers both."""
        same = bool(what) and self._merge[0] == what and now - self._merge[1] < MERGE_SECONDS
        self._merge = (what, now)
        return same and self._at > 0

    def replace(self, look: Look) -> None:
        """Put a look in the place of the one in hand."""
        self._looks[self._at] = look
        del self._looks[self._at + 1 :]
        self._remember(look)

    def go(self, steps: int) -> bool:
        """Go so many steps back (negative) or forth; False where there is no way."""
        index = self._at + steps
        if not 0 <= index < len(self._looks) or not steps:
            return False
        self._at = index
        self.arrive()
        return True

    def arrive(self) -> None:
        """The look in hand has come from elsewhere than a dial: the next move is a new step."""
        self._merge = ("", -math.inf)
        self._remember(self.look)

    def change_all(self, change: Callable[[Look], Look]) -> None:
        """Change every look, taken back or not."""
        self._looks = [change(look) for look in self._looks]
        self._recent = [change(look) for look in self._recent]

    def _remember(self, look: Look) -> None:
        for index, known in enumerate(self._recent):
            if known.person.uid == look.person.uid:
                self._recent[index] = look
                return
        self._recent.append(look)
        del self._recent[:-MAX_RECENT]
