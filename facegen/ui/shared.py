"""What all visitors of this process share, made once."""

from __future__ import annotations

import streamlit as st

from facegen.service.loading import Loader
from facegen.service.measuring import Mirror


@st.cache_resource(show_spinner=False)
def loader(model: str | None = None) -> Loader:
    """The one loader of a network in this process; None for the default one."""
    return Loader(model)


@st.cache_resource(show_spinner=False)
def mirror() -> Mirror:
    """The one mirror of this process."""
    return Mirror()
