"""Backgrounds and clothes of a saved session: as links tell them, and files in bundles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from facegen.errors import FacegenError
from facegen.operation_records import from_record, to_record
from facegen.operations import Background, Clothes
from facegen.records import RecordError, parse_record
from facegen.session import behind, worn
from facegen.session.behind import Behind
from facegen.session.bundles import MAX_BYTES, id_of
from facegen.session.wishes import Wish
from facegen.session.worn import Worn

MAX_TEXT = 60


@dataclass
class _Wish:
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    bundle: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{20}$")] | None = None
    is_as_saved: bool = False


def to_fields(wish: Wish, bundles: dict[str, str]) -> dict[str, Any]:
    """A background or clothes as plain JSON values.

    Args:
        wish: Which.
        bundles: What a file told of it is added here.
    """
    fields: dict[str, Any] = {"text": wish.text}
    if wish.saved is not None:
        text = json.dumps(to_record(wish.saved), separators=(",", ":"))
        fields |= {"bundle": id_of(text), "is_as_saved": wish.is_as_saved}
        bundles[id_of(text)] = text
    return fields


def from_fields(value: Any, bundles: Mapping[str, str]) -> Behind | None:
    """The background of such values, from outside; None for anything damaged."""
    entry, saved = _read(value, bundles)
    if entry is None or (entry.bundle is not None and not isinstance(saved, Background)):
        return None
    if not isinstance(saved, Background):
        return behind.of_link(entry.text)
    try:
        return Behind.of_file(saved, is_as_saved=entry.is_as_saved, text=entry.text)
    except FacegenError:
        return None


def worn_from_fields(value: Any, bundles: Mapping[str, str]) -> Worn | None:
    """The clothes of such values, from outside; None for anything damaged."""
    entry, saved = _read(value, bundles)
    if entry is None or (entry.bundle is not None and not isinstance(saved, Clothes)):
        return None
    if not isinstance(saved, Clothes):
        return worn.of_link(entry.text)
    return Worn(saved.clothing, None, saved, entry.is_as_saved)


def _read(value: Any, bundles: Mapping[str, str]) -> tuple[_Wish | None, Any]:
    """An entry, and the operation that a file told; (None, None) for anything damaged."""
    try:
        entry = parse_record(msgspec.json.encode(value), _Wish)
        if entry.bundle is None:
            return entry, None
        text = bundles[entry.bundle]
        if len(text) > MAX_BYTES or id_of(text) != entry.bundle:
            return None, None
        return entry, from_record(json.loads(text))
    except (RecordError, ValueError, TypeError, KeyError, RecursionError, FacegenError):
        return None, None
