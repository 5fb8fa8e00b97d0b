"""What comes from a browser's memory is checked before it is used."""

from __future__ import annotations

import json

import pytest
from fakes import FakeDials, FakeGenerator
from streamlit.testing.v1 import AppTest

from facegen.face import Face
from facegen.service.render import RenderService
from facegen.service.sweep_job import SweepJob, find_job
from facegen.sweeps.grid import make_cells
from facegen.ui import state_keys
from facegen.ui.components import keeper
from facegen.ui.components.keeper import Kept, read_kept

SECONDS = 120  # until a wait gives up


def begin() -> None:
    """What a session does with what came, without any page."""
    import streamlit as st

    from facegen.ui import keeping
    from facegen.ui.components import keeper

    keeping._begin(keeper.Kept(st.session_state["came"], {}))
    st.session_state["page"] = keeping.page()


def begun(**parts: str) -> AppTest:
    at = AppTest.from_function(begin, default_timeout=SECONDS)
    at.session_state["came"] = parts
    at.run()
    assert not at.exception
    return at


@pytest.mark.parametrize(
    "event",
    [None, 5, [], {}, {"nonce": "other"}, {"parts": {"page": "about"}}, {"nonce": None}],
)
def test_what_answers_no_question_is_not_taken(event):
    assert read_kept(event, "mine") is None


def test_an_answer_is_read_as_texts_alone():
    event = {
        "nonce": "mine",
        "parts": {"page": "about", "marks": 5, "x": None},
        "bundles": [1, 2],
        "others": [{"page": "dials"}, "no", {"a": {}}] + [{}] * 100,
    }
    found = read_kept(event, "mine")
    assert found.parts == {"page": "about"}
    assert found.bundles == {}
    assert found.others[:3] == ({"page": "dials"}, {}, {})
    assert len(found.others) == keeper.MAX_TABS
    assert read_kept({"nonce": "mine"}, "mine") == Kept({}, {})


@pytest.mark.long
def test_marks_come_back_and_nonsense_does_not():
    marks = {"seeds": [1, 2, 3], "marks": {"1": "has", "2": "not", "3": "<b>"}}
    at = begun(marks=json.dumps(marks))
    assert at.session_state[state_keys.MARKS] == {1: "has", 2: "not"}
    assert at.session_state[state_keys.GALLERY_SEEDS] == [1, 2, 3]
    for text in ("", "{", "[]", '{"marks": {"one": "has"}}', '{"seeds": "x"}'):
        assert state_keys.MARKS not in begun(marks=text).session_state


def test_the_page_comes_back_once_with_what_its_address_told():
    at = begun(page="explore", page_query="find=old+man&people=7")
    assert at.session_state["page"] == ("explore", {"find": "old man", "people": "7"})
    assert at.run().session_state["page"] == ("", {})


def test_a_sweep_is_found_again_while_the_server_lives():
    generator = FakeGenerator()
    cells = make_cells([0], [0], [(None, 1.0)])
    job = SweepJob(RenderService(generator), Face.from_seed(generator, 3), cells, size=256,
                   dials=FakeDials(generator), measurer=None).start()  # fmt: skip
    job.wait(SECONDS)
    assert find_job(job.id) is job
    at = begun(sweep=json.dumps({"id": job.id, "name": "ada"}))
    assert at.session_state[state_keys.SWEEP] is job
    assert at.session_state[state_keys.SWEEP_NAME] == "ada"
    at = begun(sweep=json.dumps({"id": "0" * 32, "name": "ada"}))
    assert state_keys.SWEEP not in at.session_state
    assert at.session_state[state_keys.SWEEP_GONE]
    assert state_keys.SWEEP_GONE not in begun(sweep="5").session_state
