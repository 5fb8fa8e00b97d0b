"""What a visitor painted over the regions of dials, and where dials may act at all."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from facegen.masks import MASK_PX, Mask

PLACES = ("face", "hair", "person", "background")
"""To which dials can be confined: regions of `directions/regions.json`."""
STROKES_PX = 128
"""Edge of the grid on which a brush paints."""
SOFT = 2.0
"""Of the edge of strokes, in cells of a mask."""
DIGEST_DIGITS = 10
EMPTY = Mask.empty()


@dataclass(frozen=True)
class Painting:
    """Changes of the region in which dials act.

    Attributes:
        more: Where they act besides.
        less: Where they do not.
        place: The only place where they do, of PLACES; empty for everywhere.
        exact: The region as a file tells it, as long as its dials are not moved.
    """

    more: Mask = EMPTY
    less: Mask = EMPTY
    place: str = ""
    exact: Mask | None = None

    @cached_property
    def digest(self) -> str:
        """Equal for equal paintings; empty where nothing is painted."""
        if self == Painting():
            return ""
        exact = "" if self.exact is None else self.exact.digest
        told = "|".join((self.more.digest, self.less.digest, self.place, exact))
        return hashlib.sha256(told.encode()).hexdigest()[:DIGEST_DIGITS]

    @property
    def is_painted(self) -> bool:
        """Whether there are strokes of a brush."""
        return not (self.more.is_empty and self.less.is_empty)

    def moved_on(self) -> Painting:
        """What is left of it when dials move."""
        return self if self.exact is None else replace(self, exact=None)

    def over(self, region: Mask, place: Mask | None) -> Mask:
        """The region in which dials act.

        Args:
            region: Their own.
            place: Where `place` lies; None where it is empty.
        """
        if self.exact is not None:
            return self.exact
        if place is not None:
            region = region.within(place)
        return region.union(self.more.soft(SOFT)).minus(self.less.soft(SOFT))


NOTHING = Painting()


def read_strokes(event: object) -> dict[str, Mask] | None:
    """Read what the brush sent: `more` and `less`; None for anything malformed."""
    if not isinstance(event, Mapping):
        return None
    found = {name: _read(event.get(name)) for name in ("more", "less")}
    if None in found.values():
        return None
    return {name: mask for name, mask in found.items() if mask is not None}


def _read(text: Any) -> Mask | None:
    """A mask from the cells of a grid as base64, a byte each; empty text is an empty mask."""
    if not isinstance(text, str) or len(text) > 2 * STROKES_PX**2:
        return None
    if not text:
        return EMPTY
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(data) != STROKES_PX**2:
        return None
    cells = np.frombuffer(data, np.uint8).reshape(STROKES_PX, STROKES_PX)
    # Whole cells, so that strokes stay as they are however often they travel.
    return Mask.of(np.kron(cells, np.ones((MASK_PX // STROKES_PX,) * 2, np.uint8)))


def strokes(mask: Mask) -> str:
    """A mask as `read_strokes` reads it."""
    if mask.is_empty:
        return ""
    cells = np.rint(255 * mask.at(STROKES_PX, "mean")).astype(np.uint8)
    return base64.b64encode(cells.tobytes()).decode("ascii")
