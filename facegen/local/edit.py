"""Dials turned with the rest kept: only a dial's region changes, the picture around it stays.

A face that keeps its rest holds a `KeepRest` before all that is done in its picture: outside of the
mask the picture is that of another latent. Dials with a region move the face's own latent alone;
global ones (`facegen.local.regions`) move the kept latent along. What is corrected on the picture
(`facegen.editing.closed_loop`) is corrected on the picture with the rest kept.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from facegen.cache import BoundedCache
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import reach_on_picture
from facegen.editing.remembering import RememberingDials
from facegen.errors import ModelError
from facegen.face import Face
from facegen.latents import as_w_plus
from facegen.local.background import LOOK_PX, SegmentsOf, segments_finder
from facegen.local.mixup import is_mixed, mixed
from facegen.local.regions import RegionTable, Seen, load_regions
from facegen.masks import Mask
from facegen.measure.measurer import Measurement, load_measurer
from facegen.operations import ContinueBackground, DialMove, KeepRest
from facegen.protocols import Measures, Renders
from facegen.retouch.apply import draw

if TYPE_CHECKING:
    from facegen.generator import Generator

REMEMBERED = 16


class LocalEditor:
    """Finds regions on pictures and makes faces that keep their rest.

    Args:
        generator: Draws, and can keep the rest of a picture.
        dials: Of its space.
        measurer: Measures.
        segments: Tells what is where.
        table: The regions; the program's own unless given.
    """

    def __init__(
        self,
        generator: Renders,
        dials: DialSet,
        measurer: Measures,
        segments: SegmentsOf,
        *,
        table: RegionTable | None = None,
    ) -> None:
        self.dials = dials
        self.table = table or load_regions()
        self.measurer = measurer
        self._generator, self._segments = generator, segments
        self._seen = BoundedCache[Seen](REMEMBERED)
        self._pictures = BoundedCache[np.ndarray](REMEMBERED)
        self._measured = BoundedCache[Measurement | None](REMEMBERED)

    @property
    def segments_of(self) -> SegmentsOf:
        """What sees what is where."""
        return self._segments

    @property
    def model(self) -> str:
        """Name of the network that draws."""
        return self._generator.model

    def with_regions(self, regions: Mapping[str, str]) -> LocalEditor:
        """The same editor, with other regions for some dials.

        Args:
            regions: Dial -> name of a region of the table.
        """
        other = copy(self)
        gains = {name: gain for name, gain in self.table.gains.items() if name not in regions}
        other.table = replace(self.table, dials=self.table.dials | dict(regions), gains=gains)
        return other

    def seen(self, w_plus: np.ndarray) -> Seen:
        """What regions are made of on the network's picture of a latent, [18, 512]."""
        return self._seen.get_or_make(_key(w_plus), lambda: self._look(w_plus))

    def keep(self, before: Face, after: Face, local: Collection[str]) -> Face:
        """`after`, so that of what is new only the regions of some dials show.

        Where `before` is mixed with its background (`facegen.local.mixup`), so is what it becomes.

        Args:
            before: The face before the edit; what it keeps already stays kept.
            after: The same with other edits (`Face.edited`).
            local: Dials that shall change their region alone. All else that moved, and those of
                them that are global, change the rest as well.

        Returns:
            `after` as it is, where nothing is kept: no dial has a region, or no place for it is
            found on these pictures.
        """
        kept = self._kept(before, after, local)
        if is_mixed(before) and kept is not after and not is_mixed(kept):
            return self.mixed(kept)
        return kept

    def mixed(self, face: Face) -> Face:
        """A face whose edits uncover the background that is kept; `facegen.local.mixup.mixed`."""
        return mixed(face, lambda w_plus: self.seen(w_plus).segments)

    def _kept(self, before: Face, after: Face, local: Collection[str]) -> Face:
        moves = _moves(before), _moves(after)
        moved = [name for name in {**moves[0], **moves[1]} if _differs(name, *moves)]
        here = [name for name in moved if name in local and not self.table.is_global(name)]
        kept = before.keep
        if not here and kept is None:
            return after
        bound = KeepRest | ContinueBackground
        done = tuple(one for one in after.pixel_operations if not isinstance(one, bound))
        if not moved:
            return after if kept is None else after.finished((kept, *_mixings(before), *done))
        rest = before.w_plus if kept is None else kept.w_plus
        through = [name for name in moved if name not in here]
        if through:
            rest = self._moved_along(before, after, rest, through)
            # The regions of earlier edits have moved with the picture: they are found again.
            here += [
                one.dial for one in before.edits if kept and not self.table.is_global(one.dial)
            ]
        mask = self.mask(here, rest, after.w_plus)
        if mask.is_empty and through:
            mask = Mask.whole()
        elif kept is not None and not through:
            mask = mask.union(kept.region)
        if mask.is_empty:
            return after
        return after.finished((KeepRest.of(rest, mask), *done))

    def mask(self, names: Collection[str], rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        """Where dials show that lead from one latent to another, [18, 512] each."""
        return self.table.mask_of(names, self.seen(rest), self.seen(w_plus))

    def region(self, name: str, rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        """A region of the table on the pictures of two latents, [18, 512] each."""
        small = self.table.regions[name].small
        return Mask.of(self.table.mask(name, self.seen(rest), self.seen(w_plus)), small=small)

    def picture(self, face: Face, *, size: int = LOOK_PX, alpha: bool = False) -> np.ndarray:
        """The picture of a face, with all that is done in it: uint8 [size, size, 3].

        With `alpha` it is [size, size, 4] where the background is transparent.
        """
        request = face.request(model=self.model, size=size)
        if size != LOOK_PX or alpha:
            return draw(request, self._generator, alpha=alpha)
        return self._pictures.get_or_make(request, lambda: draw(request, self._generator))

    def measured(self, face: Face) -> Measurement | None:
        """What is measured on the picture of a face; None where no face is seen."""
        return self._measured.get_or_make(
            face.request(model=self.model, size=LOOK_PX),
            lambda: self.measurer.measure(self.picture(face), details=False),
        )

    def reach(
        self,
        before: Face,
        stepped: Face,
        targets: Mapping[str, float],
        locks: Collection[str],
        local: Collection[str],
    ) -> tuple[Face, dict[str, float]]:
        """As `facegen.editing.faces.reach_on_picture`, judged with the rest kept.

        Args:
            before: The face before the edit.
            stepped: With relative edits already made.
            targets: Dial -> value in its unit.
            locks: Dials to keep; "identity" keeps the person.
            local: As for `keep`.
        """
        look = Look(self, before, local)
        edited, found = reach_on_picture(
            look.dials, stepped, before, targets, locks, look.see, gains=look.gains
        )
        kept = self.keep(before, edited, local)
        seen = self.measured(kept) if found else None
        return kept, {} if seen is None else self.dials.in_units(seen.values)

    def _look(self, w_plus: np.ndarray) -> Seen:
        # A preview tells the landmarks as well as the whole picture, up to one or two pixels of it.
        found = self.measurer.angles(self._generator.preview(w_plus))
        return Seen(None if found is None else found.landmarks, self._segments(w_plus))

    def _moved_along(
        self, before: Face, after: Face, rest: np.ndarray, names: Sequence[str]
    ) -> np.ndarray:
        """The kept latent, moved by what some dials do to the face."""
        was, now = _moves(before), _moves(after)
        asked = {name: change for name, change in was.items() if name not in names}
        asked |= {name: now[name] for name in names if name in now}
        shifted = self.dials.apply(after.base, asked)
        if np.array_equal(rest, before.w_plus):
            return shifted
        return as_w_plus(rest + (shifted - before.w_plus))


class Look:
    """The pictures of one edit, with the rest kept, as dials are tried.

    Attributes:
        dials: Move as the editor's do; what was asked for is remembered, for it decides what of a
            picture is kept.
    """

    def __init__(self, editor: LocalEditor, before: Face, local: Collection[str]) -> None:
        self.dials = RememberingDials(editor.dials)
        self._editor, self._before, self._local = editor, before, local
        self._known = BoundedCache[Measurement | None](REMEMBERED)

    @property
    def gains(self) -> dict[str, float]:
        """Dial -> how many times as much is asked of it, for its region to show enough."""
        known = self._editor.table.gains
        return {name: known[name] for name in self._local if name in known}

    def face(self, w_plus: np.ndarray) -> Face:
        """The face whose latent was tried."""
        if np.array_equal(w_plus, self._before.w_plus):
            return self._before
        asked = self.dials.asked(w_plus)
        moves = tuple(DialMove(name, change) for name, change in asked.items())
        after = self._before.edited(w_plus, moves)
        return self._editor.keep(self._before, after, self._local)

    def measured(self, w_plus: np.ndarray) -> Measurement | None:
        """What its picture shows; None if no face is seen."""
        make = lambda: self._editor.measured(self.face(w_plus))  # noqa: E731
        return self._known.get_or_make(_key(w_plus), make)

    def see(self, w_plus: np.ndarray) -> dict[str, float] | None:
        """Dial -> value in its unit, as `counted`; `facegen.editing.closed_loop.See`."""
        found = self.measured(w_plus)
        if found is None:
            return None
        values = self._editor.dials.in_units(found.values)
        start = self._editor.measured(self._before)
        whole = self._editor.measured(Face.from_w_plus(w_plus))
        if start is not None and whole is not None:
            was, shown = (self._editor.dials.in_units(one.values) for one in (start, whole))
            return counted(was, values, shown, self._local, self.gains)
        return values


def counted(
    before: Mapping[str, float],
    kept: Mapping[str, float],
    whole: Mapping[str, float],
    names: Collection[str],
    gains: Mapping[str, float],
) -> dict[str, float]:
    """What counts as seen where only regions change: dial -> value in its unit.

    Many instruments look at the whole picture, and miss what they knew a dial by where only its
    region changes. Where the latent's own picture shows more of a dial than its region is known to
    take (`RegionTable.gains`), that counts: else ever more would be asked, and bags under the eyes
    become bruises.

    Args:
        before: Measured on the picture before the edit.
        kept: On the picture with the rest kept.
        whole: On the latent's own picture.
        names: The dials that change their regions alone.
        gains: As `RegionTable.gains`.
    """
    values = dict(kept)
    for name in before.keys() & kept.keys() & whole.keys() & set(names):
        drawn = (whole[name] - before[name]) / gains.get(name, 1.0)
        if abs(drawn) > abs(kept[name] - before[name]):
            values[name] = before[name] + drawn
    return values


def load_local_editor(generator: Generator, dials: DialSet) -> LocalEditor:
    """The editor of a generator's faces, with the program's own instruments.

    Raises:
        ModelError: the network cannot keep the rest of a picture.
    """
    if not generator.can_keep:
        raise ModelError(
            f"The network {generator.model} cannot keep the rest of a picture while it draws a "
            "part of it anew. Edit the face without keeping."
        )

    return LocalEditor(generator, dials, load_measurer(), segments_finder(generator))


def _mixings(face: Face) -> tuple[ContinueBackground, ...]:
    return tuple(one for one in face.pixel_operations if isinstance(one, ContinueBackground))


def _moves(face: Face) -> dict[str, float]:
    return {entry.dial: entry.delta for entry in face.edits}


def _differs(name: str, was: Mapping[str, float], now: Mapping[str, float]) -> bool:
    return was.get(name, 0.0) != now.get(name, 0.0)


def _key(w_plus: np.ndarray) -> bytes:
    return np.ascontiguousarray(w_plus, "<f4").tobytes()
