"""The closed loop: it ends where the picture says what was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from facegen.editing.closed_loop import (
    ALL_MET_BELOW,
    MAX_ROUNDS,
    USUAL_ROUNDS,
    Wish,
    carried_share,
    next_try,
    reach,
)

DIALS = ("smile", "beard", "age")


@dataclass(frozen=True)
class Spec:
    unit_per_sd: float = 1.0
    unit: str = "sd"
    yes_from: float | None = None


class PlainDials:
    """Dials whose changes are the first numbers of the latent."""

    def spec(self, name):
        if name == "age":
            return Spec(12.0, "years")
        return Spec(yes_from=1.2 if name == "beard" else None)

    def apply(self, base, deltas):
        moved = np.array(base)
        for name, delta in deltas.items():
            if name in DIALS:
                moved[0, DIALS.index(name)] += delta
        return moved


def watch(shapes, looks):
    """A picture on which each dial shows as its own function of what was asked."""

    def see(w_plus):
        looks.append(w_plus)
        return {name: shapes[name](float(w_plus[0, k])) for k, name in enumerate(DIALS)}

    return see


BASE = np.zeros((18, 512), np.float32)
STILL = {name: (lambda x: 0.0) for name in DIALS}
START = dict.fromkeys(DIALS, 0.0)


@pytest.mark.parametrize(
    "shape",
    [
        lambda x: 0.6 * x,
        lambda x: 2.3 * x,
        lambda x: x + 0.4 * np.sin(3 * x),
        lambda x: 3.0 / (1 + np.exp(-4 * (x - 1.8))) - 3.0 / (1 + np.exp(7.2)),
    ],
    ids=["too weak", "too strong", "wavy", "threshold"],
)
def test_it_comes_near_whatever_the_dial_does(shape):
    looks = []
    outcome = reach(
        PlainDials(), BASE, {"smile": 1.0}, START, watch(STILL | {"smile": shape}, looks)
    )
    assert abs(outcome.measured["smile"] - 1.0) < 0.3
    assert len(looks) <= MAX_ROUNDS + 1
    assert shape(outcome.asked["smile"]) == pytest.approx(outcome.measured["smile"])


def test_a_right_guess_is_looked_at_once():
    looks = []
    reach(PlainDials(), BASE, {"age": 20.0}, START, watch(STILL | {"age": lambda x: x}, looks))
    assert len(looks) == 1


def test_the_first_try_counts_on_what_an_edit_carries_of_what_the_face_was_off():
    """Measured 6 years and 1 sd more than predicted; a large edit keeps little of that."""
    before, predicted = {"smile": 1.0, "beard": 0.0, "age": 6.0}, dict.fromkeys(DIALS, 0.0)
    firsts = {}
    for years in (2.4, 48.0):
        looks = []
        see = watch(STILL | {"age": lambda x: x + 6.0}, looks)
        reach(PlainDials(), BASE, {"age": years, "smile": 0.0}, before, see, predicted=predicted)
        firsts[years] = looks[0][0]
    age, smile = DIALS.index("age"), DIALS.index("smile")
    lost = {years: float(first[age]) - years for years, first in firsts.items()}
    assert lost[2.4] == pytest.approx(6 * (1 - carried_share([0.2])), abs=1e-3)
    assert 0 < lost[2.4] < 0.2 * 6
    assert 0.5 * 6 < lost[48.0] < 6
    assert not firsts[48.0][smile]  # A lock stays where it is.
    assert carried_share([0.0]) == 1.0


def test_a_lock_is_held_on_the_picture_and_the_rest_is_left_alone():
    shapes = STILL | {"smile": lambda x: x, "beard": lambda x: x + 0.5}
    outcome = reach(
        PlainDials(), BASE, {"smile": 1.0, "beard": 0.0}, START, watch(shapes, []),
        fixed={"age": 6.0, "identity": 0.0},
    )  # fmt: skip
    assert abs(outcome.measured["beard"]) < 0.15
    assert outcome.asked["age"] == 6.0
    assert outcome.asked["identity"] == 0.0


def test_what_cannot_be_reached_does_not_keep_the_rest_from_being_right():
    shapes = STILL | {"smile": lambda x: min(x, 0.2), "age": lambda x: 0.6 * x}
    outcome = reach(PlainDials(), BASE, {"smile": 1.5, "age": 20.0}, START, watch(shapes, []))
    assert outcome.measured["age"] == pytest.approx(20.0, abs=2.0)


def test_a_face_that_is_not_seen_keeps_the_best_so_far():
    answers = iter([{"smile": 0.2}])
    outcome = reach(PlainDials(), BASE, {"smile": 1.0}, START, lambda w: next(answers, None))
    assert outcome.asked["smile"] == 1.0
    assert outcome.measured == {"smile": 0.2}


def test_less_is_asked_where_so_much_shows_no_face_at_all():
    def see(w_plus):
        far = float(w_plus[0, 0])
        return None if far > 2.0 else START | {"smile": far}

    outcome = reach(PlainDials(), BASE, {"smile": 4.0}, START, see)
    assert 1.0 < outcome.measured["smile"] <= 2.0
    looks = []
    outcome = reach(PlainDials(), BASE, {"smile": 4.0}, START, looks.append)
    assert len(looks) == MAX_ROUNDS + 1
    assert not outcome.measured


def test_an_edit_that_cannot_be_seen_counts_as_worse_than_one_too_strong():
    assert Wish(1.0).cost(0.2) > Wish(1.0).cost(1.8)
    assert Wish(-1.0).cost(-0.2) > Wish(-1.0).cost(-1.8)


def test_a_wish_that_is_met_counts_more_than_one_that_is_missed_less():
    both_near = Wish(1.0).cost(0.5) + Wish(1.0).cost(0.5)
    one_met = Wish(1.0).cost(1.0) + Wish(1.0).cost(-0.5)
    assert one_met < both_near


def test_earlier_corrections_are_where_it_begins():
    looks = []
    shapes = STILL | {"smile": lambda x: 0.5 * x}
    outcome = reach(
        PlainDials(), BASE, {"smile": 1.0}, START, watch(shapes, looks), asked={"smile": 2.0}
    )
    assert len(looks) == 1
    assert outcome.asked["smile"] == 2.0


def test_a_try_that_leaves_the_region_of_faces_is_not_taken():
    shapes = STILL | {"smile": lambda x: 0.5 * x}
    outcome = reach(
        PlainDials(), BASE, {"smile": 1.0}, START, watch(shapes, []),
        natural=lambda w_plus: 0.0 if w_plus[0, 0] > 1.2 else 50.0,
    )  # fmt: skip
    assert outcome.asked["smile"] == 1.0
    assert outcome.measured["smile"] == 0.5


def test_the_secant_goes_between_what_was_too_little_and_too_much():
    assert 1.0 < next_try(1.0, [(1.0, 0.3), (1.8, 2.4)]) < 1.8


def test_the_secant_prefers_what_was_too_much_to_another_too_little():
    assert 1.2 < next_try(1.0, [(1.0, 0.3), (1.2, 0.4), (1.8, 2.4)]) < 1.8


def test_a_face_that_is_no_natural_one_to_begin_with_is_corrected_all_the_same():
    shapes = STILL | {"smile": lambda x: 0.5 * x}
    outcome = reach(
        PlainDials(), BASE, {"smile": 1.0}, START, watch(shapes, []), natural=lambda w_plus: 0.0
    )
    assert outcome.measured["smile"] == pytest.approx(1.0, abs=0.15)


def test_a_dial_that_does_nothing_is_not_pushed_ever_further():
    looks = []
    reach(PlainDials(), BASE, {"smile": 1.0}, START, watch(STILL, looks))
    assert max(abs(look[0, 0]) for look in looks) <= 4.5


def test_the_cost_tells_whether_every_wish_is_met():
    right = {name: (lambda x: x) for name in DIALS}
    met = reach(PlainDials(), BASE, {"smile": 1.0, "age": 12.0}, START, watch(right, []))
    short = right | {"smile": lambda x: min(x, 0.2)}
    missed = reach(PlainDials(), BASE, {"smile": 1.5, "age": 12.0}, START, watch(short, []))
    assert met.cost < ALL_MET_BELOW <= missed.cost


def test_what_is_there_or_not_is_met_once_it_is_there():
    beard = Wish(1.6, yes_from=1.2)
    assert beard.is_met(1.3)
    assert beard.is_met(3.0)
    assert not beard.is_met(1.1)
    assert beard.cost(1.6) < beard.cost(2.4) < beard.cost(1.1)  # The number still counts a little.
    bare = Wish(-1.0, yes_from=-0.5)
    assert bare.is_met(-0.6)
    assert not bare.is_met(-0.4)


def test_a_beard_that_is_there_is_not_given_up_for_a_number():
    # More age takes the beard away again; with both, the beard is thicker than what was asked.
    def see(w_plus):
        smile, beard, age = w_plus[0, :3]
        return {"smile": smile, "beard": beard + 0.9 if age < 14 else 0.0, "age": 0.8 * age}

    outcome = reach(PlainDials(), BASE, {"beard": 1.6, "age": 12.0}, START, see)
    assert outcome.measured["beard"] > 1.2
    assert outcome.measured["age"] == pytest.approx(12.0, abs=4.0)
    assert outcome.cost < ALL_MET_BELOW


def test_where_more_makes_it_worse_half_the_way_is_tried():
    # Beyond 1.5 the face cannot have more, and loses what else it had.
    looks = []

    def see(w_plus):
        looks.append(w_plus)
        smile, _, age = (float(x) for x in w_plus[0, :3])
        return {"smile": min(0.6 * smile, 0.9), "beard": 0.0, "age": age if smile < 1.5 else -12}

    outcome = reach(PlainDials(), BASE, {"smile": 1.2, "age": 12.0}, START, see)
    asked = [float(w_plus[0, 0]) for w_plus in looks]
    assert asked[1] > 1.5  # what the first miss suggests
    assert asked[2] == pytest.approx((asked[0] + asked[1]) / 2)
    assert outcome.measured["smile"] > 0.75  # and the first try is bettered
    assert outcome.measured["age"] > 8


@pytest.mark.parametrize(("most", "rounds"), [(5.0, USUAL_ROUNDS), (0.4, MAX_ROUNDS)])
def test_it_goes_on_only_as_long_as_a_wish_is_missed(most, rounds):
    looks = []
    wavy = iter([0.7, 1.3, 0.75, 1.25, 0.8, 1.2, 0.85, 1.15])
    see = lambda w: looks.append(w) or {"smile": min(next(wavy), most)}  # noqa: E731
    reach(PlainDials(), BASE, {"smile": 1.0}, START, see)
    assert len(looks) == rounds + 1


@pytest.mark.parametrize(("name", "change", "off"), [("age", 12.0, 4.0), ("smile", 1.0, 0.35)])
def test_how_near_is_near_enough_depends_on_the_unit(name, change, off):
    from facegen.editing.closed_loop import wish

    spec = PlainDials().spec(name)
    one = wish(spec, change, 0.0)
    assert one.is_met((change + 0.98 * off) / spec.unit_per_sd)
    assert not one.is_met((change + 1.02 * off) / spec.unit_per_sd)
