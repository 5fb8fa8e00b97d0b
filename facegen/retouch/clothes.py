"""Other clothes in a picture: in another colour, or as the network drew those of another face."""

from __future__ import annotations

import cv2
import numpy as np

from facegen.clothing import Clothing
from facegen.masks import Mask
from facegen.retouch.matte import cut_out

STEEPEST_DARK, STEEPEST_LIGHT = 2.0, 1.5
"""How much shadows and lights may be spread when black becomes white, or the other way round."""
OWN_HUES = 0.35
"""How much of the differences of hue within the clothes stays: patterns, not the old colour."""
LIGHTEST = 100.0


def put_clothes(
    image: np.ndarray, clothing: Clothing, worn: Mask, dressed: np.ndarray | None = None
) -> np.ndarray:
    """Put other clothes on a person; every pixel in a cell of `worn` that is 0 stays as it is.

    Args:
        image: uint8 [H, H, 3].
        clothing: Which.
        worn: Where clothes are; see `facegen.retouch.matte.cut_out`.
        dressed: For those of another face, the picture in which they are drawn, uint8 [H, H, 3].

    Returns:
        uint8 [H, H, 3].
    """
    size = len(image)
    share = cut_out(image, worn).alpha
    reached = cv2.resize(worn.values, (size, size), interpolation=cv2.INTER_NEAREST) > 0
    places = np.flatnonzero(reached & (share > 0))
    if not len(places):
        return image
    own, alpha = image.reshape(-1, 3)[places], share.reshape(-1, 1)[places]
    if dressed is None:
        new = _coloured(own, alpha[:, 0], clothing.rgb)
    else:
        new = dressed.reshape(-1, 3)[places].astype(np.float32)
    changed = image.copy()
    mixed = own + alpha * (new - own) + np.float32(0.5)
    changed.reshape(-1, 3)[places] = np.clip(mixed, 0, 255).astype(np.uint8)
    return changed


def _coloured(own: np.ndarray, weight: np.ndarray, rgb: tuple[int, int, int]) -> np.ndarray:
    """Pixels uint8 [N, 3] with a colour as their mean in CIE Lab: float32 [N, 3], 0 to 255."""
    lab = cv2.cvtColor(own[None].astype(np.float32) / 255, cv2.COLOR_RGB2Lab)[0]
    wanted = cv2.cvtColor(np.array([[rgb]], np.float32) / 255, cv2.COLOR_RGB2Lab)[0, 0]
    mean = np.average(lab, axis=0, weights=weight).astype(np.float32)
    light, aim = lab[:, 0] - mean[0], wanted[0]
    dark = min(aim / max(mean[0], 1.0), STEEPEST_DARK)
    bright = min((LIGHTEST - aim) / max(LIGHTEST - mean[0], 1.0), STEEPEST_LIGHT)
    new = wanted + np.float32(OWN_HUES) * (lab - mean)
    new[:, 0] = aim + light * np.where(light < 0, dark, bright)
    rgb_new = cv2.cvtColor(new[None].astype(np.float32), cv2.COLOR_Lab2RGB)[0]
    scaled: np.ndarray = np.clip(rgb_new, 0, 1) * np.float32(255)
    return scaled
