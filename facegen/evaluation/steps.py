"""Dials judged in steps of one and two standard deviations, by each solver, side by side.

To what `facegen.evaluation.judge` asks of one standard deviation this adds larger steps, what an
edit does to the rim of the picture (background, clothes, hair's ends), how natural the picture
is by a network that knows nothing of latents, and whether age leaves the sex alone, by a network
that nothing steers by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from facegen.directions.recipes import RECIPES
from facegen.editing.closed_loop import Loop
from facegen.editing.dial_set import DialSet
from facegen.errors import UsageError
from facegen.evaluation.cached_judges import CachedJudges
from facegen.evaluation.compose import Reference
from facegen.evaluation.judge import (
    DialResult,
    Edit,
    judge_loops,
    run_loops,
    seen_faces,
    summarise,
)
from facegen.learning.cached_measurer import CachedMeasurer
from facegen.measure.measurer import SAME_PERSON, Measurement
from facegen.measure.probabilities import load_probabilities
from facegen.protocols import Generates, Progress

SIZES_SD = (1.0, 2.0)
AGES = (10.0, 25.0, 45.0, 60.0, 70.0)
OLDER_YEARS = 20.0
# Of a picture of 512 px: what lies outside the head on nearly every face.
RIM_PX = (50, 65)


@dataclass(frozen=True)
class Aged:
    """One face brought to an age, or made older by OLDER_YEARS (`goal` is None).

    Attributes:
        age: Of the edited picture, by our instruments.
        sex_kept, judge_kept: Whether the sex is what it was, by our classifier and by the judge.
        distance: Descriptor distance to the unedited picture.
    """

    goal: float | None
    age: float
    sex_kept: bool
    judge_kept: bool
    distance: float


@dataclass(frozen=True)
class Look:
    """What a picture shows besides the dials: its rim's mean change, of 255, and naturalness."""

    rim: float
    natural: bool


@dataclass(eq=False)
class Steps:
    """All that was judged.

    Attributes:
        edits: (solver, size) -> edits.
        looks: (solver, size, dial) -> how the pictures look, for the first faces.
        aged: Solver -> faces brought to an age.
        unedited: Whether the first faces themselves look natural.
        faces, pictured: How many faces, and of how many the pictures were looked at.
    """

    edits: dict[tuple[str, float], list[Edit]] = field(default_factory=dict)
    looks: dict[tuple[str, float, str], list[Look]] = field(default_factory=dict)
    aged: dict[str, list[Aged]] = field(default_factory=dict)
    unedited: list[bool] = field(default_factory=list)
    faces: int = 0
    pictured: int = 0

    def results(
        self, dials: DialSet, solver: str, size: float, *, closed: bool
    ) -> list[DialResult]:
        """Every dial's summary for a solver and a size."""
        edits = self.edits[solver, size]
        return [summarise(dials, name, edits, closed=closed, size=size) for name in dials.names]


def judge_steps(
    generator: Generates,
    dials: DialSet,
    solvers: Mapping[str, DialSet],
    measurer: CachedMeasurer,
    judges: CachedJudges,
    reference: Reference,
    *,
    faces: int,
    pictured: int,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Steps:
    """Move every dial of every face by each size with each solver, and bring each face to AGES.

    Args:
        generator: Generates.
        dials: Give the units.
        solvers: Name -> the dials as that solver moves them.
        measurer: Renders and measures.
        judges: Looks at pictures by what nothing steers by.
        reference: Natural faces.
        faces: How many, from seed 900000 on.
        pictured: Of how many of them every picture's rim and naturalness are judged.
        progress: Called with (faces done, faces in all).
        stop: Asked before each face; True ends with the faces done so far.

    Raises:
        UsageError: no face was seen.
        ModelError: the instruments are not installed.
    """
    steps = Steps(
        {(name, size): [] for name in solvers for size in SIZES_SD},
        {(name, s, dial): [] for name in solvers for s in SIZES_SD for dial in dials.names},
        {name: [] for name in solvers},
    )
    for index, base, before in seen_faces(generator, measurer, faces, progress, stop):
        for name, mover in solvers.items():
            for size in SIZES_SD:
                movers = dict.fromkeys(dials.names, mover)
                edits = judge_loops(measurer, movers, dials, base, before, size=size)
                steps.edits[name, size] += edits
                if index < pictured:
                    for edit in edits:
                        look = _look(judges, reference, base, edit)
                        steps.looks[name, size, edit.dial] += [look] if look else []
            steps.aged[name] += judge_ages(measurer, judges, mover, dials, base, before)
        steps.faces += 1
        if index < pictured:
            steps.pictured += 1
            steps.unedited.append(reference.realism.is_natural(judges.features(base)))
    if not steps.faces:
        raise UsageError("No face was measured; evaluate at least one.")
    return steps


def judge_ages(
    measurer: CachedMeasurer,
    judges: CachedJudges,
    mover: DialSet,
    dials: DialSet,
    base: np.ndarray,
    before: Measurement,
) -> list[Aged]:
    """Bring one face to each of AGES, and make it OLDER_YEARS older."""
    stands = dials.in_units(before.values)
    goals = {goal: goal - stands["age"] for goal in AGES}
    wanted = [*goals.items(), (None, OLDER_YEARS)]
    predicted = dials.read(base)
    loops = [Loop(mover, base, {"age": years}, stands, predicted=predicted) for _, years in wanted]
    was = judges.judged(base).judgement
    aged = []
    looks = run_loops(measurer, dials, before, loops)
    for (goal, _), (found, best), loop in zip(wanted, looks, loops, strict=True):
        end, now = found[best], judges.judged(loop.outcome.w_plus).judgement
        if end is None or was is None or now is None:
            continue
        aged.append(
            Aged(
                goal,
                dials.in_units(end.values)["age"],
                _is_male(end) == _is_male(before),
                (now.male >= 0.5) == (was.male >= 0.5),
                before.distance(end),
            )
        )
    return aged


def _is_male(found: Measurement) -> bool:
    channel = RECIPES["gender"].channel
    return load_probabilities()[channel].is_yes(found.values[channel])


def _look(judges: CachedJudges, reference: Reference, base: np.ndarray, edit: Edit) -> Look | None:
    if edit.w_plus is None or edit.after is None:
        return None
    return Look(
        rim_change(judges.picture(base), judges.picture(edit.w_plus)),
        reference.realism.is_natural(judges.features(edit.w_plus)),
    )


def rim_change(before: np.ndarray, after: np.ndarray) -> float:
    """Mean change of the rim of two pictures, uint8 [512, 512, 3], of 255."""
    high, wide = RIM_PX
    rim = np.ones(before.shape[:2], bool)
    rim[high:-high, wide:-wide] = False
    return float(np.abs(before[rim].astype(np.int16) - after[rim]).mean())


def share_within(aged: Sequence[Aged], limit: float = SAME_PERSON) -> float:
    """The share of faces nearer to the person than `limit`."""
    return float(np.mean([one.distance < limit for one in aged])) if aged else float("nan")
