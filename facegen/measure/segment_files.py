"""Segments as small pictures: indexed PNGs that any viewer shows in colour, and overlays."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from facegen.errors import BadFileError
from facegen.files import write_atomic
from facegen.measure.segments import SEGMENTS, SEGMENTS_PX

UNTOLD = 255
"""Label of pixels that a picture of labels says nothing about."""
COLOURS = (
    (0, 0, 0), (70, 110, 200), (240, 180, 140), (200, 120, 80), (255, 120, 160), (120, 60, 20),
    (60, 200, 60), (255, 255, 255), (0, 120, 255), (220, 0, 60), (255, 230, 0), (0, 230, 230),
    (0, 90, 90), (170, 60, 220), (150, 150, 60),
)  # fmt: skip
"""RGB of each segment, in the order of `SEGMENTS`."""
MAX_BYTES = 1 << 20


def labels_png(labels: np.ndarray) -> bytes:
    """An indexed PNG of labels, uint8 [256, 256]; `UNTOLD` is grey."""
    picture = Image.fromarray(labels, mode="P")
    palette = [channel for colour in COLOURS for channel in colour]
    palette += [128] * (3 * 256 - len(palette))
    picture.putpalette(palette)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write such a PNG, whole or not at all."""
    write_atomic(path, labels_png(labels))


def read_labels(path: Path) -> np.ndarray:
    """The labels of such a PNG: uint8 [256, 256], places in `SEGMENTS` or `UNTOLD`.

    Raises:
        BadFileError: it is missing or none.
    """
    advice = f"Labels are an indexed PNG of {SEGMENTS_PX} px; restore {path.name}."
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadFileError(f"{path.name} is too large. {advice}")
        with Image.open(path, formats=["PNG"]) as picture:
            if picture.mode != "P" or picture.size != (SEGMENTS_PX, SEGMENTS_PX):
                raise BadFileError(f"{path.name} is {picture.mode} {picture.size}. {advice}")
            labels = np.array(picture)
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as err:
        raise BadFileError(f"{path.name} cannot be read ({err}). {advice}") from err
    if np.any((labels >= len(SEGMENTS)) & (labels != UNTOLD)):
        raise BadFileError(f"{path.name} has labels that no segment has. {advice}")
    return labels


def overlay(image: np.ndarray, labels: np.ndarray, *, strength: float = 0.5) -> np.ndarray:
    """A picture, uint8 [H, H, 3], tinted by what its pixels show; the background is darkened."""
    edge = image.shape[0]
    large = cv2.resize(labels, (edge, edge), interpolation=cv2.INTER_NEAREST)
    table = np.full((256, 3), 128, np.float32)
    table[: len(COLOURS)] = COLOURS
    mixed = image * (1 - strength) + table[large] * strength
    return mixed.round().astype(np.uint8)
