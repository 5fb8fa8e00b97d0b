"""Turns and cuts a face out of a picture the way the photographs of FFHQ were.

The classifiers know faces at fixed places. The recipe (Karras, Laine & Aila 2019, section A): a
square that stands on the line of the eyes and the line from the eyes to the mouth, twice as wide
as the eyes are apart or 1.8 times as high as the mouth is below them, whichever is more; where it
leaves the picture, the picture is mirrored at its edge.
"""

from __future__ import annotations

import cv2
import numpy as np

EYES_PER_HALF = 2.0
MOUTH_PER_HALF = 1.8
DOWN_SHARE = 0.1  # of the way from the eyes to the mouth: the square's middle
WHOLE_TOLERANCE = 0.06  # of the edge, between a square's corners and the picture's
MOST_SAMPLES = 4
"""A picture that shrinks by more is halved and so on by averages first: no more can be seen."""
READ_MARGIN = 4  # of the larger pixels, around what is asked for: interpolation reaches so far
LEFT_EYE, RIGHT_EYE, MOUTH_CORNERS = slice(36, 42), slice(42, 48), (48, 54)


def ffhq_quad(landmarks: np.ndarray) -> np.ndarray:
    """Corners of FFHQ's square: top left, bottom left, bottom right, top right, [4, 2].

    Args:
        landmarks: [68, 2] in pixels.
    """
    left, right = landmarks[LEFT_EYE].mean(axis=0), landmarks[RIGHT_EYE].mean(axis=0)
    eyes, across = (left + right) / 2, right - left
    down = landmarks[list(MOUTH_CORNERS)].mean(axis=0) - eyes
    x = across + np.array([down[1], -down[0]])
    half = max(np.hypot(*across) * EYES_PER_HALF, np.hypot(*down) * MOUTH_PER_HALF)
    x = x / max(np.hypot(*x), 1e-9) * half
    y = np.array([-x[1], x[0]])
    middle = eyes + DOWN_SHARE * down
    return np.stack([middle - x - y, middle - x + y, middle + x + y, middle + x - y])


def is_whole(quad: np.ndarray, width: int, height: int) -> bool:
    """Whether the square is the whole picture, nearly: the picture is aligned already."""
    if width != height:
        return False
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]])
    return bool(np.abs(quad - corners).max() <= WHOLE_TOLERANCE * width)


def align(image: np.ndarray, quad: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square out of a picture.

    Args:
        image: uint8 [H, W, 3].
        quad: [4, 2], as `ffhq_quad`.
        size: Edge of the result in pixels.

    Returns:
        uint8 [size, size, 3], and the matrix [2, 3] from places in the picture to places in it.
    """
    ends = np.array([[0, 0], [0, size], [size, 0]], np.float32)
    matrix = cv2.getAffineTransform(quad[[0, 1, 3]].astype(np.float32), ends)
    return warp(image, matrix, size, size), matrix


def warp(
    image: np.ndarray, matrix: np.ndarray, width: int, height: int, *, mirror: bool = True
) -> np.ndarray:
    """Move a picture without flicker where it shrinks and without loss where it does not.

    What shrinks is drawn larger than asked for, bicubic, and averaged: as sharp as the result's
    pixels can show.

    Args:
        image: uint8 or float32 [H, W] or [H, W, C], C up to 4.
        matrix: [2, 3], from places in the picture to places in the result. Places count from the
            outer edge of the first pixel: 0.5 is its middle.
        width: Of the result, in pixels.
        height: Likewise.
        mirror: Whether the picture is mirrored beyond its edges; else there is 0.

    Returns:
        As `image`, [height, width] or [height, width, C].
    """
    left, top, right, bottom = _needed(matrix, image.shape[:2], width, height)
    source = image[top:bottom, left:right]
    matrix = np.asarray(matrix, np.float64).copy()
    matrix[:, 2] += matrix[:, :2] @ [left, top]
    shrinks = 1 / np.sqrt(max(abs(np.linalg.det(matrix[:, :2])), 1e-12))
    if shrinks > MOST_SAMPLES:
        rows, columns = (max(1, round(n / (shrinks / 2))) for n in source.shape[:2])
        matrix[:, :2] *= [source.shape[1] / columns, source.shape[0] / rows]
        source = cv2.resize(source, (columns, rows), interpolation=cv2.INTER_AREA)
        shrinks = 2.0
    samples = max(1, int(np.ceil(shrinks - 1e-3)))
    drawn = samples * matrix
    half = np.array([0.5, 0.5])  # OpenCV counts from the middles of pixels
    drawn[:, 2] += drawn[:, :2] @ half - half
    moved = cv2.warpAffine(
        np.ascontiguousarray(source), drawn, (samples * width, samples * height),
        flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101 if mirror else cv2.BORDER_CONSTANT,
    )  # fmt: skip
    if samples == 1:
        return moved
    return cv2.resize(moved, (width, height), interpolation=cv2.INTER_AREA)


def _needed(
    matrix: np.ndarray, shape: tuple[int, int], width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of a picture that `warp` reads, mirrored or not."""
    back = cv2.invertAffineTransform(np.asarray(matrix, np.float64))
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]]) @ back[:, :2].T
    corners = corners + back[:, 2]
    margin = READ_MARGIN * max(1.0, float(np.hypot(*back[:, 0])))
    spans = []
    for axis, edge in enumerate((shape[1], shape[0])):
        low, high = corners[:, axis].min(), corners[:, axis].max()
        # What is mirrored at an edge lies as far inside as its place lies outside.
        low, high = min(low, 2 * edge - high), max(high, -low)
        first = int(np.clip(np.floor(low) - margin, 0, edge - 1))
        spans.append((first, int(np.clip(np.ceil(high) + margin, first + 1, edge))))
    (left, right), (top, bottom) = spans
    return left, top, right, bottom


def moved_box(box: tuple[float, ...], matrix: np.ndarray) -> tuple[float, ...]:
    """An upright box of the same area and middle after the move."""
    left, top, right, bottom = box
    middle = matrix @ [(left + right) / 2, (top + bottom) / 2, 1]
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    half = np.array([right - left, bottom - top]) / 2 * scale
    return (*(middle - half), *(middle + half))
