"""Crowds as text: in the address of the page Explore, and kept by the visitor's browser.

The address tells a crowd that came out of others by what made it: "children:12,45:seed=7". People
of seeds are told by these, so such a link opens anywhere; others by a name (`token_of`) that only
the browser knows where they were made. All of this comes back from outside: what is damaged or not
known here is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from facegen.errors import FacegenError
from facegen.face import Face
from facegen.latents import DEFAULT_PSI, MAX_SEED
from facegen.operation_records import from_records, pack_latent, to_record, unpack_latent
from facegen.records import RecordError, parse_record

FEWEST = {"average": 2, "children": 2, "variants": 1, "similar": 1}
MOST = {"average": 100, "children": 2, "variants": 1, "similar": 1}
"""Kind of a crowd -> of how many people it is made."""
MADE = "~"
"""Before the name of somebody whom no seed tells."""
TOKEN_DIGITS, ID_DIGITS = 10, 20
MOST_TEXT = 1500
MOST_BYTES = 1 << 20
MOST_SETTING = 10**9


@dataclass(frozen=True)
class CrowdLink:
    """What made a crowd.

    Attributes:
        kind: "average", "children", "variants" or "similar".
        people: Seeds, or names of those whom only a browser knows.
        settings: Setting -> value, as text.
    """

    kind: str
    people: tuple[str, ...]
    settings: Mapping[str, str]

    def __str__(self) -> str:
        """As it stands in the address."""
        told = ",".join(f"{name}={value}" for name, value in self.settings.items() if value)
        return ":".join((self.kind, ",".join(self.people), *([told] if told else [])))


def parse_link(text: str, known: Mapping[str, Any]) -> CrowdLink | None:
    """Read what an address tells; None for anything malformed.

    Args:
        text: From outside.
        known: Setting -> values it may have; "seed" is a whole number.
    """
    kind, *rest = text[:MOST_TEXT].split(":")
    if kind not in FEWEST or not 1 <= len(rest) <= 2:
        return None
    people = tuple(rest[0].split(","))
    if not FEWEST[kind] <= len(people) <= MOST[kind] or not all(map(_is_token, people)):
        return None
    settings: dict[str, str] = {}
    for part in filter(None, (rest[1] if len(rest) == 2 else "").split(",")):
        name, _, value = part.partition("=")
        if name == "seed":
            if not (value.isascii() and value.isdigit() and int(value) < MOST_SETTING):
                return None
        elif name not in known or value not in known[name]:
            return None
        settings[name] = value
    return CrowdLink(kind, people, settings)


def _is_token(text: str) -> bool:
    if text.startswith(MADE):
        digits = text.removeprefix(MADE)
        return len(digits) == TOKEN_DIGITS and set(digits) <= set("0123456789abcdef")
    return text.isascii() and text.isdigit() and int(text) <= MAX_SEED


def token_of(face: Face) -> str:
    """What tells somebody in an address."""
    if face.seed is not None and face.psi == DEFAULT_PSI and not face.operations:
        return str(face.seed)
    return MADE + packed(face)[0][:TOKEN_DIGITS]


# -- people whom no seed tells --------------------------------------------------------------------


@dataclass
class _Packed:
    w_plus: str
    base: str | None = None
    operations: list[dict[str, Any]] = field(default_factory=list)
    seed: int | None = None
    psi: float | None = None
    name: str = ""


def packed(face: Face) -> tuple[str, str]:
    """Id and text (JSON) of a face; the id is of the content."""
    fields: dict[str, Any] = {"w_plus": pack_latent(face.w_plus)}
    if (face.base != face.w_plus).any():
        fields["base"] = pack_latent(face.base)
    fields["operations"] = [to_record(entry) for entry in face.operations]
    fields |= {"seed": face.seed, "psi": face.psi, "name": face.name}
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return _id_of(text), text


def unpacked(text: str, name: str, *, space: str, model: str) -> Face | None:
    """The face of such a text; None where it is damaged.

    Args:
        text: From outside.
        name: The id that it must have.
        space: Of the network.
        model: Its name.
    """
    if len(text) > MOST_BYTES or _id_of(text) != name:
        return None
    try:
        known = parse_record(text, _Packed)
        w_plus = unpack_latent(known.w_plus)
        base = w_plus if known.base is None else unpack_latent(known.base)
        operations = from_records(known.operations)
        return Face(
            w_plus, base, operations, space=space, model=model,
            seed=known.seed, psi=known.psi, name=known.name[:80],
        )  # fmt: skip
    except (RecordError, FacegenError, ValueError, TypeError, KeyError):
        return None


def _id_of(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:ID_DIGITS]


# -- all that is shown ----------------------------------------------------------------------------


@dataclass
class KeptCrowd:
    """One crowd as it is kept.

    Attributes:
        query: Its address.
        picked: The places that are selected.
    """

    query: dict[str, str]
    picked: list[int] = field(default_factory=list)


@dataclass
class _Kept:
    space: str
    crowds: list[Any] = field(default_factory=list)
    map: bool = False


def kept_text(space: str, crowds: Sequence[KeptCrowd], *, is_map: bool) -> str:
    """Crowds as text, the one that is shown last."""
    fields = {"space": space, "crowds": [vars(one) for one in crowds], "map": is_map}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def read_kept(text: str, space: str, most: int) -> tuple[list[KeptCrowd], bool]:
    """The crowds of such a text, and whether the map is shown; none of another space."""
    if len(text) > MOST_BYTES:
        return [], False
    try:
        kept = parse_record(text, _Kept)
    except RecordError:
        return [], False
    if kept.space != space:
        return [], False
    crowds = []
    for one in kept.crowds[-most:]:
        try:
            crowds.append(parse_record(json.dumps(one), KeptCrowd))
        except RecordError:
            continue
    return crowds, kept.map
