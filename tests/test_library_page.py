"""What the Library page decides without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest
from test_app import APP, SECONDS, fake, start  # noqa: F401

from facegen.library.store import Library, Node
from facegen.paths import data_dir
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


def test_a_library_that_cannot_be_used_is_told_and_the_face_stays(fake, own_machine):  # noqa: F811
    data_dir().mkdir(parents=True, exist_ok=True)
    (data_dir() / "library.sqlite").mkdir()
    at: AppTest = start(seed="417")
    at.button(key="star").click().run()
    assert not at.exception
    assert any("library" in error.value for error in at.error)
    assert at.session_state["_facegen_session"].state.subject.seed == 417
