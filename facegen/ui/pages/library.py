"""The page "Library": the people that are kept on this machine, and each one's history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from facegen.errors import FacegenError
from facegen.library.search import parse_search
from facegen.library.store import MAX_TAGS, Library, Node, Person
from facegen.service.loading import Backend
from facegen.session.session import Session
from facegen.ui import browser_state, kept_people, state_keys
from facegen.ui.components import messages, view

MOST_SHOWN = 200
TILE = 128
STEP_TILE = 96


def page(backend: Backend, show_design: Callable[[], None]) -> None:
    """Draw the page.

    Args:
        backend: Of this session's network.
        show_design: Goes to the Design page.
    """
    session = browser_state.session(backend)
    with st.container(key="fg_library"):
        st.title("Library")
        try:
            _draw(kept_people.library(), session, show_design)
        except FacegenError as err:
            messages.show(str(err))
    messages.show_notices()


def _draw(kept: Library, session: Session, show_design: Callable[[], None]) -> None:
    with st.container(key="fg_library_search", horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search",
            key="library_search",
            placeholder="anna friends age>50",
            help="Words of names and tags; a dial and a number, such as age>50 or smile<=1.",
        )
        favourites = st.toggle("Favourites", key="library_favourites")
    try:
        people = kept.people(parse_search(text or ""), favourites=favourites, limit=MOST_SHOWN + 1)
    except FacegenError as err:
        st.caption(f":material/info: {messages.plain(str(err))}")
        return
    _undo_remove(kept)
    if not people:
        st.markdown(
            "Nobody meets that." if text or favourites else
            "Nobody is here yet. **Keep** under the face on *Design* puts a person here, with "
            "all steps, on this machine."
        )  # fmt: skip
        return
    event = _picked(
        [
            {
                "id": str(person.id),
                "label": ("★ " if person.is_favourite else "") + person.name,
                "src": view.jpeg_url(kept.thumb(person.head)),
                "help": ", ".join(person.tags),
            }
            for person in people[:MOST_SHOWN]
        ],
        key="fg_library_people",
        size=TILE,
    )
    if len(people) > MOST_SHOWN:
        st.caption(f"These are the newest {MOST_SHOWN}; a search finds the others.")
    if event is not None:
        _one(kept, event, session, show_design)


@st.dialog("Person", width="large", on_dismiss="rerun")
def _one(kept: Library, number: int, session: Session, show_design: Callable[[], None]) -> None:
    """Draw what can be done with one person, above the page: it is where one looks."""
    with messages.guarded():  # It runs on its own.
        try:
            _draw_one(kept, number, session, show_design)
        except FacegenError as err:
            messages.show(str(err))
        messages.show_notices()


def _draw_one(
    kept: Library, number: int, session: Session, show_design: Callable[[], None]
) -> None:
    if st.session_state.get(state_keys.LIBRARY_REMOVED) == number:
        st.rerun()  # Closes it.
    person = kept.person(number)
    with st.container(horizontal=True, vertical_alignment="bottom", key="fg_library_fields"):
        name, tags = f"library_name_{number}", f"library_tags_{number}"
        st.session_state[name], st.session_state[tags] = person.name, ", ".join(person.tags)
        st.text_input(
            "Name",
            key=name,
            max_chars=60,
            on_change=lambda: _try(
                lambda: kept_people.rename(session, person, st.session_state[name])
            ),
        )
        st.text_input(
            "Tags",
            key=tags,
            placeholder="friends, grey",
            help=f"Up to {MAX_TAGS}, with commas between them.",
            on_change=lambda: _try(
                lambda: kept.set_tags(number, st.session_state[tags].split(","))
            ),
        )
        st.button(
            "★ Favourite" if person.is_favourite else "☆ Favourite",
            key=f"library_star_{number}",
            on_click=lambda: _try(lambda: kept.star(number, not person.is_favourite)),
        )
        st.button(
            "Remove",
            key=f"library_remove_{number}",
            type="tertiary",
            on_click=lambda: _remove(kept, person),
        )
        if st.button("Open", key=f"library_open_{number}", type="primary"):
            _open(kept, person, person.head, session, show_design)
    _history(kept, person, session, show_design)


def _history(
    kept: Library, person: Person, session: Session, show_design: Callable[[], None]
) -> None:
    """Draw the tree of steps: a row for each way that was gone on; a click goes back to a step."""
    nodes = kept.history(person.id)
    numbers = {node.id: number for number, node in enumerate(nodes, 1)}
    for row, chain in enumerate(chains(nodes)):
        first = chain[0]
        if first.parent is not None:
            st.caption(f"Another way on from step {numbers[first.parent]}")
        event = _picked(
            [
                {
                    "id": str(node.id),
                    "label": f"{numbers[node.id]} · {node.what}",
                    "src": view.jpeg_url(kept.thumb(node.id)),
                    "help": "The current step" if node.id == person.head else "Open this step",
                    "now": node.id == person.head,
                }
                for node in chain
            ],
            key=f"fg_library_steps_{person.id}_{row}",
            size=STEP_TILE,
        )
        if event is not None:
            _open(kept, person, event, session, show_design)


def chains(nodes: list[Node]) -> list[list[Node]]:
    """A tree as rows: each goes on with the first child; other children begin rows of their own.

    Args:
        nodes: Parents before their children, as `Library.history` gives them.
    """
    rows: list[list[Node]] = []
    last: dict[int, list[Node]] = {}
    for node in nodes:
        row = last.get(node.parent) if node.parent is not None else None
        if row is not None and row[-1].id == node.parent:
            row.append(node)
        else:
            row = [node]
            rows.append(row)
        last[node.id] = row
    return rows


def _open(
    kept: Library, person: Person, node: int, session: Session, show_design: Callable[[], None]
) -> None:
    try:
        face = kept.face(node)
        face.require_space(session.space)
        session.open_face(face)
        session.rename(person.name)
        kept.go_to(person.id, node)
    except FacegenError as err:
        messages.notify(str(err))
        return
    show_design()


def _remove(kept: Library, person: Person) -> None:
    if _try(lambda: kept.remove(person.id)):
        st.session_state[state_keys.LIBRARY_REMOVED] = person.id


def _undo_remove(kept: Library) -> None:
    """Offer to bring back who was just removed."""
    number = st.session_state.get(state_keys.LIBRARY_REMOVED)
    if number is None:
        return

    def undo() -> None:
        del st.session_state[state_keys.LIBRARY_REMOVED]
        _try(lambda: kept.put_back(number))

    with st.container(key="fg_library_undo", horizontal=True, vertical_alignment="center"):
        st.caption("Removed.")
        st.button("Undo", key="library_undo", type="tertiary", on_click=undo)


def _try(change: Callable[[], None]) -> bool:
    """Do it, or say why it cannot be done."""
    try:
        change()
    except FacegenError as err:
        messages.notify(str(err))
        return False
    return True


def _picked(entries: list[dict[str, Any]], *, key: str, size: int) -> int | None:
    """Show tiles; the id of the one that was clicked in this run."""
    found = view.tiles(entries, key=key, on_pick=lambda: None, size=size)
    event = found.get("pick") if found else None
    number = event.get("id") if isinstance(event, dict) else None
    return int(number) if isinstance(number, str) and number.isdigit() else None
