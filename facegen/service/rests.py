"""What of a picture is kept while dials change their own regions: found once, for all visitors.

Where a region lies is seen on the pictures (`facegen.local`): before the dials, and with them. That
takes some tenths of a second, so it is done for pictures at rest and remembered. While a dial moves
its region is taken from the picture before it alone, where that was looked at already.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from facegen.cache import BoundedCache
from facegen.errors import FacegenError
from facegen.masks import Mask
from facegen.operations import KeepRest
from facegen.service.queued import QueuedGenerator
from facegen.service.render import RenderService
from facegen.session.painting import NOTHING, Painting

if TYPE_CHECKING:
    from facegen.local.edit import LocalEditor

_log = logging.getLogger(__name__)

MAX_KEPT, MAX_LOOKED_AT = 128, 16
"""Masks of 64 KB each, and pictures whose regions are found at once."""


class FindsMasks(Protocol):
    """Finds regions on pictures: `facegen.local.edit.LocalEditor`."""

    def mask(self, names: Collection[str], rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        """Where dials show that lead from one latent to another, [18, 512] each."""

    def place(self, name: str, rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        """Where a place of `facegen.session.painting.PLACES` lies in either."""


class Rests:
    """Finds what of pictures is kept.

    Args:
        dials: Those that have a region.
        load: Loads what finds masks; called once, when it is first needed.
        is_here: Whether all that takes is on this machine. Until it is nothing is kept, for nobody
            who moves a dial is to wait until it is fetched.
    """

    def __init__(
        self,
        dials: Collection[str],
        load: Callable[[], FindsMasks],
        is_here: Callable[[], bool] = lambda: True,
    ) -> None:
        self.dials = frozenset(dials)
        self._load, self._is_here = load, is_here
        self._finder: FindsMasks | None = None
        self._has_failed = False
        self._guard = threading.Lock()
        self._looked_at: BoundedCache[bool] = BoundedCache(MAX_LOOKED_AT)
        self._kept: BoundedCache[tuple[KeepRest | None]] = BoundedCache(MAX_KEPT)

    @property
    def is_ready(self) -> bool:
        """Whether anything can be kept."""
        return not self._has_failed and (self._finder is not None or self._is_here())

    def of(
        self,
        rest: np.ndarray,
        w_plus: np.ndarray,
        names: Collection[str],
        *,
        painting: Painting = NOTHING,
        quick: bool = False,
    ) -> KeepRest | None:
        """What is kept of one picture in another; None where nothing can be.

        Args:
            rest: The latent whose picture stays around the regions, [18, 512].
            w_plus: The latent with all dials, [18, 512].
            names: The dials that were moved and have a region.
            painting: What is painted over their regions.
            quick: Nothing new is looked at: the regions are those of the picture that stays.
        """
        names = tuple(sorted(set(names) & self.dials))
        if not names:
            return None
        finder = self._find(quick=quick)
        if finder is None or (quick and rest.tobytes() not in self._looked_at):
            return None
        whole = w_plus if not quick else rest
        key = _key(names, rest, whole, painting)

        def make() -> tuple[KeepRest | None]:
            try:
                return (self._made(finder, names, rest, whole, painting),)
            except Exception:
                _log.exception("What is kept of a picture could not be found.")
                return (None,)

        return self._kept.get_or_make(key, make)[0]

    def knows(
        self, rest: np.ndarray, w_plus: np.ndarray, names: Collection[str], painting: Painting
    ) -> bool:
        """Whether `of` answers at once."""
        names = tuple(sorted(set(names) & self.dials))
        return not names or _key(names, rest, w_plus, painting) in self._kept

    def editor(self) -> LocalEditor | None:
        """What finds masks, for sweeps; None where it cannot be loaded."""
        finder = self._find(quick=False)
        return finder.editor if isinstance(finder, _Finder) else None

    def look(self, rest: np.ndarray) -> None:
        """Look at a picture, so that the first dial that moves on it is quick."""
        finder = self._find(quick=False)
        if finder is None or rest.tobytes() in self._looked_at:
            return
        try:
            finder.mask(sorted(self.dials)[:1], rest, rest)
        except Exception:
            _log.exception("A picture could not be looked at.")
        else:
            self._looked_at.put(rest.tobytes(), True)

    def _made(
        self,
        finder: FindsMasks,
        names: Collection[str],
        rest: np.ndarray,
        w_plus: np.ndarray,
        painting: Painting,
    ) -> KeepRest | None:
        place = finder.place(painting.place, rest, w_plus) if painting.place else None
        own = painting.exact or finder.mask(names, rest, w_plus)
        mask = painting.over(own, place)
        self._looked_at.put(rest.tobytes(), True)
        # Where no face is seen there is no region, and the dials act on all of the picture.
        is_unknown = painting.exact is None and mask.is_empty and own.is_empty
        return None if is_unknown or mask.is_whole else KeepRest.of(rest, mask)

    def _find(self, *, quick: bool) -> FindsMasks | None:
        if self._finder is None and not quick and self.is_ready:
            with self._guard:
                if self._finder is None:
                    try:
                        self._finder = self._load()
                    except FacegenError as err:
                        _log.warning("Nothing of a picture is kept: %s", err)
                        self._has_failed = True
                    except Exception:
                        _log.exception("Nothing of a picture is kept.")
                        self._has_failed = True
        return self._finder


def _key(
    names: tuple[str, ...], rest: np.ndarray, w_plus: np.ndarray, painting: Painting
) -> tuple[object, ...]:
    return names, rest.tobytes(), w_plus.tobytes(), painting.digest


class _Finder:
    """A `FindsMasks` on real pictures."""

    def __init__(self, editor: LocalEditor) -> None:
        self.editor = editor

    def mask(self, names: Collection[str], rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        return self.editor.mask(names, rest, w_plus)

    def place(self, name: str, rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        seen = self.editor.seen(rest), self.editor.seen(w_plus)
        return Mask.of(self.editor.table.mask(name, *seen))


def make_rests(service: RenderService, generator: Any, dials: Any) -> Rests | None:
    """What finds what is kept of a network's pictures; None where it cannot keep anything.

    Args:
        service: Draws.
        generator: Its network.
        dials: Of its space.
    """
    if not getattr(generator, "can_keep", False) or not dials.names:
        return None
    from facegen.local.regions import load_regions
    from facegen.measure import segments
    from facegen.measure.detector import INSTRUMENTS
    from facegen.weights.fetch import is_fetched
    from facegen.weights.registry import entry

    if not segments.knows(generator):
        return None
    table = load_regions()

    def load() -> FindsMasks:
        from facegen.local.edit import LocalEditor
        from facegen.measure.measurer import load_measurer

        of_latent = partial(segments.of_latent, generator)
        return _Finder(LocalEditor(QueuedGenerator(service), dials, load_measurer(), of_latent))

    def is_here() -> bool:
        return all(is_fetched(entry(name)) for name in INSTRUMENTS)

    return Rests([name for name in dials.names if not table.is_global(name)], load, is_here)
