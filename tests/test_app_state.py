"""What a visitor holds: history, links, people, opened files. No Streamlit."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDials, FakeGenerator

from facegen.errors import BadFileError, UsageError
from facegen.face import Face
from facegen.session import presets
from facegen.session.edit_state import clean_deltas, clean_psi, parse_seed
from facegen.session.history import MAX_HISTORY, MAX_RECENT
from facegen.session.session import Studio
from facegen.ui.components import view


@pytest.fixture(scope="module")
def generator() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture(scope="module")
def dials(generator) -> FakeDials:
    return FakeDials(generator)


@pytest.fixture
def studio(generator, dials) -> Studio:
    return Studio(generator, dials, seed=417)


def test_starts_with_the_person_of_the_seed(studio, generator):
    assert np.array_equal(studio.w_plus(), generator.w_from_seed(417, 0.7))
    assert studio.name == "Unnamed 0417"
    assert not studio.can_undo
    assert not studio.can_redo


def test_each_dial_changes_what_is_rendered_and_undo_restores_it(studio, dials):
    start = studio.w_plus()
    for name in dials.names:
        studio.edit({name: 1.0}, what=name)
        assert not np.array_equal(studio.w_plus(), start), name
        studio.undo()
        assert np.array_equal(studio.w_plus(), start), name


def test_undo_and_redo_walk_over_people_too(studio):
    studio.edit({"smile": 1.0})
    studio.new_person(5)
    studio.undo()
    assert studio.look.person.seed == 417
    assert dict(studio.look.deltas) == {"smile": 1.0}
    studio.undo()
    assert studio.look.deltas == ()
    studio.undo()
    assert studio.look.person.seed == 417
    studio.redo()
    studio.redo()
    studio.redo()
    assert studio.look.person.seed == 5


def test_a_new_step_forgets_what_was_undone(studio):
    studio.edit({"smile": 1.0})
    studio.undo()
    studio.edit({"age": 5.0})
    assert not studio.can_redo


def test_quick_moves_of_one_dial_are_one_step(studio):
    for n in range(5):
        studio.edit({"smile": 0.1 * (n + 1)}, what="smile", now=10 + 0.1 * n)
    studio.edit({"smile": 0.5, "age": 1.0}, what="age", now=10.6)
    studio.undo()
    assert dict(studio.look.deltas) == {"smile": 0.5}
    studio.undo()
    assert studio.look.deltas == ()


def test_an_edit_that_changes_nothing_is_no_step(studio):
    studio.edit({"smile": 0.0, "age": 0.0001})
    assert not studio.can_undo


def test_history_and_people_are_bounded(studio):
    for n in range(MAX_HISTORY + 20):
        studio.edit({"smile": 0.01 * (n + 1)})
    steps = 0
    while studio.can_undo:
        studio.undo()
        steps += 1
    assert steps == MAX_HISTORY - 1
    for seed in range(MAX_RECENT + 5):
        studio.new_person(seed)
    assert len(studio.recent) == MAX_RECENT


def test_revision_counts_only_what_the_dials_did_not_do(studio):
    revision = studio.revision
    studio.edit({"smile": 1.0})
    assert studio.revision == revision
    studio.undo()
    assert studio.revision == revision + 1


def test_take_goes_back_to_a_person_as_they_were_left(studio):
    studio.edit({"smile": 1.5})
    uid = studio.look.person.uid
    studio.new_person(9)
    studio.take(uid)
    assert dict(studio.look.deltas) == {"smile": 1.5}
    assert [look.person.seed for look in studio.recent] == [9, 417]


def test_a_link_opens_the_same_face(studio, generator, dials):
    studio.edit({"smile": 1.2345, "yaw": -12.3456789}, psi=0.55)
    query = studio.to_query()
    other = Studio(generator, dials, seed=parse_seed(query["seed"]), psi=float(query["psi"]))
    assert other.apply_query(query) == []
    assert np.array_equal(other.w_plus(), studio.w_plus())
    assert other.to_query() == query


def test_a_link_with_nonsense_is_harmless(studio):
    unknown = studio.apply_query(
        {"seed": "1", "smile": "nan", "age": "abc", "yaw": "3", "wings": "2"}
    )
    assert unknown == ["wings"]
    assert dict(studio.look.deltas) == {"yaw": 3.0}
    studio.apply_query({"smile": "1e30", "age": "-1e300"})
    assert all(abs(delta) < 1000 for _, delta in studio.look.deltas)
    assert np.isfinite(studio.w_plus()).all()
    for text in ("-1", "1.5", "99999999999", "٣", "", "4294967296"):
        assert parse_seed(text) is None
    assert parse_seed("4294967295") == 4294967295


def test_a_saved_face_opens_as_the_same_face(studio, generator, dials):
    studio.edit({"smile": 1.0, "age": 7.0}, psi=0.6)
    studio.rename("Ada")
    face = Face.from_bytes(studio.face().to_npz(), name="ada.npz")
    other = Studio(generator, dials, seed=1)
    other.open_face(face)
    assert np.array_equal(other.w_plus(), studio.w_plus())
    assert other.name == "Ada"
    assert other.look.deltas == studio.look.deltas
    assert other.to_query() == studio.to_query()


def test_a_face_whose_edits_cannot_be_repeated_keeps_its_picture(studio, generator):
    face = studio.face()
    odd = Face(w_plus=face.w_plus + 0.25, base=face.base, edits=face.edits, space=face.space)
    studio.open_face(odd)
    assert np.array_equal(studio.w_plus(), odd.w_plus)
    assert studio.look.deltas == ()
    assert studio.to_query() is None


def test_a_latent_from_elsewhere_has_no_link_but_all_dials(studio, generator):
    w_plus = np.random.RandomState(3).randn(18, 512).astype(np.float32)
    studio.open_face(Face.from_w_plus(w_plus, name="somebody"))
    assert studio.name == "somebody"
    assert studio.to_query() is None
    studio.edit({"smile": 1.0}, psi=0.5)
    studio.edit({}, psi=studio.look.person.psi)
    assert np.array_equal(studio.w_plus(), w_plus)


def test_opening_somebody_met_before_does_not_double_them(studio):
    face = studio.face()
    studio.new_person(3)
    studio.open_face(face)
    assert len(studio.recent) == 2
    assert studio.look.person.seed == 417


def test_before_is_the_person_as_they_came(studio, generator):
    studio.edit({"smile": 1.0}, psi=0.4)
    assert np.array_equal(studio.w_plus(studio.start), generator.w_from_seed(417, 0.7))


def test_bad_seeds_are_refused(studio):
    with pytest.raises(UsageError, match="whole number from 0"):
        studio.new_person(2**32)
    with pytest.raises(UsageError, match="whole number from 0"):
        studio.new_person(-1)


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
    head, picture, before = view.unpack_frame(data)
    assert head["a"] == "ü"
    assert picture == b"picture"
    assert before == b"before"


def test_panel_covers_where_the_face_stands(studio, dials):
    from fakes import TABLE

    own = dict.fromkeys(dials.names, 0.0) | {"yaw": 77.0}
    specs = {name: dials.spec(name) for name in dials.names}
    data = view.panel_data(
        TABLE, specs, own, own | {"yaw": 86.0}, moved=["yaw"], locked=["smile"], identity=None,
        psi=0.7, own_psi=0.7, max_psi=1.2, revision=4,
    )  # fmt: skip
    rows = {dial["name"]: dial for group in data["groups"] for dial in group["dials"]}
    assert rows["yaw"]["max"] == 86.0
    assert rows["yaw"]["own"] == 77.0
    assert rows["smile"]["locked"]
    assert not rows["yaw"]["locked"]
    assert set(rows) == {"psi", *dials.names}


def test_a_dial_turned_to_a_reading_reads_it(studio):
    studio.turn({"age": 60.0}, what="age")
    assert studio.present()["age"] == pytest.approx(60.0, abs=0.1)


def test_turning_back_to_the_tick_is_the_face_as_it_came(studio):
    start, tick = studio.w_plus(), studio.readings()["age"]
    studio.turn({"age": 60.0}, what="age")
    studio.turn({"age": tick}, what="age")
    assert studio.look.deltas == ()
    assert np.array_equal(studio.w_plus(), start)


def short(dials):
    """Measures half of what the dials predict beyond 34 years, and smiles as predicted."""

    def see(w_plus):
        readings = dials.read(w_plus)
        return {"age": 34 + 0.5 * (readings["age"] - 34), "smile": readings["smile"]}

    return see


def test_dials_stand_where_the_picture_of_the_person_says(studio, dials):
    see = short(dials)
    before = see(studio.base())
    studio.measured_start(before)
    assert studio.shown()["age"] == pytest.approx(before["age"])
    studio.turn({"age": before["age"] + 10})
    assert studio.shown()["age"] == pytest.approx(before["age"] + 10, abs=1e-2)
    missing = studio.misses(see(studio.w_plus()), before)
    assert missing == {"age": pytest.approx(5.0, abs=1e-2)}


def test_a_corrected_dial_stands_where_it_was_put_and_the_picture_agrees(studio, dials):
    see = short(dials)
    before = see(studio.base())
    studio.measured_start(before)
    goal = before["age"] + 10
    plain = studio.turn({"age": goal, "yaw": 5.0})
    studio.correct(before, see)
    assert see(studio.w_plus())["age"] == pytest.approx(goal, abs=1.5)
    assert studio.shown()["age"] == pytest.approx(goal, abs=1.5)
    assert not studio.misses(see(studio.w_plus()), before)
    corrected = dict(studio.look.deltas)["age"]
    studio.turn({"smile": 1.0})
    assert dict(studio.look.deltas)["age"] == corrected
    studio.turn({"age": goal + 1})
    assert dict(studio.look.deltas)["age"] > corrected
    studio.turn({"age": studio.shown_start()["age"]})
    assert "age" not in dict(studio.look.deltas)
    for _ in range(4):
        studio.undo()
    assert studio.look.same_as(plain)


def test_nothing_moved_is_not_corrected(studio, dials):
    see = short(dials)
    look = studio.look
    assert studio.correct(see(studio.base()), see) is look
    assert not studio.can_undo


def test_what_is_locked_keeps_its_reading_while_another_dial_moves(studio):
    held = studio.present()["smile"]
    studio.turn({"yaw": 30.0}, what="yaw")
    assert abs(studio.present()["smile"] - held) > 0.3  # These drawn faces smile when they turn.
    studio.undo()
    studio.lock("smile", True)
    studio.turn({"yaw": 30.0}, what="yaw")
    assert studio.present()["yaw"] == pytest.approx(30.0, abs=0.1)
    assert studio.present()["smile"] == pytest.approx(held, abs=0.02)


def test_a_locked_dial_is_neither_moved_nor_reset(studio):
    studio.turn({"smile": 1.5})
    studio.lock("smile", True)
    look = studio.look
    assert studio.turn({"smile": 0.0}, resets=["smile"]) is look
    studio.turn({}, resets=["yaw", "smile"])
    assert studio.present()["smile"] == pytest.approx(1.5, abs=0.02)


def test_locks_survive_undo_redo_and_new_people(studio):
    studio.turn({"smile": 1.5})
    studio.lock("smile", True)
    studio.turn({"yaw": 20.0})
    studio.undo()
    studio.undo()
    assert set(studio.locks.held) == {"smile"}
    assert studio.locks.held["smile"] == pytest.approx(studio.present()["smile"])
    studio.redo()
    studio.new_person(5)
    held = studio.present()["smile"]
    studio.turn({"yaw": 25.0})
    assert studio.present()["smile"] == pytest.approx(held, abs=0.02)
    studio.lock("smile", False)
    assert not studio.locks


def test_a_move_that_locks_forbid_is_refused_and_the_face_stays(studio, monkeypatch):
    from facegen.errors import OutOfRangeError

    studio.lock("smile", True)
    look = studio.look
    monkeypatch.setattr(FakeDials, "_scale", lambda self, name: 0.01 if name == "yaw" else 1.0)
    with pytest.raises(OutOfRangeError, match="locked leaves no way"):
        studio.turn({"yaw": 30.0})
    assert studio.look is look


def test_shuffle_moves_a_group_within_its_natural_range_and_respects_locks(studio, dials):
    studio.lock("bangs", True)
    before = studio.present()
    for seed in range(4):
        studio.shuffle(["hair_length", "hair_dark", "bangs"], seed)
        now = studio.present()
        for name in ("hair_length", "hair_dark"):
            low, high = dials.spec(name).natural
            assert low - 0.01 <= now[name] <= high + 0.01
            assert abs(now[name] - before[name]) > 1e-3
        assert now["bangs"] == pytest.approx(before["bangs"], abs=0.02)
        studio.undo()
        assert studio.present() == before


def test_a_face_made_under_a_lock_travels_by_link_and_file(studio, generator, dials):
    studio.lock("smile", True)
    studio.turn({"yaw": 30.0})
    made = studio.w_plus()
    query = studio.to_query()
    other = Studio(generator, dials, seed=417)
    assert other.apply_query(query) == []
    assert np.array_equal(other.w_plus(), made)
    assert set(other.locks.held) == {"smile"}
    assert other.turn({}) is other.look
    third = Studio(generator, dials, seed=5)
    third.open_face(Face.from_bytes(studio.face().to_npz(), name="face.npz"))
    assert np.array_equal(third.w_plus(), made)
    assert third.look.person.seed == 417
    assert dict(third.look.deltas)["yaw"] == pytest.approx(dict(studio.look.deltas)["yaw"])


PRESET_FILE = b'{"facegen_presets": 1, "presets": [{"name": "Sunday", "targets": {"smile": 1.5}}]}'


def test_presets_come_back_from_their_file(dials):
    found, unknown = presets.from_json(PRESET_FILE, dials)
    assert presets.from_json(presets.to_json(found), dials) == (found, ())
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


def test_a_preset_sends_the_face_to_its_readings_in_one_step(studio):
    start = studio.w_plus()
    studio.aim({"age": 60.0, "smile": 1.5, "yaw": 20.0})
    now = studio.present()
    assert (now["age"], now["smile"], now["yaw"]) == pytest.approx((60.0, 1.5, 20.0), abs=0.1)
    studio.undo()
    assert np.array_equal(studio.w_plus(), start)


def test_presets_name_only_known_dials_and_natural_readings():
    from facegen.controls import DIALS

    units = {dial.name: dial.unit for dial in DIALS}
    for preset in presets.PRESETS:
        for name, value in preset.targets.items():
            limit = {"deg": 30.0, "years": 75.0, "sd": 3.0}[units[name]]
            assert abs(value) <= limit, (preset.name, name)
