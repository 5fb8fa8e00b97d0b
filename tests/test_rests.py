"""What of a picture is kept while dials change their own regions: sessions, files, links."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fake_regions import REGIONS, FakeRegions
from fakes import FakeDials, FakeGenerator
from test_app import fake, frame, link, revision, start  # noqa: F401

from facegen.errors import ModelError
from facegen.face import Face
from facegen.masks import Mask
from facegen.operations import KeepRest
from facegen.retouch.apply import draw
from facegen.service import loading
from facegen.service.loading import Backend
from facegen.service.render import RenderService
from facegen.service.rests import Rests, make_rests
from facegen.session import saved
from facegen.session.edit_state import link_of
from facegen.session.links import apply_query, follow
from facegen.session.painting import Painting, read_strokes, strokes
from facegen.session.session import Session
from facegen.ui import shared
from facegen.ui.components import view


@pytest.fixture(scope="module")
def generator() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture(scope="module")
def dials(generator) -> FakeDials:
    return FakeDials(generator)


@pytest.fixture
def regions() -> FakeRegions:
    return FakeRegions()


@pytest.fixture
def backend(generator, dials, regions) -> Backend:
    service = RenderService(generator)
    return Backend(generator, dials, (), service, rests=Rests(REGIONS, lambda: regions))


@pytest.fixture
def session(generator, dials) -> Session:
    return Session(generator, dials, regions=REGIONS, seed=417)


def picture(backend: Backend, session: Session) -> np.ndarray:
    return backend.service.image(backend.request(session))


def test_a_dial_changes_its_own_part_and_the_rest_stays_to_the_last_bit(backend, session):
    before = picture(backend, session)
    session.edit({"smile": 2.0})
    after = picture(backend, session)
    assert np.array_equal(after[:512], before[:512])
    assert not np.array_equal(after[512:], before[512:])
    session.keep_rest(False)
    assert not np.array_equal(picture(backend, session)[:512], before[:512])


def test_dials_without_a_region_change_all_of_the_picture_and_what_is_kept(backend, session):
    session.edit({"age": 20.0})
    older = picture(backend, session)
    assert backend.kept(session) == ()
    session.edit({"age": 20.0, "smile": 2.0})
    both = picture(backend, session)
    assert np.array_equal(both[:512], older[:512])
    assert not np.array_equal(both[512:], older[512:])


def test_the_switch_is_a_step_where_it_changes_the_picture(session):
    assert session.keeps_rest
    session.keep_rest(False)
    assert not session.history.can_undo  # Nothing is to be seen of it.
    session.edit({"smile": 1.0})
    session.keep_rest(True)
    assert session.history.at == 2
    session.undo()
    assert not session.keeps_rest
    session.lock("rest", True)
    session.lock("rest", True)
    assert session.history.at == 2
    session.new_person(5)
    assert session.keeps_rest, "somebody new goes on as the one before"


def test_where_no_dial_has_a_region_nothing_is_kept(generator, dials):
    plain = Session(generator, dials, seed=417)
    assert not plain.keeps_rest
    plain.keep_rest(True)
    plain.edit({"smile": 1.0})
    assert not plain.keeps_rest
    assert plain.state.moved_in(REGIONS) == ()


def test_a_link_and_a_kept_session_tell_it(session, generator, dials):
    session.edit({"smile": 1.0})
    query = link_of(session.state)
    assert query["keep"] == "rest"
    other = Session(generator, dials, regions=REGIONS, seed=417)
    assert apply_query(other, query) == []
    assert other.state.key[1:] == session.state.key[1:]
    del query["keep"]  # As older links are: their pictures stay what they were.
    apply_query(other, query)
    assert not other.keeps_rest
    assert not follow(session, link_of(session.state)).problem
    again = Session(generator, dials, regions=REGIONS, seed=5)
    saved.restore(again, saved.save(session))
    assert again.keeps_rest
    assert dict(again.state.deltas) == {"smile": 1.0}


def test_a_saved_face_comes_back_with_its_dials_and_its_pixels(backend, session, generator, dials):
    session.edit({"smile": 2.0, "age": 10.0})
    face = Face.from_bytes(backend.face(session).to_png(picture(backend, session)), name="a.png")
    request = face.request(model=generator.model, size=1024)
    assert np.array_equal(draw(request, generator), picture(backend, session))
    other = Session(generator, dials, regions=REGIONS, seed=5)
    other.keep_rest(False)
    other.open_face(face)
    assert other.keeps_rest
    assert other.state.deltas == session.state.deltas
    assert np.array_equal(picture(backend, other), picture(backend, session))


def test_a_face_without_it_opens_without_it(backend, session, generator, dials):
    session.keep_rest(False)
    session.edit({"smile": 2.0})
    other = Session(generator, dials, regions=REGIONS, seed=5)
    other.open_face(backend.face(session))
    assert not other.keeps_rest
    assert np.array_equal(picture(backend, other), picture(backend, session))


def test_a_face_that_keeps_something_else_is_shown_as_it_was_saved(backend, session, generator):
    session.edit({"smile": 2.0})
    face = backend.face(session)
    elsewhere = KeepRest.of(generator.w_from_seed(9), face.keep.region)
    odd = replace(face, operations=(*face.edits, elsewhere))
    session.open_face(odd)
    assert session.state.deltas == ()
    shown = picture(backend, session)
    assert np.array_equal(shown, draw(odd.request(model=generator.model, size=1024), generator))
    session.edit({"glasses": 1.0})  # The old mask is not put on another picture.
    assert [one.latent for one in backend.kept(session)] == [face.w_plus.astype("<f4").tobytes()]


def test_while_a_dial_moves_nothing_new_is_looked_at(backend, session, regions):
    session.edit({"smile": 1.0})
    assert backend.kept(session, quick=True) == ()
    assert regions.asked == []
    backend.rests.look(session.base())
    regions.asked.clear()
    (quick,) = backend.kept(session, quick=True)
    assert quick.region == backend.kept(session)[0].region
    assert regions.asked == [(("smile",), True), (("smile",), False)]
    backend.kept(session)
    assert len(regions.asked) == 2, "what was found is remembered"


def test_it_is_known_what_would_have_to_be_looked_for(backend, session):
    """So that the pictures of people met before do not hold up the current one."""
    assert backend.is_found(session, session.state)
    session.edit({"age": 9.0})
    assert backend.is_found(session, session.state)
    session.edit({"age": 9.0, "smile": 1.0})
    assert not backend.is_found(session, session.state)
    backend.request(session)
    assert backend.is_found(session, session.state)
    session.paint(Painting(place="face"))
    assert not backend.is_found(session, session.state)


def test_where_no_face_is_seen_dials_act_on_all_of_the_picture(backend, session, regions):
    regions.is_faceless = True
    session.edit({"smile": 1.0})
    assert backend.kept(session) == ()


def test_where_regions_cannot_be_found_dials_act_on_all_of_the_picture(caplog):
    tried = []

    def load():
        tried.append(1)
        raise ModelError("There are no instruments here.")

    rests = Rests(REGIONS, load)
    latents = np.zeros((18, 512), np.float32), np.ones((18, 512), np.float32)
    assert rests.of(*latents, ["smile"]) is None
    assert rests.of(*latents, ["glasses"]) is None
    rests.look(latents[0])
    assert tried == [1]
    assert "no instruments" in caplog.text


def test_nobody_waits_until_the_instruments_are_fetched(generator, dials, session, regions):
    fetched: list[bool] = []
    rests = Rests(REGIONS, lambda: regions, lambda: bool(fetched))
    backend = Backend(generator, dials, (), RenderService(generator), rests=rests)
    session.edit({"smile": 1.0})
    plain = backend.request(session)
    assert (plain.keep, rests.is_ready, regions.asked) == (None, False, [])
    fetched.append(True)
    assert rests.is_ready
    assert backend.request(session).keep is not None


def test_a_picture_on_which_it_fails_is_drawn_as_it_is(backend, session, regions, monkeypatch):
    monkeypatch.setattr(regions, "mask", lambda *_: 1 / 0)
    session.edit({"smile": 1.0})
    assert backend.kept(session) == ()


def test_a_network_that_cannot_keep_anything_has_no_rests(generator, dials):
    assert make_rests(RenderService(generator), generator, dials) is None


def test_what_is_painted_counts_until_somebody_else_is_shown(backend, session):
    before = picture(backend, session)
    session.edit({"smile": 2.0})
    top, bottom = (np.zeros((128, 128), np.uint8) for _ in range(2))
    top[:32], bottom[96:] = 255, 255
    session.paint(Painting(more=Mask.of(top), less=Mask.of(bottom)))
    after = picture(backend, session)
    changed = (after != before).any(axis=(1, 2))
    assert changed[:200].any()
    assert not changed[300:500].any()
    assert not changed[800:].any()
    session.edit({"smile": 2.5})
    assert (picture(backend, session) != before)[:200].any(), "dials go on where it was painted"
    session.paint(Painting(place="face"))
    assert np.array_equal(picture(backend, session)[:, 520:], before[:, 520:])
    again = Session(session._faces, session.dials, regions=REGIONS, seed=5)
    assert saved.restore(again, saved.save(session)) == []
    assert [s.painting for s in again.history.steps] == [s.painting for s in session.history.steps]
    session.new_person(9)
    assert session.state.painting == Painting()


def test_a_link_tells_that_something_was_painted_and_a_file_carries_it(
    backend, session, generator, dials
):
    session.edit({"smile": 2.0})
    session.paint(Painting(more=Mask.of(np.eye(128, dtype=bool)), place="face"))
    query = link_of(session.state)
    assert query["place"] == "face"
    other = Session(generator, dials, regions=REGIONS, seed=5)
    told = follow(other, query)
    assert "painted" in told.eased
    assert other.state.painting == Painting(place="face")
    other.open_face(backend.face(session))
    assert np.array_equal(picture(backend, other), picture(backend, session))
    other.edit({"smile": 2.4})
    assert other.state.painting.exact is None


@pytest.mark.parametrize(
    "event",
    [None, 3, {}, {"more": ""}, {"more": "", "less": 5}, {"more": "!", "less": ""},
     {"more": "AAAA", "less": ""}, {"more": "A" * 60_000, "less": ""}],
)  # fmt: skip
def test_strokes_that_are_malformed_do_nothing(event):
    assert read_strokes(event) is None


def test_strokes_travel_and_come_back():
    cells = np.zeros((128, 128), np.uint8)
    cells[5:9, 100:] = 255
    mask = Mask.of(cells)
    read = read_strokes({"more": strokes(mask), "less": ""})
    assert strokes(read["more"]) == strokes(mask)
    assert read["less"].is_empty


def test_the_app_keeps_the_rest_until_it_is_let_go(fake, monkeypatch):  # noqa: F811
    made = lambda service, generator, dials: Rests(REGIONS, FakeRegions)  # noqa: E731
    monkeypatch.setattr(loading, "make_rests", made)
    plain = start(seed="417")
    at = start(seed="417", smile="2", keep="rest")
    backend, visitor = shared.loader(None).backend, at.session_state["_facegen_session"]
    before = backend.service.image(backend.request(plain.session_state["_facegen_session"]))
    assert np.array_equal(picture(backend, visitor)[:512], before[:512])
    assert panel(at)["rest"] is True
    kept = frame(at)[0]["id"]
    events = [{"name": "rest", "on": False}]
    monkeypatch.setattr(
        view, "trigger", lambda key, kind: events.pop() if kind == "lock" and events else None
    )
    at.run()
    assert panel(at)["rest"] is False
    assert "keep" not in link(at)
    assert frame(at)[0]["id"] != kept
    assert not np.array_equal(picture(backend, visitor)[:512], before[:512])
    at.button(key="undo").click().run()
    assert (frame(at)[0]["id"], panel(at)["rest"]) == (kept, True)


def test_the_region_is_shown_while_its_dial_moves(fake, monkeypatch):  # noqa: F811
    made = lambda service, generator, dials: Rests(REGIONS, FakeRegions)  # noqa: E731
    monkeypatch.setattr(loading, "make_rests", made)
    at = start(seed="417")
    backend = shared.loader(None).backend
    backend.rests.look(at.session_state["_facegen_session"].base())
    for dial, is_shown in (("smile", True), ("age", False)):
        event = {"n": 7, "rev": revision(at), "final": False, "what": dial, "moves": {dial: 1.0}}
        monkeypatch.setattr(
            view, "trigger", lambda key, kind, event=event: event if kind == "edit" else None
        )
        at.run()
        head, _ = frame(at)
        assert head["kind"] == "preview"
        assert head["region"].startswith("data:image/png") is is_shown
    monkeypatch.setattr(view, "trigger", lambda key, kind: None)
    assert not frame(at.run())[0]["region"]


def panel(at) -> dict[str, object]:
    """What the dials got."""
    return json.loads(at.get_by_key("fg_panel").proto.json)
