"""From looks to the latents that are rendered, remembered for as long as they are likely wanted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facegen.cache import BoundedCache
from facegen.face import Face
from facegen.session.edit_state import Dials, Faces, Look, clean_deltas

MAX_BASES = 8
MAX_LATENTS = 64
SAME_LATENT = 1e-4


class Latents:
    """Makes the latents of looks.

    Args:
        faces: Makes latents from seeds.
        dials: Moves them.
    """

    def __init__(self, faces: Faces, dials: Dials) -> None:
        self._faces = faces
        self._dials = dials
        self._bases: BoundedCache[np.ndarray] = BoundedCache(MAX_BASES)
        self._moved: BoundedCache[np.ndarray] = BoundedCache(MAX_LATENTS)

    def base(self, look: Look) -> np.ndarray:
        """The latent of a look before its dials, [18, 512] float32, read-only."""
        key = (look.person.uid, look.psi)
        return self._bases.get_or_make(key, lambda: self._make_base(look))

    def w_plus(self, look: Look) -> np.ndarray:
        """The latent of a look with its dials, [18, 512] float32, read-only."""
        if not look.deltas:
            return self.base(look)
        key = (look.person.uid, look.psi, look.deltas)
        return self._moved.get_or_make(key, lambda: self._move(look))

    def _move(self, look: Look) -> np.ndarray:
        latent = self._dials.apply(self.base(look), dict(look.deltas))  # some milliseconds
        latent.setflags(write=False)
        return latent

    def _make_base(self, look: Look) -> np.ndarray:
        person = look.person
        if person.origin is None:
            base = self._faces.w_from_seed(int(person.seed or 0), look.psi)
        elif look.psi == person.psi:
            base = person.origin
        else:  # Nearer to or further from the average than they came.
            scale = np.float32(look.psi / max(person.psi, 1e-3))
            base = self._faces.w_avg + scale * (person.origin - self._faces.w_avg)
        base = np.asarray(base, np.float32)
        base.setflags(write=False)
        return base


def unfolded(
    face: Face, dials: Dials, limits: Mapping[str, float]
) -> tuple[np.ndarray, tuple[tuple[str, float], ...]]:
    """The latent before any dial, [18, 512] read-only, and the dials of a saved face.

    Dials are kept where this program reproduces the saved latent from them (up to what other
    machines round otherwise); if not, the saved latent itself becomes the start.
    """
    deltas = clean_deltas({edit.dial: edit.delta for edit in face.edits}, limits)
    base, saved = np.array(face.base, np.float32), np.array(face.w_plus, np.float32)
    again = dials.apply(base, dict(deltas)) if deltas else base
    if not np.allclose(again, saved, rtol=0.0, atol=SAME_LATENT):
        base, deltas = saved, ()
    base.setflags(write=False)
    return base, deltas
