"""Judge the dials on pictures of faces that were never used for learning or tuning.

Each face is moved by one standard deviation of each dial's natural spread, up where it stands
below the average face and down where it stands above; the picture is measured again. That is the
first look. The closed loop (`facegen.editing.closed_loop`) then corrects what was asked for and
looks again; what it ends with is judged too. Numbers are of the pictures, never of the readings
that the dials were made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.directions.recipes import KEEPS_PERSON, same_things
from facegen.editing.closed_loop import Loop
from facegen.editing.dial_set import DialSet
from facegen.errors import UsageError
from facegen.latents import LABELS_PSI
from facegen.learning.cached_measurer import CachedMeasurer, open_cached_measurer
from facegen.measure.measurer import SAME_PERSON, Measurement
from facegen.paths import cache_dir
from facegen.protocols import Generates, Moves, Progress

FACES_FROM = 900_000
DEFAULT_FACES = 64
CACHE_DIR = cache_dir() / "evaluation"
SUCCESS_SD = 0.5
CLEAN_SUCCESS = 0.9
CLEAN_LEAK_SD = 0.35
SAME_PERSON_STRICT = 0.45
IDENTITY_SHARE = 0.95
LOCK_FACES = 16
TARGETS: Mapping[str, tuple[float, float]] = {
    "age": (20.0, 70.0), "yaw": (-35.0, 35.0), "pitch": (-14.0, 14.0),
}  # fmt: skip
TARGET_SEED = 11


@dataclass(frozen=True, eq=False)
class Edit:
    """One dial moved on one face: before, at the first look, and after the loop (`w_plus`)."""

    dial: str
    sign: float
    before: Measurement
    first: Measurement | None
    after: Measurement | None
    looks: int
    w_plus: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class DialResult:
    """How one dial did, for one standard deviation of its natural spread.

    Attributes:
        name: The dial.
        moved: Median change of its own measurement, in standard deviations (1 is right).
        miss: Median distance from right, likewise.
        success: Share of faces whose measurement moved the right way by at least SUCCESS_SD.
        leaks: Other dial -> mean change of its measurement along this dial's own direction, in
            its standard deviations.
        worst: The other dial that moves most, same things left out (see `same_things`).
        worst_leak: Its leak.
        mean_leak: Mean of the sizes of all leaks.
        scatter: Mean size of the other measurements' change on a single face, same things left
            out; the instruments' own unsteadiness is part of it.
        distance: Median descriptor distance to the unedited picture.
        same_person: Share of faces closer than the dial's `person_limit`.
        detected: Share of edited pictures in which a face is found.
        faces: Number of faces.
    """

    name: str
    moved: float
    miss: float
    success: float
    leaks: dict[str, float]
    worst: str
    worst_leak: float
    mean_leak: float
    scatter: float
    distance: float
    same_person: float
    detected: float
    faces: int

    @property
    def limit(self) -> float:
        """See `person_limit`."""
        return person_limit(self.name)

    @property
    def is_clean(self) -> bool:
        """Whether the dial moves its own measurement and nothing else to speak of."""
        return (
            self.success >= CLEAN_SUCCESS
            and abs(self.worst_leak) <= CLEAN_LEAK_SD
            and self.same_person >= IDENTITY_SHARE
        )


def person_limit(name: str) -> float:
    """How far the descriptor may move: 0.6 (dlib's threshold), 0.45 for dials of KEEPS_PERSON."""
    return SAME_PERSON_STRICT if name in KEEPS_PERSON else SAME_PERSON


@dataclass(frozen=True)
class TargetResult:
    """How near absolute targets came: median miss in units, at the first look and at the end."""

    name: str
    low: float
    high: float
    first: float
    after: float
    faces: int


@dataclass(frozen=True)
class LockResult:
    """A dial moved with and without a lock on the measurement that goes along with it most.

    Attributes:
        name, locked: The dials.
        free, held: Mean change of the locked measurement along the dial's direction, in its
            standard deviations, without the lock and with it.
    """

    name: str
    locked: str
    free: float
    held: float


@dataclass(frozen=True, eq=False)
class Verdict:
    """All that was judged. `first` is without looking at the picture, `after` the closed loop."""

    first: list[DialResult]
    after: list[DialResult]
    targets: list[TargetResult]
    locks: list[LockResult]
    looks: float


def evaluate(
    generator: Generates,
    dials: DialSet,
    *,
    faces: int = DEFAULT_FACES,
    cache: Path = CACHE_DIR,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Judge all dials of the generator's space.

    Args:
        generator: Generates.
        dials: To judge.
        faces: How many, from seed 900000 on.
        cache: Folder that keeps what was measured; a second run goes on from there.
        progress: Called with (faces done, faces in all).
        stop: Asked before each face; True ends with the faces done so far.

    Raises:
        UsageError: no faces asked for, or none seen.
        ModelError: the instruments are not installed.
    """
    if faces < 1:
        raise UsageError(f"At least one face is needed to evaluate, got {faces}.")
    edits: list[Edit] = []
    misses: dict[str, list[tuple[float, float]]] = {name: [] for name in TARGETS}
    with open_cached_measurer(generator, cache) as measurer:
        seen = []
        for index, base, before in seen_faces(generator, measurer, faces, progress, stop):
            seen.append((base, before))
            edits += judge_face(measurer, dials, base, before)
            for name, pair in judge_targets(measurer, dials, base, before, index).items():
                misses[name].append(pair)
        if not edits:
            raise UsageError("No face was measured; evaluate at least one.")
        first = [summarise(dials, name, edits, closed=False) for name in dials.names]
        after = [summarise(dials, name, edits, closed=True) for name in dials.names]
        locks = judge_locks(measurer, dials, seen[:LOCK_FACES], first)
    targets = [
        TargetResult(
            name,
            *TARGETS[name],
            float(np.median([a for a, _ in pairs])),
            float(np.median([b for _, b in pairs])),
            len(pairs),
        )
        for name, pairs in misses.items()
        if pairs
    ]
    looks = float(np.mean([edit.looks for edit in edits]))
    return Verdict(first, after, targets, locks, looks)


def seen_faces(
    generator: Generates,
    measurer: CachedMeasurer,
    faces: int,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, np.ndarray, Measurement]]:
    """The evaluation's faces on which a face is seen: number, w_plus [18, 512], what is measured.

    Args:
        generator: Generates.
        measurer: Renders and measures.
        faces: How many, from seed 900000 on.
        progress: Called with (faces done, faces in all).
        stop: Asked before each face; True ends with the faces done so far.
    """
    for index in range(faces):
        if stop():
            return
        base = generator.w_from_seed(FACES_FROM + index, LABELS_PSI)
        before = measurer.measure([base])[0]
        if before is not None:
            yield index, base, before
        if progress:
            progress(index + 1, faces)


def judge_face(
    measurer: CachedMeasurer, dials: DialSet, base: np.ndarray, before: Measurement
) -> list[Edit]:
    """Move every dial of one face by one standard deviation."""
    return judge_loops(measurer, dict.fromkeys(dials.names, dials), dials, base, before)


def judge_loops(
    measurer: CachedMeasurer,
    movers: Mapping[str, Moves],
    dials: DialSet,
    base: np.ndarray,
    before: Measurement,
    *,
    size: float = 1.0,
) -> list[Edit]:
    """Move one face by `size` standard deviations of each dial, each with a mover of its own."""
    stands = dials.in_units(before.values)
    signs = {name: 1.0 if stands[name] <= dials.spec(name).mean else -1.0 for name in movers}
    steps = {name: sign * size * dials.spec(name).unit_per_sd for name, sign in signs.items()}
    predicted = dials.read(base)
    loops = [
        Loop(movers[name], base, {name: step}, stands, predicted=predicted)
        for name, step in steps.items()
    ]
    looks = run_loops(measurer, dials, before, loops)
    return [
        Edit(name, sign, before, found[0], found[best], len(found), loop.outcome.w_plus)
        for (name, sign), (found, best), loop in zip(signs.items(), looks, loops, strict=True)
    ]


def judge_targets(
    measurer: CachedMeasurer, dials: DialSet, base: np.ndarray, before: Measurement, index: int
) -> dict[str, tuple[float, float]]:
    """Miss of one random absolute target a dial of TARGETS, in units: first look, and end."""
    rng = np.random.RandomState(TARGET_SEED + index)
    stands = dials.in_units(before.values)
    goals = {name: rng.uniform(*span) for name, span in TARGETS.items() if name in dials.names}
    predicted = dials.read(base)
    loops = [
        Loop(dials, base, {name: goal - stands[name]}, stands, predicted=predicted)
        for name, goal in goals.items()
    ]
    misses = {}
    looks = run_loops(measurer, dials, before, loops)
    for (name, goal), (found, best) in zip(goals.items(), looks, strict=True):
        ends = [found[0], found[best]]
        if all(end is not None for end in ends):
            values = [dials.in_units(end.values)[name] for end in ends if end is not None]
            misses[name] = (abs(values[0] - goal), abs(values[1] - goal))
    return misses


def judge_locks(
    measurer: CachedMeasurer,
    dials: DialSet,
    seen: Sequence[tuple[np.ndarray, Measurement]],
    first: Sequence[DialResult],
) -> list[LockResult]:
    """Lock, for each dial, the measurement that moves along most, and move the dial again."""
    pairs = {r.name: max((abs(v), other) for other, v in r.leaks.items())[1] for r in first}
    free: dict[str, list[float]] = {name: [] for name in pairs}
    held: dict[str, list[float]] = {name: [] for name in pairs}
    for base, before in seen:
        stands = dials.in_units(before.values)
        steps = {}
        for name in pairs:
            spec = dials.spec(name)
            steps[name] = spec.unit_per_sd * (1.0 if stands[name] <= spec.mean else -1.0)
        loose = measurer.measure([dials.apply(base, {n: step}) for n, step in steps.items()])
        tight = measurer.measure(
            [dials.apply(base, {n: step, pairs[n]: 0.0}) for n, step in steps.items()]
        )
        for (name, step), a, b in zip(steps.items(), loose, tight, strict=True):
            other = pairs[name]
            unit = dials.spec(other).unit_per_sd * np.sign(step)
            if a is not None and b is not None:
                free[name].append((dials.in_units(a.values)[other] - stands[other]) / unit)
                held[name].append((dials.in_units(b.values)[other] - stands[other]) / unit)
    return [
        LockResult(name, other, float(np.mean(free[name])), float(np.mean(held[name])))
        for name, other in pairs.items()
        if free[name]
    ]


def run_loops(
    measurer: CachedMeasurer, dials: DialSet, before: Measurement, loops: Sequence[Loop]
) -> list[tuple[list[Measurement | None], int]]:
    """Run closed loops side by side: what each look found, and which one the loop chose."""
    found: list[list[Measurement | None]] = [[] for _ in loops]
    while pending := [k for k, loop in enumerate(loops) if not loop.done]:
        looks = measurer.measure([loops[k].w_plus for k in pending])
        for k, look in zip(pending, looks, strict=True):
            found[k].append(look)
            loops[k].saw(None if look is None else dials.in_units(look.values))
    return [
        (looks or [before], loop.outcome.look) for looks, loop in zip(found, loops, strict=True)
    ]


def summarise(
    dials: DialSet, name: str, edits: Sequence[Edit], *, closed: bool, size: float = 1.0
) -> DialResult:
    """Summarise one dial over all faces, at the first look or after the loop.

    `size` is what was asked for, in standard deviations: half of it is success.
    """
    tried = [edit for edit in edits if edit.dial == name]
    ends = [(edit, edit.after if closed else edit.first) for edit in tried]
    pairs = [(edit, end) for edit, end in ends if end is not None]
    change: dict[str, np.ndarray] = {other: np.zeros(0) for other in dials.names}
    moves = [
        (edit.sign, dials.in_units(edit.before.values), dials.in_units(end.values))
        for edit, end in pairs
    ]
    for other in dials.names:
        unit = dials.spec(other).unit_per_sd
        change[other] = np.array([sign * (b[other] - a[other]) / unit for sign, a, b in moves])
    leaks = {other: float(v.mean()) for other, v in change.items() if other != name}
    same = same_things(name)
    counted = [other for other in leaks if other not in same]
    worst = max(counted, key=lambda other: abs(leaks[other]))
    distances = np.array([edit.before.distance(end) for edit, end in pairs])
    moved = change[name]
    return DialResult(
        name=name,
        moved=float(np.median(moved)),
        miss=float(np.median(np.abs(moved - size))),
        success=float((moved >= SUCCESS_SD * size).mean()),
        leaks=leaks,
        worst=worst,
        worst_leak=leaks[worst],
        mean_leak=float(np.mean([abs(leaks[other]) for other in counted])),
        scatter=float(np.mean([np.abs(change[other]).mean() for other in counted])),
        distance=float(np.median(distances)),
        same_person=float((distances < person_limit(name)).mean()),
        detected=len(pairs) / max(len(tried), 1),
        faces=len(pairs),
    )
