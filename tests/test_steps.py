"""Steps of one and two standard deviations: what is counted, and what the document says."""

from __future__ import annotations

from copy import copy
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from test_evaluation import dials, measured  # noqa: F401

from facegen.cli import cli
from facegen.errors import UsageError
from facegen.evaluation import steps_report
from facegen.evaluation.judge import Edit, summarise
from facegen.evaluation.steps import AGES, RIM_PX, SIZES_SD, judge_steps, rim_change
from facegen.evaluation.steps_report import document
from facegen.latents import NUM_WS, W_DIM


class Numbered:
    """Faces whose first number is the size of everything; a dial adds to it, `strength` times."""

    def __init__(self, dials, strength):  # noqa: F811
        self._dials, self._strength = dials, strength

    def spec(self, name):
        return self._dials.spec(name)

    def apply(self, base, deltas):
        moved = np.array(base)
        for name, delta in deltas.items():
            moved[0, self._dials.names.index(name)] += (
                self._strength * delta / self.spec(name).unit_per_sd
            )
        return moved


class Looks:
    """Measures and judges latents by their numbers; with `lost`, no face is seen anywhere."""

    def __init__(self, dials, *, lost=False):  # noqa: F811
        self._dials, self._lost = dials, lost

    def measure(self, latents):
        return [None if self._lost else self._one(w) for w in latents]

    def units(self, w_plus):
        return {
            name: self._dials.spec(name).mean
            + float(w_plus[0, k]) * self._dials.spec(name).unit_per_sd
            for k, name in enumerate(self._dials.names)
        }

    def _one(self, w_plus):
        size = 0.1 * float(np.abs(w_plus[0]).sum())
        return measured(self._dials, size, **self.units(w_plus))

    def picture(self, w_plus):
        value = 100 + 10 * float(np.abs(w_plus[0]).sum())
        return np.full((512, 512, 3), min(value, 255), np.uint8)

    def features(self, w_plus):
        return np.abs(w_plus[0]).sum()

    def judged(self, w_plus):
        age = float(w_plus[0, self._dials.names.index("age")])
        return SimpleNamespace(judgement=SimpleNamespace(male=0.9 if age > 1.5 else 0.1))


@pytest.fixture(scope="module")
def steps(dials):  # noqa: F811
    generator = SimpleNamespace(w_from_seed=lambda seed, psi: np.zeros((NUM_WS, W_DIM), np.float32))
    looks = Looks(dials)
    realism = SimpleNamespace(is_natural=lambda size: size < 1.5)
    solvers = {"plain": Numbered(dials, 0.4), "dials": Numbered(dials, 1.0)}
    predicting = copy(dials)
    predicting.read = looks.units
    return judge_steps(
        generator, predicting, solvers, looks, looks, SimpleNamespace(realism=realism),
        faces=2, pictured=1,
    )  # fmt: skip


def test_every_dial_is_moved_by_each_size_with_each_solver(steps, dials):  # noqa: F811
    assert set(steps.edits) == {(s, size) for s in ("plain", "dials") for size in SIZES_SD}
    assert all(len(edits) == 2 * len(dials.names) for edits in steps.edits.values())
    strong = steps.results(dials, "dials", 2.0, closed=False)
    weak = steps.results(dials, "plain", 2.0, closed=False)
    assert all(one.moved == pytest.approx(2.0, abs=0.01) for one in strong)
    assert all(one.moved == pytest.approx(0.8, abs=0.01) for one in weak)
    assert all(one.success == 1.0 for one in strong)
    assert not any(one.success for one in weak)  # Less than half of what was asked.
    loops = steps.results(dials, "plain", 1.0, closed=True)
    assert all(one.moved == pytest.approx(1.0, abs=0.13) for one in loops)


def test_pictures_are_looked_at_for_the_first_faces_only(steps, dials):  # noqa: F811
    assert steps.pictured == 1
    assert all(len(looks) == 1 for looks in steps.looks.values())
    assert all(steps.looks["dials", 1.0, name][0].natural for name in dials.names)
    assert not any(steps.looks["dials", 2.0, name][0].natural for name in dials.names)
    assert steps.looks["dials", 2.0, "smile"][0].rim == pytest.approx(20, abs=1)


def test_age_is_asked_at_every_age_and_the_judge_says_whose_sex_changed(steps):
    aged = steps.aged["dials"]
    assert [one.goal for one in aged] == 2 * [*AGES, None]
    assert all(one.sex_kept for one in aged)
    kept = {one.goal: one.judge_kept for one in aged}
    assert kept[25.0]
    assert not kept[70.0]


def test_success_is_half_of_what_was_asked(dials):  # noqa: F811
    before = measured(dials)
    spec = dials.spec("age")
    after = measured(dials, age=spec.mean + 0.8 * spec.unit_per_sd)
    edits = [Edit("age", 1.0, before, after, after, 1)]
    assert summarise(dials, "age", edits, closed=True).success == 1.0
    assert summarise(dials, "age", edits, closed=True, size=2.0).success == 0.0


def test_the_rim_is_what_lies_outside_the_head():
    plain = np.zeros((512, 512, 3), np.uint8)
    inside, outside = plain.copy(), plain.copy()
    high, wide = RIM_PX
    inside[high:-high, wide:-wide] = 255
    outside[:high] = 90
    assert rim_change(plain, inside) == 0.0
    share = high * 512 / (512 * 512 - (512 - 2 * high) * (512 - 2 * wide))
    assert rim_change(plain, outside) == pytest.approx(90 * share, rel=1e-3)


@pytest.mark.long
def test_the_document_sets_the_solvers_side_by_side(steps, dials, monkeypatch):  # noqa: F811
    text = document(steps, dials, command="python -m facegen evaluate steps")
    assert "| clean at first look | – | – |" in text  # Two faces tell nothing of that.
    assert "of these faces unedited 100% lie within" in text
    monkeypatch.setattr(steps_report, "COUNTED_FROM", 2)
    text = document(steps, dials, command="python -m facegen evaluate steps")
    assert "| clean at first look | 0 of 58 |" in text
    assert "| plain | +20 years | 2 |" in text
    assert "| dials | 70 | 2 |" in text
    assert "at equal change" in text
    assert text.count("| `smile` |") == 2


def test_no_face_seen_is_a_sentence(dials):  # noqa: F811
    generator = SimpleNamespace(w_from_seed=lambda seed, psi: np.zeros((NUM_WS, W_DIM), np.float32))
    looks = Looks(dials, lost=True)
    with pytest.raises(UsageError, match="at least one"):
        judge_steps(generator, dials, {}, looks, looks, None, faces=2, pictured=0)


def test_missing_judges_are_named_before_anything_is_drawn(monkeypatch, tmp_path):
    from facegen.evaluation import packages

    monkeypatch.setattr(packages.read_members, "__defaults__", (tmp_path,))
    result = CliRunner().invoke(cli, ["evaluate", "steps", "--docs", str(tmp_path)])
    assert result.exit_code == 1
    assert "run `python -m facegen evaluate fetch` once" in result.output
