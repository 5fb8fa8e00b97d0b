"""A session as text and back: nothing is lost, and damage costs only what is damaged."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import TABLE, FakeDials, FakeGenerator

from facegen.errors import BadFileError, SpaceMismatchError
from facegen.face import PHOTOGRAPH, Face
from facegen.operations import MovePicture
from facegen.session import links, saved
from facegen.session.edit_state import link_of
from facegen.session.history import MAX_RECENT
from facegen.session.saved import Saved
from facegen.session.session import Session


@pytest.fixture(scope="module")
def generator() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture(scope="module")
def dials(generator) -> FakeDials:
    return FakeDials(generator)


def new_session(generator, dials, seed=417) -> Session:
    return Session(generator, dials, TABLE, seed=seed)


def a_face(generator, seed=5, **more) -> Face:
    w_plus = generator.w_avg + 0.1 * np.random.RandomState(seed).randn(18, 512).astype(np.float32)
    return Face(w_plus=w_plus, base=w_plus, space=generator.space, **more)


@pytest.fixture
def busy(generator, dials) -> Session:
    """Somebody from a seed, one from a file, steps taken back, a name, locks."""
    session = new_session(generator, dials)
    session.turn({"smile": 1.5})
    session.rename("Anna <b>")
    moved = MovePicture(roll=5.0)
    session.open_face(a_face(generator, name="From a file", operations=(moved,)))
    session.turn({"age": 60.0})
    session.lock("age", True)
    session.lock("identity", True)
    session.new_person(7, psi=0.5)
    session.turn({"yaw": 10.0})
    session.turn({"beard": 1.0})
    session.measured_start(session.predicted() | {"age": 33.0})
    session.undo()
    return session


def again(session: Session, generator, dials, text: str | None = None) -> tuple[Session, list[str]]:
    """What comes back in a process that knows nothing."""
    what = saved.save(session)
    other = new_session(generator, dials, seed=1)
    return other, saved.restore(other, Saved(what.text if text is None else text, what.bundles))


def everything(session: Session) -> list[object]:
    """All that a visitor would miss."""
    steps = [
        (session.name_of(s), s.subject.uid, s.psi, s.deltas, s.corrections, s.subject.operations)
        for s in (*session.history.steps, *session.history.recent)
    ]
    return [steps, session.history.at, dict(session.locks.held), session.locks.identity]


def test_all_comes_back_to_the_last_bit(busy, generator, dials):
    back, left_out = again(busy, generator, dials)
    assert left_out == []
    assert everything(back) == everything(busy)
    for mine, theirs in zip(busy.history.steps, back.history.steps, strict=True):
        assert np.array_equal(busy.w_plus(mine), back.w_plus(theirs))
        assert busy.finish(mine) == back.finish(theirs)
    assert back.readouts()["age"].start == pytest.approx(busy.readouts()["age"].start, rel=1e-3)
    assert back.redo().deltas == busy.redo().deltas
    uids = {state.subject.uid for state in back.history.recent}
    assert back.new_person(3).subject.uid not in uids


def test_the_text_of_people_from_seeds_is_small(generator, dials):
    session = new_session(generator, dials)
    for number in range(200):
        session.new_person(number)
        session.turn({"smile": 1.0, "age": 50.0, "yaw": 5.0})
    what = saved.save(session)
    assert len(what.text) < 40_000
    assert not what.bundles


def test_a_bundle_is_named_by_its_content_and_made_once(busy, generator, dials):
    first, second = saved.save(busy), saved.save(busy)
    assert len(first.bundles) == 1
    assert list(first.bundles) == list(second.bundles)
    (one,), (other,) = first.bundles.values(), second.bundles.values()
    assert one is other


DAMAGE = {
    "a person": lambda t: t["people"].__setitem__(0, {"uid": "one"}),
    "a person twice": lambda t: t["people"].append(t["people"][0]),
    "a step": lambda t: t["states"].__setitem__(1, {"who": 1}),
    "a list": lambda t: t.__setitem__("recent", "x"),
    "steps": lambda t: t.__setitem__("steps", [9999, -5, "x"]),
    "no steps": lambda t: t.pop("steps"),
    "where one is": lambda t: t.__setitem__("at", "here"),
    "locks": lambda t: t.__setitem__("held", {"age": "old"}),
    "numbers": lambda t: t["states"][1]["deltas"].__setitem__("smile", 1e300),
    "offsets": lambda t: t.__setitem__("offsets", {"age": 1e300, "gone": 3.0}),
    "an unknown dial": lambda t: t["states"][1]["deltas"].__setitem__("antlers", 1.0),
    "unknown fields": lambda t: t.__setitem__("hats", [1, 2, 3]),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_never_loses_the_rest(busy, generator, dials, name):
    text = json.loads(saved.save(busy).text)
    DAMAGE[name](text)
    back, left_out = again(busy, generator, dials, json.dumps(text))
    wanted = {busy.name_of(state) for state in busy.history.recent}
    met = {back.name_of(state) for state in back.history.recent}
    lost = wanted - met
    assert len(lost) <= (1 if name == "a person" else 0)
    assert bool(left_out) == (name not in ("no steps", "numbers", "offsets", "unknown fields"))
    for state in back.history.steps:
        assert np.isfinite(back.w_plus(state)).all()
        assert all(np.isfinite(r.shown) for r in back.readouts(state).values())
    back.undo(), back.redo(), back.turn({"smile": 0.5})


def test_a_damaged_bundle_costs_one_person(busy, generator, dials):
    what = saved.save(busy)
    (name, text), *_ = what.bundles.items()
    back = new_session(generator, dials, seed=1)
    left_out = saved.restore(back, Saved(what.text, {name: text.replace("5", "6")}))
    assert left_out == ["a person"]
    assert "From a file" not in {back.name_of(state) for state in back.history.recent}
    assert "Anna <b>" in {back.name_of(state) for state in back.history.recent}


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "[1]", '{"facegen_session": 1}', "x" * (saved.MAX_BYTES + 1), "[" * 100_000,
     '{"facegen_session": 1, "space": "SPACE", "people": [], "states": []}',
     '{"facegen_session": 99, "space": "SPACE"}'],
    ids=["nothing", "half", "null", "list", "no space", "long", "deep", "nobody", "newer"],
)  # fmt: skip
def test_what_cannot_be_used_is_told_and_the_session_stays(generator, dials, text):
    session = new_session(generator, dials)
    with pytest.raises(BadFileError):
        saved.restore(session, Saved(text.replace("SPACE", generator.space), {}))
    assert session.state.subject.seed == 417


def test_another_space_is_no_damage(busy, generator, dials):
    text = json.loads(saved.save(busy).text) | {"space": "elsewhere"}
    with pytest.raises(SpaceMismatchError):
        again(busy, generator, dials, json.dumps(text))


def test_names_are_one_printable_line(busy, generator, dials):
    text = json.loads(saved.save(busy).text)
    text["people"][0]["called"] = "An\x00na\n\u202e Smith" + 80 * "x"
    back, _ = again(busy, generator, dials, json.dumps(text))
    name = next(back.name_of(s) for s in back.history.steps if s.subject.seed == 417)
    assert name.startswith("Anna Smithxxx")
    assert len(name) == 60


def test_people_of_another_tab_come_along_once(busy, generator, dials):
    session = new_session(generator, dials, seed=7777)
    before = session.state
    assert saved.meet(session, saved.save(busy)) == 3
    assert saved.meet(session, saved.save(busy)) == 0
    assert session.state is before
    names = [session.name_of(state) for state in session.history.recent]
    assert names == ["Unnamed 7777", "Unnamed 0007", "From a file", "Anna <b>"]
    uids = [state.subject.uid for state in session.history.recent]
    assert len(set(uids)) == 4
    state = next(s for s in session.history.recent if session.name_of(s) == "From a file")
    theirs = next(s for s in busy.history.recent if busy.name_of(s) == "From a file")
    assert np.array_equal(session.w_plus(state), busy.w_plus(theirs))
    assert saved.meet(session, Saved("{", {})) == 0


def test_no_more_people_come_along_than_fit(generator, dials):
    many, session = new_session(generator, dials), new_session(generator, dials, seed=5000)
    for number in range(40):
        many.new_person(number)
    saved.meet(session, saved.save(many))
    assert len(session.history.recent) == MAX_RECENT
    assert session.history.recent[0].subject.seed == 5000


# -- addresses ------------------------------------------------------------------------------------


def test_every_step_has_an_address_and_back_finds_it(busy):
    addresses = [links.address_of(state) for state in busy.history.steps]
    for index, address in reversed(list(enumerate(addresses))):
        assert address
        assert links.follow(busy, address) == links.Followed()
        assert links.address_of(busy.state) == address
        assert addresses.index(address) == index or addresses[index] == address
    assert len(busy.history.steps) == len(addresses)  # Going back and forth makes no steps.


def test_a_friends_link_opens_their_face_beside_ones_own(busy, generator, dials):
    friend = new_session(generator, dials, seed=99)
    friend.turn({"smile": 1.0})
    people = len(busy.history.recent)
    assert links.follow(busy, link_of(friend.state)) == links.Followed()
    assert np.array_equal(busy.w_plus(), friend.w_plus())
    assert len(busy.history.recent) == people + 1
    busy.undo()
    assert busy.state.subject.seed == 7


def test_a_link_to_somebody_met_is_a_step_of_theirs(busy):
    people = len(busy.history.recent)
    links.follow(busy, {"seed": "417", "smile": "0.25"})
    assert busy.name == "Anna <b>"
    assert dict(busy.state.deltas) == {"smile": 0.25}
    assert len(busy.history.recent) == people


@pytest.mark.parametrize(
    "query",
    [{"seed": "no"}, {"seed": "-1"}, {"person": "abc"}, {"person": "<script>", "age": "3"},
     {"age": "5"}, {}],
)  # fmt: skip
def test_an_address_that_leads_nowhere_changes_nothing(busy, query):
    state, steps = busy.state, busy.history.steps
    followed = links.follow(busy, query)
    assert busy.state is state
    assert busy.history.steps == steps
    assert bool(followed.problem) == ("seed" in query or "person" in query)


def test_absurd_numbers_of_a_link_are_eased_and_unknown_dials_told(busy):
    followed = links.follow(busy, {"seed": "3", "age": "900", "antlers": "2"})
    assert "eased" in followed.eased
    assert followed.unknown == ("antlers",)


def test_a_person_from_a_file_is_found_by_their_address_alone(busy, generator, dials):
    address = next(
        links.address_of(s) for s in busy.history.recent if busy.name_of(s) == "From a file"
    )
    assert set(address) >= {"person"}
    back, _ = again(busy, generator, dials)
    links.follow(back, address | {"smile": "0.5"})
    assert back.name == "From a file"
    stranger = new_session(generator, dials)
    assert links.follow(stranger, address).problem == links.NOT_HERE
    assert links.problem_of(address) == links.NOT_HERE


def test_the_subject_of_a_changed_psi_keeps_where_they_came_from(busy, generator, dials):
    busy.step(replace(busy.state, psi=0.9))
    back, _ = again(busy, generator, dials)
    assert back.state.psi == 0.9
    assert back.state.subject.psi == 0.5


def test_that_somebody_comes_from_a_photograph_is_known_in_every_file_and_after_a_reload(
    generator, dials
):
    session = new_session(generator, dials)
    session.open_face(a_face(generator, name="Anna", source=PHOTOGRAPH))
    session.turn({"smile": 1.0})
    after, left_out = again(session, generator, dials)
    assert not left_out
    face = after.face()
    assert face.source == PHOTOGRAPH
    assert [edit.dial for edit in face.edits] == ["smile"]
    for data in (face.to_npz(), face.to_png(generator.render(face.w_plus))):
        assert Face.from_bytes(data, name="x").source == PHOTOGRAPH
    assert new_session(generator, dials).face().source == ""
