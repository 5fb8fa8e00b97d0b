"""Judge the dials on pictures of faces that were never used for learning or tuning.

Each face is moved by one standard deviation of each dial's natural spread, up where it stands
below the average face and down where it stands above; the picture is measured again. Numbers are
of the pictures, never of the readings that the dials were made from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.directions.crowd import Progress, Renders
from facegen.directions.labels import LABELS_PSI
from facegen.directions.recipes import same_things
from facegen.directions.sitting import Sitting, open_sitting
from facegen.directions.store import Direction, direction_names, read_direction, read_regressor
from facegen.errors import UsageError
from facegen.measure.face import Measured
from facegen.paths import DIRECTIONS_DIR, ROOT

FACES_FROM = 900_000
DEFAULT_FACES = 64
CACHE_DIR = ROOT / ".cache" / "evaluation"
SUCCESS_SD = 0.5
CLEAN_SUCCESS = 0.9
CLEAN_LEAK_SD = 0.35
SAME_PERSON = 0.6
IDENTITY_SHARE = 0.95


@dataclass(frozen=True, eq=False)
class DialResult:
    """How one dial did, for one standard deviation of its natural spread.

    Attributes:
        name: The dial.
        moved: Median change of its own measurement, in standard deviations (1 is right).
        success: Share of faces whose measurement moved the right way by at least SUCCESS_SD.
        leaks: Other dial -> mean change of its measurement along this dial's own direction, in
            its standard deviations.
        worst: The other dial that moves most, same things left out (see `same_things`).
        worst_leak: Its leak.
        mean_leak: Mean of the sizes of all leaks.
        distance: Median descriptor distance to the unedited picture.
        same_person: Share of faces closer than 0.6.
        detected: Share of edited pictures in which a face is found.
        faces: Number of faces.
    """

    name: str
    moved: float
    success: float
    leaks: dict[str, float]
    worst: str
    worst_leak: float
    mean_leak: float
    distance: float
    same_person: float
    detected: float
    faces: int

    @property
    def is_clean(self) -> bool:
        """Whether the dial moves its own measurement and nothing else to speak of."""
        return (
            self.success >= CLEAN_SUCCESS
            and abs(self.worst_leak) <= CLEAN_LEAK_SD
            and self.same_person >= IDENTITY_SHARE
        )


def evaluate(
    generator: Renders,
    *,
    faces: int = DEFAULT_FACES,
    folder: Path = DIRECTIONS_DIR,
    cache: Path = CACHE_DIR,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[DialResult]:
    """Judge all dials of the generator's space.

    Args:
        generator: Renders.
        faces: How many, from seed 900000 on.
        folder: Where the direction files are.
        cache: Folder that keeps what was measured; a second run goes on from there.
        progress: Called with (faces done, faces in all).
        stop: Asked before each face; True ends with the faces done so far.

    Raises:
        UsageError: no faces asked for.
        BadFileError: no dials, or a damaged file.
        ModelError: the instruments are not installed.
    """
    if faces < 1:
        raise UsageError(f"At least one face is needed to evaluate, got {faces}.")
    names = direction_names(generator.space, folder=folder)
    directions = [read_direction(generator.space, name, folder=folder) for name in names]
    reading = read_regressor(generator.space, folder=folder)
    rows = []
    with open_sitting(generator, cache) as sitting:
        for index in range(faces):
            if stop():
                break
            base = generator.w_from_seed(FACES_FROM + index, LABELS_PSI)
            stands = dict(
                zip(reading.names, base[0] @ reading.weights + reading.bias, strict=True)
            )
            signs = [1.0 if stands[d.meta.name] <= d.meta.mean else -1.0 for d in directions]
            rows.append((_one_face(sitting, base, directions, signs), signs))
            if progress:
                progress(index + 1, faces)
    if not any(row[0] is not None for row, _ in rows):
        raise UsageError("No face was measured; evaluate at least one.")
    return [_result(k, directions, rows) for k in range(len(directions))]


def _one_face(
    sitting: Sitting, base: np.ndarray, directions: Sequence[Direction], signs: Sequence[float]
) -> list[Measured | None]:
    """The plain face first, then one measurement a dial."""
    edits = [
        base + np.float32(sign * d.meta.unit_per_sd) * d.vector
        for d, sign in zip(directions, signs, strict=True)
    ]
    return sitting.measure([base, *edits])


def _result(
    k: int,
    directions: Sequence[Direction],
    rows: Sequence[tuple[list[Measured | None], list[float]]],
) -> DialResult:
    """Summarise dial k over all faces."""
    own = directions[k].meta
    plain_seen = [(row[0], row[k + 1], signs[k]) for row, signs in rows if row[0] is not None]
    pairs = [(a, b, sign) for a, b, sign in plain_seen if a is not None and b is not None]
    change = {
        d.meta.name: np.array(
            [
                sign * (b.values[d.meta.channel] - a.values[d.meta.channel]) / d.meta.channel_sd
                for a, b, sign in pairs
            ]
        )
        for d in directions
    }
    leaks = {name: float(v.mean()) for name, v in change.items() if name != own.name}
    same = same_things(own.name)
    counted = {name: leak for name, leak in leaks.items() if name not in same}
    worst = max(counted, key=lambda name: abs(counted[name]))
    distances = np.array([np.linalg.norm(a.descriptor - b.descriptor) for a, b, _ in pairs])
    moved = change[own.name]
    return DialResult(
        name=own.name,
        moved=float(np.median(moved)),
        success=float((moved >= SUCCESS_SD).mean()),
        leaks=leaks,
        worst=worst,
        worst_leak=counted[worst],
        mean_leak=float(np.mean([abs(leak) for leak in leaks.values()])),
        distance=float(np.median(distances)),
        same_person=float((distances < SAME_PERSON).mean()),
        detected=len(pairs) / max(len(plain_seen), 1),
        faces=len(pairs),
    )
