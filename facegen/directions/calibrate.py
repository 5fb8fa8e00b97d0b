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

CALIBRATION_SEEDS = tuple(range(100_000, 100_008))
STEP_SD = 1.5
GAIN_LIMITS = (0.6, 2.0)
NUM_LEAKS = 5
CAUTION = 5.0
OWN_WEIGHT = 5.0
OWN_LIMITS = (0.5, 2.0)
SMALLEST_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class Calibration:
    """What rendering showed.

    Attributes:
        gain: Change of the picture's measurement per unit of the dial as solved.
        used_gain: The same, kept within limits; what the direction is divided by.
        leakage: The other channels that moved most: mean change in their standard deviations per
            standard deviation of the dial's own.
        change: Every channel's mean change, likewise, before the gain is divided out.
        distances: Descriptor distances of the edited pictures to the plain ones.
    """

    gain: float
    used_gain: float
    leakage: dict[str, float]
    change: dict[str, float]
    distances: np.ndarray


def calibrate(
    generator: Renders,
    directions: Sequence[Direction],
    channel_sd: Mapping[str, float],
    channel_mean: Mapping[str, float],
    *,
    cache: Path,
    seeds: Sequence[int] = CALIBRATION_SEEDS,
) -> dict[str, Calibration]:
    """Calibrate every direction on the same faces, which no dial was learned from.

    Args:
        generator: Renders.
        directions: As solved.
        channel_sd: Channel -> standard deviation over the crowd.
        channel_mean: Channel -> mean over the crowd.
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
            mean = channel_mean[direction.meta.channel]
            results[direction.meta.name] = summarise(direction, pairs, channel_sd, mean)
    return results


def summarise(
    direction: Direction,
    pairs: Sequence[tuple[Measured, Measured | None, Measured | None]],
    channel_sd: Mapping[str, float],
    channel_mean: float,
) -> Calibration:
    """Slope and side effects from (plain, raised, lowered) measurements."""
    channel = direction.meta.channel
    # Each face is moved away from where it stands, as the evaluation does: shaving a woman would
    # say nothing about a beard.
    whole = [
        (a, b, 1.0) if a.values[channel] <= channel_mean else (a, c, -1.0) for a, b, c in pairs
    ]
    seen = [(a, b, sign) for a, b, sign in whole if b is not None]
    if not seen:
        return Calibration(0.0, 1.0, {}, {}, np.zeros(0))
    change = {
        name: np.array([s * (b.values[name] - a.values[name]) for a, b, s in seen]) / (STEP_SD * sd)
        for name, sd in channel_sd.items()
        if name in seen[0][0].values
    }
    gain = float(np.median(change[channel]))
    used = float(np.clip(gain, *GAIN_LIMITS))
    side = {
        name: float(values.mean()) / used for name, values in change.items() if name != channel
    }
    worst = sorted(side, key=lambda name: -abs(side[name]))[:NUM_LEAKS]
    distances = np.array(
        [np.linalg.norm(b.descriptor - a.descriptor) for a, b, _ in seen]
    )
    mean = {name: float(values.mean()) for name, values in change.items()}
    return Calibration(gain, used, {name: side[name] for name in worst}, mean, distances)


def uncouple(
    directions: Sequence[Direction],
    results: Mapping[str, Calibration],
    same: Mapping[str, set[str]],
    *,
    caution: float = CAUTION,
) -> dict[str, np.ndarray]:
    """Mix calibrated directions so that the pictures' side effects cancel.

    With A[i, j] the measured change of channel j per unit of direction i, in standard deviations,
    each dial takes the mixture b of all directions that minimises |(b A - e_i) weight|^2 +
    caution |b - e_i|^2, leaving out the channels that are the same thing as the dial; its own
    channel weighs more than the others. Caution keeps the noise of a few faces from being
    corrected; both numbers were chosen by tuning on one half of the calibration faces and testing
    on the other (worst side effect 0.65 -> 0.51, its own movement kept).

    Args:
        directions: As solved, before calibration.
        results: Of `calibrate`.
        same: Dial -> dials that may move along.
        caution: Weight of staying as it is.

    Returns:
        Dial -> vector [18, 512], one unit of the dial long in pictures.
    """
    names = [d.meta.name for d in directions]
    channels = [d.meta.channel for d in directions]
    table = np.array(
        [
            [results[name].change.get(one, 0.0) / results[name].used_gain for one in channels]
            for name in names
        ]
    )
    units = np.stack(
        [d.vector * (d.meta.unit_per_sd / results[d.meta.name].used_gain) for d in directions]
    )
    mixed = {}
    for i, direction in enumerate(directions):
        counted = [j for j, name in enumerate(names) if name not in same[names[i]]]
        start = np.eye(len(names))[i]
        weight = np.where(start > 0, OWN_WEIGHT, 1.0)[counted]
        a = table[:, counted] * weight
        system = a @ a.T + caution * np.eye(len(names))
        b = start + np.linalg.solve(system, a @ (start[counted] * weight - start @ a))
        b[np.abs(b) < SMALLEST_SHARE] = 0.0
        b /= np.clip(b @ table[:, i], *OWN_LIMITS)
        vector = np.tensordot(b, units, axes=1) / direction.meta.unit_per_sd
        mixed[names[i]] = vector.astype(np.float32)
    return mixed
