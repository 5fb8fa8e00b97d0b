"""What a dial shows, and how that relates to what the solver is asked for.

A dial has numbers in several frames of reference: what is asked of the solver, what the latent is
predicted to read, what the picture measures. Its user sees one scale, on which a subject stands
before any dial where the picture says so, and what is added because a picture fell short (a
correction) does not show. `Scale` is the only place where numbers go from one to the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from facegen.cache import BoundedCache
from facegen.editing.closed_loop import ALL_MET_BELOW, See, reach
from facegen.editing.targets import is_answered, miss_sd
from facegen.protocols import Dials, Moves
from facegen.session.edit_state import EditState, clean_deltas

WORTH_SHOWING_SD = 0.25
WORTH_SHOWING = {"years": 2.0}
"""Everybody knows what a year is, and between children three are many."""
MAX_SUBJECTS = 64


@dataclass(frozen=True)
class Readout:
    """What one dial shows, in its unit.

    Attributes:
        start: Where the subject stands before any dial.
        predicted: Where the dial stands now, by the latent.
        asked: Where its user put it; None if nothing is asked of it.
        measured: What the picture shows; None if that is not known.
        missed: What the picture falls short of `asked` (negative: goes beyond); 0 if too little
            to show, or not known, and for a thing that is there, or not, as asked.
        is_off: Whether that is enough to speak of.
        locked: Whether it is held.
        carried: What measuring added to the prediction when the picture was last looked at.
    """

    start: float
    predicted: float
    asked: float | None = None
    measured: float | None = None
    missed: float = 0.0
    is_off: bool = False
    locked: bool = False
    carried: float = 0.0

    @property
    def shown(self) -> float:
        """Where the dial stands: as the picture shows where that is known, else as predicted."""
        return self.predicted + self.carried if self.measured is None else self.measured

    @property
    def is_moved(self) -> bool:
        """Whether its user moved it."""
        return self.asked is not None and self.asked != self.start


class Offsets:
    """How far measurement and prediction differ on subjects before any dial.

    Once a subject's own picture is measured, their dials stand where it says: the predicted change
    is added to the measured start. So a dial at 60 years means 60 years on the picture.
    """

    def __init__(self) -> None:
        self._of: BoundedCache[dict[str, float]] = BoundedCache(MAX_SUBJECTS)

    def learn(
        self, state: EditState, measured: Mapping[str, float], predicted: Mapping[str, float]
    ) -> None:
        """Take what was measured on a subject before any dial; the first time counts."""
        key = (state.subject.uid, state.psi)
        if key not in self._of:
            offsets = {n: v - predicted[n] for n, v in measured.items() if n in predicted}
            self._of.put(key, offsets)

    def restore(self, state: EditState, offsets: Mapping[str, float]) -> None:
        """Take what was learned of a subject earlier."""
        self._of.put((state.subject.uid, state.psi), dict(offsets))

    def of(self, state: EditState) -> Mapping[str, float]:
        """Dial -> what to add to a prediction for this subject, in its unit."""
        return self._of.get((state.subject.uid, state.psi)) or {}


class Scale:
    """Between the numbers a user sees on the dials of one state and the solver's.

    Args:
        state: Whose dials.
        base: Dial -> predicted reading before any dial.
        now: Dial -> predicted reading as it is.
        offset: Dial -> what measurement adds to a prediction.
    """

    def __init__(
        self,
        state: EditState,
        base: Mapping[str, float],
        now: Mapping[str, float],
        offset: Mapping[str, float],
    ) -> None:
        self._base, self._now, self._offset = base, now, offset
        self._asked = dict(state.deltas)
        self._corrections = dict(state.corrections)

    def start(self, name: str) -> float:
        """Where the subject stands before any dial."""
        return self._base[name] + self._offset.get(name, 0.0)

    def shown(self, name: str) -> float:
        """Where the dial stands now."""
        without = self._now[name] - self._corrections.get(name, 0.0)
        return without + self._offset.get(name, 0.0)

    def wanted(self, name: str) -> float:
        """The change that the user wants, without what is added for the picture's sake."""
        return self._asked[name] - self._corrections.get(name, 0.0)

    def targets(
        self, shown: Mapping[str, float], *, uncorrected: Iterable[str] = ()
    ) -> dict[str, float]:
        """The predicted readings at which dials show these numbers; known dials only.

        What was added for the picture's sake stays added, but for `uncorrected`.
        """
        plain = set(uncorrected)
        added = {n: value for n, value in self._corrections.items() if n not in plain}
        return {
            name: value - self._offset.get(name, 0.0) + added.get(name, 0.0)
            for name, value in shown.items()
            if name in self._base
        }

    def readouts(
        self,
        dials: Moves,
        locked: Iterable[str],
        measured: Mapping[str, float] | None = None,
        before: Mapping[str, float] | None = None,
    ) -> dict[str, Readout]:
        """What each dial shows.

        Args:
            dials: Of the subject's space.
            locked: Dials that are held.
            measured: On the picture as it is, in the dials' units; None or empty if not known.
            before: On the picture before any dial.
        """
        held, seen, was = set(locked), measured or {}, before or {}
        found = {}
        for name in self._base:
            start, asked, missed, is_off = self.start(name), None, 0.0, False
            if name in self._asked:
                asked = start + self.wanted(name)
                if name in seen and name in was:
                    missed = self.wanted(name) - (seen[name] - was[name])
                spec = dials.spec(name)
                worth = WORTH_SHOWING.get(spec.unit, WORTH_SHOWING_SD * spec.unit_per_sd)
                is_little = abs(missed) <= worth
                if is_little or is_answered(dials, name, asked, seen.get(name)):
                    missed = 0.0
                is_off = abs(missed) > miss_sd(spec) * spec.unit_per_sd
            found[name] = Readout(
                start, self.shown(name), asked, seen.get(name), missed, is_off, name in held
            )
        return found


def accepted(state: EditState, now: Mapping[str, float], before: Mapping[str, float]) -> EditState:
    """The state with what its picture shows as what was wanted of its dials.

    Args:
        state: As it is.
        now: Measured on its picture, in the dials' units.
        before: Measured on the picture before any dial.
    """
    corrections = dict(state.corrections)
    for name, delta in state.deltas:
        if delta and name in now and name in before:
            corrections[name] = delta - (now[name] - before[name])
    return replace(state, corrections=tuple(sorted(corrections.items())))


def missed_sd(
    dials: Moves,
    wanted: Mapping[str, float],
    before: Mapping[str, float],
    measured: Mapping[str, float],
) -> float:
    """By how much a picture misses what is wanted, all dials together, in standard deviations.

    Args:
        dials: Of the face's space.
        wanted: Dial -> change, in its unit.
        before: Measured on the picture of the base, in the dials' units.
        measured: On the picture; nothing if no face is seen on it, which is infinitely far off.
    """
    if not measured:
        return float("inf")
    return sum(
        abs(change - (measured[name] - before[name])) / dials.spec(name).unit_per_sd
        for name, change in wanted.items()
    )


def corrected(
    dials: Dials,
    base: np.ndarray,
    state: EditState,
    before: Mapping[str, float],
    see: See,
    limits: Mapping[str, float],
) -> EditState:
    """The state with more or less asked of its dials, until the picture shows what was wanted.

    Where that meets not everything and the picture comes no nearer to it, the state stays.

    Args:
        dials: Of the face's space.
        base: The face before its dials, [18, 512].
        state: As it is.
        before: Measured on the picture of the base, in the dials' units.
        see: Renders and measures.
        limits: How far each dial may be moved at most.
    """
    was = dict(state.corrections)
    wanted = {n: delta - was.get(n, 0.0) for n, delta in state.deltas if n in before}
    if not any(wanted.values()):
        return state
    # What is there, or not, as asked is to stay as it is seen.
    goals, seen = dict(wanted), see(dials.apply(base, dict(state.deltas))) or {}
    for name, change in wanted.items():
        if is_answered(dials, name, before[name] + change, seen.get(name)):
            goals[name] = seen[name] - before[name]
    # The identity and the user's own dials cannot be measured: they stay at what was asked.
    fixed = {name: delta for name, delta in state.deltas if name not in wanted}
    beginnings: list[dict[str, float] | None] = [dict(state.deltas)]
    if was:  # Corrections of an earlier request can lead astray: then it is begun anew, too.
        beginnings.append(None)
    tries = []
    for asked in beginnings:
        tries.append(
            reach(
                dials, base, goals, before, see,
                fixed=fixed, asked=asked, natural=dials.naturalness,
            )
        )  # fmt: skip
        if tries[-1].cost < ALL_MET_BELOW:
            break
    found = min(tries, key=lambda one: one.cost)
    # Fewer wishes missed by more is no gain to the eye: unless nothing is missed any more, the
    # misses must fall in sum.
    misses = [missed_sd(dials, goals, before, picture) for picture in (seen, found.measured)]
    if seen and found.cost >= ALL_MET_BELOW and misses[1] >= misses[0]:
        return state
    deltas = clean_deltas(found.asked, limits)
    corrections = tuple((n, delta - wanted[n]) for n, delta in deltas if delta and n in wanted)
    return replace(state, deltas=deltas, corrections=corrections)
