"""The pose sweep page through Streamlit's AppTest, with drawn faces."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest
from fake_regions import REGIONS, FakeRegions
from fakes import FakeGenerator
from streamlit.testing.v1 import AppTest

from facegen.face import Face
from facegen.service.render import RenderService
from facegen.service.rests import Rests
from facegen.service.sweep_job import SweepJob
from facegen.sweeps.grid import make_cells
from facegen.ui import state_keys
from facegen.ui.components.sweep_view import pack_shots
from facegen.ui.pages import sweep

SECONDS = 120  # until a wait gives up


def page() -> None:
    """What the app shows on this page, without the navigation."""
    import streamlit as st
    from fakes import fake_parts

    from facegen.service import loading
    from facegen.service.render import RenderService
    from facegen.ui import browser_state
    from facegen.ui.pages import sweep

    if "ready" not in st.session_state:
        parts = fake_parts()
        st.session_state["ready"] = loading.Backend(*parts, RenderService(parts[0]))
    sweep.measurer = lambda: None
    sweep.show(st.session_state["ready"], browser_state.session(st.session_state["ready"]))


@pytest.fixture
def at() -> AppTest:
    found = AppTest.from_function(page, default_timeout=SECONDS)
    found.query_params["seed"] = "3"
    return found.run()


def finish(at: AppTest) -> None:
    at.session_state[state_keys.SWEEP].wait(SECONDS)
    at.run()


def said(at: AppTest) -> str:
    return " ".join(caption.value for caption in at.caption)


def test_a_long_time_is_told_in_minutes():
    assert [sweep._duration(seconds) for seconds in (4.4, 99.0, 649.0)] == ["4 s", "99 s", "11 min"]


def test_the_rest_may_be_kept_where_dials_have_regions(monkeypatch, at):
    assert "Keep the rest" not in [toggle.label for toggle in at.toggle]
    backend = at.session_state["ready"]
    rests = Rests(REGIONS, FakeRegions)
    monkeypatch.setattr(rests, "editor", lambda: None)
    at.session_state["ready"] = replace(backend, rests=rests)
    session = at.session_state[state_keys.SESSION]
    session.regions = REGIONS
    at.run()
    (toggle,) = [toggle for toggle in at.toggle if toggle.label == "Keep the rest"]
    assert not toggle.value
    session.keep_rest(True)
    session.edit({"smile": 1.0})
    at.run()
    (toggle,) = [toggle for toggle in at.toggle if toggle.label == "Keep the rest"]
    assert toggle.value, "what the face keeps of its picture is kept in its sweep"
    at.button(key="sweep_start").click().run()
    finish(at)
    assert not at.exception
    assert not at.error


def test_says_what_will_be_made_and_makes_it(at):
    assert not at.exception
    assert "7 pictures" in said(at)
    at.slider(key="sweep_yaw").set_range(-10, 10).run()
    assert "3 pictures" in said(at)
    at.button(key="sweep_start").click().run()
    finish(at)
    assert not at.exception
    assert not at.error
    job = at.session_state[state_keys.SWEEP]
    assert [shot.frame.cell.yaw for shot in job.shots] == [-10, 0, 10]
    assert "3 pictures in" in said(at)
    assert job.file_of("zip")().startswith(b"PK")


def test_the_picture_to_drag_holds_every_frame_and_starts_at_the_front(dials):
    generator = FakeGenerator()
    cells = make_cells([-10, 0, 10], [-5, 5], [(None, 1.0), ("happy", 1.0)])
    job = SweepJob(RenderService(generator), Face.from_seed(generator, 3), cells, size=256,
                   dials=dials, measurer=None).start()  # fmt: skip
    job.wait(SECONDS)
    data = pack_shots(job.shots, stamp="1")
    (length,) = struct.unpack_from("<I", data)
    head = json.loads(data[4 : 4 + length])
    assert head["groups"] == ["As it is", "Happy"]
    assert [(f["yaw"], f["pitch"], f["group"]) for f in head["frames"][::5]] == [
        (-10, -5, 0), (10, 5, 0), (0, 5, 1)
    ]  # fmt: skip
    assert (head["start"]["yaw"], head["start"]["group"]) == (0, 0)
    assert 4 + length + sum(frame["bytes"] for frame in head["frames"]) == len(data)
    assert data[4 + length :].startswith(b"\xff\xd8")


def test_eyes_can_look_to_the_side(at):
    at.toggle(key="sweep_gaze_on").set_value(True).run()
    at.slider(key="sweep_gaze").set_value(12).run()
    at.slider(key="sweep_gaze_up").set_value(-6).run()
    at.slider(key="sweep_yaw").set_range(0, 0).run()
    at.button(key="sweep_start").click().run()
    assert not at.exception
    said_of_it = " ".join(entry.value for kind in (at.warning, at.error, at.text, at.markdown)
                          for entry in kind)  # fmt: skip
    assert "find eyes and mouth" in said_of_it  # there are no instruments here


def test_too_many_pictures_are_not_begun(at):
    at.number_input(key="sweep_yaw_step").set_value(1).run()
    at.slider(key="sweep_pitch").set_range(-20, 20).run()
    at.number_input(key="sweep_pitch_step").set_value(1).run()
    assert at.button(key="sweep_start").disabled
    assert "at most 400" in at.warning[0].value


def test_a_cancelled_sweep_keeps_what_is_finished(at):
    at.button(key="sweep_start").click().run()
    job = at.session_state[state_keys.SWEEP]
    job.cancel()
    finish(at)
    assert not at.exception
    assert len(job.shots) <= job.total
    assert job.error is None


def test_the_person_in_hand_is_the_one_that_turns(at):
    at.slider(key="sweep_yaw").set_range(0, 0).run()
    at.button(key="sweep_start").click().run()
    finish(at)
    shot = at.session_state[state_keys.SWEEP].shots[0]
    own = Face.from_seed(FakeGenerator(), 3)
    assert shot.frame.face.w_plus[17] == pytest.approx(own.w_plus[17])
