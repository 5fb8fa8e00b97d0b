"""How far dials get, found behind the page: some solves a dial, never in the way of a picture."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

from facegen.cache import BoundedCache

_log = logging.getLogger(__name__)

MAX_KNOWN = 256
MAX_WAITING = 4

Ends = tuple[float, float]


class ReachService:
    """Finds the reach of dials for all visitors, one after the other, each once."""

    def __init__(self) -> None:
        self._known: BoundedCache[Ends] = BoundedCache(MAX_KNOWN)
        self._waiting: set[Hashable] = set()
        self._guard = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="reach")

    def known(self, key: Hashable) -> Ends | None:
        """What was found; None as long as nothing was."""
        return self._known.get(key)

    def ask(self, key: Hashable, find: Callable[[], Ends]) -> None:
        """Begin to find it, unless it is known or too much is waiting: the page asks again."""
        with self._guard:
            busy = key in self._waiting or len(self._waiting) >= MAX_WAITING
            if busy or self._known.get(key) is not None:
                return
            self._waiting.add(key)
        self._worker.submit(self._find, key, find)

    def _find(self, key: Hashable, find: Callable[[], Ends]) -> None:
        try:
            self._known.put(key, find())
        except Exception:
            _log.exception("The reach of a dial could not be found.")
        finally:
            with self._guard:
                self._waiting.discard(key)
