"""Roll, shift and zoom as motion in the picture's plane, the border filled plausibly.

Aligned pictures have no roll and no place to shift to: these are motions of the finished picture.
What comes into view from outside is the picture mirrored at its edge and blurred the more the
further out it lies, which for backgrounds is what the eye expects and for shoulders does no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facegen.errors import UsageError

MAX_ROLL = 45.0
MAX_SHIFT = 0.3
ZOOM_RANGE = (0.5, 2.0)
FEATHER = 0.02  # of the edge: over this distance the sharp picture goes over into the filled one
BLUR_STEPS = (0.01, 0.04)  # of the edge: blur at the border, and far outside


@dataclass(frozen=True)
class Motion:
    """A motion of the picture.

    Attributes:
        roll: Degrees; positive tilts the top of the head toward the picture's right.
        shift_x, shift_y: Fractions of the picture's edge, to the right and down.
        zoom: Above 1 comes nearer.
    """

    roll: float = 0.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    zoom: float = 1.0

    @property
    def is_still(self) -> bool:
        """Whether nothing moves."""
        return self == Motion()

    def require_valid(self) -> Motion:
        """Return the motion if a face survives it.

        Raises:
            UsageError: a number outside its range.
        """
        limits = (
            ("roll", self.roll, -MAX_ROLL, MAX_ROLL),
            ("shift", self.shift_x, -MAX_SHIFT, MAX_SHIFT),
            ("shift", self.shift_y, -MAX_SHIFT, MAX_SHIFT),
            ("zoom", self.zoom, *ZOOM_RANGE),
        )
        for name, value, low, high in limits:
            if not low <= value <= high:  # also catches NaN
                raise UsageError(f"{name} goes from {low:g} to {high:g}, got {value:g}.")
        return self

    def matrix(self, size: int) -> np.ndarray:
        """[2, 3]: where a pixel of the still picture goes, about the picture's middle."""
        middle = (size - 1) / 2
        # OpenCV counts angles against the clock; positive roll is with it.
        matrix = cv2.getRotationMatrix2D((middle, middle), -self.roll, self.zoom)
        matrix[:, 2] += np.array([self.shift_x, self.shift_y]) * size
        return matrix


def move_picture(image: np.ndarray, motion: Motion) -> np.ndarray:
    """Move a picture and fill what comes into view.

    Args:
        image: uint8 [H, H, 3].
        motion: What to do; nothing gives the picture back.

    Returns:
        uint8 [H, H, 3].

    Raises:
        UsageError: a motion outside its range.
    """
    motion.require_valid()
    if motion.is_still:
        return image
    size = image.shape[0]
    matrix = motion.matrix(size)
    warped = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101
    )
    outside = _distance_outside(motion, size)
    if not outside.any():
        return warped
    near, far = (max(step * size, 1.0) for step in BLUR_STEPS)
    soft = cv2.GaussianBlur(warped, (0, 0), near, borderType=cv2.BORDER_REFLECT_101)
    softer = cv2.GaussianBlur(warped, (0, 0), far, borderType=cv2.BORDER_REFLECT_101)
    first = np.clip(outside / (FEATHER * size), 0, 1)[..., None]
    second = np.clip((outside / size - FEATHER) / (5 * FEATHER), 0, 1)[..., None]
    filled = soft + second * (softer.astype(np.float32) - soft)
    mixed = warped + first * (filled - warped)
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)


def _distance_outside(motion: Motion, size: int) -> np.ndarray:
    """[size, size] float32: how far, in pixels, each pixel lies outside the moved picture."""
    inverse = cv2.invertAffineTransform(motion.matrix(size))
    y, x = np.mgrid[:size, :size].astype(np.float32)
    source_x = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]
    source_y = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]
    beyond_x = np.maximum(np.maximum(-source_x, source_x - (size - 1)), 0)
    beyond_y = np.maximum(np.maximum(-source_y, source_y - (size - 1)), 0)
    return (np.hypot(beyond_x, beyond_y) * motion.zoom).astype(np.float32)
