"""Learn all dials of a latent space from a crowd of generated faces, and write their files.

Steps: render and look at the crowd (resumable); learn the mean face, the pose correction and the
classifiers; read every channel from w; solve one direction a dial; render each both ways on
other faces, and rescale it so that one unit of the dial is one unit in the picture.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facegen.controls import DIALS, Dial
from facegen.directions.calibrate import Calibration, calibrate, uncouple
from facegen.directions.crowd import Glimpse, Progress, Renders, scan
from facegen.directions.fit import Reading, fit_readings, solve_direction
from facegen.directions.labels import LABELS_PSI, read_labels
from facegen.directions.recipes import HOLDS, RECIPES, SAFE, Recipe, same_things
from facegen.directions.store import (
    Direction,
    DirectionMeta,
    Regressor,
    npz_bytes,
    write_direction,
    write_regressor,
)
from facegen.errors import UsageError
from facegen.files import write_atomic
from facegen.latents import NUM_WS, truncate, z_from_seed
from facegen.measure.classifiers import (
    CLASSIFIERS_FILE,
    features,
    fit_classifiers,
    load_classifiers,
    pack,
)
from facegen.measure.face import instrument_values, method_of
from facegen.measure.pose import learn_shape, load_shape, save_shape
from facegen.measure.shape import learn_correction, load_correction, save_correction
from facegen.paths import DIRECTIONS_DIR, ROOT

CACHE_DIR = ROOT / ".cache" / "crowd"
EXTRA_SEEDS_FROM = 10_000
DEFAULT_SAMPLES = 2549
POPULATION_SEED = 20_000
POPULATION_SIZE = 20_000
NATURAL_PERCENTILES = (1, 99)
SAFE_MARGIN_SD = 1.0

log = logging.getLogger(__name__)


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
    def draw(cls, generator: Renders) -> Population:
        """The same sample each time."""
        z = np.random.RandomState(POPULATION_SEED).randn(POPULATION_SIZE, 512)
        w = truncate(generator.map(z.astype(np.float32)), generator.w_avg, LABELS_PSI)
        w = w.astype(np.float64)
        return cls(w, w.mean(axis=0), np.cov(w, rowvar=False))


@dataclass(frozen=True, eq=False)
class Crowd:
    """Measured faces.

    Attributes:
        seeds: [N], those in which a face was seen.
        w: [N, 512].
        channels: Name -> [N]. Classifier scores of labelled faces come from classifiers that did
            not see them.
        text: The seeds in words.
    """

    seeds: np.ndarray
    w: np.ndarray
    channels: dict[str, np.ndarray]
    text: str


def learn(
    generator: Renders,
    *,
    samples: int = DEFAULT_SAMPLES,
    folder: Path = DIRECTIONS_DIR,
    cache: Path = CACHE_DIR,
    calibrated: bool = True,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Learn all dials and write `folder/<space>/` and the instruments' small files.

    Args:
        generator: A loaded generator.
        samples: Number of faces; the labelled ones come first.
        folder: Where direction files go.
        cache: Where measured faces are kept; a second run goes on from there.
        calibrated: Render edits and make the units true; without it they are the reading's.
        progress: Called with (faces done, faces in all).

    Returns:
        Names of the dials written.

    Raises:
        UsageError: too few samples.
        ModelError: the instruments are not installed.
    """
    labelled, labels = read_labels()
    if samples < len(labelled):
        raise UsageError(f"Learning needs at least {len(labelled)} samples, got {samples}.")
    extra = range(EXTRA_SEEDS_FROM, EXTRA_SEEDS_FROM + samples - len(labelled))
    seeds = [*labelled.tolist(), *extra]
    faces = scan(generator, seeds, psi=LABELS_PSI, cache=cache, progress=progress)
    crowd = measure_crowd(generator, faces, labelled, labels)
    population = Population.draw(generator)
    readings = fit_readings(crowd.w, population.mean, crowd.channels)
    solved = [
        make_direction(entry, RECIPES[entry.name], readings, population, crowd, generator.space)
        for entry in DIALS
    ]
    directions = [direction for direction, _, _ in solved]
    if calibrated:
        sd = {name: reading.channel_sd for name, reading in readings.items()}
        mean = {name: reading.channel_mean for name, reading in readings.items()}
        results = calibrate(generator, directions, sd, mean, cache=cache.with_name("calibration"))
        same = {d.meta.name: same_things(d.meta.name) for d in directions}
        mixed = uncouple(directions, results, same)
        directions = [
            apply_calibration(d, mixed[d.meta.name], results[d.meta.name]) for d in directions
        ]
    for direction in directions:
        write_direction(direction, folder=folder)
    names = tuple(direction.meta.name for direction in directions)
    regressor = Regressor(
        names,
        np.stack([weights for _, weights, _ in solved], axis=1).astype(np.float32),
        np.array([bias for _, _, bias in solved], np.float32),
    )
    write_regressor(regressor, generator.space, folder=folder)
    return names


def measure_crowd(
    generator: Renders,
    faces: Mapping[int, Glimpse],
    labelled: np.ndarray,
    labels: Mapping[str, np.ndarray],
) -> Crowd:
    """Learn the instruments from the labelled faces, then measure all."""
    seen = {seed: face for seed, face in faces.items() if face.sight is not None}
    seeds = np.array(list(seen))
    by_label = np.isin(seeds, labelled)
    points = np.array([seen[seed].sight.landmarks for seed in seeds[by_label]])  # type: ignore[union-attr]
    save_shape(
        learn_shape(points),
        learned_from=f"68 landmarks of {len(points)} generated faces, truncation {LABELS_PSI}",
        licence="CC0-1.0",
    )
    load_shape.cache_clear()
    save_correction(learn_correction(points))
    load_correction.cache_clear()
    x = np.stack([features(seen[seed].look, seen[seed].sight) for seed in seeds])  # type: ignore[arg-type]
    rows = {seed: index for index, seed in enumerate(labelled.tolist())}
    pick = [rows[seed] for seed in seeds[by_label].tolist()]
    classifiers, unseen = fit_classifiers(x[by_label], {k: v[pick] for k, v in labels.items()})
    write_atomic(CLASSIFIERS_FILE, npz_bytes(pack(classifiers)))
    load_classifiers.cache_clear()
    scores = classifiers.predict(x)
    channels = {name: scores[:, k].copy() for k, name in enumerate(classifiers.names)}
    for name, values in unseen.items():
        channels[name][by_label] = values
    measured = [instrument_values(seen[seed].look, seen[seed].sight) for seed in seeds]  # type: ignore[arg-type]
    for name in measured[0]:
        channels[name] = np.array([one[name] for one in measured])
    text = f"{seeds[by_label].min()}-{seeds[by_label].max()}"
    if (~by_label).any():
        text += f", {seeds[~by_label].min()}-{seeds[~by_label].max()}"
    return Crowd(seeds, w_of_seeds(generator, seeds), channels, text)


def w_of_seeds(generator: Renders, seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    """The w, [N, 512], of seeds at the labels' truncation."""
    z = np.concatenate([z_from_seed(int(seed)) for seed in seeds])
    return truncate(generator.map(z), generator.w_avg, LABELS_PSI)


def make_direction(
    entry: Dial,
    recipe: Recipe,
    readings: Mapping[str, Reading],
    population: Population,
    crowd: Crowd,
    space: str,
) -> tuple[Direction, np.ndarray, float]:
    """Solve one dial.

    Returns:
        The direction, one unit of the dial long as the reading sees it; and the reading in the
        dial's unit, weights [512] and bias. Dials in "sd" read 0 on the average face, and their
        readings have the standard deviation 1.
    """
    reading = readings[recipe.channel]
    predicted = (population.w - population.mean) @ reading.weights
    in_units = entry.unit != "sd"
    scale = 1.0 if in_units else 1.0 / float(predicted.std())
    weights = scale * reading.weights
    shift = reading.offset if in_units else -scale * float(predicted.mean())
    bias = shift - float(population.mean @ weights)
    values = population.w @ weights + bias
    held = [name for name in HOLDS if name not in recipe.free and name != recipe.channel]
    step = solve_direction(
        recipe.channel,
        {name: one.weights for name, one in readings.items()},
        population.covariance,
        held=held,
        hold=recipe.hold,
    )
    step = step * (1.0 if in_units else reading.channel_sd)
    vector = np.zeros((NUM_WS, len(step)), np.float32)
    vector[slice(*recipe.rows)] = step
    low, high = (float(np.percentile(values, q)) for q in NATURAL_PERCENTILES)
    safe = SAFE.get(entry.name, (low - SAFE_MARGIN_SD, high + SAFE_MARGIN_SD))
    low, high = max(low, safe[0]), min(high, safe[1])
    sd = reading.channel_sd if in_units else 1.0
    mean = float(values.mean()) if in_units else 0.0
    meta = DirectionMeta(
        name=entry.name,
        title=entry.label,
        group=entry.group,
        unit=entry.unit,
        space=space,
        unit_per_sd=_round(sd),
        mean=_round(mean),
        natural=(_round(low), _round(high)),
        safe=(_round(safe[0]), _round(safe[1])),
        rows=recipe.rows,
        read_rows=recipe.rows,
        score=_round(reading.score),
        channel=recipe.channel,
        measured=method_of(recipe.channel),
        samples=len(crowd.seeds),
        seeds=crowd.text,
        channel_sd=_round(reading.channel_sd),
    )
    return Direction(meta, vector), weights, bias


def apply_calibration(direction: Direction, vector: np.ndarray, result: Calibration) -> Direction:
    """The direction with its mixed vector, and what calibration found."""
    used = np.flatnonzero(np.abs(vector).max(axis=1))
    meta = replace(
        direction.meta,
        rows=(int(used[0]), int(used[-1]) + 1),
        gain=_round(result.gain),
        leakage={name: _round(value) for name, value in result.leakage.items()},
    )
    return Direction(meta, vector)


def _round(value: float) -> float:
    return float(f"{value:.4g}")
