"""People are found by their seeds, confirmed on their pictures, and made where nobody is so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from click.testing import CliRunner
from fakes import FakeGenerator

from facegen.cli import cli
from facegen.errors import UsageError
from facegen.explore import bank as bank_module
from facegen.explore import find as find_module
from facegen.explore.bank import Bank
from facegen.explore.find import Odds, Search, find
from facegen.explore.making import goal
from facegen.explore.ordinary import CORRUPTED_COUNTS, ORDINARY_SD, Ordinary
from facegen.explore.query import Condition, parse
from facegen.explore.screening import Screener
from facegen.face import Face
from facegen.measure.measurer import Measurement


@dataclass
class Studio:
    """Draws and measures without a network: pictures tell what is predicted, a little off."""

    dials: object
    off: float = 0.2
    drawn: list[np.ndarray] = field(default_factory=list)

    def picture(self, w_plus: np.ndarray) -> np.ndarray:
        self.drawn.append(np.array(w_plus))
        image = np.zeros((64, 64, 3), np.uint8)
        image[0, 0] = (*divmod(len(self.drawn) - 1, 256), 0)
        return image

    def measure(self, image: np.ndarray) -> Measurement:
        w_plus = self.drawn[256 * int(image[0, 0, 0]) + int(image[0, 0, 1])]
        reading = self.dials.regressor
        scores = reading.scores(reading.contributions(w_plus[None]))[0]
        rng = np.random.RandomState(abs(int(1e4 * w_plus.sum())) % 2**32)
        known = len(reading.names)
        noisy = scores[:known] + self.off * rng.randn(known)
        values = noisy * reading.spread[:known] + reading.mean[:known]
        descriptor = scores[known:] * reading.spread[known:] + reading.mean[known:]
        return Measurement(
            dict(zip(reading.names, values.tolist(), strict=True)), np.zeros((68, 2)),
            (1.7 * descriptor).astype(np.float32),
        )  # fmt: skip


@pytest.fixture
def studio(dials):
    return Studio(dials)


@pytest.fixture
def bank(dials, tmp_path, monkeypatch):
    monkeypatch.setattr(bank_module, "BLOCK", 512)
    return Bank(Screener(FakeGenerator(), dials), tmp_path / "bank")


def looked_for(text: str, bank: Bank, studio: Studio, **wishes) -> Search:
    return find(
        parse(text, studio.dials), bank, picture=studio.picture, measure=studio.measure, **wishes
    )


def test_only_people_whose_pictures_fit_are_given(bank, studio, dials):
    search = looked_for("woman, 25-40", bank, studio, count=6, people=4096)
    found = list(search)
    assert len(found) == 6 == search.found
    for one in found:
        again = dials.in_units(studio.measure(one.picture).values)
        assert search.query.meets(again)
        assert one.values == again
        assert one.origin == "seed"
        assert np.array_equal(one.face.w_plus, bank.screener.generator.w_from_seed(one.face.seed))
    assert len({one.face.seed for one in found}) == 6
    assert 1 < search.odds.one_in < 100
    assert search.looked_at <= 4096


def test_the_same_number_gives_the_same_people_and_another_others(bank, studio):
    def seeds(**wishes):
        return [one.face.seed for one in looked_for("man", bank, studio, count=4, **wishes)]

    first = seeds()
    assert first == seeds()
    assert not set(first) & set(seeds(seed=1))
    assert not set(first) & set(seeds(without=first))


def test_who_is_met_by_nobody_is_made_and_stays_editable(bank, studio, dials):
    search = looked_for("woman, 55-65, hair_gray>1.5", bank, studio, count=4, people=1024)
    found = list(search)
    made = [one for one in found if one.origin == "made"]
    assert len(found) == 4
    assert made
    for one in made:
        assert search.query.meets(one.values)
        assert one.face.seed is None, "no seed gives this latent"
        assert one.seed is not None
        assert np.array_equal(one.face.base, one.face.w_plus)
        assert np.ptp(one.face.w_plus, axis=0).max() == 0, "as a seed's, all rows are one w"
        reached = (one.face.w_plus[0] - bank.screener.generator.w_avg) / bank.screener.psi
        assert np.abs(reached).max() < 1, "no further than the mapping network goes"
    assert search.odds.one_in > 300


def test_what_nobody_asked_for_stays_ordinary(bank, studio, dials):
    query = parse("woman, 55-65, red hair", dials)
    reading = dials.regressor
    ordinary = Ordinary(query, reading)
    usual = dict(zip(reading.names, reading.mean[: len(reading.names)].tolist(), strict=True))
    assert ordinary.strangest(usual) == 0
    for name, away, seen in (
        ("roll", 4.0, 4.0), ("bg_left_a", -5.0, 5.0), ("hair_red", 6.0, 0.0), ("age", 3.0, 0.0),
        ("artifact", 2.0, 2.0 * CORRUPTED_COUNTS),
    ):  # fmt: skip
        values = usual | {name: usual[name] + away * reading.spread[reading.names.index(name)]}
        assert ordinary.strangest(values) == pytest.approx(seen, rel=1e-3)
    assert ordinary.strangest({}) == 0
    found = list(looked_for("woman, 55-65, hair_gray>1.5", bank, studio, count=4, people=1024))
    made = [one for one in found if one.origin == "made"]
    asked = Ordinary(parse("woman, 55-65, hair_gray>1.5", dials), reading)
    assert made
    assert max(asked.strangest(one.measurement.values) for one in made) <= ORDINARY_SD


@pytest.mark.long
def test_who_is_less_ordinary_comes_last_and_who_is_strange_never(bank, studio, monkeypatch):
    wishes = {"count": 2, "people": 1024}
    monkeypatch.setattr(find_module, "MOST_DRAWN", 6)
    monkeypatch.setattr(find_module, "MOST_DRAWN_EACH", 1)
    monkeypatch.setattr(find_module, "ORDINARY_SD", -1.0)
    search = looked_for("woman, 55-65, hair_gray>1.5", bank, studio, **wishes)
    assert next(search).origin == "made"
    assert search.drawn >= 8, "it looked for others as long as it may"
    monkeypatch.setattr(find_module, "STRANGE_SD", -1.0)
    again = looked_for("woman, 55-65, hair_gray>1.5", bank, studio, **wishes)
    assert all(one.origin == "seed" for one in again)


@pytest.mark.long
def test_no_more_people_are_looked_at_than_asked(bank, studio):
    search = looked_for("woman", bank, studio, count=400, people=700, make=False)
    seeds = [one.face.seed for one in search]
    assert search.looked_at == 700
    assert seeds
    assert max(seeds) < 700
    with pytest.raises(UsageError, match="At least one"):
        looked_for("woman", bank, studio, people=0)


def test_a_search_of_which_more_is_wanted_draws_more_pictures(bank, studio, monkeypatch):
    """As the page does: whoever scrolls on wants more of the same search."""
    monkeypatch.setattr(find_module, "MOST_DRAWN", 2)
    monkeypatch.setattr(find_module, "MOST_DRAWN_EACH", 3)
    search = looked_for("man", bank, studio, count=1, people=2048)
    for found, _ in enumerate(search, 1):
        search.count += found < 20
    assert search.found == 20


def test_without_making_a_rare_wish_ends_with_those_there_are(bank, studio):
    search = looked_for("woman, 60-70, hair_gray>2", bank, studio, people=1024, make=False)
    assert not list(search)
    assert search.looked_at == 1024
    assert "1 in" in str(search.odds)


def test_a_search_can_be_stopped_between_pictures(bank, studio):
    search = looked_for("woman", bank, studio, count=50, stop=lambda: len(studio.drawn) >= 5)
    assert len(list(search)) <= 5
    assert len(studio.drawn) == 5


def test_leaving_the_iterator_draws_no_more(bank, studio):
    search = looked_for("woman", bank, studio, count=50)
    next(search)
    drawn = len(studio.drawn)
    assert drawn < 30
    assert search.drawn == drawn


def test_diverse_leaves_out_who_looks_like_another(bank, studio):
    found = list(looked_for("woman", bank, studio, count=5, diverse=True, people=2048))
    descriptors = np.array([one.descriptor for one in found])
    apart = np.linalg.norm(descriptors[:, None] - descriptors[None], axis=2)
    assert apart[np.triu_indices(len(found), 1)].min() >= 0.6


def test_progress_is_told(bank, studio):
    told: list[tuple[int, int]] = []
    search = looked_for(
        "man", bank, studio, count=3, progress=lambda done, total: told.append((done, total))
    )
    list(search)
    assert told[-1][1] == 3
    assert told == sorted(told)


def test_no_face_on_a_picture_is_nobody(bank, studio):
    search = find(
        parse("woman", studio.dials), bank, picture=studio.picture, measure=lambda image: None,
        count=1, people=512,
    )  # fmt: skip
    assert not list(search)
    assert search.drawn <= 125


@pytest.mark.parametrize("wishes", [{"count": 0}, {"count": 10**6}, {"seed": -1}, {"seed": 2**40}])
def test_numbers_out_of_range_are_refused(bank, studio, wishes):
    with pytest.raises(UsageError):
        looked_for("woman", bank, studio, **wishes)


def test_odds_in_words():
    assert str(Odds(0.0, 0)) == "nobody looked at yet"
    assert str(Odds(10.0, 4321)) == "1 in 430"
    assert str(Odds(0.0, 65536)) == "fewer than 1 in 6,600,000"
    assert Odds(200.0, 100).one_in == 1.0


def test_the_goal_is_the_nearest_value_within():
    age = Condition("age", 55.0, 65.0, "55-65")
    assert goal(age, 60.0, 4.0) == 60.0
    assert 55.0 < goal(age, 30.0, 4.0) < 60.0 < goal(age, 90.0, 4.0) < 65.0
    glasses = Condition("glasses", 0.7, None, "glasses")
    assert goal(glasses, -1.0, 0.4) > 0.7
    assert goal(glasses, 3.0, 0.4) == 3.0


# --- the command -------------------------------------------------------------------------------


def test_a_wrong_word_is_pointed_at_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr("facegen.cli.explore.load_generator", lambda *a, **k: pytest.fail("loaded"))
    run = CliRunner().invoke(
        cli, ["sample", "--where", "woman, glases", "--out", str(tmp_path / "out")]
    )
    assert run.exit_code == 1
    assert "Did you mean glasses" in run.output
    line, mark = run.output.splitlines()[-2:]
    assert line[mark.index("^") : mark.rindex("^") + 1] == "glases"
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_sample_writes_face_files_that_fit(generator, dials, tmp_path, monkeypatch):
    monkeypatch.setattr("facegen.explore.bank.cache_dir", lambda: tmp_path / "cache")
    monkeypatch.setattr("facegen.cli.explore.load_generator", lambda *a, **k: generator)
    out = tmp_path / "out"
    run = CliRunner().invoke(
        cli,
        ["sample", "--where", "woman, glasses, 30-50", "--count", "2", "--out", str(out),
         "--people", "4096", "--only-seeds", "--json"],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert told["where"] == "woman, glasses, 30-50"
    assert told["one_in"] > 5
    assert len(told["people"]) == 2
    for person in told["people"]:
        face = Face.load(person["file"])
        assert face.seed == person["seed"]
        assert np.allclose(face.w_plus, generator.w_from_seed(face.seed))
        assert 30 <= person["measured"]["age"] < 50
