"""Targets and locks as plain sums; on real dials see `test_editing_solve`."""

from __future__ import annotations

import pytest
from fakes import FakeDials, FakeGenerator

from facegen.editing.faces import edit_face, reach_targets
from facegen.editing.locks import IDENTITY, Locks
from facegen.editing.targets import (
    as_far_as_possible,
    plan,
    require_locks,
    solve_targets,
)
from facegen.errors import OutOfRangeError
from facegen.face import Face

BASE = {"age": 30.0, "smile": 0.5, "yaw": -4.0}


@pytest.fixture(scope="module")
def generator():
    return FakeGenerator()


@pytest.fixture(scope="module")
def dials(generator):
    return FakeDials(generator)


def test_goals_become_differences_to_the_base():
    locks = Locks({"smile": 0.75})
    found = plan(BASE, {"yaw": 9.0, "smile": 2.0}, {"age": 60.0}, locks)
    assert found.deltas == {"yaw": 9.0, "smile": 0.25, "age": 30.0}
    assert found.goals == {"smile": 0.75, "age": 60.0}


def test_what_is_locked_is_neither_moved_nor_put_back():
    locks = Locks({"age": 31.0}, identity=True)
    found = plan(BASE, {"age": 1.0, "yaw": 9.0}, {"age": 60.0}, locks, resets=["age", "yaw"])
    assert found.deltas == {"age": 1.0, IDENTITY: 0.0}
    assert found.goals == {"age": 31.0}


def test_locks_are_values():
    free = Locks()
    held = free.with_lock("age", True, BASE).with_lock(IDENTITY, True, BASE)
    assert not free
    assert held == Locks.of(["age", IDENTITY], BASE) == Locks({"age": 30.0}, identity=True)
    assert held.with_lock("beard", True, BASE) == held  # no such reading
    assert held.at({"age": 44.0}).held == {"age": 44.0}
    assert held.at({}) == Locks(identity=True)
    assert not held.with_lock("age", False, BASE).with_lock(IDENTITY, False, BASE)


def test_a_lock_that_gives_way_and_a_dial_that_is_stuck_are_refused(dials):
    goals, locks = {"age": 60.0, "smile": 0.5}, Locks({"smile": 0.5})
    turns = {"age": 30.0}
    require_locks(dials, {"age": 45.0, "smile": 0.5}, goals, locks, turns)  # half of the way
    with pytest.raises(OutOfRangeError, match="What is locked leaves no way there"):
        require_locks(dials, {"age": 38.0, "smile": 0.5}, goals, locks, turns)
    with pytest.raises(OutOfRangeError, match="What is locked leaves no way there"):
        require_locks(dials, {"age": 60.0, "smile": 1.0}, goals, locks, turns)
    require_locks(dials, {"age": 38.0}, {"age": 60.0}, Locks(), turns)  # nothing is locked


def test_many_targets_go_a_part_of_the_way_where_all_of_it_is_refused(dials, generator):
    now = generator.w_from_seed(3)
    tried = []

    def attempt(targets):
        tried.append(targets["age"])
        if len(tried) < 3:
            raise OutOfRangeError("too far")
        return targets["age"], now

    start = dials.read(now)["age"]
    found = as_far_as_possible(dials, now, {"age": start + 10.0}, Locks(), attempt)
    assert found == pytest.approx(start + 7.0)
    assert tried == pytest.approx([start + 10.0, start + 8.5, start + 7.0])


def test_a_target_beside_a_lock_on_a_face_and_on_its_latent_is_the_same(dials, generator):
    face = Face.from_seed(generator, 3)
    now = dials.read(face.w_plus)
    targets, locks = {"yaw": now["yaw"] + 12.0}, ["smile", IDENTITY]
    solved = solve_targets(dials, face.w_plus, targets, locks)
    reached = reach_targets(dials, face, face, targets, locks)
    assert solved.deltas == {edit.dial: edit.delta for edit in reached.edits}
    assert (solved.w_plus == reached.w_plus).all()
    assert solved.predicted["smile"] == pytest.approx(now["smile"], abs=1e-3)


def test_a_target_at_the_base_takes_an_edit_back(dials, generator):
    face = Face.from_seed(generator, 3)
    edited = edit_face(dials, face, {"smile": 1.5})
    there = {"smile": dials.read(face.w_plus)["smile"]}
    assert (reach_targets(dials, edited, edited, there, ()).w_plus == face.w_plus).all()
