"""Make a dial's unit true: render it both ways, measure the pictures, find the slope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.directions.crowd import Renders
from facegen.directions.labels import LABELS_PSI
from facegen.directions.sitting import open_sitting
from facegen.directions.store import Direction
from facegen.measure.face import Measured

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
        cache: Folder that keeps what was measured.
        seeds: Faces.
    """
    bases = [generator.w_from_seed(seed, LABELS_PSI) for seed in seeds]
    results = {}
    with open_sitting(generator, cache) as sitting:
        plain = sitting.measure(bases)
        for direction in directions:
            step = np.float32(STEP_SD * direction.meta.unit_per_sd)
            up = sitting.measure([base + step * direction.vector for base in bases])
            down = sitting.measure([base - step * direction.vector for base in bases])
            pairs = [
                (a, b, c) for a, b, c in zip(plain, up, down, strict=True) if a is not None
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
