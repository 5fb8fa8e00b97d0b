"""The menu of presets: each shown on the current face; own ones made, saved, opened."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import streamlit as st

from facegen.errors import FacegenError
from facegen.formats.sniff import Kind, require_kind
from facegen.service.loading import Backend
from facegen.session.presets import (
    MAX_NAME,
    MAX_PRESETS,
    PRESETS,
    Preset,
    fitting,
    from_json,
    to_json,
)
from facegen.session.session import Session
from facegen.ui import state_keys
from facegen.ui.components import messages, view

_log = logging.getLogger(__name__)

WAITING = '<div class="fg-tiles fg-waiting" role="status" aria-label="Trying presets">%s</div>'


def show(backend: Backend, session: Session) -> None:
    """Draw the button and, when it is open, the menu."""
    menu = st.popover(
        "Presets",
        icon=":material/style:",
        key="presets",
        help="Several dials at once: child, elder, passport photo, your own",
        on_change="rerun",
    )
    if not is_open(menu):
        return
    with menu:
        known = (*fitting(PRESETS, session.dials.names), *own())
        place = st.empty()
        place.html(WAITING % ("<i></i>" * len(known)))  # Each is tried on this face first.
        pictures = [_picture(backend, session, preset) for preset in known]
        with place:
            view.tiles(
                [
                    {
                        "id": f"{number}",
                        "label": preset.name,
                        "src": picture,
                        "help": _words(session, preset),
                    }
                    for number, (preset, picture) in enumerate(zip(known, pictures, strict=True))
                ],
                key="fg_presets",
                on_pick=lambda: _picked(session, known),
            )
        _save(session)
        _open(session)


def is_open(menu: Any) -> bool:
    """Whether the menu is open: closed, it costs nothing."""
    return bool(menu.open)


def own() -> tuple[Preset, ...]:
    """The presets that this visitor made or opened."""
    found: tuple[Preset, ...] = st.session_state.get(state_keys.PRESETS, ())
    return found


def _picture(backend: Backend, session: Session, preset: Preset) -> str:
    """The current face with the preset, small; empty where locks forbid it."""
    try:
        aimed = session.aimed(preset.targets)
    except FacegenError:
        return ""
    return view.jpeg_url(backend.service.thumb(backend.request(session, aimed)))


def _words(session: Session, preset: Preset) -> str:
    labels = {dial.name: dial.label for dial in session.table}
    parts = [f"{labels.get(name, name)} {value:g}" for name, value in preset.targets.items()]
    return ", ".join(parts)


def _picked(session: Session, known: tuple[Preset, ...]) -> None:
    event = st.session_state["fg_presets"].get("pick")
    number = event.get("id") if isinstance(event, dict) else None
    if not isinstance(number, str) or not number.isdigit() or int(number) >= len(known):
        return
    try:
        session.settling.turned(session.aim(known[int(number)].targets))
    except FacegenError as err:
        messages.notify(str(err))


def _save(session: Session) -> None:
    def keep() -> None:
        name = " ".join(str(st.session_state["preset_name"]).split())[:MAX_NAME]
        targets = {
            dial: round(readout.predicted, 3)
            for dial, readout in session.readouts().items()
            if readout.is_moved
        }
        if not name:
            messages.notify("Give the preset a name first.")
        elif not targets:
            messages.notify("Move a dial first: a preset holds where the moved dials stand.")
        else:
            others = tuple(preset for preset in own() if preset.name != name)
            st.session_state[state_keys.PRESETS] = (*others, Preset(name, targets))[-MAX_PRESETS:]
            st.session_state["preset_name"] = ""

    with st.container(key="fg_preset_name", horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Keep these dials as a preset",
            key="preset_name",
            max_chars=MAX_NAME,
            placeholder="Its name",
            help="Holds where the dials that you moved stand now.",
        )
        st.button("Keep", key="preset_keep", on_click=keep)
    if own():
        st.download_button(
            "Save my presets (.json)",
            data=lambda: to_json(own()),
            file_name="presets.json",
            mime="application/json",
            key="presets_save",
            on_click="ignore",
            width="stretch",
        )


def _open(session: Session) -> None:
    count = st.session_state.get(state_keys.PRESETS_OPENED, 0)
    key = f"fg_presets_open_{count}"

    def opened() -> None:
        upload = st.session_state.get(key)
        if upload is None:
            return
        st.session_state[state_keys.PRESETS_OPENED] = count + 1
        take_file(session, upload.getvalue(), upload.name)

    st.file_uploader("Open presets (.json)", key=key, on_change=opened)


def take_file(session: Session, data: bytes, name: str) -> None:
    """Add the presets of a file to those of the visitor, or say why not."""
    try:
        require_kind(data, name, {Kind.PRESETS}, wanted="a file of presets")
        found, unknown, eased = from_json(data, session.dials)
    except FacegenError as err:
        text = str(err)
        messages.notify(text if text.startswith(name) else f"{name}: {text}")
        return
    except Exception:
        _log.exception("A preset file could not be opened.")
        messages.notify(f"{name} could not be opened. Is it a preset file that was saved here?")
        return
    names = {preset.name for preset in found}
    shipped = {preset.name for preset in PRESETS}
    found = tuple(
        replace(preset, name=f"{preset.name} (mine)") if preset.name in shipped else preset
        for preset in found
    )
    others = tuple(preset for preset in own() if preset.name not in names)
    st.session_state[state_keys.PRESETS] = (*others, *found)[-MAX_PRESETS:]
    done = f"{', '.join(preset.name for preset in found[:5])}: now among the presets"
    if eased:
        labels = [dial.label for dial in session.table if dial.name in eased]
        messages.notify_eased(f"{done}, within where their dials end (eased: {', '.join(labels)}).")
    else:
        messages.notify_done(f"{done}.")
    if unknown:
        messages.notify(f"Left out, because they are no dials here: {', '.join(unknown[:5])}.")
