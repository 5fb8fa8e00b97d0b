"""Targets and locks, on the dials that the app uses."""

from __future__ import annotations

import contextlib
import time

import numpy as np
import pytest

from facegen.editing.dials import DialSet
from facegen.editing.faces import edit_face, parse_targets, reach_targets
from facegen.editing.solve import effects, solve_targets
from facegen.errors import OutOfRangeError, UnknownDialError, UsageError

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def dials():
    return DialSet.load()


def in_sd(dials, name, difference):
    return abs(difference) / dials.spec(name).unit_per_sd


def test_a_target_is_reached_and_locks_hold(dials, face):
    before = dials.read(face.w_plus)
    target = dials.spec("age").mean + 0.5 * dials.spec("age").unit_per_sd
    locks = ["gender", "glasses", "smile"]
    solution = solve_targets(dials, face.w_plus, {"age": target}, locks)
    after = dials.read(dials.apply(face.w_plus, solution.deltas))
    assert in_sd(dials, "age", after["age"] - target) < 0.05
    for name in locks:
        assert in_sd(dials, name, after[name] - before[name]) < 0.05, name
    assert set(solution.deltas) <= {"age", *locks}
    assert after == pytest.approx(solution.predicted, abs=1e-3)


def test_a_lock_holds_what_would_move_without_it(dials, face):
    """The dial that a big smile moves most stays, once locked."""
    matrix = effects(dials)
    column = dials.names.index("smile")
    order = np.argsort(-np.abs(matrix[:, column]))
    other = next(dials.names[i] for i in order if i != column)
    before = dials.read(face.w_plus)
    target = before["smile"] + 1.0
    free = solve_targets(dials, face.w_plus, {"smile": target}).predicted
    held = solve_targets(dials, face.w_plus, {"smile": target}, [other]).predicted
    drift = abs(free[other] - before[other])
    assert abs(held[other] - before[other]) <= drift / 3 + 1e-3


def test_a_lock_undoes_what_a_setting_did(dials, face):
    moved = edit_face(face, {"beard": 1.5})
    held = reach_targets(moved, face, {}, ["gender"])
    before, after = dials.read(face.w_plus), dials.read(held.w_plus)
    assert in_sd(dials, "gender", after["gender"] - before["gender"]) < 0.05
    assert {"beard"} <= {edit.dial for edit in held.edits}


def test_nothing_wanted_changes_nothing(dials, face):
    assert solve_targets(dials, face.w_plus, {}).deltas == {}
    now = dials.read(face.w_plus)["smile"]
    deltas = solve_targets(dials, face.w_plus, {"smile": now}, ["age"]).deltas
    assert all(abs(value) < 1e-3 for value in deltas.values())


def test_contradictions_and_nonsense_are_told(dials, face):
    with pytest.raises(UsageError, match="smile is locked and asked to move"):
        solve_targets(dials, face.w_plus, {"smile": 0.0}, ["smile"])
    with pytest.raises(UsageError, match="smile is locked and asked to move"):
        reach_targets(edit_face(face, {"smile": 1.0}), face, {}, ["smile"])
    with pytest.raises(OutOfRangeError, match="smile can be set from"):
        solve_targets(dials, face.w_plus, {"smile": 1e6})
    with pytest.raises(UsageError, match="finite"):
        solve_targets(dials, face.w_plus, {"smile": float("nan")})
    with pytest.raises(UnknownDialError):
        solve_targets(dials, face.w_plus, {"smile": 0.0}, ["smlie"])
    with pytest.raises(UsageError, match="must look like"):
        parse_targets(["age=old"])


def test_a_step_solves_in_a_few_milliseconds(dials, face):
    locks = [name for name in dials.names if name != "smile"][:20]
    solve_targets(dials, face.w_plus, {"smile": 0.5}, [])
    start = time.perf_counter()
    for _ in range(5):
        with contextlib.suppress(OutOfRangeError):  # twenty locks may leave no way there
            solve_targets(dials, face.w_plus, {"smile": 0.5}, locks)
    assert (time.perf_counter() - start) / 5 < 0.03
