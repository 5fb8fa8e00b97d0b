"""Named expressions as readings of the dials, with a strength.

Strength 0 is the face as it is, 1 the whole expression; between them readings go in a straight
line, so "neutral" at 1 is the same neutral whatever the face wore before. Each entry was looked at
on faces that learning never saw; what the dials cannot do believably is listed with the reason
instead of being faked.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from facegen.editing.dials import DialSet
from facegen.errors import UsageError
from facegen.face import Face
from facegen.pose.turn import pose_face


@dataclass(frozen=True)
class Expression:
    """A named expression.

    Attributes:
        name: As on the command line.
        label: What the user reads.
        targets: Dial -> reading at full strength, in the dial's unit.
        missing: Why it is not available; empty if it is.
    """

    name: str
    label: str
    targets: dict[str, float] = field(default_factory=dict)
    missing: str = ""


_ONE_SIDED = "the dials move both sides of the face alike"

# fmt: off
EXPRESSIONS: tuple[Expression, ...] = (
    Expression("neutral", "Neutral", {
        "smile": -1.1, "mouth_open": -0.9, "teeth": -1.1, "frown": 0.3, "eyes_open": 0.0,
        "brow_height": 0.0, "mouth_width": -0.7}),
    Expression("happy", "Happy", {"smile": 1.2, "mouth_width": 0.8, "frown": -0.6}),
    Expression("laugh", "Big laugh", {
        "smile": 1.8, "teeth": 1.6, "mouth_open": 2.2, "frown": -0.6, "mouth_width": 1.4,
        "narrow_eyes": 0.8}),
    Expression("sad", "Sad", {
        "smile": -1.4, "frown": 2.4, "brow_height": 0.5, "arched_brows": -1.5, "eyes_open": -0.5}),
    Expression("angry", "Angry", {
        "smile": -1.2, "frown": 1.8, "brow_height": -2.2, "mouth_open": -0.3}),
    Expression("surprised", "Surprised", {
        "mouth_open": 1.8, "eyes_open": 2.0, "brow_height": 2.2, "mouth_width": -1.2}),
    Expression("eyes_closed", "Eyes closed", {"eyes_open": -3.2}),
    Expression("aaa", "Says aaa", {"mouth_open": 2.6, "smile": 0.5, "mouth_width": 0.0}),
    Expression("eee", "Says eee", {"mouth_width": 1.5, "teeth": 1.8, "mouth_open": 0.8}),
    Expression("ooo", "Says ooo", {"mouth_open": 1.2, "mouth_width": -2.2}),
    Expression("afraid", "Afraid", missing="it comes out as surprise: no dial draws the raised "
               "brows together"),
    Expression("disgusted", "Disgusted", missing="it comes out as anger: no dial wrinkles the "
               "nose or lifts the upper lip"),
    Expression("contempt", "Contempt", missing=_ONE_SIDED),
    Expression("wink_left", "Wink, left", missing=_ONE_SIDED),
    Expression("wink_right", "Wink, right", missing=_ONE_SIDED),
    Expression("kiss", "Kiss", missing="the mouth gets small, but no dial puckers the lips"),
)
# fmt: on
AVAILABLE: tuple[str, ...] = tuple(e.name for e in EXPRESSIONS if not e.missing)
_BY_NAME = {entry.name: entry for entry in EXPRESSIONS}


def expression(name: str) -> Expression:
    """The available expression of this name.

    Raises:
        UsageError: no such expression, or one the dials cannot do; says why.
    """
    found = _BY_NAME.get(name)
    if found is None:
        raise UsageError(f"No expression is called '{name}'; there are {', '.join(AVAILABLE)}.")
    if found.missing:
        raise UsageError(f"The expression '{name}' is not available: {found.missing}.")
    return found


def expression_targets(face: Face, name: str, strength: float = 1.0) -> dict[str, float]:
    """Readings, in the dials' units, of an expression on this face.

    Args:
        face: Whose own readings strength 0 keeps.
        name: Of `AVAILABLE`.
        strength: 0 to 1.

    Raises:
        UsageError: an expression that is not available, or a strength outside 0 to 1.
    """
    found = expression(name)
    if not 0.0 <= strength <= 1.0:
        raise UsageError(f"The strength of an expression is from 0 to 1, got {strength:g}.")
    dials = DialSet.load(face.space)
    own = dials.read(face.w_plus)
    targets = {}
    for dial, full in found.targets.items():
        low, high = dials.spec(dial).safe
        value = own[dial] + strength * (full - own[dial])
        targets[dial] = min(max(value, low), high)
    return targets


def express(
    face: Face,
    name: str,
    strength: float = 1.0,
    *,
    yaw: float | None = None,
    pitch: float | None = None,
    overreach: float = 1.0,
) -> Face:
    """The same person with an expression, and at an absolute pose if asked for.

    Args:
        face: Not changed.
        name: Of `AVAILABLE`.
        strength: 0 (as it is) to 1.
        yaw: Degrees; None keeps the angle.
        pitch: Degrees; None keeps the angle.
        overreach: As of `facegen.pose.turn.pose_face`.

    Raises:
        UsageError, OutOfRangeError: as `expression_targets` and `facegen.pose.turn.pose_face`.
    """
    targets = expression_targets(face, name, strength) if strength else {}
    return pose_face(face, yaw=yaw, pitch=pitch, targets=targets, overreach=overreach)
