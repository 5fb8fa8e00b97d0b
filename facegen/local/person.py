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
LOW_ROWS = 6
LEAST_CLOTHES = 0.005
"""Share of the picture below which clothes are too little to be changed."""
AMONG_CLOTHES = 0.8
"""Background of which so much of the rim is clothes is a pattern on them."""


def person_mask(segments: HasMasks) -> Mask:
    """Where the person stands: 255 surely, 0 surely not, between them unsure.

    Args:
        segments: What the picture shows.
    """
    person = _one_piece(segments.mask("background") < 0.5, segments.mask("clothes") > 0.5)
    hair = (segments.mask(*HAIR) > 0.5) & person
    return _unsure_between(person, hair, hair)


def clothes_mask(segments: HasMasks) -> Mask | None:
    """Where clothes are, as `person_mask`; None where too little of them is seen.

    Args:
        segments: What the picture shows.
    """
    clothes = segments.mask("clothes") > 0.5
    pieces, areas = _pieces(clothes)
    if len(areas) > 1:
        # Clothes reach the picture's lower end; what does not is an earring or somebody else's.
        low = np.unique(pieces[-LOW_ROWS:])
        is_worn = np.isin(np.arange(len(areas)), low) & (areas >= ISLAND * areas[1:].max())
        is_worn[0] = False
        clothes = is_worn[pieces]
    if clothes.mean() < LEAST_CLOTHES:
        return None
    hair = segments.mask(*HAIR) > 0.5
    return _unsure_between(clothes, hair, np.zeros_like(clothes))


def _unsure_between(inside: np.ndarray, hair: np.ndarray, own_hair: np.ndarray) -> Mask:
    """Cells surely inside, surely outside, and between them an edge, wide along hair."""
    # Hair gives the edge near it its width, on both sides.
    sure = np.where(
        _grown(hair, PLAIN_OUT + 1), ~_grown(~inside, HAIR_IN), ~_grown(~inside, PLAIN_IN)
    )
    unsure = _grown(inside & ~own_hair, PLAIN_OUT) | _grown(own_hair, HAIR_OUT)
    values = np.where(inside, PROBABLY, np.where(unsure, HARDLY, 0)).astype(np.uint8)
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
