"""Learn all dials of a latent space from a crowd of generated faces, and write their files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from facegen.controls import DIALS, Dial
from facegen.directions.fit import Reading, fit_reading, solve_direction
from facegen.directions.labels import LABELS_PSI, read_labels
from facegen.directions.recipes import HOLDS, LABELS_INSTEAD, RECIPES, Recipe
from facegen.directions.store import (
    Direction,
    DirectionMeta,
    Regressor,
    write_direction,
    write_regressor,
)
from facegen.latents import NUM_WS, truncate, z_from_seed
from facegen.paths import DIRECTIONS_DIR

POPULATION_SEED = 20_000
POPULATION_SIZE = 20_000
NATURAL_PERCENTILES = (1, 99)
SAFE_SD = 3.5
# Labels alone tell left from right, not degrees: a rough scale until an instrument is used.
ROUGH_DEGREES_PER_SD = 18.0

log = logging.getLogger(__name__)


class Maps(Protocol):
    """What learning needs of a generator to draw faces."""

    space: str
    w_avg: np.ndarray

    def map(self, z: np.ndarray) -> np.ndarray:
        """Z [N, 512] -> w [N, 512]."""


@dataclass(frozen=True, eq=False)
class Population:
    """The faces that the generator makes at the labels' truncation.

    Attributes:
        w: A sample, [N, 512].
        mean: [512].
        covariance: [512, 512].
    """

    w: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def draw(cls, generator: Maps) -> Population:
        """The same sample each time."""
        z = np.random.RandomState(POPULATION_SEED).randn(POPULATION_SIZE, 512)
        w = truncate(generator.map(z.astype(np.float32)), generator.w_avg, LABELS_PSI)
        w = w.astype(np.float64)
        return cls(w, w.mean(axis=0), np.cov(w, rowvar=False))


def w_of_seeds(generator: Maps, seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    """The w, [N, 512], of seeds at the labels' truncation."""
    z = np.concatenate([z_from_seed(int(seed)) for seed in seeds])
    return truncate(generator.map(z), generator.w_avg, LABELS_PSI)


def fit_readings(
    w: np.ndarray, w_mean: np.ndarray, channels: Mapping[str, np.ndarray]
) -> dict[str, Reading]:
    """A reading for every channel that has enough faces."""
    readings = {}
    for name, values in channels.items():
        try:
            readings[name] = fit_reading(w, w_mean, values)
        except ValueError as err:
            log.warning("%s is left out: %s", name, err)
    return readings


def make_direction(
    entry: Dial,
    recipe: Recipe,
    readings: Mapping[str, Reading],
    population: Population,
    *,
    space: str,
    seeds: str,
    measured: Mapping[str, str],
) -> tuple[Direction, np.ndarray, float]:
    """Solve one dial.

    Returns:
        The direction (one unit of the dial by the reading), and the reading in the dial's unit:
        weights [512] and bias.
    """
    channel = recipe.channel if recipe.channel in readings else LABELS_INSTEAD[recipe.channel]
    reading = readings[channel]
    predicted = (population.w - population.mean) @ reading.weights
    if entry.unit == "sd":
        scale, offset = 1.0 / float(predicted.std()), 0.0
    elif channel in measured or entry.unit == "years":
        scale, offset = 1.0, reading.offset
    else:
        scale, offset = ROUGH_DEGREES_PER_SD / float(predicted.std()), 0.0
    weights = scale * reading.weights
    bias = offset - float(population.mean @ weights) + scale * float(predicted.mean()) * (
        -1.0 if entry.unit == "sd" else 0.0
    )
    values = population.w @ weights + bias
    free = {*recipe.free, *(LABELS_INSTEAD.get(name, name) for name in recipe.free)}
    held = [
        name
        for name in ((n if n in readings else LABELS_INSTEAD.get(n, n)) for n in HOLDS)
        if name in readings and name not in free and name != channel
    ]
    step = solve_direction(
        channel,
        {name: one.weights for name, one in readings.items()} | {channel: weights},
        population.covariance,
        held=list(dict.fromkeys(held)),
        hold=recipe.hold,
    )
    vector = np.zeros((NUM_WS, len(step)), np.float32)
    vector[slice(*recipe.rows)] = step
    low, high = (float(np.percentile(values, q)) for q in NATURAL_PERCENTILES)
    mean, sd = float(values.mean()), float(values.std())
    meta = DirectionMeta(
        name=entry.name,
        title=entry.label,
        group=entry.group,
        unit=entry.unit,
        space=space,
        unit_per_sd=_round(sd),
        mean=_round(mean),
        natural=(_round(low), _round(high)),
        safe=(_round(mean - SAFE_SD * sd), _round(mean + SAFE_SD * sd)),
        rows=recipe.rows,
        read_rows=recipe.rows,
        score=_round(reading.score),
        channel=channel,
        measured=measured.get(channel, "labels"),
        samples=reading.samples,
        seeds=seeds,
    )
    return Direction(meta, vector), weights.astype(np.float32), bias


def learn_from_labels(generator: Maps, *, folder: Path = DIRECTIONS_DIR) -> tuple[str, ...]:
    """Learn what the labels alone allow, in seconds and without rendering.

    Returns:
        Names of the dials written.
    """
    seeds, channels = read_labels()
    population = Population.draw(generator)
    readings = fit_readings(w_of_seeds(generator, seeds), population.mean, channels)
    return write_dials(
        generator.space, readings, population,
        seeds=f"{seeds.min()}-{seeds.max()}", measured={}, folder=folder,
    )  # fmt: skip


def write_dials(
    space: str,
    readings: Mapping[str, Reading],
    population: Population,
    *,
    seeds: str,
    measured: Mapping[str, str],
    folder: Path,
) -> tuple[str, ...]:
    """Solve and write every dial whose channel was read."""
    names, columns, biases = [], [], []
    for entry in DIALS:
        recipe = RECIPES[entry.name]
        if recipe.channel not in readings and LABELS_INSTEAD.get(recipe.channel) not in readings:
            continue
        direction, weights, bias = make_direction(
            entry, recipe, readings, population, space=space, seeds=seeds, measured=measured
        )
        write_direction(direction, folder=folder)
        names.append(entry.name)
        columns.append(weights)
        biases.append(bias)
    regressor = Regressor(
        tuple(names), np.stack(columns, axis=1), np.array(biases, np.float32)
    )
    write_regressor(regressor, space, folder=folder)
    return tuple(names)


def _round(value: float) -> float:
    return float(f"{value:.5g}")
