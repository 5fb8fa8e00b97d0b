"""How far a dial gets beside everything else that is asked."""

from __future__ import annotations

import threading

import pytest
from fakes import FakeDials, FakeGenerator

from facegen.editing.locks import Locks
from facegen.service.background import MAX_WAITING, Background
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


class Stuck(FakeDials):
    """Dials of which one goes no further than a reading, and a turn takes a locked age along."""

    def __init__(self, generator, *, wall=None, takes_along=0.0):
        super().__init__(generator)
        self._wall, self._along = wall, takes_along

    def apply(self, base, deltas):
        asked = dict(deltas)
        if self._wall is not None and "smile" in asked:
            asked["smile"] = min(asked["smile"], self._wall - self.read(base)["smile"])
        if self._along and "yaw" in asked:
            asked["age"] = asked.get("age", 0.0) + self._along * asked["yaw"]
        return super().apply(base, asked)


def test_what_the_solver_does_not_get_to_is_beyond_reach():
    generator = FakeGenerator()
    base, stuck = generator.w_from_seed(417), Stuck(generator, wall=0.6)
    own = stuck.read(base)["smile"]
    assert own < 0.6
    low, high = reach(stuck, base, {}, Locks(), "smile")
    assert own < high < 0.6 + 0.36
    assert low < own - 1


def test_a_number_for_which_a_lock_gives_way_is_beyond_reach():
    generator = FakeGenerator()
    base, loose = generator.w_from_seed(417), Stuck(generator, takes_along=1.0)
    free = reach(loose, base, {}, Locks(), "yaw")
    held = reach(loose, base, {}, Locks.of(["age"], loose.read(base)), "yaw")
    assert held[1] < free[1] - 5


def test_a_dial_reaches_at_least_where_it_stands_even_on_an_unnatural_face(known):
    base = FakeGenerator().w_from_seed(417)
    far = known.apply(base, {"age": 60.0 - known.read(base)["age"], "beard": 3.5})
    assert known.naturalness(far) == 0
    low, high = reach(known, far, {}, Locks(), "smile")
    here = known.read(far)["smile"]
    assert low < here - 1 < here + 1 < high
    far = known.apply(base, {"smile": 6.0})
    here = known.read(far)["smile"]
    assert here > known.spec("smile").safe[1]
    assert reach(known, far, {}, Locks(), "smile")[1] >= here - 1e-3


def test_where_the_rest_that_is_asked_is_unnatural_already_a_dial_still_moves(known):
    base = FakeGenerator().w_from_seed(417)
    asked = {"beard": 3.5 - known.read(base)["beard"]}
    assert known.naturalness(known.apply(base, asked)) == 0
    here = known.read(base)["smile"]
    low, high = reach(known, base, asked, Locks(), "smile")
    assert low < here - 1 < here + 1 < high


def test_nothing_is_looked_for_twice_at_a_time_and_no_more_than_fits():
    service, gate, found = Background("reach"), threading.Event(), []

    def find(name):
        gate.wait(60)
        found.append(name)
        return name

    for _ in range(3):
        service.ask("a", lambda: find("a"))
    for number in range(2 * MAX_WAITING):
        service.ask(number, lambda number=number: find(number))
    gate.set()
    service._worker.shutdown(wait=True)
    assert found == ["a", *range(MAX_WAITING - 1)]


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
