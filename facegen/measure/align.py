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
    edge = float(np.hypot(*(quad[3] - quad[0])))
    factor = min(1.0, size / edge)
    source = image
    if factor < 1:  # averaging first: taking single pixels of a large picture would flicker
        source = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    ends = np.array([[0, 0], [0, size], [size, 0]], np.float32)
    starts = (quad[[0, 1, 3]]).astype(np.float32)
    matrix = cv2.getAffineTransform(starts, ends)
    # OpenCV counts from pixel centres, the square from pixel edges.
    half = np.array([0.5, 0.5])
    drawn = np.hstack([matrix[:, :2] / factor, (matrix @ [0, 0, 1])[:, None]])
    drawn[:, 2] += drawn[:, :2] @ half - half
    picture = cv2.warpAffine(
        source, drawn, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return picture, matrix


def moved_box(box: tuple[float, ...], matrix: np.ndarray) -> tuple[float, ...]:
    """An upright box of the same area and middle after the move."""
    left, top, right, bottom = box
    middle = matrix @ [(left + right) / 2, (top + bottom) / 2, 1]
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    half = np.array([right - left, bottom - top]) / 2 * scale
    return (*(middle - half), *(middle + half))
