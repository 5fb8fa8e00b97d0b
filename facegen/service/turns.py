"""Turns at long work that shares the machine: whoever has waited longest goes next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

ASK_SECONDS = 0.1


class Turns:
    """Lets some threads work at a time.

    >>> turns = Turns(1)
    >>> turns.take()
    True
    >>> turns.take(is_over=lambda: True)
    False
    >>> turns.give()

    Args:
        at_once: How many.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def take(self, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Wait for a turn; False where `is_over` says meanwhile that none is wanted any more."""
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                while not self._free or self._waiting[0] is not ticket:
                    if is_over():
                        return False
                    self._changed.wait(ASK_SECONDS)
                self._free -= 1
                return True
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def give(self) -> None:
        """End a turn."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()
