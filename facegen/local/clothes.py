"""Somebody in other clothes: where they are worn is seen on the picture that is drawn.

What is put there is `facegen.retouch.clothes`'; here it becomes an operation of the face, as a
background does (`facegen.local.background`).
"""

from __future__ import annotations

import numpy as np

from facegen.clothing import Clothing
from facegen.errors import UsageError
from facegen.face import Face
from facegen.local.background import SegmentsOf, seen_on
from facegen.local.person import clothes_mask
from facegen.operations import Clothes, with_clothes

OWN_ROWS = 5
"""Rows of the latent that stay the person's own under the clothes of another: with fewer, what is
drawn there is where the other wears it, and shows their hair, neck and background (looked at on 12
pairs of people, docs/guides/local.md)."""
NOT_SEEN = (
    "No clothes are seen in this picture (bare shoulders, or hair over them), so none can be "
    "changed. Take a face that shows some."
)
OTHER_NOT_SEEN = (
    "The other face shows no clothes in its picture, so there are none to be taken. Take another."
)


def wearing(
    face: Face,
    clothing: Clothing | None,
    segments_of: SegmentsOf,
    *,
    other: np.ndarray | None = None,
) -> Face:
    """The face in other clothes.

    Args:
        face: Who.
        clothing: What they are to wear; None for what the network drew.
        segments_of: Sees what is where.
        other: The latent, [18, 512], whose clothes they are, where they are another face's.

    Raises:
        UsageError: no clothes are seen, on the face or the other; `other` is missing, or there is
            one that is not wanted.
    """
    if clothing is None:
        return face.finished(with_clothes(face.pixel_operations, None))
    if other is not None and clothes_mask(segments_of(other)) is None:
        raise UsageError(OTHER_NOT_SEEN)
    worn = clothes_mask(seen_on(face.w_plus, face.keep, segments_of))
    if worn is None:
        raise UsageError(NOT_SEEN)
    latent = None if other is None else dressed(around(face), other)
    put = Clothes.of(clothing, worn, latent)
    return face.finished(with_clothes(face.pixel_operations, put))


def again(face: Face, clothes: Clothes | None, segments_of: SegmentsOf) -> Face:
    """A changed face in the clothes that it wore; in its own where none are seen any more.

    Args:
        face: After the change.
        clothes: Of the face before it; None leaves the face.
        segments_of: Sees what is where.
    """
    if clothes is None:
        return face
    worn = clothes_mask(seen_on(face.w_plus, face.keep, segments_of))
    if worn is None:
        return face.finished(with_clothes(face.pixel_operations, None))
    other = clothes.w_plus
    latent = None if other is None else dressed(around(face), other)
    put = Clothes.of(clothes.clothing, worn, latent)
    return face.finished(with_clothes(face.pixel_operations, put))


def around(face: Face) -> np.ndarray:
    """The latent, [18, 512], that draws most of a face's picture: what is kept, if anything is."""
    return face.w_plus if face.keep is None else face.keep.w_plus


def dressed(own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The latent that is drawn under the clothes of another, [18, 512] all."""
    return np.concatenate([own[:OWN_ROWS], other[OWN_ROWS:]])
