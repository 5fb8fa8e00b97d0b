"""Where a dial acts, drawn faintly over the picture while it moves."""

from __future__ import annotations

import base64
from functools import lru_cache

import numpy as np

from facegen.images import encode_png
from facegen.masks import INSIDE, Mask

REGION_PX = 128
STRONGEST = 110
"""Of the outline, of 255."""


@lru_cache(maxsize=32)
def region_url(mask: Mask) -> str:
    """The outline of a region as a data URL: a white picture, opaque along the region's edge."""
    inside = mask.at(REGION_PX, "mean")
    edge = 4 * inside * (1 - inside)
    rgba = np.full((REGION_PX, REGION_PX, 4), INSIDE, np.uint8)
    rgba[..., 3] = np.rint(STRONGEST * np.square(edge)).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(encode_png(rgba)).decode("ascii")
