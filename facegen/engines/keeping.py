"""Keeping the rest of a picture, on finished pixels."""

from __future__ import annotations

import numpy as np

from facegen.masks import Mask


def mixed(base: np.ndarray, drawn: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`base + (drawn - base) * weight`, rounded.

    Args:
        base: uint8 [H, W, 3].
        drawn: uint8 [H, W, 3].
        weight: float32 [H, W], from 0 to 1.
    """
    old = base.astype(np.float32)
    new = drawn.astype(np.float32)
    new -= old
    new *= weight[..., None]
    new += old
    return np.rint(new, out=new).astype(np.uint8)


def kept_outside(pictures: np.ndarray, base: np.ndarray, mask: Mask) -> np.ndarray:
    """Pictures with every pixel outside of a mask taken from another one.

    Args:
        pictures: uint8 [N, S, S, 3].
        base: uint8 [1, S, S, 3].
        mask: Where the pictures stay.
    """
    inside = mask.at(pictures.shape[1]) > 0
    return np.where(inside[None, :, :, None], pictures, base)
