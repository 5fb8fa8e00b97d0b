"""What the Library page decides without a browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest
from test_app import APP, SECONDS, fake, start  # noqa: F401

from facegen.library.search import parse_search
from facegen.library.store import Library, Node
from facegen.paths import data_dir
from facegen.service.measuring import MeasuringService
from facegen.ui import kept_people
from facegen.ui.pages.library import chains


def node(number: int, parent: int | None) -> Node:
    return Node(number, parent, "", "", "")


def test_a_tree_is_rows_that_begin_where_they_branch_off():
    nodes = [node(1, None), node(2, 1), node(3, 2), node(4, 1), node(5, 4), node(6, 2)]
    rows = [[step.id for step in row] for row in chains(nodes)]
    assert rows == [[1, 2, 3], [4, 5], [6]]
    assert chains([]) == []


@pytest.mark.parametrize(
    ("address", "is_on"), [("127.0.0.1", True), ("0.0.0.0", False), (None, False), ("", False)]
)
def test_there_is_no_library_where_other_machines_can_look(monkeypatch, address, is_on):
    monkeypatch.setattr(st, "get_option", lambda name: address)
    assert kept_people.is_on() is is_on


@pytest.mark.parametrize(
    ("headers", "is_on"),
    [({"Host": "localhost:8501"}, True), ({"Host": "127.0.0.1:8501"}, True),
     ({"Host": "[::1]:8501"}, True), ({"Host": "faces.example.org"}, False),
     ({"Host": "localhost.example.org:80"}, False), ({"Host": "[::1"}, False),
     ({"Host": "127.0.0.1:8501", "X-Forwarded-For": "192.0.2.7"}, False)],
)  # fmt: skip
def test_there_is_no_library_behind_a_server_that_lets_others_in(monkeypatch, headers, is_on):
    monkeypatch.setattr(st, "get_option", lambda name: "127.0.0.1")
    monkeypatch.setattr(st, "context", SimpleNamespace(headers=headers))
    assert kept_people.is_on() is is_on


@pytest.fixture
def own_machine():
    was = config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    yield
    config.set_option("server.address", was)


def test_a_star_keeps_the_person_and_what_becomes_of_them(fake, own_machine):  # noqa: F811
    at: AppTest = start(seed="417")
    at.button(key="star").click().run()
    assert not at.exception
    (person,) = Library(Path(data_dir()) / "library.sqlite").people()
    assert person.is_favourite
    assert person.name == "Unnamed 0417"
    session = at.session_state["_facegen_session"]
    session.turn({"smile": 1.0})
    at.run()
    kept = Library(Path(data_dir()) / "library.sqlite")
    first, second = kept.history(person.id)
    assert second.parent == first.id
    assert "Smile" in second.what
    at.button(key="star").click().run()
    assert not kept.person(person.id).is_favourite


def test_what_a_picture_tells_later_comes_to_its_step(fake, own_machine, monkeypatch):  # noqa: F811
    at: AppTest = start(seed="417")
    at.button(key="star").click().run()
    session = at.session_state["_facegen_session"]
    session.turn({"smile": 1.0})
    at.run()
    kept = Library(Path(data_dir()) / "library.sqlite")
    (person,) = kept.people()
    _, step = kept.history(person.id)
    assert kept.readings(step.id) == pytest.approx(session.predicted())
    state = session.state
    session.settle(replace(state, corrections=(("smile", 0.2),)))
    corrected = session.w_plus()
    session.new_person(5)  # They are not looked at any more.
    seen = {"age": 61.0}
    monkeypatch.setattr(MeasuringService, "known", lambda self, request: seen)
    at.run()
    assert len(kept.history(person.id)) == 2
    assert np.array_equal(kept.face(step.id).w_plus, corrected)
    assert kept.readings(step.id)["age"] == 61.0
    assert len(kept.readings(step.id)) > 1
    assert [one.name for one in kept.people(parse_search("age>=61 age<=61"))] == ["Unnamed 0417"]


def test_a_name_that_was_given_on_the_library_page_stays(fake, own_machine):  # noqa: F811
    at: AppTest = start(seed="417")
    session = at.session_state["_facegen_session"]
    session.rename("Ada")
    at.button(key="star").click().run()
    kept = Library(Path(data_dir()) / "library.sqlite")
    (person,) = kept.people()
    assert person.name == "Ada"
    kept.rename(person.id, "Berta")  # As another tab does it.
    session.turn({"smile": 1.0})
    at.run()
    assert kept.person(person.id).name == "Berta"
    session.rename("Cleo")
    at.run()
    assert kept.person(person.id).name == "Cleo"
    kept_people.rename(session, kept.person(person.id), "Dora")
    assert (session.name, kept.person(person.id).name) == ("Dora", "Dora")


def test_a_library_that_cannot_be_used_is_told_and_the_face_stays(fake, own_machine):  # noqa: F811
    data_dir().mkdir(parents=True, exist_ok=True)
    (data_dir() / "library.sqlite").mkdir()
    at: AppTest = start(seed="417")
    at.button(key="star").click().run()
    assert not at.exception
    assert any("library" in error.value for error in at.error)
    assert at.session_state["_facegen_session"].state.subject.seed == 417
