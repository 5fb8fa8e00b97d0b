from __future__ import annotations

import threading

from facegen.cache import BoundedCache


def test_what_was_not_used_for_the_longest_time_is_forgotten():
    cache: BoundedCache[int] = BoundedCache(3)
    for n in range(5):
        cache.put((n,), n)
        cache.get((2,))
    assert len(cache) == 3
    assert cache.get((2,)) == 2
    assert cache.get((0,)) is None
    assert (4,) in cache
    assert (0,) not in cache


def test_a_value_is_made_once_even_where_it_is_none():
    cache: BoundedCache[str | None] = BoundedCache(3)
    made: list[str] = []

    def make() -> None:
        made.append("x")

    assert cache.get_or_make("key", make) is None
    assert cache.get_or_make("key", make) is None
    assert made == ["x"]


def test_threads_that_make_the_same_value_are_given_the_same_one():
    cache: BoundedCache[object] = BoundedCache(3)
    barrier = threading.Barrier(2)
    given: list[object] = []

    def make() -> object:
        barrier.wait(timeout=30)  # both are inside before either is stored
        return object()

    threads = [
        threading.Thread(target=lambda: given.append(cache.get_or_make("key", make)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(given) == 2
    assert given[0] is given[1]


def test_a_failure_is_not_remembered():
    cache: BoundedCache[int] = BoundedCache(3)

    def fail() -> int:
        raise ValueError("not now")

    try:
        cache.get_or_make("key", fail)
    except ValueError:
        pass
    else:
        raise AssertionError("the failure was swallowed")
    assert cache.get_or_make("key", lambda: 5) == 5
