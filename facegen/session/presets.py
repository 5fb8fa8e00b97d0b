"""Presets: numbers of several dials at once, for edits that many people ask for.

A preset says where the face should stand, not how far to move, so it fits every face. Own presets
travel as a small JSON file:

    {"facegen_presets": 1, "presets": [{"name": "Sunday", "targets": {"smile": 1.5}}]}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from facegen.errors import BadFileError
from facegen.records import RecordError, parse_record

MAX_BYTES = 64 << 10
MAX_PRESETS = 50
MAX_NAME = 40
MAX_READING = 1e6
_ADVICE = "Choose a file that was saved here."


@dataclass(frozen=True)
class _Entry:
    """A preset in a file."""

    name: Annotated[str, Meta(pattern=r"\S")]
    targets: dict[str, Annotated[float, Meta(gt=-MAX_READING, lt=MAX_READING)]]


@dataclass(frozen=True)
class _PresetFile:
    """A file of presets."""

    facegen_presets: Literal[1]
    presets: Annotated[list[_Entry], Meta(min_length=1, max_length=MAX_PRESETS)]


@dataclass(frozen=True)
class Preset:
    """A name and where the dials shall stand, in their units."""

    name: str
    targets: Mapping[str, float]


# fmt: off
PRESETS: tuple[Preset, ...] = (
    # The two ages take along what the youngest and oldest generated faces have on average: a dial
    # held where grown-ups have it keeps a face from becoming a child's.
    Preset("Child", {"age": 5, "nose_length": -2.2, "nose_size": -2, "chin_length": -1.8,
                     "chubby": 1.6, "brows": -1.4, "oval_face": -1.2, "cheekbones": -1.1,
                     "eye_bags": -1.1, "wrinkles": -1, "mouth_width": -0.8, "nose_width": -0.7,
                     "makeup": -0.7, "beard": -0.8, "stubble": -0.8, "glasses": -0.5}),
    Preset("Elder", {"age": 62, "hair_gray": 3, "wrinkles": 2.8, "eye_bags": 2.4, "receding": 1,
                     "lips": -1.4, "double_chin": 1.2, "nose_size": 1.1, "chin_length": 0.6,
                     "nose_length": 0.7}),
    Preset("Business portrait", {"yaw": 0, "pitch": 0, "smile": 0.6, "bg_busy": -1.2, "hat": -0.6,
                                 "sunglasses": -0.6, "outdoors": -0.8}),
    Preset("Passport photo", {"yaw": 0, "pitch": 0, "smile": -1.1, "mouth_open": -1, "teeth": -1,
                              "bg_busy": -1.4, "bg_light": 1.5, "hat": -0.7, "glasses": -0.6}),
    Preset("Big laugh", {"smile": 2, "teeth": 1.8, "mouth_open": 1.6}),
    Preset("Serious", {"smile": -1.6, "teeth": -1.2, "mouth_open": -1, "frown": 1}),
    Preset("Three-quarter view", {"yaw": 24, "pitch": 0}),
    Preset("Bookworm", {"glasses": 2.8, "sunglasses": -0.5, "smile": 0.3}),
    Preset("Evening", {"makeup": 2.2, "lipstick": 2, "bg_light": -1.2}),
    Preset("Full beard", {"beard": 2.6, "mustache": 2, "gender": 1.4}),
    Preset("Redhead", {"hair_red": 2.4, "hair_black": -1, "curls": 1}),
    Preset("Silver hair", {"hair_gray": 2.8}),
)
# fmt: on


def fitting(presets: Iterable[Preset], dials: Iterable[str]) -> tuple[Preset, ...]:
    """The presets as far as these dials can make them; those with none left are left out."""
    known = set(dials)
    kept = (
        Preset(preset.name, {k: float(v) for k, v in preset.targets.items() if k in known})
        for preset in presets
    )
    return tuple(preset for preset in kept if preset.targets)


def to_json(presets: Iterable[Preset]) -> bytes:
    """The presets as a file."""
    entries = [
        {"name": preset.name, "targets": {k: round(v, 3) for k, v in preset.targets.items()}}
        for preset in presets
    ]
    return json.dumps(
        {"facegen_presets": 1, "presets": entries}, indent=1, ensure_ascii=False
    ).encode("utf-8")


def from_json(
    data: bytes, dials: Any
) -> tuple[tuple[Preset, ...], tuple[str, ...], tuple[str, ...]]:
    """Read a file of presets.

    Args:
        data: The file.
        dials: Knows `names` and the safe range of each (`spec(name).safe`); readings beyond it
            are brought to its end.

    Returns:
        The presets, the names of dials that are not known here and were left out, and those of
        dials that were brought to their ends.

    Raises:
        BadFileError: It is no such file.
    """
    if len(data) > MAX_BYTES:
        raise BadFileError(f"A preset file has at most {MAX_BYTES >> 10} KB. {_ADVICE}")
    try:
        entries = parse_record(data, _PresetFile).presets
    except RecordError as err:
        raise BadFileError(f"This is no preset file: {err}. {_ADVICE}") from err
    unknown: set[str] = set()
    eased: set[str] = set()
    found = [_as_known(entry, dials, unknown, eased) for entry in entries]
    kept = tuple(preset for preset in found if preset.targets)
    if not kept:
        raise BadFileError(f"None of the dials in this preset file is known here. {_ADVICE}")
    return kept, tuple(sorted(unknown)), tuple(sorted(eased))


def _as_known(entry: _Entry, dials: Any, unknown: set[str], eased: set[str]) -> Preset:
    kept = {}
    for dial, value in entry.targets.items():
        if dial not in dials.names:
            unknown.add(dial[:40])
            continue
        low, high = dials.spec(dial).safe
        kept[dial] = min(max(value, low), high)
        if kept[dial] != value:
            eased.add(dial)
    return Preset(" ".join(entry.name.split())[:MAX_NAME], kept)
