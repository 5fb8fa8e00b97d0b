"""The page "Explore": people to choose from, found by a sentence, mixed, or simply new."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from facegen.errors import FacegenError, UsageError
from facegen.face import Face
from facegen.service.crowds import Gathering, Member
from facegen.service.loading import Backend
from facegen.session.edit_state import parse_seed
from facegen.session.session import Session
from facegen.ui import browser_state, keeping, kept_people, shared, state_keys
from facegen.ui.components import crowd_view, messages, view
from facegen.ui.components.crowd_view import Act
from facegen.ui.exploring import CHOICES, Exploring, called, take
from facegen.ui.pages import your_dials

DRAW_SECONDS, FIRST_SECONDS = 0.45, 1.2
"""So long pictures are drawn for one message, and for the first one of a crowd."""
FIRST_TILES = 12
EXAMPLES = (
    "woman, 55-65, grey hair, glasses, slight smile",
    "young man, beard, looking left",
    "child, red hair",
    "bald, over 70",
)
ACTIONS = (
    {"what": "design", "label": "Go on in Design", "least": 1, "most": 1, "main": True,
     "title": "Make this person the current one and turn their dials"},
    {"what": "sweep", "label": "Pose sweep", "least": 1, "most": 1,
     "title": "This person from every side"},
    {"what": "similar", "label": "More like this", "least": 1, "most": 1,
     "title": "The same person otherwise, others of the type, and lookalikes"},
    {"what": "variants", "label": "Variants", "least": 1, "most": 1,
     "title": "The same person with something changed"},
    {"what": "average", "label": "Average", "least": 2, "most": 100,
     "title": "The person between those selected"},
    {"what": "children", "label": "Children", "least": 2, "most": 2,
     "title": "People who have something of both"},
    {"what": "compare", "label": "Compare", "least": 2, "most": 2,
     "title": "Both side by side, with a line to drag"},
    {"what": "keep", "label": "☆ Keep", "least": 1, "most": 100,
     "title": "Keep in the library of this machine"},
    {"what": "dial", "label": "Make a dial", "least": 3, "most": 100,
     "title": "Marks these as having it, on the page Your dials"},
)  # fmt: skip
BUTTONS = frozenset(
    {*(str(one["what"]) for one in ACTIONS), "look", "back", "stop", "more", "others", "set", "map"}
)
Go = Callable[[str], None]
"""Shows another page: "design", "sweep" or "dials"."""


def page(backend: Backend, go: Go) -> None:
    """Draw the page."""
    session = browser_state.session(backend)
    shared.finder(backend).prepare()
    if browser_state.is_travelling():
        _go(_exploring(backend))
    with st.container(key="fg_explore"):
        _people(backend, session, go)


def _exploring(backend: Backend) -> Exploring:
    """What this visitor looks at; made from the link on first use."""
    state, query = st.session_state, st.query_params
    known: Exploring | None = state.get(state_keys.EXPLORING)
    finder = shared.finder(backend)
    if known is None or known.finder is not finder:
        known = state[state_keys.EXPLORING] = Exploring(finder, parse_seed(query.get("people", "")))
        known.restore(*keeping.explored())
        _go(known)
    return known


def _go(exploring: Exploring) -> None:
    """Show what the address tells."""
    trouble = exploring.go(dict(st.query_params))
    if trouble:
        messages.notify(trouble)


@st.fragment
def _people(backend: Backend, session: Session, go: Go) -> None:
    with messages.guarded():  # A fragment's own reruns do not pass through the page.
        _draw(backend, session, go)


def _draw(backend: Backend, session: Session, go: Go) -> None:
    exploring = _exploring(backend)
    asked, acted, sent = st.session_state.get(state_keys.EXPLORED, (0, 0, 0))
    question = crowd_view.read_question(view.trigger("fg_ask", "ask"))
    if question is not None and question[0] > asked:
        asked = question[0]
        exploring.ask(question[1])
    wants = crowd_view.read_wants(view.trigger("fg_crowd", "tell"), known=BUTTONS)
    looked: Sequence[int] = ()
    pair: Sequence[int] = ()
    trouble, goal = "", ""
    if wants is not None:
        sent = wants.number
        if wants.stamp == exploring.shown.stamp:
            exploring.shown.picked = wants.picked
        for act in wants.acts:
            if act.number <= acted:
                continue
            acted = act.number
            if wants.stamp != exploring.shown.stamp:
                continue  # Meant for people who are gone.
            if act.what in ("look", "compare"):
                looked = act.ids[:2]
                pair = looked if act.what == "compare" else ()
                continue
            try:
                goal = _do(backend, session, exploring, act) or goal
            except FacegenError as err:
                trouble = str(err)
    st.session_state[state_keys.EXPLORED] = (asked, acted, sent)
    browser_state.tell_page({} if goal else dict(exploring.shown.query))
    if not goal:
        browser_state.write_link(session)
    if goal:
        exploring.shown.crowd.stop()
        go(goal)
    crowd_view.ask_box(_box(exploring, asked), key="fg_ask")
    opened = _map(session, exploring)
    if opened is not None:
        looked = (opened,)
    is_known = wants is not None and wants.stamp == exploring.shown.stamp
    need = wants.need if is_known and wants is not None else range(FIRST_TILES)
    seconds = DRAW_SECONDS if is_known else FIRST_SECONDS
    packed = _pack(backend, session, exploring, need, looked, trouble, seconds)
    packed[0].update(n=sent, acted=acted, pair=list(pair), opened=opened)
    crowd_view.crowd(crowd_view.pack_crowd(*packed), key="fg_crowd")
    keeping.keep_explored(*exploring.kept())
    messages.show_notices()


# -- what was pressed -----------------------------------------------------------------------------


def _do(backend: Backend, session: Session, exploring: Exploring, act: Act) -> str | None:
    """Do it; gives the page to go to, if any."""
    crowd, faces = exploring.shown.crowd, exploring.faces(act.ids)
    if act.what in ("design", "sweep") and faces:
        take(session, faces[0])
        return act.what
    if act.what == "average" and len(faces) > 1:
        exploring.average(faces)
    elif act.what == "children" and len(faces) == 2:
        exploring.children(faces)
    elif act.what == "variants" and faces:
        exploring.variants(faces[:1])
    elif act.what == "similar" and faces:
        exploring.similar(faces[:1])
    elif act.what == "keep" and kept_people.is_on():
        keep(backend, session, exploring, act.ids)
    elif act.what == "dial":
        mark(faces)
        return "dials"
    elif act.what == "back":
        exploring.back()
    elif act.what == "others":
        exploring.others()
    elif act.what == "set":
        exploring.set(*act.value.split("=", 1)) if "=" in act.value else None
    elif act.what == "map":
        exploring.map.is_on = not exploring.map.is_on
    elif act.what == "stop":
        crowd.stop()
    elif act.what == "more" and isinstance(crowd, Gathering):
        crowd.more(FIRST_TILES)
    return None


def keep(backend: Backend, session: Session, exploring: Exploring, places: Sequence[int]) -> None:
    """Make people favourites in the library of this machine.

    Raises:
        FacegenError: it cannot be used; those before are kept.
    """
    count = 0
    for place in places:
        member = exploring.member(place)
        if member is None:
            continue
        face = member.face
        person = kept_people.library().add(
            replace(face, name=_told(place, member)["name"]),
            thumb=shared.tiles().jpeg(backend.service, member),
            readings=session.dials.read(face.w_plus),
            what="As they came",
        )
        kept_people.library().star(person.id, True)
        count += 1
    who = "1 person is" if count == 1 else f"{count} people are"
    messages.notify_done(f"{who} kept in the library.")


def mark(faces: Sequence[Face]) -> None:
    """Mark people as having it, for a dial of the user's own.

    Raises:
        UsageError: one of them is no person of a seed.
    """
    seeds = [face.seed for face in faces if face.seed is not None and not face.operations]
    if len(seeds) < len(faces):
        raise UsageError(
            "A dial is made from people as they come; leave out those who were made or changed."
        )
    your_dials.mark(seeds)


# -- what is shown --------------------------------------------------------------------------------


def _map(session: Session, exploring: Exploring) -> int | None:
    """The map, if it is wanted; gives the place of whoever was clicked on it."""
    if not exploring.map.is_on or not exploring.finder.dials.names:
        return None
    from facegen.ui.pages import explore_map  # with Altair and Pandas: a second

    return explore_map.show(exploring, session.table)


def _box(exploring: Exploring, asked: int) -> dict[str, Any]:
    return {
        "text": exploring.text,
        "chips": [list(chip) for chip in exploring.chips],
        "error": exploring.problem,
        "examples": list(EXAMPLES),
        "n": asked,
    }


def _pack(
    backend: Backend,
    session: Session,
    exploring: Exploring,
    need: Sequence[int],
    looked: Sequence[int],
    trouble: str,
    seconds: float,
) -> tuple[dict[str, Any], list[bytes]]:
    """Header and pictures: the full ones that are looked at, and tiles as far as there is time."""
    shown = exploring.shown
    shown.crowd.touch()
    fulls, full_jpegs = _fulls(backend, session, exploring, looked)
    tiles, jpegs = _tiles(backend, exploring, need, time.monotonic() + seconds)
    head = {
        "stamp": shown.stamp,
        "count": shown.crowd.count,
        "busy": shown.crowd.is_busy,
        # The chips tell, unless a sentence is in the box that nobody is looked for by.
        "title": "" if shown.kind == "found" and not exploring.problem else shown.title,
        "status": _status(exploring),
        "end": trouble or _end(exploring),
        "back": exploring.can_go_back,
        "pills": _pills(exploring),
        "actions": [one for one in ACTIONS if one["what"] != "keep" or kept_people.is_on()],
        "picked": list(shown.picked),
        "query": urlencode(sorted(shown.query.items())),
        "tiles": tiles,
        "fulls": fulls,
    }
    return head, [*jpegs, *full_jpegs]


def _tiles(
    backend: Backend, exploring: Exploring, need: Sequence[int], until: float
) -> tuple[list[dict[str, Any]], list[bytes]]:
    tiles, jpegs = [], []
    maker = shared.tiles()
    for place in need:
        member = exploring.member(place)
        if member is None:
            continue
        jpeg = maker.known(backend.service, member)
        if jpeg is None:
            if time.monotonic() > until:
                continue
            jpeg = maker.jpeg(backend.service, member)
        tiles.append({**_told(place, member), "bytes": len(jpeg or b"")})
        jpegs.append(jpeg or b"")
    return tiles, jpegs


def _fulls(
    backend: Backend, session: Session, exploring: Exploring, looked: Sequence[int]
) -> tuple[list[dict[str, Any]], list[bytes]]:
    fulls, jpegs = [], []
    for place in looked:
        member = exploring.member(place)
        if member is None:
            continue
        face = member.face
        request = backend.service.request(
            face.w_plus, operations=face.pixel_operations, weights=face.weights
        )
        result = backend.service.render(request, session=f"{session.id}-explore-{place}")
        fulls.append(
            {**_told(place, member), "bytes": len(result.jpeg or b""), "error": result.error}
        )
        jpegs.append(result.jpeg or b"")
    return fulls, jpegs


def _told(place: int, member: Member) -> dict[str, Any]:
    return {"i": place, "name": called(member), "words": member.words}


def _status(exploring: Exploring) -> str:
    """How far a search is."""
    shown = exploring.shown
    if not isinstance(shown.crowd, Gathering) or shown.kind not in ("found", "similar"):
        return ""
    if shown.kind == "similar":
        return "Looking …" if shown.crowd.is_busy else ""
    told, count = shown.crowd.told, shown.crowd.count
    parts = [f"{count} found"] if count else []
    if told.odds:
        parts.append(told.odds)
    if told.looked_at:
        parts.append(f"{told.looked_at:,} people looked at")
    if shown.crowd.is_busy:
        parts.append("looking …" if parts else "Looking …")
    return " · ".join(parts)


def _end(exploring: Exploring) -> str:
    """What stands under the people."""
    crowd, kind = exploring.shown.crowd, exploring.shown.kind
    if crowd.error:
        return crowd.error
    if not isinstance(crowd, Gathering) or crowd.is_busy:
        return ""
    if kind == "found" and not crowd.count:
        return (
            "Nobody like this was found. Leave a chip out, or say something more softly: "
            "“slightly” helps, and so does a wider range of ages."
        )
    return "Those are all that were found." if kind == "found" and crowd.is_over else ""


def _pills(exploring: Exploring) -> list[dict[str, Any]]:
    """Buttons beside the title."""
    shown, crowd = exploring.shown, exploring.shown.crowd
    pills: list[dict[str, Any]] = []
    for name, label in (("what", "What changes"), ("strength", "How much"), ("keep", "How alike")):
        if name in shown.settings:
            group = [
                {"what": "set", "value": f"{name}={value}", "label": word,
                 "on": shown.settings[name] == value}
                for value, word in CHOICES[name].items()
            ]  # fmt: skip
            pills.append({"group": group, "label": label})
    if isinstance(crowd, Gathering) and crowd.is_busy and shown.kind in ("found", "similar"):
        pills.append({"what": "stop", "label": "Stop"})
    elif isinstance(crowd, Gathering) and not crowd.is_over and not crowd.is_busy:
        pills.append({"what": "more", "label": "More", "title": "Look for more of them"})
    if exploring.finder.dials.names:
        pills.append({"what": "map", "label": "Map", "on": exploring.map.is_on,
                      "title": "Where they stand among all people"})  # fmt: skip
    if shown.kind == "new":
        pills.append({"what": "others", "label": "Other people", "title": "New people at the top"})
    elif "seed" in shown.settings and shown.settings.get("keep") in (None, "person"):
        pills.append({"what": "others", "label": "Others", "title": "Made anew"})
    return pills
