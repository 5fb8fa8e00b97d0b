"""People, looks, and numbers from anywhere made safe: the values the studio is built of.

A `Look` is one point of the history: a person, how typical they are (psi), and by how much each
dial was moved. Everything rendered, saved or linked is computed from the look in hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from facegen.latents import DEFAULT_PSI, MAX_SEED

MAX_PSI = 1.2
DELTA_DIGITS = 3  # Deltas are rounded when they enter, so that a link carries them exactly.


class Faces(Protocol):
    """What the studio needs of a generator."""

    model: str
    space: str
    w_avg: np.ndarray

    def w_from_seed(self, seed: int, psi: float = 0.7) -> np.ndarray:
        """The latent of a seed, [18, 512]."""


class Dials(Protocol):
    """What the studio needs of `facegen.editing.dial_set.DialSet`."""

    names: tuple[str, ...]

    def spec(self, name: str) -> Any:
        """Numbers of a dial; `safe` is the range in which it works, in its unit."""

    def read(self, w_plus: np.ndarray) -> dict[str, float]:
        """Where each dial stands on a face, in its unit."""

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """Move a latent [18, 512] by deltas in the dials' units."""


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody who entered the studio, by seed or from a file.

    Attributes:
        uid: Number within the session.
        name: What the user calls them.
        seed: The seed they came from; None when they came from a file that has none.
        psi: The truncation they came with.
        origin: For people from a file, their latent before any dial, [18, 512]; None for seeds.
    """

    uid: int
    name: str
    seed: int | None
    psi: float
    origin: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """One state of a person.

    Attributes:
        person: Whose.
        psi: How typical.
        deltas: The dials moved: name, what is asked of it in its unit.
        trims: How much of that is asked only because the picture fell short: name, amount.
    """

    person: Person
    psi: float
    deltas: tuple[tuple[str, float], ...] = ()
    trims: tuple[tuple[str, float], ...] = ()

    def same_as(self, other: Look) -> bool:
        """Whether both describe the same picture."""
        return (
            self.person.uid == other.person.uid
            and self.psi == other.psi
            and self.deltas == other.deltas
        )


def clean_deltas(
    deltas: Mapping[str, object], limits: Mapping[str, float]
) -> tuple[tuple[str, float], ...]:
    """Keep what is a known dial with a finite number; rounded and in a fixed order.

    A zero holds its dial while others are moved; where nothing moves, nothing is left.

    Args:
        deltas: From anywhere: a link, a file, the browser.
        limits: Known dials and how far each may be moved at most, in its unit.
    """
    kept = {}
    for name, value in deltas.items():
        if name not in limits or isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        if math.isfinite(value):
            within = min(max(float(value), -limits[name]), limits[name])
            rounded = round(within, DELTA_DIGITS) + 0.0
            if rounded or not value:
                kept[name] = rounded
    return tuple(sorted(kept.items())) if any(kept.values()) else ()


def clean_psi(value: object, default: float = DEFAULT_PSI) -> float:
    """Give a truncation between 0 and `MAX_PSI`, rounded to 3 digits."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return default
    return round(min(max(float(value), 0.0), MAX_PSI), 3)


def parse_number(text: str) -> float | None:
    """Read a finite number from a link; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def parse_seed(text: str) -> int | None:
    """Read a seed from a link; None for anything that is not one."""
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        return None
    return int(text) if int(text) <= MAX_SEED else None


def link_of(look: Look) -> dict[str, str] | None:
    """The query of the link to a look; None for people that came from a file."""
    if look.person.origin is not None or look.person.seed is None:
        return None
    query = {"seed": str(look.person.seed)}
    if look.psi != DEFAULT_PSI:
        query["psi"] = f"{look.psi:g}"
    query.update({name: f"{delta:g}" for name, delta in look.deltas})
    return query


def deltas_of_link(
    query: Mapping[str, str], limits: Mapping[str, float]
) -> tuple[tuple[tuple[str, float], ...], list[str]]:
    """The dials of a link, and the names in it that are no known dials."""
    dials = {name: value for name, value in query.items() if name not in ("seed", "psi")}
    unknown = sorted(name for name in dials if name not in limits)
    numbers = {name: parse_number(value) for name, value in dials.items()}
    known = {name: number for name, number in numbers.items() if number is not None}
    return clean_deltas(known, limits), unknown
