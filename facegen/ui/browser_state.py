"""What the visitor of this browser session has open, and the link in the address bar."""

from __future__ import annotations

import secrets

import streamlit as st

from facegen.latents import DEFAULT_PSI
from facegen.service.loading import Backend
from facegen.session.easing import eased_link
from facegen.session.edit_state import clean_psi, link_of, parse_number, parse_seed
from facegen.session.session import Session
from facegen.ui import state_keys
from facegen.ui.components.messages import notify, notify_eased

FRESH_SEEDS = 10_000


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

    It stays when the network changes, unless the new one's latent space is another.
    """
    state = st.session_state
    if state_keys.SESSION in state and state[state_keys.SESSION].space != backend.generator.space:
        del state[state_keys.SESSION]
        notify("This network has a latent space of its own, so here is somebody new.")
    if state_keys.SESSION not in state:
        state[state_keys.SESSION] = _from_link(backend, dict(st.query_params))
    found: Session = state[state_keys.SESSION]
    _refresh_dials(backend, found)
    return found


def _refresh_dials(backend: Backend, found: Session) -> None:
    """Use the users' own dials as they are on the disk now."""
    version = backend.version()
    if version != found.dials_version:
        found.use_dials(*backend.dials_now())
        found.dials_version = version


def _from_link(backend: Backend, query: dict[str, str]) -> Session:
    asked = query.get("seed")
    seed = parse_seed(asked) if asked is not None else None
    psi_number = parse_number(query["psi"]) if "psi" in query else None
    psi = clean_psi(psi_number) if psi_number is not None else DEFAULT_PSI
    seed_used = any_seed() if seed is None else seed
    made = Session(backend.generator, backend.dials, backend.table, seed=seed_used, psi=psi)
    if asked is not None and seed is None:
        notify("The link has no usable seed, so here is somebody new.")
    elif seed is not None:
        query, eased = eased_link(query, made.dials, made.base(), made.table)
        unknown = made.apply_query(query)
        if eased:
            notify_eased(eased)
        if unknown:
            names = ", ".join(name[:30] for name in unknown[:5])
            notify(
                f"This link has dials that this version does not know: {names}. They are left out."
            )
    return made


def write_link(made: Session) -> None:
    """Put the link of the current face into the address bar; nothing for a face without one."""
    query = link_of(made.state) or {}
    if st.session_state.get(state_keys.LINK) != query or dict(st.query_params) != query:
        st.query_params.from_dict(query)
        st.session_state[state_keys.LINK] = query
