"""The components of the page Explore: the sentence, and the people to choose from.

`ask_box` takes a sentence and shows what was understood. `crowd` shows small pictures, as many as
are looked at: the browser says which it lacks, one message brings them, and far-away ones are
dropped there. They talk with triggers only; what they send is checked here.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facegen.ui.components import view

MOST_NEEDED = 48
MOST_PICKED = 200
MOST_ACTS = 50
MOST_TEXT = 1000
MOST_INDEX = 10**7


_ASK = view.component("ask")
_CROWD = view.component("crowd")


@dataclass(frozen=True)
class Act:
    """Something that was pressed.

    Attributes:
        number: Counts the presses of one page.
        what: Which button.
        ids: The people meant, by their places in the crowd.
        value: What else is said, such as the chosen strength.
    """

    number: int
    what: str
    ids: tuple[int, ...]
    value: str


@dataclass(frozen=True)
class Wants:
    """What the crowd in the browser sent.

    Attributes:
        number: Of the message; the answer carries it back.
        stamp: The crowd that it knew.
        need: Places whose pictures it lacks, the nearest first.
        picked: Places that are selected.
        acts: What was pressed and is not answered, in order.
    """

    number: int
    stamp: int
    need: tuple[int, ...]
    picked: tuple[int, ...]
    acts: tuple[Act, ...]


def read_wants(event: object, *, known: Collection[str]) -> Wants | None:
    """Read what the crowd sent; None for anything malformed.

    Args:
        event: What its trigger carries.
        known: Buttons there are; others are left out.
    """
    if not isinstance(event, Mapping):
        return None
    number, stamp = event.get("n"), event.get("stamp")
    if not isinstance(number, int) or not isinstance(stamp, int):
        return None
    sent = event.get("acts")
    acts = [_act(one, known) for one in sent[:MOST_ACTS]] if isinstance(sent, list) else []
    return Wants(
        number,
        stamp,
        _places(event.get("need"), MOST_NEEDED),
        _places(event.get("picked"), MOST_PICKED),
        tuple(sorted((one for one in acts if one is not None), key=lambda one: one.number)),
    )


def _act(sent: object, known: Collection[str]) -> Act | None:
    if not isinstance(sent, Mapping):
        return None
    number, what = sent.get("n"), sent.get("what")
    if not isinstance(number, int) or not isinstance(what, str) or what not in known:
        return None
    return Act(number, what, _places(sent.get("ids"), MOST_PICKED), str(sent.get("value", ""))[:40])


def _places(sent: object, most: int) -> tuple[int, ...]:
    """Places in a crowd, each once."""
    if not isinstance(sent, list):
        return ()
    found = (x for x in sent[:most] if isinstance(x, int) and 0 <= x < MOST_INDEX)
    return tuple(dict.fromkeys(found))


def read_question(event: object) -> tuple[int, str] | None:
    """Number and sentence of what the box sent; None for anything malformed."""
    if not isinstance(event, Mapping):
        return None
    number, text = event.get("n"), event.get("text")
    if not isinstance(number, int) or not isinstance(text, str):
        return None
    return number, clean(text)


def clean(text: str) -> str:
    """A sentence from outside on one line, and not too long."""
    return " ".join(text[:MOST_TEXT].split())


def pack_crowd(head: Mapping[str, Any], pictures: Sequence[bytes]) -> bytes:
    """Length of the header (4 bytes, little endian), header (JSON), pictures in order.

    The header's lists `tiles` and `fulls` say with `bytes` how long theirs is, tiles first.
    """
    text = json.dumps(head, ensure_ascii=False).encode("utf-8")
    return struct.pack("<I", len(text)) + text + b"".join(pictures)


def ask_box(data: dict[str, Any], *, key: str) -> Any:
    """Show the sentence.

    The trigger `ask` carries a sentence and a count.

    Args:
        data: `text`, `chips`, `examples`, `n` (the newest question that is answered) and perhaps
            `error` with `message`, `start`, `end` and `near`.
        key: Of the component.
    """
    return _ASK(key=key, data=data, on_ask_change=lambda: None)


def crowd(data: bytes, *, key: str) -> Any:
    """Show packed people. The trigger `tell` carries `Wants`."""
    return _CROWD(key=key, data=data, on_tell_change=lambda: None)
