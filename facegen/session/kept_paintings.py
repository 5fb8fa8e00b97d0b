"""What was painted, in a saved session: masks as text."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from facegen.masks import MASK_BYTES, Mask
from facegen.operation_records import pack_mask
from facegen.records import parse_record
from facegen.session.painting import EMPTY, PLACES, Painting

Packed = Annotated[str, msgspec.Meta(max_length=2 * MASK_BYTES)]
"""A mask: zlib, base64; empty text for an empty one."""


@dataclass
class _Painting:
    more: Packed = ""
    less: Packed = ""
    exact: Packed = ""
    is_small: bool = False
    place: str = ""


def to_fields(painting: Painting) -> dict[str, Any]:
    """What was painted as plain JSON values."""
    masks = {"more": painting.more, "less": painting.less}
    fields: dict[str, Any] = {
        name: pack_mask(mask) for name, mask in masks.items() if not mask.is_empty
    }
    if painting.exact is not None:  # an empty one says that nothing changes
        fields |= {"exact": pack_mask(painting.exact), "is_small": painting.exact.small}
    return fields | ({"place": painting.place} if painting.place else {})


def from_fields(value: Any) -> Painting:
    """What was painted, of values from outside.

    Raises:
        RecordError, ValueError: damaged.
    """
    entry = parse_record(msgspec.json.encode(value), _Painting)
    more, less = (_mask(text) or EMPTY for text in (entry.more, entry.less))
    place = entry.place if entry.place in PLACES else ""
    return Painting(more, less, place, _mask(entry.exact, small=entry.is_small))


def _mask(text: str, *, small: bool = False) -> Mask | None:
    """A mask from its text; None for none. Raises ValueError."""
    return Mask.unpack(base64.b64decode(text, validate=True), small=small) if text else None
