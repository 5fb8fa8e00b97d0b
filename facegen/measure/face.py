"""Measure a face in a picture: every number the program knows of, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegen.measure.align import align, ffhq_quad, is_whole, moved_box
from facegen.measure.classifiers import Classifiers, features, load_classifiers
from facegen.measure.details import detail_values
from facegen.measure.detector import (
    MEASURE_PX,
    Box,
    Sight,
    at_size,
    load_instruments,
    require_picture,
)
from facegen.measure.hog import COLOUR_PX, appearance
from facegen.measure.shape import measure_shape

PLAIN = "pixels"
LANDMARKS = "landmarks"
CLASSIFIER = "classifier"
# Cells of the small Lab picture: the cheeks beside the nose, and the upper corners.
LEFT_CHEEK = (slice(9, 16), slice(7, 11))
RIGHT_CHEEK = (slice(9, 16), slice(13, 17))
CORNERS = (slice(0, 9), np.r_[0:4, COLOUR_PX - 4 : COLOUR_PX])
SCENE_PLACES = {
    "bg_left": (slice(0, 9), slice(0, 4)),
    "bg_right": (slice(0, 9), slice(COLOUR_PX - 4, COLOUR_PX)),
    "clothes": (slice(COLOUR_PX - 3, COLOUR_PX), slice(0, COLOUR_PX)),
}
SCENE = tuple(f"{place}_{axis}" for place in SCENE_PLACES for axis in "lab")
"""What is around the face: L*, a* and b* of the background's two upper corners and the clothes."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured in one picture.

    Attributes:
        values: Name -> number; yaw, pitch, roll in degrees, age in years, others as documented
            in docs/measure.md.
        descriptor: float32 [128].
    """

    values: dict[str, float]
    descriptor: np.ndarray


def measure_face(image: np.ndarray) -> Measured | None:
    """Measure the largest face of a picture aligned as FFHQ is; None if there is none.

    Args:
        image: uint8 [H, H, 3] RGB.

    Raises:
        LatentError: not such a picture.
        ModelError: the instruments are not installed.
    """
    sight = load_instruments().look(image)
    if sight is None:
        return None
    measured = measured_from(appearance(image), sight, load_classifiers())
    measured.values.update(detail_values(at_size(image, MEASURE_PX), sight.landmarks))
    return measured


@dataclass(frozen=True, eq=False)
class FoundFace:
    """One face of a picture.

    Attributes:
        box: Left, top, right, bottom edge in pixels of the picture.
        landmarks: float64 [68, 2], x and y in pixels of the picture.
        measured: Its numbers. Roll is the face's in the picture, not in the aligned one.
        aligned: Whether the picture was taken as it is, aligned as FFHQ is already.
    """

    box: Box
    landmarks: np.ndarray
    measured: Measured
    aligned: bool


def measure_picture(image: np.ndarray) -> list[FoundFace]:
    """Measure every face of a picture of any shape, the largest first; empty if there is none.

    Args:
        image: uint8 [H, W, 3] RGB.

    Raises:
        LatentError: not such a picture, or one too small.
        ModelError: the instruments are not installed.
    """
    height, width = require_picture(image)
    instruments = load_instruments()
    found = instruments.find(image)
    faces = []
    for box, landmarks in found:
        quad = ffhq_quad(landmarks)
        if len(found) == 1 and is_whole(quad, width, height):
            measured = measure_face(image)
            if measured is not None:
                faces.append(FoundFace(box, landmarks, measured, True))
                continue
        picture, to_aligned = align(image, quad, MEASURE_PX)
        sight = instruments.look_at(picture, moved_box(box, to_aligned))
        measured = measured_from(appearance(picture), sight, load_classifiers())
        measured.values.update(detail_values(picture, sight.landmarks))
        turned = float(np.degrees(np.arctan2(to_aligned[1, 0], to_aligned[0, 0])))
        measured.values["roll"] -= turned
        faces.append(FoundFace(box, landmarks, measured, False))
    return faces


def measured_from(look: np.ndarray, sight: Sight, classifiers: Classifiers) -> Measured:
    """The numbers of a face whose features are known already."""
    scores = classifiers.predict(features(look, sight)[None])[0]
    judged = dict(zip(classifiers.names, scores.tolist(), strict=True))
    return Measured(judged | instrument_values(look, sight), sight.descriptor)


def instrument_values(look: np.ndarray, sight: Sight) -> dict[str, float]:
    """The numbers that need no classifier: landmarks and pixels."""
    values = measure_shape(sight.landmarks)
    values["eye_open"] = (values["eye_open_left"] + values["eye_open_right"]) / 2
    values["brow_height"] = (values["brow_height_left"] + values["brow_height_right"]) / 2
    lab = look[-COLOUR_PX * COLOUR_PX * 3 :].astype(np.float64).reshape(COLOUR_PX, COLOUR_PX, 3)
    lab = lab * 64 + 128  # undoes `appearance`
    light = lab[..., 0] * 100 / 255  # L*, 0 to 100
    values["light_side"] = float(light[RIGHT_CHEEK].mean() - light[LEFT_CHEEK].mean())
    values["bg_light"] = float(light[CORNERS].mean())
    for place, where in SCENE_PLACES.items():
        values[f"{place}_l"] = float(light[where].mean())
        values[f"{place}_a"] = float(lab[where][..., 1].mean() - 128)
        values[f"{place}_b"] = float(lab[where][..., 2].mean() - 128)
    return values


def method_of(channel: str) -> str:
    """How a channel is measured: "landmarks", "pixels" or "classifier"."""
    if channel in ("light_side", "bg_light", *SCENE):
        return PLAIN
    return CLASSIFIER if channel in load_classifiers().names else LANDMARKS
