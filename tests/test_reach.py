"""How far a dial gets beside everything else that is asked."""

from __future__ import annotations

import threading

import pytest
from fakes import FakeDials, FakeGenerator

from facegen.editing.locks import Locks
from facegen.service.background import Background
from facegen.session.reach import reach


@pytest.fixture(scope="module")
def known():
    return FakeDials(FakeGenerator())


def test_a_dial_gets_as_far_as_faces_are_natural(known):
    base = FakeGenerator().w_from_seed(417)
    low, high = reach(known, base, {}, Locks(), "smile")
    own, (first, last) = known.read(base)["smile"], known.spec("smile").safe
    assert first < low < own < high < last
    far = known.apply(base, {"smile": high - own})
    assert known.naturalness(far) >= 2


def test_a_lock_that_gives_way_is_beyond_reach(known):
    """A lock on what a turn brings along holds, so the turn is free."""
    base = FakeGenerator().w_from_seed(417)
    locks = Locks.of(["smile"], known.read(base))
    assert reach(known, base, {}, locks, "yaw")[1] > 30


def test_a_reach_is_found_behind_the_page_and_only_once():
    service, done, found = Background("reach"), threading.Event(), []

    def find():
        found.append(1)
        done.set()
        return 0.0, 1.0

    service.ask("a", find)
    assert done.wait(60)
    service._worker.shutdown(wait=True)
    assert service.known("a") == (0.0, 1.0)
    service.ask("a", find)
    assert len(found) == 1
