"""What is said to the user when something fails; never a traceback."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

_log = logging.getLogger(__name__)

SORRY = (
    "Something went wrong that should not. Your faces are still here: go on, or reload the page. "
    "What happened is written in the terminal."
)


def show(text: str) -> None:
    """Say a sentence above the bar; the picture stays where it is.

    The text may hold the name of a stranger's file: it is shown, never read as Markdown.
    """
    with st.container(key="fg_notice"):
        st.error(re.sub(r"([\\`*_\[\]<>!$:~])", r"\\\1", text), icon=":material/info:")


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
