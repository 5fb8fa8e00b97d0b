"""What a run of `facegen.evaluation.compose` comes to, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from facegen.evaluation.compose import Composed, Outcome


@dataclass(frozen=True)
class Summary:
    """One solver at one stage. Shares are 0 to 1; None where nothing could be judged.

    Attributes:
        edits: Descriptions times starts.
        refused: Share of them without a picture.
        attributes_met: Share of all attributes asked.
        all_met: Share of edits with everything met.
        seen: Share of edits with a picture in which a face is seen.
        natural: Share of pictures within the natural faces' 99th percentile.
        good: Share of edits with everything met, a face seen, and natural.
        distance: Median of dlib's descriptors from the start.
        likeness: Median of faceres' identities with the start.
        same_person: Share of faces more like the start than 99 % of strangers are, by faceres.
        age_miss: Median distance of faceres' age from what was asked, years.
        sex_asked: Share of faces whose sex faceres sees as asked.
        sex_kept: Share of faces, with an age and no sex asked, whose sex faceres sees unchanged.
        yaw_miss, pitch_miss: Median distance of fr_pose's angle from what was asked, degrees.
    """

    edits: int
    refused: float
    attributes_met: float
    all_met: float
    seen: float
    natural: float | None
    good: float
    distance: float | None
    likeness: float | None
    same_person: float | None
    age_miss: float | None
    sex_asked: float | None
    sex_kept: float | None
    yaw_miss: float | None
    pitch_miss: float | None


def summarise(outcomes: Sequence[Outcome], strangers: float) -> Summary:
    """Sum up outcomes of one solver at one stage.

    Args:
        outcomes: At least one.
        strangers: The likeness that one pair of strangers in a hundred exceeds.
    """
    attributes = [one for outcome in outcomes for one in outcome.attributes]
    pictures = [outcome for outcome in outcomes if outcome.percentile is not None]
    asked = {
        name: [(one.wanted, outcome) for outcome in outcomes for one in outcome.attributes
               if one.name == name]
        for name in ("age", "gender", "yaw", "pitch")
    }  # fmt: skip
    with_sex = {id(outcome) for _, outcome in asked["gender"]}

    def miss(name: str, of: Callable[[Outcome], float | None]) -> float | None:
        pairs = [(wanted, of(outcome)) for wanted, outcome in asked[name]]
        return _median(abs(found - wanted) for wanted, found in pairs if found is not None)

    return Summary(
        edits=len(outcomes),
        refused=share_of(bool(one.refusal) for one in outcomes) or 0.0,
        attributes_met=share_of(one.met for one in attributes) or 0.0,
        all_met=share_of(one.all_met for one in outcomes) or 0.0,
        seen=share_of(one.seen for one in outcomes) or 0.0,
        natural=share_of(one.natural for one in pictures),
        good=share_of(one.all_met and one.seen and one.natural for one in outcomes) or 0.0,
        distance=_median(one.distance for one in pictures if one.distance is not None),
        likeness=_median(one.likeness for one in pictures if one.likeness is not None),
        same_person=share_of(
            one.likeness > strangers for one in pictures if one.likeness is not None
        ),
        age_miss=miss("age", lambda one: one.age),
        sex_asked=share_of(
            (one.male > 0.5) == bool(wanted)
            for wanted, one in asked["gender"]
            if one.male is not None
        ),
        sex_kept=share_of(
            (one.male > 0.5) == (one.male_before > 0.5)
            for _, one in asked["age"]
            if id(one) not in with_sex and one.male is not None and one.male_before is not None
        ),
        yaw_miss=miss("yaw", lambda one: one.yaw),
        pitch_miss=miss("pitch", lambda one: one.pitch),
    )


def share_of(answers: Iterable[bool]) -> float | None:
    """The share of yes, 0 to 1; None where nothing was asked."""
    found = list(answers)
    return float(np.mean(found)) if found else None


def _median(numbers: Iterable[float]) -> float | None:
    found = list(numbers)
    return float(np.median(found)) if found else None


def groups_of(outcomes: Iterable[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    """Outcomes by (solver, stage), in the order they were made."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.solver, outcome.stage), []).append(outcome)
    return groups


def as_data(run: Composed) -> dict[str, object]:
    """Everything a run came to, for JSON."""
    strangers = run.reference.strangers[1]
    return {
        "summary": [
            {"solver": solver, "stage": stage, **asdict(summarise(group, strangers))}
            for (solver, stage), group in groups_of(run.outcomes).items()
        ],
        "attributes": [
            {"solver": solver, "stage": stage, "met": by_attribute(group)}
            for (solver, stage), group in groups_of(run.outcomes).items()
        ],
        "outcomes": [asdict(one) | {"all_met": one.all_met} for one in run.outcomes],
    }


def by_attribute(outcomes: Iterable[Outcome]) -> dict[str, tuple[int, float]]:
    """Dial -> how often it was asked, and the share met; the worst first."""
    found: dict[str, list[bool]] = {}
    for outcome in outcomes:
        for one in outcome.attributes:
            found.setdefault(one.label, []).append(one.met)
    rows = {name: (len(met), float(np.mean(met))) for name, met in found.items()}
    return dict(sorted(rows.items(), key=lambda row: row[1][1]))
