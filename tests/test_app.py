"""The app's logic through Streamlit's AppTest, with drawn faces in place of the network."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import streamlit as st
from fakes import FakeDials, FakeGenerator, FakeOwnDial, FakeUserDials, fake_parts, unpack_frame
from PIL import Image
from streamlit.testing.v1 import AppTest

from facegen.errors import ModelError
from facegen.face import Face
from facegen.images import encode_jpeg
from facegen.operations import MovePicture, UnknownOperation
from facegen.retouch.apply import draw
from facegen.service import loading, measuring, photo_desk
from facegen.service.render import FULL_QUALITY
from facegen.ui import browser_state, main, shared, state_keys
from facegen.ui.components import messages, presets_menu, toolbar, view
from facegen.ui.pages import about, design, find_dials, your_dials

APP = str(Path(__file__).parent.parent / "app.py")
SECONDS = 120  # until a wait gives up: a machine may be busy with other work


@pytest.fixture
def fake(monkeypatch):
    shared.loader.clear()
    shared.measuring.clear()
    monkeypatch.setattr(loading, "load_parts", fake_parts)
    monkeypatch.setattr(main, "QUICK_START_SECONDS", SECONDS)
    monkeypatch.setattr(measuring, "load_measure", _no_instruments)
    yield FakeUserDials().put(monkeypatch.setattr)
    shared.loader.clear()


def _no_instruments():
    raise ModelError("There are no instruments here.")


def start(**query: str) -> AppTest:
    at = AppTest.from_file(APP, default_timeout=SECONDS)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def frame(at: AppTest):
    """Header and picture that the face view got."""
    head, picture, _ = unpack_frame(at.get_by_key("fg_view").proto.bytes)
    return head, picture


def revision(at: AppTest) -> int:
    """What the dials would send back as the state they know."""
    return json.loads(at.get_by_key("fg_panel").proto.json)["rev"]


def dials(at: AppTest) -> dict[str, dict]:
    """The dials as the panel got them, by name."""
    groups = json.loads(at.get_by_key("fg_panel").proto.json)["groups"]
    return {dial["name"]: dial for group in groups for dial in group["dials"]}


def readings(at: AppTest) -> dict[str, float]:
    """What the dials show."""
    return {name: dial["now"] for name, dial in dials(at).items()}


def link(at: AppTest) -> dict[str, str]:
    return {k: v[0] if isinstance(v, list) else v for k, v in dict(at.query_params).items()}


def test_opens_with_a_face(fake):
    at = start()
    assert not at.exception
    assert not at.error
    head, picture = frame(at)
    assert Image.open(io.BytesIO(picture)).size == (1024, 1024)
    assert head["kind"] == "full"
    assert "synthetic image" in head["status"]
    assert head["alt"].endswith("a person who does not exist")


def test_the_link_decides_who_it_is(fake):
    a, b, c = start(seed="417"), start(seed="417"), start(seed="418")
    assert frame(a) == frame(b)
    assert frame(a)[1] != frame(c)[1]
    assert frame(start(seed="417", smile="2"))[1] != frame(a)[1]


def test_the_link_is_in_the_address_bar_before_its_picture_goes_out(fake, monkeypatch):
    sent = []
    face_view = view.face_view

    def recorded(data, **more):
        sent.append((unpack_frame(data)[0]["link"], urlencode(st.query_params.to_dict())))
        return face_view(data, **more)

    monkeypatch.setattr(view, "face_view", recorded)
    at = start(seed="417")
    at.button(key="new").click().run()
    at.button(key="undo").click().run()
    assert len({shown for shown, _ in sent}) == 2
    assert all(shown == in_bar for shown, in_bar in sent)
    assert sent[-1] == ("seed=417", "seed=417")


def test_a_bad_link_gives_somebody_new_and_says_so(fake):
    at = start(seed="minus one")
    assert not at.exception
    assert "somebody new" in at.error[0].value
    at = start(seed="1", wings="3")
    assert "wings" in at.error[0].value


def test_new_person_undo_redo(fake):
    at = start(seed="417")
    first = frame(at)[0]["id"]
    assert at.button(key="undo").disabled
    at.button(key="new").click().run()
    second = frame(at)[0]["id"]
    assert second != first
    assert link(at)["seed"] != "417"
    at.button(key="undo").click().run()
    assert frame(at)[0]["id"] == first
    assert link(at) == {"seed": "417"}
    assert seed_box(at) == 417
    at.button(key="redo").click().run()
    assert frame(at)[0]["id"] == second
    assert not at.exception


def seed_box(at: AppTest) -> int | None:
    """What the seed's box shows."""
    return json.loads(at.get_by_key("fg_seed").proto.json)["seed"]


def strip(at: AppTest) -> list[str]:
    """The names of the people met, newest first."""
    people = json.loads(at.get_by_key("fg_strip").proto.json)["people"]
    return [person["name"] for person in people]


@pytest.fixture
def press(monkeypatch):
    """Presses, as the browser sends them: all that the page has not answered."""

    def pressed(at: AppTest, *presses: tuple[str, str]) -> AppTest:
        done = json.loads(at.get_by_key("fg_seed").proto.json)["n"]
        sent = [{"n": done + i, "what": w, "text": text} for i, (w, text) in enumerate(presses, 1)]
        events = [{"presses": sent}]

        def trigger(key, kind):
            return events.pop() if (key, kind) == ("fg_seed", "press") and events else None

        monkeypatch.setattr(view, "trigger", trigger)
        return at.run()

    return pressed


def test_seed_box(fake, press):
    at = press(start(seed="1"), ("seed", " 99 "))
    assert link(at) == {"seed": "99"}
    assert frame(at)[0]["id"] == frame(start(seed="99"))[0]["id"]
    for text in ("-1", "4294967296", "somebody", "1.5", "९"):
        at = press(at, ("seed", text))
        assert "0 to 4294967295" in at.error[0].value
        assert link(at) == {"seed": "99"}
    assert not press(at, ("seed", "")).error


def test_quick_presses_are_done_once_and_in_their_order(fake, press):
    at = press(start(seed="417"), *[("new", "")] * 4, ("undo", ""), ("seed", "7"), ("new", ""))
    people = strip(at)
    assert len(people) == len(set(people)) == 7
    assert people[1] == "Unnamed 0007"
    newest = link(at)
    press(at, ("undo", ""))
    assert link(at) == {"seed": "7"}
    assert newest != link(at)


@pytest.mark.parametrize(
    "event",
    [None, 3, {}, {"presses": 5}, {"presses": [None, {"n": "1", "what": "new"}, {"n": 1}]},
     {"presses": [{"n": 1, "what": "save"}, {"n": 2, "what": ["new"]}, {"n": 3.5, "what": "new"}]}],
)  # fmt: skip
def test_presses_that_are_malformed_do_nothing(event):
    assert view.read_presses(event, known=toolbar.PRESSES) == []


@pytest.mark.long
def test_every_dial_changes_the_picture_and_undo_restores_it(fake, monkeypatch):
    """The panel's events, as the browser sends them."""
    at = start(seed="417")
    before = frame(at)[0]["id"]
    for number, name in enumerate(FakeDials(FakeGenerator()).names):
        event = {
            "n": number + 1,
            "rev": revision(at),
            "final": True,
            "what": name,
            "moves": {name: readings(at)[name] + 1.0},
        }
        events = [event]

        def trigger(key, kind, events=events):
            return events.pop() if (key, kind) == ("fg_panel", "edit") and events else None

        monkeypatch.setattr(view, "trigger", trigger)
        at.run()
        assert not at.exception, name
        assert frame(at)[0]["id"] != before, name
        assert float(link(at)[name]) == pytest.approx(1.0, abs=0.01)
        at.button(key="undo").click().run()
        assert frame(at)[0]["id"] == before, name


def test_a_drag_shows_a_preview_and_makes_no_step(fake, monkeypatch):
    at = start(seed="417")
    event = {
        "n": 7,
        "rev": revision(at),
        "final": False,
        "what": "smile",
        "moves": {"smile": 1.0},
    }
    monkeypatch.setattr(view, "trigger", lambda key, kind: event if kind == "edit" else None)
    at.run()
    head, picture = frame(at)
    assert head["kind"] == "preview"
    assert head["n"] == 7
    assert Image.open(io.BytesIO(picture)).size == (256, 256)
    assert at.button(key="undo").disabled
    assert link(at) == {"seed": "417"}


def test_a_dial_held_still_gives_the_full_picture_and_makes_no_step(fake, monkeypatch):
    at = start(seed="417")
    event = {
        "n": 8, "rev": revision(at), "final": False, "sharp": True, "what": "smile",
        "moves": {"smile": 1.0},
    }  # fmt: skip
    monkeypatch.setattr(view, "trigger", lambda key, kind: event if kind == "edit" else None)
    at.run()
    head, picture = frame(at)
    assert head["kind"] == "full"
    assert Image.open(io.BytesIO(picture)).size == (1024, 1024)
    assert at.button(key="undo").disabled


def test_an_event_from_before_the_face_changed_is_ignored(fake, monkeypatch):
    at = start(seed="417")
    at.button(key="new").click().run()
    seen = frame(at)[0]["id"]
    event = {"n": 7, "rev": 1, "final": True, "what": "smile", "moves": {"smile": 1.0}}
    monkeypatch.setattr(view, "trigger", lambda key, kind: event if kind == "edit" else None)
    at.run()
    assert frame(at)[0]["id"] == seen


def test_a_drag_of_somebody_who_is_gone_is_answered_with_who_is_here(fake, monkeypatch):
    """Press and drag come in one run: no preview stays, and the link is the new person's."""
    at = start(seed="417")
    event = {"n": 7, "rev": 1, "final": False, "what": "smile", "moves": {"smile": 1.0}}
    monkeypatch.setattr(view, "trigger", lambda key, kind: event if kind == "edit" else None)
    at.button(key="new").click().run()
    head, picture = frame(at)
    assert (head["kind"], head["n"]) == ("full", 7)
    assert Image.open(io.BytesIO(picture)).size == (1024, 1024)
    assert (
        head["alt"]
        == f"Portrait of Unnamed {int(link(at)['seed']):04d}, a person who does not exist"
    )


def saved_png(seed: int = 5) -> bytes:
    generator = FakeGenerator()
    face = Face.from_seed(generator, seed)
    return face.to_png(generator.render(face.w_plus))


def test_a_saved_face_opens_in_another_session(fake):
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("five.png", saved_png(5)).run()
    assert not at.exception
    assert not at.error
    assert frame(at)[1] == frame(start(seed="5"))[1]
    assert link(at) == {"seed": "5"}


@pytest.mark.long
def test_what_was_done_in_a_saved_picture_is_shown_again(fake):
    generator = FakeGenerator()
    face = replace(Face.from_seed(generator, 5), operations=(MovePicture(roll=20.0),))
    request = face.request(model=generator.model, size=generator.img_resolution)
    data = face.to_png(draw(request, generator))
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("rolled.png", data).run()
    assert not at.error
    assert frame(at)[1] != frame(start(seed="5"))[1]
    assert frame(at)[1] == encode_jpeg(draw(request, generator), quality=FULL_QUALITY)
    assert list(link(at)) == ["person"]  # a link cannot carry it; this session finds it again


def test_a_face_of_a_newer_version_is_refused_and_the_face_stays(fake):
    face = Face.from_seed(FakeGenerator(), 5)
    face = replace(face, operations=(UnknownOperation("relight", '{"op": "relight"}'),))
    at = start(seed="417")
    before = frame(at)[1]
    at.file_uploader(key="fg_open_0").upload("newer.npz", face.to_npz()).run()
    assert "relight" in at.error[0].value
    assert "Update facegen" in at.error[0].value
    assert frame(at)[1] == before


def test_a_public_latent_opens_and_can_be_changed(fake):
    buffer = io.BytesIO()
    np.save(buffer, np.random.RandomState(1).randn(1, 512))
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("somebody.npy", buffer.getvalue()).run()
    assert not at.exception
    assert not at.error
    assert list(link(at)) == ["person"]
    assert seed_box(at) is None
    at.button(key="new").click().run()
    assert not at.exception
    assert link(at)


def bad_files() -> list[tuple[str, bytes]]:
    png = saved_png()
    plain, tiny = io.BytesIO(), io.BytesIO()
    noise = np.random.RandomState(1).randint(0, 255, (300, 300, 3), np.uint8)
    Image.fromarray(noise).save(plain, "JPEG")
    Image.new("RGB", (32, 32)).save(tiny, "PNG")
    nan = io.BytesIO()
    np.save(nan, np.full((18, 512), np.nan, np.float32))
    shape = io.BytesIO()
    np.save(shape, np.zeros((3, 3), np.float32))
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return [
        ("cut.png", png[: len(png) // 2]),
        ("cut.jpg", plain.getvalue()[:9000]),
        ("tiny.png", tiny.getvalue()),
        ("nan.npy", nan.getvalue()),
        ("shape.npy", shape.getvalue()),
        ("pickle.npy", pickled.getvalue()),
        ("empty.npz", b""),
        ("text.txt", b"hello"),
    ]


@pytest.mark.parametrize(("name", "data"), bad_files(), ids=[n for n, _ in bad_files()])
def test_a_bad_file_gets_one_sentence_and_the_face_stays(fake, name, data):
    at = start(seed="417")
    before = frame(at)[1]
    at.file_uploader(key="fg_open_0").upload(name, data).run()
    assert not at.exception
    assert len(at.error) == 1
    assert name in at.error[0].value
    assert "Traceback" not in at.error[0].value
    assert frame(at)[1] == before
    at.run()
    assert not at.error


def test_a_photograph_leads_to_its_own_page_and_the_face_stays(fake, monkeypatch):
    monkeypatch.setattr(photo_desk, "find_faces", lambda image: [])
    monkeypatch.setattr(photo_desk, "lies_on_its_side", lambda image: False)
    photo = io.BytesIO()
    Image.new("RGB", (300, 200)).save(photo, "JPEG")
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("somebody.jpg", photo.getvalue()).run()
    assert not at.exception
    assert not at.error
    assert [warning.value for warning in at.warning] == [photo_desk.NO_FACE]
    assert at.session_state[state_keys.SESSION].state.subject.seed == 417
    at.run()
    assert at.button(key="photo_forget")


def test_a_face_of_another_space_is_refused(fake):
    face = Face.from_w_plus(FakeGenerator().w_from_seed(1), space="elsewhere")
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("other.npz", face.to_npz()).run()
    assert "elsewhere" in at.error[0].value
    assert link(at) == {"seed": "417"}


def test_two_visitors_never_see_each_others_faces(fake):
    a, b = start(seed="1"), start(seed="2")
    seen = frame(b)[1]
    for _ in range(3):
        a.button(key="new").click().run()
    b.run()
    assert frame(b)[1] == seen
    assert link(b) == {"seed": "2"}
    assert b.button(key="undo").disabled
    assert not a.button(key="undo").disabled


def test_a_name_is_kept_and_shown(fake):
    at = start(seed="417")
    box = next(item for item in at.text_input if item.label == "Name")
    box.set_value("<b>Ada</b>").run()
    shown = " ".join(item.proto.body for item in at.get("html"))
    assert "&lt;b&gt;Ada&lt;/b&gt;" in shown
    assert "<b>Ada" not in shown


def test_a_model_that_cannot_be_loaded_is_explained(fake, monkeypatch):
    def fail(progress):
        raise ModelError("The model could not be fetched; check the connection and try again.")

    monkeypatch.setattr(loading, "load_parts", fail)
    at = start()
    assert not at.exception
    assert any("check the connection" in item.value for item in at.markdown)
    monkeypatch.setattr(loading, "load_parts", fake_parts)
    at.button(key="retry").click().run()
    assert frame(at)[0]["kind"] == "full"


def test_the_first_start_shows_how_far_the_model_is(fake, monkeypatch):
    import threading

    told, go_on = threading.Event(), threading.Event()

    def slow(progress):
        progress(10_000_000, 37_600_000)
        told.set()
        go_on.wait(SECONDS)
        progress(11_000_000, 37_600_000)
        return fake_parts()

    monkeypatch.setattr(loading, "load_parts", slow)
    monkeypatch.setattr(main, "QUICK_START_SECONDS", 0)
    at = start()
    assert told.wait(SECONDS)
    at.run()
    assert "Fetching the face model" in at.subheader[0].value
    at.button(key="cancel_fetch").click().run()
    go_on.set()
    shared.loader(None).wait(SECONDS)
    at.run()
    assert any("Stopped" in item.value for item in at.markdown)
    assert not at.exception


def test_a_defect_in_a_page_is_not_shown_as_a_traceback(fake, monkeypatch):
    def broken(ready):
        raise RuntimeError("secret internals")

    monkeypatch.setattr(design, "page", broken)
    at = start()
    assert not at.exception
    assert "should not" in at.error[0].value
    assert "secret" not in at.error[0].value


def test_a_defect_on_the_stage_is_not_shown_as_a_traceback(fake, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("secret internals")

    at = start(seed="417")
    monkeypatch.setattr(design.view, "panel_data", broken)
    at.run()
    assert not at.exception
    assert "should not" in at.error[0].value
    assert "secret" not in at.error[0].value


def test_a_file_that_breaks_the_reader_is_explained(fake, monkeypatch):
    def broken(data, *, name):
        raise RuntimeError("secret internals")

    monkeypatch.setattr(toolbar.Face, "from_bytes", broken)
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("five.png", b"x").run()
    assert not at.exception
    assert "five.png could not be opened" in at.error[0].value


def test_about_names_licence_and_bias():
    assert "CC BY-NC-SA" in about.TEXT
    assert "synthetic media" in about.TEXT
    at = AppTest.from_string("from facegen.ui.pages import about\nabout.page()").run()
    assert not at.exception


def test_a_file_name_is_not_read_as_markdown(fake):
    at = start(seed="417")
    at.file_uploader(key="fg_open_0").upload("![x](http:x) :red[a].png", b"nothing").run()
    assert r"\!\[x\](http\:x) \:red\[a\].png" in at.error[0].value


def panel_says(monkeypatch, kind: str, event: dict) -> None:
    """Let the panel send one event at the next run."""
    events = [event]

    def trigger(key, name):
        return events.pop() if (key, name) == ("fg_panel", kind) and events else None

    monkeypatch.setattr(view, "trigger", trigger)


def test_a_lock_holds_its_reading_and_shows(fake, monkeypatch):
    at = start(seed="417")
    held = readings(at)["smile"]
    panel_says(monkeypatch, "lock", {"name": "smile", "on": True})
    at.run()
    assert dials(at)["smile"]["locked"]
    event = {"n": 1, "rev": revision(at), "final": True, "what": "yaw", "moves": {"yaw": 30.0}}
    panel_says(monkeypatch, "edit", event)
    at.run()
    assert not at.exception
    assert readings(at)["yaw"] == pytest.approx(30.0, abs=0.1)
    assert readings(at)["smile"] == pytest.approx(held, abs=0.02)
    at.button(key="undo").click().run()
    assert dials(at)["smile"]["locked"]


def test_locks_that_leave_no_way_are_explained_and_the_face_stays(fake, monkeypatch):
    at = start(seed="417")
    before = frame(at)[0]["id"]
    panel_says(monkeypatch, "lock", {"name": "smile", "on": True})
    at.run()
    event = {"n": 1, "rev": revision(at), "final": True, "what": "yaw", "moves": {"yaw": 900.0}}
    panel_says(monkeypatch, "edit", event)
    at.run()
    head, _ = frame(at)
    assert "locked leaves no way" in head["error"]
    assert head["id"] == before
    assert at.button(key="undo").disabled


def test_shuffle_is_one_step(fake, monkeypatch):
    at = start(seed="417")
    before = frame(at)[0]["id"]
    monkeypatch.setattr(browser_state, "any_seed", lambda: 7)  # of some, one dial stands here
    panel_says(monkeypatch, "shuffle", {"dials": ["hair_length", "bangs", "no such dial"]})
    at.run()
    assert not at.exception
    assert set(link(at)) == {"seed", "hair_length", "bangs"}
    at.button(key="undo").click().run()
    assert frame(at)[0]["id"] == before


def test_presets_are_kept_opened_and_refused_kindly(fake, monkeypatch):
    at = start(seed="417", smile="1.5")
    monkeypatch.setattr(presets_menu, "is_open", lambda menu: True)
    at.run()
    keep = next(item for item in at.text_input if item.key == "preset_name")
    keep.set_value("Sunday").run()
    at.button(key="preset_keep").click().run()
    assert not at.exception
    tiles = json.loads(at.get_by_key("fg_presets").proto.json)["tiles"]
    assert tiles[-1]["label"] == "Sunday"
    assert tiles[-1]["src"].startswith("data:image/jpeg")

    before = frame(at)[0]["id"]
    at.file_uploader(key="fg_presets_open_0").upload("bad.json", b"{}").run()
    assert "bad.json" in at.error[0].value
    assert frame(at)[0]["id"] == before
    good = b'{"facegen_presets": 1, "presets": [{"name": "Monday", "targets": {"age": 60}}]}'
    at.file_uploader(key="fg_presets_open_1").upload("good.json", good).run()
    assert not at.error
    tiles = json.loads(at.get_by_key("fg_presets").proto.json)["tiles"]
    assert tiles[-1]["label"] == "Monday"


@pytest.mark.long
def test_a_dial_is_made_from_marks_kept_and_removed(fake):
    at = AppTest.from_function(_your_dials_alone, default_timeout=SECONDS).run()
    assert not at.exception
    tiles = json.loads(at.get_by_key("fg_gallery").proto.json)["tiles"]
    assert len(tiles) == your_dials.GALLERY
    assert all(tile["src"].startswith("data:image/jpeg") for tile in tiles)
    assert at.button(key="own_make").disabled

    seeds = [int(tile["id"]) for tile in tiles]
    marks = dict.fromkeys(seeds[:3], "has") | dict.fromkeys(seeds[3:6], "not")
    at.session_state[state_keys.MARKS] = marks
    at.run()
    at.button(key="own_make").click().run()
    assert "needs a name" in at.warning[0].value
    at.text_input(key="own_title").set_value("Wings").run()
    at.button(key="own_make").click().run()
    assert not at.exception
    assert any("91 of 100 pairs" in item.value for item in at.markdown)
    at.button(key="own_keep").click().run()
    assert not at.exception
    assert list(fake.dials) == ["wings"]

    design_page = start(seed="417")
    assert dials(design_page)["wings"]["label"] == "Wings"
    at.button(key="own_remove_wings").click().run()
    assert fake.dials == {}
    design_page.run()
    assert not design_page.exception
    assert "wings" not in dials(design_page)


def _your_dials_alone() -> None:
    from facegen.ui import shared
    from facegen.ui.pages import your_dials

    loader = shared.loader(None)
    loader.start()
    loader.wait(120)
    your_dials.page(loader.backend)


def test_marks_follow_the_clicks():
    marks = {1: "has", 9: "not"}
    your_dials.take_marks(marks, [1, 2, 3], {"marks": {"2": "not", "3": "?"}, "n": 4})
    assert marks == {2: "not", 9: "not"}
    your_dials.take_marks(marks, [1, 2, 3], {"marks": "all"})
    assert marks == {2: "not", 9: "not"}
    assert your_dials.split(marks) == ([], [9, 2])


def test_a_direction_file_that_is_none_is_explained(fake, monkeypatch):
    at = AppTest.from_function(_your_dials_alone, default_timeout=SECONDS)
    at.session_state["your_dials_tab"] = "From a file"
    at.run()
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    uploader = at.file_uploader(key="fg_brought_0")
    uploader.upload("pickle.npy", pickled.getvalue()).run()
    assert not at.exception
    assert "pickle.npy" in at.error[0].value


def test_presets_and_dials_that_are_opened_as_faces_are_understood(fake):
    at = start(seed="417")
    before = frame(at)[1]
    good = b'{"facegen_presets": 1, "presets": [{"name": "Monday", "targets": {"age": 60}}]}'
    at.file_uploader(key="fg_open_0").upload("mine.json", good).run()
    assert not at.error
    assert "Monday" in at.toast[0].value
    buffer = io.BytesIO()
    ones = np.ones((18, 512), np.float32)
    np.savez(buffer, vector=ones, weights=ones, meta=np.array("{}"))
    at.file_uploader(key="fg_open_1").upload("dial.npz", buffer.getvalue()).run()
    assert "is a dial" in at.error[0].value
    assert frame(at)[1] == before


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("net.pt", b"\x80\x02X\x06\x00\x00\x00dnnlib.", "use `facegen models import`"),
        ("way.npy", None, "open it under Your dials, From a file"),
    ],
)
def test_what_is_no_face_is_told_where_it_belongs(fake, name, data, place):
    if data is None:
        stream = io.BytesIO()
        np.save(stream, np.eye(1, 512, dtype=np.float32))
        data = stream.getvalue()
    at = start(seed="417")
    before = frame(at)[1]
    at.file_uploader(key="fg_open_0").upload(name, data).run()
    assert len(at.error) == 1
    assert messages.plain(f"{name} is a ") in at.error[0].value
    assert messages.plain(place) in at.error[0].value
    assert frame(at)[1] == before


def test_a_dial_that_guesses_is_called_so(fake):
    dial = FakeOwnDial("wings", "Wings", np.zeros((18, 512), np.float32), score=0.4)
    assert "guessing" in find_dials.words(dial)
    assert "guessing" not in find_dials.words(replace(dial, score=0.93))
