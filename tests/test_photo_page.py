"""The page "Photo" through Streamlit's AppTest, with drawn faces and a quick projector."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from fake_projector import FakeProjector, fake_faces
from fakes import FakeGenerator, fake_measure, unpack_frame
from photo_scenes import encoded, huge_png, textured
from PIL import Image
from streamlit.testing.v1 import AppTest

from facegen.errors import BadFileError
from facegen.face import PHOTOGRAPH, Face
from facegen.photos import put_back as putting
from facegen.service import measuring, photo_desk, projecting
from facegen.ui import photographs, shared, state_keys
from facegen.ui.components import photo_view

SECONDS = 120  # until a wait gives up


def page() -> None:
    """What the app shows on this page, without the navigation."""
    import streamlit as st
    from fakes import fake_parts

    from facegen.service import loading
    from facegen.service.render import RenderService
    from facegen.ui.pages import photo

    if "ready" not in st.session_state:
        parts = fake_parts()
        st.session_state["ready"] = loading.Backend(*parts, RenderService(parts[0]))
    st.session_state["went"] = False
    photo.page(st.session_state["ready"], lambda: st.session_state.update(went=True))


@pytest.fixture
def at(monkeypatch) -> AppTest:
    monkeypatch.setattr(measuring, "load_measure", lambda: fake_measure(FakeGenerator()))
    monkeypatch.setattr(photo_desk, "find_faces", fake_faces([(0.5, 0.5, 0.8), (0.1, 0.2, 0.2)]))
    monkeypatch.setattr(photo_desk, "lies_on_its_side", lambda image: False)
    monkeypatch.setattr(
        projecting, "load_projector", lambda generator: FakeProjector(generator, step_s=0.001)
    )
    monkeypatch.setattr(putting, "of_picture", lambda crop: None)
    monkeypatch.setattr(putting.blending, "around", lambda *_: 1.0)
    monkeypatch.setenv(projecting.STEPS_VARIABLE, "4")
    monkeypatch.setattr(photographs, "judge", lambda crop, image: {})
    shared.measuring().start()
    shared.measuring()._thread.join(SECONDS)
    found = AppTest.from_function(page, default_timeout=SECONDS)
    found.query_params["seed"] = "3"
    return found.run()


def photo_bytes() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "Somebody at the sea"
    return encoded(textured(600, 800), "JPEG", quality=95, exif=exif)


def choose(at: AppTest, data: bytes, name: str = "At the sea.jpg") -> None:
    at.file_uploader[0].upload(name, data).run()


def current(at: AppTest) -> photo_desk.OpenPhoto:
    return shared.photo_desk().find(at.session_state[state_keys.PHOTO])


def stage(at: AppTest) -> dict:
    return unpack_frame(at.get_by_key("fg_photo_view").proto.bytes)[0]


def said(at: AppTest) -> str:
    kinds = (at.caption, at.markdown, at.subheader, at.warning, at.error, at.info, at.title)
    return " | ".join(entry.value for kind in kinds for entry in kind)


def labels(at: AppTest) -> list[str]:
    return [button.label for button in at.button]


def find(at: AppTest) -> None:
    at.button(key="photo_find").click().run()
    current(at).job.wait(SECONDS)
    at.run()


def test_the_first_thing_said_is_what_it_is_for_and_whose_photos_may_be_used(at):
    assert not at.exception
    assert "goes back into the photo" in said(at)
    assert "people who agreed" in said(at)
    assert "written nowhere" in said(at)
    assert "Use the camera" in labels(at)
    assert not at.get("camera_input")
    at.button(key="photo_camera").click().run()
    assert len(at.get("camera_input")) == 1


def test_faces_are_outlined_and_the_largest_is_chosen(at):
    choose(at, photo_bytes())
    assert not at.exception
    head = stage(at)
    assert [face["chosen"] for face in head["faces"]] == [True, False]
    assert head["faces"][1]["label"] == "Face 2 of 2"
    assert head["ratio"] == pytest.approx(4 / 3, abs=1e-3)
    assert "Face 1 of 2" in said(at)
    assert "Find this person" in labels(at)


def test_what_stands_in_the_way_is_told_before(at, monkeypatch):
    faces = fake_faces([(0.5, 0.5, 0.8)], warnings=("The face is blurred.",))
    monkeypatch.setattr(photo_desk, "find_faces", faces)
    choose(at, photo_bytes())
    assert "The face is blurred." in said(at)


def test_found_edited_and_put_back(at):
    choose(at, photo_bytes())
    find(at)
    assert not at.exception
    assert "Likeness 0.91: as two photographs of one person" in said(at)
    assert (stage(at)["left"], stage(at)["right"]) == ("Photo", "Found")
    assert at.segmented_control(key=state_keys.PHOTO_SHOWN).value == "Likeness"
    at.button(key="photo_edit").click().run()
    assert at.session_state["went"]
    session = at.session_state[state_keys.SESSION]
    assert session.name == "At the sea, face 1"
    assert session.face().source == PHOTOGRAPH
    assert photographs_belong(at)
    found = current(at).found[0]
    assert np.array_equal(session.base(), found.w_plus)
    session.turn({"age": session.predicted()["age"] + 20})
    at.run()
    assert not at.exception
    photo = current(at)
    assert (stage(at)["left"], stage(at)["right"]) == ("Before", "Edited")
    assert "Back in the photo" in said(at)
    assert "marked as edited with AI" in said(at)
    assert (photo.edited.image != photo.photo.image).any()
    first = photo.edited
    at.run()
    assert photo.edited is first, "put back once"
    session.new_person(5)
    at.run()
    assert photo.edited is first, "whoever is current, the photo keeps its own people"
    at.button(key="photo_edit").click().run()
    assert session.face().edits, "they are gone on with as they were left"
    session.undo()
    session.undo()
    session.edit({})
    at.run()
    assert photo.edited is None
    assert stage(at)["right"] == "Found"


def photographs_belong(at: AppTest) -> bool:
    session, photo = at.session_state[state_keys.SESSION], current(at)
    return any(photographs.person_of(session, found) is not None for found in photo.found.values())


def test_the_saved_face_opens_again_and_says_where_it_comes_from(at):
    choose(at, photo_bytes(), "x.jpg")
    find(at)
    photo = current(at)
    ready = at.session_state["ready"]
    face = photographs.face_of(ready, photo, 0, photo.found[0])
    again = Face.from_bytes(face.to_png(photo.found[0].image), name="x.png")
    assert again.source == PHOTOGRAPH
    assert again.name == "x, face 1"


def test_words_of_likeness_go_with_the_number():
    def words(value: float) -> str:
        found = projecting.Found(np.zeros((18, 512)), np.zeros((1, 1, 3)), {"identity": value})
        return photographs.words_of(found)[0]

    found = projecting.Found(
        np.zeros((18, 512)), np.zeros((1, 1, 3)),
        {"distance": 0.31, "structure": 0.62, "pixels": 9.4},
    )  # fmt: skip
    assert [line.split(":")[0] for line in photographs.words_of(found)] == [
        "Distance 0.31", "Structure 0.62", "Colours off by 9 of 255 levels in the face"
    ]  # fmt: skip
    assert words(0.12) == "Likeness 0.12: somebody else"
    assert words(0.85).endswith("as two photographs of one person")
    assert len({words(value).split(": ")[1] for value in (0.1, 0.5, 0.7, 0.9)}) == 4


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("cut.jpg", photo_bytes()[:4000], "cut off or damaged"),
        ("bomb.png", huge_png(), "bomb.png"),
        ("drawing.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "is a drawing (SVG)"),
        ("paper.jpg", b"%PDF-1.7 and so on", "is a PDF document"),
        ("empty.jpg", b"", "is empty"),
        ("tiny.png", encoded(textured(20, 20), "PNG"), "at least 64"),
    ],
)
def test_what_is_no_photo_gets_one_sentence_and_the_page_stays(at, name, data, sentence):
    with pytest.raises(BadFileError) as refused:
        shared.photo_desk().open(data, name)
    assert sentence in str(refused.value)
    before = len(shared.photo_desk())
    choose(at, data, name)
    assert not at.exception
    assert len(at.error) == 1
    assert name.split(".")[0] in at.error[0].value
    assert len(shared.photo_desk()) == before
    assert state_keys.PHOTO not in at.session_state


def test_no_face_is_one_sentence(at, monkeypatch):
    monkeypatch.setattr(photo_desk, "find_faces", lambda image: [])
    choose(at, photo_bytes())
    assert [warning.value for warning in at.warning] == [photo_desk.NO_FACE]
    assert "Find this person" not in labels(at)
    assert stage(at)["bytes"] > 0, "the photo is shown"


def test_an_animation_says_that_its_first_frame_is_used(at):
    frames = [Image.fromarray(textured(200, 300, seed=seed)) for seed in (1, 2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    choose(at, buffer.getvalue(), "wave.webp")
    assert "its first frame is used" in said(at)


def test_a_network_that_cannot_do_it_says_so(at, monkeypatch):
    from facegen.invert.project import load_projector

    monkeypatch.setattr(projecting, "load_projector", load_projector)
    choose(at, photo_bytes())
    find(at)
    assert not at.exception
    assert len(at.warning) == 1
    assert "Find this person" in labels(at)


def test_forgetting_leaves_nothing_but_the_page(at):
    choose(at, photo_bytes())
    find(at)
    photo_id = at.session_state[state_keys.PHOTO]
    at.button(key="photo_forget").click().run()
    assert not at.exception
    assert shared.photo_desk().find(photo_id) is None
    assert "Use the camera" in labels(at)
    assert stage(at)["bytes"] == 0


def test_another_photo_takes_the_place_of_the_first(at):
    choose(at, photo_bytes())
    first = at.session_state[state_keys.PHOTO]
    choose(at, photo_bytes(), "second.jpg")
    assert at.session_state[state_keys.PHOTO] != first
    assert shared.photo_desk().find(first) is None
    assert current(at).photo.name == "second.jpg"


def test_a_photo_that_the_server_forgot_is_told(at):
    choose(at, photo_bytes())
    shared.photo_desk().forget(at.session_state[state_keys.PHOTO])
    at.run()
    assert "choose it again" in said(at)


def test_a_running_job_can_be_stopped_on_the_page(at, monkeypatch):
    monkeypatch.setattr(
        projecting, "load_projector", lambda generator: FakeProjector(generator, step_s=0.02)
    )
    monkeypatch.setenv(projecting.STEPS_VARIABLE, "900")
    choose(at, photo_bytes())
    at.button(key="photo_find").click().run()
    job = current(at).job
    end = time.monotonic() + SECONDS
    while not job.step and time.monotonic() < end:
        time.sleep(0.005)
    at.run()
    assert stage(at)["right"] == "So far"
    assert "Forget this photo" not in labels(at)
    at.button(key="photo_stop").click().run()
    job.wait(SECONDS)
    at.run()
    assert job.found.stopped
    assert "stopped after" in said(at)


@pytest.mark.parametrize("sent", [None, {"face": True}, {"face": "1"}, [], {"face": 1.5}])
def test_what_the_browser_sends_is_checked(sent, monkeypatch):
    monkeypatch.setattr(photo_view.view, "trigger", lambda key, name: sent)
    assert photo_view.picked("x") is None


def test_finding_again_keeps_the_first_until_there_is_another(at, monkeypatch):
    choose(at, photo_bytes())
    find(at)
    first = current(at).found[0]
    monkeypatch.setattr(
        projecting, "load_projector", lambda generator: FakeProjector(generator, breaks_at=1)
    )
    find(at)
    assert not at.exception
    assert current(at).found[0] is first
    assert "The network is gone" in said(at)
    assert stage(at)["right"] == "Found"
    assert "Edit on Design" in labels(at)
    monkeypatch.setattr(projecting, "load_projector", FakeProjector)
    find(at)
    assert current(at).found[0] is not first
    at.button(key="photo_edit").click().run()
    at.run()
    assert "Find again" not in labels(at), "whoever is edited stays the one of the photo"
