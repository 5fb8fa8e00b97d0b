"""Photographs on the server's desk: whose they are, when they go, and edits put back into them."""

from __future__ import annotations

import time

import numpy as np
import pytest
from fake_projector import FakeProjector, fake_faces
from fakes import FakeGenerator
from photo_scenes import encoded, textured

from facegen.errors import BadFileError
from facegen.photos import put_back as putting
from facegen.service import photo_desk, projecting
from facegen.service.photo_desk import Edit, PhotoDesk
from facegen.service.presence import Presence
from facegen.service.render import RenderService

PATIENCE = 60
PLACES = [(0.5, 0.5, 0.6), (0.15, 0.3, 0.3)]


def until(is_so) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.005)


@pytest.fixture
def desk(monkeypatch) -> PhotoDesk:
    monkeypatch.setattr(photo_desk, "find_faces", fake_faces(PLACES))
    monkeypatch.setattr(
        projecting, "load_projector", lambda generator: FakeProjector(generator, step_s=0.01)
    )
    monkeypatch.setattr(putting, "of_picture", lambda crop: None)
    monkeypatch.setattr(putting.blending, "around", lambda *_: 1.0)
    return PhotoDesk()


@pytest.fixture
def data() -> bytes:
    return encoded(textured(500, 800), "PNG")


def test_a_photo_is_found_by_its_id_alone_until_it_is_forgotten(desk, data):
    one, other = desk.open(data, "one.png"), desk.open(data, "other.png")
    assert desk.find(one.id) is one
    assert one.id != other.id
    assert desk.find("") is None
    desk.forget(one.id)
    assert desk.find(one.id) is None
    assert desk.find(other.id) is other
    desk.forget(one.id)
    desk.forget(other.id)


def test_what_is_no_photo_is_refused_and_leaves_nothing(desk):
    with pytest.raises(BadFileError, match=r"fake\.jpg is a drawing"):
        desk.open(b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", "fake.jpg")
    assert len(desk) == 0


def test_a_photo_without_a_face_says_so_and_how_to_help(desk, data, monkeypatch):
    monkeypatch.setattr(photo_desk, "find_faces", lambda image: [])
    for lies, said in ((False, photo_desk.NO_FACE), (True, photo_desk.ON_ITS_SIDE)):
        monkeypatch.setattr(photo_desk, "lies_on_its_side", lambda image, lies=lies: lies)
        photo = desk.open(data, "x.png")
        photo.look()
        assert photo.problem == said
        assert photo.face is None
        photo.find(RenderService(FakeGenerator()), steps=3)
        assert not photo.jobs
        desk.forget(photo.id)


def test_one_job_at_a_time_and_each_face_keeps_its_own(desk, data):
    service = RenderService(FakeGenerator())
    photo = desk.open(data, "x.png")
    photo.look()
    photo.find(service, steps=200)
    first = photo.job
    photo.find(service, steps=200)
    assert photo.job is first
    photo.choose(1)
    photo.find(service, steps=3)
    assert photo.job is None, "the other one is still under way"
    until(lambda: first.step > 0)
    first.stop()
    first.wait(PATIENCE)
    photo.find(service, steps=3)
    photo.job.wait(PATIENCE)
    assert set(photo.found) == {0, 1}
    photo.choose(7)
    assert photo.chosen == 1
    desk.forget(photo.id)


def test_a_visitor_who_is_gone_ends_the_job_and_then_loses_the_photo(desk, data, monkeypatch):
    photo = desk.open(data, "x.png")
    photo.look()
    photo.find(RenderService(FakeGenerator()), steps=100_000)
    here = {"first": True, "reloaded": True}
    photo.presence.look("first", lambda: here["first"])
    monkeypatch.setattr(photo_desk, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(photo_desk, "FORGET_SECONDS", 0.6)
    time.sleep(0.3)
    desk.tidy()
    assert not photo.job.is_stopped, "a tab that draws nothing is still there"
    here["first"] = False
    photo.presence.look("reloaded", lambda: here["reloaded"])
    time.sleep(0.3)
    desk.tidy()
    assert not photo.job.is_stopped
    here["reloaded"] = False
    desk.tidy()
    time.sleep(0.3)
    desk.tidy()
    photo.job.wait(PATIENCE)
    assert photo.job.is_done
    assert desk.find(photo.id) is photo
    time.sleep(0.4)
    desk.tidy()
    assert desk.find(photo.id) is None


def test_the_desk_tidies_by_itself(desk, data, monkeypatch):
    monkeypatch.setattr(photo_desk, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(photo_desk, "FORGET_SECONDS", 0.2)
    photo = desk.open(data, "x.png")
    until(lambda: desk.find(photo.id) is None)
    again = desk.open(data, "y.png")  # the watch ended with the last photo and begins anew
    until(lambda: desk.find(again.id) is None)


def test_there_is_room_for_so_many_pixels_and_who_is_away_goes_first(desk, data, monkeypatch):
    monkeypatch.setattr(photo_desk, "MAX_PIXELS_KEPT", 2 * 500 * 800)
    away, here = desk.open(data, "away.png"), desk.open(data, "here.png")
    here.presence.look("tab", lambda: True)
    newest = desk.open(data, "newest.png")
    assert desk.find(away.id) is None
    assert desk.find(here.id) is here
    assert desk.find(newest.id) is newest


def test_edits_of_several_faces_go_back_into_one_photo(desk, data):
    photo = desk.open(data, "x.png")
    photo.look()
    edits = []
    for number, face in enumerate(photo.faces):
        after = face.crop.copy()
        after[400:620, 400:620] = (220, 30, 40)
        edits.append(Edit(number, after, face.crop, key=number))
    made = photo.put_back(edits)
    changed = (made.image != photo.photo.image).any(axis=2)
    for x, y, _ in PLACES:
        assert changed[int(y * 500), int(x * 800)]
    assert changed.mean() < 0.2
    assert photo.put_back(edits) is made, "made once"
    alone = photo.put_back(edits[:1])
    x, y, _ = PLACES[1]
    assert np.array_equal(alone.image[int(y * 500), int(x * 800)],
                          photo.photo.image[int(y * 500), int(x * 800)])  # fmt: skip


def test_somebody_with_two_tabs_is_there_as_long_as_one_is():
    presence = Presence()
    presence.look("a", lambda: True)
    presence.look("b", lambda: True)
    assert not presence.leave("a")
    assert presence.gone_seconds == 0
    assert presence.leave("b")
