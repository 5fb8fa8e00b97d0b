"""What is said to the user when something fails; never a traceback."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from facegen.ui import state_keys

_log = logging.getLogger(__name__)

SORRY = (
    "Something went wrong that should not. Your faces are still here: go on, or reload the page. "
    "What happened is written in the terminal."
)


def notify(text: str) -> None:
    """Show a problem beside the picture at the next run."""
    st.session_state[state_keys.NOTICE] = ("problem", text)


def notify_done(text: str) -> None:
    """Show that something was done, at the next run."""
    st.session_state[state_keys.NOTICE] = ("done", text)


def say_quietly(text: str) -> None:
    """Show something that is good to know, for a moment."""
    st.toast(plain(text), icon=":material/info:")


def notify_eased(text: str) -> None:
    """Show what was brought within its limits, at the next run."""
    st.session_state[state_keys.NOTICE] = ("eased", text)


def show_notices() -> None:
    """Show once what was left for this run."""
    kind, text = st.session_state.pop(state_keys.NOTICE, ("", ""))
    if kind == "done":
        st.toast(plain(text), icon=":material/check:")
    elif kind == "eased":
        with st.container(key="fg_notice"):
            st.info(plain(text), icon=":material/info:")
    elif text:
        show(text)


def show(text: str) -> None:
    """Show a sentence above the buttons; the picture stays where it is.

    The text may hold the name of a stranger's file: it is shown, never read as Markdown.
    """
    with st.container(key="fg_notice"):
        st.error(plain(text), icon=":material/info:")


def plain(text: str) -> str:
    """The text such that Markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]<>!$:~])", r"\\\1", text)


@contextmanager
def guarded() -> Iterator[None]:
    """Turn a defect inside into a log entry and a sentence.

    Streamlit's own signals (rerun, stop) are no Exceptions and pass.
    """
    try:
        yield
    except Exception:
        _log.exception("A part of the page failed.")
        show(SORRY)
