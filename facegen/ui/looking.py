"""What the pictures of a session's states are measured to show.

Where dials change their own regions alone, two pictures tell of them: the one with its rest kept,
and the latent's own (see `facegen.local.edit.counted`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from facegen.editing.closed_loop import See
from facegen.editing.remembering import RememberingDials
from facegen.operations import KeepRest
from facegen.render_request import RenderRequest
from facegen.service.loading import Backend
from facegen.session.edit_state import EditState
from facegen.session.session import Session
from facegen.ui import shared

Values = Mapping[str, float]
"""Dial -> value in its unit; empty where no face is seen."""


def known(backend: Backend, session: Session, state: EditState) -> Values | None:
    """What a state's picture shows; None as long as that was not measured."""
    find = shared.measuring().known
    return _told(backend, session, state, find)


def see(backend: Backend, session: Session, state: EditState) -> Values | None:
    """Measure a state's picture; None if that cannot be done or no face is seen."""
    measuring = shared.measuring()
    look = lambda request: measuring.see(backend.service, backend.dials, request)  # noqa: E731
    return _told(backend, session, state, look)


def _told(
    backend: Backend,
    session: Session,
    state: EditState,
    find: Callable[[RenderRequest], Values | None],
) -> Values | None:
    request = backend.measured(session, state)
    kept = find(request)
    if not kept or request.keep is None:
        return kept
    whole = find(replace(request, operations=()))
    start = find(backend.measured(session, state.undialled))
    if whole is None or start is None:
        return None
    return _counted(session, state, start, kept, whole)


def trying(
    backend: Backend,
    session: Session,
    state: EditState,
    dials: RememberingDials,
    *,
    go_on: Callable[[], None] = lambda: None,
) -> See:
    """Renders and measures what dials make of a state, with what the state keeps.

    Regions are those of the state: what is corrected is little, and to find them takes as long as
    to draw.

    Args:
        backend: Draws.
        session: Of the visitor.
        state: Whose latents are tried.
        dials: Made them.
        go_on: Raises when nobody waits any more.
    """
    kept, measuring = backend.kept(session, state), shared.measuring()
    start = measuring.known(backend.measured(session, state.undialled))

    def look(w_plus: np.ndarray) -> Values | None:
        go_on()
        tried = replace(state, deltas=tuple(sorted(dials.asked(w_plus).items())))
        rests = tuple(KeepRest.of(session.rest(tried), one.region) for one in kept)
        request = backend.service.request(w_plus, operations=rests)
        values = measuring.see(backend.service, session.dials, request)
        if not values or not rests or not start:
            return values
        whole = measuring.see(backend.service, session.dials, replace(request, operations=()))
        return values if whole is None else _counted(session, tried, start, values, whole)

    return look


def _counted(
    session: Session, state: EditState, start: Values, kept: Values, whole: Values
) -> Values:
    from facegen.local.edit import counted  # Only where something is kept: it brings a lot along.
    from facegen.local.regions import load_regions

    return counted(start, kept, whole, state.moved_in(session.regions), load_regions().gains)
