"""What somebody wears and stands before, found in each of their pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from facegen.local.clothes import NOT_SEEN, OTHER_NOT_SEEN, dressed
from facegen.masks import Mask
from facegen.operations import (
    Background,
    Clothes,
    KeepRest,
    PixelOperation,
    with_background,
    with_clothes,
)
from facegen.service.mattes import Mattes
from facegen.session.behind import Behind
from facegen.session.edit_state import EditState
from facegen.session.worn import Worn

NOT_LOOKED = "Where the clothes are could not be found; press again."
CANNOT_DRESS = "This network cannot draw the clothes of another face alone. A colour works."


class Scenes:
    """Makes operations of a visitor's wishes.

    Args:
        generator: Draws; maps seeds.
        mattes: Finds what is where.
    """

    def __init__(self, generator: Any, mattes: Mattes) -> None:
        self._generator, self._mattes = generator, mattes

    def put(
        self,
        operations: tuple[PixelOperation, ...],
        state: EditState,
        w_plus: np.ndarray,
        keep: KeepRest | None,
        *,
        quick: bool = False,
    ) -> tuple[PixelOperation, ...]:
        """Operations with the clothes and the background of a state.

        Args:
            operations: What is done in its picture beside.
            state: Which.
            w_plus: Its latent, [18, 512].
            keep: What is kept of its rest.
            quick: Of a dial on its way.
        """
        clothes = self._clothes(state.worn, w_plus, keep, quick)
        background = self._background(state.behind, w_plus, keep, quick)
        return with_background(with_clothes(operations, clothes), background)

    def is_found(self, state: EditState, w_plus: np.ndarray, keep: KeepRest | None) -> bool:
        """Whether `put` answers at once."""
        wishes = [one for one in (state.behind, state.worn) if one and not one.is_as_saved]
        behind = state.behind
        if behind in wishes and behind is not None and behind.seed is not None:
            other = self._generator.w_from_seed(behind.seed)
            return self._mattes.knows(other) and self._mattes.knows(w_plus, keep)
        return not wishes or self._mattes.knows(w_plus, keep)

    def why_not(self, worn: Worn | None, w_plus: np.ndarray, keep: KeepRest | None) -> str:
        """Why somebody cannot be dressed so, as a sentence; empty where they can.

        Args: as for `put`.
        """
        if worn is None:
            return ""
        if worn.is_anothers and not getattr(self._generator, "can_keep", True):
            return CANNOT_DRESS
        seen = self._mattes.seen(w_plus, keep)
        if seen is None:
            return NOT_LOOKED
        if seen.clothes is None:
            return NOT_SEEN
        if worn.seed is not None:
            other = self._mattes.seen(self._generator.w_from_seed(worn.seed))
            return OTHER_NOT_SEEN if other is None or other.clothes is None else ""
        return ""

    def _clothes(
        self, worn: Worn | None, w_plus: np.ndarray, keep: KeepRest | None, quick: bool
    ) -> Clothes | None:
        if worn is None or worn.is_as_saved:
            return None if worn is None else worn.saved
        if worn.is_anothers and not getattr(self._generator, "can_keep", True):
            return None
        seen = self._mattes.seen(w_plus, keep, quick=quick)
        if seen is None or seen.clothes is None:
            return None
        if not worn.is_anothers:
            return Clothes.of(worn.clothing, seen.clothes)
        if worn.seed is not None:
            other = self._generator.w_from_seed(worn.seed)
        elif worn.saved is None or worn.saved.w_plus is None:
            return None
        else:
            other = worn.saved.w_plus
        own = w_plus if keep is None else keep.w_plus
        return Clothes.of(worn.clothing, seen.clothes, dressed(own, other))

    def _background(
        self, behind: Behind | None, w_plus: np.ndarray, keep: KeepRest | None, quick: bool
    ) -> Background | None:
        if behind is None or behind.is_as_saved:
            return None if behind is None else behind.saved
        person = self._mattes.of(w_plus, keep, quick=quick)
        other = self._other(behind)
        if person is None or (behind.is_anothers and other is None):
            return None
        return Background.of(behind.backdrop, person, other)

    def _other(self, behind: Behind) -> tuple[np.ndarray, Mask] | None:
        """The latent whose background somebody is put before, and who stands there."""
        if not behind.is_anothers:
            return None
        if behind.seed is None:
            return None if behind.saved is None else behind.saved.other
        w_plus = self._generator.w_from_seed(behind.seed)
        person = self._mattes.of(w_plus)
        return None if person is None else (w_plus, person)
