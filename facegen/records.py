"""JSON and TOML, read into typed records: the one way in which this program checks what it reads.

A record is a dataclass; `Annotated[float, Meta(gt=0)]` bounds a field. Whatever does not fit is
told as a clause for the caller's own sentence: "natural[0] must be a number, got a text".
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_KINDS = {
    "float": "a number", "int": "a whole number", "str": "a text", "bool": "true or false",
    "array": "a list", "object": "an object", "null": "nothing",
}  # fmt: skip
_WANTED = re.compile(r"Expected (?P<wanted>.+?)(?:, got (?P<got>.+?))?(?: - at `\$\.?(?P<at>.*)`)?")
_LACKING = re.compile(r"Object missing required field `(?P<name>.+?)`(?: - at `\$\.?(?P<at>.*)`)?")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.+?)`(?: - at `\$\.?(?P<at>.*)`)?")


class RecordError(ValueError):
    """Why a record cannot be read, as a clause without a full stop."""


def parse_record(data: bytes | str, kind: type[T]) -> T:
    """Read JSON into a record; fields that the record does not know are left out.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Point:
    ...     x: float
    ...     y: float = 0.0
    >>> parse_record('{"x": 3, "colour": "red"}', Point)
    Point(x=3.0, y=0.0)
    >>> parse_record('{"x": "far"}', Point)
    Traceback (most recent call last):
    facegen.records.RecordError: x must be a number, got a text

    Args:
        data: The JSON, in UTF-8.
        kind: A dataclass, or anything else that `msgspec` decodes.

    Raises:
        RecordError: it is not JSON, or not such a record. Infinite numbers and NaN are not JSON.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as err:
        raise RecordError(_clause(str(err))) from err
    except (msgspec.DecodeError, UnicodeError) as err:
        raise RecordError(f"it is not JSON ({_in_words(str(err)).split(': ')[-1]})") from err
    except RecursionError as err:
        raise RecordError("it is nested too deeply") from err


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML into plain values that JSON has, too.

    >>> parse_toml("size = 512")
    {'size': 512}

    Args:
        text: The TOML.

    Raises:
        RecordError: it is not TOML, or holds a date, NaN, or an infinite number.
    """
    try:
        fields = tomllib.loads(text)
        json.dumps(fields, allow_nan=False)
    except RecursionError as err:
        raise RecordError("it is nested too deeply") from err
    except tomllib.TOMLDecodeError as err:
        raise RecordError(f"it is no TOML ({err})") from err
    except (TypeError, ValueError) as err:
        raise RecordError("it holds a date, or a number that is infinite, NaN or too long") from err
    return fields


def _clause(text: str) -> str:
    if lacking := _LACKING.fullmatch(text):
        where = f" in {lacking['at']}" if lacking["at"] else ""
        return f"it lacks {lacking['name']}{where}"
    if unknown := _UNKNOWN.fullmatch(text):
        where = f"{unknown['at']} has" if unknown["at"] else "there is"
        return f"{where} no field {unknown['name']}"
    if wanted := _WANTED.fullmatch(text):
        got = f", got {_in_words(wanted['got'])}" if wanted["got"] else ""
        return f"{wanted['at'] or 'it'} must be {_in_words(wanted['wanted'])}{got}"
    return text[:1].lower() + text[1:].replace("`$.", "`").replace("`", "'")


def _in_words(kinds: str) -> str:
    """Msgspec's names of kinds, "`float | null` > 0.0", in words."""
    return re.sub(
        r"`(.+?)`", lambda m: " or ".join(_KINDS.get(k, k) for k in m[1].split(" | ")), kinds
    )
