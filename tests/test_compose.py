"""Described people: what can be asked, what counts as met, what a run that stopped goes on from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from click.testing import CliRunner
from fakes import FakeGenerator

from facegen.cli import cli
from facegen.directions.recipes import RECIPES
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import reach_on_picture, reach_targets
from facegen.editing.targets import check_targets
from facegen.errors import UnknownDialError, UsageError
from facegen.evaluation import cached_judges, compose_report
from facegen.evaluation.cached_judges import CachedJudges, Judged, digest
from facegen.evaluation.compose import attributes_of, compose
from facegen.evaluation.compose_summary import as_data, by_attribute, groups_of, summarise
from facegen.evaluation.descriptions import ANSWERS, DESCRIPTIONS, NO, YES, Description
from facegen.evaluation.judges import Judgement, align
from facegen.evaluation.realism import learn_realism
from facegen.evaluation.solvers import Made, by_targets
from facegen.learning.samples import Sample
from facegen.measure.appearance import LENGTH
from facegen.measure.detector import Detection
from facegen.measure.measurer import Measurement
from facegen.measure.probabilities import load_probabilities

SIZE = 30
NATURAL = 66


@pytest.fixture(scope="module")
def dials():
    return DialSet.load(own=False)


def measured(dials, **units):
    """A picture on which these dials stand at these values, the others at their means."""
    values = {}
    for name in dials.names:
        channel, mean, sd = dials._channels[name]
        spec = dials.spec(name)
        values[channel] = mean + sd * (units.get(name, spec.mean) - spec.mean) / spec.unit_per_sd
    return Measurement(values, np.full((68, 2), 0.5), np.zeros(128, np.float32))


# --- what is asked ------------------------------


def test_there_are_enough_descriptions_and_they_are_spread():
    assert len(DESCRIPTIONS) >= 30
    assert len({one.name for one in DESCRIPTIONS}) == len(DESCRIPTIONS)
    assert {len(one.wants) for one in DESCRIPTIONS} == {2, 3, 4, 5, 6}
    ages = [one.wants["age"] for one in DESCRIPTIONS if "age" in one.wants]
    assert min(ages) < 5
    assert max(ages) > 65
    asked = {name for one in DESCRIPTIONS for name in one.wants}
    assert {"skin", "curls", "beard", "glasses", "hat", "smile", "yaw", "pitch"} <= asked
    assert len({one.wants.get("gender") for one in DESCRIPTIONS}) == 3


@pytest.mark.parametrize("description", DESCRIPTIONS, ids=lambda one: one.name)
def test_each_description_can_be_asked(description, dials):
    check_targets(dials, description.targets, ())
    assert description.text[0].islower()
    for name, wanted in description.wants.items():
        if isinstance(wanted, bool):
            assert RECIPES[name].channel in load_probabilities()


@pytest.mark.parametrize("name", ANSWERS)
def test_where_yes_is_sent_the_classifier_says_yes(name, dials):
    low, high = ANSWERS[name]
    yes = load_probabilities()[RECIPES[name].channel]
    channel = RECIPES[name].channel
    assert yes.is_yes(measured(dials, **{name: high}).values[channel])
    assert not yes.is_yes(measured(dials, **{name: low}).values[channel])


def test_a_dial_that_is_misspelled_or_no_question_is_a_sentence(dials):
    looks = FakeLooks(dials)
    for wants, error, text in (
        ({"smiel": 1.0}, UnknownDialError, "smile"),
        ({"nose_size": YES}, UsageError, "not a question"),
    ):
        with pytest.raises(error, match=text):
            run(looks, {"all": shift_all}, [Description("odd", "odd", wants)])


# --- what counts as met ------------------------------


def test_values_are_met_within_their_tolerance(dials):
    description = Description("x", "x", {"age": 40, "yaw": 10.0, "smile": 1.0, "hat": YES})
    near = measured(dials, age=43.9, yaw=7.1, smile=1.34, hat=3.0)
    far = measured(dials, age=44.1, yaw=6.9, smile=0.64, hat=-0.3)
    assert [one.met for one in attributes_of(description, dials, near)] == [True] * 4
    assert [one.met for one in attributes_of(description, dials, far)] == [False] * 4
    assert [one.met for one in attributes_of(description, dials, None)] == [False] * 4


def test_what_must_not_be_there_is_met_where_it_is_not_seen(dials):
    description = Description("x", "x", {"beard": NO, "gender": NO})
    shaved = attributes_of(description, dials, measured(dials, beard=-0.5, gender=-0.8))
    bearded = attributes_of(description, dials, measured(dials, beard=2.0, gender=-0.8))
    assert [one.met for one in shaved] == [True, True]
    assert [one.met for one in bearded] == [False, True]
    assert bearded[0].label == "no beard"


# --- solvers ------------------------------


@pytest.mark.weights
def test_todays_way_is_that_of_the_command_line(face, dials):
    seen = {}

    def see(w_plus):
        seen[digest(w_plus)] = True
        return dials.read(w_plus)

    targets = {"age": 50.0, "smile": 1.0}
    made = by_targets(dials)(face, targets, see)
    assert np.array_equal(made.first, reach_targets(dials, face, face, targets, ()).w_plus)
    after, _ = reach_on_picture(dials, face, face, targets, (), see)
    assert np.array_equal(made.after, after.w_plus)
    assert digest(face.w_plus) in seen


@pytest.mark.weights
def test_a_refusal_makes_no_picture_and_says_why(face, dials):
    made = by_targets(dials)(face, {"age": 500.0}, lambda w_plus: None)
    assert (made.first, made.after) == (None, None)
    assert made.refusal.count("age can be set from") == 1


def test_plain_dials_move_what_is_asked_and_stay_within_their_limit(dials):
    plain = dials.plain
    rng = np.random.RandomState(4)
    base = np.tile(plain._reading.origin + 0.3 * rng.randn(512).astype(np.float32), (18, 1))
    assert np.array_equal(plain.apply(base, {"smile": 0.0}), base)
    before = plain.read(base)
    moved = plain.read(plain.apply(base, {"smile": 1.0, "age": 5.0}))
    assert moved["smile"] - before["smile"] == pytest.approx(1.0, abs=0.1)
    assert moved["age"] - before["age"] == pytest.approx(5.0, abs=1.0)
    far = plain.apply(base, {"hat": 40.0}) - plain._reading.origin
    start = np.linalg.norm(base - plain._reading.origin)
    limit = max(1.42 * float(plain._reading.radius[0]), 1.12 * start)
    assert np.linalg.norm(far) <= limit * 1.001


# --- a run ------------------------------


@dataclass
class FakeLooks:
    """Measures latents by their first numbers: age, smile, and whether a face is there."""

    dials: DialSet
    generator: FakeGenerator = field(default_factory=FakeGenerator)
    judged_count: int = 0

    def measured(self, w_plus):
        age, smile, gone = (float(x) for x in w_plus[0, :3])
        return None if gone > 5 else measured(self.dials, age=30 + age, smile=smile)

    def see(self, w_plus):
        found = self.measured(w_plus)
        return None if found is None else self.dials.in_units(found.values)

    def features(self, w_plus):
        return w_plus[1, :SIZE].astype(np.float32)

    def judged(self, w_plus):
        self.judged_count += 1
        found = self.measured(w_plus)
        if found is None:
            return Judged(self.features(w_plus), None)
        identity = w_plus[2, :8] / np.linalg.norm(w_plus[2, :8])
        age = 2 * self.see(w_plus)["age"]  # the judge counts in halves of a year
        return Judged(self.features(w_plus), Judgement(age, 0.2, identity, *w_plus[3, :2].tolist()))

    def picture(self, w_plus):
        return self.generator.render(w_plus, size=512)


def shift_all(face, targets, see):
    """Goes exactly where it is sent."""
    moved = np.array(face.w_plus)
    moved[0, 0] = targets.get("age", 30.0) - 30
    moved[0, 1] = targets.get("smile", 0.0)
    half = np.array(face.w_plus)
    half[0, 0] = moved[0, 0]
    return Made(half, moved)


def melt(face, targets, see):
    """Loses the face at first, and ends far from all natural ones."""
    lost, far = np.array(face.w_plus), np.array(shift_all(face, targets, see).after)
    lost[0, 2] = 9.0
    far[1] += 50.0
    return Made(lost, far)


def refuse(face, targets, see):
    return Made(None, None, "This cannot be done.")


ASKED = (
    Description("older", "somebody of 60, smiling", {"age": 60, "smile": 3.0}),
    Description("younger", "somebody of 20, serious", {"age": 20, "smile": -3.0}),
)


def run(looks, solvers, descriptions=ASKED, **more):
    return compose(
        looks.generator, looks.dials, solvers, descriptions,
        starts=more.pop("starts", 2), natural=NATURAL, judges=looks, **more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def composed(dials):
    solvers = {"all": shift_all, "melt": melt, "refuse": refuse}
    looks = FakeLooks(dials)
    return run(looks, solvers), looks


def test_every_description_is_made_by_every_solver_at_both_stages(composed):
    groups = groups_of(composed[0].outcomes)
    assert list(groups) == [
        (solver, stage) for solver in ("all", "melt", "refuse") for stage in ("first", "after")
    ]
    assert {len(group) for group in groups.values()} == {4}
    order = [one.description for one in groups["all", "after"]]
    assert order == ["older", "younger", "older", "younger"]  # one start of each first
    assert len({one.seed for one in groups["all", "after"]}) == 4
    assert [o.seed for o in groups["all", "after"]] == [o.seed for o in groups["melt", "first"]]


def summary_of(composed, solver, stage):
    run_ = composed[0]
    return summarise(groups_of(run_.outcomes)[solver, stage], run_.reference.strangers[1])


def test_a_summary_counts_what_was_met_seen_and_natural(composed):
    first, after = (summary_of(composed, "all", stage) for stage in ("first", "after"))
    assert (first.attributes_met, first.all_met) == (0.5, 0.0)
    assert (after.attributes_met, after.all_met, after.seen, after.good) == (1, 1, 1, after.natural)
    assert after.age_miss == pytest.approx(0, abs=1.0)  # on our scale, not in halves
    assert after.sex_kept == 1.0
    assert after.sex_asked is None
    assert after.likeness == pytest.approx(1.0)


def test_a_lost_face_and_a_far_picture_are_told_apart(composed):
    first, after = (summary_of(composed, "melt", stage) for stage in ("first", "after"))
    assert (first.seen, first.attributes_met) == (0.0, 0.0)
    assert (after.seen, after.all_met, after.natural, after.good) == (1.0, 1.0, 0.0, 0.0)


def test_a_refused_edit_is_no_picture_and_nothing_of_it_is_met(composed):
    one = summary_of(composed, "refuse", "after")
    assert (one.refused, one.all_met, one.seen, one.natural) == (1.0, 0.0, 0.0, None)
    text = compose_report.document(FakeGenerator(), composed[0], ASKED, [], "a command")
    assert "* refuse, after the loop, 4 times: This cannot be done." in text


def test_the_document_holds_every_solver_description_and_attribute(composed):
    text = compose_report.document(FakeGenerator(), composed[0], ASKED, ["a.jpg"], "a command")
    assert "Made by `a command`" in text
    assert "| **all met** | 0% | 100% | 0% | 100% | 0% | 0% |" in text
    for description in ASKED:
        assert f"| {description.text} | 2 |" in text
    assert "| age | 4 | 100% | 100% |" in text
    assert "](pictures/a.jpg)" in text


def test_data_of_a_run_is_json(composed):
    data = json.loads(json.dumps(as_data(composed[0])))
    assert data["summary"][0]["solver"] == "all"
    assert len(data["outcomes"]) == 24
    assert data["outcomes"][0]["attributes"][0]["name"] == "age"


def test_attributes_are_listed_worst_first(composed):
    first = groups_of(composed[0].outcomes)["all", "first"]
    assert list(by_attribute(first).items()) == [("smile", (4, 0.0)), ("age", (4, 1.0))]


def test_sheets_show_before_and_after(composed, tmp_path):
    run_, looks = composed
    (path,) = compose_report.write_sheets(run_, ASKED, looks, tmp_path)
    assert path.name == "compose_1.jpg"
    assert path.stat().st_size > 5000


def test_progress_counts_to_the_end(dials):
    told = []
    run(
        FakeLooks(dials),
        {"all": shift_all},
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (NATURAL + 4, NATURAL + 4)
    assert [done for done, _ in told] == list(range(1, NATURAL + 5))


def test_faces_that_something_was_tuned_on_can_be_left_out(dials):
    every, later = (
        run(FakeLooks(dials), {"all": shift_all}, starts=starts, skip=skip)
        for starts, skip in ((3, 0), (2, 1))
    )
    seeds = [sorted({one.seed for one in found.outcomes}) for found in (every, later)]
    assert set(seeds[1]) == {seed for seed in seeds[0] if seed % 100}


def test_nothing_to_do_is_a_sentence(dials):
    looks = FakeLooks(dials)
    with pytest.raises(UsageError, match="at least one start"):
        run(looks, {"all": shift_all}, starts=0)
    with pytest.raises(UsageError, match="100 faces"):
        run(looks, {"all": shift_all}, starts=101)
    with pytest.raises(UsageError, match="100 faces"):
        run(looks, {"all": shift_all}, starts=99, skip=2)


# --- kept on disk ------------------------------


@pytest.fixture
def counted(dials, tmp_path, monkeypatch):
    """A cache whose looks are counted: (make it, how often it drew and looked)."""
    calls = {"looked": 0, "judged": 0}

    def sample_of(image):
        calls["looked"] += 1
        rng = np.random.RandomState(int(image[0, 0, 0]))
        found = Detection(
            rng.uniform(100, 400, (68, 2)), rng.randn(128).astype(np.float32), 30.0, 0.5
        )
        return Sample(rng.randn(LENGTH).astype(np.float32), found)

    class Judges:
        def __init__(self, folder):
            pass

        def judge(self, image, landmarks):
            calls["judged"] += 1
            return Judgement(40.0, 0.1, np.ones(4, np.float32), 1.0, 2.0)

    monkeypatch.setattr(cached_judges, "sample_of", sample_of)
    monkeypatch.setattr(cached_judges, "Judges", Judges)
    monkeypatch.setattr(cached_judges, "load_lite0", lambda folder: None)
    monkeypatch.setattr(
        cached_judges, "picture_features", lambda net, image: np.arange(3, dtype=np.float32)
    )
    return lambda: CachedJudges(FakeGenerator(), dials, tmp_path), calls


def test_a_run_that_was_cut_off_looks_at_nothing_twice(counted):
    make, calls = counted
    latents = [FakeGenerator().w_from_seed(seed) for seed in (1, 2)]
    before = [(make().see(w), make().judged(w)) for w in latents]
    assert calls == {"looked": 2, "judged": 2}
    again = make()
    for w, (stands, judged) in zip(latents, before, strict=True):
        assert again.see(w) == stands
        kept = again.judged(w)
        assert np.array_equal(kept.features, judged.features)
        assert np.array_equal(kept.judgement.identity, judged.judgement.identity)
        assert (kept.judgement.age, kept.judgement.yaw) == (40.0, 1.0)
    assert calls == {"looked": 2, "judged": 2}
    assert again.generator.rendered == 0


def test_a_file_that_was_cut_off_is_made_anew(counted, tmp_path):
    make, calls = counted
    w = FakeGenerator().w_from_seed(1)
    whole = make().judged(w)
    (path,) = (tmp_path / "judged").iterdir()
    path.write_bytes(path.read_bytes()[:40])
    assert np.array_equal(make().judged(w).features, whole.features)
    assert calls["judged"] == 2


def test_a_picture_is_drawn_once_for_all_looks(counted):
    make, _ = counted
    looks, w = make(), FakeGenerator().w_from_seed(1)
    looks.see(w), looks.judged(w), looks.picture(w), looks.features(w)
    assert looks.generator.rendered == 1


# --- realism and scales ------------------------------


def test_natural_faces_lie_within_and_odd_ones_beyond():
    rng = np.random.RandomState(0)
    mixed = rng.randn(40, 40)
    faces = rng.randn(900, 40) @ mixed
    realism = learn_realism(faces[:400], faces[400:600])
    within = [realism.is_natural(one) for one in faces[600:]]
    assert np.mean(within) == pytest.approx(0.99, abs=0.02)
    middle = [realism.percentile(one) for one in faces[600:]]
    assert np.median(middle) == pytest.approx(0.5, abs=0.1)
    odd = faces[600] + 8 * mixed[0]
    assert not realism.is_natural(odd)
    assert realism.percentile(odd) == 1.0


def test_too_few_natural_faces_are_a_sentence():
    with pytest.raises(UsageError, match="at least 20 natural faces"):
        learn_realism(np.zeros((19, 4)), np.zeros((30, 4)))


def test_a_judge_is_brought_to_our_scale():
    ours = np.array([10.0, 20.0, 30.0])
    scale = align(ours, 5 - 0.5 * -ours)
    assert [scale(5 + 0.5 * value) for value in ours] == pytest.approx(ours.tolist())
    assert scale.correlation == pytest.approx(1.0)


# --- the command ------------------------------


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (("--only", "nobody"), "No description is called 'nobody'. There are: grey-curls"),
        (("--solver", "magic"), "No solver is called 'magic'. There are: plain, dials"),
    ],
)
def test_an_unknown_name_is_a_sentence(option, text):
    result = CliRunner().invoke(cli, ["evaluate", "compose", *option])
    assert result.exit_code == 1
    assert text in result.output


def test_missing_judges_are_named_before_anything_is_drawn(monkeypatch, tmp_path):
    from facegen.evaluation import packages

    monkeypatch.setattr(packages.read_members, "__defaults__", (tmp_path,))
    result = CliRunner().invoke(cli, ["evaluate", "compose"])
    assert result.exit_code == 1
    assert "run `python -m facegen evaluate fetch` once" in result.output


@pytest.mark.slow
@pytest.mark.weights
def test_a_quick_run_of_the_real_thing(tmp_path, monkeypatch):
    from facegen.evaluation import compose as module

    assert CliRunner().invoke(cli, ["evaluate", "fetch"]).exit_code == 0
    monkeypatch.setattr(module, "CACHE_DIR", tmp_path / "cache")
    args = ["evaluate", "compose", "--quick", "--json", "--docs", str(tmp_path)]
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    after = data["summary"][-1]
    assert after["edits"] == 3
    assert after["seen"] >= 2 / 3
    assert after["attributes_met"] > 0.5
    assert (tmp_path / "compose.md").exists()
