"""What all visitors of this process share, made once."""

from __future__ import annotations

import streamlit as st

from facegen.service.loading import Loader
from facegen.service.measuring import MeasuringService
from facegen.service.reaching import ReachService


@st.cache_resource(show_spinner=False)
def loader(model: str | None) -> Loader:
    """The one loader of a network in this process; None for the default one."""
    return Loader(model)


@st.cache_resource(show_spinner=False)
def measuring() -> MeasuringService:
    """What measures pictures, once in this process."""
    return MeasuringService()


@st.cache_resource(show_spinner=False)
def reaching() -> ReachService:
    """What finds how far dials get, once in this process."""
    return ReachService()
