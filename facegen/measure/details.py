"""What is read from the pixels and landmarks of a picture beside the classifiers.

Where the eyes look, each lip and each corner of the mouth, the tone of the skin, the colour of the
hair. These are for people to read: the dials are not learned from them.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from facegen.files import write_atomic
from facegen.measure.detector import MEASURE_PX, at_size
from facegen.measure.hair import inner_pixels
from facegen.measure.pose import Pose, fit_pose, load_shape
from facegen.measure.segments import Segments
from facegen.measure.shape import EYES, pose_terms, raw_measures, read_rows

GAZE_FILE = Path(__file__).with_name("gaze_correction.json")
EYE_LEVER = 0.4
"""An eyeball's radius in widths of an eye: the iris moves by this times the sine of the angle."""
GAZES = ("gaze_side", "gaze_up")
NUM_TERMS = 7  # five of the pose, how open the eyes are, one
EYE_ZOOM = 4  # an eye is about 50 px wide: its outline needs finer steps
LID_SHARE = 0.08  # of an eye's width, kept clear of lids and lashes
WHITE_PERCENTILE = 85  # of an eye's lightness; what is far darker is iris or pupil
MIN_EYE_PIXELS = 40
MIN_PIXELS = 400  # of 512 x 512


def detail_values(
    picture: np.ndarray, landmarks: np.ndarray, segments: Segments
) -> dict[str, float]:
    """The details of one face; a value that cannot be read is left out.

    Args:
        picture: uint8 [512, 512, 3] RGB, aligned as FFHQ is.
        landmarks: [68, 2], pixels of it.
        segments: What its pixels show.

    Returns:
        gaze_side, gaze_up: where the irises stand between the eyes' corners, in shares of an
            eye's width, freed of the head's pose; 0 is the mean of many faces (into the camera),
            positive the picture's right, and up.
        upper_lip, lower_lip: height of each, in distances between the eyes' outer corners.
        mouth_corner_left, mouth_corner_right: how far each stands above the middle of the lips.
        skin_ita: individual typology angle in degrees: above 55 very light, below -30 dark.
        hair_lightness, hair_redness, hair_yellowness: L*, a*, b* of the hair, the median.
    """
    pose, front = fit_pose(landmarks, load_shape())
    values = mouth_values(front)
    gaze = raw_gaze(picture, landmarks)
    if gaze is not None:
        values |= dict(
            zip(GAZES, (gaze - load_gaze() @ gaze_terms(pose, front)).tolist(), strict=True)
        )
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return values | skin_values(lab, segments) | hair_values(lab, segments)


def mouth_values(front: np.ndarray) -> dict[str, float]:
    """The lips and the mouth's corners of landmarks turned to the front, [68, 2]."""
    middle = (front[51, 1] + front[57, 1]) / 2

    def height(outer: tuple[int, ...], inner: tuple[int, ...]) -> float:
        return float(np.abs(front[list(outer), 1] - front[list(inner), 1]).mean())

    return {
        "upper_lip": height((50, 51, 52), (61, 62, 63)),
        "lower_lip": height((58, 57, 56), (67, 66, 65)),
        "mouth_corner_left": float(middle - front[48, 1]),
        "mouth_corner_right": float(middle - front[54, 1]),
    }


def read_gaze(image: np.ndarray, landmarks: np.ndarray) -> float | None:
    """How far the eyes look to the picture's right, in degrees, freed of the head's pose.

    Args:
        image: uint8 [H, H, 3].
        landmarks: [68, 2] in fractions of the picture's edge.

    Returns:
        0 for eyes that look into the camera; None if they are not seen.
    """
    points = landmarks * MEASURE_PX
    raw = raw_gaze(at_size(image, MEASURE_PX), points)
    if raw is None:
        return None
    free = raw - load_gaze() @ gaze_terms(*fit_pose(points, load_shape()))
    return float(np.degrees(np.arcsin(np.clip(free[0] / EYE_LEVER, -1, 1))))


def raw_gaze(picture: np.ndarray, landmarks: np.ndarray) -> np.ndarray | None:
    """Where the irises stand, (right, up) in eye widths from the corners' middle; None if unseen.

    The iris is what is darker than the white, weighed by how much darker, inside the outline.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    seen = []
    for indices in EYES.values():
        points = landmarks[list(indices)]
        width = float(np.linalg.norm(points[3] - points[0]))
        low = np.floor(points.min(axis=0) - 3).astype(int).clip(0)
        high = np.ceil(points.max(axis=0) + 4).astype(int)
        cut = grey[low[1] : high[1], low[0] : high[0]]
        if not cut.size or width < 4:
            continue
        large = cv2.resize(cut, None, fx=EYE_ZOOM, fy=EYE_ZOOM, interpolation=cv2.INTER_CUBIC)
        outline = (points - low + 0.5) * EYE_ZOOM - 0.5
        inside = np.zeros(large.shape, np.uint8)
        cv2.fillPoly(inside, [outline.round().astype(np.int32)], 1)
        reach = round(LID_SHARE * width * EYE_ZOOM)
        rows, columns = np.nonzero(cv2.erode(inside, np.ones((reach + 1, 1), np.uint8)))
        if len(rows) < MIN_EYE_PIXELS:
            continue
        light = large[rows, columns].astype(np.float64)
        dark = np.clip(np.percentile(light, WHITE_PERCENTILE) - light, 0, None) ** 2
        if dark.sum() <= 0:
            continue
        centre = np.array([columns @ dark, rows @ dark]) / dark.sum()
        along = (outline[3] - outline[0]) / (width * EYE_ZOOM) ** 2
        offset = centre - (outline[0] + outline[3]) / 2
        seen.append([offset @ along, offset @ [along[1], -along[0]]])
    return np.mean(seen, axis=0) if seen else None


def gaze_terms(pose: Pose, front: np.ndarray) -> np.ndarray:
    """What an iris's place depends on when the eyes look into the camera, [NUM_TERMS]."""
    measures = raw_measures(front)
    return np.array([*pose_terms(pose), (measures[3] + measures[4]) / 2, 1.0])


def learn_gaze(pictures: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Coefficients [2, NUM_TERMS] of many faces, [N, 512, 512, 3] and [N, 68, 2]."""
    terms, seen = [], []
    for picture, points in zip(pictures, landmarks, strict=True):
        gaze = raw_gaze(picture, points)
        if gaze is not None:
            terms.append(gaze_terms(*fit_pose(points, load_shape())))
            seen.append(gaze)
    return np.linalg.lstsq(np.array(terms), np.array(seen), rcond=None)[0].T


def save_gaze(coefficients: np.ndarray, path: Path = GAZE_FILE, **facts: object) -> None:
    """Write the coefficients with what is known of their origin."""
    rows = dict(zip(GAZES, np.round(coefficients, 6).tolist(), strict=True))
    data = {"format": 1, "terms": ["y", "yy", "p", "pp", "yp", "open", "1"], **facts, "rows": rows}
    write_atomic(path, (json.dumps(data, indent=1) + "\n").encode())


@lru_cache(maxsize=2)
def load_gaze(path: Path = GAZE_FILE) -> np.ndarray:
    """The fitted coefficients, [2, NUM_TERMS].

    Raises:
        BadFileError: the file is missing or damaged.
    """
    return read_rows(path, GAZES, NUM_TERMS)


def skin_values(lab: np.ndarray, segments: Segments) -> dict[str, float]:
    """The skin's tone from the face's skin, [512, 512, 3] Lab.

    The darker and the lighter fourth of the pixels are left out: shadow, gloss.
    """
    pixels = lab[inner_pixels(segments, "skin")]
    if len(pixels) < MIN_PIXELS:
        return {}
    low, high = np.percentile(pixels[:, 0], [25, 75])
    kept = pixels[(pixels[:, 0] >= low) & (pixels[:, 0] <= high)]
    light, _, yellow = kept.mean(axis=0)
    return {"skin_ita": float(np.degrees(np.arctan2(light - 50, max(float(yellow), 1e-3))))}


def hair_values(lab: np.ndarray, segments: Segments) -> dict[str, float]:
    """The hair's colour; nothing where there is hardly any."""
    pixels = lab[inner_pixels(segments, "hair")]
    if len(pixels) < MIN_PIXELS:
        return {}
    names = ("hair_lightness", "hair_redness", "hair_yellowness")
    return dict(zip(names, np.median(pixels, axis=0).astype(float).tolist(), strict=True))
