"""How near a projection's picture comes to the photograph, by what is not in its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from facegen.errors import ModelError
from facegen.evaluation.lite0 import load_lite0, to_input
from facegen.evaluation.mobilefacenet import MobileFaceNet
from facegen.evaluation.packages import JUDGES_DIR
from facegen.measure.detector import MEASURE_PX, at_size, load_instruments
from facegen.measure.segments import of_picture

FINE_CYCLES = 64  # a face's width; what is finer is the skin's texture
HALF_AT = 0.1874  # a Gaussian's sigma times the frequency of which it lets through a half
ERODED = 1 / 40  # of the edge: borders of the skin are no texture
EPS = 1e-6


def load_judge(
    folder: Path = JUDGES_DIR,
) -> Callable[[np.ndarray, np.ndarray], Mapping[str, float]] | None:
    """Tells of a photograph and its rendition; None where the judges were not fetched.

    What is told: "identity", the cosine by MobileFaceNet; "perceptual", `perceptual_distance` by
    EfficientNet-Lite0.
    """
    try:
        identity, lite0 = MobileFaceNet(folder), load_lite0(folder)
    except ModelError:
        return None

    def judge(photograph: np.ndarray, rendition: np.ndarray) -> dict[str, float]:
        numbers = {"perceptual": perceptual_distance(lite0, photograph, rendition)}
        people = []
        for image in (photograph, rendition):
            picture = at_size(image, MEASURE_PX)
            found = load_instruments().detect(picture, describe=False)
            if found is not None:
                people.append(identity.identity(picture, found.landmarks))
        if len(people) == 2:
            numbers["identity"] = float(people[0] @ people[1])
        return numbers

    return judge


def perceptual_distance(net: torch.nn.Module, one: np.ndarray, other: np.ndarray) -> float:
    """LPIPS's distance (Zhang et al. 2018, equation 1) with equal weights, of two depths of Lite0.

    Args:
        net: `facegen.evaluation.lite0.EfficientNetLite0`.
        one: uint8 [S, S, 3].
        other: Likewise.

    Returns:
        0 for the same, at most 4: squared differences of unit vectors, averaged over places.
    """
    with torch.inference_mode():
        both = [net.maps(to_input(image)) for image in (one, other)]  # type: ignore[operator]
        apart = []
        for name in both[0]:
            units = [f[name] / (f[name].square().sum(1, keepdim=True).sqrt() + EPS) for f in both]
            apart.append(float((units[0] - units[1]).square().sum(dim=1).mean()))
    return float(np.mean(apart))


def fine_energy(image: np.ndarray, landmarks: np.ndarray, skin: np.ndarray) -> float:
    """Energy of the skin's structure finer than 64 cycles a face, in squared levels.

    Args:
        image: uint8 [S, S, 3].
        landmarks: [68, 2] in fractions of the edge; the width of the face is theirs.
        skin: float32 [256, 256], 1 where skin is.
    """
    size = len(image)
    width = float(np.ptp(landmarks[:, 0])) * size
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), HALF_AT * width / FINE_CYCLES)
    kernel = np.ones((2 * round(ERODED * len(skin)) + 1,) * 2, np.uint8)
    inside = cv2.resize(cv2.erode(skin, kernel), (size, size)) > 0.5
    return float(np.square(fine[inside]).mean()) if inside.any() else float("nan")


def fine_energy_ratio(photograph: np.ndarray, rendition: np.ndarray) -> float:
    """`fine_energy` of a rendition by that of its photograph; NaN where no face is found."""
    found = load_instruments().detect(at_size(photograph, MEASURE_PX), describe=False)
    if found is None:
        return float("nan")
    skin = of_picture(photograph).mask("skin")
    places = found.landmarks / MEASURE_PX
    goal, ours = (fine_energy(one, places, skin) for one in (photograph, rendition))
    return ours / max(goal, EPS)
