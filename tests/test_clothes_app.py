"""What somebody wears in the app: sessions, files, links, sweeps, failures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_regions import FakeSegments, fake_mattes
from fakes import TABLE
from test_background_app import GREY, backend, dials, generator, picture, session  # noqa: F401

from facegen.clothing import Clothing
from facegen.face import Face
from facegen.local.clothes import NOT_SEEN, OTHER_NOT_SEEN
from facegen.masks import Mask
from facegen.operations import Background, Clothes, clothes_among
from facegen.retouch.apply import draw
from facegen.service.loading import Backend
from facegen.service.mattes import Mattes
from facegen.service.render import RenderService
from facegen.session import saved
from facegen.session.edit_state import link_of
from facegen.session.links import CLOTHES_NOT_TOLD, NO_CLOTHES, address_of, follow
from facegen.session.saved import Saved
from facegen.session.session import Session
from facegen.session.worn import Worn, asked, of_link
from facegen.sweeps.grid import Cell
from facegen.sweeps.sweep import Sweep

BLUE = Worn(Clothing("colour", "#203080"))
ANOTHERS = Worn(Clothing("face"), 23)


class Bare(FakeSegments):
    """Nobody wears anything."""

    def mask(self, *names: str) -> np.ndarray:
        found = super().mask(*names)
        return np.zeros_like(found) if "clothes" in names else found


@pytest.mark.parametrize("worn", [BLUE, ANOTHERS])
def test_clothes_are_a_step_and_undo_takes_it_back(backend, session, worn):  # noqa: F811
    plain = picture(backend, session)
    session.put_on(worn)
    dressed = picture(backend, session)
    assert np.array_equal(dressed[:780], plain[:780])
    assert not np.array_equal(dressed[900:], plain[900:])
    session.put_on(worn)  # Said twice is said once.
    session.undo()
    assert np.array_equal(picture(backend, session), plain)
    assert not session.history.can_undo
    session.redo()
    assert np.array_equal(picture(backend, session), dressed)


def test_they_go_with_dials_and_a_background_and_not_with_somebody_new(
    backend,  # noqa: F811
    session,  # noqa: F811
):
    session.put_on(ANOTHERS)
    session.put_before(GREY)
    for kept in (True, False):
        session.keep_rest(kept)
        session.turn({"smile": 1.5, "age": 60.0})
        assert (backend.request(session).keep is not None) == kept
        for quick in (True, False):
            request = backend.request(session, quick=quick)
            assert [type(one) for one in request.retouching] == [Clothes, Background]
        assert clothes_among(backend.measured(session).operations) is None
    assert clothes_among(backend.request(session, session.start).operations) is None
    session.new_person(7)
    assert clothes_among(backend.request(session).operations) is None


@pytest.mark.parametrize("worn", [BLUE, ANOTHERS])
def test_a_saved_face_opens_with_the_same_pixels_and_goes_on(
    backend,  # noqa: F811
    session,  # noqa: F811
    generator,  # noqa: F811
    dials,  # noqa: F811
    tmp_path,
    worn,
):
    session.put_on(worn)
    shown = picture(backend, session)
    backend.face(session).save(tmp_path / "a.png", shown)
    face = Face.load(tmp_path / "a.png")
    assert np.array_equal(draw(face.request(model="fake", size=1024), generator), shown)
    other = Session(generator, dials, TABLE, seed=1)
    other.open_face(face)
    assert np.array_equal(picture(backend, other), shown)
    assert other.state.worn.is_as_saved
    other.turn({"age": 70.0})
    assert not other.state.worn.is_as_saved
    assert clothes_among(backend.request(other).operations).clothing == worn.clothing


def test_links_tell_seeds_and_colours_and_say_what_they_cannot(session, generator, dials):  # noqa: F811
    for worn in (BLUE, ANOTHERS):
        session.put_on(worn)
        link = link_of(session.state)
        other = Session(generator, dials, TABLE, seed=1)
        assert not follow(other, link).eased
        assert other.state.worn == worn
    seed = str(session.state.subject.seed)
    for text, told in (("hat", NO_CLOTHES), ("#12", NO_CLOTHES), ("file", CLOTHES_NOT_TOLD)):
        other = Session(generator, dials, TABLE, seed=1)
        assert told in follow(other, {"seed": seed, "clothes": text}).eased
        assert other.state.worn is None
    assert address_of(session.state)["clothes"] == "seed:23"


def test_a_kept_session_brings_them_back_and_leaves_out_what_is_damaged(session, generator, dials):  # noqa: F811
    file = Clothes.of(Clothing("face"), Mask.whole(), generator.w_from_seed(5))
    of_file = Worn(Clothing("face"), None, file, is_as_saved=True)
    for worn in (BLUE, ANOTHERS, of_file):
        session.put_on(worn)
    text = saved.save(session)
    other = Session(generator, dials, TABLE, seed=1)
    assert saved.restore(other, text) == []
    assert [step.worn for step in other.history.steps] == [None, BLUE, ANOTHERS, of_file]
    damaged = json.loads(text.text)
    damaged["worns"][0] = {"text": "hat"}
    left_out = saved.restore(other, Saved(json.dumps(damaged), text.bundles))
    assert left_out == ["clothes"]


@pytest.mark.parametrize(
    "event", [None, 3, {}, {"kind": "hat"}, {"kind": "colour"}, {"kind": "colour", "colour": 7}]
)
def test_what_cannot_be_meant_changes_nothing(event):
    assert asked(event, BLUE, 5) == (False, BLUE)


def test_each_press_takes_the_clothes_of_somebody_new():
    assert asked({"kind": "face"}, ANOTHERS, 5) == (True, Worn(Clothing("face"), 5))
    assert asked({"kind": ""}, ANOTHERS, 5) == (True, None)
    assert asked({"kind": "colour", "colour": "#203080"}, None, 5) == (True, BLUE)
    assert of_link("seed:99999999999") is None


def test_a_sentence_tells_where_none_are_seen(generator, dials):  # noqa: F811
    service = RenderService(generator)
    see = lambda _: Bare()  # noqa: E731
    mattes = Mattes(lambda: (see, see), lambda w_plus, keep: np.zeros((256, 256, 3), np.uint8))
    bare = Backend(generator, dials, TABLE, service, mattes=mattes)
    one = Session(generator, dials, TABLE, seed=417)
    assert bare.why_not_worn(one, BLUE) == NOT_SEEN
    assert bare.why_not_worn(one, None) == ""
    own = one.w_plus()
    some = lambda w: FakeSegments() if np.array_equal(w, own) else Bare()  # noqa: E731
    mattes = Mattes(lambda: (some, some), lambda w_plus, keep: np.zeros((256, 256, 3), np.uint8))
    half = Backend(generator, dials, TABLE, service, mattes=mattes)
    assert half.why_not_worn(one, BLUE) == ""
    assert half.why_not_worn(one, ANOTHERS) == OTHER_NOT_SEEN


def test_who_could_not_be_found_once_is_looked_for_again(generator):  # noqa: F811
    tries = []

    def see(_: np.ndarray) -> FakeSegments:
        tries.append(1)
        if len(tries) == 1:
            raise MemoryError
        return FakeSegments()

    mattes = Mattes(lambda: (see, see), lambda w_plus, keep: np.zeros((256, 256, 3), np.uint8))
    w_plus = generator.w_from_seed(7)
    assert mattes.of(w_plus) is None
    assert not mattes.knows(w_plus)
    assert mattes.of(w_plus) is not None
    assert mattes.of(w_plus) is not None
    assert len(tries) == 2


@pytest.mark.parametrize("worn", [BLUE, ANOTHERS])
def test_every_frame_of_a_sweep_wears_them(backend, session, generator, dials, worn):  # noqa: F811
    session.put_on(worn)
    session.put_before(GREY)
    face = backend.face(session)
    see = fake_mattes(backend.service).segments_of
    sweep = Sweep(generator, face, dials, size=1024, close=False, segments_of=see)
    for frame in sweep.frames([Cell(0.0, 0.0), Cell(20.0, 0.0)]):
        put = [type(one) for one in frame.face.pixel_operations]
        assert put == [Clothes, Background]
        again = draw(frame.face.request(model="fake", size=1024), generator)
        assert np.array_equal(again, frame.image)
