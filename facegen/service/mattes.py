"""Where people stand in pictures, and their clothes: found once, for all visitors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from facegen.cache import BoundedCache
from facegen.masks import Mask
from facegen.operations import KeepRest
from facegen.service.queued import QueuedGenerator
from facegen.service.render import RenderService

_log = logging.getLogger(__name__)

MAX_KNOWN = 256
"""Masks of 64 KB each."""

SegmentsOf = Callable[[np.ndarray], Any]
"""As `facegen.local.background.SegmentsOf`."""


@dataclass(frozen=True)
class Seen:
    """What was seen in a picture.

    Attributes:
        person: Where the person stands.
        clothes: Where their clothes are; None where none are seen.
    """

    person: Mask
    clothes: Mask | None


class Mattes:
    """Finds where people stand and what of them is clothes.

    Args:
        load: Loads what sees what is where in the picture of a latent, and in a picture; called
            once, when it is first needed.
        preview: Draws a small picture of a latent, with what it keeps of another.
    """

    def __init__(
        self,
        load: Callable[[], tuple[SegmentsOf, SegmentsOf]],
        preview: Callable[[np.ndarray, KeepRest | None], np.ndarray],
    ) -> None:
        self._load, self._preview = load, preview
        self._finders: tuple[SegmentsOf, SegmentsOf] | None = None
        self._guard = threading.Lock()
        self._known: BoundedCache[Seen] = BoundedCache(MAX_KNOWN)

    def of(
        self, w_plus: np.ndarray, keep: KeepRest | None = None, *, quick: bool = False
    ) -> Mask | None:
        """Where the person stands, as `seen` finds it; None if that fails."""
        found = self.seen(w_plus, keep, quick=quick)
        return None if found is None else found.person

    def seen(
        self, w_plus: np.ndarray, keep: KeepRest | None = None, *, quick: bool = False
    ) -> Seen | None:
        """Where person and clothes are, see `facegen.operations.Background`.

        None if that fails; the next who asks has it looked for again.

        Args:
            w_plus: What the network draws, [18, 512].
            keep: What it keeps of another latent's picture.
            quick: Of a dial on its way: seen on a preview, less exactly, a tenth of the time.
        """
        key = _key(w_plus, keep)
        known = self._known.get(key)
        if known is not None:
            return known
        try:
            return self._known.get_or_make((key, quick), lambda: self._found(w_plus, keep, quick))
        except Exception:
            _log.exception("Where somebody stands could not be found.")
            return None

    def knows(self, w_plus: np.ndarray, keep: KeepRest | None = None) -> bool:
        """Whether `of` answers at once."""
        return _key(w_plus, keep) in self._known

    def segments_of(self, w_plus: np.ndarray) -> Any:
        """What is where in the picture of a latent, [18, 512]; for sweeps."""
        return self._finder()[0](w_plus)

    def _found(self, w_plus: np.ndarray, keep: KeepRest | None, quick: bool) -> Seen:
        from facegen.local.background import seen_on
        from facegen.local.person import clothes_mask, person_mask

        of_latent, of_picture = self._finder()
        if quick:
            segments = of_picture(self._preview(w_plus, keep))
        else:
            segments = seen_on(w_plus, keep, of_latent)
        found = Seen(person_mask(segments), clothes_mask(segments))
        if not quick:
            self._known.put(_key(w_plus, keep), found)
        return found

    def _finder(self) -> tuple[SegmentsOf, SegmentsOf]:
        with self._guard:
            if self._finders is None:
                self._finders = self._load()
            return self._finders


def _key(w_plus: np.ndarray, keep: KeepRest | None) -> tuple[object, ...]:
    kept = None if keep is None else (keep.latent, keep.region.digest)
    return np.ascontiguousarray(w_plus, "<f4").tobytes(), kept


def make_mattes(service: RenderService, generator: Any) -> Mattes | None:
    """What finds where people stand in a network's pictures; None where it draws no faces.

    Args:
        service: Draws.
        generator: Its network.
    """
    if getattr(generator, "why_not_face", None):
        return None

    def load() -> tuple[SegmentsOf, SegmentsOf]:
        from facegen.local.background import segments_finder
        from facegen.measure import segments

        drawing = generator if segments.knows(generator) else QueuedGenerator(service)
        return segments_finder(drawing), segments.of_picture

    def preview(w_plus: np.ndarray, keep: KeepRest | None) -> np.ndarray:
        request = service.request(w_plus, operations=() if keep is None else (keep,))
        return service.image(request.at(generator.preview_size))

    return Mattes(load, preview)
