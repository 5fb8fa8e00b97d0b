"""The faces that a generator makes, as statistics of w, and what the named dials read in them.

What own, foreign and discovered directions are measured against. Everything here follows from
the mapping network and the regressor alone, so nothing is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.cache import BoundedCache
from facegen.directions.regressor import (
    REGRESSOR_FILE,
    ROW_GROUPS,
    Regressor,
    read_regressor,
)
from facegen.directions.store import direction_names, read_direction
from facegen.latents import LABELS_PSI, broadcast_w, truncate
from facegen.paths import DIRECTIONS_DIR
from facegen.protocols import Maps
from facegen.threads import one_blas_thread

POPULATION_SEED = 20_000
POPULATION_SIZE = 8_000
SMALLEST_VARIANCE = 1e-4
SAMPLE_FACES = 48


@dataclass(frozen=True, eq=False)
class Population:
    """Faces at the labels' truncation.

    Attributes:
        space: Latent space.
        w: A sample, float32 [N, 512], the same each time.
        mean: [512].
        covariance: [512, 512], with a floor under its smallest eigenvalues.
    """

    space: str
    w: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, eq=False)
class NamedReadings:
    """The readings of the named dials of a space.

    Attributes:
        names: Dials, K of them; empty where none were learned.
        weights: Change of each reading in standard deviations per change of the mean rows of the
            six groups, float64 [6, 512, K].
        regressor: Predicts them; None where none was learned.
        columns: Where they are in the regressor's output, [K].
    """

    names: tuple[str, ...]
    weights: np.ndarray
    regressor: Regressor | None
    columns: np.ndarray


_populations: BoundedCache[Population] = BoundedCache(3)  # 18 MB each


def population_of(generator: Maps) -> Population:
    """The population of a generator; drawn once (a second), then remembered."""
    key = (generator.space, np.asarray(generator.w_avg, np.float32).tobytes())
    return _populations.get_or_make(key, lambda: _population(generator))


def _population(generator: Maps) -> Population:
    one_blas_thread()
    z = np.random.RandomState(POPULATION_SEED).randn(POPULATION_SIZE, 512)
    w = truncate(generator.map(z.astype(np.float32)), generator.w_avg, LABELS_PSI)
    covariance = np.cov(w.astype(np.float64), rowvar=False)
    floor = SMALLEST_VARIANCE * np.trace(covariance) / len(covariance)
    return Population(
        generator.space, w, w.mean(axis=0, dtype=np.float64),
        covariance + floor * np.eye(len(covariance)),
    )  # fmt: skip


def named_readings(space: str, *, folder: Path = DIRECTIONS_DIR) -> NamedReadings:
    """The readings of the named dials; none at all for a space that has no dials.

    Raises:
        BadFileError: files are there and damaged.
    """
    names = direction_names(space, folder=folder)
    if not names or not (folder / space / REGRESSOR_FILE).is_file():
        return NamedReadings((), np.zeros((len(ROW_GROUPS), 512, 0)), None, np.zeros(0, int))
    regressor = read_regressor(space, folder=folder)
    index = {name: k for k, name in enumerate(regressor.names)}
    channels = {name: read_direction(space, name, folder=folder).meta.channel for name in names}
    kept = tuple(name for name in names if channels[name] in index)
    columns = np.array([index[channels[name]] for name in kept], int)
    weights = regressor.linear[:, columns].astype(np.float64)
    return NamedReadings(kept, weights.reshape(len(ROW_GROUPS), -1, len(kept)), regressor, columns)


def what_it_moves(
    vector: np.ndarray, population: Population, readings: NamedReadings
) -> dict[str, float]:
    """How far a step moves each named reading, predicted, the largest first.

    Args:
        vector: The step, [18, 512].
        population: Some of its faces are moved, half a step down and half a step up.
        readings: Of the same space.

    Returns:
        Dial -> mean change in standard deviations; empty where no dials were learned.
    """
    if readings.regressor is None:
        return {}
    faces = broadcast_w(population.w[:SAMPLE_FACES])
    half = np.asarray(vector, np.float32)[None] / 2
    low, high = (
        readings.regressor.scores(readings.regressor.contributions(faces + sign * half))
        for sign in (-1, 1)
    )
    change = (high - low).mean(axis=0)[readings.columns]
    order = np.argsort(-np.abs(change))
    return {readings.names[k]: round(float(change[k]), 3) for k in order}


def groups_touched(rows: tuple[int, int]) -> np.ndarray:
    """Which groups of rows lie in part within `rows` (first, one past the last), [6] bool."""
    first, last = rows
    return np.array([start < last and end > first for start, end in ROW_GROUPS])


def sentence_of(moves: Mapping[str, float], *, count: int = 3, least: float = 0.15) -> str:
    """The largest moves in words, "smile +0.8, age -0.3", or that nothing named moves."""
    shown = [f"{name} {value:+.2f}" for name, value in list(moves.items())[:count]
             if abs(value) >= least]  # fmt: skip
    return ", ".join(shown) or "no named dial by much"
