"""The library in the app: whether there is one, the star, and the steps of people who are in it.

Only where the app serves this machine alone: what one visitor keeps would be everybody's.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from facegen.errors import FacegenError
from facegen.face import Face
from facegen.library.store import FILE, Library, Person
from facegen.paths import data_dir
from facegen.service.loading import Backend
from facegen.session.edit_state import EditState
from facegen.session.session import Session
from facegen.ui import state_keys
from facegen.ui.components import messages

OWN_MACHINE = ("127.0.0.1", "localhost", "::1")
MOST_AT_ONCE = 100


def is_on() -> bool:
    """Whether the app listens to this machine alone."""
    return st.get_option("server.address") in OWN_MACHINE


def library() -> Library:
    """The library of this machine.

    Raises:
        FacegenError: it cannot be used; with the sentence to show.
    """
    found = _library(str(data_dir() / FILE))
    if found.notice:
        messages.notify(found.notice)
        found.notice = ""
    return found


@st.cache_resource(show_spinner=False)
def _library(path: str) -> Library:
    return Library(Path(path))


def current(session: Session) -> Person | None:
    """The current person in the library; None if they are not there, or it cannot be used."""
    if not is_on():
        return None
    try:
        return library().find(session.face())
    except FacegenError:
        return None


def star(backend: Backend, session: Session) -> None:
    """Make the current person a favourite with all their steps, or take the star away."""
    try:
        person = library().find(session.face())
        if person is None or not person.is_favourite:
            person = keep_steps(backend, session)
            library().star(person.id, True)
        else:
            library().star(person.id, False)
    except FacegenError as err:
        messages.notify(str(err))


def follow(backend: Backend, session: Session) -> None:
    """Keep what is new of the current person, if they are in the library."""
    if not is_on():
        return
    known: set[object] = st.session_state.setdefault(state_keys.LIBRARY_STEPS, set())
    if _key(session, session.state) in known:
        return
    try:
        if library().find(session.face()) is not None:
            keep_steps(backend, session)
        known.add(_key(session, session.state))
    except FacegenError as err:
        known.add(_key(session, session.state))
        messages.notify(str(err))


def keep_steps(backend: Backend, session: Session) -> Person:
    """Keep all steps of the current person, each with the one before it; the current one counts."""
    kept, now = library(), session.state
    steps = [s for s in session.history.steps if s.subject.uid == now.subject.uid]
    before: tuple[EditState, Face] | None = None
    for state in [*steps[-MOST_AT_ONCE:], now]:
        face = session.face(state)
        _keep_one(kept, backend, session, state, face, before)
        before = state, face
    person = kept.find(session.face())
    assert person is not None
    if now.subject.uid in session.people.called and person.name != session.name:
        kept.rename(person.id, session.name)
    return kept.person(person.id)


def _keep_one(
    kept: Library,
    backend: Backend,
    session: Session,
    state: EditState,
    face: Face,
    before: tuple[EditState, Face] | None,
) -> None:
    request = backend.request(session, state)
    is_drawn = state is session.state or backend.service.has_picture(request)
    kept.add(
        face,
        thumb=backend.service.thumb(request) if is_drawn else None,
        readings=session.predicted(state),
        what=_words(session, state, None if before is None else before[0]),
        parent=None if before is None else before[1],
    )


def _words(session: Session, state: EditState, before: EditState | None) -> str:
    """What was done since the step before, in words."""
    labels = {dial.name: dial.label for dial in session.table}
    was = {} if before is None else dict(before.deltas)
    now = dict(state.deltas)
    parts = [
        f"{labels.get(name, name)} {now.get(name, 0.0) - was.get(name, 0.0):+.3g}"
        for name in sorted(now.keys() | was.keys())
        if now.get(name, 0.0) != was.get(name, 0.0)
    ]
    if before is not None and before.psi != state.psi:
        parts.append(f"How unusual {state.psi:g}")
    return ", ".join(parts[:4]) or "As they came"


def _key(session: Session, state: EditState) -> tuple[object, ...]:
    name = session.name_of(state)
    return session.id, state.subject.uid, state.psi, state.deltas, name
