"""What is done in the pictures of a session's faces after they are drawn.

A file tells it for the face that was saved. Once dials change that face, what hangs on landmarks
(a wink, a gaze, a pulled mouth) is to be done anew on the new picture; until that is done it is
left out, and nothing is ever put at the places of another picture.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facegen.cache import BoundedCache
from facegen.face import Face
from facegen.operations import (
    BOUND_OPERATIONS,
    PIXEL_OPERATIONS,
    DialMove,
    Operation,
    PixelOperation,
)
from facegen.session.edit_state import EditState

Again = Callable[[Face, tuple[PixelOperation, ...]], tuple[PixelOperation, ...]]
"""A changed face and what was done in the picture before -> what is to be done in its own."""
MAX_FINISHES = 32


class Finishes:
    """Finds what is done in the picture of a state, and remembers what was done anew."""

    def __init__(self) -> None:
        self._anew: BoundedCache[tuple[PixelOperation, ...]] = BoundedCache(MAX_FINISHES)

    def of(self, state: EditState, w_plus: np.ndarray) -> tuple[PixelOperation, ...]:
        """What is done in the picture of a state, whose latent is `w_plus`, [18, 512]."""
        anew = self._anew.get(state.drawn_key)
        if anew is not None:
            return anew
        left_out = BOUND_OPERATIONS if self.needs_refit(state, w_plus) else ()
        return tuple(entry for entry in _wanted(state) if not isinstance(entry, left_out))

    def needs_refit(self, state: EditState, w_plus: np.ndarray) -> bool:
        """Whether something is to be done anew on the picture of this state."""
        if not any(isinstance(entry, BOUND_OPERATIONS) for entry in _wanted(state)):
            return False
        saved = state.subject.finished
        is_as_saved = saved is not None and np.array_equal(w_plus, saved)
        return not is_as_saved and state.drawn_key not in self._anew

    def refit(self, state: EditState, face: Face, again: Again) -> None:
        """Do it anew on the picture of a state, of which `face` is the value."""
        self._anew.put(state.drawn_key, again(face, _wanted(state)))


def beside_dials(face: Face) -> tuple[Operation, ...]:
    """What was done to a face beside moving dials."""
    return tuple(entry for entry in face.operations if not isinstance(entry, DialMove))


def _wanted(state: EditState) -> tuple[PixelOperation, ...]:
    operations = state.subject.operations
    return tuple(entry for entry in operations if isinstance(entry, PIXEL_OPERATIONS))
