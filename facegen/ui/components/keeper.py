"""The inline component through which the visitor's browser keeps what it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from facegen.ui.components import view

MAX_TABS = 20
MAX_TEXTS = 2000

_KEEP = view.component("keep")


@dataclass(frozen=True)
class Kept:
    """What a browser kept.

    Attributes:
        parts: Part -> its text, of this tab, or for a new tab of the newest one.
        bundles: Id -> text, what the parts name.
        others: The parts of the other tabs, for a new tab.
    """

    parts: Mapping[str, str]
    bundles: Mapping[str, str]
    others: tuple[Mapping[str, str], ...] = ()


def ask(nonce: str, *, key: str) -> None:
    """Ask the browser for what it kept; the trigger `kept` carries it.

    The trigger `again` makes a run after the connection was lost: a server that was started anew
    knows nothing of the page.
    """
    _KEEP(key=key, data={"ask": True, "nonce": nonce}, **_triggers())


def keep(
    nonce: str,
    parts: Mapping[str, str],
    *,
    key: str,
    bundles: Mapping[str, str] | None = None,
) -> None:
    """Let the browser keep parts: each is written where its text is another than before.

    Args:
        nonce: The one with which it was asked; with another, a record of its own is begun.
        parts: Name -> text.
        key: Of the component.
        bundles: What the parts name, where they name anything.
    """
    entries = {name: {"text": text, "bundles": bundles} for name, text in parts.items()}
    _KEEP(key=key, data={"ask": False, "nonce": nonce, "parts": entries}, **_triggers())


def _triggers() -> dict[str, Callable[[], None]]:
    names = ("on_kept_change", "on_trouble_change", "on_again_change")
    return {name: lambda: None for name in names}


def read_kept(event: object, nonce: str) -> Kept | None:
    """Read what the browser sent; None for anything else, and for the answer to another question.

    What each text holds is for whom it belongs to to check.
    """
    if not isinstance(event, Mapping) or event.get("nonce") != nonce:
        return None
    others = event.get("others")
    others = others if isinstance(others, list) else []
    return Kept(
        _texts(event.get("parts")),
        _texts(event.get("bundles")),
        tuple(_texts(other) for other in others[:MAX_TABS]),
    )


def _texts(value: Any) -> dict[str, str]:
    entries = list(value.items())[:MAX_TEXTS] if isinstance(value, Mapping) else []
    return {name: text for name, text in entries if isinstance(name, str) and isinstance(text, str)}
