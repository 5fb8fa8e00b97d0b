"""What is behind somebody in the app: sessions, files, links, sweeps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_regions import REGIONS, FakeRegions, fake_mattes
from fakes import TABLE, FakeDials, FakeGenerator

from facegen.backdrops import Backdrop
from facegen.face import Face
from facegen.images import decode_image
from facegen.library.exchange import add_file, export_people
from facegen.library.store import Library
from facegen.masks import Mask
from facegen.operations import background_among
from facegen.retouch.apply import draw
from facegen.retouch.transform import Motion
from facegen.service.loading import Backend
from facegen.service.mattes import Mattes
from facegen.service.render import RenderService
from facegen.service.rests import Rests
from facegen.session import saved
from facegen.session.behind import Behind, asked, of_link
from facegen.session.edit_state import link_of
from facegen.session.links import NO_BACKGROUND, NOT_TOLD, address_of, follow
from facegen.session.saved import Saved
from facegen.session.session import Session
from facegen.sweeps.export import frame_png
from facegen.sweeps.grid import Cell
from facegen.sweeps.sweep import Sweep

GREY = Behind(Backdrop("colour", colour="#8090a0"))
CLEAR = Behind(Backdrop("transparent"))
ANOTHERS = Behind(Backdrop.of_another(), 23)


@pytest.fixture(scope="module")
def generator() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture(scope="module")
def dials(generator) -> FakeDials:
    return FakeDials(generator)


@pytest.fixture
def backend(generator, dials) -> Backend:
    service = RenderService(generator)
    rests = Rests(REGIONS, FakeRegions)
    return Backend(generator, dials, TABLE, service, rests=rests, mattes=fake_mattes(service))


@pytest.fixture
def session(generator, dials) -> Session:
    return Session(generator, dials, TABLE, regions=REGIONS, seed=417)


def picture(backend: Backend, session: Session) -> np.ndarray:
    return backend.service.image(backend.request(session))


def test_a_background_is_a_step_and_undo_takes_it_back(backend, session):
    plain = picture(backend, session)
    session.put_before(GREY)
    grey = picture(backend, session)
    assert (grey[:, :100] == (0x80, 0x90, 0xA0)).all()
    assert np.array_equal(grey[:, 300:700], plain[:, 300:700])
    session.put_before(GREY)  # Said twice is said once.
    session.put_before(ANOTHERS)
    assert not np.array_equal(picture(backend, session)[:, :100], grey[:, :100])
    session.undo()
    assert np.array_equal(picture(backend, session), grey)
    session.undo()
    assert np.array_equal(picture(backend, session), plain)
    assert not session.history.can_undo


def test_dials_move_before_it_with_the_rest_kept_or_not(backend, session):
    session.put_before(GREY)
    for kept in (True, False):
        session.keep_rest(kept)
        session.turn({"smile": 1.5, "age": 60.0})
        request = backend.request(session)
        assert (request.keep is not None) == kept
        assert background_among(request.operations).backdrop == GREY.backdrop
        assert (picture(backend, session)[:, :100] == (0x80, 0x90, 0xA0)).all()
        assert background_among(backend.request(session, quick=True).operations)
        measured = backend.measured(session)
        assert background_among(measured.operations) is None
        assert measured == backend.measured(session, session.state.moved_on())


def test_new_people_and_before_have_their_own(backend, session):
    session.put_before(GREY)
    assert background_among(backend.request(session, session.start).operations) is None
    session.new_person(7)
    assert background_among(backend.request(session).operations) is None


def test_corrections_are_not_begun_anew_because_of_it(session):
    session.turn({"smile": 1.5})
    session.settle(session.state)
    session.put_before(GREY)
    assert session.state in session.settling


@pytest.mark.parametrize("behind", [GREY, CLEAR, ANOTHERS], ids=lambda one: one.backdrop.kind)
def test_a_saved_file_brings_its_pixels_back_whoever_looks(backend, session, generator, behind):
    session.turn({"age": 60.0})
    session.put_before(behind)
    face, shown = backend.face(session), backend.service.with_alpha(backend.request(session))
    back = Face.from_bytes(face.to_png(shown), name="a.png")
    request = back.request(model=generator.model, size=1024)
    assert np.array_equal(draw(request, generator, alpha=True), shown)
    # Another machine sees people elsewhere; the file's pixels stay until something is changed.
    see = lambda _: FakeElsewhere()  # noqa: E731
    service = RenderService(generator)
    other = Backend(
        generator, backend.dials, TABLE, service, mattes=Mattes(lambda: (see, see), lambda *_: None)
    )
    visitor = Session(generator, backend.dials, TABLE, seed=1)
    visitor.open_face(back)
    assert np.array_equal(service.with_alpha(other.request(visitor)), shown)
    assert visitor.state.deltas == session.state.deltas
    visitor.turn({"age": 30.0})
    moved = background_among(other.request(visitor).operations)
    assert moved.person != background_among(back.operations).person
    assert moved.latent == background_among(back.operations).latent
    visitor.undo()
    assert np.array_equal(service.with_alpha(other.request(visitor)), shown)
    visitor.put_before(None)
    assert background_among(other.request(visitor).operations) is None


class FakeElsewhere:
    def mask(self, *names: str) -> np.ndarray:
        inside = np.zeros((256, 256), np.float32)
        inside[100:] = 1
        return 1 - inside if "background" in names else inside


def test_a_reload_brings_all_of_it_back(backend, session, generator, dials):
    session.put_before(ANOTHERS)
    file = backend.face(session)
    session.put_before(GREY)
    session.open_face(file.named("From a file"))
    session.turn({"age": 50.0})
    kept = saved.save(session)
    back = Session(generator, dials, TABLE, regions=REGIONS, seed=1)
    assert saved.restore(back, kept) == []
    for mine, theirs in zip(session.history.steps, back.history.steps, strict=True):
        assert mine.key == theirs.key
        assert backend.request(session, mine) == backend.request(back, theirs)
    assert len(kept.text) < 3000  # What a file told travels once.


@pytest.mark.parametrize(
    "damage", [{"text": "beach"}, {"text": 7}, {"bundle": "0" * 20}, {"text": "x" * 10**5}, 5]
)
def test_a_damaged_one_costs_only_itself(session, generator, dials, damage):
    session.put_before(GREY)
    text = json.loads(saved.save(session).text)
    text["behinds"] = [damage]
    back = Session(generator, dials, TABLE, regions=REGIONS, seed=1)
    assert saved.restore(back, Saved(json.dumps(text), {})) == ["a background"]
    assert back.state.behind is None
    assert len(back.history.steps) == 2


def test_links_tell_what_they_can(backend, session, generator, dials):
    for behind in (GREY, CLEAR, ANOTHERS, Behind(Backdrop("blur", 0.35))):
        session.put_before(behind)
        query = link_of(session.state)
        other = Session(generator, dials, TABLE, regions=REGIONS, seed=1)
        assert follow(other, query).problem == ""
        assert other.state.behind == behind
        assert backend.request(other) == backend.request(session)
    session.put_before(ANOTHERS)
    session.open_face(backend.face(session))
    other = Session(generator, dials, TABLE, regions=REGIONS, seed=1)
    followed = follow(other, address_of(session.state))
    assert followed.eased == NOT_TOLD
    assert followed.unknown == ()
    assert other.state.behind is None
    for text in ("beach", "seed:" + "9" * 5000, "blur=9"):
        followed = follow(other, {"seed": "417", "background": text})
        assert followed.eased == NO_BACKGROUND
        assert other.state.behind is None
    for text in ("", "beach", "seed:", "seed:x", "seed:99999999999", "blur=9", "#xyz", "seed:-1"):
        assert of_link(text) is None


@pytest.mark.parametrize(
    "event",
    [
        None, 7, {}, {"kind": "beach"}, {"kind": 3}, {"kind": ["blur"]}, {"kind": "colour"},
        {"kind": "colour", "colour": "red"}, {"kind": "colour", "colour": {}},
        {"kind": "blur", "strength": 10**400},
    ],
)  # fmt: skip
def test_nonsense_of_a_browser_changes_nothing(event):
    assert asked(event, GREY, 5) == (False, GREY)


def test_what_a_browser_asks_for():
    assert asked({"kind": ""}, GREY, 5) == (True, None)
    assert asked({"kind": "blur", "strength": 0.333}, None, 5)[1].backdrop.strength == 0.33
    for strength in (None, "x", True, float("nan"), [1]):
        assert asked({"kind": "blur", "strength": strength}, None, 5)[1].backdrop.strength == 0.5
    assert asked({"kind": "blur", "strength": 7}, None, 5)[1].backdrop.strength == 1
    assert asked({"kind": "colour", "colour": "#AABBCC"}, None, 5)[1].backdrop.colour == "#aabbcc"
    taken = asked({"kind": "face", "another": True}, None, 5)[1]
    assert taken.seed == 5
    assert asked({"kind": "face", "another": True}, taken, 6)[1].seed == 6
    blurred = asked({"kind": "face", "strength": 0.6}, taken, 6)[1]
    assert (blurred.seed, blurred.backdrop.strength) == (5, 0.6)


def test_a_library_hands_transparent_pictures_out(generator, session, backend, tmp_path):
    session.put_before(CLEAR)
    face = backend.face(session)
    kept = Library(tmp_path / "library.sqlite")
    draws = lambda one: draw(  # noqa: E731
        one.request(model=generator.model, size=256), generator, alpha=True
    )
    (tmp_path / "a.npz").write_bytes(face.to_npz())
    person = add_file(kept, tmp_path / "a.npz", draw=draws)
    (path,) = export_people(kept, [person], tmp_path / "out", draws)
    assert decode_image(path.read_bytes(), name="a", alpha=True)[0, 0, 3] == 0
    assert Face.load(path).operations == face.operations


def test_where_nobody_is_found_the_picture_stays(generator, dials, session):
    def fail():
        raise RuntimeError("no instruments")

    service = RenderService(generator)
    backend = Backend(generator, dials, TABLE, service, mattes=Mattes(fail, lambda *_: None))
    plain = picture(backend, session)
    session.put_before(GREY)
    assert np.array_equal(picture(backend, session), plain)


@pytest.mark.parametrize("behind", [GREY, CLEAR, ANOTHERS], ids=lambda one: one.backdrop.kind)
def test_each_frame_of_a_sweep_has_a_mask_of_its_own(backend, session, generator, dials, behind):
    session.put_before(behind)
    face = backend.face(session)
    asked_for = []

    def see(w_plus):
        asked_for.append(w_plus.tobytes())
        return FakeElsewhere()

    sweep = Sweep(
        generator, face, dials, size=256, measure="none", close=False, segments_of=see
    )  # fmt: skip
    frames = list(
        sweep.frames(
            [Cell(yaw=-10.0, pitch=0.0), Cell(yaw=10.0, pitch=0.0, motion=Motion(roll=8.0))]
        )
    )
    assert len(set(asked_for)) == 2
    for frame in frames:
        put = background_among(frame.face.operations)
        assert put.backdrop == behind.backdrop
        assert Mask(put.person).values[20, 128] == 0
        assert frame.image.shape == (256, 256, 3)
        channels = 4 if behind is CLEAR else 3
        assert frame.saved.shape[2] == channels
        again = draw(frame.face.request(model=generator.model, size=256), generator, alpha=True)
        assert np.array_equal(again, frame.saved)
        assert Face.from_bytes(frame_png(frame), name="a.png").operations == frame.face.operations
