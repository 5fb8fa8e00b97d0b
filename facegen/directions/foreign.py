"""Directions from other programs, read as data and brought into units.

Accepted: `.npy`, `.npz` and `.pt` with one array of floats of shape (512,), (1, 512) (as the
published InterFaceGAN boundaries are), (18, 512) or (1, 18, 512). Nothing in a file is executed.

Unit. A foreign direction has a length of its own (InterFaceGAN's are 1, others anything). Here one
unit is the step along it that is one standard deviation of where generated faces lie along it; for
a direction whose rows differ, of the mean over its rows. `in_picture_units` makes it one standard
deviation of the measurement that rendered pictures show it to move most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facegen.directions.examples import NATURAL_PERCENTILES, Learned, checked_rows
from facegen.directions.population import (
    Population,
    named_readings,
    population_of,
    what_it_moves,
)
from facegen.directions.store import direction_names, read_direction
from facegen.directions.user_dials import (
    OwnDial,
    checked_name,
    from_learned,
    is_own,
    read_own,
    renamed_own,
)
from facegen.errors import BadFileError, LatentError, SpaceMismatchError, UsageError
from facegen.formats.latents import NPY_MAGIC, PICKLE_MAGIC, ZIP_MAGIC, read_latent_bytes
from facegen.latents import LABELS_PSI, NUM_WS, W_DIM
from facegen.measure.detector import MEASURE_PX
from facegen.measure.measurer import Measurement, load_measurer
from facegen.paths import DIRECTIONS_DIR
from facegen.protocols import Generates, Maps

MEASURE_SEEDS = tuple(range(100_000, 100_008))
MEASURE_UNITS = 1.5
LEAST_MOVE = 0.15
GAIN_LIMITS = (0.25, 4.0)
MAX_BYTES = 64 << 20
SHAPES = "(512,), (1, 512), (18, 512) or (1, 18, 512)"


@dataclass(frozen=True)
class OnPictures:
    """What rendered pictures showed of one unit of a dial.

    Attributes:
        faces: Number of faces on which it was measured.
        moves: Named dial -> mean change, in standard deviations; the largest first.
        distance: Median distance of the face descriptor; 0.6 is another person.
    """

    faces: int
    moves: dict[str, float]
    distance: float


def read_foreign(path: Path) -> np.ndarray:
    """Read a foreign direction's file.

    Args:
        path: `.npy`, `.npz` or `.pt`; the content decides.

    Returns:
        float32 [18, 512], as long as the file has it.

    Raises:
        BadFileError: not such a file, damaged, or it holds objects.
        LatentError: another shape, values that are not finite, or nothing but zeros.
    """
    return foreign_vector(_read(path), name=path.name)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadFileError(f"{path.name} is far larger than a direction; choose another file.")
        return path.read_bytes()
    except OSError as err:
        raise BadFileError(f"{path} cannot be opened ({err.strerror}).") from err


def foreign_vector(data: bytes, *, name: str) -> np.ndarray:
    """`read_foreign` of bytes; `name` is for errors."""
    if not data.startswith((NPY_MAGIC, ZIP_MAGIC, PICKLE_MAGIC)):
        raise BadFileError(
            f"{name} is not a direction; a .npy, .npz or .pt file with one array of shape {SHAPES} "
            "is expected."
        )
    record = read_latent_bytes(data, keyword="facegen", name=name)
    if record.text is not None or "w_plus" not in record.arrays:
        raise BadFileError(f"{name} is a saved face, not a direction; use it as an example.")
    array = np.asarray(record.arrays["w_plus"])
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 1:
        array = array[None]
    if array.dtype.kind not in "fiu" or array.shape not in ((1, W_DIM), (NUM_WS, W_DIM)):
        shape = ", ".join(str(length) for length in np.shape(record.arrays["w_plus"]))
        raise LatentError(
            f"{name} holds an array of shape ({shape}) and type {array.dtype}; a direction is "
            f"numbers of shape {SHAPES}."
        )
    if not np.isfinite(array).all():
        raise LatentError(f"{name} holds NaN or infinite numbers; ask for another copy of it.")
    with np.errstate(over="ignore"):
        vector = np.repeat(array, NUM_WS // len(array), axis=0).astype(np.float64)
    size = float(np.abs(vector).max())
    if not 1e-20 < size < 1e20:
        raise LatentError(f"{name} holds nothing but zeros, or numbers beyond all bounds.")
    return (
        (vector / size).astype(np.float32)
        if size > 1e6 or size < 1e-6
        else vector.astype(np.float32)
    )


def import_direction(
    generator: Maps,
    path: Path,
    *,
    name: str,
    title: str = "",
    rows: tuple[int, int] = (0, NUM_WS),
    licence: str = "not stated",
    folder: Path = DIRECTIONS_DIR,
) -> OwnDial:
    """Make a dial of a direction's file; nothing is rendered and nothing is written.

    A file that another user's `facegen` wrote (`facegen.directions.user_dials`) comes in as it is.

    Args:
        generator: Tells where faces lie.
        path: The file.
        name: Of the dial.
        title: What the user reads; the name if empty.
        rows: Rows to act on; rows outside are dropped.
        licence: Of the numbers, as far as known.
        folder: Where the named dials are.

    Raises:
        BadFileError, LatentError: see `read_foreign`.
        SpaceMismatchError: a dial's file of another space.
        UsageError: the name cannot be used, or these rows are all zero.
    """
    checked_name(name)
    return direction_from_bytes(
        generator, _read(path), file_name=path.name, name=name, title=title, rows=rows,
        licence=licence, folder=folder,
    )  # fmt: skip


def direction_from_bytes(
    generator: Maps,
    data: bytes,
    *,
    file_name: str,
    name: str,
    title: str = "",
    rows: tuple[int, int] = (0, NUM_WS),
    licence: str = "not stated",
    folder: Path = DIRECTIONS_DIR,
) -> OwnDial:
    """As `import_direction`, from bytes; `file_name` is kept as the origin and used in errors."""
    if is_own(data):
        dial = read_own(data, name=file_name)
        if dial.space != generator.space:
            raise SpaceMismatchError(
                f"{file_name} is a dial of the latent space '{dial.space}', but the loaded "
                f"model has '{generator.space}'; use it with a model of its space."
            )
        return renamed_own(dial, name, title or dial.title)
    learned = scaled(
        foreign_vector(data, name=file_name), population_of(generator), rows=rows,
        space=generator.space, folder=folder,
    )  # fmt: skip
    return from_learned(
        learned, name=name, title=title, space=generator.space, kind="foreign",
        source=f"the file {file_name}", licence=licence,
    )  # fmt: skip


def scaled(
    vector: np.ndarray,
    population: Population,
    *,
    rows: tuple[int, int],
    space: str,
    folder: Path = DIRECTIONS_DIR,
) -> Learned:
    """Bring a vector to one standard deviation of the population along it.

    Args:
        vector: [18, 512], any length.
        population: Of the space.
        rows: Rows to act on.
        space: For the named readings.
        folder: Where the named dials are.

    Raises:
        UsageError: nothing of the vector is left on these rows.
    """
    first, last = checked_rows(rows)
    v = np.zeros((NUM_WS, W_DIM))
    v[first:last] = np.asarray(vector, np.float64)[first:last]
    acting = np.flatnonzero(np.any(v, axis=1))
    if len(acting) == 0:
        raise UsageError(f"The direction is zero on the rows {first}:{last}; choose other rows.")
    part = v[acting]
    # Mean over the rows of the variance along each, over the mean squared length.
    spread = np.einsum("rd,de,re->", part, population.covariance, part) / len(acting)
    square = np.square(part).sum() / len(acting)
    step = float(np.sqrt(spread) / square)
    weights = v / (step * np.square(part).sum())
    total = weights.sum(axis=0)
    along = (population.w - population.mean) @ total
    low, high = (float(np.percentile(along, q)) for q in NATURAL_PERCENTILES)
    if high - low < 1.0:  # rows that cancel each other: no plain face tells how far is natural
        low, high = -2.5, 2.5
    moved = (step * v).astype(np.float32)
    return Learned(
        vector=moved, weights=weights.astype(np.float32), bias=-float(population.mean @ total),
        natural=(round(low, 3), round(high, 3)), rows=(int(acting[0]), int(acting[-1]) + 1),
        moves=what_it_moves(moved, population, named_readings(space, folder=folder)),
    )  # fmt: skip


def measure_on_pictures(
    generator: Generates,
    dial: OwnDial,
    *,
    seeds: Sequence[int] = MEASURE_SEEDS,
    folder: Path = DIRECTIONS_DIR,
) -> OnPictures:
    """Render a dial both ways and measure the pictures; some seconds.

    Args:
        generator: Generates.
        dial: To measure.
        seeds: Faces, which no dial was learned from.
        folder: Where the named dials are, in whose standard deviations the answer is.

    Raises:
        ModelError: the instruments are not installed.
        UsageError: no face was seen in any of the pictures.
    """
    measurer = load_measurer()
    pairs: list[tuple[Measurement, Measurement]] = []
    for seed in seeds:
        base = generator.w_from_seed(seed, LABELS_PSI)
        low, high = (
            measurer.measure(
                generator.render(base + np.float32(sign * MEASURE_UNITS) * dial.vector,
                                 size=MEASURE_PX)
            )
            for sign in (-1, 1)
        )  # fmt: skip
        if low is not None and high is not None:
            pairs.append((low, high))
    if not pairs:
        raise UsageError(f"No face is left in the pictures when {dial.name} moves.")
    moves = {}
    for name in direction_names(dial.space, folder=folder):
        meta = read_direction(dial.space, name, folder=folder).meta
        if meta.channel in pairs[0][0].values:
            change = [b.values[meta.channel] - a.values[meta.channel] for a, b in pairs]
            moves[name] = float(np.mean(change)) / (2 * MEASURE_UNITS * meta.channel_sd)
    order = sorted(moves, key=lambda name: -abs(moves[name]))
    apart = [b.distance(a) for a, b in pairs]
    return OnPictures(
        len(pairs), {name: round(moves[name], 3) for name in order}, float(np.median(apart))
    )


def in_picture_units(dial: OwnDial, seen: OnPictures) -> OwnDial:
    """The dial with one unit one standard deviation of what it moves most in pictures.

    A dial that moves nothing named by LEAST_MOVE keeps its unit; none is changed by more than
    GAIN_LIMITS.
    """
    most = abs(next(iter(seen.moves.values()), 0.0))
    if most < LEAST_MOVE:
        return replace(dial, moves=seen.moves)
    gain = float(np.clip(most, *GAIN_LIMITS))
    return replace(
        dial,
        vector=(dial.vector / gain).astype(np.float32),
        weights=(dial.weights * gain).astype(np.float32),
        bias=dial.bias * gain,
        natural=(round(dial.natural[0] * gain, 3), round(dial.natural[1] * gain, 3)),
        moves={name: round(value / gain, 3) for name, value in seen.moves.items()},
    )
