"""Make a dial's unit true: render it both ways, measure the pictures, find the slope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.directions.crowd import Renders, glimpse
from facegen.directions.labels import LABELS_PSI
from facegen.directions.store import Direction
from facegen.measure.classifiers import load_classifiers
from facegen.measure.face import Measured, measured_from
from facegen.measure.instruments import MEASURE_PX

CALIBRATION_SEEDS = tuple(range(100_000, 100_010))
STEP_SD = 1.5
GAIN_LIMITS = (0.4, 2.5)
NUM_LEAKS = 5


@dataclass(frozen=True, eq=False)
class Calibration:
    """What rendering showed.

    Attributes:
        gain: Change of the picture's measurement per unit of the dial as solved.
        used_gain: The same, kept within limits; what the direction is divided by.
        leakage: The other channels that moved most: mean change in their standard deviations per
            standard deviation of the dial's own.
        distances: Descriptor distances of the edited pictures to the plain ones.
    """

    gain: float
    used_gain: float
    leakage: dict[str, float]
    distances: np.ndarray


def measure_edit(generator: Renders, w_plus: np.ndarray) -> Measured | None:
    """Render and measure one latent, [18, 512]; None if no face is seen."""
    face = glimpse(generator.render(w_plus, size=MEASURE_PX))
    if face.sight is None:
        return None
    return measured_from(face.look, face.sight, load_classifiers())


def calibrate(
    generator: Renders,
    directions: Sequence[Direction],
    channel_sd: Mapping[str, float],
    *,
    cache: Path,
    seeds: Sequence[int] = CALIBRATION_SEEDS,
) -> dict[str, Calibration]:
    """Calibrate every direction on the same faces, which no dial was learned from.

    Args:
        generator: Renders.
        directions: As solved.
        channel_sd: Channel -> standard deviation over the crowd.
        cache: Unused folder for later resumption of long runs.
        seeds: Faces.
    """
    bases = [generator.w_from_seed(seed, LABELS_PSI) for seed in seeds]
    plain = [measure_edit(generator, base) for base in bases]
    results = {}
    for direction in directions:
        step = STEP_SD * direction.meta.unit_per_sd
        pairs = [
            (
                at,
                measure_edit(generator, base + step * direction.vector),
                measure_edit(generator, base - step * direction.vector),
            )
            for base, at in zip(bases, plain, strict=True)
            if at is not None
        ]
        results[direction.meta.name] = summarise(direction, pairs, channel_sd)
    return results


def summarise(
    direction: Direction,
    pairs: Sequence[tuple[Measured, Measured | None, Measured | None]],
    channel_sd: Mapping[str, float],
) -> Calibration:
    """Slope and side effects from (plain, raised, lowered) measurements."""
    channel = direction.meta.channel
    whole = [(a, b, c) for a, b, c in pairs if b is not None and c is not None]
    if not whole:
        return Calibration(0.0, 1.0, {}, np.zeros(0))
    change = {
        name: np.array([b.values[name] - c.values[name] for _, b, c in whole]) / (2 * STEP_SD * sd)
        for name, sd in channel_sd.items()
        if name in whole[0][0].values
    }
    gain = float(np.median(change[channel]))
    used = float(np.clip(gain, *GAIN_LIMITS))
    side = {
        name: float(values.mean()) / used for name, values in change.items() if name != channel
    }
    worst = sorted(side, key=lambda name: -abs(side[name]))[:NUM_LEAKS]
    distances = np.array(
        [np.linalg.norm(one.descriptor - a.descriptor) for a, b, c in whole for one in (b, c)]
    )
    return Calibration(gain, used, {name: side[name] for name in worst}, distances)
