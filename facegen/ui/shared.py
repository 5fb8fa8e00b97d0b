"""What all visitors of this process share, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from facegen.editing.obstacles import Obstacle
from facegen.service.background import Background
from facegen.service.crowds import Tiles
from facegen.service.loading import Backend, Loader, loader_of
from facegen.service.measuring import MeasuringService
from facegen.service.photo_desk import PhotoDesk
from facegen.session.edit_state import EditState

if TYPE_CHECKING:
    from facegen.service.finding import Finder


@st.cache_resource(show_spinner=False)
def loader(model: str | None) -> Loader:
    """The one loader of a network in this process; None for the default one."""
    return loader_of(model)


@st.cache_resource(show_spinner=False)
def measuring() -> MeasuringService:
    """What measures pictures, once in this process."""
    return MeasuringService()


@st.cache_resource(show_spinner=False)
def reaching() -> Background[tuple[float, float]]:
    """What finds how far dials get, once in this process."""
    return Background("reach")


@st.cache_resource(show_spinner=False)
def obstacles() -> Background[tuple[Obstacle | None]]:
    """What finds which dial is in the way of another, once in this process."""
    return Background("obstacles")


@st.cache_resource(show_spinner=False)
def settling() -> Background[EditState | None]:
    """What brings pictures to what was asked, once in this process."""
    return Background("settle")


@st.cache_resource(show_spinner=False)
def photo_desk() -> PhotoDesk:
    """The photographs that visitors have open, once in this process."""
    return PhotoDesk()


@st.cache_resource(show_spinner=False)
def tiles() -> Tiles:
    """Small pictures of people to choose from, once in this process."""
    return Tiles()


def finder(backend: Backend) -> Finder:
    """What finds people with a network and its dials, once in this process."""
    return _finder(backend.generator.model, backend)


@st.cache_resource(show_spinner=False)
def _finder(model: str, _backend: Backend) -> Finder:
    from facegen.service.finding import Finder  # with all that finds people

    return Finder(_backend.service, _backend.generator, _backend.dials)
