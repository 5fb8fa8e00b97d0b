"""The Design page: the face in hand and its dials.

Two parts run on their own: the stage (picture and dials, a fragment, so that a drag reruns only
this) and the rest (strip of people, bar of buttons). A step made on the stage reruns the page once
after its picture is out, so that undo, thumbnails and the link follow.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import streamlit as st

from facegen.errors import FacegenError
from facegen.service.loading import Backend
from facegen.service.render import RenderResult, latent_key
from facegen.session.edit_state import MAX_PSI, Look
from facegen.session.session import Studio
from facegen.ui import browser_state, shared
from facegen.ui.components import messages, toolbar, view

_log = logging.getLogger(__name__)

_SEQUENCE = "_facegen_sequence"
_SKETCHED = "_facegen_sketched"
SLOW_SECONDS = 0.6
STRIP_PEOPLE = 14


def page(backend: Backend) -> None:
    """Draw the page."""
    studio = browser_state.studio(backend)
    is_sketch = _is_sketch(backend, studio)
    # A page switch forgets widgets; the box always shows the person in hand.
    st.session_state[toolbar.SEED_KEY] = studio.look.person.seed
    with st.container(key="fg_main"):
        _strip(backend, studio)
        _stage(backend, studio)
    toolbar.show(backend, studio)
    if is_sketch:
        st.session_state[_SKETCHED] = latent_key(studio.w_plus())
        st.rerun()
    messages.show_notices()


def _is_sketch(backend: Backend, studio: Studio) -> bool:
    """Whether a preview is shown first, because the full picture takes a while."""
    w_plus = studio.w_plus()
    return (
        backend.service.full_seconds > SLOW_SECONDS
        and not backend.service.has_picture(w_plus)
        and st.session_state.get(_SKETCHED) != latent_key(w_plus)
    )


# -- the stage ------------------------------------------------------------------------------------


@st.fragment
def _stage(backend: Backend, studio: Studio) -> None:
    with messages.guarded():  # A fragment's own reruns do not pass through the page.
        _draw_stage(backend, studio)


def _draw_stage(backend: Backend, studio: Studio) -> None:
    edit = view.read_edit(_trigger("fg_panel", "edit"))
    wants_before = _trigger("fg_view", "ask") is not None
    was = look = studio.look
    problem = _obey(backend, studio)
    if edit is not None and edit.revision == studio.revision:
        moves = {name: value for name, value in edit.moves.items() if name != "psi"}
        psi = studio.look.person.psi if "psi" in edit.resets else edit.moves.get("psi")
        try:
            if edit.final:
                studio.turn(
                    moves, resets=edit.resets, psi=psi, what=edit.what, now=time.monotonic()
                )
            else:
                look = studio.turned(moves, resets=edit.resets, psi=psi)
        except FacegenError as err:
            problem = str(err)
    if edit is None or edit.final:
        look = studio.look
    is_preview = not edit.sharp if edit is not None else _is_sketch(backend, studio)
    _show_face(
        backend, studio, look, edit, is_preview=is_preview, wants_before=wants_before,
        problem=problem,
    )  # fmt: skip
    _show_panel(backend, studio, look)
    if studio.look is not was:
        st.rerun()


def _obey(backend: Backend, studio: Studio) -> str | None:
    """Do what the buttons of the dials ask for; give a sentence when it cannot be done."""
    glass = shared.mirror()
    if _trigger("fg_panel", "look") is not None and glass.is_ready:
        for w_plus in (studio.base(), studio.w_plus()):
            glass.see(backend.service, backend.dials, w_plus)
    before = glass.known(backend.service, studio.base())
    if before:
        studio.measured_start(before)
    if _trigger("fg_panel", "correct") is not None:
        before = glass.see(backend.service, backend.dials, studio.base())
        was = studio.look
        if before is not None:
            studio.correct(before, lambda w: glass.see(backend.service, backend.dials, w))
        if studio.look is was:
            return "Nearer than this the face does not come to what was asked."
    lock = _trigger("fg_panel", "lock")
    if isinstance(lock, dict) and isinstance(lock.get("name"), str):
        studio.lock(lock["name"], bool(lock.get("on")))
    shuffle = _trigger("fg_panel", "shuffle")
    if isinstance(shuffle, dict) and isinstance(shuffle.get("dials"), list):
        try:
            studio.shuffle([str(name) for name in shuffle["dials"]], browser_state.fresh_seed())
        except FacegenError as err:
            return str(err)
    return None


def _show_face(
    backend: Backend,
    studio: Studio,
    look: Look,
    edit: view.PanelEdit | None,
    *,
    is_preview: bool,
    wants_before: bool,
    problem: str | None = None,
) -> None:
    service = backend.service
    try:
        w_plus = studio.w_plus(look)
        before_w = studio.base(studio.start)
        make = service.preview if is_preview else service.render
        result = make(w_plus, session=studio.session)
    except FacegenError as err:
        result = RenderResult(None, 0, 0.0, error=str(err))
        w_plus = before_w = studio.base()
    before = None
    if wants_before:
        before = service.render(before_w, session=studio.session + "-before").jpeg
    head: dict[str, Any] = {
        "kind": "preview" if is_preview and result.size < 1024 else "full",
        "id": latent_key(w_plus),
        "before_id": latent_key(before_w),
        "status": status_line(backend, result),
        "error": result.error or problem,
        "seconds": round(result.seconds, 4),
        "alt": f"Portrait of {studio.name}, a person who does not exist",
        "link": studio.to_query() is not None,
        "max_mb": st.get_option("server.maxUploadSize"),
    }
    # Equal bytes do not reach the browser again: an answer to a question needs its own number,
    # while a rerun of the page repeats the last message and so costs nothing.
    count, number = st.session_state.get(_SEQUENCE, (0, 0))
    if edit is not None:
        count, number = count + 1, edit.number
    elif wants_before:
        count += 1
    st.session_state[_SEQUENCE] = (count, number)
    head.update(n=number, sequence=count)
    view.face_view(view.pack_frame(head, result.jpeg, before), key="fg_view", on_ask=lambda: None)


def _show_panel(backend: Backend, studio: Studio, look: Look) -> None:
    glass = shared.mirror()
    glass.start()
    measured, before = (
        glass.known(backend.service, w_plus) for w_plus in (studio.w_plus(look), studio.base(look))
    )
    missed = studio.misses(measured, before) if measured and before and look is studio.look else {}
    data = view.panel_data(
        studio.table,
        {dial.name: studio.spec(dial.name) for dial in studio.table},
        studio.shown_start(look),
        studio.shown(look),
        measured=measured,
        missed=missed,
        look_after=glass.wait if measured is None or before is None else 0.0,
        moved={name for name, delta in look.deltas if delta},
        locked=studio.locks.held,
        identity=studio.locks.identity,
        psi=look.psi,
        own_psi=look.person.psi,
        max_psi=MAX_PSI,
        revision=studio.revision,
        number=st.session_state.get(_SEQUENCE, (0, 0))[1],
    )
    view.dial_panel(
        data,
        key="fg_panel",
        on_edit=lambda: None,
        on_lock=lambda: None,
        on_shuffle=lambda: None,
        on_look=lambda: None,
    )


def _trigger(key: str, name: str) -> Any:
    """The trigger of a component in the run it caused, else None."""
    state = st.session_state.get(key)
    return state.get(name) if state else None


def status_line(backend: Backend, result: RenderResult) -> str:
    """What stands under the picture."""
    if result.jpeg is None:
        return ""
    parts = [f"{result.size} px", f"{result.seconds:.2f} s", str(backend.generator.engine_name)]
    return " · ".join([*parts, "synthetic image"])


# -- people met -----------------------------------------------------------------------------------


def _strip(backend: Backend, studio: Studio) -> None:
    people = []
    for look in studio.recent[:STRIP_PEOPLE]:
        people.append(
            {
                "uid": look.person.uid,
                "name": studio.name_of(look),
                "src": thumb_url(backend, studio, look),
                "now": look.person.uid == studio.look.person.uid,
            }
        )

    def pick() -> None:
        event = _trigger("fg_strip", "pick")
        if isinstance(event, dict) and isinstance(event.get("uid"), int):
            studio.take(event["uid"])

    view.people_strip(people, key="fg_strip", on_pick=pick)


def thumb_url(backend: Backend, studio: Studio, look: Look) -> str:
    """A small picture of a look as a data URL; empty when it cannot be made."""
    # The full picture, which is wanted anyway, gives the thumbnail for nothing.
    if look is studio.look and not _is_sketch(backend, studio):
        backend.service.render(studio.w_plus(look), session=studio.session)
    return view.jpeg_url(backend.service.thumb(studio.w_plus(look)))
