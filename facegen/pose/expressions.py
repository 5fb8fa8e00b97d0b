"""Named expressions as readings of the dials, with a strength; some are finished in the picture.

Strength 0 is the face as it is, 1 the whole expression; between them readings are interpolated
linearly, so "neutral" at 1 is the same neutral whatever expression the face had before. Each entry
was looked at on faces that were not used for learning; what does not look believable is listed with
the reason instead. Many are finished in the picture (`facegen.pose.finish`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.errors import UsageError
from facegen.face import Face
from facegen.pose.head_pose import pose_face
from facegen.retouch.warp import (
    Pull,
    brows,
    corners,
    drop_jaw,
    lifted_corner,
    part_lips,
    purse,
    upper_lids,
)

Draw = Callable[[Face], np.ndarray]
"""Face -> uint8 [H, H, 3], always of the same size."""
Find = Callable[[np.ndarray], "np.ndarray | None"]
"""Picture -> landmarks [68, 2] in fractions of the edge; None if no face is seen."""
CLOSED_EYES = -3.2


@dataclass(frozen=True)
class Expression:
    """A named expression.

    Attributes:
        name: As on the command line.
        label: What the user reads.
        targets: Dial -> reading at full strength, in the dial's unit.
        at_least: The same, for dials that are only raised.
        winks: "left" or "right": the eye of the picture that closes.
        pulls: What is pulled at in the picture.
        missing: Why it is not available; empty if it is.
    """

    name: str
    label: str
    targets: dict[str, float] = field(default_factory=dict)
    at_least: dict[str, float] = field(default_factory=dict)
    winks: str = ""
    pulls: tuple[Pull, ...] = ()
    missing: str = ""

    @property
    def is_retouched(self) -> bool:
        """Whether the picture is worked on after it is drawn."""
        return bool(self.winks or self.pulls)


_WINK = {"smile": 0.0, "eyes_open": 0.0}
_CALM = {"smile": -1.1, "mouth_open": -0.9, "eyes_open": 0.0, "frown": 0.1}

# fmt: off
EXPRESSIONS: tuple[Expression, ...] = (
    Expression("neutral", "Neutral", {
        "smile": -1.1, "mouth_open": -0.9, "frown": 0.1, "eyes_open": 0.0, "brow_height": 0.0,
        "narrow_eyes": -0.2}),
    Expression("happy", "Happy", {"smile": 1.2, "mouth_width": 0.8, "frown": -0.6}),
    Expression("laugh", "Big laugh", {
        "smile": 1.6, "teeth": 1.6, "mouth_open": 2.6, "frown": -0.6, "mouth_width": 1.0},
        pulls=drop_jaw(0.05)),
    Expression("sad", "Sad", _CALM, pulls=(*brows(0.1, -0.03), *corners(-0.08))),
    Expression("angry", "Angry", {
        "smile": -0.8, "frown": 1.2, "mouth_open": 0.8, "teeth": 0.6},
        pulls=brows(-0.06, 0.03, -0.025)),
    Expression("surprised", "Surprised", {
        "smile": -0.8, "mouth_open": 1.0, "eyes_open": 3.0, "brow_height": 1.6, "frown": 0.7},
        pulls=(*upper_lids(0.03), *brows(0.03, 0.05), *purse(0.08, 0.06), *drop_jaw(0.04))),
    Expression("afraid", "Afraid", {
        "mouth_open": 1.0, "eyes_open": 2.4, "smile": -0.8, "brow_height": 1.0},
        pulls=(*upper_lids(0.05), *brows(0.1, 0.0, -0.03), *corners(0.0, 0.06))),
    Expression("eyes_closed", "Eyes closed", {"eyes_open": CLOSED_EYES}),
    Expression("aaa", "Says aaa", {"mouth_open": 1.7, "smile": -0.8}, pulls=drop_jaw(0.06)),
    Expression("eee", "Says eee", {"mouth_width": 0.8, "teeth": 1.4, "mouth_open": 0.5},
               pulls=(*corners(0.0, 0.05), *part_lips(0.04))),
    Expression("ooo", "Says ooo", {"mouth_open": 0.5, "smile": -0.5}, pulls=purse(0.12, 0.03)),
    Expression("disgusted", "Disgusted", missing="no dial wrinkles the nose, and a pulled upper "
               "lip was named so on 7 of 10 faces and looked wrong on all of them"),
    Expression("contempt", "Contempt", {"smile": -0.9, "mouth_open": -0.8},
               pulls=lifted_corner("right")),
    Expression("wink_left", "Wink, left", at_least=_WINK, winks="left",
               pulls=lifted_corner("left")),
    Expression("wink_right", "Wink, right", at_least=_WINK, winks="right",
               pulls=lifted_corner("right")),
    Expression("kiss", "Kiss", _CALM, pulls=purse(0.12, 0.025)),
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


def expression_targets(
    face: Face, dials: DialSet, name: str, strength: float = 1.0
) -> dict[str, float]:
    """Readings, in the dials' units, of an expression on this face.

    Args:
        face: Whose own readings strength 0 keeps.
        dials: Of its space.
        name: Of `AVAILABLE`.
        strength: 0 to 1.

    Raises:
        UsageError: an expression that is not available, or a strength outside 0 to 1.
    """
    found = expression(name)
    if not 0.0 <= strength <= 1.0:
        raise UsageError(f"The strength of an expression is from 0 to 1, got {strength:g}.")
    own = dials.read(face.w_plus)
    targets = {}
    for dial, full in found.targets.items():
        low, high = dials.spec(dial).safe
        value = own[dial] + strength * (full - own[dial])
        targets[dial] = min(max(value, low), high)
    for dial, full in found.at_least.items():
        if own[dial] < full:
            targets[dial] = own[dial] + strength * (full - own[dial])
    return targets


def express(
    face: Face,
    dials: DialSet,
    name: str,
    strength: float = 1.0,
    *,
    yaw: float | None = None,
    pitch: float | None = None,
) -> Face:
    """The same person with an expression, and at an absolute pose if asked for.

    Args:
        face: Not changed.
        dials: Of its space.
        name: Of `AVAILABLE`.
        strength: 0 (as it is) to 1.
        yaw: Degrees; None keeps the angle.
        pitch: Degrees; None keeps the angle.

    Raises:
        UsageError, OutOfRangeError: as `expression_targets` and `facegen.pose.head_pose.pose_face`.
    """
    targets = expression_targets(face, dials, name, strength) if strength else {}
    return pose_face(face, dials, yaw=yaw, pitch=pitch, targets=targets)
