"""What a visitor holds: history, links, people, opened files. No Streamlit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeDials, FakeGenerator, unpack_frame

from facegen.editing.closed_loop import carried_share
from facegen.errors import BadFileError, UsageError
from facegen.face import Face
from facegen.operations import CloseEye, MovePicture, Pose
from facegen.session import presets
from facegen.session.edit_state import clean_deltas, clean_psi, link_of, parse_seed
from facegen.session.history import MAX_HISTORY, MAX_RECENT
from facegen.session.links import apply_query
from facegen.session.readouts import Readout
from facegen.session.session import Session
from facegen.ui.components import view


@pytest.fixture(scope="module")
def generator() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture(scope="module")
def dials(generator) -> FakeDials:
    return FakeDials(generator)


@pytest.fixture
def session(generator, dials) -> Session:
    return Session(generator, dials, seed=417)


def test_starts_with_the_person_of_the_seed(session, generator):
    assert np.array_equal(session.w_plus(), generator.w_from_seed(417, 0.7))
    assert session.name == "Unnamed 0417"
    assert not session.history.can_undo
    assert not session.history.can_redo


def test_each_dial_changes_what_is_rendered_and_undo_restores_it(session, dials):
    start = session.w_plus()
    for name in dials.names:
        session.edit({name: 1.0}, what=name)
        assert not np.array_equal(session.w_plus(), start), name
        session.undo()
        assert np.array_equal(session.w_plus(), start), name


def test_undo_and_redo_walk_over_people_too(session):
    session.edit({"smile": 1.0})
    session.new_person(5)
    session.undo()
    assert session.state.subject.seed == 417
    assert dict(session.state.deltas) == {"smile": 1.0}
    session.undo()
    assert session.state.deltas == ()
    session.undo()
    assert session.state.subject.seed == 417
    session.redo()
    session.redo()
    session.redo()
    assert session.state.subject.seed == 5


def test_a_new_step_forgets_what_was_undone(session):
    session.edit({"smile": 1.0})
    session.undo()
    session.edit({"age": 5.0})
    assert not session.history.can_redo


def test_quick_moves_of_one_dial_are_one_step(session):
    for n in range(5):
        session.edit({"smile": 0.1 * (n + 1)}, what="smile", now=10 + 0.1 * n)
    session.edit({"smile": 0.5, "age": 1.0}, what="age", now=10.6)
    session.undo()
    assert dict(session.state.deltas) == {"smile": 0.5}
    session.undo()
    assert session.state.deltas == ()


def test_an_edit_that_changes_nothing_is_no_step(session):
    session.edit({"smile": 0.0, "age": 0.0001})
    assert not session.history.can_undo


def test_history_and_people_are_bounded(session):
    for n in range(MAX_HISTORY + 20):
        session.edit({"smile": 0.01 * (n + 1)})
    steps = 0
    while session.history.can_undo:
        session.undo()
        steps += 1
    assert steps == MAX_HISTORY - 1
    for seed in range(MAX_RECENT + 5):
        session.new_person(seed)
    assert len(session.history.recent) == MAX_RECENT


def test_revision_counts_only_what_the_dials_did_not_do(session):
    revision = session.revision
    session.edit({"smile": 1.0})
    assert session.revision == revision
    session.undo()
    assert session.revision == revision + 1


def test_take_goes_back_to_a_person_as_they_were_left(session):
    session.edit({"smile": 1.5})
    uid = session.state.subject.uid
    session.new_person(9)
    session.switch_to(uid)
    assert dict(session.state.deltas) == {"smile": 1.5}
    assert [state.subject.seed for state in session.history.recent] == [9, 417]


def test_a_link_opens_the_same_face(session, generator, dials):
    session.edit({"smile": 1.2345, "yaw": -12.3456789}, psi=0.55)
    query = link_of(session.state)
    other = Session(generator, dials, seed=parse_seed(query["seed"]), psi=float(query["psi"]))
    assert apply_query(other, query) == []
    assert np.array_equal(other.w_plus(), session.w_plus())
    assert link_of(other.state) == query


def test_a_link_with_nonsense_is_harmless(session):
    unknown = apply_query(
        session, {"seed": "1", "smile": "nan", "age": "abc", "yaw": "3", "wings": "2"}
    )
    assert unknown == ["wings"]
    assert dict(session.state.deltas) == {"yaw": 3.0}
    apply_query(session, {"smile": "1e30", "age": "-1e300"})
    assert all(abs(delta) < 1000 for _, delta in session.state.deltas)
    assert np.isfinite(session.w_plus()).all()
    for text in ("-1", "1.5", "99999999999", "٣", "", "4294967296"):
        assert parse_seed(text) is None
    assert parse_seed("4294967295") == 4294967295


def test_a_saved_face_opens_as_the_same_face(session, generator, dials):
    session.edit({"smile": 1.0, "age": 7.0}, psi=0.6)
    session.rename("Ada")
    face = Face.from_bytes(session.face().to_npz(), name="ada.npz")
    other = Session(generator, dials, seed=1)
    other.open_face(face)
    assert np.array_equal(other.w_plus(), session.w_plus())
    assert other.name == "Ada"
    assert other.state.deltas == session.state.deltas
    assert link_of(other.state) == link_of(session.state)


def test_a_face_whose_edits_cannot_be_repeated_keeps_its_picture(session, generator):
    face = session.face()
    odd = Face(w_plus=face.w_plus + 0.25, base=face.base, operations=face.operations)
    session.open_face(odd)
    assert np.array_equal(session.w_plus(), odd.w_plus)
    assert session.state.deltas == ()
    assert link_of(session.state) is None


def test_a_latent_from_elsewhere_has_no_link_but_all_dials(session, generator):
    w_plus = np.random.RandomState(3).randn(18, 512).astype(np.float32)
    session.open_face(Face.from_w_plus(w_plus, name="somebody"))
    assert session.name == "somebody"
    assert link_of(session.state) is None
    session.edit({"smile": 1.0}, psi=0.5)
    session.edit({}, psi=session.state.subject.psi)
    assert np.array_equal(session.w_plus(), w_plus)


def test_opening_somebody_met_before_does_not_double_them(session):
    face = session.face()
    session.new_person(3)
    session.open_face(face)
    assert len(session.history.recent) == 2
    assert session.state.subject.seed == 417


def test_before_is_the_person_as_they_came(session, generator):
    session.edit({"smile": 1.0}, psi=0.4)
    assert np.array_equal(session.w_plus(session.start), generator.w_from_seed(417, 0.7))


def test_bad_seeds_are_refused(session):
    with pytest.raises(UsageError, match="whole number from 0"):
        session.new_person(2**32)
    with pytest.raises(UsageError, match="whole number from 0"):
        session.new_person(-1)


def test_clean_deltas_keeps_only_sound_numbers():
    raw = {"a": 1, "b": float("inf"), "c": "2", "d": True, "e": 1e-9, "z": 3.0}
    assert clean_deltas(raw, dict.fromkeys("abcde", 9.0)) == (("a", 1.0),)
    assert clean_psi(float("nan")) == 0.7
    assert clean_psi(9) == 1.2
    assert clean_psi("x") == 0.7


@pytest.mark.parametrize(
    "event",
    [
        None,
        3,
        {},
        {"n": 1},
        {"n": "1", "rev": 0, "moves": {}, "what": ""},
        {"n": float("nan"), "rev": 0, "moves": {}, "what": ""},
        {"n": 1, "rev": 0, "moves": [], "what": ""},
        {"n": 1, "rev": 0, "moves": {}, "resets": "smile", "what": ""},
    ],
)
def test_malformed_events_are_ignored(event):
    assert view.read_edit(event) is None


def test_frames_unpack_as_they_were_packed():
    data = view.pack_frame({"a": "ü"}, b"picture", b"before")
    head, picture, before = unpack_frame(data)
    assert head["a"] == "ü"
    assert picture == b"picture"
    assert before == b"before"


def test_panel_covers_where_the_face_stands(session, dials):
    from fakes import TABLE

    readouts = dict.fromkeys(dials.names, Readout(0.0, 0.0)) | {
        "yaw": Readout(start=77.0, predicted=86.0, asked=86.0),
        "smile": Readout(0.0, 0.0, locked=True),
    }
    specs = {name: dials.spec(name) for name in dials.names}
    data = view.panel_data(
        TABLE, specs, readouts, identity=None, psi=0.7, own_psi=0.7, max_psi=1.2, revision=4
    )
    rows = {dial["name"]: dial for group in data["groups"] for dial in group["dials"]}
    assert rows["yaw"]["max"] == 86.0
    assert rows["yaw"]["own"] == 77.0
    assert rows["yaw"]["moved"]
    assert not rows["smile"]["moved"]
    assert rows["smile"]["locked"]
    assert not rows["yaw"]["locked"]
    assert set(rows) == {"psi", *dials.names}


def test_a_dial_turned_to_a_reading_reads_it(session):
    session.turn({"age": 60.0}, what="age")
    assert session.predicted()["age"] == pytest.approx(60.0, abs=0.1)


def test_turning_back_to_the_tick_is_the_face_as_it_came(session):
    start, tick = session.w_plus(), session.readouts()["age"].start
    session.turn({"age": 60.0}, what="age")
    session.turn({"age": tick}, what="age")
    assert session.state.deltas == ()
    assert np.array_equal(session.w_plus(), start)


def missed(readouts):
    return {name: readout.missed for name, readout in readouts.items() if readout.missed}


def short(dials):
    """Measures half of what the dials predict beyond 34 years, and smiles as predicted."""

    def see(w_plus):
        readings = dials.read(w_plus)
        return {"age": 34 + 0.5 * (readings["age"] - 34), "smile": readings["smile"]}

    return see


def lost_of_offset(session, dials, before, years):
    """What an age that moves by so much asks on top of it: see `closed_loop.carried_share`."""
    share = carried_share([years / dials.spec("age").unit_per_sd])
    return (1 - share) * (before["age"] - dials.read(session.base())["age"])


def test_a_large_turn_counts_on_less_of_what_the_start_was_off(session, dials):
    before = dials.read(session.base()) | {"age": dials.read(session.base())["age"] + 8}
    session.measured_start(before)
    session.turn({"age": before["age"] + 5})
    small = dict(session.state.corrections)["age"]
    assert session.readouts()["age"].shown == pytest.approx(before["age"] + 5, abs=0.01)
    session.undo()
    session.turn({"age": before["age"] + 30})
    large = dict(session.state.corrections)["age"]
    assert session.readouts()["age"].shown == pytest.approx(before["age"] + 30, abs=0.01)
    assert 0 < small < large < 8
    # Put back, it asks for nothing.
    session.turn({"age": before["age"]})
    assert session.state.deltas == ()
    assert session.state.corrections == ()


def test_dials_stand_where_the_picture_of_the_person_says(session, dials):
    see = short(dials)
    before = see(session.base())
    session.measured_start(before)
    assert session.readouts()["age"].predicted == pytest.approx(before["age"])
    session.turn({"age": before["age"] + 10})
    assert session.readouts()["age"].predicted == pytest.approx(before["age"] + 10, abs=1e-2)
    readouts = session.readouts(measured=see(session.w_plus()), before=before)
    left = 5.0 - 0.5 * lost_of_offset(session, dials, before, 10)
    assert missed(readouts) == {"age": pytest.approx(left, abs=1e-2)}
    age = readouts["age"]
    assert age.asked == pytest.approx(before["age"] + 10, abs=1e-2)
    assert age.measured == pytest.approx(age.asked - age.missed)
    assert age.start == pytest.approx(before["age"])
    assert age.is_moved
    assert readouts["smile"].asked is None
    assert not readouts["smile"].is_moved


def test_a_dial_moved_while_its_picture_is_measured_is_not_lost(session, dials):
    knew = session.revision  # The page sends this back with the dial.
    session.measured_start(short(dials)(session.base()))
    assert session.revision == knew
    session.turn({"age": 50.0})
    assert session.readouts()["age"].predicted == pytest.approx(50.0, abs=1e-2)


def test_a_corrected_dial_stands_where_it_was_put_and_the_picture_agrees(session, dials):
    see = short(dials)
    before = see(session.base())
    session.measured_start(before)
    goal = before["age"] + 10
    plain = session.turn({"age": goal, "yaw": 5.0})
    session.settle(session.correction(session.state, before, see), is_step=True)
    assert see(session.w_plus())["age"] == pytest.approx(goal, abs=1.5)
    assert session.readouts()["age"].predicted == pytest.approx(goal, abs=1.5)
    assert not missed(session.readouts(measured=see(session.w_plus()), before=before))
    corrected = dict(session.state.deltas)["age"]
    session.turn({"smile": 1.0})
    assert dict(session.state.deltas)["age"] == corrected
    session.turn({"age": goal + 1})
    assert dict(session.state.deltas)["age"] > corrected
    session.turn({"age": session.readouts()["age"].start})
    assert "age" not in dict(session.state.deltas)
    for _ in range(4):
        session.undo()
    assert session.state.same_as(plain)


def test_a_dial_that_was_turned_is_brought_to_what_was_asked_in_the_same_step(session, dials):
    see = short(dials)
    before = see(session.base())
    session.measured_start(before)
    session.turn({"age": before["age"] + 10})
    state, now = session.state, see(session.w_plus())
    assert session.settling.is_due(state, session.readouts(measured=now, before=before))
    session.settle(session.correction(state, before, see))
    assert see(session.w_plus())["age"] == pytest.approx(before["age"] + 10, abs=1.5)
    now = see(session.w_plus())
    readouts = session.readouts(measured=now, before=before)
    assert not session.settling.is_due(session.state, readouts)
    session.undo()
    assert not session.state.deltas
    assert not session.history.can_undo


def test_a_corrected_face_comes_back_from_its_file_and_link_as_what_was_wanted(
    session, dials, generator
):
    """Not as if the correction had been a wish: nothing is missed, and nothing is offered."""
    see = short(dials)
    before = see(session.base())
    session.measured_start(before)
    session.turn({"age": before["age"] + 10})
    session.settle(session.correction(session.state, before, see))
    again = Face.from_bytes(session.face().to_png(np.zeros((64, 64, 3), np.uint8)), name="")
    session.new_person(99)
    opened = session.open_face(again)
    linked = Session(generator, dials, seed=417)
    apply_query(linked, link_of(session.state))
    for found in (session, linked):
        assert np.array_equal(found.w_plus(), session.w_plus(opened))
        found.measured_start(before)
        readouts = found.readouts(measured=see(found.w_plus()), before=before)
        assert not missed(readouts)
        assert readouts["age"].asked == pytest.approx(before["age"] + 10, abs=0.1)


def test_a_link_with_nonsense_for_what_was_corrected_opens(session):
    query = {"age": "5", "corrected": "age:x,,smile:1,age,beard:1e999,:3,age:2"}
    assert apply_query(session, query) == []
    assert session.state.corrections == (("age", 2.0),)


def test_a_correction_that_helps_one_dial_and_harms_another_more_is_not_taken(session, dials):
    """All that smile more look two deviations older: as many wishes missed, by more."""
    session.turn({"smile": 1.5, "age": 40.0})
    state, present, start = session.state, session.w_plus(), {"smile": 0.0, "age": 30.0}
    wanted = dict(state.deltas)

    def see(w_plus):
        if np.array_equal(w_plus, present):
            return {"smile": 0.0, "age": 30.0 + wanted["age"]}
        return {"smile": wanted["smile"], "age": 54.0 + wanted["age"]}

    assert session.correction(state, start, see) is state


def test_a_lock_that_is_corrected_is_no_change_of_its_dial(session, dials):
    """A turn makes these pictures smile more than is predicted; the smile is locked."""

    def see(w_plus):
        read = dials.read(w_plus)
        return {"smile": read["smile"] + 0.05 * read["yaw"], "yaw": read["yaw"]}

    before = see(session.base())
    session.measured_start(before)
    session.lock("smile", on=True)
    session.turn({"yaw": before["yaw"] + 20.0})
    session.settle(session.correction(session.state, before, see))
    now = see(session.w_plus())
    assert now["smile"] == pytest.approx(before["smile"], abs=0.2)
    readouts = session.readouts(measured=now, before=before)
    assert not readouts["smile"].is_moved
    assert not missed(readouts)
    session.turn({"pitch": 10.0})
    assert not session.readouts()["smile"].is_moved
    assert see(session.w_plus())["smile"] == pytest.approx(before["smile"], abs=0.2)


def test_a_correction_that_led_astray_is_begun_anew(session, dials):
    see = short(dials)
    before = see(session.base())
    session.measured_start(before)
    session.turn({"age": before["age"] + 10})
    asked = dict(session.state.deltas)["age"]
    astray = replace(session.state, deltas=(("age", asked + 200.0),), corrections=(("age", 200.0),))

    def blind_beyond(w_plus):  # No face is seen where the corrections have led.
        found = see(w_plus)
        return None if found["age"] > before["age"] + 60 else found

    found = session.correction(astray, before, blind_beyond)
    assert dict(found.deltas)["age"] < asked + 20


def test_a_number_just_chosen_is_met_closely_and_the_others_may_stay_a_little_off(session, dials):
    """Age comes out 3.6 years older than asked: less than is worth a word, more than one likes."""
    before = {"age": 30.0, "smile": 0.0}
    session.measured_start(before)
    session.turn({"age": 50.0})
    now = {"age": 46.4, "smile": 0.0}
    readouts = session.readouts(measured=now, before=before)
    assert missed(readouts)
    assert not readouts["age"].is_off
    assert session.settling.is_due(session.state, readouts)
    session.turn({"smile": 1.0})
    now = {"age": 46.4, "smile": 1.0}
    readouts = session.readouts(measured=now, before=before)
    assert not session.settling.is_due(session.state, readouts)
    now = {"age": 40.0, "smile": 1.0}
    readouts = session.readouts(measured=now, before=before)
    assert readouts["age"].is_off
    assert session.settling.is_due(session.state, readouts)


def test_a_child_of_eight_is_not_one_of_eleven(session):
    before = {"age": 14.0}
    session.measured_start(before)
    session.turn({"age": 8.0})
    assert missed(session.readouts(measured={"age": 10.5}, before=before))
    assert session.settling.is_due(
        session.state, session.readouts(measured={"age": 10.5}, before=before)
    )
    assert not missed(session.readouts(measured={"age": 9.5}, before=before))


def test_glasses_that_are_on_are_on(session, dials):
    """There is nothing between glasses and none, so no number of them is missed."""
    before = {"glasses": -0.5}
    session.measured_start(before)
    session.turn({"glasses": 1.8})
    on = session.readouts(measured={"glasses": 2.6}, before=before)
    assert not missed(on)
    assert on["glasses"].shown == 2.6
    assert not session.settling.is_due(session.state, on)
    off = session.readouts(measured={"glasses": 0.1}, before=before)
    assert off["glasses"].is_off
    assert session.settling.is_due(session.state, off)


def test_glasses_that_are_on_stay_as_they_are_while_others_are_corrected(session, dials):
    """The picture shows half the years, and thick glasses from the first one asked for."""

    def see(w_plus):
        read = dials.read(w_plus)
        shown = 2.6 if read["glasses"] > 0.6 else -0.5
        return {"age": 34 + 0.5 * (read["age"] - 34), "glasses": shown}

    before = see(session.base())
    session.measured_start(before)
    session.turn({"glasses": 1.8})
    asked = dict(session.state.deltas)["glasses"]
    session.turn({"age": before["age"] + 10})
    found = session.correction(session.state, before, see)
    assert dict(found.deltas)["glasses"] == asked
    assert dict(found.deltas)["age"] > 10


def test_a_face_that_was_only_opened_stays_as_it_is(session, dials):
    see = short(dials)
    apply_query(session, {"age": "10"})
    before, now = see(session.base()), see(session.w_plus())
    session.measured_start(before)
    readouts = session.readouts(measured=now, before=before)
    assert missed(readouts)
    assert not session.settling.is_due(session.state, readouts)


def test_nothing_moved_is_not_corrected(session, dials):
    see = short(dials)
    state = session.state
    assert session.correction(state, see(session.base()), see) is state
    assert not session.history.can_undo


def test_what_is_locked_keeps_its_reading_while_another_dial_moves(session):
    held = session.predicted()["smile"]
    session.turn({"yaw": 30.0}, what="yaw")
    assert abs(session.predicted()["smile"] - held) > 0.3  # These drawn faces smile when they turn.
    session.undo()
    session.lock("smile", True)
    session.turn({"yaw": 30.0}, what="yaw")
    assert session.predicted()["yaw"] == pytest.approx(30.0, abs=0.1)
    assert session.predicted()["smile"] == pytest.approx(held, abs=0.02)


def test_a_locked_dial_is_neither_moved_nor_reset(session):
    session.turn({"smile": 1.5})
    session.lock("smile", True)
    state = session.state
    assert session.turn({"smile": 0.0}, resets=["smile"]) is state
    session.turn({}, resets=["yaw", "smile"])
    assert session.predicted()["smile"] == pytest.approx(1.5, abs=0.02)


def test_locks_survive_undo_redo_and_new_people(session):
    session.turn({"smile": 1.5})
    session.lock("smile", True)
    session.turn({"yaw": 20.0})
    session.undo()
    session.undo()
    assert set(session.locks.held) == {"smile"}
    assert session.locks.held["smile"] == pytest.approx(session.predicted()["smile"])
    session.redo()
    session.new_person(5)
    held = session.predicted()["smile"]
    session.turn({"yaw": 25.0})
    assert session.predicted()["smile"] == pytest.approx(held, abs=0.02)
    session.lock("smile", False)
    assert not session.locks


def test_a_move_that_locks_forbid_is_refused_and_the_face_stays(session, monkeypatch):
    from facegen.errors import OutOfRangeError

    session.lock("smile", True)
    state = session.state
    monkeypatch.setattr(FakeDials, "_scale", lambda self, name: 0.01 if name == "yaw" else 1.0)
    with pytest.raises(OutOfRangeError, match="locked leaves no way"):
        session.turn({"yaw": 30.0})
    assert session.state is state


def test_shuffle_moves_a_group_within_its_natural_range_and_respects_locks(session, dials):
    session.lock("bangs", True)
    before = session.predicted()
    for seed in range(4):
        session.shuffle(["hair_length", "hair_dark", "bangs"], seed)
        now = session.predicted()
        for name in ("hair_length", "hair_dark"):
            low, high = dials.spec(name).natural
            assert low - 0.01 <= now[name] <= high + 0.01
            assert abs(now[name] - before[name]) > 1e-3
        assert now["bangs"] == pytest.approx(before["bangs"], abs=0.02)
        session.undo()
        assert session.predicted() == before


def test_a_face_made_under_a_lock_travels_by_link_and_file(session, generator, dials):
    session.lock("smile", True)
    session.turn({"yaw": 30.0})
    made = session.w_plus()
    query = link_of(session.state)
    other = Session(generator, dials, seed=417)
    assert apply_query(other, query) == []
    assert np.array_equal(other.w_plus(), made)
    assert set(other.locks.held) == {"smile"}
    assert other.turn({}) is other.state
    third = Session(generator, dials, seed=5)
    third.open_face(Face.from_bytes(session.face().to_npz(), name="face.npz"))
    assert np.array_equal(third.w_plus(), made)
    assert third.state.subject.seed == 417
    assert dict(third.state.deltas)["yaw"] == pytest.approx(dict(session.state.deltas)["yaw"])


PRESET_FILE = b'{"facegen_presets": 1, "presets": [{"name": "Sunday", "targets": {"smile": 1.5}}]}'


def test_presets_come_back_from_their_file(dials):
    found, unknown, _ = presets.from_json(PRESET_FILE, dials)
    assert presets.from_json(presets.to_json(found), dials) == (found, (), ())
    assert found[0].name == "Sunday"
    assert found[0].targets == {"smile": 1.5}
    assert unknown == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89PNG",
        b"[1, 2]",
        b'{"facegen_presets": 2, "presets": []}',
        b'{"facegen_presets": 1, "presets": []}',
        PRESET_FILE.replace(b"1.5", b'"1.5"'),
        PRESET_FILE.replace(b"1.5", b"NaN"),
        PRESET_FILE.replace(b"1.5", b"1e400"),
        PRESET_FILE.replace(b"1.5", b"1" + b"0" * 400),
        PRESET_FILE.replace(b'"Sunday"', b"7"),
        PRESET_FILE.replace(b"smile", b"wings"),
        b"[" * 60_000,
        b" " * 100_000,
    ],
)
def test_bad_preset_files_are_explained(dials, data):
    with pytest.raises(BadFileError) as caught:
        presets.from_json(data, dials)
    assert "saved here" in str(caught.value)


def test_a_preset_sends_the_face_to_its_readings_in_one_step(session):
    start = session.w_plus()
    session.aim({"age": 60.0, "smile": 1.5, "yaw": 20.0})
    now = session.predicted()
    assert (now["age"], now["smile"], now["yaw"]) == pytest.approx((60.0, 1.5, 20.0), abs=0.1)
    session.undo()
    assert np.array_equal(session.w_plus(), start)


def test_presets_name_only_known_dials_and_natural_readings():
    from facegen.controls import DIALS

    units = {dial.name: dial.unit for dial in DIALS}
    for preset in presets.PRESETS:
        for name, value in preset.targets.items():
            limit = {"deg": 30.0, "years": 75.0, "sd": 3.0}[units[name]]
            assert abs(value) <= limit, (preset.name, name)


POINTS = tuple((0.3 + 0.005 * k, 0.5 + 0.001 * k) for k in range(68))
WINK = CloseEye("left", POINTS, np.ones((18, 512), "<f4").tobytes(), POINTS)
ROLL = MovePicture(roll=8.0)


def test_a_saved_wink_is_there_when_opened_and_done_anew_after_an_edit(session, generator):
    w_plus = generator.w_from_seed(77)
    face = Face(w_plus, w_plus, operations=(Pose(10.0, None), WINK, ROLL), model=generator.model)
    session.open_face(face)
    assert session.finish() == (WINK, ROLL)
    assert not session.needs_refit()
    assert session.face().operations == face.operations
    assert link_of(session.state) is None  # a link cannot carry it

    session.turn({"smile": 1.0})
    assert session.needs_refit()
    assert session.finish() == (ROLL,)  # never at the landmarks of another picture
    asked = []

    def again(changed, wanted):
        asked.append((changed, wanted))
        return (replace(WINK, side="right"), ROLL)

    session.refit(again)
    assert asked[0][1] == (WINK, ROLL)
    assert np.array_equal(asked[0][0].w_plus, session.w_plus())
    assert session.finish() == (replace(WINK, side="right"), ROLL)
    assert not session.needs_refit()
    session.undo()
    assert session.finish() == (WINK, ROLL)


def test_somebody_with_and_without_a_wink_are_two_subjects(session, generator):
    w_plus = generator.w_from_seed(77)
    plain = Face(w_plus, w_plus, model=generator.model)
    session.open_face(plain)
    first = session.state.subject.uid
    session.open_face(replace(plain, operations=(WINK,)))
    assert session.state.subject.uid != first
    session.open_face(plain)
    assert session.state.subject.uid == first


def test_a_dial_is_turned_from_where_the_picture_shows_it(session, dials):
    see = short(dials)
    before = see(session.base())
    session.measured_start(before)
    session.turn({"age": before["age"] + 10})
    session.measured_now(see(session.w_plus()))
    shown = session.readouts(measured=see(session.w_plus()), before=before)["age"].shown
    reached = 5 + 0.5 * lost_of_offset(session, dials, before, 10)
    assert shown == pytest.approx(before["age"] + reached, abs=0.1)
    session.turn({"age": shown + 1})
    assert see(session.w_plus())["age"] > shown
    age = session.readouts(measured=see(session.w_plus()), before=before)["age"]
    assert age.asked == pytest.approx(shown + 1, abs=0.1)
    session.turn({"age": age.start})
    assert session.state.deltas == ()


def test_a_dial_of_a_link_is_turned_from_where_it_is_seen(session, dials):
    """Nothing of it was corrected yet, and what its start was off is in what is seen."""

    def see(w_plus):
        return {"age": 10 + 0.7 * (dials.read(w_plus)["age"] - 10)}

    before = see(session.base())
    session.edit({"age": 20.0})
    session.measured_start(before)
    session.measured_now(see(session.w_plus()))
    shown = session.readouts(measured=see(session.w_plus()), before=before)["age"].shown
    session.turn({"age": shown + 1})
    assert see(session.w_plus())["age"] > shown


def test_another_thing_seen_is_not_asked_on_top_of_a_turn(session):
    """Beyond some distance what the picture shows is no miss but, say, a hand."""
    start = session.readouts()["smile"].start
    session.turn({"smile": start + 1.0})
    session.measured_now({"smile": session.readouts()["smile"].shown - 8.0})
    session.turn({"smile": start - 6.0})
    assert abs(dict(session.state.deltas)["smile"] - -6.0) <= 1.6


def test_what_was_seen_of_somebody_says_nothing_of_the_next(session):
    session.measured_now({"smile": session.readouts()["smile"].shown - 1.0})
    assert session.readouts()["smile"].carried == pytest.approx(-1.0)
    session.new_person(418)
    assert session.readouts()["smile"].carried == 0


def test_somebody_comes_back_as_their_picture_settled(session, dials):
    see = short(dials)
    before = see(session.base())
    session.measured_start(before)
    session.turn({"age": before["age"] + 10})
    session.settle(session.correction(session.state, before, see))
    settled, uid = session.state, session.state.subject.uid
    session.new_person(418)
    assert session.switch_to(uid).same_as(settled)
