"""Another background: blurred, one colour, that of another picture, or none."""

from __future__ import annotations

import cv2
import numpy as np

from facegen.backdrops import BLUR, COLOUR, FACE, Backdrop
from facegen.masks import MASK_PX, Mask
from facegen.retouch.matte import at_size, cut_out

LARGEST_BLUR = 0.045
"""Standard deviation of the strongest blur, of the picture's edge."""
FINE_BLUR = 2.0
"""Standard deviation, in pixels, down to which a blur is drawn on a rougher grid."""
ROOM = 3
"""So many cells around a person are filled with what is further away: shadows, stray hairs."""
STEEP = 4.0
"""A region's soft edge becomes so much steeper: across it two backgrounds would show."""
SOFT = 2.0
"""Of the edge of what is filled, in cells."""
TINY = 1e-6


def put_background(
    image: np.ndarray,
    backdrop: Backdrop,
    person: Mask,
    other: np.ndarray | None = None,
    other_person: Mask | None = None,
) -> np.ndarray:
    """Put a person before another background.

    Args:
        image: uint8 [H, H, 3].
        backdrop: Which.
        person: Who stays; see `facegen.retouch.matte.cut_out`.
        other: For the background of another face, its picture, uint8 [H, H, 3].
        other_person: Who stands there.

    Returns:
        uint8 [H, H, 3]; [H, H, 4] with the person alone for a transparent background.
    """
    cutout = cut_out(image, person)
    if backdrop.kind == BLUR:
        back = behind(image, person, backdrop.strength)
    elif backdrop.kind == COLOUR:
        back = np.empty_like(image)
        back[:] = backdrop.rgb
    elif backdrop.kind == FACE:
        assert other is not None
        assert other_person is not None
        back = behind(other, other_person, backdrop.strength)
    else:
        return cutout.with_alpha()
    return cutout.over(back)


def continue_background(
    image: np.ndarray, before: np.ndarray, person: Mask, before_person: Mask, region: Mask
) -> np.ndarray:
    """Give what an edit uncovered the background of the picture before it.

    Args:
        image: uint8 [H, H, 3], after an edit of which only a region shows.
        before: uint8 [H, H, 3], before it.
        person: Who stands in `image`; see `facegen.retouch.matte.cut_out`.
        before_person: Who stands in `before`.
        region: Where anything may change.

    Returns:
        uint8 [H, H, 3]: in the region the person before the old background, which is drawn
        together over where somebody stood; `image` to the last bit outside.
    """
    mixed = cut_out(image, person).over(behind(before, before_person, 0.0))
    share = np.minimum(1, STEEP * region.at(image.shape[0]))
    blended: np.ndarray = cv2.blendLinear(mixed, image, share, 1 - share)
    return cv2.copyTo(blended, (share > 0).view(np.uint8), image.copy())


def behind(image: np.ndarray, person: Mask, strength: float) -> np.ndarray:
    """What is behind a person: a picture with its surroundings drawn together over them, blurred.

    Args:
        image: uint8 [H, H, 3].
        person: Who stands there.
        strength: Of the blur, 0 to 1.
    """
    size, sigma = image.shape[0], LARGEST_BLUR * strength
    rough = size  # what a blur leaves is drawn as well on a rougher grid
    while rough > MASK_PX and sigma * rough / 2 >= FINE_BLUR:
        rough //= 2
    empty = _emptied(at_size(image, rough), person)
    if sigma * rough >= 0.3:
        empty = _soft(empty, sigma * rough)
    return at_size(empty, size)


def _emptied(image: np.ndarray, person: Mask) -> np.ndarray:
    size, edge = image.shape[0], 2 * ROOM + 1
    room = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge, edge))
    free = 1 - cv2.dilate((person.values > 0).astype(np.uint8), room).astype(np.float32)
    if not free.any():
        free = np.ones_like(free)
    small = at_size(image, MASK_PX).astype(np.float32)
    filled = at_size((_filled(small, free) + 0.5).astype(np.uint8), size)
    # Shrunk before it is softened: nothing of the person shows through.
    share = at_size(cv2.GaussianBlur(cv2.erode(free, room), (0, 0), SOFT), size)
    return cv2.blendLinear(image, filled, share, 1 - share)


def _filled(colours: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Colours [S, S, 3] drawn into where there is no weight [S, S], by a pyramid of averages."""
    if len(weight) == 1:
        return colours
    half = len(weight) // 2
    weighed = at_size(np.dstack([colours * weight[..., None], weight]), half)
    known = weighed[..., 3]
    means = weighed[..., :3] / np.maximum(known, TINY)[..., None]
    coarse = _filled(means, np.minimum(4 * known, 1))
    around = at_size(_soft(coarse, 0.8), len(weight))
    return around + weight[..., None] * (colours - around)


def _soft(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
