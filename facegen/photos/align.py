"""Every face of a photograph, cut out the way the photographs of FFHQ were.

The square and the cut are `facegen.measure.align`'s; here come finding the faces, the blurred
mirror image beyond the photo's edge, and what stands in the way of a good result.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facegen.errors import UsageError
from facegen.measure.align import LEFT_EYE, RIGHT_EYE, align, ffhq_quad, is_whole
from facegen.measure.detector import MEASURE_PX, Box, load_instruments, require_picture
from facegen.measure.measurer import load_measurer
from facegen.measure.pose import fit_pose, load_shape
from facegen.photos.quality import warnings_of

CROP_PX = 1024
CROP_SIZES = (256, 512, 1024)
SURE = 0.4
"""What the detector gives a face, once aligned: 0.5 to 4 for faces, even with a bar over the eyes;
below 0.35 what only looks like one, and faces behind a mask."""
SAME_FACE = 0.12  # of a crop's edge: what is found further off is another face
PAD_SHARE, BORDER_SHARE, BLUR_SHARE = 0.3, 0.1, 0.02  # of the square's edge
OUTSIDE_PX = 256
OVERSHOOT_PX = 0.5
EDGES = ("left", "top", "right", "bottom")
DOUBTFUL = "This is hardly to be seen as a face; perhaps it is covered, or none."


@dataclass(frozen=True, eq=False)
class AlignedFace:
    """One face of a photograph.

    Attributes:
        crop: uint8 [S, S, 3] RGB, aligned as FFHQ is.
        matrix: float64 [2, 3], from places in the photo to places in the crop, both in pixels;
            places count from the outer edge of the first pixel: 0.5 is its middle.
        box: Left, top, right, bottom edge in pixels of the photo.
        landmarks: float64 [68, 2], x and y in pixels of the photo.
        eyes_px: Distance between the eyes in pixels of the photo.
        warnings: What stands in the way of a good result, one sentence each.
        is_sure: Whether it is surely a face.
    """

    crop: np.ndarray
    matrix: np.ndarray
    box: Box
    landmarks: np.ndarray
    eyes_px: float
    warnings: tuple[str, ...]
    is_sure: bool


def find_faces(image: np.ndarray, *, size: int = CROP_PX) -> list[AlignedFace]:
    """Every face of a photo, the largest first; empty if there is none.

    Places that hardly look like a face are left out, unless nothing else is there.

    Args:
        image: uint8 [H, W, 3] RGB, upright.
        size: Edge of the crops.

    Raises:
        LatentError: no such picture.
        ModelError: the instruments are not installed.
        UsageError: another size than 256, 512 or 1024.
    """
    if size not in CROP_SIZES:
        raise UsageError(f"A crop has {', '.join(map(str, CROP_SIZES))} pixels, got {size}.")
    require_picture(image)
    places = load_instruments().find(image, small_too=True)
    alone = len(places) == 1
    faces = [_aligned(image, box, points, size, alone=alone) for box, points in places]
    return [face for face in faces if face.is_sure] or faces


def lies_on_its_side(image: np.ndarray) -> bool:
    """Whether a face is seen once the photo is turned, where none is as it is."""
    edge = max(image.shape[:2])
    small = image
    if edge > CROP_PX:
        factor = CROP_PX / edge
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return any(
        any(face.is_sure for face in find_faces(np.ascontiguousarray(np.rot90(small, turns))))
        for turns in (1, 3, 2)
    )


def aligned_crop(image: np.ndarray, quad: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut FFHQ's square out of a photo, with FFHQ's blur where it leaves the photo.

    Args:
        image: uint8 [H, W, 3] RGB.
        quad: [4, 2], as `facegen.measure.align.ffhq_quad`.
        size: Edge of the crop.

    Returns:
        uint8 [size, size, 3], and the matrix as in `AlignedFace`.
    """
    crop, matrix = align(image, quad, size)
    return crop_at(image, matrix, crop), matrix


def crop_at(image: np.ndarray, matrix: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """A crop as `align` made it, blurred toward and beyond the photo's edges as FFHQ's are.

    The recipe (Karras, Laine & Aila 2019): the photo is padded by its mirror image, at least by
    three tenths of the square; toward the end of the padding the blur grows, from a third of the
    padding inside the photo on, and further out the picture fades to its median colour.
    """
    strength = edge_strength(matrix, image.shape[:2], len(crop))
    blur, fade = (np.clip(part, 0, 1)[..., None] for part in (3 * strength + 1, strength))
    if not blur.any():
        return crop
    soft = crop.astype(np.float32)
    blurred = cv2.GaussianBlur(soft, (0, 0), BLUR_SHARE * len(crop))
    soft += (blurred - soft) * blur
    soft += (np.median(soft, axis=(0, 1)) - soft) * fade
    return soft.round().clip(0, 255).astype(np.uint8)


def edge_strength(matrix: np.ndarray, shape: tuple[int, int], size: int) -> np.ndarray:
    """How far beyond the photo each place of a crop lies: float32 [size, size].

    0 at the photo's edge, 1 at the end of the padding, negative inside; -1 where no edge is near.

    Args:
        matrix: [2, 3], as in `AlignedFace`.
        shape: Height and width of the photo.
        size: Edge of the crop that the matrix leads to.
    """
    back = cv2.invertAffineTransform(np.asarray(matrix, np.float64))
    middles = np.arange(size) + 0.5
    square = float(np.hypot(*back[:, 0])) * size
    strength = np.full((size, size), -1.0, np.float32)
    for edge, overshoot in overshoots(matrix, shape, size).items():
        axis = EDGES.index(edge) % 2
        inside = back[axis, 0] * middles[None] + back[axis, 1] * middles[:, None] + back[axis, 2]
        if edge in ("right", "bottom"):
            inside = shape[1 - axis] - inside
        pad = max(overshoot + BORDER_SHARE * square, PAD_SHARE * square)
        strength = np.maximum(strength, (-inside / pad).astype(np.float32))
    return strength


def overshoots(matrix: np.ndarray, shape: tuple[int, int], size: int) -> dict[str, float]:
    """By how many pixels a crop leaves the photo, for each of the photo's edges that it leaves.

    Args: as `edge_strength`.
    """
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64)
    corners = moved(corners, cv2.invertAffineTransform(np.asarray(matrix, np.float64)))
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    beyond = (-left, -top, right - shape[1], bottom - shape[0])
    return {edge: float(far) for edge, far in zip(EDGES, beyond, strict=True) if far > OVERSHOOT_PX}


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points [N, 2] after a move by a matrix [2, 3]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far the middles of two sets of points [N, 2] lie apart."""
    return float(np.hypot(*(one.mean(axis=0) - other.mean(axis=0))))


def _main_edges(far: dict[str, float]) -> tuple[str, ...]:
    """The edges beyond which most of a crop lies."""
    return tuple(edge for edge, pixels in far.items() if pixels > max(far.values()) / 2)


def _aligned(
    image: np.ndarray, box: Box, landmarks: np.ndarray, size: int, *, alone: bool
) -> AlignedFace:
    """A face that was found, its landmarks looked for once more where it stands upright."""
    height, width = image.shape[:2]
    quad = ffhq_quad(landmarks)
    if is_taken_whole := alone and is_whole(quad, width, height):
        quad = np.array([[0, 0], [0, height], [width, height], [width, 0]], np.float64)
    upright, matrix = align(image, quad, MEASURE_PX)
    places = moved(landmarks, matrix)
    seen = load_measurer().angles(upright)
    if seen is not None and _apart(seen.landmarks * MEASURE_PX, places) < SAME_FACE * MEASURE_PX:
        yaw, pitch = seen.values["yaw"], seen.values["pitch"]
        landmarks = moved(seen.landmarks * MEASURE_PX, cv2.invertAffineTransform(matrix))
        quad = quad if is_taken_whole else ffhq_quad(landmarks)
    else:  # nothing, or somebody else who stands close and is larger
        pose = fit_pose(places, load_shape())[0]
        yaw, pitch = pose.yaw, pose.pitch
    crop, matrix = aligned_crop(image, quad, size)
    is_sure = load_instruments().sureness(crop) >= SURE
    eyes = landmarks[RIGHT_EYE].mean(axis=0) - landmarks[LEFT_EYE].mean(axis=0)
    small = np.diag([OUTSIDE_PX / size] * 2) @ matrix
    warnings = warnings_of(
        crop,
        moved(landmarks, matrix) / size,
        eyes_px=float(np.hypot(*eyes)),
        yaw=yaw,
        pitch=pitch,
        outside=edge_strength(small, image.shape[:2], OUTSIDE_PX) > 0,
        beyond=_main_edges(overshoots(matrix, image.shape[:2], size)),
    )
    told = warnings if is_sure else [DOUBTFUL, *warnings]
    return AlignedFace(crop, matrix, box, landmarks, float(np.hypot(*eyes)), tuple(told), is_sure)
