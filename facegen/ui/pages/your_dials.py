"""The page "Your dials": made from examples, found in the network, or brought along in a file."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from facegen.directions import user_dials
from facegen.directions.make_user_dial import make_own
from facegen.errors import FacegenError
from facegen.service.loading import Backend
from facegen.session.session import Session
from facegen.ui import browser_state, keeping, state_keys
from facegen.ui.components import messages, view
from facegen.ui.pages import find_dials

_log = logging.getLogger(__name__)

GALLERY = 40
FEWEST = 3
GALLERY_PSI = 0.8
DRAW_SECONDS = 0.7
MARKS = {"": "not marked", "has": "has it", "not": "does not have it"}


def page(backend: Backend) -> None:
    """Draw the page."""
    session = browser_state.session(backend)
    with st.container(key="fg_your_dials"):
        st.title("Your dials")
        st.markdown(
            "Make a dial for anything you can see in a face. What you keep here stands in the "
            "group **Own** on the Design page and works in the command line too."
        )
        _kept(backend, session)
        names = ["From examples", "Found in the network", "From a file"]
        examples, found, brought = st.tabs(names, key="your_dials_tab", on_change="rerun")
        with examples:
            if examples.open:
                _examples(backend, session)
        with found:
            if found.open:
                find_dials.found(backend, session)
        with brought:
            if brought.open:
                find_dials.brought(backend, session)
    messages.show_notices()


# -- what is kept ---------------------------------------------------------------------------------


def _kept(backend: Backend, session: Session) -> None:
    dials = user_dials.list_own(session.space)
    for file, why in user_dials.damaged_own(session.space).items():
        st.caption(f":material/info: {messages.plain(file)}: {messages.plain(why)}")
    if not dials:
        return
    with st.container(key="fg_kept"):
        for name, dial in dials.items():
            with st.container(horizontal=True, vertical_alignment="center", key=f"fg_own_{name}"):
                st.markdown(f"**{messages.plain(dial.title)}**  \n{find_dials.words(dial)}")
                st.download_button(
                    "Save",
                    data=user_dials.own_bytes(dial),
                    file_name=f"{name}.npz",
                    mime="application/octet-stream",
                    key=f"own_save_{name}",
                    icon=":material/download:",
                    on_click="ignore",
                    help="A small file for others; they open it under *From a file*.",
                )
                st.button(
                    "Remove",
                    key=f"own_remove_{name}",
                    type="tertiary",
                    on_click=lambda name=name: _remove(session, name),
                    help="Takes the dial away for good. Save it first if you may want it back.",
                )


def _remove(session: Session, name: str) -> None:
    try:
        user_dials.remove_own(name, session.space)
    except FacegenError as err:
        messages.notify(str(err))


# -- from examples --------------------------------------------------------------------------------


@st.fragment
def _examples(backend: Backend, session: Session) -> None:
    with messages.guarded():
        _draw_examples(backend, session)


def _draw_examples(backend: Backend, session: Session) -> None:
    seeds = st.session_state.setdefault(state_keys.GALLERY_SEEDS, _fresh_seeds())
    marks: dict[int, str] = st.session_state.setdefault(state_keys.MARKS, {})
    st.markdown(
        "Click a face once if it **has it**, twice if it **does not have it**, three times for "
        "neither. "
        f"About twenty of each make a good dial, {FEWEST} of each the least."
    )
    entries, is_done = _tiles(backend, session, seeds, marks)
    view.tiles(
        entries,
        key="fg_gallery",
        on_pick=lambda: _marked(seeds),
        marks=MARKS,
        size=104,
        number=st.session_state.get(state_keys.MARKS_COUNT, 0),
    )
    keeping.keep_marks()
    has, has_not = split(marks)
    with st.container(key="fg_make", horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "What is it?",
            key="own_title",
            max_chars=40,
            placeholder="freckles, dimples, a kind look …",
            help="What the dial will be called.",
        )
        asked = st.button(
            f"Make the dial from {len(has)} and {len(has_not)}",
            key="own_make",
            type="primary",
            disabled=min(len(has), len(has_not)) < FEWEST,
            help="Takes less than a minute.",
        )
        st.button(
            f"{GALLERY} other faces",
            key="own_others",
            on_click=_others,
            help="Faces that are marked stay marked.",
        )
        if marks:
            st.button("Clear the marks", key="own_clear", type="tertiary", on_click=marks.clear)
    if asked:
        _make(backend, session, has, has_not)
    if state_keys.NEW_DIAL in st.session_state:
        _made(backend, session)
    if not is_done:
        st.rerun()


def split(marks: dict[int, str]) -> tuple[list[int], list[int]]:
    """The seeds that have it, and those that do not have it."""
    has = [seed for seed, mark in marks.items() if mark == "has"]
    return has, [seed for seed, mark in marks.items() if mark == "not"]


def _fresh_seeds() -> list[int]:
    first = browser_state.any_seed()
    return list(range(first, first + GALLERY))


def mark(seeds: Sequence[int]) -> None:
    """Show some people at the top of the gallery, marked as having it."""
    others = [seed for seed in _fresh_seeds() if seed not in seeds]
    st.session_state[state_keys.GALLERY_SEEDS] = [*seeds, *others]
    marks: dict[int, str] = st.session_state.setdefault(state_keys.MARKS, {})
    marks.update(dict.fromkeys(seeds, "has"))


def _others() -> None:
    st.session_state[state_keys.GALLERY_SEEDS] = _fresh_seeds()


def _latent(backend: Backend, seed: int) -> np.ndarray:
    return np.asarray(backend.generator.w_from_seed(seed, GALLERY_PSI), np.float32)


def _tiles(
    backend: Backend, session: Session, seeds: list[int], marks: dict[int, str]
) -> tuple[list[dict[str, Any]], bool]:
    """The gallery as far as it is drawn within a moment, and whether that is all of it."""
    until = time.monotonic() + DRAW_SECONDS
    entries = []
    is_done = True
    for seed in seeds:
        request = backend.service.request(_latent(backend, seed))
        in_time = time.monotonic() < until or backend.service.has_thumb(request)
        jpeg = backend.service.thumb(request) if in_time else None
        is_done &= in_time
        entries.append(
            {
                "id": str(seed),
                "label": "",
                "src": view.jpeg_url(jpeg),
                "mark": marks.get(seed, ""),
                "help": "Once: has it. Twice: does not have it. Three times: neither.",
            }
        )
    return entries, is_done


def _marked(seeds: list[int]) -> None:
    event = st.session_state["fg_gallery"].get("pick")
    take_marks(st.session_state[state_keys.MARKS], seeds, event)
    number = event.get("n") if isinstance(event, dict) else None
    st.session_state[state_keys.MARKS_COUNT] = number if isinstance(number, int) else 0


def take_marks(marks: dict[int, str], seeds: list[int], event: object) -> None:
    """Put the marks that the gallery of these seeds sent into `marks`."""
    sent = event.get("marks") if isinstance(event, dict) else None
    if not isinstance(sent, dict):
        return
    for seed in seeds:
        mark = sent.get(str(seed))
        if mark in ("has", "not"):
            marks[seed] = mark
        else:
            marks.pop(seed, None)


def _make(backend: Backend, session: Session, has: list[int], has_not: list[int]) -> None:
    title = " ".join(str(st.session_state["own_title"]).split())
    if not title:
        st.warning("Say first what it is: the dial needs a name.", icon=":material/info:")
        return
    bar = st.progress(0.0, "Learning …")

    def progress(done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), "Learning …")

    start = time.monotonic()
    try:
        dial = make_own(
            backend.generator,
            [_latent(backend, seed) for seed in has],
            [_latent(backend, seed) for seed in has_not],
            name=user_dials.name_from_title(title),
            title=title,
            progress=progress,
        )
    except FacegenError as err:
        st.warning(messages.plain(str(err)), icon=":material/info:")
    except Exception:
        _log.exception("A dial could not be made.")
        st.warning("The dial could not be made from these faces. Mark a few more.")
    else:
        st.session_state[state_keys.NEW_DIAL] = (dial, time.monotonic() - start)
    finally:
        bar.empty()


def _forget_new() -> None:
    st.session_state.pop(state_keys.NEW_DIAL, None)


@st.dialog("Your new dial", width="large", on_dismiss=_forget_new)
def _made(backend: Backend, session: Session) -> None:
    dial, seconds = st.session_state[state_keys.NEW_DIAL]
    with st.container(key="fg_made"):
        st.subheader(messages.plain(dial.title))
        st.markdown(f"{find_dials.words(dial)} · made in {seconds:.1f} s")
        find_dials.strip(backend, session, dial.vector, "fg_made_strip", time.monotonic() + 60.0)
        st.caption("The current face with the new dial turned down and up.")
        with st.container(horizontal=True):
            if st.button("Keep it", key="own_keep", type="primary"):
                find_dials.keep(dial)
                _forget_new()
                st.rerun()
            if st.button("Throw it away", key="own_drop", type="tertiary"):
                _forget_new()
                st.rerun()
