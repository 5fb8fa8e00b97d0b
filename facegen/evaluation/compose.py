"""Make described people from random faces, each way side by side, and judge the pictures.

Every description (`facegen.evaluation.descriptions`) is made from random faces by targets alone, as
the app and `edit --target` do it: at the first look and after the loop on the picture. Judged are

* what is asked, by the instruments that the loop itself uses: within 0.35 standard deviations, 4
  years or 3 degrees; what is there or not, by the classifier's answer;
* age, sex, angles and identity, by networks that nothing steers by (`facegen.evaluation.judges`);
* whether the picture looks like the unedited ones (`facegen.evaluation.realism`);
* whether a face is seen at all.

A refused edit makes no picture: nothing it was asked for counts as met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from facegen.directions.recipes import RECIPES
from facegen.editing.dial_set import DialSet
from facegen.editing.targets import miss_sd
from facegen.errors import UsageError
from facegen.evaluation.cached_judges import CachedJudges, Judged
from facegen.evaluation.descriptions import ANSWERS, DESCRIPTIONS, Description
from facegen.evaluation.judges import Alignment, align
from facegen.evaluation.realism import Realism, learn_realism
from facegen.evaluation.solvers import Made, Solver
from facegen.face import Face
from facegen.generator import Generator
from facegen.latents import DEFAULT_PSI
from facegen.measure.measurer import Measurement
from facegen.measure.probabilities import load_probabilities
from facegen.paths import cache_dir
from facegen.protocols import Progress

CACHE_DIR = cache_dir() / "evaluation" / "compose"
# No other command draws these seeds.
STARTS_FROM, SEEDS_PER_DESCRIPTION = 930_000, 100
NATURAL_FROM = 940_000
DEFAULT_STARTS = 16
DEFAULT_NATURAL = 900
HELD_OUT_SHARE = 1 / 3
ALIGNED = 200
STAGES = ("first", "after")
STRANGERS_PERCENTILE = 99.0


@dataclass(frozen=True, eq=False)
class Picture:
    """A latent with all that was seen on its picture.

    Attributes:
        w_plus: [18, 512].
        measured: By the instruments; None if they see no face.
        judged: By the judges.
    """

    w_plus: np.ndarray
    measured: Measurement | None
    judged: Judged


@dataclass(frozen=True)
class Attribute:
    """One thing that was asked, and what came of it.

    Attributes:
        name: The dial.
        wanted: Value in its unit; 1 and 0 for what is there or not.
        found: On the picture, likewise; None if nothing was seen.
        met: Whether that is what was asked.
        is_answer: Whether it was asked as what is there or not.
    """

    name: str
    wanted: float
    found: float | None
    met: bool
    is_answer: bool = False

    @property
    def label(self) -> str:
        """The dial, or "no" and the dial."""
        return f"no {self.name}" if self.is_answer and not self.wanted else self.name


@dataclass(frozen=True)
class Outcome:
    """One description made from one face by one solver, at one stage.

    Attributes:
        description, solver, stage: Names; the stage is one of STAGES.
        seed: Of the face it started from.
        refusal: What the solver said instead of making a picture; empty if it made one.
        seen: Whether the instruments see a face.
        attributes: What was asked.
        distance: Of dlib's descriptors, from the start; None if no face.
        likeness: Of faceres' identities, -1 to 1, likewise.
        percentile: Of realism; None if there is no picture. `natural`: within the limit.
        age: faceres' age, on our scale; `age_before` on the start's picture.
        male, male_before: faceres' probability of a man.
        yaw, pitch: fr_pose's angles, on our scale.
    """

    description: str
    solver: str
    stage: str
    seed: int
    refusal: str
    seen: bool
    attributes: tuple[Attribute, ...]
    distance: float | None = None
    likeness: float | None = None
    percentile: float | None = None
    natural: bool = False
    age: float | None = None
    age_before: float | None = None
    male: float | None = None
    male_before: float | None = None
    yaw: float | None = None
    pitch: float | None = None

    @property
    def all_met(self) -> bool:
        """Whether everything asked is met."""
        return all(attribute.met for attribute in self.attributes)


@dataclass(frozen=True, eq=False)
class Reference:
    """What natural faces give: the measure of realism, the judges' scales, and strangers.

    Attributes:
        realism: Learned from natural faces.
        scales: "age", "yaw", "pitch" -> the judge's numbers to ours.
        strangers: faceres' likeness of two natural faces: median, and what one pair in a hundred
            exceeds.
        faces: How many natural faces were drawn.
    """

    realism: Realism
    scales: Mapping[str, Alignment]
    strangers: tuple[float, float]
    faces: int


@dataclass(frozen=True, eq=False)
class Composed:
    """A run: its outcomes, what they were judged by, and the latents for the sheet."""

    outcomes: list[Outcome]
    reference: Reference
    latents: dict[tuple[str, int, str, str], np.ndarray] = field(default_factory=dict)


def compose(
    generator: Generator,
    dials: DialSet,
    solvers: Mapping[str, Solver],
    descriptions: Sequence[Description],
    *,
    starts: int = DEFAULT_STARTS,
    skip: int = 0,
    natural: int = DEFAULT_NATURAL,
    cache: Path = CACHE_DIR,
    judges: CachedJudges | None = None,
    progress: Progress | None = None,
) -> Composed:
    """Make and judge all descriptions from `starts` faces each.

    Args:
        generator: Draws.
        dials: Give units and where yes and no stand.
        solvers: Name -> solver.
        descriptions: What to make; each has faces of its own.
        starts: Faces a description.
        skip: Faces of each description that are left out first.
        natural: Natural faces for the reference.
        cache: Folder that keeps what was seen; a second run goes on from there.
        judges: Looks at latents; None makes one with this cache.
        progress: Called with (pictures done, pictures in all).

    Raises:
        UsageError: nothing to do.
        ModelError: instruments or judges are not here.
    """
    if starts < 1 or not descriptions or not solvers:
        raise UsageError("Composing needs at least one start, one description and one solver.")
    if skip + starts > SEEDS_PER_DESCRIPTION:
        raise UsageError(
            f"A description has {SEEDS_PER_DESCRIPTION} faces, got {skip + starts} starts."
        )
    for description in descriptions:
        require_askable(description, dials)  # a misspelled dial shows now, not after an hour
    looks = judges or CachedJudges(generator, dials, cache)
    total = natural + starts * len(descriptions) * len(solvers)
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    reference = learn_reference(generator, dials, looks, natural, step)
    run = Composed([], reference)
    # One start of every description first: a run that is stopped has seen something of each.
    for start in range(skip, skip + starts):
        for place, description in descriptions_by_place(descriptions):
            seed = STARTS_FROM + SEEDS_PER_DESCRIPTION * place + start
            face = Face.from_seed(generator, seed, DEFAULT_PSI)
            before = look_at(looks, face.w_plus)
            for name, solver in solvers.items():
                made = solver(face, description.targets, looks.see)
                for stage, w_plus in zip(STAGES, (made.first, made.after), strict=True):
                    picture = None if w_plus is None else look_at(looks, w_plus)
                    run.outcomes.append(
                        judge(dials, reference, description, name, stage, seed, before, picture,
                              made)
                    )  # fmt: skip
                    if w_plus is not None:
                        run.latents[description.name, seed, name, stage] = w_plus
                step()
    return run


def descriptions_by_place(
    descriptions: Sequence[Description],
) -> Iterator[tuple[int, Description]]:
    """Each with its place in the whole list, which decides the faces it starts from."""
    places = {one.name: place for place, one in enumerate(DESCRIPTIONS)}
    for extra, description in enumerate(descriptions, start=len(DESCRIPTIONS)):
        yield places.get(description.name, extra), description


def look_at(looks: CachedJudges, w_plus: np.ndarray) -> Picture:
    """All that is seen on a latent's picture."""
    return Picture(w_plus, looks.measured(w_plus), looks.judged(w_plus))


def require_askable(description: Description, dials: DialSet) -> None:
    """Check that a description can be asked and judged.

    Raises:
        UnknownDialError: no such dial.
        UsageError: YES or NO for a dial that is no such question.
    """
    for name, wanted in description.wants.items():
        dials.spec(name)
        is_question = name in ANSWERS and RECIPES[name].channel in load_probabilities()
        if isinstance(wanted, bool) and not is_question:
            raise UsageError(
                f"{name} in '{description.name}' is not a question of yes or no; give it a number."
            )


def attributes_of(
    description: Description, dials: DialSet, measured: Measurement | None
) -> tuple[Attribute, ...]:
    """What was asked, beside what the instruments see."""
    stands = None if measured is None else dials.in_units(measured.values)
    found = []
    for name, wanted in description.wants.items():
        if isinstance(wanted, bool):
            seen = None
            if measured is not None:
                channel = RECIPES[name].channel
                seen = load_probabilities()[channel].is_yes(measured.values[channel])
            value = None if seen is None else float(seen)
            found.append(Attribute(name, float(wanted), value, seen == wanted, is_answer=True))
        else:
            value = None if stands is None else stands[name]
            met = value is not None and abs(value - wanted) <= tolerance(dials, name)
            found.append(Attribute(name, float(wanted), value, met))
    return tuple(found)


def tolerance(dials: DialSet, name: str) -> float:
    """How near a value must come to count as met, in the dial's unit."""
    spec = dials.spec(name)
    return miss_sd(spec) * spec.unit_per_sd


def judge(
    dials: DialSet,
    reference: Reference,
    description: Description,
    solver: str,
    stage: str,
    seed: int,
    before: Picture,
    picture: Picture | None,
    made: Made,
) -> Outcome:
    """Judge one picture against its description and the face it was made from."""
    measured = None if picture is None else picture.measured
    attributes = attributes_of(description, dials, measured)
    plain = Outcome(
        description.name,
        solver,
        stage,
        seed,
        made.refusal if picture is None else "",
        measured is not None,
        attributes,
    )
    if picture is None:
        return plain
    features = picture.judged.features
    numbers: dict[str, Any] = {}
    now, was = picture.judged.judgement, before.judged.judgement
    if now is not None:
        scales = reference.scales
        numbers |= {
            "age": scales["age"](now.age),
            "male": now.male,
            "yaw": scales["yaw"](now.yaw),
            "pitch": scales["pitch"](now.pitch),
        }
    if now is not None and was is not None and measured is not None and before.measured:
        numbers |= {
            "distance": measured.distance(before.measured),
            "likeness": float(now.identity @ was.identity),
            "age_before": reference.scales["age"](was.age),
            "male_before": was.male,
        }
    return replace(
        plain,
        percentile=reference.realism.percentile(features),
        natural=reference.realism.is_natural(features),
        **numbers,
    )


def learn_reference(
    generator: Generator,
    dials: DialSet,
    looks: CachedJudges,
    faces: int,
    step: Callable[[], None],
) -> Reference:
    """What natural faces give: unedited, truncated as the app does it."""
    features, ours, theirs, identities = [], [], [], []
    for k in range(faces):
        w_plus = generator.w_from_seed(NATURAL_FROM + k, DEFAULT_PSI)
        if k < ALIGNED:
            picture = look_at(looks, w_plus)
            features.append(picture.judged.features)
            one = picture.judged.judgement
            if picture.measured is not None and one is not None:
                stands = dials.in_units(picture.measured.values)
                ours.append([stands[name] for name in ("age", "yaw", "pitch")])
                theirs.append([one.age, one.yaw, one.pitch])
                identities.append(one.identity)
        else:
            features.append(looks.features(w_plus))
        step()
    held = max(int(faces * HELD_OUT_SHARE), 1)
    realism = learn_realism(np.array(features[:-held]), np.array(features[-held:]))
    pairs = np.array(identities) @ np.array(identities).T
    strangers = pairs[np.triu_indices(len(pairs), 1)]
    columns = zip(("age", "yaw", "pitch"), np.array(ours).T, np.array(theirs).T, strict=True)
    return Reference(
        realism,
        {name: align(a, b) for name, a, b in columns},
        (float(np.median(strangers)), float(np.percentile(strangers, STRANGERS_PERCENTILE))),
        faces,
    )
