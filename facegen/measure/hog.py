"""Features of a picture that simple classifiers read: edges and colours at fixed places.

The generator's pictures (like all FFHQ pictures) are aligned on the eyes and the mouth, so a place
in the picture is a place in the face: no landmarks are needed.
"""

from __future__ import annotations

import cv2
import numpy as np

from facegen.measure.detector import at_size

EDGE_PX = 128
CELL_PX = 8
BINS = 8
COLOUR_PX = 24
EPS = 1e-3


def edges_and_colours(image: np.ndarray) -> np.ndarray:
    """Histograms of oriented gradients, local contrast and a small Lab picture.

    Args:
        image: uint8 [H, H, 3] RGB, aligned as FFHQ is.

    Returns:
        float16, [16 * 16 * (BINS + 1) + 24 * 24 * 3].
    """
    grey = cv2.cvtColor(at_size(image, EDGE_PX), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    dx = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3)
    dy = cv2.Sobel(grey, cv2.CV_32F, 0, 1, ksize=3)
    strength = np.sqrt(dx * dx + dy * dy)
    angle = np.mod(np.arctan2(dy, dx), np.pi) / np.pi * BINS
    low = np.floor(angle).astype(int) % BINS
    share = angle - np.floor(angle)
    n = EDGE_PX // CELL_PX
    cells = np.zeros((n, n, BINS), np.float32)
    row, col = (axis // CELL_PX for axis in np.mgrid[:EDGE_PX, :EDGE_PX])
    np.add.at(cells, (row, col, low), strength * (1 - share))
    np.add.at(cells, (row, col, (low + 1) % BINS), strength * share)
    total = cells.sum(axis=2, keepdims=True)
    edges = np.sqrt(cells / (cv2.blur(total, (3, 3))[..., None] + 1.0))
    contrast = np.log(total + EPS) * 0.2
    lab = cv2.cvtColor(at_size(image, COLOUR_PX), cv2.COLOR_RGB2LAB).astype(np.float32)
    colour = (lab - 128) / 64
    return np.concatenate([edges.ravel(), contrast.ravel(), colour.ravel()]).astype(np.float16)


def mirrored_edges_and_colours(row: np.ndarray) -> np.ndarray:
    """What `edges_and_colours` gives of the mirror image, but for rounding."""
    n = EDGE_PX // CELL_PX
    cells, tail = n * n * BINS, n * n * (BINS + 1)
    edges = row[:cells].reshape(n, n, BINS)[:, ::-1][:, :, -np.arange(BINS) % BINS]
    contrast = row[cells:tail].reshape(n, n)[:, ::-1]
    colour = row[tail:].reshape(COLOUR_PX, COLOUR_PX, 3)[:, ::-1]
    return np.concatenate([edges.ravel(), contrast.ravel(), colour.ravel()])
