"""Make a dial's unit true: render it both ways, measure the pictures, find the slope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.directions.store import Direction
from facegen.latents import LABELS_PSI
from facegen.learning.cached_measurer import open_cached_measurer
from facegen.measure.measurer import Measurement
from facegen.protocols import Generates

CALIBRATION_SEEDS = tuple(range(100_000, 100_008))
STEP_SD = 1.5
GAIN_LIMITS = (0.6, 2.0)
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
    generator: Generates,
    directions: Sequence[Direction],
    *,
    cache: Path,
    seeds: Sequence[int] = CALIBRATION_SEEDS,
) -> dict[str, Calibration]:
    """Calibrate every direction on the same faces, which no dial was learned from.

    Args:
        generator: Generates.
        directions: As solved.
        cache: Folder that keeps what was measured.
        seeds: Faces.
    """
    bases = [generator.w_from_seed(seed, LABELS_PSI) for seed in seeds]
    channel_sd = {d.meta.channel: d.meta.channel_sd for d in directions}
    results = {}
    with open_cached_measurer(generator, cache) as measurer:
        plain = measurer.measure(bases)
        for direction in directions:
            step = np.float32(STEP_SD * direction.meta.unit_per_sd)
            up = measurer.measure([base + step * direction.vector for base in bases])
            down = measurer.measure([base - step * direction.vector for base in bases])
            pairs = [(a, b, c) for a, b, c in zip(plain, up, down, strict=True) if a is not None]
            results[direction.meta.name] = summarise(direction, pairs, channel_sd)
    return results


def summarise(
    direction: Direction,
    pairs: Sequence[tuple[Measurement, Measurement | None, Measurement | None]],
    channel_sd: Mapping[str, float],
) -> Calibration:
    """Slope and side effects from (plain, raised, lowered) measurements."""
    channel = direction.meta.channel
    # Each face is moved away from where it stands, as the evaluation does: shaving a woman would
    # say nothing about a beard.
    mean = direction.meta.channel_mean
    whole = [(a, b, 1.0) if a.values[channel] <= mean else (a, c, -1.0) for a, b, c in pairs]
    seen = [(a, b, sign) for a, b, sign in whole if b is not None]
    if not seen:
        return Calibration(0.0, 1.0, {}, np.zeros(0))
    change = {
        name: np.array([s * (b.values[name] - a.values[name]) for a, b, s in seen]) / (STEP_SD * sd)
        for name, sd in channel_sd.items()
        if name in seen[0][0].values
    }
    gain = float(np.median(change[channel]))
    used = float(np.clip(gain, *GAIN_LIMITS))
    side = {name: float(values.mean()) / used for name, values in change.items() if name != channel}
    worst = sorted(side, key=lambda name: -abs(side[name]))[:NUM_LEAKS]
    distances = np.array([b.distance(a) for a, b, _ in seen])
    return Calibration(gain, used, {name: side[name] for name in worst}, distances)
