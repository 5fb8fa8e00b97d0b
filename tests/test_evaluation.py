"""Judging: summaries count what they say, and the report holds what was judged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from facegen.controls import DIALS
from facegen.editing.closed_loop import Loop
from facegen.editing.dial_set import DialSet
from facegen.errors import UsageError
from facegen.evaluation.celeba import FOLDED
from facegen.evaluation.compare import PlainDial, as_markdown, at_equal_change
from facegen.evaluation.judge import (
    Edit,
    LockResult,
    TargetResult,
    Verdict,
    evaluate,
    run_loops,
    summarise,
)
from facegen.evaluation.report import _locks, _targets
from facegen.latents import NUM_WS, W_DIM
from facegen.measure.measurer import Measurement


@pytest.fixture(scope="module")
def dials():
    return DialSet.load(own=False)


def measured(dials, distance=0.0, **units):
    """A picture on which these dials stand at these values, the others at their means."""
    values = {}
    for name in dials.names:
        channel, mean, sd = dials._channels[name]
        spec = dials.spec(name)
        unit = units.get(name, spec.mean)
        values[channel] = mean + sd * (unit - spec.mean) / spec.unit_per_sd
    descriptor = np.zeros(128, np.float32)
    descriptor[0] = distance
    return Measurement(values, np.zeros((68, 2)), descriptor)


def edits(dials, name, moved, leak, distance):
    before = measured(dials)
    spec = dials.spec(name)
    after = measured(dials, distance, **{name: spec.mean + moved * spec.unit_per_sd, "hat": leak})
    return Edit(name, 1.0, before, after, after, 1)


def test_a_summary_counts_movement_leaks_and_identity(dials):
    seen = [edits(dials, "age", 1.0, 0.1, 0.2) for _ in range(19)]
    seen.append(edits(dials, "age", 0.2, 0.1, 0.7))
    result = summarise(dials, "age", seen, closed=True)
    assert result.moved == pytest.approx(1.0, abs=1e-3)
    assert result.success == pytest.approx(0.95)
    assert result.same_person == pytest.approx(0.95)
    assert (result.worst, result.worst_leak) == ("hat", pytest.approx(0.1, abs=1e-3))
    assert result.is_clean


@pytest.mark.parametrize(("moved", "leak", "distance"), [(0.3, 0, 0), (1, 0.5, 0), (1, 0, 0.9)])
def test_too_little_too_leaky_or_somebody_else_is_not_clean(dials, moved, leak, distance):
    result = summarise(dials, "age", [edits(dials, "age", moved, leak, distance)], closed=True)
    assert not result.is_clean


def test_dials_that_keep_a_person_are_judged_more_strictly(dials):
    far = 0.5
    smile = summarise(dials, "smile", [edits(dials, "smile", 1.0, 0.0, far)], closed=True)
    age = summarise(dials, "age", [edits(dials, "age", 1.0, 0.0, far)], closed=True)
    assert (smile.limit, smile.same_person, smile.is_clean) == (0.45, 0.0, False)
    assert (age.limit, age.same_person, age.is_clean) == (0.6, 1.0, True)


def test_directions_are_compared_where_both_got_there(dials):
    ours = [edits(dials, "age", 1.0, 0.1, 0.2), edits(dials, "age", 1.0, 0.9, 0.9)]
    theirs = [edits(dials, "age", 1.1, 0.2, 0.4), edits(dials, "age", 0.2, 0.0, 0.0)]
    found = at_equal_change(dials, "age", ours, theirs)
    assert (found.ours.faces, found.reached_ours, found.reached_theirs) == (1, 1.0, 0.5)
    assert found.ours.distance == pytest.approx(0.2)
    assert "leak" in as_markdown([found])
    assert at_equal_change(dials, "age", ours[1:], theirs[1:]) is None


def test_a_face_that_is_gone_counts_as_not_detected(dials):
    one = edits(dials, "age", 1.0, 0.0, 0.1)
    gone = Edit("age", 1.0, one.before, None, None, 1)
    assert summarise(dials, "age", [one, gone], closed=False).detected == 0.5


@dataclass
class CountingMeasurer:
    """Measures latents by their first numbers; remembers how many it was shown."""

    dials: DialSet
    shown: list[int] = field(default_factory=list)

    def measure(self, latents):
        self.shown.append(len(latents))
        return [measured(self.dials, smile=0.5 * float(w[0, 0])) for w in latents]


class First:
    """A dial that adds to the first number of the latent."""

    def spec(self, name):
        return DialSet.load(own=False).spec(name)

    def apply(self, base, deltas):
        moved = np.array(base)
        moved[0, 0] += deltas["smile"]
        return moved


def test_loops_run_side_by_side_until_each_is_done(dials):
    base = np.zeros((NUM_WS, W_DIM), np.float32)
    before = measured(dials, smile=0.0)
    stands = dials.in_units(before.values)
    loops = [Loop(First(), base, {"smile": wanted}, stands) for wanted in (0.02, 1.0)]
    measurer = CountingMeasurer(dials)
    (easy, _), (hard, best) = run_loops(measurer, dials, before, loops)
    assert measurer.shown[0] == 2
    assert sum(measurer.shown) == len(easy) + len(hard)
    assert len(easy) == 1 < len(hard)
    assert dials.in_units(hard[best].values)["smile"] == pytest.approx(1.0, abs=0.13)


def test_a_foreign_direction_is_scaled_to_our_unit(dials, face):
    dial = PlainDial(dials, "yaw", 37.0 * dials.vector("yaw"), face.w_plus)
    moved = dial.apply(face.w_plus, {"yaw": 5.0})
    change = dials.read(moved)["yaw"] - dials.read(face.w_plus)["yaw"]
    assert change == pytest.approx(5.0, abs=2.0)
    with pytest.raises(ValueError, match="does not move yaw"):
        PlainDial(dials, "yaw", np.zeros((NUM_WS, W_DIM)), face.w_plus)


def test_no_faces_is_a_sentence(generator, dials):
    with pytest.raises(UsageError, match="At least one face"):
        evaluate(generator, dials, faces=0)


def test_tables_hold_what_was_judged(dials):
    result = summarise(dials, "age", [edits(dials, "age", 1.0, 0.1, 0.2)], closed=True)
    locks = [LockResult("smile", "teeth", 0.9, 0.1), LockResult("yaw", "hat", 0.05, 0.04)]
    targets = [TargetResult("age", 20.0, 70.0, 4.4, 0.8, 64)]
    verdict = Verdict([result], [result], targets, locks, 2.0)
    text = "\n".join([*_targets(verdict), *_locks(verdict)])
    assert "| `age` | 20 … 70 years | 4.4 | 0.8 | 64 |" in text
    assert "1 of 1 are held to less than a third" in text
    assert "| `yaw` | hat" not in text


def test_every_celeba_attribute_has_a_dial_or_a_reason():
    known = {entry.name for entry in DIALS}
    assert len(FOLDED) == len({attribute for attribute, _, _ in FOLDED}) == 40
    for attribute, names, remark in FOLDED:
        assert set(names) <= known, attribute
        assert names or remark, attribute
