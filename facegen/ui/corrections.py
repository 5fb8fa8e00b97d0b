"""What is found out behind the Design page while its visitor goes on looking.

A picture is brought to what was asked; it is found how far a dial gets, and what is in the way of
one that was missed. Each answer is looked for in a thread (`facegen.ui.shared`) and known in a
later run of the page; whoever has gone on to another picture by then gets none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import cast

from facegen.editing.closed_loop import See
from facegen.editing.obstacles import Obstacle, obstacle
from facegen.editing.remembering import RememberingDials
from facegen.protocols import Dials
from facegen.service.loading import Backend
from facegen.session.edit_state import EditState
from facegen.session.reach import reach
from facegen.session.readouts import Readout, accepted
from facegen.session.session import Session
from facegen.ui import looking, shared

_log = logging.getLogger(__name__)


class _WentOn(Exception):
    """The visitor has another picture by now."""


def settle(
    backend: Backend, session: Session, now: Mapping[str, float], before: Mapping[str, float]
) -> None:
    """Bring the picture of a dial that was turned to what was asked.

    Args:
        backend: Draws.
        session: Of the visitor.
        now: Measured on the current picture, in the dials' units.
        before: On the picture before any dial.
    """
    state = session.state
    if session.settling.is_left(state):
        taken = accepted(state, now, before)
        if taken.corrections != state.corrections:
            session.history.replace(taken)
        return
    readouts = session.readouts(measured=now, before=before)
    if not session.settling.is_due(state, readouts):
        return
    dials = RememberingDials(session.dials)
    see = _while_current(backend, session, dials)

    def find() -> EditState | None:
        try:
            return session.correction(state, before, see, dials=cast(Dials, dials))
        except _WentOn:  # Half a correction would count as all there is when they come back.
            return None
        except Exception:
            _log.exception("A picture could not be brought to what was asked.")
            return state  # It stays as it is: asked again, it would fail again.

    key = _key(session)
    shared.settling().ask(key, find)
    found = shared.settling().known(key)
    if found is not None:
        session.settle(found)


def in_the_way(
    backend: Backend, session: Session, readouts: Mapping[str, Readout]
) -> dict[str, str] | None:
    """What is in the way of the dial that is missed the most, where the picture was corrected.

    Returns:
        Missed dial -> the label of what is in its way, empty if there is nothing; None while that
        is being looked for.
    """
    state, dials = session.state, session.dials
    missed = {
        name: abs(one.missed) / dials.spec(name).unit_per_sd
        for name, one in readouts.items()
        if one.is_off
    }
    if not missed or state not in session.settling or not shared.measuring().is_ready:
        return {}
    worst = max(missed, key=lambda name: missed[name])
    goal, measured, base = readouts[worst].asked, readouts[worst].measured, session.base()
    if goal is None or measured is None:
        return {}
    watched = RememberingDials(dials)
    see = _while_current(backend, session, watched)

    def find() -> tuple[Obstacle | None] | None:
        try:
            moves, asked = cast(Dials, watched), dict(state.deltas)
            return (obstacle(moves, base, asked, worst, goal=goal, measured=measured, see=see),)
        except _WentOn:
            return None
        except Exception:
            _log.exception("What is in the way of a dial could not be found.")
            return (None,)  # Asked again, it would fail again.

    key = *_key(session), worst
    shared.obstacles().ask(key, find)
    found = shared.obstacles().known(key)
    if found is None:
        return None
    if found[0] is None:
        return {}
    labels = {dial.name: dial.label for dial in session.table}
    return {worst: labels.get(found[0].name, "the locked person")}


def reaches(
    backend: Backend, session: Session, name: str | None, readouts: Mapping[str, Readout]
) -> dict[str, tuple[float, float]]:
    """How far a dial gets, on the scale it shows, once that is known."""
    locks, base, dials = session.locks, session.base(), session.dials
    if name is None or name not in dials.names or name in locks.held:
        return {}
    asked = {other: delta for other, delta in session.state.deltas if other != name}
    held = tuple(sorted(locks.held.items())), locks.identity
    key = backend.service.request(base).digest, name, tuple(asked.items()), held
    shared.reaching().ask(key, lambda: reach(dials, base, asked, locks, name))
    ends = shared.reaching().known(key)
    if ends is None:
        return {}
    shift = readouts[name].start - dials.read(base)[name]
    return {name: (round(ends[0] + shift, 3), round(ends[1] + shift, 3))}


def corrected(backend: Backend, session: Session, before: Mapping[str, float]) -> EditState:
    """The current state, corrected on its picture.

    Args:
        backend: Draws.
        session: Of the visitor.
        before: Measured on the picture before any dial, in the dials' units.
    """
    state, dials = session.state, RememberingDials(session.dials)
    see = looking.trying(backend, session, state, dials)
    return session.correction(state, before, see, dials=cast(Dials, dials))


def _while_current(backend: Backend, session: Session, dials: RememberingDials) -> See:
    """`looking.trying` at the current state; raises once the visitor has another."""
    state = session.state

    def go_on() -> None:
        if session.state is not state:
            raise _WentOn

    return looking.trying(backend, session, state, dials, go_on=go_on)


def _key(session: Session) -> tuple[object, ...]:
    return session.id, session.state.drawn_key, session.state.corrections
