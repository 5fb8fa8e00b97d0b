"""What a visitor has, kept by their own browser and asked back at the start of a session.

The server remembers nothing of anybody: a reload, a closed tab, a crash of the browser and a
restart of the server all begin a new session, which asks the browser first. Each tab of a browser
has a record of its own there (see `components/assets/keep.js`).
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from facegen.errors import BadFileError, FacegenError, SpaceMismatchError
from facegen.records import RecordError, parse_record
from facegen.session import saved
from facegen.session.presets import from_json, to_json
from facegen.session.session import Session
from facegen.ui import state_keys
from facegen.ui.components import keeper, messages, presets_menu, view

_log = logging.getLogger(__name__)

WAIT_SECONDS = 20.0
"""A browser answers in a tenth of a second; on a busy machine it may take long to begin."""
POLL_SECONDS = 0.02
BROWSERS = "Mozilla"
"""What every browser calls itself: others keep nothing and are not asked."""
KEY = "fg_keep"
BUNDLES_KEY = "fg_keep_bundles"
MARKS_KEY = "fg_keep_marks"
EXPLORED_KEY = "fg_keep_explored"
MAX_MARKS = 2000
MAX_GALLERY = 200
MAX_QUERY = 2000
PAGE, PAGE_QUERY, MODEL, PRESETS, MARKS, SWEEP, EXPLORED, PHOTO = (
    "page", "page_query", "model", "presets", "marks", "sweep", "explored", "photo"
)  # fmt: skip

T = TypeVar("T")


@dataclass
class _Marks:
    seeds: list[int] = field(default_factory=list)
    marks: dict[int, str] = field(default_factory=dict)


@dataclass
class _Sweep:
    id: str
    name: str = "face"


def is_ready() -> bool:
    """Whether what the browser kept is here, or nothing is to come.

    At the start of a session this waits: the answer begins the run anew. Nothing is drawn
    meanwhile, so that whoever was there stays on the screen.
    """
    state = st.session_state
    if state_keys.KEPT in state:
        return True
    if state_keys.KEEP_NONCE not in state:
        state[state_keys.KEEP_NONCE] = uuid.uuid4().hex
        if BROWSERS not in (st.context.headers.get("User-Agent") or ""):
            return _begin(keeper.Kept({}, {}))
    nonce = state[state_keys.KEEP_NONCE]
    found = keeper.read_kept(view.trigger(KEY, "kept"), nonce)
    if found is not None:
        return _begin(found)
    keeper.ask(nonce, key=KEY)
    place, end = st.empty(), time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        place.empty()  # Streamlit ends the run here once the answer has come.
    _set_aside()
    return _begin(keeper.Kept({}, {}))


def _begin(found: keeper.Kept) -> bool:
    """Take what does not wait for the network."""
    st.session_state[state_keys.KEPT] = found
    marks = _read(found, MARKS, _Marks)
    if marks is not None and marks.marks:
        known = {seed: mark for seed, mark in marks.marks.items() if mark in ("has", "not")}
        st.session_state[state_keys.MARKS] = dict(list(known.items())[:MAX_MARKS])
        st.session_state[state_keys.GALLERY_SEEDS] = marks.seeds[:MAX_GALLERY]
    if found.parts.get(PHOTO):  # The server tells whether it still has it.
        st.session_state[state_keys.PHOTO] = found.parts[PHOTO][:40]
    sweep = _read(found, SWEEP, _Sweep)
    if sweep is not None:
        _find_sweep(sweep)
    return True


def _find_sweep(sweep: _Sweep) -> None:
    """Take up a sweep again that this process still has."""
    from facegen.service.sweep_job import find_job  # with all that turns heads

    job = find_job(sweep.id)
    if job is None:
        st.session_state[state_keys.SWEEP_GONE] = True
    else:
        st.session_state[state_keys.SWEEP] = job
        st.session_state[state_keys.SWEEP_NAME] = sweep.name[:80]


def page() -> tuple[str, dict[str, str]]:
    """The page one was on, once: its path, empty for none, and what its address told beside."""
    state = st.session_state
    if state_keys.KEPT_PAGE in state:
        return "", {}
    state[state_keys.KEPT_PAGE] = True
    parts = state[state_keys.KEPT].parts
    query = parse_qsl(parts.get(PAGE_QUERY, "")[:MAX_QUERY])
    return parts.get(PAGE, "")[:40], dict(query)


def model() -> str | None:
    """The network that was chosen; None for the default one."""
    found: keeper.Kept | None = st.session_state.get(state_keys.KEPT)
    return (found.parts.get(MODEL) or None) if found else None


def restore(session: Session) -> bool:
    """Put into a new session what the browser kept of its latent space; whether there was any."""
    found: keeper.Kept = st.session_state.get(state_keys.KEPT) or keeper.Kept({}, {})
    part = _part(session.space)
    text = found.parts.get(part, "")
    is_there = bool(text) and _restored(session, saved.Saved(text, found.bundles))
    for other in found.others:
        if other.get(part):
            saved.meet(session, saved.Saved(other[part], found.bundles))
    _restore_presets(session, found)
    return is_there


def _restored(session: Session, what: saved.Saved) -> bool:
    try:
        left_out = saved.restore(session, what)
    except SpaceMismatchError:
        return False
    except BadFileError as err:
        _set_aside()
        messages.notify(f"{err} It stays in this browser; here is somebody new.")
        return False
    except Exception:
        _log.exception("A kept session could not be read.")
        _set_aside()
        messages.notify("What this browser kept could not be read; here is somebody new.")
        return False
    if left_out:
        _set_aside()
        messages.notify(f"All is back but {_counted(left_out)}, which cannot be read here.")
    return True


def _restore_presets(session: Session, found: keeper.Kept) -> None:
    text = found.parts.get(PRESETS)
    if not text or st.session_state.get(state_keys.PRESETS):
        return
    try:
        st.session_state[state_keys.PRESETS] = from_json(text.encode("utf-8"), session.dials)[0]
    except FacegenError:
        _log.warning("Kept presets could not be read.")


def _set_aside() -> None:
    """Begin a record of its own in the browser: what was kept stays untouched beside it."""
    st.session_state[state_keys.KEEP_NONCE] = uuid.uuid4().hex


def keep(session: Session | None, page: str) -> None:
    """Let the browser keep what there is now."""
    nonce = st.session_state[state_keys.KEEP_NONCE]
    state = st.session_state
    query = urlencode(state.get(state_keys.PAGE_QUERY, {}))
    parts = {PAGE: page, PAGE_QUERY: query, MODEL: state.get(state_keys.MODEL) or ""}
    if state_keys.SWEEP in state:
        name = state.get(state_keys.SWEEP_NAME, "face")
        parts[SWEEP] = json.dumps({"id": state[state_keys.SWEEP].id, "name": name})
    parts[PHOTO] = state.get(state_keys.PHOTO, "")
    if presets_menu.own():
        parts[PRESETS] = to_json(presets_menu.own()).decode("utf-8")
    if session is not None:
        now = saved.save(session)
        names = {f"bundles:{session.space}": " ".join(sorted(now.bundles))}
        keeper.keep(nonce, names, key=BUNDLES_KEY, bundles=now.bundles)
        parts[_part(session.space)] = now.text
    keeper.keep(nonce, parts, key=KEY)
    _tell_trouble()


def keep_marks() -> None:
    """Let the browser keep the marks of the page "Your dials", which change in a fragment."""
    nonce = st.session_state.get(state_keys.KEEP_NONCE)
    if nonce is None:
        return
    text = json.dumps(
        {
            "seeds": list(st.session_state.get(state_keys.GALLERY_SEEDS, ())),
            "marks": {str(k): v for k, v in st.session_state.get(state_keys.MARKS, {}).items()},
        }
    )
    keeper.keep(nonce, {MARKS: text}, key=MARKS_KEY)


def explored() -> tuple[str, Mapping[str, str]]:
    """What was kept of the page Explore: its text, and texts that it names."""
    found: keeper.Kept | None = st.session_state.get(state_keys.KEPT)
    return ("", {}) if found is None else (found.parts.get(EXPLORED, ""), found.bundles)


def keep_explored(text: str, bundles: Mapping[str, str]) -> None:
    """Let the browser keep the page Explore, which changes in a fragment."""
    nonce = st.session_state.get(state_keys.KEEP_NONCE)
    if nonce is not None:
        keeper.keep(nonce, {EXPLORED: text}, key=EXPLORED_KEY, bundles=bundles)


def _tell_trouble() -> None:
    for key in (KEY, BUNDLES_KEY, MARKS_KEY, EXPLORED_KEY):
        trouble = view.trigger(key, "trouble")
        if isinstance(trouble, Mapping):
            why = "has no room left" if trouble.get("full") else "keeps nothing for this page"
            messages.say_quietly(
                f"This browser {why}: a reload forgets your people. Save those you like as files."
            )
            return


def _part(space: str) -> str:
    return f"session:{space}"


def _read(found: keeper.Kept, part: str, kind: type[T]) -> T | None:
    try:
        return parse_record(found.parts[part], kind) if part in found.parts else None
    except RecordError:
        _log.warning("The kept part '%s' could not be read.", part)
        return None


def _counted(things: list[str]) -> str:
    counts = {thing: things.count(thing) for thing in dict.fromkeys(things)}
    words = [f"{thing} ({count} times)" if count > 1 else thing for thing, count in counts.items()]
    return ", ".join(words[:5])
