"""What a folder of translations is to hold: a TOML file, checked before anything is drawn.

A *characteristic* (hair) has *values* (black, blond), and each value sets dials:

    size = 512
    mixup = true

    [hair.black]
    set = { hair_black = "yes" }

    [age.young]
    set = { age = 20 }

    [age.old]
    set = { age = 68 }
    only_from = ["young"]
    lock = ["glasses"]

A dial is set to a number in its unit; to "yes" or "no", where its thing is there or not; to "min"
or "max", the ends of what is natural; or moved by "+1.5" of its standard deviations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct

from facegen.editing.dial_set import DialSet
from facegen.editing.targets import check_targets, miss_sd
from facegen.errors import BadFileError, FacegenError, OutOfRangeError, UsageError
from facegen.files import read_text
from facegen.local.regions import load_regions
from facegen.records import RecordError, parse_record, parse_toml

MAX_VALUES = 1000
NAME = re.compile(r"[A-Za-z0-9][\w-]{0,39}", re.ASCII)
STEP = re.compile(r"[+-]\d{1,2}(\.\d{1,3})?", re.ASCII)
OTHER = "other"
"""What a face is that has none of a characteristic's values."""

Step = Literal["latent", "mask", "depth", "domain"]


class Value(Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a characteristic, as the file tells it.

    Attributes:
        set: Dial -> what it is set to.
        only_from: Values from which faces are translated; none: all.
        lock: Dials that are held, or "identity".
        region: Name of the region that may change, in place of the dials' own.
    """

    set: Annotated[dict[str, float | str], Meta(min_length=1)]
    only_from: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    region: str | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    values: dict[str, dict[str, dict[str, Any]]]
    keep_rest: bool = True
    size: Literal[256, 512, 1024] = 1024
    steps: tuple[Step, ...] = ()
    mixup: bool = True


@dataclass(frozen=True)
class Translation:
    """One picture of each face.

    Attributes:
        characteristic, value: Names.
        wanted: Of that value.
    """

    characteristic: str
    value: str
    wanted: Value


@dataclass(frozen=True)
class Spec:
    """What is made of each face.

    Attributes:
        translations: In the file's order.
        keep_rest: Whether only the regions of the dials change.
        size: Edge of the pictures in pixels.
        steps: What is kept of the way: "latent", the edit without its region; "mask", the region;
            "depth", the depth and the picture mixed by it; "domain", what that became in the
            photograph.
        record: All of it as plain values, for the job's file.
        mixup: Whether what an edit uncovers is the background that was there, drawn on.
    """

    translations: tuple[Translation, ...]
    keep_rest: bool
    size: int
    steps: tuple[Step, ...]
    record: Mapping[str, Any]
    mixup: bool = True

    def values_of(self, characteristic: str) -> dict[str, Value]:
        """The values of a characteristic, by name."""
        return {t.value: t.wanted for t in self.translations if t.characteristic == characteristic}


def read_spec(path: Path, dials: DialSet) -> Spec:
    """Read a file of translations.

    Args:
        path: TOML.
        dials: What it may set.

    Raises:
        BadFileError: it is missing, too large, no TOML, or says what cannot be meant.
    """
    text = read_text(path)
    try:
        return parse_spec(text, dials)
    except FacegenError as err:
        raise BadFileError(f"{path.name}: {err}") from err


def parse_spec(text: str, dials: DialSet) -> Spec:
    """Read translations from TOML.

    Args:
        text: The TOML.
        dials: What it may set.

    Raises:
        UsageError: it is no TOML or says what cannot be meant.
        UnknownDialError: a dial that there is not.
        OutOfRangeError: a value beyond what a dial reaches.
    """
    try:
        fields = parse_toml(text)
        tables = {name: one for name, one in fields.items() if isinstance(one, dict)}
        rest = {name: one for name, one in fields.items() if not isinstance(one, dict)}
        whole = json.dumps({"values": tables, **rest})
        file = parse_record(whole, _File)
    except RecordError as err:
        raise UsageError(f"This says no translations: {err}.") from err
    found = [
        _translation(name, value, wanted)
        for name, values in file.values.items()
        for value, wanted in values.items()
    ]
    if not 1 <= len(found) <= MAX_VALUES:
        raise UsageError(
            f"A file holds 1 to {MAX_VALUES} values such as [hair.black], got {len(found)}."
        )
    spec = Spec(tuple(found), file.keep_rest, file.size, file.steps, json.loads(whole), file.mixup)
    for one in found:
        _check(one, spec.values_of(one.characteristic), dials)
    _check_names(spec)
    return spec


def _translation(name: str, value: str, wanted: Mapping[str, Any]) -> Translation:
    try:
        return Translation(_name(name), _name(value), parse_record(json.dumps(wanted), Value))
    except RecordError as err:
        raise UsageError(f"This says no translations: [{name}.{value}]: {err}.") from err


def _check_names(spec: Spec) -> None:
    """Refuse names that would be one file: disks may know no capitals."""
    written: dict[str, str] = {}
    for name in dict.fromkeys(one.characteristic for one in spec.translations):
        values = spec.values_of(name)
        for value in values:
            where = f"[{name}.{value}]"
            stems = [f"{name}-{value}", *(f"{name}-{one}-to-{value}" for one in (*values, OTHER))]
            for stem in stems:
                other = written.setdefault(stem.casefold(), where)
                if other != where:
                    raise UsageError(f"{where} and {other} would be one file; rename one of them.")


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"Names of characteristics and values are up to 40 letters, digits, - and _, got "
            f"'{name[:60]}'."
        )
    if name == OTHER:
        raise UsageError(
            f"'{OTHER}' is what a face is that has none of the values; choose another name."
        )
    return name


def _check(one: Translation, values: Mapping[str, Value], dials: DialSet) -> None:
    where = f"[{one.characteristic}.{one.value}]"
    try:
        stands = {name: dials.spec(name).mean for name in one.wanted.set}
        goals = targets(one.wanted, stands, dials)
        steps = {n for n, v in one.wanted.set.items() if isinstance(v, str) and STEP.fullmatch(v)}
        check_targets(dials, {n: v for n, v in goals.items() if n not in steps}, one.wanted.lock)
        for name in steps:
            _check_step(name, str(one.wanted.set[name]), dials)
    except FacegenError as err:
        raise type(err)(f"{where} {err}") from err
    unknown = [name for name in one.wanted.only_from if name not in (*values, OTHER)]
    if unknown:
        raise UsageError(
            f"{where} is only from '{unknown[0]}', which is no value of {one.characteristic}; "
            f"there are {', '.join(values)} and {OTHER}."
        )
    regions = load_regions().regions
    if one.wanted.region is not None and one.wanted.region not in regions:
        raise UsageError(
            f"{where} names the region '{one.wanted.region}'; there are {', '.join(regions)}."
        )


def _check_step(name: str, wanted: str, dials: DialSet) -> None:
    spec = dials.spec(name)
    most = (spec.safe[1] - spec.safe[0]) / spec.unit_per_sd
    if abs(float(wanted)) > most:
        raise OutOfRangeError(
            f"{name} can be moved by up to {most:.1f} standard deviations, got {wanted}."
        )


def targets(value: Value, stands: Mapping[str, float], dials: DialSet) -> dict[str, float]:
    """Dial -> the number that it is set to, in its unit.

    Args:
        value: What is wanted.
        stands: Dial -> where the face stands, in its unit.
        dials: Their numbers.

    Raises:
        UnknownDialError: no such dial.
        UsageError: a text that says nothing, or a dial that has no such end.
    """
    goals = {}
    for name, wanted in value.set.items():
        spec = dials.spec(name)
        if not isinstance(wanted, str):
            goals[name] = float(wanted)
        elif wanted in ("min", "max"):
            goals[name] = spec.natural[wanted == "max"]
        elif wanted in ("yes", "no"):
            if spec.clear is None:
                raise UsageError(
                    f"{name} is a matter of degree, so it is not '{wanted}'; set it to a number, "
                    'to "min" or "max", or by "+1.5".'
                )
            goal = spec.clear[1] if wanted == "yes" else min(spec.clear[0], spec.mean)
            goals[name] = float(np.clip(goal, *spec.safe))
        elif STEP.fullmatch(wanted):
            goals[name] = stands[name] + float(wanted) * spec.unit_per_sd
        else:
            raise UsageError(
                f"{name} cannot be set to '{wanted[:40]}'; write a number, or one of yes, no, min "
                "and max, or +1.5 between quotation marks."
            )
    return goals


def is_met(value: Value, stands: Mapping[str, float], dials: DialSet) -> bool:
    """Whether a face has what a value wants; a step is never there already."""
    goals = targets(value, stands, dials)
    return all(_has(name, value.set[name], goals[name], stands, dials) for name in goals)


def _has(
    name: str, wanted: float | str, goal: float, stands: Mapping[str, float], dials: DialSet
) -> bool:
    spec, now = dials.spec(name), stands[name]
    if wanted in ("yes", "no") and spec.yes_from is not None:
        return (now >= spec.yes_from) == (wanted == "yes")
    if wanted == "max":
        return bool(now >= goal - miss_sd(spec) * spec.unit_per_sd)
    if wanted == "min":
        return bool(now <= goal + miss_sd(spec) * spec.unit_per_sd)
    if isinstance(wanted, str):
        return False
    return bool(abs(now - goal) <= miss_sd(spec) * spec.unit_per_sd)


def state(values: Mapping[str, Value], stands: Mapping[str, float], dials: DialSet) -> str:
    """Which of a characteristic's values a face has; OTHER for none.

    Where all values set the same dials by numbers (age), it has the nearest.
    """
    has = [name for name, value in values.items() if is_met(value, stands, dials)]
    if has:
        return has[0]
    same = len({frozenset(value.set) for value in values.values()}) == 1 and len(values) > 1
    if not same or any(isinstance(v, str) for one in values.values() for v in one.set.values()):
        return OTHER

    def away(name: str) -> float:
        goals = targets(values[name], stands, dials)
        return sum(
            abs(stands[dial] - goal) / dials.spec(dial).unit_per_sd for dial, goal in goals.items()
        )

    return min(values, key=away)
