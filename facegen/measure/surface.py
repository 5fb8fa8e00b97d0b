"""The visible side of a surface of triangles, as depths on a grid."""

from __future__ import annotations

import numpy as np

NOWHERE = -np.inf


def drawn(points: np.ndarray, triangles: np.ndarray, size: int) -> np.ndarray:
    """Draw triangles as seen from the front; of several at a place the nearest shows.

    Args:
        points: [N, 3]: x and y in fractions of the grid's edge, z toward the viewer in any unit.
        triangles: int [T, 3], places in `points`.
        size: Edge of the grid in cells.

    Returns:
        float32 [size, size]: z at the middles of cells, minus infinity where nothing is.
    """
    depth = np.full((size, size), NOWHERE, np.float32)
    corners = points[triangles].astype(np.float64)
    corners[..., :2] = corners[..., :2] * size - 0.5
    low = np.ceil(corners[..., :2].min(axis=1)).clip(0, size).astype(int)
    high = np.floor(corners[..., :2].max(axis=1)).clip(-1, size - 1).astype(int) + 1
    for (a, b, c), (left, top), (right, bottom) in zip(corners, low, high, strict=True):
        if left >= right or top >= bottom:
            continue
        ab, ac = b - a, c - a
        area = ab[0] * ac[1] - ab[1] * ac[0]
        if abs(area) < 1e-12:
            continue
        x, y = np.arange(left, right) - a[0], np.arange(top, bottom)[:, None] - a[1]
        u, v = (x * ac[1] - y * ac[0]) / area, (ab[0] * y - ab[1] * x) / area
        inside = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9)
        part = depth[top:bottom, left:right]
        z = (a[2] + u * ab[2] + v * ac[2]).astype(np.float32)
        part[inside] = np.maximum(part[inside], z[inside])
    return depth
