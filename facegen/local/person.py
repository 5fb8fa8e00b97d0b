"""Where the person stands in a picture, as the mask that cutting them out begins with.

255 where they surely are, 0 where surely not; the edge between is as wide as it may be unsure:
wide along hair and beards, narrow along skin, hats and clothes.
"""

from __future__ import annotations

import cv2
import numpy as np

from facegen.local.regions import HasMasks
from facegen.masks import INSIDE, Mask

PROBABLY, HARDLY = 192, 64
HAIR = ("hair", "beard")
HAIR_OUT, HAIR_IN = 7, 5
PLAIN_OUT, PLAIN_IN = 2, 2
"""Half-widths of the unsure edge, in cells."""
GAP = 2
"""Background that is nowhere so wide on both sides, in cells, is none."""
SPECK = 80
"""Holes of fewer cells are filled."""
ISLAND = 0.02
"""What is apart from the person is theirs from this share of them on."""
AMONG_CLOTHES = 0.8
"""Background of which so much of the rim is clothes is a pattern on them."""


def person_mask(segments: HasMasks) -> Mask:
    """Where the person stands: 255 surely, 0 surely not, between them unsure.

    Args:
        segments: What the picture shows.
    """
    person = _one_piece(segments.mask("background") < 0.5, segments.mask("clothes") > 0.5)
    hair = (segments.mask(*HAIR) > 0.5) & person
    # Hair gives the edge near it its width, on both sides.
    sure = np.where(
        _grown(hair, PLAIN_OUT + 1), ~_grown(~person, HAIR_IN), ~_grown(~person, PLAIN_IN)
    )
    unsure = _grown(person & ~hair, PLAIN_OUT) | _grown(hair, HAIR_OUT)
    values = np.where(person, PROBABLY, np.where(unsure, HARDLY, 0)).astype(np.uint8)
    values[sure] = INSIDE
    return Mask(values.tobytes())


def _one_piece(person: np.ndarray, clothes: np.ndarray) -> np.ndarray:
    """The person without islands and specks, and with what they hold before them."""
    wide = cv2.morphologyEx((~person).view(np.uint8), cv2.MORPH_OPEN, _disc(GAP)) > 0
    person = person | ~_grown(wide, GAP + 1)
    pieces, areas = _pieces(person)
    if len(areas) > 1:
        person = np.isin(pieces, 1 + np.flatnonzero(areas[1:] >= ISLAND * areas[1:].max()))
    holes, areas = _pieces(~person)
    for hole in range(1, len(areas)):
        inside = holes == hole
        is_open = inside[0].any() or inside[:, 0].any() or inside[:, -1].any()
        rim = _grown(inside, 1) & ~inside
        is_worn = areas[hole] < areas[1:].max() and clothes[rim].mean() >= AMONG_CLOTHES
        if is_worn or (not is_open and (inside[-1].any() or areas[hole] < SPECK)):
            person = person | inside
    return person


def _pieces(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected pieces: their numbers [S, S] from 1 on, and the area of each; 0 is outside."""
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4)
    return pieces, stats[:, cv2.CC_STAT_AREA]


def _grown(inside: np.ndarray, radius: int) -> np.ndarray:
    grown: np.ndarray = cv2.dilate(inside.astype(np.uint8), _disc(radius)) > 0
    return grown


def _disc(radius: int) -> np.ndarray:
    edge = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge, edge))
