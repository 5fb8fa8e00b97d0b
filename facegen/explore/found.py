"""What a search gives: people whose pictures meet a query, and how often it is met by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from facegen.face import Face
from facegen.measure.measurer import Measurement

Origin = Literal["seed", "made"]


@dataclass(frozen=True, eq=False)
class Found:
    """Somebody whose picture meets the query.

    Attributes:
        face: Somebody from a seed has it; somebody who was made has a latent of their own, or dials
            moved on a seed's, and can be edited as any face.
        measurement: Of the picture.
        values: Dial -> value measured, in its unit.
        picture: uint8 [H, H, 3].
        origin: "seed" for somebody as the network draws them, "made" for one who was led there.
        chance: How sure it was beforehand, 0 to 1.
        seed: Of the person, or of the one from whom they were made.
    """

    face: Face
    measurement: Measurement
    values: Mapping[str, float]
    picture: np.ndarray
    origin: Origin
    chance: float
    seed: int | None

    @property
    def descriptor(self) -> np.ndarray:
        """Of the picture, float32 [128]."""
        descriptor = self.measurement.descriptor
        assert descriptor is not None, "nobody is found without it"
        return descriptor


@dataclass(frozen=True)
class Odds:
    """How often a query is met by chance.

    Attributes:
        met: How many of those looked at are estimated to meet it.
        looked_at: How many people were looked at.
    """

    met: float
    looked_at: int

    @property
    def one_in(self) -> float | None:
        """Of how many people one is so; None before anybody was looked at."""
        if not self.looked_at:
            return None
        return max(self.looked_at / max(self.met, 1e-9), 1.0)

    def __str__(self) -> str:
        """In words, with no more digits than are known: "1 in 430"."""
        if self.one_in is None:
            return "nobody looked at yet"
        if self.one_in > 100 * self.looked_at:
            return f"fewer than 1 in {_rounded(100 * self.looked_at):,}"
        return f"1 in {_rounded(self.one_in):,}"


def _rounded(value: float) -> int:
    """Two digits of a number, which is what an estimate is worth."""
    if value < 100:
        return round(value)
    step = 10 ** (len(str(int(value))) - 2)
    return int(round(value / step) * step)
