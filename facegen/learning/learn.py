"""Learn all dials of a latent space from generated faces, and write their files.

Steps, each resumable: render and measure the training faces (those from seeds, then faces whose
groups of rows are mixed); learn the mean face, the pose correction and the classifiers; learn the
regressor and one direction a dial; twice edit other faces with them, measure the pictures and learn
the regressor again with these, which shows it where its own mistakes lead; render each direction
both ways and rescale it so that one unit of the dial is one unit in the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facegen.controls import DIALS, Dial
from facegen.directions.linear import solve_direction
from facegen.directions.natural import Natural, learn_natural, write_natural
from facegen.directions.recipes import RECIPES, SAFE, TWINS, same_things
from facegen.directions.regressor import (
    ROW_GROUPS,
    Regressor,
    group_means,
    spread_groups,
    write_regressor,
)
from facegen.directions.store import Direction, DirectionMeta, npz_bytes, write_direction
from facegen.errors import UsageError
from facegen.files import write_atomic
from facegen.latents import BUNDLED_SPACE, LABELS_PSI, broadcast_w, truncate, z_from_seed
from facegen.learning import dagger
from facegen.learning.calibrate import Calibration, calibrate
from facegen.learning.labels import read_labels
from facegen.learning.samples import Sample, both_features, mixed_latent, scan
from facegen.learning.train_regressor import fit_regressor
from facegen.measure.classifiers import (
    CLASSIFIERS_FILE,
    features,
    fit_classifiers,
    load_classifiers,
    pack,
)
from facegen.measure.face import CLASSIFIER, SCENE, instrument_values, method_of
from facegen.measure.pose import learn_shape, load_shape, save_shape
from facegen.measure.shape import MEASURES, learn_correction, load_correction, save_correction
from facegen.paths import DIRECTIONS_DIR, cache_dir
from facegen.protocols import Generates, Progress

CACHE_DIR = cache_dir() / "crowd"
EXTRA_SEEDS_FROM = 10_000
DEFAULT_SAMPLES = 2549
FEWEST_SAMPLES = 200
DEFAULT_MIXED = 9000
POPULATION_SEED = 20_000
POPULATION_SIZE = 20_000
HOLD = 30.0
NUM_KEEPERS = 32
KEEPER_HOLD = 100.0
KEEPER_LENGTH = 0.1
SMALLEST_VARIANCE = 1e-4
NATURAL_PERCENTILES = (1, 99)
SAFE_MARGIN_SD = 1.0
# Judged traits end: nobody has more than long hair. Pressed further, faces were seen to break.
JUDGED_MARGIN_SD = 0.35
CHANNELS_OF_INSTRUMENTS = (
    "yaw", "pitch", "roll", *MEASURES, "eye_open", "brow_height", "light_side", "bg_light", *SCENE,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class TrainingFaces:
    """Measured faces.

    Attributes:
        groups: Mean rows of the six groups, [N, 6, 512].
        channels: Name -> [N]. Classifier scores of labelled faces come from classifiers that did
            not see them.
        descriptors: [N, 128].
        natural: Which faces come straight from a seed, [N] bool.
        text: Which they are, in words.
    """

    groups: np.ndarray
    channels: dict[str, np.ndarray]
    descriptors: np.ndarray
    natural: np.ndarray
    text: str


def learn(
    generator: Generates,
    *,
    samples: int = DEFAULT_SAMPLES,
    mixed: int = DEFAULT_MIXED,
    folder: Path = DIRECTIONS_DIR,
    cache: Path = CACHE_DIR,
    refine: bool = True,
    progress: Progress | None = None,
) -> tuple[str, ...]:
    """Learn all dials and write `folder/<space>/` and the instruments' small files.

    Args:
        generator: A loaded generator.
        samples: Number of faces from seeds; the labelled ones come first.
        mixed: Number of mixed faces.
        folder: Where direction files go.
        cache: Where measured faces are kept; a second run goes on from there.
        refine: Render edits, learn from them and make the units true.
        progress: Called with (faces done, faces in all).

    Returns:
        Names of the dials written.

    Raises:
        UsageError: too few samples.
        ModelError: the instruments are not installed.
    """
    labelled, labels = read_labels()
    if generator.space != BUNDLED_SPACE:
        # The labels tell of this project's own faces: other spaces are measured with what these
        # taught the instruments, and kept apart.
        labelled, labels = labelled[:0], {}
        cache = cache.parent / generator.space / cache.name
    if samples < max(len(labelled), FEWEST_SAMPLES):
        fewest = max(len(labelled), FEWEST_SAMPLES)
        raise UsageError(f"Learning needs at least {fewest} samples, got {samples}.")
    extra = range(EXTRA_SEEDS_FROM, EXTRA_SEEDS_FROM + samples - len(labelled))
    seeds = [*labelled.tolist(), *extra]

    def shifted(offset: int) -> Progress | None:
        return progress and (lambda done, _: progress(offset + done, samples + mixed))

    plain = scan(
        generator,
        seeds,
        lambda seed: generator.w_from_seed(seed, LABELS_PSI),
        cache=cache,
        progress=shifted(0),
    )
    blends = scan(
        generator,
        range(mixed),
        lambda index: mixed_latent(generator, index),
        cache=cache / "mixed",
        progress=shifted(samples),
    )
    training = measure_training_faces(generator, plain, blends, labelled, labels)
    covariance = natural_covariance(generator)
    natural = natural_faces(generator)
    regressor, directions = learn_dials(training, covariance, generator)
    if refine:
        place = cache.with_name("practice")
        for faces in dagger.ROUNDS:
            seen = dagger.measure_edits(
                generator, regressor, directions, natural, cache=place, seeds=faces
            )
            training = with_edits(training, seen)
            regressor, directions = learn_dials(training, covariance, generator)
        results = calibrate(generator, directions, cache=cache.with_name("calibration"))
        directions = [calibrated(d, results[d.meta.name]) for d in directions]
    for direction in directions:
        write_direction(direction, folder=folder)
    write_regressor(regressor, generator.space, folder=folder)
    write_natural(natural, generator.space, folder=folder)
    return tuple(direction.meta.name for direction in directions)


def measure_training_faces(
    generator: Generates,
    plain: Mapping[int, Sample],
    blends: Mapping[int, Sample],
    labelled: np.ndarray,
    labels: Mapping[str, np.ndarray],
) -> TrainingFaces:
    """Learn the instruments from the labelled faces, if there are any, then measure all."""
    seen = {seed: face for seed, face in plain.items() if face.detection is not None}
    seeds = np.array(list(seen))
    by_label = np.isin(seeds, labelled)
    unseen = learn_instruments(seen, seeds[by_label], labelled, labels) if labels else {}
    found = {index: face for index, face in blends.items() if face.detection is not None}
    channels = channels_of([*seen.values(), *found.values()])
    for name, values in unseen.items():
        channels[name][: len(seeds)][by_label] = values
    straight = broadcast_w(w_of_seeds(generator, seeds))
    latents = [group_means(straight)]
    if found:
        latents.append(group_means(np.stack([mixed_latent(generator, i) for i in found])))
    spans = [f"{part.min()}-{part.max()}" for part in (seeds[by_label], seeds[~by_label])
             if len(part)]  # fmt: skip
    text = ", ".join([*spans, f"mixed 0-{max(found)}"] if found else spans)
    return TrainingFaces(
        np.concatenate(latents),
        channels,
        np.stack([face.detection.descriptor for face in (*seen.values(), *found.values())]),  # type: ignore[union-attr]
        np.arange(len(seen) + len(found)) < len(seen),
        text,
    )


def learn_instruments(
    seen: Mapping[int, Sample],
    seeds: np.ndarray,
    labelled: np.ndarray,
    labels: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Learn the mean face, the pose correction and the classifiers from labelled faces.

    Args:
        seen: Faces by seed.
        seeds: Those with labels and a face, [N].
        labelled: Seeds of the labels' rows.
        labels: Name -> a number a row.

    Returns:
        Classifier -> its score of each face, [N], from fits that did not see that face.
    """
    points = np.array([seen[seed].detection.landmarks for seed in seeds])  # type: ignore[union-attr]
    save_shape(
        learn_shape(points),
        learned_from=f"68 landmarks of {len(points)} generated faces, truncation {LABELS_PSI}",
        licence="CC0-1.0",
    )
    load_shape.cache_clear()
    save_correction(learn_correction(points))
    load_correction.cache_clear()
    rows = {seed: index for index, seed in enumerate(labelled.tolist())}
    pick = [rows[seed] for seed in seeds.tolist()]
    x, mirrored = both_features([seen[seed] for seed in seeds])
    known = {name: values[pick] for name, values in labels.items()}
    classifiers, unseen = fit_classifiers(x, known, mirrored=mirrored)
    write_atomic(CLASSIFIERS_FILE, npz_bytes(pack(classifiers)))
    load_classifiers.cache_clear()
    return unseen


def channels_of(faces: Sequence[Sample]) -> dict[str, np.ndarray]:
    """Every measurement of faces that were seen, name -> [N]."""
    classifiers = load_classifiers()
    pairs = [(face.appearance, face.detection) for face in faces if face.detection is not None]
    blocks = [
        classifiers.predict(np.stack([features(*pair) for pair in pairs[k : k + 500]]))
        for k in range(0, len(pairs), 500)
    ]
    scores = np.concatenate(blocks)
    channels = {name: scores[:, k].copy() for k, name in enumerate(classifiers.names)}
    measured = [instrument_values(*pair) for pair in pairs]
    for name in CHANNELS_OF_INSTRUMENTS:
        channels[name] = np.array([one[name] for one in measured])
    return channels


def with_edits(training: TrainingFaces, seen: dagger.MeasuredEdits) -> TrainingFaces:
    """The training faces with measured edits added."""
    return TrainingFaces(
        np.concatenate([training.groups, seen.groups]),
        {
            name: np.concatenate([values, seen.channels[name]])
            for name, values in training.channels.items()
        },
        np.concatenate([training.descriptors, seen.descriptors]),
        np.concatenate([training.natural, np.zeros(len(seen.groups), bool)]),
        training.text + f", {len(seen.groups)} edits of {seen.text}",
    )


def w_of_seeds(generator: Generates, seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    """The w, [N, 512], of seeds at the labels' truncation."""
    z = np.concatenate([z_from_seed(int(seed)) for seed in seeds])
    return truncate(generator.map(z), generator.w_avg, LABELS_PSI)


def natural_faces(generator: Generates) -> Natural:
    """Where the faces are: the same sample each time, at the labels' truncation and without."""
    z = np.random.RandomState(POPULATION_SEED).randn(POPULATION_SIZE, 512)
    w = generator.map(z.astype(np.float32))
    return learn_natural(truncate(w, generator.w_avg, LABELS_PSI), w)


def natural_covariance(generator: Generates) -> np.ndarray:
    """Covariance of w at the labels' truncation, [512, 512], of the same sample each time."""
    z = np.random.RandomState(POPULATION_SEED).randn(POPULATION_SIZE, 512)
    w = truncate(generator.map(z.astype(np.float32)), generator.w_avg, LABELS_PSI)
    covariance = np.cov(w.astype(np.float64), rowvar=False)
    return covariance + SMALLEST_VARIANCE * np.trace(covariance) / len(covariance) * np.eye(512)


def learn_dials(
    training: TrainingFaces, covariance: np.ndarray, generator: Generates
) -> tuple[Regressor, list[Direction]]:
    """Fit the regressor and solve one direction a dial."""
    regressor = fit_regressor(
        training.groups, training.channels, training.descriptors, training.natural, generator.w_avg
    )
    regressor = replace(regressor, keepers=learn_keepers(regressor, covariance))
    return regressor, [
        make_direction(entry, regressor, covariance, training, generator.space) for entry in DIALS
    ]


def learn_keepers(regressor: Regressor, covariance: np.ndarray) -> np.ndarray:
    """Changes that take back what an edit does besides, [M, 6 * 512].

    Most move the descriptor by KEEPER_LENGTH and no measurement; they follow the main axes of what
    natural changes of the rows do to the descriptor. The last ones move one colour around the face
    by one standard deviation, and nothing else.
    """
    known = len(regressor.names)
    linear = regressor.linear.astype(np.float64)
    person = linear[:, known:] * regressor.spread[known:]
    within = np.kron(np.eye(len(ROW_GROUPS)), covariance)
    values, axes = np.linalg.eigh(person.T @ within @ person)
    main = axes[:, np.argsort(-values)[:NUM_KEEPERS]]
    readings = {name: linear[:, j] for j, name in enumerate(regressor.names)}
    keepers = []
    for axis in main.T:
        step = solve_direction(
            "person", readings | {"person": person @ axis}, within,
            held=regressor.names, hold=KEEPER_HOLD,
        )  # fmt: skip
        keepers.append(KEEPER_LENGTH * step)
    for name in (name for name in SCENE if name in readings):
        held = [other for other in regressor.names if other != name]
        keepers.append(solve_direction(name, readings, within, held=held, hold=HOLD))
    return np.array(keepers, np.float32)


def make_direction(
    entry: Dial, regressor: Regressor, covariance: np.ndarray, training: TrainingFaces, space: str
) -> Direction:
    """Solve one dial: the plain direction, one unit of the dial long as the readings see it."""
    recipe = RECIPES[entry.name]
    k = regressor.names.index(recipe.channel)
    same = same_things(entry.name)
    freed = {*same, *TWINS.get(entry.name, ())}
    freed |= {RECIPES[name].channel for name in same if name in RECIPES}
    readings = {
        name: regressor.linear[:, j].astype(np.float64) for j, name in enumerate(regressor.names)
    }
    held = [name for name in readings if name != recipe.channel and name not in freed]
    first, last = recipe.rows
    acting = [group for group in ROW_GROUPS if group[0] < last and group[1] > first]
    moves = np.repeat([float(group in acting) for group in ROW_GROUPS], covariance.shape[0])
    within = np.kron(np.eye(len(ROW_GROUPS)), covariance) * moves * moves[:, None]
    all_rows = {name: g.reshape(len(ROW_GROUPS), -1).sum(axis=0) for name, g in readings.items()}
    spread = {name: float(np.sqrt(g @ covariance @ g)) for name, g in all_rows.items()}
    step = solve_direction(recipe.channel, readings, within, held=held, hold=HOLD, spread=spread)
    in_units = entry.unit != "sd"
    sd, mean = float(regressor.spread[k]), float(regressor.mean[k])
    unit_per_sd, centre = (sd, mean) if in_units else (1.0, 0.0)
    vector = spread_groups((step / unit_per_sd).reshape(len(ROW_GROUPS), -1)).astype(np.float32)
    seen = training.channels[recipe.channel][training.natural]
    natural, safe = ranges(entry.name, (seen - mean) / sd * unit_per_sd + centre)
    meta = DirectionMeta(
        name=entry.name,
        title=entry.label,
        group=entry.group,
        unit=entry.unit,
        space=space,
        unit_per_sd=_round(unit_per_sd),
        mean=_round(centre),
        natural=natural,
        safe=safe,
        rows=(acting[0][0], acting[-1][1]),
        score=_round(float(regressor.score[k])),
        channel=recipe.channel,
        measured=method_of(recipe.channel),
        samples=len(training.groups),
        seeds=training.text,
        channel_sd=_round(sd),
        channel_mean=_round(mean),
    )
    return Direction(meta, vector)


def ranges(dial: str, values: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a dial's readings of natural faces are, [N], and how far it may be moved."""
    low, high = (float(np.percentile(values, q)) for q in NATURAL_PERCENTILES)
    is_judged = method_of(RECIPES[dial].channel) == CLASSIFIER
    margin = JUDGED_MARGIN_SD if is_judged else SAFE_MARGIN_SD
    safe = SAFE.get(dial, (low - margin, high + margin))
    low, high = max(low, safe[0]), min(high, safe[1])
    return (_round(low), _round(high)), (_round(safe[0]), _round(safe[1]))


def calibrated(direction: Direction, result: Calibration) -> Direction:
    """The direction with its unit made true, and what calibration found."""
    meta = replace(
        direction.meta,
        gain=_round(result.gain),
        leakage={name: _round(value) for name, value in result.leakage.items()},
    )
    return Direction(meta, (direction.vector / np.float32(result.used_gain)).astype(np.float32))


def _round(value: float) -> float:
    return float(f"{value:.4g}")
