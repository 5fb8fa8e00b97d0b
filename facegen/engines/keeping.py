"""Keeping the rest of a picture, on finished pixels."""

from __future__ import annotations

import numpy as np

from facegen.masks import Mask


def kept_outside(pictures: np.ndarray, base: np.ndarray, mask: Mask) -> np.ndarray:
    """Pictures with every pixel outside of a mask taken from another one.

    Args:
        pictures: uint8 [N, S, S, 3].
        base: uint8 [1, S, S, 3].
        mask: Where the pictures stay.
    """
    inside = mask.at(pictures.shape[1]) > 0
    return np.where(inside[None, :, :, None], pictures, base)
