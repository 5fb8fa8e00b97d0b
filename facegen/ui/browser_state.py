"""What the visitor of this browser session has open, and the link in the address bar."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from facegen.latents import DEFAULT_PSI
from facegen.service.loading import Backend
from facegen.session.edit_state import clean_psi, parse_number, parse_seed
from facegen.session.links import (
    NOTHING_KEPT,
    Followed,
    address_of,
    follow,
    open_link,
    problem_of,
)
from facegen.session.session import Session
from facegen.ui import keeping, state_keys
from facegen.ui.components.messages import notify, notify_eased

FRESH_SEEDS = 10_000
PAGE_QUERY = ("find", "people", "crowd")
"""Of the page Explore: its sentence, or its first seed, and what came of these people."""


def tab() -> tuple[str, Callable[[], bool]]:
    """What tells this tab apart, and what says from any thread whether it is still connected."""
    context = get_script_run_ctx()
    name = "" if context is None else str(context.session_id)

    def is_there() -> bool:
        return runtime.exists() and bool(runtime.get_instance().is_active_session(name))

    return name, is_there


def any_seed() -> int:
    """A seed of no particular person: small numbers are easy to tell to others."""
    return secrets.randbelow(FRESH_SEEDS)


def fresh_seed(session: Session) -> int:
    """A seed for a new person, none whom this visitor has met."""
    met: set[int | None] = st.session_state.setdefault(state_keys.MET, set())
    met.update(state.subject.seed for state in session.history.recent)
    if len(met) > FRESH_SEEDS // 2:  # Hours later, people may come again.
        met.clear()
    seed = any_seed()
    while seed in met:
        seed = any_seed()
    met.add(seed)
    return seed


def session(backend: Backend) -> Session:
    """What this visitor has open; made from the link in the address bar on first use.

    It stays when the network changes, unless the new one's latent space is another: then it waits
    until one of its space is chosen again. What the browser kept comes back first; the link says
    who is shown.
    """
    state, space = st.session_state, backend.generator.space
    if state_keys.SESSION in state and state[state_keys.SESSION].space != space:
        left = state.pop(state_keys.SESSION)
        waiting = state.setdefault(state_keys.SESSIONS, {})
        waiting[left.space] = left
        if space in waiting:
            state[state_keys.SESSION] = waiting.pop(space)
        notify("This network has a latent space of its own, with people of its own.")
    if state_keys.SESSION not in state:
        state[state_keys.SESSION] = _begin(backend, _person_query())
    found: Session = state[state_keys.SESSION]
    _refresh_dials(backend, found)
    return found


def _refresh_dials(backend: Backend, found: Session) -> None:
    """Use the users' own dials as they are on the disk now."""
    if not backend.regions and found.state.moved_in(found.regions):
        notify_eased(NOTHING_KEPT)
    found.regions = backend.regions  # Another network may keep nothing.
    version = backend.version()
    if version != found.dials_version:
        found.use_dials(*backend.dials_now())
        found.dials_version = version


def _begin(backend: Backend, query: dict[str, str]) -> Session:
    """A session with what the browser kept, showing what the link asks for."""
    seed = parse_seed(query.get("seed", ""))
    number = parse_number(query.get("psi", ""))
    psi = DEFAULT_PSI if number is None else clean_psi(number)
    first = any_seed() if seed is None else seed
    made = Session(
        backend.generator, backend.dials, backend.table,
        regions=backend.regions, seed=first, psi=psi,
    )  # fmt: skip
    _refresh_dials(backend, made)
    if keeping.restore(made):
        _tell(follow(made, query), stays=True)
    elif seed is None:
        _tell(Followed(problem=problem_of(query)), stays=False)
    else:
        _tell(open_link(made, query), stays=False)
    return made


def travel(made: Session) -> None:
    """Go where the browser's Back or Forward led, if they caused this run."""
    if is_travelling():
        _tell(follow(made, _person_query()), stays=True)


def is_travelling() -> bool:
    """Whether the browser's Back or Forward caused this run."""
    context = get_script_run_ctx(suppress_warning=True)
    return bool(getattr(context, "is_history_navigation", False))


def _person_query() -> dict[str, str]:
    """What the address says of a person, without what it says of the page Explore."""
    return {name: text for name, text in st.query_params.items() if name not in PAGE_QUERY}


def tell_page(query: dict[str, str]) -> None:
    """What the address is to say beside the person: what a page shows, by the names PAGE_QUERY."""
    st.session_state[state_keys.PAGE_QUERY] = query


def _tell(followed: Followed, *, stays: bool) -> None:
    """Say what became of a link."""
    if followed.problem:
        notify(f"{followed.problem}, so {'the face stays' if stays else 'here is somebody new'}.")
    if followed.eased:
        notify_eased(followed.eased)
    if followed.unknown:
        names = ", ".join(name[:30] for name in followed.unknown[:5])
        notify(f"This link has dials that this version does not know: {names}. They are left out.")


def write_link(made: Session) -> None:
    """Put the address of the current face into the address bar."""
    query = address_of(made.state) | st.session_state.get(state_keys.PAGE_QUERY, {})
    if st.session_state.get(state_keys.LINK) != query or dict(st.query_params) != query:
        st.query_params.from_dict(query)
        st.session_state[state_keys.LINK] = query
