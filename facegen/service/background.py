"""Answers that are found behind the page, never in the way of a picture."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from facegen.cache import BoundedCache

_log = logging.getLogger(__name__)

MAX_KNOWN = 256
MAX_WAITING = 4

Answer = TypeVar("Answer")


class Background(Generic[Answer]):
    """Finds answers for all visitors, one after the other, each once.

    Args:
        name: Of the thread that finds them.
    """

    def __init__(self, name: str) -> None:
        self._known: BoundedCache[Answer] = BoundedCache(MAX_KNOWN)
        self._waiting: set[Hashable] = set()
        self._guard = threading.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=name)

    def known(self, key: Hashable) -> Answer | None:
        """What was found; None as long as nothing was."""
        return self._known.get(key)

    def ask(self, key: Hashable, find: Callable[[], Answer | None]) -> None:
        """Begin to find it, unless it is known or too much is waiting: the page asks again.

        Where `find` gives None, nothing is known after it, as if it had not been asked.
        """
        with self._guard:
            busy = key in self._waiting or len(self._waiting) >= MAX_WAITING
            if busy or self._known.get(key) is not None:
                return
            self._waiting.add(key)
        self._worker.submit(self._find, key, find)

    def _find(self, key: Hashable, find: Callable[[], Answer | None]) -> None:
        try:
            found = find()
            if found is not None:
                self._known.put(key, found)
        except Exception:
            _log.exception("An answer could not be found behind the page.")
        finally:
            with self._guard:
                self._waiting.discard(key)
