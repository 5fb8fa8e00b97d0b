"""What a visitor puts behind somebody and dresses them in, on the Design page."""

from __future__ import annotations

from typing import Any

from facegen.service.loading import Backend
from facegen.session import behind, worn
from facegen.session.edit_state import EditState
from facegen.session.session import Session
from facegen.ui import browser_state
from facegen.ui.components import view

TRIED = 5
"""People of whom one is to show clothes."""


def take(backend: Backend, session: Session) -> str:
    """Take what the browser asks for; gives why that cannot be, as a sentence."""
    is_meant, back = behind.asked(
        view.trigger("fg_view", "behind"), session.state.behind, browser_state.any_seed()
    )
    if backend.mattes is None:
        return ""
    if is_meant:
        session.put_before(back)
    event, problem = view.trigger("fg_view", "clothes"), ""
    for _ in range(TRIED):
        is_meant, clothes = worn.asked(event, session.state.worn, browser_state.any_seed())
        if not is_meant:
            return ""
        problem = backend.why_not_worn(session, clothes)
        if not problem:
            session.put_on(clothes)
            return ""
        if clothes is None or not clothes.is_anothers:
            break
    return problem


def shown(backend: Backend, state: EditState) -> dict[str, Any]:
    """What the choices of backgrounds and clothes are told; None where there are none."""
    if backend.mattes is None:
        return {"behind": None, "clothes": None}
    back: dict[str, Any] = {"id": "", "kind": "", "strength": 0.0, "colour": ""}
    if state.behind is not None:
        back = {"id": state.behind.digest, **vars(state.behind.backdrop)}
    clothes = {"id": "", "kind": "", "colour": ""}
    if state.worn is not None:
        clothes = {"id": state.worn.digest, **vars(state.worn.clothing)}
    return {"behind": back, "clothes": clothes}
