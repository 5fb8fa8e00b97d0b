"""Edits on faces as values: parse settings, move dials, keep the story."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType

from facegen.editing.closed_loop import See, reach
from facegen.editing.locks import Locks
from facegen.editing.obstacles import Obstacle
from facegen.editing.targets import (
    MISS_SD,
    Plan,
    check_targets,
    missed_targets,
    misses_sd,
    plan,
    require_reached,
)
from facegen.errors import UsageError
from facegen.face import Face
from facegen.operations import DialMove, told
from facegen.protocols import Dials

SOMEBODY_ELSE = (
    "The person is locked and still comes out as somebody else by dlib's descriptor: what is asked "
    "takes another person. Ask for less, or drop the lock."
)
FACELESS = (
    "No face is seen on this picture, so nothing is measured and the targets are met as predicted "
    "at best. Ask for less, or begin with another face."
)
UNIT_SUFFIXES = {"": None, "sd": "sd", "deg": "deg", "°": "deg", "y": "years", "years": "years"}
_SETTING = re.compile(r"(?P<dial>[\w-]+)\s*=\s*(?P<value>[+-]?\d*\.?\d+)\s*(?P<unit>[a-z°]*)")


def parse_settings(settings: Iterable[str], dials: Dials) -> dict[str, float]:
    """Read texts such as "smile=+2", "yaw=+15deg", "age=-10y".

    Args:
        settings: DIAL=STEP. A number alone counts standard deviations of the natural spread; with
            a unit it counts that unit.
        dials: Of the face's space.

    Returns:
        Dial -> change in the dial's own unit; the same dial twice adds up.

    Raises:
        UsageError: a text of another form, or a unit the dial does not have.
        UnknownDialError: no such dial.
    """
    deltas: dict[str, float] = {}
    for text in settings:
        match = _SETTING.fullmatch(text.strip())
        if not match or match["unit"] not in UNIT_SUFFIXES:
            raise UsageError(
                f"A setting must look like smile=+2, yaw=+15deg or age=-10y, got '{text}'."
            )
        spec = dials.spec(match["dial"])
        unit = UNIT_SUFFIXES[match["unit"]]
        if unit not in (None, "sd", spec.unit):
            raise UsageError(f"{match['dial']} is in {spec.unit}, got '{text}'.")
        step = spec.unit_per_sd if unit in (None, "sd") else 1.0
        deltas[match["dial"]] = deltas.get(match["dial"], 0.0) + float(match["value"]) * step
    return deltas


def edit_face(dials: Dials, face: Face, deltas: Mapping[str, float]) -> Face:
    """Move dials on top of the edits a face already has.

    Args:
        dials: Of the face's space.
        face: Not changed.
        deltas: Dial -> change in the dial's unit.

    Returns:
        The edited face; the same face if nothing moves.
    """
    if not any(deltas.values()):
        return face
    return with_edits(dials, face, total_edits(face, deltas))


def total_edits(face: Face, deltas: Mapping[str, float]) -> dict[str, float]:
    """All changes asked for since `Face.base`, with more on top; locks stay as changes of 0."""
    total: dict[str, float] = {}
    locked = {name for name, delta in deltas.items() if not delta}
    for edit in [*face.edits, *(DialMove(dial, delta) for dial, delta in deltas.items())]:
        total[edit.dial] = total.get(edit.dial, 0.0) + edit.delta
        locked |= {edit.dial} if not edit.delta else set()
    return {dial: delta for dial, delta in total.items() if delta or dial in locked}


def with_edits(dials: Dials, face: Face, total: Mapping[str, float]) -> Face:
    """The face whose edits since `Face.base` are these."""
    moves = tuple(DialMove(dial, told(delta)) for dial, delta in total.items())
    w_plus = dials.apply(face.base, {move.dial: move.delta for move in moves})
    return face.edited(w_plus, moves)


def parse_targets(targets: Iterable[str]) -> dict[str, float]:
    """Read texts such as "age=60": absolute readings in the dial's unit.

    Raises:
        UsageError: a text of another form.
    """
    values: dict[str, float] = {}
    for text in targets:
        match = _SETTING.fullmatch(text.strip())
        if not match or match["unit"]:
            raise UsageError(f"A target must look like age=60 or yaw=15, got '{text}'.")
        values[match["dial"]] = float(match["value"])
    return values


def reach_targets(
    dials: Dials,
    face: Face,
    original: Face,
    targets: Mapping[str, float],
    locks: Collection[str],
    *,
    partly: bool = False,
) -> Face:
    """Set dials to absolute readings and bring locked ones back to where they were.

    Args:
        dials: Of the face's space.
        face: With the relative edits already made.
        original: Before them: what is locked keeps this face's reading.
        targets: Dial -> reading in its unit.
        locks: Dials to keep; "identity" keeps the person.
        partly: Whether a face on which not all of this is met will do as well.

    Raises:
        UnknownDialError, UsageError, OutOfRangeError: as `facegen.editing.targets.solve_targets`.
    """
    planned = _plan(dials, face, original, targets, locks)
    moves = any(planned.deltas.values()) or face.edits
    moved = with_edits(dials, face, planned.deltas) if moves else face
    if not partly:
        require_reached(dials, dials.read(moved.w_plus), planned.goals)
    return moved


def _plan(
    dials: Dials,
    face: Face,
    original: Face,
    targets: Mapping[str, float],
    locks: Collection[str],
) -> Plan:
    check_targets(dials, targets, locks)
    both = sorted(set(locks) & _edited(face) - _edited(original))
    if both:
        raise UsageError(f"{both[0]} is locked and asked to move; drop the lock or the setting.")
    held = Locks.of(locks, dials.read(original.w_plus))
    return plan(dials.read(face.base), total_edits(face, {}), targets, held)


def reach_on_picture(
    dials: Dials,
    face: Face,
    original: Face,
    targets: Mapping[str, float],
    locks: Collection[str],
    see: See,
    *,
    gains: Mapping[str, float] = MappingProxyType({}),
) -> tuple[Face, dict[str, float]]:
    """`reach_targets`, checked and corrected on the picture.

    Args:
        dials: Of the face's space.
        face: With the relative edits already made.
        original: Before them: what is locked keeps this face's values.
        targets: Dial -> value in its unit.
        locks: Dials to keep; "identity" keeps the person.
        see: Renders and measures a w_plus; see `facegen.editing.closed_loop`.
        gains: Dial -> how many times as much is asked of it at first.

    Returns:
        The face, and what was measured on it: dial -> value in its unit. What cannot be reached
        goes as far as it does and the rest is met (see `fell_short`). Where no face is seen the
        first is as predicted and the second empty.

    Raises:
        UnknownDialError, UsageError: as `reach_targets`.
        OutOfRangeError: a target lies outside the safe range.
    """
    asked = _plan(dials, face, original, targets, locks).deltas
    start, kept = see(face.base), see(original.w_plus)
    if start is None or kept is None or not targets:
        return reach_targets(dials, face, original, targets, locks, partly=True), {}
    goal = {name: kept[name] for name in locks if name in kept} | dict(targets)
    # Dials of the user's own are not measured on pictures: they stay at what was asked.
    wanted = {name: value - start[name] for name, value in goal.items() if name in start}
    fixed = {name: value for name, value in asked.items() if name not in wanted}
    outcome = reach(
        dials, face.base, wanted, start, see,
        fixed=fixed, natural=dials.naturalness, predicted=dials.read(face.base),
        gains=gains,
    )  # fmt: skip
    edits = tuple(
        DialMove(dial, delta, delta - wanted[dial] if wanted.get(dial) else 0.0)
        for dial, delta in outcome.asked.items()
    )
    return face.edited(outcome.w_plus, edits), outcome.measured


def what_is_missed(
    dials: Dials,
    before: Face,
    after: Face,
    steps: Mapping[str, float],
    targets: Mapping[str, float],
    locks: Collection[str],
    seen: tuple[Mapping[str, float], Mapping[str, float]],
    obstacles: Mapping[str, Obstacle] = MappingProxyType({}),
) -> list[str]:
    """A sentence for each wish that is not met, and for each dial that stands too far out.

    Args:
        dials: Of the faces' space.
        before: Before the edit.
        after: The edited face.
        steps: Dial -> change asked for, in its unit.
        targets: Dial -> value asked for, in its unit.
        locks: Dials that were to keep their values.
        seen: What the pictures before and after show, dial -> value in its unit; empty where that
            is not known: then what is predicted counts.
        obstacles: Dial -> what is in its way, where that is known.
    """
    own, now = dials.read(before.w_plus), dials.read(after.w_plus)
    was, shown = {**own, **(seen[0] if seen[1] else {})}, {**now, **seen[1]}
    stepped = {name: own[name] + step for name, step in steps.items() if name not in targets}
    held = {name: was[name] for name in locks if name in was}
    return [
        *fell_short(dials, targets, shown, obstacles),
        *fell_short(dials, stepped, now),
        *gave_way(dials, held, shown),
        *out_of_range(dials, after, seen[1]),
    ]


def fell_short(
    dials: Dials,
    targets: Mapping[str, float],
    measured: Mapping[str, float],
    obstacles: Mapping[str, Obstacle] = MappingProxyType({}),
) -> list[str]:
    """A sentence for each target that is missed by more than counts as met.

    Args:
        dials: Of the face's space.
        targets: Dial -> value in its unit.
        measured: Dial -> what the picture shows instead, or is predicted.
        obstacles: Dial -> what is in its way, where that is known.
    """
    sentences = []
    for name in missed_targets(dials, targets, measured):
        unit = dials.spec(name).unit
        advice = (
            obstacles[name].sentence(name, unit)
            if name in obstacles
            else "Ask for less of it, or drop another target."
        )
        sentences.append(
            f"{name} gets to {measured[name]:.1f}, not to {targets[name]:g} ({unit}), beside the "
            f"rest that is asked of this face. {advice}"
        )
    return sentences


def gave_way(dials: Dials, held: Mapping[str, float], shown: Mapping[str, float]) -> list[str]:
    """A sentence for each lock that did not hold; `held` and `shown` as for `fell_short`."""
    missed = misses_sd(dials, shown, held)
    return [
        f"{name} is locked at {held[name]:.1f} and came to {shown[name]:.1f} "
        f"({dials.spec(name).unit}): what else is asked takes it along. Ask for less of that."
        for name in held
        if missed[name] > MISS_SD
    ]


def _edited(face: Face) -> set[str]:
    return {edit.dial for edit in face.edits}


def out_of_range(dials: Dials, face: Face, seen: Collection[str] = ()) -> list[str]:
    """A sentence for each edited dial that stands outside the range measured to work.

    Args:
        dials: Of the face's space.
        face: Edited.
        seen: Dials of which the picture has told; their predictions are of no interest.
    """
    if not face.edits:
        return []
    values = dials.read(face.w_plus)
    sentences = []
    for edit in face.edits:
        if not edit.delta or edit.dial in seen:
            continue
        low, high = dials.spec(edit.dial).safe
        value = values[edit.dial]
        if not low <= value <= high:
            sentences.append(
                f"{edit.dial} stands at {value:.1f}, outside {low:.1f} to {high:.1f} "
                f"({dials.spec(edit.dial).unit}), where faces were measured to stay faces."
            )
    return sentences
