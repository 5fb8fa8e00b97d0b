"""The one way from a picture to numbers: `Measurer`, picture in, `Measurement` out.

Quick angles for closing the loop on previews, everything there is for files and readouts, and
every face of any photograph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from facegen.errors import UsageError
from facegen.measure.align import align, ffhq_quad, is_whole, moved_box
from facegen.measure.appearance import appearance
from facegen.measure.classifiers import load_classifiers
from facegen.measure.details import detail_values, read_gaze
from facegen.measure.detector import (
    MEASURE_PX,
    Box,
    Detection,
    at_size,
    load_instruments,
    require_picture,
)
from facegen.measure.face import channel_values
from facegen.measure.pose import fit_pose, load_shape
from facegen.measure.segments import of_picture
from facegen.measure.shape import measure_shape

TURNED_DEG = 25.0
"""Yaw from which on the landmarks are searched six times more: docs/results/measure.md."""
MOST_DOUBT_DEG = 4.0
"""Of the yaw between those searches: beyond, the landmarks hold on to nothing."""
GAZE = "gaze_degrees"
"""Where the eyes look to the side. The channel `gaze` is a classifier's, -1 to 1."""
SAME_PERSON = 0.6
"""Descriptors nearer than this are of one person, says dlib."""


@dataclass(frozen=True, eq=False)
class Measurement:
    """What was measured on one face.

    Attributes:
        values: Name -> number; at least yaw, pitch and roll in degrees; all of them are in
            docs/guides/measure.md.
        landmarks: [68, 2] in fractions of the edge of the (aligned) picture.
        descriptor: float32 [128]; None where identity was not measured.
        doubt: Standard deviation of the yaw between several searches for the landmarks, in
            degrees: large where they find no hold; 0 where one search was enough.
    """

    values: Mapping[str, float]
    landmarks: np.ndarray
    descriptor: np.ndarray | None = None
    doubt: float = 0.0

    @property
    def is_sure(self) -> bool:
        """Whether the landmarks hold on to a face."""
        return self.doubt <= MOST_DOUBT_DEG

    def distance(self, other: Measurement) -> float:
        """How far two faces' descriptors lie apart; above 0.6 they are two people, says dlib.

        Raises:
            UsageError: identity was not measured on one of them.
        """
        if self.descriptor is None or other.descriptor is None:
            raise UsageError("Identity was not measured here; measure everything, not angles only.")
        return float(np.linalg.norm(self.descriptor - other.descriptor))


@dataclass(frozen=True, eq=False)
class LocatedFace:
    """One face of a picture of any shape.

    Attributes:
        box: Left, top, right, bottom edge in pixels of the picture.
        landmarks: float64 [68, 2], x and y in pixels of the picture.
        measurement: Of the face as aligned; but roll is the face's in the picture.
        is_aligned: Whether the picture was taken as it is, aligned as FFHQ is already.
    """

    box: Box
    landmarks: np.ndarray
    measurement: Measurement
    is_aligned: bool


class Measurer:
    """Measures pictures with the bundled instruments, which load on first use.

    Use `load_measurer`. All methods raise:
        LatentError: no uint8 RGB picture of at least 64 px.
        ModelError: the instruments are not installed.
    """

    def angles(self, image: np.ndarray) -> Measurement | None:
        """Pose, shape and gaze, by landmarks alone; None if no face is seen.

        Args:
            image: uint8 [H, H, 3] RGB, aligned as FFHQ is.
        """
        picture = at_size(image, MEASURE_PX)  # once, not in each instrument: 3 of 27 ms
        detection = load_instruments().detect(picture, describe=False)
        if detection is None:
            return None
        detection, doubt = _steadied(picture, detection)
        landmarks = detection.landmarks / MEASURE_PX
        values = measure_shape(detection.landmarks) | _gaze(picture, landmarks)
        return Measurement(values, landmarks, doubt=doubt)

    def find_landmarks(self, image: np.ndarray) -> np.ndarray | None:
        """Landmarks to work on, [68, 2] in fractions of the edge; None where they find no hold."""
        found = self.angles(image)
        return found.landmarks if found is not None and found.is_sure else None

    def measure(self, image: np.ndarray, *, details: bool = True) -> Measurement | None:
        """Every number there is and the descriptor; None if no face is seen.

        Args:
            image: uint8 [H, H, 3] RGB, aligned as FFHQ is.
            details: Whether to read gaze, lips, skin and hair from the pixels as well, which no
                dial needs (`facegen.measure.details.detail_values`).
        """
        picture = at_size(image, MEASURE_PX)
        detection = load_instruments().detect(picture)
        return None if detection is None else _measurement(picture, detection, details=details)

    def measure_all(self, picture: np.ndarray) -> list[LocatedFace]:
        """Every face of a picture of any shape, the largest first; empty if there is none.

        Args:
            picture: uint8 [H, W, 3] RGB.
        """
        height, width = require_picture(picture)
        instruments = load_instruments()
        found = instruments.find(picture)
        faces = []
        for box, landmarks in found:
            quad = ffhq_quad(landmarks)
            if len(found) == 1 and is_whole(quad, width, height):
                measurement = self.measure(picture)
                if measurement is not None:
                    faces.append(LocatedFace(box, landmarks, measurement, True))
                    continue
            aligned, to_aligned = align(picture, quad, MEASURE_PX)
            detection = instruments.detect_at(aligned, moved_box(box, to_aligned))
            measurement = _measurement(aligned, detection, details=True)
            turned = float(np.degrees(np.arctan2(to_aligned[1, 0], to_aligned[0, 0])))
            values = {**measurement.values, "roll": measurement.values["roll"] - turned}
            faces.append(LocatedFace(box, landmarks, replace(measurement, values=values), False))
        return faces


def _measurement(picture: np.ndarray, detection: Detection, *, details: bool) -> Measurement:
    """Everything of a face found in a picture of MEASURE_PX."""
    detection, doubt = _steadied(picture, detection)
    landmarks = detection.landmarks / MEASURE_PX
    segments = of_picture(picture)
    values = channel_values(appearance(picture, segments), detection, load_classifiers())
    values |= _gaze(picture, landmarks)
    if details:
        values |= detail_values(picture, detection.landmarks, segments)
    return Measurement(values, landmarks, detection.descriptor, doubt)


def _steadied(picture: np.ndarray, detection: Detection) -> tuple[Detection, float]:
    """A turned face with the median of more searches, and the yaws' deviation in degrees."""
    shape = load_shape()
    if abs(fit_pose(detection.landmarks, shape)[0].yaw) < TURNED_DEG:
        return detection, 0.0
    several = load_instruments().landmarks_again(picture, detection)
    yaws = [fit_pose(points, shape)[0].yaw for points in several]
    return replace(detection, landmarks=np.median(several, axis=0)), float(np.std(yaws))


def _gaze(picture: np.ndarray, landmarks: np.ndarray) -> dict[str, float]:
    """Where the eyes look, in degrees as sweeps ask for it; nothing if they are not seen."""
    degrees = read_gaze(picture, landmarks)
    return {} if degrees is None else {GAZE: degrees}


@lru_cache(maxsize=1)
def load_measurer() -> Measurer:
    """The one measurer of this process."""
    return Measurer()
