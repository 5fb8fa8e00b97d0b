"""What stands in the way of a good result on a face of a photograph, in sentences.

The limits were set on generated faces that were blurred, turned and covered by known amounts:
docs/guides/photos.md.
"""

from __future__ import annotations

import cv2
import numpy as np

from facegen.images import resized
from facegen.measure.segments import Segments, of_picture

EYES_PX = 64
"""Between the eyes: below, a crop of 1024 px is enlarged four times and more."""
BLURRED = 0.52
"""`sharpness` below: as after a Gaussian blur by 5 to 6 of 1024 pixels, or more."""
TURNED_DEG, NODDED_DEG = 35.0, 25.0
COVERED_SHARE = 0.12
DARK_GLASSES_SHARE = 0.05
OUTSIDE_SHARE = 0.02  # of the face itself
MIRRORED_SHARE = 0.15  # of the crop
COVERS = ("background", "clothes", "hair", "hat", "sunglasses")
LOOK_PX = 512


def face_area(landmarks: np.ndarray, size: int) -> np.ndarray:
    """What the landmarks enclose, brows to chin: bool [size, size].

    Args:
        landmarks: [68, 2] in fractions of the edge.
        size: Edge of the result.
    """
    area = np.zeros((size, size), np.uint8)
    outline = cv2.convexHull(np.round(landmarks * size).astype(np.int32))
    cv2.fillConvexPoly(area, outline, 1)
    return area.astype(bool)


def sharpness(crop: np.ndarray, area: np.ndarray) -> float:
    """How much finer than 16 of 1024 pixels a face is drawn, whatever its contrast.

    Structures of 4 to 8 px over those of 8 to 16 px: 0.62 to 0.72 on sharp faces, 0.5 after a blur
    by 6 px, 0.33 by 16 px.

    Args:
        crop: uint8 [S, S, 3], aligned.
        area: bool [512, 512]: where to look.
    """
    grey = cv2.cvtColor(resized(crop, LOOK_PX), cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine, middle, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (2, 4, 8))
    energies = [np.mean((a - b)[area] ** 2) for a, b in ((fine, middle), (middle, coarse))]
    return float(np.sqrt(energies[0] / max(energies[1], 1e-6)))


def covered(segments: Segments, area: np.ndarray) -> tuple[float, float]:
    """Shares of a face that something covers, and that dark glasses cover.

    Args:
        segments: Of the crop.
        area: bool [256, 256]: the face.
    """
    if not area.any():
        return 0.0, 0.0
    inside = [segments.mask(*names)[area].mean() for names in (COVERS, ("sunglasses",))]
    return float(inside[0]), float(inside[1])


def warnings_of(
    crop: np.ndarray,
    landmarks: np.ndarray,
    *,
    eyes_px: float,
    yaw: float,
    pitch: float,
    outside: np.ndarray,
    beyond: tuple[str, ...],
) -> list[str]:
    """What to tell of a face, one sentence each; empty where nothing stands in the way.

    Args:
        crop: uint8 [S, S, 3], aligned.
        landmarks: [68, 2] in fractions of its edge.
        eyes_px: Distance of the eyes in pixels of the photo.
        yaw: In degrees.
        pitch: Likewise.
        outside: bool [256, 256]: what of the crop the photo does not show.
        beyond: At which of the photo's edges, mainly.
    """
    found = []
    if eyes_px < EYES_PX:
        found.append(
            f"The face is small: {eyes_px:.0f} pixels between the eyes; from {EYES_PX} on, details "
            "can be told."
        )
    elif sharpness(crop, face_area(landmarks, LOOK_PX)) < BLURRED:
        found.append("The face is blurred, so its details will be guessed.")
    if abs(yaw) > TURNED_DEG:
        found.append(
            f"The face is turned by {abs(yaw):.0f}°; up to {TURNED_DEG:.0f}° results can be relied "
            "on."
        )
    if abs(pitch) > NODDED_DEG:
        way = "up" if pitch > 0 else "down"
        found.append(
            f"The face looks {way} by {abs(pitch):.0f}°, so its features are foreshortened."
        )
    area = face_area(landmarks, len(outside))
    edges = f"{' and '.join(beyond)} edge{'s' if len(beyond) > 1 else ''}"
    if area.any() and outside[area].mean() > OUTSIDE_SHARE:
        share = outside[area].mean()
        found.append(
            f"{share:.0%} of the face lies beyond the photo's {edges}; a mirror image stands there."
        )
    elif outside.mean() > MIRRORED_SHARE:
        found.append(
            f"The head reaches the photo's {edges}: {outside.mean():.0%} of the crop is "
            "mirrored and blurred."
        )
    share, dark = covered(of_picture(crop), area & ~outside)
    if dark > DARK_GLASSES_SHARE:
        found.append("Dark glasses cover the eyes, so what is behind them will be guessed.")
    elif share > COVERED_SHARE:
        found.append(f"About {share:.0%} of the face is covered, and will be guessed.")
    return found
