"""Dials found in the network itself, and dials from files: two tabs of the page "Your dials"."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from facegen.controls import DIALS
from facegen.directions import user_dials
from facegen.directions.discover import candidates
from facegen.directions.foreign import direction_from_bytes
from facegen.errors import FacegenError
from facegen.formats.sniff import DIRECTIONS, Kind, require_kind
from facegen.service.loading import Backend
from facegen.session.session import Session
from facegen.ui import state_keys
from facegen.ui.components import messages, view

_log = logging.getLogger(__name__)

METHODS = {"pca": "In the spread of faces (GANSpace)", "sefa": "In the weights (SeFa)"}
PARTS = {
    "Everything": (0, 18),
    "Pose and large shapes": (0, 4),
    "Features": (4, 8),
    "Colours and light": (8, 18),
}
COUNTS = (6, 12, 24)
STEPS = (-3.0, -1.5, 0.0, 1.5, 3.0)
GUESSING = 0.6
DRAW_SECONDS = 0.7


def words(dial: Any) -> str:
    """Where a dial comes from and how good it is, in words."""
    parts = [messages.plain(dial.source)] if dial.source else []
    if dial.score is not None and dial.score < GUESSING:
        parts.append(
            f"hardly better than guessing on faces that it has not seen ({100 * dial.score:.0f} of "
            "100 pairs in the right order): mark more faces"
        )
    elif dial.score is not None:
        parts.append(
            f"puts {100 * dial.score:.0f} of 100 pairs of faces that it has not seen in the "
            "right order"
        )
    return " · ".join([*parts, *moves_of(dial.moves)])


def moves_of(moves: dict[str, float]) -> list[str]:
    """What a direction moves besides, in words; empty if nothing."""
    labels = {dial.name: dial.label.lower() for dial in DIALS}
    most = [(name, change) for name, change in list(moves.items())[:3] if abs(change) >= 0.1]
    named = [f"{labels.get(name, name)} {signed(change, 1)}" for name, change in most]
    return ["moves " + ", ".join(named)] if named else []


def signed(value: float, digits: int = 0) -> str:
    """A number with its sign, a real minus."""
    return f"{value:+.{digits}f}".replace("-", "\u2212")


def strip(
    backend: Backend,
    session: Session,
    vector: np.ndarray,
    key: str,
    until: float,
    *,
    unit: str = "",
) -> bool:
    """The current face at a few steps along a direction; False if there was no time for all."""
    w_plus = session.w_plus()
    entries = []
    is_done = True
    for step in STEPS:
        moved = backend.service.request(w_plus + np.float32(step) * vector)
        in_time = time.monotonic() < until or backend.service.has_thumb(moved)
        src = view.jpeg_url(backend.service.thumb(moved)) if in_time else ""
        label = f"{signed(step, 1)}{unit}" if step else "as is"
        entries.append({"id": f"{step:g}", "label": label, "src": src})
        is_done &= in_time
    view.tiles(entries, key=key, on_pick=lambda: None, size=120)
    return is_done


def keep(dial: Any) -> bool:
    """Keep a dial for good; say why if that fails."""
    try:
        user_dials.save_own(dial)
    except FacegenError as err:
        messages.notify(str(err))
        return False
    messages.notify_done(f"{dial.title} is kept. It stands in the group Own on the Design page.")
    return True


# -- found ----------------------------------------------------------------------------------------


@st.fragment
def found(backend: Backend, session: Session) -> None:
    """Directions that the network itself suggests, as strips, to be named and kept."""
    with messages.guarded():
        _draw_found(backend, session)


def _draw_found(backend: Backend, session: Session) -> None:
    st.markdown(
        "What varies most among the faces, without names. Look at the strips of the current "
        "face, and keep what you can name."
    )
    with st.container(horizontal=True, vertical_alignment="bottom", key="fg_search"):
        method: str = st.selectbox(
            "Where", tuple(METHODS), format_func=METHODS.__getitem__, key="found_method"
        )
        part: str = st.selectbox("What", tuple(PARTS), key="found_rows")
        count: int = st.selectbox("How many", COUNTS, key="found_count")
        if st.button("Look", key="found_look", type="primary"):
            try:
                with st.spinner("Looking …"):
                    st.session_state[state_keys.CANDIDATES] = candidates(
                        backend.generator, method=method, count=count, rows=PARTS[part]
                    )
            except FacegenError as err:
                st.session_state.pop(state_keys.CANDIDATES, None)
                st.warning(messages.plain(str(err)), icon=":material/info:")
    until = time.monotonic() + DRAW_SECONDS
    is_done = True
    for candidate in st.session_state.get(state_keys.CANDIDATES, []):
        is_done &= _candidate(backend, session, candidate, until)
    if not is_done:
        st.rerun()


def _candidate(backend: Backend, session: Session, candidate: Any, until: float) -> bool:
    key = candidate.key.replace(":", "_").replace("@", "_")
    with st.container(key=f"fg_found_{key}"):
        moves = candidate.learned.moves
        parts = [f"`{candidate.key}`", f"{100 * candidate.share:.1f} % of the whole"]
        st.markdown(" · ".join([*parts, *moves_of(moves)]))
        is_done = strip(
            backend, session, candidate.learned.vector, f"fg_strip_{key}", until, unit=" sd"
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            title = st.text_input(
                "Its name",
                key=f"found_title_{key}",
                max_chars=40,
                placeholder="Its name",
                label_visibility="collapsed",
            )
            if st.button("Keep", key=f"found_keep_{key}", disabled=not title.strip()):
                try:
                    title = " ".join(title.split())
                    name = user_dials.name_from_title(title)
                    dial = candidate.keep(session.space, name=name, title=title)
                except FacegenError as err:
                    st.warning(messages.plain(str(err)), icon=":material/info:")
                else:
                    keep(dial)
                    st.rerun()
    return is_done


# -- brought along --------------------------------------------------------------------------------


def brought(backend: Backend, session: Session) -> None:
    """A dial's file, or a direction of another program."""
    st.markdown(
        "Open a dial that somebody saved here, or a direction from another StyleGAN2 program: "
        "`.npy`, `.npz` or `.pt` with numbers of shape (512,), (1, 512) or (18, 512), such as "
        "InterFaceGAN's boundaries. Files are read as numbers; nothing in them is run."
    )
    count = st.session_state.get(state_keys.DIALS_OPENED, 0)
    title = st.text_input(
        "What to call it",
        key="brought_title",
        max_chars=40,
        placeholder="as the file says",
        help="May stay empty.",
    )
    upload = st.file_uploader("A dial or direction", key=f"fg_brought_{count}")
    if upload is not None:
        st.session_state[state_keys.DIALS_OPENED] = count + 1
        try:
            dial = from_file(
                backend.generator, upload.getvalue(), upload.name, " ".join(title.split())
            )
        except FacegenError as err:
            messages.notify(str(err))
        except Exception:
            _log.exception("A direction could not be opened.")
            messages.notify(f"{upload.name} could not be opened. Is it a direction?")
        else:
            st.session_state[state_keys.IMPORTED_DIAL] = dial
        st.rerun()
    if state_keys.IMPORTED_DIAL not in st.session_state:
        return
    dial = st.session_state[state_keys.IMPORTED_DIAL]
    with st.container(key="fg_brought_dial"):
        st.subheader(messages.plain(dial.title))
        st.markdown(words(dial))
        strip(backend, session, dial.vector, "fg_brought_strip", time.monotonic() + 60.0)
        with st.container(horizontal=True):
            if st.button("Keep it", key="brought_keep", type="primary") and keep(dial):
                st.session_state.pop(state_keys.IMPORTED_DIAL, None)
                st.rerun()
            if st.button("Throw it away", key="brought_drop", type="tertiary"):
                st.session_state.pop(state_keys.IMPORTED_DIAL, None)
                st.rerun()


def from_file(generator: Any, data: bytes, file_name: str, title: str) -> user_dials.OwnDial:
    """A dial out of a dial's file or another program's direction.

    Args:
        generator: Tells where faces lie.
        data: The file.
        file_name: As its user knows it.
        title: What to call the dial; made from the file if empty.

    Raises:
        FacegenError: it is no such file.
    """
    kind = require_kind(data, file_name, DIRECTIONS | {Kind.FACE}, wanted="a dial or direction")
    if not title and kind is Kind.DIAL:
        title = user_dials.read_own(data, name=file_name).title
    title = title or Path(file_name).stem.replace("_", " ")
    name = user_dials.name_from_title(title)
    return direction_from_bytes(generator, data, file_name=file_name, name=name, title=title)
