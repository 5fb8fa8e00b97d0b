"""Measures of a face's shape and expression, freed of the head's pose.

Landmarks are first turned to the front (`facegen.measure.pose.fit_pose`); lengths are in units
of the distance between the outer corners of the eyes. What pose still leaks in (points that do
not keep the mean face's depth) is taken out by a quadratic in yaw and pitch, fitted on many faces.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from facegen.errors import BadFileError
from facegen.files import write_atomic
from facegen.measure.pose import Pose, fit_pose, load_shape
from facegen.records import parse_record

CORRECTION_FILE = Path(__file__).with_name("pose_correction.json")
POSE_SCALE_DEG = 20.0
INNER_LIP = ((61, 67), (62, 66), (63, 65))
EYES = {"left": (36, 37, 38, 39, 40, 41), "right": (42, 43, 44, 45, 46, 47)}
BROWS = {"left": (17, 18, 19, 20, 21), "right": (22, 23, 24, 25, 26)}

MEASURES: tuple[str, ...] = (
    "mouth_open", "mouth_width", "mouth_curve", "eye_open_left", "eye_open_right",
    "brow_height_left", "brow_height_right", "lip_fullness", "nose_width", "nose_length",
    "face_width", "jaw_width", "chin_length", "eye_distance",
)  # fmt: skip
"""Names of what `measure_shape` gives, beside yaw, pitch and roll. Left is the picture's left."""


@dataclass(frozen=True, eq=False)
class PoseCorrection:
    """What to subtract from each measure: [measures, 5] times (y, y^2, p, p^2, y p).

    Attributes:
        coefficients: [len(MEASURES), 5]; y and p are yaw and pitch over 20 degrees.
    """

    coefficients: np.ndarray


def raw_measures(front: np.ndarray) -> np.ndarray:
    """Measures of landmarks seen from the front, before the correction.

    Args:
        front: [68, 2], units of the mean face.

    Returns:
        float64, in the order of MEASURES.
    """

    def far(a: int, b: int) -> float:
        return float(np.linalg.norm(front[a] - front[b]))

    def eye(side: str) -> float:
        a, b, c, d, e, f = EYES[side]
        return (far(b, f) + far(c, e)) / (2 * far(a, d))

    def brow(side: str) -> float:
        return float(front[list(EYES[side]), 1].mean() - front[list(BROWS[side]), 1].mean())

    corners = (front[48, 1] + front[54, 1]) / 2
    middle = (front[51, 1] + front[57, 1]) / 2
    lips = (far(50, 61) + far(51, 62) + far(52, 63) + far(56, 65) + far(57, 66) + far(58, 67)) / 3
    return np.array(
        [
            sum(front[b, 1] - front[a, 1] for a, b in INNER_LIP) / 3,
            far(48, 54),
            middle - corners,
            eye("left"),
            eye("right"),
            brow("left"),
            brow("right"),
            lips,
            far(31, 35),
            far(27, 33),
            far(1, 15),
            far(4, 12),
            far(57, 8),
            far(39, 42),
        ]
    )


def measure_shape(landmarks: np.ndarray) -> dict[str, float]:
    """Yaw, pitch and roll in degrees, and all MEASURES.

    Args:
        landmarks: [68, 2] in pixels.
    """
    pose, front = fit_pose(landmarks, load_shape())
    values = raw_measures(front) - load_correction().coefficients @ pose_terms(pose)
    return {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll} | dict(
        zip(MEASURES, values.tolist(), strict=True)
    )


def pose_terms(pose: Pose) -> np.ndarray:
    """The five terms of the correction; yaw and pitch are cut where landmarks cease to hold."""
    y, p = np.clip([pose.yaw / POSE_SCALE_DEG, pose.pitch / POSE_SCALE_DEG], -2.0, 2.0)
    return np.array([y, y * y, p, p * p, y * p])


def learn_correction(landmarks: np.ndarray) -> PoseCorrection:
    """Fit the correction on many faces, [N, 68, 2]."""
    shape = load_shape()
    fitted = [fit_pose(points, shape) for points in landmarks]
    raw = np.array([raw_measures(front) for _, front in fitted])
    terms = np.array([pose_terms(pose) for pose, _ in fitted])
    system = np.concatenate([terms, np.ones((len(terms), 1))], axis=1)
    return PoseCorrection(np.linalg.lstsq(system, raw, rcond=None)[0][:-1].T)


def save_correction(correction: PoseCorrection, path: Path = CORRECTION_FILE) -> None:
    """Write the correction."""
    rows = dict(zip(MEASURES, np.round(correction.coefficients, 6).tolist(), strict=True))
    text = json.dumps({"format": 1, "terms": ["y", "yy", "p", "pp", "yp"], "rows": rows}, indent=1)
    write_atomic(path, (text + "\n").encode())


@lru_cache(maxsize=2)
def load_correction(path: Path = CORRECTION_FILE) -> PoseCorrection:
    """The fitted correction.

    Raises:
        BadFileError: the file is missing or damaged.
    """
    return PoseCorrection(read_rows(path, MEASURES, 5))


@dataclass(frozen=True)
class _Fitted:
    """A file of fitted coefficients."""

    rows: dict[str, tuple[float, ...]]


def read_rows(path: Path, names: Sequence[str], terms: int) -> np.ndarray:
    """Fitted coefficients out of a JSON file, [len(names), terms].

    Raises:
        BadFileError: the file is missing or damaged.
    """
    try:
        rows = parse_record(path.read_bytes(), _Fitted).rows
    except (OSError, ValueError) as err:
        raise BadFileError(f"{path.name} cannot be read ({err}). Restore it.") from err
    if not all(len(rows.get(name, ())) == terms for name in names):
        raise BadFileError(
            f"{path.name} must hold {terms} numbers for each of {', '.join(names)}. Restore it."
        )
    return np.array([rows[name] for name in names])
