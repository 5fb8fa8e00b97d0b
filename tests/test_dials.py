"""The table of dials and the learned files behind it: no rendering."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from facegen.controls import DIALS, GROUPS, dial
from facegen.directions.recipes import RECIPES, same_things
from facegen.editing.dial_set import DialSet
from facegen.errors import BadFileError, LatentError, UnknownDialError, UsageError

NAMES = [entry.name for entry in DIALS]
FIRST = {
    "age", "gender", "smile", "mouth_open", "eyes_open", "glasses", "beard", "bangs", "hair_blond",
    "hair_gray", "hair_black", "hair_red", "hair_length", "yaw", "pitch",
}  # fmt: skip
MOVES = (0.6, 1.2)
"""Share of a unit that the reading may move for one unit in the picture."""


@pytest.fixture(scope="module")
def dials() -> DialSet:
    return DialSet.load()


def some_face() -> np.ndarray:
    return np.random.RandomState(3).randn(18, 512).astype(np.float32) * 0.3


@pytest.fixture
def base() -> np.ndarray:
    return some_face()


@pytest.fixture(scope="module")
def one_step_up(dials):
    """What is read on `base` after one unit of a dial; solved once for several tests."""

    @cache
    def readings(name: str) -> dict[str, float]:
        return dials.read(dials.apply(some_face(), {name: dials.spec(name).unit_per_sd}))

    return readings


def test_the_table_is_complete_and_plain():
    assert set(NAMES) >= FIRST
    assert len(NAMES) == len(set(NAMES)) >= 48
    assert set(NAMES) == set(RECIPES)
    for entry in DIALS:
        assert entry.group in GROUPS
        assert entry.unit in ("deg", "years", "sd")
        assert entry.label
        assert entry.low != entry.high
        assert entry.help.endswith(".")


def test_every_dial_has_its_direction(dials):
    assert list(dials.names) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_a_dial_hang_together(dials, name):
    spec = dials.spec(name)
    assert spec.unit == dial(name).unit
    assert spec.unit_per_sd > 0
    assert spec.safe[0] <= spec.natural[0] < spec.mean < spec.natural[1] <= spec.safe[1]
    assert 0.3 < spec.score <= 1
    untouched = np.ones(18, bool)
    untouched[slice(*spec.rows)] = False
    assert not dials.vector(name)[untouched].any()
    assert dials.vector(name)[slice(*spec.rows)].any()


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_dial_moves_its_own_reading_the_right_way(dials, base, one_step_up, name):
    step = dials.spec(name).unit_per_sd
    before, up = dials.read(base), one_step_up(name)
    down = dials.read(dials.apply(base, {name: -step}))
    assert up[name] > before[name] > down[name]
    # What is asked for is what is read, as long as there is room: nobody is more beardless.
    assert MOVES[0] < (up[name] - down[name]) / (2 * step) < MOVES[1]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_dial_moves_its_own_reading_most(dials, base, one_step_up, name):
    before, after = dials.read(base), one_step_up(name)
    change = {n: abs(after[n] - before[n]) / dials.spec(n).unit_per_sd for n in NAMES}
    others = {n: v for n, v in change.items() if n != name and n not in same_things(name)}
    assert max(others.values()) < 1.25 * change[name], max(others, key=others.get)


def test_nothing_moved_is_bit_for_bit_the_same(dials, base):
    for deltas in ({}, {"smile": 0.0}, {"yaw": 0, "age": 0.0}):
        assert dials.apply(base, deltas).tobytes() == base.tobytes()


def test_edits_add_up_in_any_order(dials, base):
    there = dials.apply(base, {"smile": 1.0, "yaw": 10.0, "age": -5.0})
    again = dials.apply(base, {"age": -5.0, "yaw": 10.0, "smile": 1.0})
    assert there.tobytes() == again.tobytes()
    moved, before = dials.read(there), dials.read(base)
    for name, change in (("smile", 1.0), ("yaw", 10.0), ("age", -5.0)):
        near = 0.2 * dials.spec(name).unit_per_sd
        assert moved[name] - before[name] == pytest.approx(change, abs=near)


def test_the_base_is_not_changed(dials, base):
    base.flags.writeable = False
    dials.apply(base, {"smile": 1.0})
    assert not dials.vector("smile").flags.writeable


@pytest.mark.parametrize(
    ("wrong", "right"), [("smlie", "smile"), ("Beards", "beard"), ("fringe", "bangs")]
)
def test_unknown_names_get_near_matches(dials, base, wrong, right):
    for call in (dial, dials.spec, lambda name: dials.apply(base, {name: 1.0})):
        with pytest.raises(UnknownDialError, match=f"'{wrong}'.*{right}"):
            call(wrong)


def test_bad_input_is_refused_with_a_sentence(dials, base):
    with pytest.raises(LatentError, match=r"\(18, 512\), got \(16, 512\)"):
        dials.read(base[:16])
    with pytest.raises(UsageError, match="smile must be a finite number"):
        dials.apply(base, {"smile": float("nan")})
    base[0, 0] = np.nan
    with pytest.raises(LatentError, match="NaN"):
        dials.apply(base, {"smile": 1.0})
    with pytest.raises(BadFileError, match="no dials for the latent space 'space-0'"):
        DialSet.load("space-0")
