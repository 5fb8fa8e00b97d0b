"""Which network draws in this session: the choice on the About page, and what to say about it."""

from __future__ import annotations

import streamlit as st

from facegen.service import loading
from facegen.ui import keeping, shared, state_keys

TEXT_PX = 680  # as wide as the text above it


def loader() -> loading.Loader:
    """The loader of this session's network: the one that the browser kept, at first."""
    if state_keys.MODEL not in st.session_state:
        kept = keeping.model()
        is_here = kept is not None and kept in loading.usable_models()
        st.session_state[state_keys.MODEL] = kept if is_here else None
    return shared.loader(st.session_state.get(state_keys.MODEL))


def choice() -> None:
    """Let the visitor choose where more than one network is on this machine.

    The current person stays where the latent space is the same.
    """
    models = loading.usable_models()
    if len(models) < 2:
        return
    names = list(models)
    now = st.session_state.get(state_keys.MODEL) or names[0]
    with st.container(horizontal_alignment="center"), st.container(width=TEXT_PX):
        st.subheader("Network")
        st.selectbox(
            "The network that draws",
            names,
            index=names.index(now) if now in names else 0,
            format_func=lambda name: models[name],
            key=state_keys.MODEL_CHOICE,
            on_change=_choose,
            help="Networks of the same latent space draw the same people.",
        )


def words(ready: loading.Backend) -> None:
    """Say why dials are off, and what became of a graphics card."""
    for text in (ready.why_no_dials, ready.service.notice):
        if text:
            st.info(text, icon=":material/info:")


def _choose() -> None:
    chosen = st.session_state[state_keys.MODEL_CHOICE]
    # The default has a loader of its own: it must not be loaded a second time under its name.
    st.session_state[state_keys.MODEL] = None if chosen == loading.default_model() else chosen
