"""Head pose in degrees, and landmarks as they would stand if the head looked at the camera.

The mean face in three dimensions is learned from nothing but the landmarks of many generated
faces: seen by a distant camera, the rigid points of all pictures span a space of three dimensions
(Tomasi & Kanade 1992), whose metric follows from cameras having orthogonal axes of equal length.
That gives degrees without a scanned head. A pose is then fitted to the rigid points of a face.

Convention:
    x to the picture's right, y down, z toward the viewer. Positive yaw turns the face toward the
    picture's right edge, positive pitch raises the chin, positive roll tilts the top of the head
    toward the picture's right. Pitch 0 is that of the average generated face.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from facegen.errors import BadFileError
from facegen.files import write_atomic
from facegen.records import parse_record

SHAPE_FILE = Path(__file__).with_name("mean_face.json")
# Nose, eye corners, brows: points that neither speech nor a turning outline moves much.
RIGID = (*range(27, 36), 36, 39, 42, 45, 17, 19, 21, 22, 24, 26)
# Points and their mirror images, left to right.
# fmt: off
MIRROR = (
    16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0,
    26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 27, 28, 29, 30, 35, 34, 33, 32, 31,
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
)
# fmt: on
FIT_ROUNDS = 6


@dataclass(frozen=True)
class Pose:
    """Yaw, pitch and roll in degrees; scale in pixels per unit of the mean face."""

    yaw: float
    pitch: float
    roll: float
    scale: float


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The rotation matrix, [3, 3], of a pose in degrees: roll after yaw after pitch.

    >>> bool(rotation(90, 0, 0)[0, 2] > 0.99)  # at yaw 90 the nose points to the right edge
    True
    """
    yaw_rad, pitch_rad, roll_rad = np.radians([yaw, pitch, roll])
    cy, sy = np.cos(yaw_rad), np.sin(yaw_rad)
    cp, sp = np.cos(pitch_rad), np.sin(pitch_rad)
    cr, sr = np.cos(roll_rad), np.sin(roll_rad)
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return tilt @ turn @ nod


def angles(matrix: np.ndarray) -> tuple[float, float, float]:
    """Yaw, pitch and roll in degrees of a rotation matrix; inverts `rotation`."""
    yaw = np.arcsin(np.clip(-matrix[2, 0], -1, 1))
    pitch = np.arctan2(matrix[2, 1], matrix[2, 2])
    roll = np.arctan2(matrix[1, 0], matrix[0, 0])
    return tuple(np.degrees([yaw, pitch, roll]).tolist())  # type: ignore[return-value]


def fit_pose(
    landmarks: np.ndarray, shape: np.ndarray, points: Sequence[int] = RIGID
) -> tuple[Pose, np.ndarray]:
    """Fit the pose of one face.

    Args:
        landmarks: [68, 2] in pixels.
        shape: The mean face, [68, 3].
        points: The landmarks to go by.

    Returns:
        The pose, and the landmarks seen from the front, [68, 2] in units of the mean face:
        each point keeps the depth it has in the mean face.
    """
    rigid = list(points)
    centre = shape[rigid].mean(axis=0)
    seen = landmarks[rigid] - landmarks[rigid].mean(axis=0)
    camera = np.linalg.lstsq(shape[rigid] - centre, seen, rcond=None)[0].T  # [2, 3]
    u, s, vt = np.linalg.svd(camera, full_matrices=False)
    axes, scale = u @ vt, float(s.mean())
    matrix = np.vstack([axes, np.cross(axes[0], axes[1])])
    yaw, pitch, roll = angles(matrix)
    flat = (landmarks - landmarks[rigid].mean(axis=0)) / scale
    depth = shape[:, 2] - centre[2]
    front = np.linalg.solve(matrix[:2, :2], (flat - depth[:, None] * matrix[:2, 2]).T).T
    return Pose(yaw, pitch, roll, scale), front + centre[:2]


def learn_shape(landmarks: np.ndarray) -> np.ndarray:
    """The mean face, [68, 3], from the landmarks of many faces in many poses.

    Args:
        landmarks: [N, 68, 2] in pixels.

    Returns:
        Mirror-symmetric; the distance of the outer corners of the eyes is 1, their middle the
        origin.
    """
    rigid = list(RIGID)
    centred = landmarks - landmarks[:, rigid].mean(axis=1, keepdims=True)
    seen = np.concatenate([centred[:, rigid, 0], centred[:, rigid, 1]])  # [2N, R]
    n = len(landmarks)
    u, s, _ = np.linalg.svd(seen, full_matrices=False)
    motion = u[:, :3] * s[:3]
    upgrade = _metric(motion[:n], motion[n:])
    motion = motion @ upgrade
    motion /= np.tile(np.linalg.norm(motion[:n], axis=1), 2)[:, None]
    # All 68 points by least squares under these cameras, at each face's own scale.
    scale = np.linalg.norm(centred[:, rigid], axis=(1, 2))
    scale = scale / scale.mean()
    scaled = centred / scale[:, None, None]
    seen = np.concatenate([scaled[..., 0], scaled[..., 1]])  # [2N, 68]
    shape = np.linalg.lstsq(motion, seen, rcond=None)[0].T
    shape = _upright(shape)
    for _ in range(FIT_ROUNDS):
        shape = _refine(shape, landmarks)
    return shape


def save_shape(shape: np.ndarray, path: Path = SHAPE_FILE, **facts: object) -> None:
    """Write the mean face with what is known of its origin."""
    data = {"format": 1, **facts, "points": np.round(shape, 5).tolist()}
    write_atomic(path, (json.dumps(data, indent=0) + "\n").encode())


@dataclass(frozen=True)
class _MeanFace:
    """The file of the mean face."""

    points: Annotated[list[tuple[float, float, float]], Meta(min_length=68, max_length=68)]


@lru_cache(maxsize=2)
def load_shape(path: Path = SHAPE_FILE) -> np.ndarray:
    """The mean face, [68, 3].

    Raises:
        BadFileError: the file is missing or damaged.
    """
    try:
        return np.array(parse_record(path.read_bytes(), _MeanFace).points)
    except (OSError, ValueError) as err:
        raise BadFileError(f"{path.name} cannot be read ({err}). Restore it.") from err


def _metric(rows_x: np.ndarray, rows_y: np.ndarray) -> np.ndarray:
    """The 3 x 3 upgrade that makes the cameras' two axes orthogonal and equally long."""

    def quadratic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                a[:, 0] * b[:, 0],
                a[:, 0] * b[:, 1] + a[:, 1] * b[:, 0],
                a[:, 0] * b[:, 2] + a[:, 2] * b[:, 0],
                a[:, 1] * b[:, 1],
                a[:, 1] * b[:, 2] + a[:, 2] * b[:, 1],
                a[:, 2] * b[:, 2],
            ],
            axis=1,
        )

    equal = quadratic(rows_x, rows_x) - quadratic(rows_y, rows_y)
    square = quadratic(rows_x, rows_y)
    size = (quadratic(rows_x, rows_x) + quadratic(rows_y, rows_y)).mean(axis=0, keepdims=True)
    system = np.concatenate([equal, square, size * len(rows_x)])
    target = np.zeros(len(system))
    target[-1] = 2 * len(rows_x)
    a, b, c, d, e, f = np.linalg.lstsq(system, target, rcond=None)[0]
    gram = np.array([[a, b, c], [b, d, e], [c, e, f]])
    values, vectors = np.linalg.eigh(gram)
    return vectors * np.sqrt(np.maximum(values, 1e-6 * values.max()))


def _upright(shape: np.ndarray) -> np.ndarray:
    """Turn a shape so that x runs from eye to eye, y down to the chin, z out of the nose."""
    across = shape - shape[list(MIRROR)]  # from each point's mirror image to the point
    x = across[[9, 10, 11, 12, 13, 14, 15, 16, *range(22, 27)]].sum(axis=0)
    x /= np.linalg.norm(x)
    down = shape[8] - shape[27]
    y = down - x * (down @ x)
    y /= np.linalg.norm(y)
    z = np.cross(x, y)
    turned = shape @ np.stack([x, y, z], axis=1)
    if turned[30, 2] < turned[[36, 45], 2].mean():  # the nose must stand out: the other mirror
        turned = turned * [1, 1, -1]
    return _symmetric(turned)


def _refine(shape: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """One round: poses under the present shape, then the shape under these poses."""
    rigid = list(RIGID)
    centre = shape[rigid].mean(axis=0)
    rows, seen, pitches = [], [], []
    for points in landmarks:
        pose, _ = fit_pose(points, shape)
        rows.append(rotation(pose.yaw, pose.pitch, pose.roll)[:2])
        seen.append(((points - points[rigid].mean(axis=0)) / pose.scale).T)
        pitches.append(pose.pitch)
    new = np.linalg.lstsq(np.concatenate(rows), np.concatenate(seen), rcond=None)[0].T + centre
    # The average face looks straight ahead, by definition.
    new = new @ rotation(0, float(np.mean(pitches)), 0).T
    return _symmetric(new)


def _symmetric(shape: np.ndarray) -> np.ndarray:
    shape = (shape + shape[list(MIRROR)] * [-1, 1, 1]) / 2 + 0.0
    middle = (shape[36] + shape[45]) / 2
    shape = shape - middle
    return shape / np.linalg.norm(shape[45] - shape[36])
