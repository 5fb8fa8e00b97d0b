"""The library in the app: whether there is one, the star, and the steps of people who are in it.

Only where the app serves this machine alone: what one visitor keeps would be everybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from facegen.errors import FacegenError
from facegen.face import Face
from facegen.library.store import FILE, Library, Person, key_of
from facegen.paths import data_dir
from facegen.service.loading import Backend
from facegen.session.edit_state import EditState
from facegen.session.session import Session
from facegen.ui import looking, state_keys
from facegen.ui.components import messages

OWN_MACHINE = ("127.0.0.1", "localhost", "::1")
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded")
MOST_AT_ONCE = 100
SIGNS = {"deg": "°", "years": " years"}


@dataclass(frozen=True)
class _Step:
    """A step that was kept, as it was then, and whether its picture was measured."""

    state: EditState
    is_measured: bool


def is_on() -> bool:
    """Whether the app listens to this machine alone, and no server before it lets others in."""
    if st.get_option("server.address") not in OWN_MACHINE:
        return False
    headers = st.context.headers
    try:
        host = urlsplit(f"//{headers.get('Host') or 'localhost'}").hostname
    except ValueError:
        return False
    return host in OWN_MACHINE and not any(name in headers for name in FORWARDED)


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
    """Keep what is new of the people who are in the library."""
    if not is_on():
        return
    steps = _steps()
    try:
        if _key(session, session.state) not in steps:
            steps[_key(session, session.state)] = None  # Asked once, whatever comes of it.
            if library().find(session.face()) is not None:
                keep_steps(backend, session)
        for state in session.history.steps:
            _mend(backend, session, state)
    except FacegenError as err:
        messages.notify(str(err))


def keep_steps(backend: Backend, session: Session) -> Person:
    """Keep all steps of the current person, each with the one before it; the current one counts."""
    kept, now = library(), session.state
    steps = [s for s in session.history.steps if s.subject.uid == now.subject.uid]
    before: tuple[EditState, Face] | None = None
    for state in [*steps[-MOST_AT_ONCE:], now]:
        _mend(backend, session, state)
        face, measured = backend.face(session, state), _measured(backend, session, state)
        kept.add(
            face,
            thumb=_thumb(backend, session, state),
            readings=session.predicted(state) | dict(measured or {}),
            what=_words(session, state, None if before is None else before[0]),
            parent=None if before is None else before[1],
        )
        _steps()[_key(session, state)] = _Step(state, measured is not None)
        before = state, face
    person = kept.find(session.face())
    assert person is not None
    uid, names = now.subject.uid, st.session_state.setdefault(state_keys.LIBRARY_NAMES, {})
    if uid in session.people.called and session.name not in (person.name, names.get(uid)):
        kept.rename(person.id, session.name)  # One that was given here, and is news.
    names[uid] = session.name
    return kept.person(person.id)


def rename(session: Session, person: Person, name: str) -> None:
    """Name somebody in the library, and in the session where they are met there.

    Raises:
        FacegenError: it cannot be used; with the sentence to show.
    """
    library().rename(person.id, name)
    called = library().person(person.id).name
    for state in session.history.recent:
        if key_of(session.face(state)) == person.key:
            session.people.rename(state.subject, called)


def _steps() -> dict[object, _Step | None]:
    """What was kept of this session; None for what is not in the library."""
    found: dict[object, _Step | None] = st.session_state.setdefault(state_keys.LIBRARY_STEPS, {})
    return found


def _mend(backend: Backend, session: Session, state: EditState) -> None:
    """Bring a kept step to what its picture has told since: corrections, measured numbers."""
    steps, key = _steps(), _key(session, state)
    step = steps.get(key)
    if step is None:
        return
    measured = _measured(backend, session, state)
    if step.state.corrections == state.corrections and (step.is_measured or measured is None):
        return
    steps[key] = _Step(state, measured is not None)
    library().mend(
        backend.face(session, step.state),
        backend.face(session, state),
        thumb=_thumb(backend, session, state),
        readings=session.predicted(state) | dict(measured or {}),
    )


def _measured(backend: Backend, session: Session, state: EditState) -> Mapping[str, float] | None:
    return looking.known(backend, session, state)


def _thumb(backend: Backend, session: Session, state: EditState) -> bytes | None:
    """The small picture of a state that is shown, or was; others are not drawn for it."""
    request = backend.request(session, state)
    is_drawn = state is session.state or backend.service.has_picture(request)
    return backend.service.thumb(request) if is_drawn else None


def _words(session: Session, state: EditState, before: EditState | None) -> str:
    """What was done since the step before, in words."""
    table = {dial.name: dial for dial in session.table}
    was = {} if before is None else dict(before.deltas)
    now = dict(state.deltas)
    parts = []
    for name in sorted(now.keys() | was.keys()):
        more = now.get(name, 0.0) - was.get(name, 0.0)
        if more:
            dial = table.get(name)
            unit = "" if dial is None else dial.unit
            number = f"{more:+.{0 if unit in SIGNS else 1}f}".replace("-", "\N{MINUS SIGN}")
            label = name if dial is None else dial.label
            parts.append(f"{label} {number}{SIGNS.get(unit, '')}")
    if before is not None and before.psi != state.psi:
        parts.append(f"How unusual {state.psi:g}")
    was_behind = None if before is None else before.behind
    if was_behind != state.behind:
        parts.append("Own background" if state.behind is None else state.behind.told)
    was_worn = None if before is None else before.worn
    if was_worn != state.worn:
        parts.append("Own clothes" if state.worn is None else state.worn.told)
    if not parts and before is not None and before.corrections != state.corrections:
        parts.append("Corrected")
    return ", ".join(parts[:4]) or "As they came"


def _key(session: Session, state: EditState) -> tuple[object, ...]:
    name = session.name_of(state)
    return session.id, state.key, name
