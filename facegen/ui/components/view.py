"""The inline components of the pages, and what is packed into them.

`face_view` shows the picture, `dial_panel` the dials, `people_strip` the people met, `tiles` small
pictures to choose from, `seed_box` the seed. Their HTML, CSS and JavaScript lie in `assets/`. They
talk to Python with triggers only; what they send is checked before it is used. No text of a user
enters as HTML.
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from facegen.explore.words import search_words
from facegen.session.readouts import Readout
from facegen.ui.components.bundle import bundled

_ASSETS = Path(__file__).parent / "assets"
MAX_PRESSES = 100


def asset_path(name: str) -> Path:
    """Where a file of `assets/` lies."""
    return _ASSETS / name


def asset(name: str) -> str:
    """Text of a file in `assets/`."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def component(name: str) -> Callable[..., Any]:
    """The inline component of the assets `NAME.html`, `NAME.css` and `NAME.js`."""
    return st.components.v2.component(
        f"facegen_{name}",
        html=asset(f"{name}.html"),
        css=asset(f"{name}.css"),
        js=bundled(_ASSETS / f"{name}.js"),
        isolate_styles=False,
    )


_FACE = component("face")
_PANEL = component("panel")
_STRIP = component("strip")
_TILES = component("tiles")
_SEED = component("seed")
_CLOSE_SIDEBAR = component("close_sidebar")


def trigger(key: str, name: str) -> Any:
    """What a component sent, in the run it caused, else None.

    Args:
        key: Of the component.
        name: Of its trigger.
    """
    state = st.session_state.get(key)
    return state.get(name) if state else None


@dataclass(frozen=True)
class PanelEdit:
    """What the dials ask for.

    Attributes:
        number: Counts the requests of one page; the answer carries it back.
        revision: The state of the session that the dials knew.
        final: The user let go: make it a step of the history.
        sharp: Make the full picture (let go, or held still), not a preview.
        what: The dial that moved.
        moves: Dial -> the reading it was turned to; "psi" is the truncation.
        resets: Dials put back.
        locks: Dials (and "identity") whose padlock was pressed of late -> whether it is closed.
    """

    number: int
    revision: int
    final: bool
    sharp: bool
    what: str
    moves: dict[str, float]
    resets: tuple[str, ...]
    locks: dict[str, bool]


def read_edit(event: object) -> PanelEdit | None:
    """Read what the dials sent; None for anything malformed."""
    if not isinstance(event, Mapping):
        return None
    number, revision, what = event.get("n"), event.get("rev"), event.get("what")
    moves, resets = event.get("moves", {}), event.get("resets", [])
    locks = event.get("locks", {})
    if not isinstance(moves, Mapping) or not isinstance(resets, list) or not isinstance(what, str):
        return None
    if not isinstance(locks, Mapping) or max(len(moves), len(resets), len(locks)) > 1000:
        return None
    if not all(isinstance(x, (int, float)) and math.isfinite(x) for x in (number, revision)):
        return None
    kept = {
        str(name): float(value)
        for name, value in moves.items()
        if isinstance(value, (int, float)) and math.isfinite(value)
    }
    return PanelEdit(
        int(number),  # type: ignore[arg-type]
        int(revision),  # type: ignore[arg-type]
        bool(event.get("final")),
        bool(event.get("sharp", event.get("final"))),
        what[:80],
        kept,
        tuple(str(name) for name in resets),
        {str(name): on for name, on in locks.items() if isinstance(on, bool)},
    )


@dataclass(frozen=True)
class Press:
    """A button or key that was pressed, or a seed that was typed.

    Attributes:
        number: Counts the presses of one page.
        what: "new", "undo", "redo" or "seed".
        text: What was typed.
    """

    number: int
    what: str
    text: str


def read_presses(event: object, *, known: Collection[str]) -> list[Press]:
    """Read what the seed's box sent, in order; what is malformed or not `known` is left out."""
    sent = event.get("presses") if isinstance(event, Mapping) else None
    presses = []
    for one in sent[:MAX_PRESSES] if isinstance(sent, list) else []:
        if not isinstance(one, Mapping):
            continue
        number, what, text = one.get("n"), one.get("what"), one.get("text", "")
        if isinstance(number, int) and isinstance(what, str) and what in known:
            presses.append(Press(number, what, str(text)[:40]))
    return sorted(presses, key=lambda press: press.number)


def pack_frame(head: Mapping[str, Any], picture: bytes | None, before: bytes | None) -> bytes:
    """Pack a header and up to two JPEGs: length (4 bytes), JSON, picture, picture before."""
    full = {
        **head,
        "bytes": len(picture) if picture else 0,
        "before_bytes": len(before) if before else 0,
    }
    text = json.dumps(full, ensure_ascii=False).encode("utf-8")
    return struct.pack("<I", len(text)) + text + (picture or b"") + (before or b"")


def panel_data(
    table: tuple[Any, ...],
    specs: Mapping[str, Any],
    readouts: Mapping[str, Readout],
    *,
    reaches: Mapping[str, tuple[float, float]] | None = None,
    in_the_way: Mapping[str, str] | None = None,
    is_somebody_else: bool = False,
    faceless: bool = False,
    offer: bool = False,
    settling: bool = False,
    settled: bool = False,
    measure_after: float = 0.0,
    identity: bool | None,
    rest: bool | None = None,
    psi: float,
    own_psi: float,
    max_psi: float,
    revision: int,
    number: int = 0,
    open_groups: int = 2,
) -> dict[str, Any]:
    """Describe the dials for `dial_panel`.

    A dial's rail is the range in which it works safely, its band the natural range of faces; the
    rail is longer where the face or its present value lies outside. The handle and the number are
    where the picture stands (`now`), the ring where it was asked to be (`asked`), if that differs;
    the tick is where the subject stands at first.

    Args:
        table: The dials in their order.
        specs: Name -> its numbers.
        readouts: Name -> where it stands.
        reaches: Dial -> how far it gets on this face, for those of which that is known.
        in_the_way: Missed dial -> the label of what is in its way.
        is_somebody_else: Whether the person is locked and the picture shows another one.
        faceless: Whether the picture was measured and no face was seen on it.
        offer: Whether correcting the dials on the picture may be offered.
        settling: Whether that is being done behind the page.
        settled: Whether it was done as far as it goes.
        measure_after: After so many seconds of rest the page is to ask for the picture to be
            measured (0: never).
        identity: Whether it is locked; None where it cannot be.
        rest: Whether dials keep the rest of the picture; None where they cannot.
        psi: Truncation now.
        own_psi: Truncation at first.
        max_psi: The most there is.
        revision: Of the session.
        number: The newest request that is answered in this.
        open_groups: So many groups are open at first.
    """
    person = {
        "name": "psi",
        "label": "How unusual",
        "help": "How far this person is from the average face. To the left everybody looks alike "
        "and flawless; to the right people get more unusual, and more mistakes appear.",
        "unit": "psi",
        "low": "typical",
        "high": "unusual",
        "own": own_psi,
        "now": psi,
        "moved": psi != own_psi,
        "locked": None,
        "min": 0.0,
        "max": max_psi,
        "limits": [0.0, max_psi],
        "natural": [0.4, 0.9],
    }
    groups: dict[str, list[dict[str, Any]]] = {}
    for dial in table:
        spec = specs[dial.name]
        natural = [float(x) for x in spec.natural]
        safe = [max(float(x), 0.0) if dial.unit == "years" else float(x) for x in spec.safe]
        readout = readouts[dial.name]
        value, start = readout.shown, readout.start
        asked = readout.asked if readout.missed else None
        ends = (*safe, value, start, *(() if asked is None else (asked,)))
        groups.setdefault(dial.group, []).append(
            {
                "name": dial.name,
                "label": dial.label,
                "help": dial.help,
                "also": search_words(dial.name),
                "unit": dial.unit,
                "low": dial.low,
                "high": dial.high,
                "own": round(start, 4),
                "now": round(value, 4),
                "moved": readout.is_moved,
                "locked": readout.locked,
                "min": round(min(ends), 3),
                "max": round(max(ends), 3),
                "limits": [round(min(safe[0], start), 3), round(max(safe[1], start), 3)],
                "natural": [round(x, 3) for x in natural],
                "reach": (reaches or {}).get(dial.name),
                "seen": readout.measured is not None,
                "asked": None if asked is None else round(asked, 3),
                "off": readout.is_off,
                "way": (in_the_way or {}).get(dial.name),
            }
        )
    named = [{"name": "Person", "dials": [person], "open": True}]
    for index, (name, dials) in enumerate(groups.items()):
        named.append({"name": name, "dials": dials, "open": index < open_groups})
    return {
        "rev": revision,
        "n": number,
        "identity": identity,
        "rest": rest,
        "measure": measure_after,
        "faceless": faceless,
        "stranger": is_somebody_else,
        "offer": offer,
        "settling": settling,
        "settled": settled,
        "groups": named,
    }


def face_view(data: bytes, *, key: str, on_ask: Callable[[], None]) -> Any:
    """Show a packed frame.

    The trigger `ask` wants the picture before, `paint` carries what the brush painted, `place` the
    only place where dials are to act (`facegen.session.painting`), `behind` what is to be behind
    somebody (`facegen.session.behind`), `clothes` what they are to wear (`facegen.session.worn`).
    """
    return _FACE(
        key=key,
        data=data,
        on_ask_change=on_ask,
        on_paint_change=on_ask,
        on_place_change=on_ask,
        on_behind_change=on_ask,
        on_clothes_change=on_ask,
    )


def dial_panel(
    data: dict[str, Any],
    *,
    key: str,
    on_edit: Callable[[], None],
    on_lock: Callable[[], None],
    on_shuffle: Callable[[], None],
    on_measure: Callable[[], None],
    on_near: Callable[[], None],
) -> Any:
    """Show the dials.

    The trigger `edit` carries a `PanelEdit`, `lock` a name and whether, `shuffle` the name of a
    group, `near` the name of the dial that is focused; `measure` wants the picture measured,
    `correct` the dials corrected on it.
    """
    return _PANEL(
        key=key,
        data=data,
        on_edit_change=on_edit,
        on_lock_change=on_lock,
        on_shuffle_change=on_shuffle,
        on_measure_change=on_measure,
        on_near_change=on_near,
        on_correct_change=on_measure,
    )


def people_strip(people: list[dict[str, Any]], *, key: str, on_pick: Callable[[], None]) -> Any:
    """Show the people met. The trigger `pick` carries the uid of one."""
    return _STRIP(key=key, data={"people": people}, on_pick_change=on_pick)


def seed_box(seed: int | None, *, number: int, key: str, on_press: Callable[[], None]) -> Any:
    """Show the seed's box, which also collects quick presses of the buttons beside it.

    A widget of Streamlit's sends its value with every event, also one that the server has changed
    meanwhile, and two presses of a button during one run are one. So what is typed and pressed
    travels as a list, in its order: the trigger `press` carries all that is not answered.

    Args:
        seed: Of the current person; None where they come from a file.
        number: The newest press that is answered in this.
        key: Of the component.
        on_press: Called when something was pressed or typed.
    """
    return _SEED(key=key, data={"seed": seed, "n": number}, on_press_change=on_press)


def tiles(
    entries: list[dict[str, Any]],
    *,
    key: str,
    on_pick: Callable[[], None],
    marks: Mapping[str, str] | None = None,
    size: int = 96,
    number: int = 0,
) -> Any:
    """Show small pictures to choose from.

    The trigger `pick` carries the id of one, all marks, and a count.

    Args:
        entries: Each with `id`, `src`, `label`, and perhaps `help`, `mark` and `now`.
        key: Of the component.
        on_pick: Called when one is clicked.
        marks: Mark -> its word, "" for none: then a click goes from one mark to the next.
        size: Least width of a picture in pixels.
        number: The count of the newest click that is answered in this.
    """
    data = {"tiles": entries, "marks": dict(marks) if marks else None, "size": size, "n": number}
    return _TILES(key=key, data=data, on_pick_change=on_pick)


def close_sidebar() -> None:
    """Put the phone's list of pages away when one is chosen; nothing is shown."""
    _CLOSE_SIDEBAR(key="fg_close_sidebar")


def jpeg_url(jpeg: bytes | None) -> str:
    """A small JPEG as a data URL; empty for None."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii") if jpeg else ""
