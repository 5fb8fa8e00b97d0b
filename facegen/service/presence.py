"""Whether a visitor is still there, for what is to end and be forgotten with them.

A page says that it was drawn and how to ask whether its browser is still connected. A tab in the
background is connected, though it draws nothing; a reload is gone for a moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

IsThere = Callable[[], bool]


class Presence:
    """Of one visitor, who may have the same thing open in several tabs."""

    def __init__(self) -> None:
        self._tabs: dict[str, IsThere] = {}
        self._guard = threading.Lock()
        self._seen = time.monotonic()

    def look(self, tab: str, is_there: IsThere) -> None:
        """A page was drawn.

        Args:
            tab: Tells tabs apart.
            is_there: Whether that tab is connected still; asked from other threads.
        """
        with self._guard:
            self._tabs[tab] = is_there
            self._seen = time.monotonic()

    def leave(self, tab: str) -> bool:
        """A tab shows something else; whether nobody is left."""
        with self._guard:
            self._tabs.pop(tab, None)
        return self.gone_seconds > 0

    @property
    def gone_seconds(self) -> float:
        """How long nobody has been there; 0 while somebody is."""
        with self._guard:
            self._tabs = {tab: ask for tab, ask in self._tabs.items() if ask()}
            if self._tabs:
                self._seen = time.monotonic()
            return time.monotonic() - self._seen if not self._tabs else 0.0
