"""From edit states to the latents that are rendered, remembered while they are likely wanted."""

from __future__ import annotations

import numpy as np

from facegen.cache import BoundedCache
from facegen.protocols import Dials, Maps
from facegen.session.edit_state import EditState

MAX_BASES = 8
MAX_LATENTS = 64


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
