"""What a file brought along of somebody, as one text named by its content.

Latents and changes in the picture are tens of kilobytes that never change; kept and told apart by
the id, they are written and sent once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from facegen.face import clean_name
from facegen.latents import as_w_plus
from facegen.operation_records import from_records, pack_latent, to_record, unpack_latent
from facegen.operations import Operation
from facegen.records import parse_record
from facegen.session.edit_state import Subject

ID_DIGITS = 20
MAX_BYTES = 4 << 20

_KNOWN: WeakKeyDictionary[Subject, tuple[str, str]] = WeakKeyDictionary()


@dataclass
class _Bundle:
    origin: str | None = None
    finished: str | None = None
    operations: list[dict[str, Any]] = field(default_factory=list)
    source: str = ""


def is_from_file(subject: Subject) -> bool:
    """Whether a seed does not say all of somebody."""
    return subject.origin is not None or bool(subject.operations)


def bundle_of(subject: Subject) -> tuple[str, str]:
    """The id and the text (JSON) of what a file brought along of somebody."""
    known = _KNOWN.get(subject)
    if known is None:
        fields = {
            "origin": None if subject.origin is None else pack_latent(subject.origin),
            "finished": None if subject.finished is None else pack_latent(subject.finished),
            "operations": [to_record(entry) for entry in subject.operations],
        }
        if subject.source:
            fields["source"] = subject.source
        text = json.dumps(fields, separators=(",", ":"))
        known = _KNOWN[subject] = (id_of(text), text)
    return known


def unbundled(
    text: str, name: str
) -> tuple[np.ndarray | None, np.ndarray | None, tuple[Operation, ...], str]:
    """The origin, the latent that was finished, the operations, and the source of a bundle.

    Args:
        text: From outside.
        name: The id that it must have.

    Raises:
        ValueError, TypeError, KeyError, LatentError: it is damaged.
    """
    if len(text) > MAX_BYTES or id_of(text) != name:
        raise ValueError("a bundle is damaged")
    bundle = parse_record(text, _Bundle)
    operations, source = from_records(bundle.operations), clean_name(bundle.source)
    return _latent(bundle.origin), _latent(bundle.finished), operations, source


def _latent(packed: str | None) -> np.ndarray | None:
    if packed is None:
        return None
    latent = as_w_plus(unpack_latent(packed), what="A kept latent")
    latent.setflags(write=False)
    return latent


def id_of(text: str) -> str:
    """The id of a text: of its content."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:ID_DIGITS]
