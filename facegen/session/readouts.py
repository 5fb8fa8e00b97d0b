"""Dials that keep their word: what the picture shows beside what was asked, and the correction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from facegen.cache import BoundedCache
from facegen.editing.closed_loop import Moves, See, reach
from facegen.session.edit_state import Look, clean_deltas

WORTH_CORRECTING_SD = 0.25
MAX_PEOPLE = 64


class Offsets:
    """How far the instruments and the predictions differ on people before any dial.

    Once a person's own picture is measured, their dials stand where it says: the predicted change
    is added to the measured start. So a dial at 60 years means 60 years on the picture.
    """

    def __init__(self) -> None:
        self._of: BoundedCache[dict[str, float]] = BoundedCache(MAX_PEOPLE)

    def learn(
        self, look: Look, measured: Mapping[str, float], predicted: Mapping[str, float]
    ) -> bool:
        """Take what was measured on a person before any dial; True if that is news."""
        key = (look.person.uid, look.psi)
        if key in self._of:
            return False
        offsets = {n: v - predicted[n] for n, v in measured.items() if n in predicted}
        self._of.put(key, offsets)
        return True

    def of(self, look: Look) -> Mapping[str, float]:
        """Dial -> what to add to a prediction for this person, in its unit."""
        return self._of.get((look.person.uid, look.psi)) or {}


def shifted(
    readings: Mapping[str, float], *offsets: Mapping[str, float], sign: float = 1.0
) -> dict[str, float]:
    """Readings with offsets added (or taken away, with a sign of -1)."""
    return {
        name: value + sign * sum(offset.get(name, 0.0) for offset in offsets)
        for name, value in readings.items()
    }


def misses(
    dials: Moves, look: Look, measured: Mapping[str, float], before: Mapping[str, float]
) -> dict[str, float]:
    """Moved or locked dials that the picture contradicts: name -> what is missing, in its unit.

    Args:
        dials: Of the face's space.
        look: As it is.
        measured: On its picture, in the dials' units.
        before: On the picture before any dial.
    """
    missing = {
        name: wanted - (measured[name] - before[name])
        for name, wanted in _wanted(look).items()
        if name in measured and name in before
    }
    return {
        name: miss
        for name, miss in missing.items()
        if abs(miss) > WORTH_CORRECTING_SD * dials.spec(name).unit_per_sd
    }


def corrected(
    dials: Moves,
    base: np.ndarray,
    look: Look,
    before: Mapping[str, float],
    see: See,
    limits: Mapping[str, float],
) -> Look:
    """The look with more or less asked of its dials, until the picture shows what was wanted.

    Args:
        dials: Of the face's space.
        base: The face before its dials, [18, 512].
        look: As it is.
        before: Measured on the picture of the base, in the dials' units.
        see: Renders and measures.
        limits: How far each dial may be moved at most.
    """
    wanted = {name: change for name, change in _wanted(look).items() if name in before}
    if not any(wanted.values()):
        return look
    # The identity and the user's own dials cannot be measured: they stay at what was asked.
    fixed = {name: delta for name, delta in look.deltas if name not in wanted}
    found = reach(dials, base, wanted, before, see, fixed=fixed)
    deltas = clean_deltas(found.asked, limits)
    trims = tuple(
        (name, delta - wanted[name]) for name, delta in deltas if delta and wanted.get(name)
    )
    return replace(look, deltas=deltas, trims=trims)


def _wanted(look: Look) -> dict[str, float]:
    """Dial -> the change that its user wanted, without what was added for the picture's sake."""
    trims = dict(look.trims)
    return {name: delta - trims.get(name, 0.0) for name, delta in look.deltas}
