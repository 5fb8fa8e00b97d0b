"""What one visitor has open: the subjects so far, the current face, undo and redo, locks.

Pure values and plain methods: no Streamlit, no pictures, no threads. A `Session` lives in the
state of one browser session and nowhere else, so two visitors cannot see each other's faces.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from facegen.editing.closed_loop import See
from facegen.editing.locks import IDENTITY, Locks
from facegen.editing.targets import natural_targets
from facegen.errors import UsageError
from facegen.face import Face
from facegen.latents import DEFAULT_PSI, MAX_SEED
from facegen.operations import PixelOperation
from facegen.protocols import Dials, Maps
from facegen.session.behind import Behind
from facegen.session.edit_state import (
    REST,
    EditState,
    clean_psi,
    known_only,
    moved,
    to_face,
)
from facegen.session.finishes import Again, Finishes
from facegen.session.history import History
from facegen.session.latents import Latents
from facegen.session.opening import opened_state
from facegen.session.painting import Painting
from facegen.session.people import People
from facegen.session.readouts import Offsets, Readout, Scale, corrected
from facegen.session.seen import LastSeen, turned_from
from facegen.session.settling import Settling
from facegen.session.walking import Walking
from facegen.session.worn import Worn

MAX_SPANS = 2.0  # A dial moves at most so many times its safe range: links hold any number.
AT_START = 1e-3


class Session(Walking):
    """The subjects and faces of one visitor.

    Args:
        faces: Makes latents from seeds.
        dials: Reads and applies dials.
        table: The dials to show, in order (`facegen.controls.Dial`).
        regions: The dials that can change a region alone.

    Attributes: `dials`, `table` and `regions` as above, and
        id: Tells sessions apart.
        history: Undo and redo, and the newest state of each subject.
        people: Their numbers and names.
        offsets: How far measurement and prediction differ on each of them.
        limits: How far each dial may be moved at most, in its unit.
        revision: Counts the changes that did not come from the dials themselves.
        locks: What stays as it is while dials move.
        settling: Which pictures are still to be brought to what was asked.
        dials_version: Of the users' own dials; see `facegen.service.loading.Backend.version`.
    """

    def __init__(
        self,
        faces: Maps,
        dials: Dials,
        table: tuple[Any, ...] = (),
        *,
        regions: frozenset[str] = frozenset(),
        seed: int,
        psi: float = DEFAULT_PSI,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.dials_version: object = None
        self.revision = 0
        self.space = faces.space
        self.locks = Locks()
        self.regions = regions
        self._faces = faces
        self.history = History()
        self.people = People()
        self.offsets = Offsets()
        self._seen = LastSeen()
        self.settling = Settling()
        self._finishes = Finishes()
        self.use_dials(dials, table)
        self.new_person(seed, psi=psi)

    def use_dials(self, dials: Dials, table: tuple[Any, ...]) -> None:
        """Work with these dials from now on: a visitor may bring some of their own."""
        self.dials, self.table = dials, table
        safe = {name: dials.spec(name).safe for name in dials.names}
        self.limits = {name: round(MAX_SPANS * (hi - lo), 3) for name, (lo, hi) in safe.items()}
        self.limits[IDENTITY] = 0.0
        self._latents = Latents(self._faces, dials)
        # Dials that are gone are gone from the history too.
        self.history.change_all(lambda state: known_only(state, self.limits))
        held = {name: value for name, value in self.locks.held.items() if name in safe}
        self.locks = replace(self.locks, held=held)
        self.revision += 1

    # -- the current state ------------------------------------------------------------------------

    @property
    def start(self) -> EditState:
        """The current subject as they came, before any dial: what "before" shows."""
        return replace(self.state.undialled, psi=self.state.subject.psi, behind=None, worn=None)

    @property
    def name(self) -> str:
        """The name of the current subject."""
        return self.name_of(self.state)

    def name_of(self, state: EditState) -> str:
        """The name of the subject of a state."""
        return self.people.name_of(state.subject)

    # -- latents and readings ---------------------------------------------------------------------

    def base(self, state: EditState | None = None) -> np.ndarray:
        """The latent of a state before its dials, [18, 512] float32."""
        return self._latents.base(state or self.state)

    def w_plus(self, state: EditState | None = None) -> np.ndarray:
        """The latent of a state with its dials, [18, 512] float32: what is rendered."""
        return self._latents.w_plus(state or self.state)

    def rest(self, state: EditState | None = None) -> np.ndarray:
        """The latent, [18, 512], of what a state shows outside of the regions of its dials."""
        return self._latents.w_plus((state or self.state).without(self.regions))

    def face(self, state: EditState | None = None) -> Face:
        """The state as a value that can be saved, but for what it keeps of its rest."""
        state = state or self.state
        base, w_plus, name = self.base(state), self.w_plus(state), self.name_of(state)
        finish = self.finish(state)
        return to_face(state, base, w_plus, faces=self._faces, name=name, finish=finish)

    def finish(self, state: EditState | None = None) -> tuple[PixelOperation, ...]:
        """What is done in the picture of a state; see `facegen.session.finishes`."""
        state = state or self.state
        return self._finishes.of(state, self.w_plus(state))

    def needs_refit(self, state: EditState | None = None) -> bool:
        """Whether what a file says was done in the picture is to be done anew for this state."""
        state = state or self.state
        return self._finishes.needs_refit(state, self.w_plus(state))

    def refit(self, again: Again, state: EditState | None = None) -> None:
        """Do it anew: `again` as `facegen.service.finishing.refit` gives it."""
        state = state or self.state
        self._finishes.refit(state, self.face(state), again)

    def predicted(self, state: EditState | None = None) -> dict[str, float]:
        """Where each dial stands by the latent alone, in its unit; locks hold these numbers."""
        return self.dials.read(self.w_plus(state))

    def readouts(
        self,
        state: EditState | None = None,
        *,
        measured: Mapping[str, float] | None = None,
        before: Mapping[str, float] | None = None,
    ) -> dict[str, Readout]:
        """What each dial shows; `measured` and `before` as for `Scale.readouts`."""
        state = state or self.state
        scale, gaps = self._scale(state), self._seen.gaps(state)
        found = scale.readouts(self.dials, self.locks.held, measured, before)
        return {
            name: replace(readout, carried=gaps.get(name, 0.0)) for name, readout in found.items()
        }

    def measured_start(self, measured: Mapping[str, float]) -> None:
        """Take what was measured on the current subject before any dial, in the dials' units.

        A dial that is moved meanwhile goes where its user put it: the number counts, whatever was
        known when it was chosen. So this is no new revision.
        """
        self.offsets.learn(self.state, measured, self.dials.read(self.base()))

    def measured_now(self, measured: Mapping[str, float]) -> None:
        """Take what was measured on the current picture; see `facegen.session.seen`."""
        self._seen.take(self.state, self._scale(self.state), measured)

    def _scale(self, state: EditState) -> Scale:
        base = self.dials.read(self.base(state))
        return Scale(state, base, self.predicted(state), self.offsets.of(state))

    # -- whom is edited ---------------------------------------------------------------------------

    def new_person(self, seed: int, *, psi: float | None = None) -> EditState:
        """Go on with the person of a seed; the dials start at zero.

        Raises:
            UsageError: The seed is outside 0 to 2**32 - 1.
        """
        if not 0 <= int(seed) <= MAX_SEED:
            raise UsageError(f"A seed must be a whole number from 0 to {MAX_SEED}, got {seed}.")
        psi = clean_psi(self.state.psi if psi is None and self.history else psi)
        subject = self.people.enter(f"Unnamed {int(seed):04d}", int(seed), psi, None)
        return self.step(EditState(subject, psi, keeps_rest=self.keeps_rest))

    @property
    def keeps_rest(self) -> bool:
        """Whether dials change their own regions alone: at first where that is possible."""
        return self.state.keeps_rest if self.history else bool(self.regions)

    def open_face(self, face: Face, *, is_eased: bool = False) -> EditState:
        """Go on with a saved face as it was saved; see `facegen.session.opening`.

        Args:
            face: From a file.
            is_eased: Whether it was changed since, so that masks of its picture no longer hold.

        Raises:
            ModelError: its picture needs what this version does not have; the face stays.
        """
        face.request(model=self._faces.model, size=1).require_known()
        self._hold_zeros(self.step(opened_state(self, face, self._faces, is_eased=is_eased)))
        return self.state

    def switch_to(self, uid: int) -> EditState:
        """Go on with an earlier subject, as they were left."""
        for state in self.history.recent:
            if state.subject.uid == uid and uid != self.state.subject.uid:
                return self.step(state)
        return self.state

    def rename(self, name: str) -> None:
        """Name the current subject; an empty name gives the first one back."""
        self.people.rename(self.state.subject, name)

    # -- edits ------------------------------------------------------------------------------------

    def edit(
        self,
        deltas: Mapping[str, object],
        *,
        psi: object = None,
        what: str = "",
        now: float = math.inf,
    ) -> EditState:
        """Ask exactly this of the dials, in their units; absent ones stand at zero.

        `what` is the dial that moved, `now` the time: quick moves of one dial make one step.
        """
        return self._commit(moved(self.state, deltas, self.limits, psi=psi), what, now)

    def turned(
        self, moves: Mapping[str, float], *, resets: Collection[str] = (), psi: object = None
    ) -> EditState:
        """The state with dials put where they show these numbers, and what is locked in its place.

        Args:
            moves: Dial -> number it is to show, in its unit.
            resets: Dials to put back to where the subject came from.
            psi: Truncation; None keeps it.

        Raises:
            OutOfRangeError: What is locked leaves no way there.
        """
        after = moved(self.state, dict(self.state.deltas), self.limits, psi=psi)
        known = {name: value for name, value in moves.items() if name in self.dials.names}
        gaps = {n: gap for n, gap in self._seen.gaps(after).items() if n not in self.locks.held}
        after = turned_from(self.dials, after, self._scale, known, self.offsets.of(after), gaps)
        scale = self._scale(after)
        back = {name for name, value in known.items() if abs(value - scale.start(name)) < AT_START}
        targets = scale.targets(known, uncorrected=back)
        if not targets and not resets and after.same_as(self.state):
            return self.state
        return self._latents.solved(after, targets, resets, self.locks, self.limits)

    def turn(
        self,
        moves: Mapping[str, float],
        *,
        resets: Collection[str] = (),
        psi: object = None,
        what: str = "",
        now: float = math.inf,
    ) -> EditState:
        """Make `turned` a step; `what` and `now` as for `edit`.

        Raises:
            OutOfRangeError: What is locked leaves no way there; the face stays.
        """
        state = self._commit(self.turned(moves, resets=resets, psi=psi), what, now)
        self.settling.turned(state, moves)
        return state

    def aimed(self, targets: Mapping[str, float]) -> EditState:
        """The state with many dials at numbers at once, as far as that goes."""
        wanted = self._scale(self.state).targets(targets)
        return self._latents.aimed(self.state, wanted, self.locks, self.limits)

    def aim(self, targets: Mapping[str, float]) -> EditState:
        """Make `aimed` a step; raises OutOfRangeError, and the face stays, as `turn` does."""
        return self._step_if_new(self.aimed(targets))

    def shuffle(self, names: Collection[str], seed: int) -> EditState:
        """Aim some dials at the readings of somebody else, within the natural range."""
        other = self.dials.read(self._faces.w_from_seed(seed, psi=1.0))
        return self.aim(natural_targets(self.dials, other, names))

    def correction(
        self, state: EditState, before: Mapping[str, float], see: See, *, dials: Dials | None = None
    ) -> EditState:
        """A state corrected on its picture; see `facegen.session.readouts.corrected`.

        `dials` are the session's own unless given.
        """
        base = self.base(state)
        return corrected(dials or self.dials, base, state, before, see, self.limits)

    def settle(self, found: EditState, *, is_step: bool = False) -> None:
        """Go on with the corrected current state: as a step, or in its place (no new revision)."""
        self.settling.add((self.state, found))
        if is_step:
            self._step_if_new(found)
        elif not found.same_as(self.state):
            self.history.replace(found)
            self._hold_current()

    def keep_rest(self, on: bool) -> EditState:
        """Let dials change their own regions alone, or all of the picture."""
        state = replace(self.state, keeps_rest=on and bool(self.regions))
        if not state.draws_as(self.state):
            state = state.moved_on()
        if state.same_as(self.state):  # There is nothing to be seen of it.
            self.history.replace(state)
        return self._step_if_new(state)

    def paint(self, painting: Painting) -> EditState:
        """Let dials act where this says; it stays until somebody else is shown."""
        if not self.regions:  # The network can do nothing with it.
            return self.state
        state = replace(self.state.moved_on(), keeps_rest=True, painting=painting)
        return self._step_if_new(state)

    def put_before(self, behind: Behind | None) -> EditState:
        """Put somebody before another background, or with None before their own."""
        return self._step_if_new(replace(self.state, behind=behind))

    def put_on(self, worn: Worn | None) -> EditState:
        """Dress somebody in other clothes, or with None in their own."""
        return self._step_if_new(replace(self.state, worn=worn))

    def lock(self, name: str, on: bool) -> None:
        """Hold a dial, the identity or the rest, or let it go; said twice is said once."""
        is_on = self.locks.identity if name == IDENTITY else name in self.locks.held
        if name == REST:
            self.keep_rest(on)
        elif on != is_on:
            self.locks = self.locks.with_lock(name, on, self.predicted())
