"""Addresses: what stands in the browser's address bar for a state, and going where one leads.

A link (`facegen.session.edit_state.link_of`) tells all of somebody from a seed and opens anywhere.
Somebody from a file has an address that only the session that met them understands: a browser's
Back and Forward, and a reload, find them by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from facegen.latents import DEFAULT_PSI
from facegen.session import worn
from facegen.session.behind import of_link
from facegen.session.bundles import bundle_of
from facegen.session.easing import eased_link
from facegen.session.edit_state import (
    BACKGROUND,
    CLOTHES,
    KEEP,
    PAINTED,
    PERSON,
    PLACE,
    REST,
    EditState,
    Subject,
    clean_psi,
    corrections_of_link,
    deltas_of_link,
    link_of,
    parse_number,
    parse_seed,
    rest_of_link,
)
from facegen.session.painting import PLACES, Painting
from facegen.session.session import Session
from facegen.session.wishes import FILE

ADDRESS_DIGITS = 10
NO_SEED = "The link has no usable seed"
NOT_PAINTED = (
    "A link does not carry what was painted: dials act in their own regions. A saved file does."
)
NO_BACKGROUND = "The link names a background that there is not: here is the face's own."
NOT_TOLD = (
    "A link does not carry the background of somebody from a file: here is the face's own. A saved "
    "file carries it."
)
NO_CLOTHES = "The link names clothes that there are not: here are the face's own."
CLOTHES_NOT_TOLD = (
    "A link does not carry the clothes of somebody from a file: here are the face's own. A saved "
    "file carries them."
)
NOTHING_KEPT = "This network cannot keep the rest of a picture: dials change all of it."
NOWHERE = "What this link names as the place where dials act is not known here."
NOT_HERE = (
    "This address leads to somebody from a file, whom only the browser knows that opened the file"
)


@dataclass(frozen=True)
class Followed:
    """What became of an address.

    Attributes:
        problem: Why it leads nowhere, as the beginning of a sentence; the session stays.
        eased: What of it was absurd and was brought within limits, as a sentence.
        unknown: Names in it that are no dials here.
    """

    problem: str = ""
    eased: str = ""
    unknown: tuple[str, ...] = ()


def address_of(state: EditState) -> dict[str, str]:
    """The query of the address of a state: its link, or what this session finds it by."""
    link = link_of(state)
    if link is not None:
        return link
    return {PERSON: bundle_of(state.subject)[0][:ADDRESS_DIGITS], **rest_of_link(state)}


def follow(session: Session, query: Mapping[str, str]) -> Followed:
    """Go where an address leads: to a step, to somebody met, or to somebody new, as a new step.

    Args:
        session: Of the visitor.
        query: The address, from outside; an empty one leads to who is shown.
    """
    wanted = dict(query)
    if not wanted or wanted == address_of(session.state):
        return Followed()
    steps, at = session.history.steps, session.history.at
    for index in sorted(range(len(steps)), key=lambda index: abs(index - at)):
        if address_of(steps[index]) == wanted:
            session.go(index - at)
            return Followed()
    for state in session.history.recent:
        if address_of(state) == wanted:
            session.step(state)
            return Followed()
    return _open(session, wanted)


def open_link(session: Session, query: Mapping[str, str]) -> Followed:
    """Give the current person, who came by a link, the dials that the link tells."""
    query, eased = eased_link(query, session.dials, session.base(), session.table)
    unknown = tuple(apply_query(session, query))
    told = [eased, *_not_kept(session, query)]
    background = query.get(BACKGROUND, "")
    if background and of_link(background) is None:
        told.append(NOT_TOLD if background.startswith(FILE) else NO_BACKGROUND)
    clothes = query.get(CLOTHES, "")
    if clothes and worn.of_link(clothes) is None:
        told.append(CLOTHES_NOT_TOLD if clothes.startswith(FILE) else NO_CLOTHES)
    return Followed(eased=" ".join(filter(None, told)), unknown=unknown)


def _not_kept(session: Session, query: Mapping[str, str]) -> list[str]:
    """What of the rest that a link keeps is not kept here, as sentences."""
    if query.get(KEEP) != REST or not session.state.deltas:
        return []
    if not session.regions:
        return [NOTHING_KEPT]
    place = query.get(PLACE, "")
    told = [] if place in ("", *PLACES) else [NOWHERE]
    return [*told, NOT_PAINTED] if query.get(PAINTED) else told


def apply_query(session: Session, query: Mapping[str, str]) -> list[str]:
    """Set the dials of a link as the subject's first state; gives the names not known."""
    deltas, unknown = deltas_of_link(query, session.limits)
    corrections = corrections_of_link(query, deltas)
    state = replace(session.state, deltas=deltas, corrections=corrections)
    if deltas:
        place = query.get(PLACE, "")
        painting = Painting(place=place if place in PLACES else "")
        state = replace(state, keeps_rest=query.get(KEEP) == REST, painting=painting)
    clothes = worn.of_link(query.get(CLOTHES, ""))
    state = replace(state, behind=of_link(query.get(BACKGROUND, "")), worn=clothes)
    session.put(state)
    return unknown


def problem_of(query: Mapping[str, str]) -> str:
    """Why an address leads to nobody, where it does not; empty where it asks for nobody."""
    if PERSON in query:
        return NOT_HERE
    return NO_SEED if "seed" in query and parse_seed(query["seed"]) is None else ""


def _open(session: Session, query: dict[str, str]) -> Followed:
    number = parse_number(query.get("psi", ""))
    psi = DEFAULT_PSI if number is None else clean_psi(number)
    known, seed = _known(session, query, psi), parse_seed(query.get("seed", ""))
    if known is not None:
        session.step(EditState(known, psi, keeps_rest=session.state.keeps_rest))
    elif PERSON in query or seed is None:
        return Followed(problem=problem_of(query))
    else:
        session.new_person(seed, psi=psi)
    return open_link(session, query)


def _known(session: Session, query: Mapping[str, str], psi: float) -> Subject | None:
    """The earlier subject whom an address means."""
    for state in (*session.history.recent, *session.history.steps):
        own = address_of(EditState(state.subject, state.subject.psi))
        key = PERSON if PERSON in own else "seed"
        if query.get(key) == own[key] and (key == PERSON or state.subject.psi == psi):
            return state.subject
    return None
