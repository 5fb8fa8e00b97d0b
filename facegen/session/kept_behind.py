"""Backgrounds of a saved session: what a link tells of them, and what files told in bundles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from facegen.errors import FacegenError
from facegen.operation_records import from_record, to_record
from facegen.operations import Background
from facegen.records import RecordError, parse_record
from facegen.session.behind import Behind, of_link
from facegen.session.bundles import MAX_BYTES, id_of

MAX_TEXT = 60


@dataclass
class _Behind:
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    bundle: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{20}$")] | None = None
    is_as_saved: bool = False


def to_fields(behind: Behind, bundles: dict[str, str]) -> dict[str, Any]:
    """A background as plain JSON values.

    Args:
        behind: The background.
        bundles: What a file told of it is added here.
    """
    fields: dict[str, Any] = {"text": behind.text}
    if behind.saved is not None:
        text = json.dumps(to_record(behind.saved), separators=(",", ":"))
        fields |= {"bundle": id_of(text), "is_as_saved": behind.is_as_saved}
        bundles[id_of(text)] = text
    return fields


def from_fields(value: Any, bundles: Mapping[str, str]) -> Behind | None:
    """The background of such values, from outside; None for anything damaged."""
    try:
        entry = parse_record(msgspec.json.encode(value), _Behind)
        if entry.bundle is None:
            return of_link(entry.text)
        text = bundles[entry.bundle]
        if len(text) > MAX_BYTES or id_of(text) != entry.bundle:
            return None
        saved = from_record(json.loads(text))
        if not isinstance(saved, Background):
            return None
        return Behind.of_file(saved, is_as_saved=entry.is_as_saved, text=entry.text)
    except (RecordError, ValueError, TypeError, KeyError, RecursionError, FacegenError):
        return None
