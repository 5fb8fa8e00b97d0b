"""What one visitor holds: the people met, the face in hand, the way back and forth.

Pure values and plain methods: no Streamlit, no pictures, no threads. A `Studio` lives in the state
of one browser session and nowhere else, so two visitors cannot see each other's faces.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from facegen.editing.closed_loop import See
from facegen.editing.targets import (
    IDENTITY,
    Locks,
    as_far_as_possible,
    natural_targets,
    plan,
    require_locks,
)
from facegen.errors import UsageError
from facegen.face import Edit, Face
from facegen.latents import DEFAULT_PSI, MAX_SEED
from facegen.session.edit_state import (
    DELTA_DIGITS,
    Dials,
    Faces,
    Look,
    Person,
    clean_deltas,
    clean_psi,
    deltas_of_link,
    link_of,
)
from facegen.session.history import History
from facegen.session.latents import Latents, unfolded
from facegen.session.readouts import Offsets, corrected, misses, shifted

MAX_SPANS = 2.0  # A dial moves at most so many times its safe range: links hold any number.
MAX_NAME = 60
HOME = 1e-3
PUT_BACK = 2e-4  # A dial turned so near to where it came from (of its range) counts as put back.


class Studio:
    """The people and faces of one visitor.

    Args:
        faces: Makes latents from seeds.
        dials: Reads and applies dials.
        table: The dials to show, in order (`facegen.controls.Dial`).
    """

    def __init__(
        self,
        faces: Faces,
        dials: Dials,
        table: tuple[Any, ...] = (),
        *,
        seed: int,
        psi: float = DEFAULT_PSI,
    ) -> None:
        self.session = uuid.uuid4().hex
        self.dials_version: object = None  # Of the users' own dials; see `facegen.ui.user_dials`.
        self.revision = 0  # Counts the changes that did not come from the dials themselves.
        self._faces = faces
        self.space = faces.space
        self._history = History()
        self.locks = Locks()
        self._offsets = Offsets()
        self.use_dials(dials, table)
        self._people = 0
        self._names: dict[int, str] = {}
        self.new_person(seed, psi=psi)

    def use_dials(self, dials: Dials, table: tuple[Any, ...]) -> None:
        """Work with these dials from now on: a visitor may bring some of their own."""
        self._dials, self.table = dials, table
        safe = {name: dials.spec(name).safe for name in dials.names}
        self._limits = {name: round(MAX_SPANS * (hi - lo), 3) for name, (lo, hi) in safe.items()}
        self._limits[IDENTITY] = 0.0
        self._latents = Latents(self._faces, dials)
        # Dials that are gone are gone from the looks too.
        self._history.change_all(self._with_known)
        held = {name: value for name, value in self.locks.held.items() if name in safe}
        self.locks = replace(self.locks, held=held)
        self.revision += 1

    def _with_known(self, look: Look) -> Look:
        kept = clean_deltas(dict(look.deltas), self._limits)
        if kept == look.deltas:
            return look
        names = dict(kept)
        trims = tuple((name, trim) for name, trim in look.trims if name in names)
        return replace(look, deltas=kept, trims=trims)

    # -- what is in hand ------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the dials."""
        return self._dials.names

    def spec(self, name: str) -> Any:
        """The numbers of a dial."""
        return self._dials.spec(name)

    @property
    def look(self) -> Look:
        """The look in hand."""
        return self._history.look

    @property
    def start(self) -> Look:
        """The same person as they came, before any dial: what "before" shows."""
        return Look(self.look.person, self.look.person.psi)

    @property
    def name(self) -> str:
        """The name of the person in hand."""
        return self.name_of(self.look)

    def name_of(self, look: Look) -> str:
        """The name of the person of a look."""
        return self._names.get(look.person.uid, look.person.name)

    @property
    def recent(self) -> tuple[Look, ...]:
        """The newest look of each person met, newest person first."""
        return self._history.recent

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether a step was taken back."""
        return self._history.can_redo

    # -- latents ----------------------------------------------------------------------------------

    def base(self, look: Look | None = None) -> np.ndarray:
        """The latent of a look before its dials, [18, 512] float32."""
        return self._latents.base(look or self.look)

    def w_plus(self, look: Look | None = None) -> np.ndarray:
        """The latent of a look with its dials, [18, 512] float32: what is rendered."""
        return self._latents.w_plus(look or self.look)

    def readings(self, look: Look | None = None) -> dict[str, float]:
        """Where each dial stands on the person before any change, in its unit."""
        return self._dials.read(self.base(look))

    def present(self, look: Look | None = None) -> dict[str, float]:
        """Where each dial stands on the face as it is, in its unit."""
        return self._dials.read(self.w_plus(look))

    def shown(self, look: Look | None = None) -> dict[str, float]:
        """Where each dial stands for its user: `present` without trims, on the person's scale."""
        look = look or self.look
        asked = shifted(self.present(look), dict(look.trims), sign=-1.0)
        return shifted(asked, self._offsets.of(look))

    def shown_start(self, look: Look | None = None) -> dict[str, float]:
        """Likewise `readings`: where each dial stands before any change."""
        look = look or self.look
        return shifted(self.readings(look), self._offsets.of(look))

    def measured_start(self, measured: Mapping[str, float]) -> None:
        """Tell what was measured on the person in hand before any dial, in the dials' units."""
        if self._offsets.learn(self.look, measured, self.readings()):
            self.revision += 1

    def _predicted(self, look: Look, values: Mapping[str, float]) -> dict[str, float]:
        """What to ask of the predictions so that dials stand at these values; known dials only."""
        known = {name: value for name, value in values.items() if name in self._dials.names}
        return shifted(known, self._offsets.of(look), sign=-1.0)

    def face(self, look: Look | None = None) -> Face:
        """The look as a value that can be saved."""
        look = look or self.look
        return Face(
            w_plus=self.w_plus(look),
            base=self.base(look),
            edits=tuple(Edit(dial, delta) for dial, delta in look.deltas),
            space=self._faces.space,
            model=self._faces.model,
            seed=look.person.seed,
            psi=look.psi,
            name=self.name_of(look),
        )

    # -- steps ------------------------------------------------------------------------------------

    def new_person(self, seed: int, *, psi: float | None = None) -> Look:
        """Take a new person in hand; the dials start at zero.

        Raises:
            UsageError: The seed is outside 0 to 2**32 - 1.
        """
        if not 0 <= int(seed) <= MAX_SEED:
            raise UsageError(f"A seed must be a whole number from 0 to {MAX_SEED}, got {seed}.")
        psi = clean_psi(self.look.psi if psi is None and self._history else psi)
        person = self._enter(f"Unnamed {int(seed):04d}", int(seed), psi, None)
        return self._step(Look(person, psi))

    def open_face(self, face: Face) -> Look:
        """Take a saved face in hand as it was saved; see `facegen.session.latents.unfolded`."""
        base, deltas = unfolded(face, self._dials, self._limits)
        psi = clean_psi(face.psi)
        seed = face.seed
        origin: np.ndarray | None = base
        if seed is not None and np.array_equal(self._faces.w_from_seed(int(seed), psi), base):
            origin = None
        for known in self.recent:  # Somebody met before comes back as themselves.
            if np.array_equal(self.base(replace(known, psi=psi)), base) and known.person.psi == psi:
                return self._opened(Look(known.person, psi, deltas))
        name = face.name or ("Unnamed" if seed is None else f"Unnamed {seed:04d}")
        person = self._enter(name[:MAX_NAME], seed, psi, origin)
        return self._opened(Look(person, psi, deltas))

    def _opened(self, look: Look) -> Look:
        self._take_locks_of(self._step(look))
        return look

    def edit(
        self,
        deltas: Mapping[str, object],
        *,
        psi: object = None,
        what: str = "",
        now: float = math.inf,
    ) -> Look:
        """Ask exactly this of the dials, in their units; absent ones stand at zero.

        `what` is the dial that moved, `now` the time: quick moves of one dial make one step.
        """
        return self._commit(self._moved(deltas, psi), what, now)

    def _commit(self, look: Look, what: str, now: float) -> Look:
        """Make a look the newest step; quick moves of one dial make one step together."""
        if look.same_as(self.look):
            return self.look
        if self._history.merges(what, now):
            self._history.replace(look)
            return look
        self._step(look, own=True)
        self._history.merges(what, now)
        return look

    def turned(
        self, moves: Mapping[str, float], *, resets: Collection[str] = (), psi: object = None
    ) -> Look:
        """The look with dials turned to readings or put back, and what is locked in its place.

        Args:
            moves: Dial -> wanted reading, in its unit.
            resets: Dials to put back to where the person came from.
            psi: Truncation; None keeps it.

        Raises:
            OutOfRangeError: What is locked leaves no way there.
        """
        moved = self._moved(dict(self.look.deltas), psi)
        start = self.shown_start(moved)
        back = {name for name, value in moves.items() if abs(value - start.get(name, 0.0)) < HOME}
        trims = {name: trim for name, trim in moved.trims if name not in back}
        known = shifted(self._predicted(moved, moves), trims)
        if not known and not resets and moved.same_as(self.look):
            return self.look
        return self._solved(moved, known, resets)

    def _solved(self, look: Look, targets: Mapping[str, float], resets: Collection[str]) -> Look:
        """The look with dials at predicted readings or put back, and what is locked in its place.

        Raises:
            OutOfRangeError: What is locked leaves no way there.
        """
        own = self.readings(look)
        turns, back = {}, set(resets)
        for name, value in targets.items():
            low, high = self.spec(name).safe
            if not math.isfinite(value):
                continue
            if abs(value - own[name]) < PUT_BACK * (high - low):
                back.add(name)
            else:
                turns[name] = value
        asked = {name: delta for name, delta in look.deltas if delta}
        planned = plan(own, asked, turns, self.locks, resets=back)
        deltas = {
            name: round(delta, DELTA_DIGITS) if name in self.locks.held else delta
            for name, delta in planned.deltas.items()
        }
        solved = self._moved(deltas, look.psi)
        if solved.deltas:
            steps = {name: deltas[name] - dict(look.deltas).get(name, 0.0) for name in turns}
            require_locks(self._dials, self.present(solved), planned.goals, self.locks, steps)
        return solved

    def turn(
        self,
        moves: Mapping[str, float],
        *,
        resets: Collection[str] = (),
        psi: object = None,
        what: str = "",
        now: float = math.inf,
    ) -> Look:
        """Make `turned` a step; `what` and `now` as for `edit`.

        Raises:
            OutOfRangeError: What is locked leaves no way there; the face stays.
        """
        return self._commit(self.turned(moves, resets=resets, psi=psi), what, now)

    def aimed(self, targets: Mapping[str, float]) -> Look:
        """The look that `aim` would make, without making the step."""

        def attempt(partly: Mapping[str, float]) -> tuple[Look, np.ndarray]:
            look = self._solved(self.look, partly, ())
            return look, self.w_plus(look)

        predicted = self._predicted(self.look, targets)
        return as_far_as_possible(self._dials, self.w_plus(), predicted, self.locks, attempt)

    def aim(self, targets: Mapping[str, float]) -> Look:
        """Send many dials to readings at once, as far as that goes; one step.

        Raises:
            OutOfRangeError: What is locked leaves no way there; the face stays.
        """
        look = self.aimed(targets)
        return self.look if look.same_as(self.look) else self._step(look)

    def shuffle(self, names: Collection[str], seed: int) -> Look:
        """Give some dials the readings of somebody else, within the natural range; one step.

        Raises:
            OutOfRangeError: What is locked leaves no way there; the face stays.
        """
        other = self._dials.read(self._faces.w_from_seed(seed, psi=1.0))
        return self.aim(natural_targets(self._dials, other, names))

    def misses(
        self, measured: Mapping[str, float], before: Mapping[str, float]
    ) -> dict[str, float]:
        """What the picture in hand is short of; see `facegen.session.readouts.misses`."""
        return misses(self._dials, self.look, measured, before)

    def correct(self, before: Mapping[str, float], see: See) -> Look:
        """Correct the dials on the picture, see `facegen.session.readouts.corrected`; one step."""
        look = corrected(self._dials, self.base(), self.look, before, see, self._limits)
        return self.look if look.same_as(self.look) else self._step(look)

    def lock(self, name: str, on: bool) -> None:
        """Hold a dial (or the identity) where it is, or let it go."""
        self.locks = self.locks.with_lock(name, on, self.present())
        self.revision += 1

    def undo(self) -> Look:
        """Go one step back; at the beginning nothing happens."""
        return self._go(-1)

    def redo(self) -> Look:
        """Go one step forward again; at the end nothing happens."""
        return self._go(1)

    def take(self, uid: int) -> Look:
        """Take a person met before in hand again, as they were left."""
        for look in self.recent:
            if look.person.uid == uid and uid != self.look.person.uid:
                return self._step(look)
        return self.look

    def rename(self, name: str) -> None:
        """Name the person in hand; an empty name gives the first one back."""
        name = " ".join(str(name).split())[:MAX_NAME]
        self._names[self.look.person.uid] = name or self.look.person.name

    # -- links ------------------------------------------------------------------------------------

    def to_query(self) -> dict[str, str] | None:
        """The link of the look in hand; None for people that came from a file."""
        return link_of(self.look)

    def apply_query(self, query: Mapping[str, str]) -> list[str]:
        """Set the dials of a link on the person in hand as their first look.

        Returns:
            The names that this program does not know.
        """
        deltas, unknown = deltas_of_link(query, self._limits)
        look = replace(self.look, deltas=deltas)
        self._history.replace(look)
        self._take_locks_of(look)
        self.revision += 1
        return unknown

    def _take_locks_of(self, look: Look) -> None:
        """Hold what a face from a link or a file was made to hold: the zeros among its deltas."""
        readings = self.present(look)
        for name, delta in look.deltas:
            if not delta:
                self.locks = self.locks.with_lock(name, True, readings)

    # -- inside -----------------------------------------------------------------------------------

    def _moved(self, deltas: Mapping[str, object], psi: object) -> Look:
        look = self.look
        new_psi = look.psi if psi is None else clean_psi(psi, look.psi)
        kept = clean_deltas(deltas, self._limits)
        asked = {name for name, delta in kept if delta}
        trims = tuple((name, trim) for name, trim in look.trims if name in asked)
        return Look(look.person, new_psi, kept, trims)

    def _enter(self, name: str, seed: int | None, psi: float, origin: np.ndarray | None) -> Person:
        self._people += 1
        return Person(self._people, name, seed, psi, origin)

    def _step(self, look: Look, *, own: bool = False) -> Look:
        self._history.step(look)
        if not own:
            self._arrived()
        return look

    def _go(self, steps: int) -> Look:
        if self._history.go(steps):
            self._arrived()
        return self.look

    def _arrived(self) -> None:
        self.revision += 1
        if self.locks.held:  # A lock holds the face in hand, not the one before.
            self.locks = self.locks.at(self.present())
