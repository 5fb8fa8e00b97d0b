"""One bounded cache for everything that is remembered: the least recently used is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar, cast

from cachetools import LRUCache

V = TypeVar("V")
_MISSING = object()


class BoundedCache(Generic[V]):
    """A thread-safe dictionary that forgets what was not used for the longest time.

    >>> cache = BoundedCache[int](2)
    >>> for key in ("a", "b"):
    ...     cache.put(key, ord(key))
    >>> cache.get("a")
    97
    >>> cache.put("c", 99)
    >>> cache.get("b") is None
    True

    Args:
        max_entries: How many values are kept.
    """

    def __init__(self, max_entries: int) -> None:
        self._entries: LRUCache[Hashable, V] = LRUCache(max_entries)
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> V | None:
        """The stored value, which counts as used now; None where there is none."""
        with self._lock:
            return self._entries.get(key)

    def put(self, key: Hashable, value: V) -> None:
        """Store a value, in the place of what the key had."""
        with self._lock:
            self._entries[key] = value

    def get_or_make(self, key: Hashable, make: Callable[[], V]) -> V:
        """The stored value, or else what `make` gives, stored.

        `make` runs unlocked: threads that miss the same key at the same time each make it, and all
        of them are given the value that was stored first.
        """
        with self._lock:
            known = self._entries.get(key, _MISSING)
        if known is not _MISSING:
            return cast(V, known)
        made = make()
        with self._lock:
            return self._entries.setdefault(key, made)

    def __contains__(self, key: Hashable) -> bool:
        with self._lock:
            return key in self._entries

    def __len__(self) -> int:
        with self._lock:
            return len(self._entries)
