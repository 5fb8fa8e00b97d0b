"""Eyes, which the latent moves badly, moved in the picture: where they look, and one closed.

The generator was trained on photographs of people who look into the camera with both eyes open. The
dials of one eye close both of them (6 of 6 faces looked at, 3 standard deviations down), and the
best direction found for gaze gives 12 degrees at a descriptor distance of 0.29 and turns the head
as well. So the picture is drawn as always and a small part of it is moved by its landmarks: the
irises inside the openings of the eyes, or the lids of one eye out of a picture of the same face
with both eyes closed. The rest of the picture keeps its pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from facegen.errors import UsageError
from facegen.measure.details import EYE_LEVER, read_gaze
from facegen.measure.shape import EYES
from facegen.retouch.warp import MOST_LOOK_UP, looking_up, pull_at, pushed

SIDES = ("left", "right")
"""Of the picture, as everywhere."""
MOST_GAZE = 20.0
"""Degrees to both sides within which moved irises were looked at and believed."""
IRIS_RADIUS = 0.21
"""Of an eye's width: 5.9 of 28 mm."""
LEAST_OPENING = 0.13
"""Height over width of an eye below which there is no iris to move."""
CORNER_ROOM = 0.16
"""An iris stays so far, in eye widths, from the corners of its eye."""
CLEAR_OF_LASHES = 0.94
CORRECTIONS = 1
LEAST_MOVE = 0.01
SLOPES = (0.55, 1.4)
STABLE = (27, 28, 30, 36, 39, 42, 45)
"""Landmarks that lids and mouth leave alone: the nose's ridge and the eyes' corners."""
LID_ELLIPSE = (0.85, 0.48, 0.52)
"""Half axes of what is taken over around an eye, in its widths: across, up, down."""


def require_gaze(side: float, up: float = 0.0) -> None:
    """Refuse angles that eyes cannot take.

    Raises:
        UsageError: an angle beyond what was seen to look right.
    """
    for what, most, angle in (("turn", MOST_GAZE, side), ("rise", MOST_LOOK_UP, up)):
        if not -most <= angle <= most:  # also catches NaN
            raise UsageError(f"The eyes {what} from {-most:g} to {most:g} degrees, got {angle:g}.")


def turn_eyes(image: np.ndarray, landmarks: np.ndarray, gaze: float) -> np.ndarray | None:
    """Let the eyes look to one side; read, and corrected once.

    Args:
        image: uint8 [H, H, 3].
        landmarks: [68, 2] in fractions of the picture's edge.
        gaze: Degrees as `read_gaze` counts them.

    Returns:
        The picture; None if the eyes are not open enough to tell where they look.

    Raises:
        UsageError: a gaze outside its limits.
    """
    require_gaze(gaze)
    now = read_gaze(image, landmarks)
    if now is None:
        return None
    asked = _place(gaze) - _place(now)
    points = landmarks * image.shape[0]
    move = asked
    for _ in range(1 + CORRECTIONS):
        out = image.copy()
        moved = [_move_iris(image, out, points[list(EYES[side])], move) for side in SIDES]
        if not any(moved):
            return None
        seen = read_gaze(out, landmarks)
        if seen is None or abs(asked) < LEAST_MOVE:
            break
        move = asked / float(np.clip((_place(seen) - _place(now)) / move, *SLOPES))
    return out


def raise_eyes(image: np.ndarray, landmarks: np.ndarray, degrees: float) -> np.ndarray | None:
    """Let the eyes look further up, or down.

    Args:
        image: uint8 [H, H, 3].
        landmarks: [68, 2] in fractions of the picture's edge.
        degrees: From where they look now.

    Returns:
        The picture; None if the eyes are not open enough to tell where they look.

    Raises:
        UsageError: an angle beyond its limits.
    """
    require_gaze(0.0, degrees)
    if read_gaze(image, landmarks) is None:
        return None
    return pull_at(image, landmarks, looking_up(degrees))


def _place(degrees: float) -> float:
    """Where an iris stands, in eye widths, at an angle."""
    return float(EYE_LEVER * np.sin(np.radians(degrees)))


def _move_iris(image: np.ndarray, out: np.ndarray, eye: np.ndarray, move: float) -> bool:
    """Move one iris by `move` eye widths to the right; whether the eye is open enough."""
    width = float(np.linalg.norm(eye[3] - eye[0]))
    along = (eye[3] - eye[0]) / width
    up = np.array([along[1], -along[0]])
    if np.ptp(eye @ up) / width < LEAST_OPENING:
        return False
    low = np.floor(eye.min(axis=0) - 0.3 * width).astype(int).clip(0)
    high = np.ceil(eye.max(axis=0) + 0.3 * width).astype(int)
    cut = image[low[1] : high[1], low[0] : high[0]]
    eye = eye - low
    mask = _opening(eye, cut.shape[:2], soft=0.025 * width)
    iris = _iris(cut, mask, eye)
    left, right = ((eye[k] - iris) @ along / width for k in (0, 3))
    side = float(np.clip(move, left + CORNER_ROOM, right - CORNER_ROOM))
    y, x = np.mgrid[: cut.shape[0], : cut.shape[1]].astype(np.float64)
    u = (np.stack([x, y], axis=-1) - iris) @ along / width - side
    room = np.where(u < 0, side - left, right - side) - IRIS_RADIUS
    # The whole iris moves; from its rim to the corners of the eye the push dies away.
    share = _ease(1 - (np.abs(u) - IRIS_RADIUS) / np.maximum(room, 0.02))
    slid = pushed(cut, side * width * share[..., None] * along)
    target = out[low[1] : high[1], low[0] : high[0]]
    target[:] = _mixed(target, slid, mask)
    return True


def _opening(eye: np.ndarray, shape: tuple[int, int], *, soft: float) -> np.ndarray:
    """[H, W] float32, 1 inside the outline of an eye, with an edge `soft` pixels wide."""
    fine = 4
    middle = eye.mean(axis=0)
    eye = middle + CLEAR_OF_LASHES * (eye - middle)
    large = np.zeros((shape[0] * fine, shape[1] * fine), np.uint8)
    cv2.fillPoly(large, [((eye + 0.5) * fine - 0.5).round().astype(np.int32)], 255)
    blurred = cv2.GaussianBlur(large, (0, 0), max(soft * fine, 2.0))
    small = cv2.resize(blurred, shape[::-1], interpolation=cv2.INTER_AREA)
    mask: np.ndarray = small.astype(np.float32) / 255
    return mask


def _iris(cut: np.ndarray, mask: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """The middle of what is dark inside an eye, [2]."""
    grey = cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY).astype(np.float64)
    inside = mask > 0.8
    if not inside.any():
        middle: np.ndarray = eye.mean(axis=0)
        return middle
    white = np.percentile(grey[inside], 85)
    dark = np.where(inside, np.clip(white - grey, 0, None) ** 2, 0)
    rows, columns = np.indices(grey.shape)
    total = max(float(dark.sum()), 1e-6)
    return np.array([(columns * dark).sum(), (rows * dark).sum()]) / total


def close_eye(
    image: np.ndarray,
    landmarks: np.ndarray,
    closed: np.ndarray,
    closed_landmarks: np.ndarray,
    side: str,
) -> np.ndarray:
    """Close one eye, taking its lids from a picture in which both are closed.

    Args:
        image: uint8 [H, H, 3].
        landmarks: [68, 2] of it, in fractions of the edge.
        closed: The same face at the same pose, eyes closed, uint8 [H, H, 3].
        closed_landmarks: Of that.
        side: Of `SIDES`: which eye.
    """
    size = image.shape[0]
    here, there = landmarks * size, closed_landmarks * size
    matrix, _ = cv2.estimateAffinePartial2D(
        there[list(STABLE)].astype(np.float32), here[list(STABLE)].astype(np.float32),
        method=cv2.LMEDS,
    )  # fmt: skip
    if matrix is None:
        return image
    eye = here[list(EYES[side])]
    width = float(np.linalg.norm(eye[3] - eye[0]))
    reach = round(1.6 * width)
    middle = eye.mean(axis=0)
    low = np.floor(middle - reach).astype(int).clip(0)
    high = np.ceil(middle + reach).astype(int).clip(0, size)
    window = np.array(matrix, np.float64)
    window[:, 2] -= low
    cut = image[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    lids = cv2.warpAffine(
        closed, window, (cut.shape[1], cut.shape[0]), flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    ).astype(np.float32)  # fmt: skip
    u, v = _eye_plane(cut.shape[:2], eye - low, width)
    across, above, below = LID_ELLIPSE
    mask = _ease((1 - np.hypot(u / across, v / np.where(v > 0, above, below))) / 0.35)
    # Light and skin of the two pictures differ a little: what differs outside is taken off inside.
    outside = (mask < 0.35).astype(np.float32)
    near = 0.35 * width
    weight = np.maximum(cv2.GaussianBlur(outside, (0, 0), near), 1e-3)[..., None]
    lids += cv2.GaussianBlur((cut - lids) * outside[..., None], (0, 0), near) / weight
    out = image.copy()
    out[low[1] : high[1], low[0] : high[0]] = _mixed(cut, lids, mask)
    return out


def _eye_plane(
    shape: tuple[int, int], eye: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's place, right and up of an eye's middle, in its widths."""
    along = (eye[3] - eye[0]) / width
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    away = np.stack([x, y], axis=-1) - eye.mean(axis=0)
    return away @ along / width, away @ np.array([along[1], -along[0]]) / width


def _ease(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0, 1)
    eased: np.ndarray = x * x * (3 - 2 * x)
    return eased


def _mixed(under: np.ndarray, over: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`over` where the mask is 1, uint8."""
    base = under.astype(np.float32)
    mixed = base + mask[..., None] * (over.astype(np.float32) - base)
    return np.clip(mixed + 0.5, 0, 255).astype(np.uint8)
