"""Targets and locks, on the dials that the app uses."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.editing.dial_set import DialSet
from facegen.editing.faces import (
    edit_face,
    fell_short,
    parse_targets,
    reach_on_picture,
    reach_targets,
    what_is_missed,
)
from facegen.editing.locks import IDENTITY
from facegen.editing.obstacles import find_obstacles
from facegen.editing.targets import solve_targets
from facegen.errors import OutOfRangeError, UnknownDialError, UsageError
from facegen.session.edit_state import from_face

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def dials():
    return DialSet.load()


def in_sd(dials, name, difference):
    return abs(difference) / dials.spec(name).unit_per_sd


def test_a_target_is_reached_and_locks_hold(dials, face):
    before = dials.read(face.w_plus)
    target = before["age"] + dials.spec("age").unit_per_sd
    locks = ["gender", "glasses", "smile"]
    solution = solve_targets(dials, face.w_plus, {"age": target}, locks)
    after = dials.read(dials.apply(face.w_plus, solution.deltas))
    assert in_sd(dials, "age", after["age"] - target) < 0.3
    for name in locks:
        assert in_sd(dials, name, after[name] - before[name]) < 0.1, name
    assert set(solution.deltas) == {"age", *locks}
    assert after == pytest.approx(solution.predicted, abs=1e-3)


def test_a_lock_holds_what_goes_along_without_it(dials, face):
    """Teeth show with a smile: they are the same thing, until they are locked."""
    before = dials.read(face.w_plus)
    way = 1.0 if before["smile"] < 0 else -1.0
    target = before["smile"] + 1.5 * way
    free = solve_targets(dials, face.w_plus, {"smile": target}).predicted
    held = solve_targets(dials, face.w_plus, {"smile": target}, ["teeth"]).predicted
    drift = abs(free["teeth"] - before["teeth"])
    assert drift > 0.2
    assert abs(held["teeth"] - before["teeth"]) < drift / 3


def test_targets_and_locks_of_a_face_go_into_its_story(dials, face):
    target = dials.read(face.w_plus)["age"] + 8.0
    moved = reach_targets(dials, face, face, {"age": target}, ["smile", IDENTITY])
    assert {edit.dial: edit.delta for edit in moved.edits} == {
        "age": pytest.approx(8.0, abs=1e-3), "smile": 0.0, IDENTITY: 0.0,
    }  # fmt: skip
    assert edit_face(dials, moved, {"yaw": 0.0}) is moved
    later = edit_face(dials, moved, {"yaw": 5.0})
    assert {e.dial for e in later.edits} >= {"smile", IDENTITY, "yaw"}


def test_a_lock_undoes_what_a_setting_did(dials, face):
    moved = edit_face(dials, face, {"beard": 1.5})
    held = reach_targets(dials, moved, face, {}, ["gender"])
    before, after = dials.read(face.w_plus), dials.read(held.w_plus)
    assert in_sd(dials, "gender", after["gender"] - before["gender"]) < 0.1
    assert {"beard", "gender"} == {edit.dial for edit in held.edits}


def test_nothing_wanted_changes_nothing(dials, face):
    assert solve_targets(dials, face.w_plus, {}).deltas == {}
    now = dials.read(face.w_plus)["smile"]
    deltas = solve_targets(dials, face.w_plus, {"smile": now}, ["age"]).deltas
    assert all(abs(value) < 1e-3 for value in deltas.values())


def test_contradictions_and_nonsense_are_told(dials, face):
    with pytest.raises(UsageError, match="smile is locked and asked to move"):
        solve_targets(dials, face.w_plus, {"smile": 0.0}, ["smile"])
    with pytest.raises(UsageError, match="smile is locked and asked to move"):
        reach_targets(dials, edit_face(dials, face, {"smile": 1.0}), face, {}, ["smile"])
    with pytest.raises(OutOfRangeError, match="smile can be set from"):
        solve_targets(dials, face.w_plus, {"smile": 1e6})
    with pytest.raises(UsageError, match="finite"):
        solve_targets(dials, face.w_plus, {"smile": float("nan")})
    with pytest.raises(UnknownDialError):
        solve_targets(dials, face.w_plus, {"smile": 0.0}, ["smlie"])
    with pytest.raises(UsageError, match="must look like"):
        parse_targets(["age=old"])


@pytest.mark.weights
def test_a_target_out_of_reach_is_told_and_the_rest_is_met(dials, face):
    start = dials.read(face.w_plus)

    def see(w_plus):
        readings = dials.read(w_plus)
        return readings | {"smile": min(readings["smile"], start["smile"] + 0.2)}

    targets = {"smile": start["smile"] - 0.8, "age": start["age"] + 10}
    _, found = reach_on_picture(dials, face, face, targets, (), see)
    assert not fell_short(dials, targets, found)
    targets["smile"] = min(start["smile"] + 1.2, dials.spec("smile").safe[1])
    _, found = reach_on_picture(dials, face, face, targets, (), see)
    (sentence,) = fell_short(dials, targets, found)
    assert sentence.startswith("smile gets to")
    assert found["age"] == pytest.approx(targets["age"], abs=4)


@pytest.mark.weights
def test_what_is_in_the_way_of_a_missed_target_is_named(dials, face):
    start = dials.read(face.w_plus)
    targets = {"receding": start["receding"] + 2, "bangs": start["bangs"] + 2, "smile": 0.5}

    def see(w_plus):  # No fringe on a bald head: of what both ask for, one shows.
        readings = dials.read(w_plus)
        most = start["receding"] + (0.3 if readings["bangs"] > start["bangs"] + 0.5 else 9.0)
        return readings | {"receding": min(readings["receding"], most)}

    moved, found = reach_on_picture(dials, face, face, targets, (), see)
    obstacles = find_obstacles(dials, moved, targets, found, see)
    told = fell_short(dials, targets, found, obstacles)
    assert any("is in the way: without it, receding gets all the way." in one for one in told)
    assert obstacles["receding"].name == "bangs"
    # Where nothing else is asked nothing is in the way; where all is met nothing is looked at.
    alone = {"receding": targets["receding"]}
    moved, _ = reach_on_picture(dials, face, face, alone, (), see)
    assert not find_obstacles(dials, moved, alone, {"receding": 0.0}, see)
    looked = []
    assert not find_obstacles(dials, moved, alone, alone, looked.append)
    assert not looked


@pytest.mark.weights
def test_what_was_moved_in_a_terminal_keeps_its_dials_in_the_app(dials, face):
    limits = dict.fromkeys(dials.names, 1000.0)
    moved = edit_face(dials, face, {"age": 20.123456789, "smile": 1.0 / 3, "glasses": 2.7182818})
    aimed, _ = reach_on_picture(dials, face, face, {"age": 51.0, "yaw": 7.7}, (), dials.read)
    for one in (moved, aimed):
        _, deltas = from_face(one, dials, limits)
        assert dict(deltas) == {edit.dial: edit.delta for edit in one.edits}


@pytest.mark.weights
def test_a_file_tells_what_was_asked_only_to_make_the_picture_right(dials, face):
    start = dials.read(face.w_plus)

    def see(w_plus):  # A picture that shows 0.6 of every change.
        return {n: start[n] + 0.6 * (value - start[n]) for n, value in dials.read(w_plus).items()}

    moved, found = reach_on_picture(dials, face, face, {"age": start["age"] + 12}, (), see)
    (edit,) = moved.edits
    assert found["age"] == pytest.approx(start["age"] + 12, abs=2)
    assert edit.delta > 15
    assert edit.delta - edit.corrected == pytest.approx(12, abs=0.01)


def test_thirty_targets_at_once_give_a_face_and_a_sentence_for_each_that_is_missed(dials, face):
    far = {}
    for number, name in enumerate(dials.names[:30]):
        way = 1.5 * dials.spec(name).unit_per_sd * (-1) ** number
        far[name] = min(max(dials.spec(name).mean + way, dials.spec(name).safe[0]), 70.0)
    far = {n: min(max(v, dials.spec(n).safe[0]), dials.spec(n).safe[1]) for n, v in far.items()}
    moved = reach_targets(dials, face, face, far, (), partly=True)
    told = what_is_missed(dials, face, moved, {}, far, (), ({}, {}))
    after = dials.read(moved.w_plus)
    missed = {n for n, value in far.items() if in_sd(dials, n, after[n] - value) > 0.35}
    assert {text.split()[0] for text in told if "gets to" in text} == missed
    assert dials.naturalness(moved.w_plus) > 0


def test_a_step_out_of_reach_and_a_lock_that_gives_way_are_told(dials, face):
    far = {"age": 900.0}
    moved = edit_face(dials, face, far)
    (sentence, *_) = what_is_missed(dials, face, moved, far, {}, (), ({}, {}))
    assert sentence.startswith("age gets to")
    assert "years" in sentence
    was = {"smile": 0.0}
    (sentence,) = what_is_missed(dials, face, face, {}, {}, ["smile"], (was, {"smile": 1.0}))
    assert sentence.startswith("smile is locked at 0.0 and came to 1.0")
    assert not what_is_missed(dials, face, face, {}, {}, ["smile"], (was, {"smile": 0.1}))


def test_where_no_face_is_seen_the_prediction_does_and_nothing_is_raised(dials, face):
    targets = {name: dials.spec(name).safe[1] for name in dials.names}
    moved, seen = reach_on_picture(dials, face, face, targets, (), lambda w_plus: None)
    assert not seen
    assert what_is_missed(dials, face, moved, {}, targets, (), ({}, seen))


def test_numbers_beyond_all_sense_move_a_face_no_further_than_too_far(dials, face):
    for delta in (1e5, -1e30, 1e300):
        moved = dials.apply(face.w_plus, {"age": delta})
        assert np.isfinite(moved).all()
        assert abs(dials.read(moved)["age"]) < 500
