"""Keep rest against what attackers and clumsy people bring: files, links, strokes, networks."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from fake_regions import REGIONS, FakeRegions
from fakes import FakeDials, FakeGenerator, fake_parts
from test_app import fake, frame, start  # noqa: F401
from test_rests import backend, dials, generator, picture, regions, session  # noqa: F401

from facegen import masks
from facegen.directions.user_dials import checked_name
from facegen.errors import ModelError, UsageError
from facegen.face import Face
from facegen.images import encode_png
from facegen.masks import Mask
from facegen.operations import DialMove, KeepRest
from facegen.service import loading
from facegen.service.loading import Backend
from facegen.service.render import RenderService
from facegen.service.rests import Rests
from facegen.session import saved
from facegen.session.edit_state import BESIDE_DIALS, REST, link_of
from facegen.session.links import follow
from facegen.session.painting import STROKES_PX, Painting
from facegen.session.session import Session
from facegen.ui import shared, state_keys
from facegen.ui.browser_state import PAGE_QUERY
from facegen.ui.components import toolbar, view

WHOLE = Mask.whole()
HALF = np.arange(256)[:, None].repeat(256, axis=1) >= 128


def other_session(session) -> Session:  # noqa: F811
    return Session(session._faces, session.dials, regions=REGIONS, seed=5)


def backend_with(generator, rests) -> Backend:  # noqa: F811
    return Backend(generator, FakeDials(generator), (), RenderService(generator), rests=rests)


@pytest.mark.parametrize(
    "painting",
    [Painting(more=WHOLE), Painting(less=WHOLE), Painting(WHOLE, WHOLE), Painting(place="face"),
     Painting(less=WHOLE, place="hair")],
    ids=["all added", "all taken away", "both", "a place", "nothing of a place"],
)  # fmt: skip
def test_whatever_is_painted_a_file_and_a_reload_give_the_same_pixels(
    backend, session, painting  # noqa: F811
):  # fmt: skip
    session.edit({"smile": 2.0})
    session.paint(painting)
    shown = picture(backend, session)
    again, opened, reloaded = (other_session(session) for _ in range(3))
    assert saved.restore(again, saved.save(session)) == []
    opened.open_face(Face.from_bytes(backend.face(session).to_png(shown), name="a.png"))
    assert saved.restore(reloaded, saved.save(opened)) == []
    for other in (again, opened, reloaded):
        assert np.array_equal(picture(backend, other), shown)


def test_the_region_of_small_things_outlives_a_reload(generator, session):  # noqa: F811
    class Small(FakeRegions):
        def mask(self, *asked):
            return replace(super().mask(*asked), small=True)

    other = backend_with(generator, Rests(REGIONS, Small))
    session.edit({"glasses": 2.0})
    opened, reloaded = other_session(session), other_session(session)
    opened.open_face(other.face(session))
    saved.restore(reloaded, saved.save(opened))
    assert [other.kept(one)[0].small for one in (session, opened, reloaded)] == [True] * 3


def test_strokes_are_packed_once_however_long_somebody_paints(session, monkeypatch):  # noqa: F811
    session.edit({"smile": 1.0})
    for row in range(5):
        session.paint(Painting(more=Mask.of(np.arange(256)[:, None].repeat(256, 1) == row)))
    first, calls = saved.save(session), []
    monkeypatch.setattr(masks.zlib, "compress", lambda *_: calls.append(1) or b"")
    assert saved.save(session).text == first.text
    assert calls == []


@pytest.mark.parametrize("load", [FakeRegions, lambda: 1 / 0])
def test_instruments_that_fail_cost_the_region_and_nothing_else(
    generator, session, monkeypatch, load  # noqa: F811
):  # fmt: skip
    monkeypatch.setattr(FakeRegions, "mask", lambda *_: 1 / 0)
    rests = Rests(REGIONS, load)
    other = backend_with(generator, rests)
    rests.look(session.base())
    session.edit({"smile": 1.0})
    assert other.kept(session) == ()
    assert picture(other, session).shape == (1024, 1024, 3)


@pytest.mark.parametrize(
    ("more", "told"),
    [({"place": "nonsense"}, "place"), ({"painted": "x" * 100_000}, "painted"),
     ({"place": "face", "painted": ""}, ""), ({"keep": "REST" * 1000}, ""),
     ({"place": "../../x", "painted": "1"}, "place"),
     ({"background": "seed:" + "9" * 5000}, "background"),
     ({"background": "x" * 10**6}, "background"), ({"background": "colour:\0"}, "background")],
)  # fmt: skip
def test_links_that_tell_nonsense_are_followed_as_far_as_they_go(
    backend, session, more, told  # noqa: F811
):  # fmt: skip
    found = follow(session, {"seed": "5", "smile": "1", "keep": "rest"} | more)
    assert not found.problem
    assert told in found.eased
    assert bool(found.eased) == bool(told)
    assert dict(session.state.deltas) == {"smile": 1.0}
    assert session.state.painting in (Painting(), Painting(place="face"))
    assert picture(backend, session).shape == (1024, 1024, 3)


def test_a_network_that_keeps_nothing_says_so_of_a_link_and_of_a_brush(generator, dials):  # noqa: F811
    plain = Session(generator, dials, seed=3)
    found = follow(plain, {"seed": "5", "smile": "1", "keep": "rest", "place": "face"})
    assert "cannot keep the rest" in found.eased
    before = link_of(plain.state)
    plain.paint(Painting(more=WHOLE))
    assert link_of(plain.state) == before


def test_undo_across_the_switch_and_strokes_gives_every_picture_back(backend, session):  # noqa: F811
    shown = [picture(backend, session)]
    for act in (
        lambda: session.edit({"smile": 2.0}),
        lambda: session.paint(Painting(more=Mask.of(~HALF))),
        lambda: session.keep_rest(False),
        lambda: session.edit({"smile": 2.0, "yaw": 10.0}),
        lambda: session.keep_rest(True),
        lambda: session.paint(Painting()),
        lambda: session.edit({}),
    ):
        act()
        shown.append(picture(backend, session))
    for expected in reversed(shown[:-1]):
        session.undo()
        assert np.array_equal(picture(backend, session), expected)
    for expected in shown[1:]:
        session.redo()
        assert np.array_equal(picture(backend, session), expected)


@pytest.mark.parametrize("word", sorted({*BESIDE_DIALS, *PAGE_QUERY, REST}))
def test_no_dial_of_ones_own_is_called_like_a_word_of_links_and_switches(word):
    with pytest.raises(UsageError, match=f"choose another, e.g. my_{word}"):
        checked_name(word)


# -- in the app -----------------------------------------------------------------------------------


@pytest.fixture
def app(fake, monkeypatch):  # noqa: F811
    made = lambda *_: Rests(REGIONS, FakeRegions)  # noqa: E731
    monkeypatch.setattr(loading, "make_rests", made)
    return start(seed="417")


def hostile(change) -> bytes:
    """A face file that keeps its rest, whose record was changed by an attacker."""
    generator = FakeGenerator()  # noqa: F811
    face = Face.from_seed(generator, 5)
    kept = KeepRest.of(generator.w_from_seed(9), Mask.of(HALF))
    face = replace(face, operations=(DialMove("smile", 1.0), kept))
    record = json.loads(face._to_json(with_arrays=True))
    change(record["operations"])
    image = generator.render(face.w_plus, size=256)
    return encode_png(image, texts={"facegen": json.dumps(record)})


MOVE = {"op": "move_picture", "roll": 3, "shift_x": 0, "shift_y": 0, "zoom": 1}
ENLARGE = {"op": "resize_picture", "edge": 4096, "method": "lanczos"}


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o.append(o[1]),
        lambda o: o.extend([MOVE] * 900),
        lambda o: o.extend([ENLARGE, MOVE]),
        lambda o: o.append(ENLARGE | {"edge": 8192}),
        lambda o: o[1].update(mask="A" * 200_000),
        lambda o: o[1].update(latent="AAAA"),
        lambda o: o[1].update(small=None),
        lambda o: o[1].pop("mask"),
        lambda o: o.append(7),
    ],
    ids=["kept twice", "moved for hours", "moved when huge", "huge", "long mask", "no latent",
         "small", "no mask", "no operation"],
)  # fmt: skip
def test_a_hostile_file_gets_a_sentence_and_the_face_stays(app, change):
    before = frame(app)[1]
    app.file_uploader(key="fg_open_0").upload("bad.png", hostile(change)).run()
    assert not app.exception
    assert "bad.png is damaged" in app.error[0].value
    assert frame(app)[1] == before


def test_what_is_kept_of_no_face_is_left_out_with_a_word(app):
    generator = FakeGenerator()  # noqa: F811
    face = Face.from_seed(generator, 5)
    far = KeepRest.of(np.full((18, 512), 9e5, np.float32), Mask.of(HALF))
    data = replace(face, operations=(far,)).to_png(generator.render(face.w_plus))
    app.file_uploader(key="fg_open_0").upload("far.png", data).run()
    assert not app.exception
    assert "left out" in app.info[0].value
    assert frame(app)[1] == frame(start(seed="5"))[1]


def test_a_network_that_cannot_keep_shows_the_face_and_says_what_is_missing(fake, monkeypatch):  # noqa: F811
    class Plain(FakeGenerator):
        can_keep = False

        def render(self, w_plus, *, size=1024, keep=None):
            if keep is not None:
                raise ModelError("This network cannot keep the rest.")
            return super().render(w_plus, size=size)

    plain = Plain()
    parts = (plain, FakeDials(plain), fake_parts()[2])
    monkeypatch.setattr(loading, "load_parts", lambda *_: parts)
    app = start(seed="417")
    data = hostile(lambda operations: None)
    app.file_uploader(key="fg_open_0").upload("kept.png", data).run()
    assert not app.exception
    assert toolbar.NOT_KEPT in app.info[0].value
    head, shown = frame(app)
    assert (head["error"], bool(shown)) == (None, True)
    visitor = app.session_state["_facegen_session"]
    saved_face = shared.loader(None).backend.face(visitor)
    assert saved_face.keep == Face.from_bytes(data, name="a.png").keep, "nothing of it is lost"


@pytest.mark.long
def test_strokes_of_every_kind_leave_a_picture(app, monkeypatch):
    """All of it, nothing, nonsense, before any dial and after the head was turned."""
    visitor = app.session_state["_facegen_session"]
    full, none = _cells(255), _cells(0)
    events: list[tuple[str, object]] = []
    monkeypatch.setattr(
        view, "trigger",
        lambda key, kind: events.pop(0)[1] if events and events[0][0] == kind else None,
    )  # fmt: skip
    tries: list[tuple[str, object]] = [
        ("paint", {"more": full, "less": ""}), ("paint", {"more": none, "less": none}),
        ("paint", {"more": "", "less": full}), ("paint", {"more": "A" * 10**6, "less": ""}),
        ("place", {"place": "nonsense"}), ("place", {"place": ["face"]}), ("place", "face"),
        ("place", {"place": "face"}), ("place", {"place": ""}), ("paint", {"more": "", "less": ""}),
    ]  # fmt: skip
    for deltas in ({}, {"smile": 1.0}, {"smile": 1.0, "yaw": 10.0}, {"yaw": 10.0}):
        visitor.edit(deltas)
        for event in tries:
            events.append(event)
            app.run()
            assert not app.exception
            assert not app.error
            head, shown = frame(app)
            assert (head["error"], bool(shown)) == (None, True), (deltas, event)
            assert not events
    while visitor.history.can_undo:
        visitor.undo()
    app.run()
    assert frame(app)[1] == frame(start(seed="417"))[1]


def _cells(value: int) -> str:
    return base64.b64encode(bytes([value]) * STROKES_PX**2).decode()


def test_a_network_that_keeps_nothing_says_so_and_the_way_back_brings_all_again(fake, monkeypatch):  # noqa: F811
    class Other(FakeGenerator):
        model = "other-1024"

    def parts(progress, model=None):
        other = Other()
        return fake_parts(progress) if model is None else (other, FakeDials(other), fake_parts()[2])

    def rests(_, net, __):
        return None if net.model == Other.model else Rests(REGIONS, FakeRegions)

    monkeypatch.setattr(loading, "load_parts", parts)
    monkeypatch.setattr(loading, "make_rests", rests)
    monkeypatch.setattr(loading, "usable_models", lambda: {"fake": "One", "other": "Other"})
    app = start(seed="7", smile="2", keep="rest", place="face")
    app.session_state["_facegen_session"].paint(Painting(more=Mask.of(~HALF)))
    kept = frame(app.run())[0]["id"]
    app.session_state[state_keys.MODEL] = "other"
    app.run()
    assert not app.exception
    assert "cannot keep the rest" in app.info[0].value
    assert frame(app)[0]["id"] != kept
    assert not app.run().info, "it is said once"
    app.session_state[state_keys.MODEL] = None
    assert frame(app.run())[0]["id"] == kept
