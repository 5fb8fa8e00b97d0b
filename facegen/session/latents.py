"""From edit states to the latents that are rendered, and to the state that meets targets."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from facegen.cache import BoundedCache
from facegen.editing.locks import Locks
from facegen.editing.targets import as_far_as_possible, plan, require_locks
from facegen.operations import DELTA_DIGITS
from facegen.protocols import Dials, Maps
from facegen.session.edit_state import EditState, moved

MAX_BASES = 8
MAX_LATENTS = 64
PUT_BACK = 2e-4  # A dial turned so near to where it came from (of its range) counts as put back.


class Latents:
    """Makes the latents of edit states.

    Args:
        faces: Makes latents from seeds.
        dials: Moves them.
    """

    def __init__(self, faces: Maps, dials: Dials) -> None:
        self._faces = faces
        self._dials = dials
        self._bases: BoundedCache[np.ndarray] = BoundedCache(MAX_BASES)
        self._moved: BoundedCache[np.ndarray] = BoundedCache(MAX_LATENTS)

    def base(self, state: EditState) -> np.ndarray:
        """The latent of a state before its dials, [18, 512] float32, read-only."""
        key = (state.subject.uid, state.psi)
        return self._bases.get_or_make(key, lambda: self._make_base(state))

    def w_plus(self, state: EditState) -> np.ndarray:
        """The latent of a state with its dials, [18, 512] float32, read-only."""
        if not state.deltas:
            return self.base(state)
        key = (state.subject.uid, state.psi, state.deltas)
        return self._moved.get_or_make(key, lambda: self._move(state))

    def solved(
        self,
        state: EditState,
        targets: Mapping[str, float],
        resets: Collection[str],
        locks: Locks,
        limits: Mapping[str, float],
    ) -> EditState:
        """The state with dials at predicted readings or put back, and what is locked in its place.

        Args:
            state: As it is.
            targets: Dial -> wanted reading, in its unit.
            resets: Dials to put back.
            locks: What is held.
            limits: As for `facegen.session.edit_state.clean_deltas`.

        Raises:
            OutOfRangeError: What is locked leaves no way there.
        """
        base = self._dials.read(self.base(state))
        turns, back = {}, set(resets)
        for name, value in targets.items():
            low, high = self._dials.spec(name).safe
            if not math.isfinite(value):
                continue
            if abs(value - base[name]) < PUT_BACK * (high - low):
                back.add(name)
            else:
                turns[name] = value
        before = dict(state.deltas)
        asked = {name: delta for name, delta in before.items() if delta}
        planned = plan(base, asked, turns, locks, resets=back)
        deltas = {
            name: round(delta, DELTA_DIGITS) if name in locks.held else delta
            for name, delta in planned.deltas.items()
        }
        after = moved(state, deltas, limits, psi=None)
        if after.deltas:
            steps = {name: deltas[name] - before.get(name, 0.0) for name in turns}
            readings = self._dials.read(self.w_plus(after))
            require_locks(self._dials, readings, planned.goals, locks, steps)
        return after

    def aimed(
        self,
        state: EditState,
        targets: Mapping[str, float],
        locks: Locks,
        limits: Mapping[str, float],
    ) -> EditState:
        """`solved` for many dials at once: all of the way, or a part of it.

        Raises:
            OutOfRangeError: What is locked leaves no way there.
        """

        def attempt(partly: Mapping[str, float]) -> tuple[EditState, np.ndarray]:
            found = self.solved(state, partly, (), locks, limits)
            return found, self.w_plus(found)

        return as_far_as_possible(self._dials, self.w_plus(state), targets, locks, attempt)

    def _move(self, state: EditState) -> np.ndarray:
        latent = self._dials.apply(self.base(state), dict(state.deltas))  # some milliseconds
        latent.setflags(write=False)
        return latent

    def _make_base(self, state: EditState) -> np.ndarray:
        subject = state.subject
        if subject.origin is None:
            base = self._faces.w_from_seed(int(subject.seed or 0), state.psi)
        elif state.psi == subject.psi:
            base = subject.origin
        else:  # Nearer to or further from the average than they came.
            scale = np.float32(state.psi / max(subject.psi, 1e-3))
            base = self._faces.w_avg + scale * (subject.origin - self._faces.w_avg)
        base = np.asarray(base, np.float32)
        base.setflags(write=False)
        return base
