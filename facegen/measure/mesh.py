"""The face mesh: 478 points with depth and irises, and 52 movements of a face.

MediaPipe's networks, read as data files and run by OpenVINO; nothing of MediaPipe is installed.
They share nothing with the landmarks of dlib: one can judge the other.

Sources: Kartynnik et al. 2019, arXiv 1907.06724 (mesh); Grishchenko et al. 2020, arXiv 2006.10962
(irises, lips); the region that is cut out, and which points the movements are read from, as
MediaPipe's Face Landmarker documents them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facegen.errors import ModelError
from facegen.formats.face_geometry import FaceGeometry, read_face_geometry
from facegen.measure.detector import require_picture
from facegen.measure.pose import angles
from facegen.weights import ensure_files

MODEL = "face-mesh"
NUM_POINTS, NUM_SURFACE = 478, 468
EDGE_PX = 256
START = ((0.5, 0.57), 0.46)
"""Middle and half edge of the square that is looked at first, in fractions of an FFHQ picture."""
ROUNDS = 3
HALF_OF_BOX = 0.75
"""Half edge of the square around a face, in the larger side of the box around its points."""
PRESENT = 0.5
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)
"""Corners of the eyes from left to right in the picture; right and left are the person's."""
IRISES = (468, 473)
NOSE_TIP, FOREHEAD, CHIN = 1, 10, 152
EAR_SIDES = (234, 454)
CONFIG = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
# Which points the movements are read from, in this order, and what they are called (MediaPipe,
# face_blendshapes_graph.cc). Their left is the person's: the picture's right.
MOVEMENT_POINTS = (
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66,
    67, 70, 78, 80, 81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144,
    145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173,
    176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283, 284,
    285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332,
    334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
)  # fmt: skip
MOVEMENTS = (
    "neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen",
    "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight",
    "mouthPressLeft", "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower",
    "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight",
    "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight",
)  # fmt: skip
"""Names as ARKit has them; left and right are the person's."""


@dataclass(frozen=True, eq=False)
class Placement:
    """Where the head at rest stands in a picture: place = scale · rotation · point + offset.

    Attributes:
        rotation: float64 [3, 3]; `facegen.measure.pose.angles` gives yaw, pitch and roll. Pitch is
            that of the head at rest, whose 0 is not the mean face's.
        scale: Fractions of the picture's edge per centimetre of a head of average size.
        offset: float64 [3], in fractions of the edge.
        residual_cm: Root of the mean squared distance between the points and the head at rest.
    """

    rotation: np.ndarray
    scale: float
    offset: np.ndarray
    residual_cm: float

    @property
    def angles(self) -> tuple[float, float, float]:
        """Yaw, pitch and roll in degrees."""
        return angles(self.rotation)

    def in_picture(self, points: np.ndarray) -> np.ndarray:
        """Points of the head at rest, [N, 3] in centimetres, in fractions of the edge."""
        placed: np.ndarray = self.scale * points @ self.rotation.T + self.offset
        return placed


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """The surface of one face.

    Attributes:
        points: float64 [478, 3]: x to the right and y down from the picture's corner, z toward the
            viewer, all in fractions of the picture's edge. The first 468 are the surface, the last
            ten the irises (the middle first, then its rim), the person's right eye first.
        presence: How surely a face is there, 0 to 1.
        movements: Name of `MOVEMENTS` -> 0 to 1; empty where they were not asked for.
    """

    points: np.ndarray
    presence: float
    movements: Mapping[str, float]

    @cached_property
    def placement(self) -> Placement:
        """The head at rest, turned, scaled and moved to lie nearest to the points."""
        return _placed(load_geometry(), self.points[:NUM_SURFACE])

    @property
    def irises(self) -> np.ndarray:
        """Middles of the irises, [2, 3], the person's right first."""
        return self.points[list(IRISES)]


class MeshReader:
    """Finds the mesh of a face in an aligned picture. Use `load_mesh_reader`.

    Raises:
        ModelError: OpenVINO is missing, or the networks are not installed and cannot be fetched.
    """

    def __init__(self) -> None:
        try:
            import openvino as ov
        except ImportError as err:
            raise ModelError(
                "The face mesh needs OpenVINO; install it with `python -m pip install openvino`."
            ) from err
        files = ensure_files(MODEL)
        core = ov.Core()
        # One thread: it takes milliseconds, beside networks that want all of them.
        config: dict[str, Any] = CONFIG | {"INFERENCE_NUM_THREADS": 1}

        def request(path: Path, shape: list[int]) -> Any:
            graph = core.read_model(path)
            graph.reshape(shape)
            return core.compile_model(graph, "CPU", config).create_infer_request()

        self._points = request(files["landmarks"], [1, EDGE_PX, EDGE_PX, 3])
        self._movements = request(files["blendshapes"], [1, len(MOVEMENT_POINTS), 2])
        self._lock = threading.Lock()

    def read(self, image: np.ndarray, *, movements: bool = False) -> FaceMesh | None:
        """The mesh of the face of a picture; None if none is seen.

        Args:
            image: uint8 [H, H, 3] RGB, at least 64 px, aligned as FFHQ is.
            movements: Whether to read these as well.

        Raises:
            LatentError: no such picture.
        """
        image = np.asarray(image)
        size = require_picture(image)[0]
        (x, y), half = START
        square = np.array([x * size, y * size]), half * size, 0.0
        points, presence = np.zeros((NUM_POINTS, 3)), 0.0
        with self._lock:
            for _ in range(ROUNDS):
                points, presence = self._look(image, *square)
                if presence < PRESENT:
                    return None
                square = _around(points)
            found = self._moves(points) if movements else {}
        return FaceMesh(points / size, presence, found)

    def _look(
        self, image: np.ndarray, middle: np.ndarray, half: float, tilt: float
    ) -> tuple[np.ndarray, float]:
        """Points in pixels of the picture and the presence, as seen in a tilted square."""
        step = 2 * half / EDGE_PX
        cos, sin = step * np.cos(tilt), step * np.sin(tilt)
        back = np.array([[cos, -sin], [sin, cos]])
        corner = middle - back @ np.full(2, EDGE_PX / 2)
        # The network counts from the outer edge of pixels, OpenCV from their middles.
        factor = max(1, round(step))
        inverse = np.column_stack([back, corner + back @ np.full(2, 0.5)]) / factor
        inverse[:, 2] -= 0.5
        cut = cv2.warpAffine(
            _shrunk(image, factor), inverse, (EDGE_PX, EDGE_PX),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        self._points.infer([cut[None].astype(np.float32) / np.float32(255)])
        raw, score = (
            np.array(self._points.get_output_tensor(k).data, np.float64).ravel() for k in (0, 1)
        )
        found = raw.reshape(NUM_POINTS, 3)
        points = np.column_stack([found[:, :2] @ back.T + corner, -step * found[:, 2]])
        return points, float(1 / (1 + np.exp(-score[0])))

    def _moves(self, points: np.ndarray) -> dict[str, float]:
        wanted = points[list(MOVEMENT_POINTS), :2][None].astype(np.float32)
        (scores,) = self._movements.infer([wanted]).values()
        return {name: float(v) for name, v in zip(MOVEMENTS, scores.ravel(), strict=True)}


@lru_cache(maxsize=1)
def load_mesh_reader() -> MeshReader:
    """The reader, loaded on first use.

    Raises:
        ModelError: see `MeshReader`.
    """
    return MeshReader()


@lru_cache(maxsize=1)
def load_geometry() -> FaceGeometry:
    """The head at rest that meshes are matched to.

    Raises:
        ModelError, BadFileError: it cannot be had, or is damaged.
    """
    path = ensure_files(MODEL)["geometry"]
    return read_face_geometry(path.read_bytes(), name=path.name)


def _shrunk(image: np.ndarray, factor: int) -> np.ndarray:
    """The picture, averaged down by a whole factor."""
    size = max(1, round(len(image) / factor))
    if factor == 1:
        return image
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)


def _around(points: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Middle, half edge and tilt of the square around the points of a face."""
    across = points[LEFT_EYE[1], :2] - points[RIGHT_EYE[0], :2]
    low, high = points[:NUM_SURFACE, :2].min(axis=0), points[:NUM_SURFACE, :2].max(axis=0)
    tilt = float(np.arctan2(across[1], across[0]))
    return (low + high) / 2, HALF_OF_BOX * float((high - low).max()), tilt


def _placed(head: FaceGeometry, points: np.ndarray) -> Placement:
    """The similarity that leads from the head at rest to points (Umeyama 1991, weighted)."""
    weights = head.weights / head.weights.sum()
    means = weights @ head.points, weights @ points
    rest, seen = head.points - means[0], points - means[1]
    u, sizes, vt = np.linalg.svd((weights[:, None] * seen).T @ rest)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * signs) @ vt
    scale = float((sizes * signs).sum() / (weights @ (rest * rest).sum(axis=1)))
    apart = seen - scale * rest @ rotation.T
    residual = float(np.sqrt((apart * apart).sum(axis=1).mean())) / scale
    return Placement(rotation, scale, means[1] - scale * rotation @ means[0], residual)
