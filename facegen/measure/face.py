"""Measure a face in a picture: every number the program knows of, by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegen.measure.appearance import COLOUR_PX, appearance
from facegen.measure.classifiers import Classifiers, features, load_classifiers
from facegen.measure.instruments import Sight, load_instruments
from facegen.measure.shape import measure_shape

PLAIN = "pixels"
LANDMARKS = "landmarks"
CLASSIFIER = "classifier"
# Cells of the small Lab picture: the cheeks beside the nose, and the upper corners.
LEFT_CHEEK = (slice(9, 16), slice(7, 11))
RIGHT_CHEEK = (slice(9, 16), slice(13, 17))
CORNERS = (slice(0, 9), np.r_[0:4, COLOUR_PX - 4 : COLOUR_PX])


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured in one picture.

    Attributes:
        values: Name -> number; yaw, pitch, roll in degrees, age in years, others as documented
            in docs/dials.md.
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
    return measured_from(appearance(image), sight, load_classifiers())


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
    light = (lab[..., 0] * 64 + 128) * 100 / 255  # L*, 0 to 100; undoes `appearance`
    values["light_side"] = float(light[RIGHT_CHEEK].mean() - light[LEFT_CHEEK].mean())
    values["bg_light"] = float(light[CORNERS].mean())
    return values


def method_of(channel: str) -> str:
    """How a channel is measured: "landmarks", "pixels" or "classifier"."""
    if channel in ("light_side", "bg_light"):
        return PLAIN
    return CLASSIFIER if channel in load_classifiers().names else LANDMARKS
