"""What the app says of the picture: how natural it is, whether a face is seen, what is offered."""

from __future__ import annotations

import json
import threading

import pytest
from fakes import TABLE, FakeDials, FakeGenerator, fake_measure
from test_app import dials, fake, frame, panel_says, revision, start  # noqa: F401

from facegen.editing.naturalness import how_natural
from facegen.service import background, loading, measuring
from facegen.service.render import RenderService
from facegen.session.session import Session
from facegen.ui import corrections, shared, state_keys


@pytest.fixture
def measured(fake, monkeypatch):  # noqa: F811
    """Pictures can be measured; with something in this list no face is seen on them."""
    faceless: list[bool] = []
    generator = FakeGenerator()
    measure = fake_measure(generator)

    def see(known, picture):
        return None if faceless else measure(known, picture)

    parts = generator, FakeDials(generator), TABLE
    monkeypatch.setattr(loading, "load_parts", lambda progress: parts)
    monkeypatch.setattr(measuring, "load_measure", lambda: see)
    yield faceless
    shared.measuring.clear()


def rested(at, monkeypatch):
    """The page at rest: it asks for the picture to be measured."""
    shared.measuring()._thread.join()
    panel_says(monkeypatch, "measure", 1)
    return at.run()


def panel(at):
    return json.loads(at.get_by_key("fg_panel").proto.json)


def test_the_words_for_how_natural_a_face_is():
    words = [how_natural(percent).word for percent in (100.0, 40.0, 8.0, 0.4, 0.0)]
    assert words == [
        "natural", "natural", "unusual",
        "at the edge of what the network knows", "at the edge of what the network knows",
    ]  # fmt: skip
    assert "fewer than 1 are less natural" in how_natural(0.4).sentence
    assert not how_natural(60.0).is_far


def test_how_natural_the_face_is_comes_with_its_picture(fake, monkeypatch):  # noqa: F811
    at = start(seed="417")
    mark = frame(at)[0]["natural"]
    assert (mark["word"], mark["far"]) == ("Natural", False)
    event = {"n": 1, "rev": revision(at), "final": False, "what": "smile", "moves": {"smile": 3.2}}
    panel_says(monkeypatch, "edit", event)
    at.run()
    mark = frame(at)[0]["natural"]
    assert (mark["word"], mark["far"]) == ("At the edge of what the network knows", True)


@pytest.mark.parametrize("slow_at", range(8))
def test_a_preview_never_stays_when_pictures_become_slow_just_then(fake, monkeypatch, slow_at):  # noqa: F811
    """Other visitors' pictures change how long one takes at any moment of the page's run."""
    asked: list[float] = []

    def full_seconds(service: RenderService) -> float:
        asked.append(9.0 if len(asked) >= slow_at else 0.1)
        return asked[-1]

    monkeypatch.setattr(RenderService, "full_seconds", property(full_seconds))
    assert frame(start(seed="417"))[0]["kind"] == "full"


def test_a_picture_without_a_face_is_told_and_its_numbers_are_predictions(measured, monkeypatch):
    at = start(seed="417")
    assert not panel(at)["faceless"]
    measured.append(True)
    rested(at, monkeypatch)
    assert panel(at)["faceless"]
    assert not any(dial.get("seen") for dial in dials(at).values())
    assert not at.exception


def test_somebody_on_whom_no_face_is_seen_is_not_corrected(measured, monkeypatch):
    """Not even where a face is seen after a dial was turned: there is nothing to compare with."""
    measured.append(True)
    at = rested(start(seed="417"), monkeypatch)
    measured.clear()
    turn(at, monkeypatch, 1, "age", dials(at)["age"]["now"] + 20)
    rested(at, monkeypatch)
    behind_the_page()
    rested(at, monkeypatch)
    assert not at.exception
    assert not at.error
    assert not panel(at)["settling"]
    assert not panel(at)["faceless"]


def test_a_correction_is_not_offered_again_where_it_gave_all_it_could(measured, monkeypatch):
    at = rested(start(seed="417", age="20"), monkeypatch)
    assert panel(at)["offer"]
    assert dials(at)["age"]["asked"] > dials(at)["age"]["now"] + 4
    panel_says(monkeypatch, "correct", 1)
    at.run()
    assert not panel(at)["offer"]
    rested(at, monkeypatch)
    assert not panel(at)["offer"]
    assert dials(at)["age"]["asked"] is None
    assert not frame(at)[0]["error"]


def test_a_dial_that_was_turned_comes_to_what_was_asked_by_itself(measured, monkeypatch):
    at = rested(start(seed="417"), monkeypatch)
    wanted = dials(at)["age"]["now"] + 20
    event = {"n": 1, "rev": revision(at), "final": True, "what": "age", "moves": {"age": wanted}}
    panel_says(monkeypatch, "edit", event)
    at.run()
    picture = frame(at)[0]["id"]
    rested(at, monkeypatch)
    assert panel(at)["settling"]
    assert panel(at)["measure"] > 0
    assert not panel(at)["offer"]
    behind_the_page()
    rested(at, monkeypatch)
    assert not panel(at)["settling"]
    assert frame(at)[0]["id"] != picture
    assert dials(at)["age"]["now"] == pytest.approx(wanted, abs=2.0)
    assert dials(at)["age"]["asked"] is None
    assert not at.exception


def test_what_is_in_the_way_of_a_missed_dial_is_named(measured, monkeypatch):
    plain = measuring.load_measure()

    def see(known, picture):  # Whoever smiles has short hair.
        look = plain(known, picture)
        longest = 0.5 if look.values["smile"] > 0.5 else 9.0
        hair = min(look.values["hair_length"], longest)
        return measuring.Look({**look.values, "hair_length": hair}, look.descriptor)

    monkeypatch.setattr(measuring, "load_measure", lambda: see)
    at = rested(start(seed="417"), monkeypatch)
    turn(at, monkeypatch, 1, "hair_length", 2.0)
    turn(at, monkeypatch, 2, "smile", 2.0)
    gate = threading.Event()
    shared.obstacles()._worker.submit(gate.wait)
    rested(at, monkeypatch)
    behind_the_page()
    rested(at, monkeypatch)
    assert dials(at)["hair_length"]["off"]
    assert panel(at)["measure"] > 0  # It is looked for, and the page comes to fetch it.
    gate.set()
    shared.obstacles()._worker.submit(lambda: None).result()
    rested(at, monkeypatch)
    assert dials(at)["hair_length"]["way"] == "Smile"
    assert dials(at)["smile"]["way"] is None
    assert panel(at)["measure"] == 0


def test_what_cannot_be_found_to_be_in_the_way_is_not_asked_for_ever(measured, monkeypatch):
    def broken(*args, **more):
        raise RuntimeError("instruments are gone")

    monkeypatch.setattr(corrections, "obstacle", broken)
    plain = measuring.load_measure()

    def see(known, picture):
        look = plain(known, picture)
        return measuring.Look({**look.values, "hair_length": 0.5}, look.descriptor)

    monkeypatch.setattr(measuring, "load_measure", lambda: see)
    at = rested(start(seed="417"), monkeypatch)
    turn(at, monkeypatch, 1, "hair_length", 2.0)
    rested(at, monkeypatch)
    behind_the_page()
    rested(at, monkeypatch)
    shared.obstacles()._worker.submit(lambda: None).result()
    rested(at, monkeypatch)
    assert dials(at)["hair_length"]["off"]
    assert dials(at)["hair_length"]["way"] is None
    assert panel(at)["measure"] == 0
    assert not at.exception


def test_a_locked_person_who_comes_out_as_somebody_else_is_told(measured, monkeypatch):
    at = rested(start(seed="417"), monkeypatch)
    own = dials(at)["age"]["now"]
    panel_says(monkeypatch, "lock", {"name": "identity", "on": True, "n": 1})
    at.run()
    turn(at, monkeypatch, 1, "age", own + 5)
    rested(at, monkeypatch)
    assert not panel(at)["stranger"]
    turn(at, monkeypatch, 2, "age", own + 40)
    rested(at, monkeypatch)
    assert panel(at)["stranger"]
    panel_says(monkeypatch, "lock", {"name": "identity", "on": False, "n": 2})
    at.run()
    assert not panel(at)["stranger"]


def test_what_was_shuffled_is_good_as_it_comes(measured, monkeypatch):
    """These drawn faces come out younger than predicted, but nobody asked for an age."""
    at = rested(start(seed="417"), monkeypatch)
    panel_says(monkeypatch, "shuffle", {"dials": ["age", "gender"], "n": 1})
    at.run()
    picture = frame(at)[0]["id"]
    rested(at, monkeypatch)
    assert dials(at)["age"]["moved"]
    assert not panel(at)["settling"]
    assert not panel(at)["offer"]
    turn(at, monkeypatch, 1, "smile", dials(at)["smile"]["now"] + 1)
    smiling = frame(at)[0]["id"]
    assert smiling != picture
    rested(at, monkeypatch)
    assert not panel(at)["settling"]
    assert not any(dial.get("off") for dial in dials(at).values())
    assert frame(at)[0]["id"] == smiling


def turn(at, monkeypatch, number, name, value, *, rev=None):
    event = {"n": number, "final": True, "what": name, "moves": {name: value}}
    event["rev"] = revision(at) if rev is None else rev
    panel_says(monkeypatch, "edit", event)
    at.run()


def test_a_dial_turned_at_the_moment_the_picture_settles_is_not_lost(measured, monkeypatch):
    at = rested(start(seed="417"), monkeypatch)
    wanted = dials(at)["age"]["now"] + 20
    turn(at, monkeypatch, 1, "age", wanted)
    rested(at, monkeypatch)
    known = revision(at)  # What the browser sends: it has not heard of the settled picture yet.
    shared.settling()._worker.submit(lambda: None).result()
    turn(at, monkeypatch, 2, "smile", 1.5, rev=known)
    assert dials(at)["smile"]["now"] == pytest.approx(1.5, abs=0.05)
    assert dials(at)["age"]["now"] == pytest.approx(wanted, abs=2.0)


def test_a_dial_turned_right_after_it_was_unlocked_is_not_lost(measured, monkeypatch):
    at = rested(start(seed="417"), monkeypatch)
    known = revision(at)
    for on in (True, False):
        panel_says(monkeypatch, "lock", {"name": "smile", "on": on, "n": 1})
        at.run()
    turn(at, monkeypatch, 1, "smile", 1.5, rev=known)
    assert dials(at)["smile"]["now"] == pytest.approx(1.5, abs=0.05)


def test_a_padlock_whose_own_message_was_lost_comes_with_the_next_edit(measured, monkeypatch):
    at = rested(start(seed="417"), monkeypatch)
    turn(at, monkeypatch, 1, "smile", 2.0)
    panel_says(monkeypatch, "lock", {"name": "smile", "on": True, "n": 1})
    at.run()
    assert dials(at)["smile"]["locked"]
    event = {"n": 2, "rev": revision(at), "final": True, "what": "smile", "resets": ["smile"]}
    panel_says(monkeypatch, "edit", event | {"locks": {"smile": False, "identity": True}})
    at.run()
    assert not dials(at)["smile"]["locked"]
    assert not dials(at)["smile"]["moved"]
    assert panel(at)["identity"] is True
    # What is locked already stays where it was locked, though it is said again.
    panel_says(monkeypatch, "lock", {"name": "smile", "on": True, "n": 2})
    at.run()
    held = shared_session(at).locks.held["smile"]
    event = {"n": 3, "rev": revision(at), "final": True, "what": "yaw", "moves": {"yaw": 20.0}}
    for number in (3, 4):
        panel_says(monkeypatch, "edit", event | {"n": number, "locks": {"smile": True}})
        at.run()
    assert shared_session(at).locks.held["smile"] == held


def test_nothing_is_offered_before_the_page_shows_the_settled_picture(measured, monkeypatch):
    """It may be found after the page looked for it and before the dials are drawn."""
    at = rested(start(seed="417"), monkeypatch)
    turn(at, monkeypatch, 1, "age", dials(at)["age"]["now"] + 20)
    settling, known, looked = shared.settling(), shared.settling().known, []

    def known_from_the_second_look_on(key):
        looked.append(key)
        settling._worker.submit(lambda: None).result()
        return known(key) if len(looked) > 1 else None

    monkeypatch.setattr(settling, "known", known_from_the_second_look_on)
    rested(at, monkeypatch)
    assert panel(at)["settling"]
    assert panel(at)["measure"] > 0
    assert not panel(at)["offer"]


def shared_session(at):
    return at.session_state[state_keys.SESSION]


def behind_the_page():
    """Wait for what is done there."""
    shared.settling()._worker.submit(lambda: None).result()


def test_the_page_asks_again_where_too_many_pictures_settle_at_once(measured, monkeypatch):
    at = rested(start(seed="417"), monkeypatch)
    wanted = dials(at)["age"]["now"] + 20
    turn(at, monkeypatch, 1, "age", wanted)
    gate = threading.Event()
    for number in range(background.MAX_WAITING):
        shared.settling().ask(number, gate.wait)
    rested(at, monkeypatch)
    rested(at, monkeypatch)
    assert panel(at)["settling"]
    assert panel(at)["measure"] > 0
    gate.set()
    behind_the_page()
    rested(at, monkeypatch)
    behind_the_page()
    rested(at, monkeypatch)
    assert not panel(at)["settling"]
    assert dials(at)["age"]["now"] == pytest.approx(wanted, abs=2.0)


def test_a_correction_that_fails_is_not_tried_for_ever(measured, monkeypatch):
    tried = []

    def fail(*_, **__):
        tried.append(1)
        raise ValueError("on purpose")

    monkeypatch.setattr(Session, "correction", fail)
    at = rested(start(seed="417"), monkeypatch)
    turn(at, monkeypatch, 1, "age", dials(at)["age"]["now"] + 20)
    for _ in range(4):
        rested(at, monkeypatch)
        behind_the_page()
    assert not panel(at)["settling"]
    assert panel(at)["measure"] == 0
    assert len(tried) == 1


def test_a_correction_given_up_on_the_way_is_made_when_its_visitor_comes_back(
    measured, monkeypatch
):
    at = rested(start(seed="417"), monkeypatch)
    wanted = dials(at)["age"]["now"] + 20
    turn(at, monkeypatch, 1, "age", wanted)
    gate = threading.Event()
    shared.settling().ask("others", gate.wait)
    rested(at, monkeypatch)
    at.get_by_key("undo").click().run()
    gate.set()
    behind_the_page()
    at.get_by_key("redo").click().run()
    for _ in range(3):
        rested(at, monkeypatch)
        behind_the_page()
    assert dials(at)["age"]["now"] == pytest.approx(wanted, abs=2.0)


def test_a_step_taken_back_can_be_made_again_after_the_picture_has_settled(measured, monkeypatch):
    at = rested(start(seed="417"), monkeypatch)
    turn(at, monkeypatch, 1, "age", dials(at)["age"]["now"] + 20)
    at.get_by_key("new").click().run()
    somebody = frame(at)[0]["id"]
    at.get_by_key("undo").click().run()
    before = frame(at)[0]["id"]
    for _ in range(3):
        rested(at, monkeypatch)
        behind_the_page()
    assert frame(at)[0]["id"] != before
    at.get_by_key("redo").click().run()
    assert frame(at)[0]["id"] == somebody


def test_dials_that_are_not_turned_keep_what_was_seen_of_them(measured, monkeypatch):
    at = rested(start(seed="417", age="20"), monkeypatch)
    seen = dials(at)["age"]["now"]
    event = {"n": 1, "rev": revision(at), "final": False, "what": "yaw", "moves": {"yaw": 9.0}}
    panel_says(monkeypatch, "edit", event)
    at.run()
    assert dials(at)["age"]["now"] == pytest.approx(seen, abs=0.05)
    assert dials(at)["yaw"]["now"] == pytest.approx(9.0, abs=0.05)
