"""The Design page: the current face and its dials.

Two parts run on their own: the stage (picture and dials, a fragment, so that a drag reruns only
this) and the rest (strip of people, row of buttons). A step made on the stage reruns the page once
after its picture is out, so that undo and thumbnails follow; the link goes out with the picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from facegen.editing.naturalness import how_natural
from facegen.errors import FacegenError
from facegen.measure.measurer import SAME_PERSON
from facegen.service import finishing
from facegen.service.loading import Backend
from facegen.service.render import RenderResult
from facegen.session.edit_state import MAX_PSI, EditState, link_of
from facegen.session.painting import PLACES, read_strokes, strokes
from facegen.session.session import Session
from facegen.ui import browser_state, corrections, looking, scenes, shared, state_keys
from facegen.ui.components import messages, toolbar, view
from facegen.ui.components.region import region_url

SLOW_SECONDS = 0.6
SETTLING_SECONDS = 0.3
STRIP_PEOPLE = 14
STRIP_SECONDS = 0.3


def page(backend: Backend, corner: Callable[[], None] = lambda: None) -> None:
    """Draw the page.

    Args:
        backend: What draws.
        corner: Shows who is current beside the navigation; called once the picture is out.
    """
    session = browser_state.session(backend)
    toolbar.take_presses(session, view.trigger("fg_seed", "press"))
    sketched = backend.request(session).digest if _is_sketch(backend, session) else None
    run = _Run()
    # Before the face for the keyboard, after it for the eye; drawn when the picture is out.
    buttons = toolbar.place()
    with st.container(key="fg_main"):
        was = session.state
        is_whole = _strip(backend, session)
        _stage(backend, session, sketched, run)
    toolbar.show(buttons, backend, session)
    corner()
    run.is_page = False
    if sketched is not None:
        st.session_state[state_keys.SKETCHED] = sketched
    if sketched is not None or not is_whole or session.state is not was:
        st.rerun()
    messages.show_notices()


@dataclass
class _Run:
    """Whether the stage is drawn with the whole page, which follows its steps by itself."""

    is_page: bool = True


def _is_sketch(backend: Backend, session: Session) -> bool:
    """Whether a preview is shown first, because the full picture takes a while.

    Asked once a run: pictures of other visitors change the answer at any time, and a preview that
    the page does not know of would stay.
    """
    request = backend.request(session)
    return (
        backend.service.full_seconds > SLOW_SECONDS
        and not backend.service.has_picture(request)
        and st.session_state.get(state_keys.SKETCHED) != request.digest
    )


# -- the stage ------------------------------------------------------------------------------------


@st.fragment
def _stage(backend: Backend, session: Session, sketched: str | None, run: _Run) -> None:
    with messages.guarded():  # A fragment's own reruns do not pass through the page.
        _draw_stage(backend, session, sketched, run)


def _draw_stage(backend: Backend, session: Session, sketched: str | None, run: _Run) -> None:
    """Draw the picture, or its preview where its digest is `sketched`, and the dials."""
    edit = view.read_edit(view.trigger("fg_panel", "edit"))
    wants_before = view.trigger("fg_view", "ask") is not None
    was, locks = session.state, session.locks
    state = was
    problem = _obey(backend, session)
    if edit is not None and edit.revision != session.revision:
        # Asked of somebody who is gone: answered with who is here, whole and with their link.
        edit = replace(edit, final=True, sharp=True)
    elif edit is not None:
        for name, on in edit.locks.items():
            session.lock(name, on)
        moves = {name: value for name, value in edit.moves.items() if name != "psi"}
        psi = session.state.subject.psi if "psi" in edit.resets else edit.moves.get("psi")
        try:
            if edit.final:
                session.turn(
                    moves, resets=edit.resets, psi=psi, what=edit.what, now=time.monotonic()
                )
            else:
                state = session.turned(moves, resets=edit.resets, psi=psi)
        except FacegenError as err:
            problem = str(err)
    if edit is None or edit.final:
        state = session.state
    if edit is not None:
        is_preview = not edit.sharp
    else:
        is_preview = backend.request(session).digest == sketched
        is_preview = is_preview and st.session_state.get(state_keys.SKETCHED) != sketched
    _show_face(
        backend, session, state, edit, is_preview=is_preview, wants_before=wants_before,
        problem=problem,
    )  # fmt: skip
    _show_panel(backend, session, state)
    if not run.is_page and (session.state is not was or session.locks is not locks):
        st.rerun()


def _obey(backend: Backend, session: Session) -> str | None:
    """Do what the buttons of the dials ask for; give a sentence when it cannot be done."""
    measuring = shared.measuring()
    if view.trigger("fg_panel", "measure") is not None and measuring.is_ready:
        for state in (session.state.undialled, session.state):
            looking.see(backend, session, state)
        if backend.rests is not None and session.keeps_rest:
            backend.rests.look(session.rest())
    before = looking.known(backend, session, session.state.undialled)
    if before:
        session.measured_start(before)
    now = looking.known(backend, session, session.state)
    if now:
        session.measured_now(now)
    if now and before:
        corrections.settle(backend, session, now, before)
    if view.trigger("fg_panel", "correct") is not None:
        before = looking.see(backend, session, session.state.undialled)
        if before is not None:
            session.settle(corrections.corrected(backend, session, before), is_step=True)
    _paint(session)
    problem = scenes.take(backend, session)
    if problem:
        return problem
    lock = view.trigger("fg_panel", "lock")
    if isinstance(lock, dict) and isinstance(lock.get("name"), str):
        session.lock(lock["name"], bool(lock.get("on")))
    shuffle = view.trigger("fg_panel", "shuffle")
    if isinstance(shuffle, dict) and isinstance(shuffle.get("dials"), list):
        try:
            names = [str(name) for name in shuffle["dials"]]
            session.settling.leave(session.shuffle(names, browser_state.any_seed()))
        except FacegenError as err:
            return str(err)
    return None


def _paint(session: Session) -> None:
    """Take what was painted, and where dials are to act alone."""
    painting = session.state.painting
    painted = read_strokes(view.trigger("fg_view", "paint"))
    if painted is not None:
        session.paint(replace(painting.moved_on(), more=painted["more"], less=painted["less"]))
    place = view.trigger("fg_view", "place")
    if isinstance(place, dict) and place.get("place") in ("", *PLACES):
        session.paint(replace(painting.moved_on(), place=place["place"]))


def _brush(session: Session, state: EditState) -> dict[str, str] | None:
    """What the brush is told; None where there is nothing to paint over."""
    if not state.moved_in(session.regions):
        return None
    painting = state.painting
    return {
        "id": painting.digest,
        "place": painting.place,
        "more": strokes(painting.more),
        "less": strokes(painting.less),
    }


def _show_face(
    backend: Backend,
    session: Session,
    state: EditState,
    edit: view.PanelEdit | None,
    *,
    is_preview: bool,
    wants_before: bool,
    problem: str | None = None,
) -> None:
    service = backend.service
    try:
        if not is_preview and session.needs_refit(state) and shared.measuring().is_ready:
            session.refit(lambda *face: finishing.refit(service, backend.dials, *face), state)
        request = backend.request(session, state, quick=is_preview)
        start = backend.request(session, session.start)
        make = service.preview if is_preview else service.render
        result = make(request, session=session.id)
    except FacegenError as err:
        result = RenderResult(None, 0, 0.0, error=str(err))
        request = start = service.request(session.base())
    before = None
    if wants_before:
        before = service.render(start, session=session.id + "-before").jpeg
    head: dict[str, Any] = {
        "kind": "preview" if is_preview and result.size < 1024 else "full",
        "id": request.digest,
        "before_id": start.digest,
        "status": status_line(backend, result),
        "natural": natural_mark(session, state),
        "error": result.error or problem,
        "seconds": round(result.seconds, 4),
        "alt": f"Portrait of {session.name}, a person who does not exist",
        "region": region_url(request.keep.region) if is_preview and request.keep else "",
        "brush": _brush(session, state),
        **scenes.shown(backend, state),
        "link": urlencode(link_of(state) or {}),
        "max_mb": st.get_option("server.maxUploadSize"),
    }
    # Equal bytes do not reach the browser again: an answer to a question needs its own number,
    # while a rerun of the page repeats the last message and so costs nothing.
    count, number = st.session_state.get(state_keys.FRAME_COUNT, (0, 0))
    if edit is not None:
        count, number = count + 1, edit.number
    elif wants_before:
        count += 1
    st.session_state[state_keys.FRAME_COUNT] = (count, number)
    head.update(n=number, sequence=count)
    if edit is None or edit.final:
        # Messages arrive in order: with the link before the picture, whoever sees a face can copy
        # its link from the address bar.
        browser_state.write_link(session)
    view.face_view(view.pack_frame(head, result.jpeg, before), key="fg_view", on_ask=lambda: None)


def _show_panel(backend: Backend, session: Session, state: EditState) -> None:
    measuring = shared.measuring()
    measuring.start()
    measured, before = (looking.known(backend, session, one) for one in (state, state.undialled))
    is_current = state is session.state
    readouts = session.readouts(state, measured=measured, before=before if is_current else None)
    # Also where the queue was full: then the page asks again.
    is_settling = is_current and session.settling.is_due(state, readouts)
    in_the_way = corrections.in_the_way(backend, session, readouts) if is_current else {}
    is_asking = is_settling or in_the_way is None
    data = view.panel_data(
        session.table,
        {dial.name: session.dials.spec(dial.name) for dial in session.table},
        readouts,
        reaches=corrections.reaches(backend, session, _near(), readouts),
        in_the_way=in_the_way or {},
        is_somebody_else=is_current
        and session.locks.identity
        and _distance(backend, session) >= SAME_PERSON,
        faceless=measured is not None and not measured,
        offer=is_current
        and not is_settling
        and measuring.is_ready
        and state not in session.settling
        and not session.settling.is_left(state),
        measure_after=SETTLING_SECONDS if is_asking else _ask_again(measured, before),
        settling=is_settling,
        settled=state in session.settling,
        identity=session.locks.identity,
        rest=state.keeps_rest if backend.rests is not None and backend.rests.is_ready else None,
        psi=state.psi,
        own_psi=state.subject.psi,
        max_psi=MAX_PSI,
        revision=session.revision,
        number=st.session_state.get(state_keys.FRAME_COUNT, (0, 0))[1],
    )
    view.dial_panel(
        data,
        key="fg_panel",
        on_edit=lambda: None,
        on_lock=lambda: None,
        on_shuffle=lambda: None,
        on_measure=lambda: None,
        on_near=lambda: None,
    )


def _ask_again(measured: object, before: object) -> float:
    """After how many seconds of rest the page is to ask what there is to see; 0 for never."""
    return shared.measuring().wait if measured is None or before is None else 0.0


def _distance(backend: Backend, session: Session) -> float:
    """How far the current picture is from the person before any dial; 0 if that is not known."""
    start = backend.measured(session, session.state.undialled)
    return shared.measuring().distance(start, backend.measured(session))


def _near() -> str | None:
    """The dial that is focused or held."""
    near = view.trigger("fg_panel", "near")
    if isinstance(near, dict) and isinstance(near.get("name"), str):
        st.session_state[state_keys.NEAR] = near["name"]
    name: str | None = st.session_state.get(state_keys.NEAR)
    return name


def natural_mark(session: Session, state: EditState) -> dict[str, Any]:
    """How natural the face of a state is, as it stands under the picture."""
    if not session.dials.names:
        return {}
    found = how_natural(session.dials.naturalness(session.w_plus(state)))
    return {"word": found.word.capitalize(), "tip": f"{found.sentence}.", "far": found.is_far}


def status_line(backend: Backend, result: RenderResult) -> str:
    """What stands under the picture."""
    if result.jpeg is None:
        return ""
    parts = [f"{result.size} px", f"{result.seconds:.2f} s", str(backend.generator.engine_name)]
    return " · ".join([*parts, "synthetic image"])


# -- people met -----------------------------------------------------------------------------------


def _strip(backend: Backend, session: Session) -> bool:
    """Show the people met; False if there was no time for all of their pictures.

    After many quick presses the current picture does not wait for those of the others.
    """
    until, is_whole = time.monotonic() + STRIP_SECONDS, True
    people = []
    for state in session.history.recent[:STRIP_PEOPLE]:
        has_time = (
            state is session.state
            or time.monotonic() < until
            or (
                backend.is_found(session, state)
                and backend.service.has_thumb(backend.request(session, state))
            )
        )
        is_whole &= has_time
        people.append(
            {
                "uid": state.subject.uid,
                "name": session.name_of(state),
                "src": thumb_url(backend, session, state) if has_time else "",
                "now": state.subject.uid == session.state.subject.uid,
            }
        )

    def pick() -> None:
        event = view.trigger("fg_strip", "pick")
        if isinstance(event, dict) and isinstance(event.get("uid"), int):
            session.switch_to(event["uid"])

    view.people_strip(people, key="fg_strip", on_pick=pick)
    return is_whole


def thumb_url(backend: Backend, session: Session, state: EditState) -> str:
    """A small picture of a state as a data URL; empty when it cannot be made."""
    # The full picture, which is wanted anyway, gives the thumbnail for nothing.
    if state is session.state and not _is_sketch(backend, session):
        backend.service.render(backend.request(session, state), session=session.id)
    return view.jpeg_url(backend.service.thumb(backend.request(session, state)))
