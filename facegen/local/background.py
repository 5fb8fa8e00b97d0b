"""Somebody before another background: where they stand is seen on the picture that is drawn.

What is put there is `facegen.retouch.backdrop`'s; here it becomes an operation of the face, which
holds all it needs. When the face changes it is another picture, and is looked at `again`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from facegen.backdrops import Backdrop
from facegen.face import Face
from facegen.local.person import person_mask
from facegen.local.regions import HasMasks
from facegen.masks import Mask
from facegen.operations import Background, KeepRest, with_background

LOOK_PX = 512
"""Edge of the pictures in which it is seen what is where, and dials are measured."""
SegmentsOf = Callable[[np.ndarray], HasMasks]
"""What is where in the picture of a latent, [18, 512]."""


def before(
    face: Face,
    backdrop: Backdrop | None,
    segments_of: SegmentsOf,
    *,
    other: np.ndarray | None = None,
) -> Face:
    """The face before another background.

    Args:
        face: Who.
        backdrop: What is to be behind them; None for what the network drew there.
        segments_of: Sees what is where.
        other: The latent, [18, 512], whose background it is, where it is another face's.

    Raises:
        UsageError: `other` is missing, or there is one that is not wanted.
    """
    if backdrop is None:
        return face.finished(with_background(face.pixel_operations, None))
    whose = None if other is None else (other, person_mask(segments_of(other)))
    return _put(face, backdrop, segments_of, whose)


def again(face: Face, background: Background | None, segments_of: SegmentsOf) -> Face:
    """A changed face before the background that it had.

    Args:
        face: After the change.
        background: Of the face before it; None leaves the face.
        segments_of: Sees what is where.
    """
    if background is None:
        return face
    return _put(face, background.backdrop, segments_of, background.other)


def standing(w_plus: np.ndarray, keep: KeepRest | None, segments_of: SegmentsOf) -> Mask:
    """Where the person stands in a picture, as `Background.of` takes it.

    Args:
        w_plus: What the network draws, [18, 512].
        keep: What it keeps of another latent's picture around it.
        segments_of: Sees what is where.
    """
    return person_mask(seen_on(w_plus, keep, segments_of))


def seen_on(w_plus: np.ndarray, keep: KeepRest | None, segments_of: SegmentsOf) -> HasMasks:
    """What is where in a picture of which a part is kept.

    Args: as for `standing`.
    """
    seen = segments_of(w_plus)
    if keep is not None and not keep.region.is_whole:
        return _Kept(seen, segments_of(keep.w_plus), keep.region)
    return seen


def segments_finder(generator: Any) -> SegmentsOf:
    """What sees what is where: from a network's own features if that was learned, else on pictures.

    Args:
        generator: The network, a `facegen.protocols.Renders`.
    """
    from facegen.measure import segments  # PyTorch: seconds

    def on_picture(w_plus: np.ndarray) -> HasMasks:
        size = min(LOOK_PX, generator.img_resolution)
        return segments.of_picture(generator.render(w_plus, size=size))

    if segments.knows(generator):
        return partial(segments.of_latent, generator)
    return on_picture


def _put(
    face: Face,
    backdrop: Backdrop,
    segments_of: SegmentsOf,
    other: tuple[np.ndarray, Mask] | None,
) -> Face:
    person = standing(face.w_plus, face.keep, segments_of)
    put = Background.of(backdrop, person, other)
    return face.finished(with_background(face.pixel_operations, put))


class _Kept:
    """The segments of a picture of which a part is kept."""

    def __init__(self, own: HasMasks, rest: HasMasks, region: Mask) -> None:
        self._own, self._rest = own, rest
        self._inside = region.at(len(region.values)) >= 0.5

    def mask(self, *names: str) -> np.ndarray:
        return np.where(self._inside, self._own.mask(*names), self._rest.mask(*names))
