"""What a picture looks like, as one row of numbers: what classifiers read beside landmarks."""

from __future__ import annotations

import numpy as np

from facegen.measure.hair import HAIR_NUMBERS, hair_row
from facegen.measure.hog import (
    BINS,
    CELL_PX,
    COLOUR_PX,
    EDGE_PX,
    edges_and_colours,
    mirrored_edges_and_colours,
)
from facegen.measure.segments import Segments

HAIR = len(HAIR_NUMBERS) + 1
"""So many numbers of the hair come first."""
LENGTH = HAIR + (EDGE_PX // CELL_PX) ** 2 * (BINS + 1) + COLOUR_PX**2 * 3


def appearance(image: np.ndarray, segments: Segments) -> np.ndarray:
    """The hair's numbers (`hair_row`), then edges and colours at fixed places.

    Args:
        image: uint8 [H, H, 3] RGB, aligned as FFHQ is.
        segments: What its pixels show; by `of_picture`, as classifiers learned it.

    Returns:
        float16 [LENGTH].

    Raises:
        LatentError: no uint8 RGB picture of at least 64 px.
    """
    hair = hair_row(image, segments).astype(np.float16)
    return np.concatenate([hair, edges_and_colours(image)])


def mirrored_appearance(row: np.ndarray) -> np.ndarray:
    """What `appearance` gives of the mirror image, but for rounding."""
    return np.concatenate([row[:HAIR], mirrored_edges_and_colours(row[HAIR:])])
