"""The channels: every number that is measured on a face, by name, and how it is measured."""

from __future__ import annotations

import numpy as np

from facegen.measure.classifiers import Classifiers, features, load_classifiers
from facegen.measure.detector import Detection
from facegen.measure.hog import COLOUR_PX
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


def channel_values(
    appearance: np.ndarray, detection: Detection, classifiers: Classifiers
) -> dict[str, float]:
    """All channels of a face whose features are known already.

    Args:
        appearance: What `facegen.measure.appearance.appearance` gave.
        detection: What the instruments found in the same picture.
        classifiers: For what only an eye can judge.
    """
    scores = classifiers.predict(features(appearance, detection)[None])[0]
    judged = dict(zip(classifiers.names, scores.tolist(), strict=True))
    return judged | instrument_values(appearance, detection)


def instrument_values(appearance: np.ndarray, detection: Detection) -> dict[str, float]:
    """The numbers that need no classifier: landmarks and pixels."""
    values = measure_shape(detection.landmarks)
    values["eye_open"] = (values["eye_open_left"] + values["eye_open_right"]) / 2
    values["brow_height"] = (values["brow_height_left"] + values["brow_height_right"]) / 2
    lab = (
        appearance[-COLOUR_PX * COLOUR_PX * 3 :].astype(np.float64).reshape(COLOUR_PX, COLOUR_PX, 3)
    )
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
