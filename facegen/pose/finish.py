"""What is done in a picture after it is drawn, planned on the picture: gaze, expressions, motion.

Planning finds landmarks with the instruments and gives operations that hold them; doing these
(`facegen.retouch.apply`) needs no instrument and gives the same pixels everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.errors import FacegenError
from facegen.face import Face
from facegen.operations import (
    LANDMARK_OPERATIONS,
    Background,
    CloseEye,
    Clothes,
    ContinueBackground,
    KeepRest,
    PixelOperation,
    PullPoints,
    RaiseEyes,
    TurnEyes,
    points_of,
)
from facegen.pose.expressions import Draw, Find, express, expression
from facegen.retouch.apply import apply
from facegen.retouch.eyes import raise_eyes, turn_eyes

PLANNED = (KeepRest, ContinueBackground, Clothes, Background)
"""What is planned anew for each picture, elsewhere."""


@dataclass(frozen=True, eq=False)
class Finish:
    """What came of planning.

    Attributes:
        image: The picture, uint8 [H, H, 3].
        operations: What was done in it, in order.
        is_done: Whether the landmarks allowed all that was asked for.
    """

    image: np.ndarray
    operations: tuple[PixelOperation, ...] = ()
    is_done: bool = True

    def add(self, operation: PixelOperation | None, image: np.ndarray | None) -> Finish:
        """With one more operation, and the picture after it; without one, it could not be done."""
        if operation is None or image is None:
            return replace(self, is_done=False)
        return Finish(image, (*self.operations, operation), self.is_done)


def plan_gaze(
    start: Finish, find: Find, *, gaze: float | None = None, gaze_up: float | None = None
) -> Finish:
    """Let the eyes look somewhere.

    Args:
        start: What was done before.
        find: Finds landmarks.
        gaze: Degrees to the picture's right; None leaves the eyes.
        gaze_up: Degrees further up; None or 0 leaves them.

    Raises:
        UsageError: angles that eyes cannot take.
    """
    for degrees, kind, move in (
        (gaze, TurnEyes, turn_eyes),
        (gaze_up or None, RaiseEyes, raise_eyes),
    ):
        if degrees is None:
            continue
        landmarks = find(start.image)
        moved = None if landmarks is None else move(start.image, landmarks, degrees)
        wanted = None if landmarks is None else kind(degrees, points_of(landmarks))
        start = start.add(wanted, moved)
    return start


def plan_expression(
    start: Finish,
    face: Face,
    dials: DialSet,
    name: str,
    strength: float,
    *,
    draw: Draw,
    find: Find,
) -> Finish:
    """Finish the picture of an expression.

    Args:
        start: What was done before.
        face: What `express` made.
        dials: Of its space.
        name: Of `facegen.pose.expressions.AVAILABLE`; one that needs no finish changes nothing.
        strength: 0 to 1.
        draw: Draws what the network draws of a face; a wink needs it with both eyes closed.
        find: Finds landmarks.

    Raises:
        UsageError: an expression that is not available.
    """
    wanted = expression(name)
    if not wanted.is_retouched or not strength:
        return start
    landmarks = find(start.image)
    if landmarks is None:
        return start.add(None, None)
    points = points_of(landmarks)
    if wanted.winks:
        wink, lids = _wink(face, dials, wanted.winks, strength, landmarks, draw=draw, find=find)
        start = start.add(wink, apply([wink], start.image, lambda _: lids))
    pulls = tuple(astuple(pull) for pull in wanted.pulls)
    pull = PullPoints(pulls, strength, points)
    return start.add(pull, apply([pull], start.image))


def _wink(
    face: Face,
    dials: DialSet,
    side: str,
    strength: float,
    landmarks: np.ndarray,
    *,
    draw: Draw,
    find: Find,
) -> tuple[CloseEye, np.ndarray]:
    """A wink, and the picture whose lids it takes."""
    closed = express(face, dials, "eyes_closed", strength)
    lids = draw(closed)
    found = find(lids)
    there = landmarks if found is None else found
    latent = closed.w_plus.astype("<f4").tobytes()
    return CloseEye(side, points_of(landmarks), latent, points_of(there), strength), lids


def refitted(
    face: Face,
    dials: DialSet,
    operations: Sequence[PixelOperation],
    *,
    draw: Draw,
    find: Find,
) -> Finish:
    """Do in the picture of a changed face what was done in the one before.

    Args:
        face: The face after the change.
        dials: Of its space.
        operations: Of the face before it.
        draw: Draws what the network draws of a face.
        find: Finds landmarks.

    Returns:
        What was done; without what landmarks no longer allow.
    """
    done = Finish(draw(face))
    for operation in operations:
        if isinstance(operation, PLANNED):  # for the picture before
            done = done.add(None, None)
        elif isinstance(operation, LANDMARK_OPERATIONS):
            done = _again(done, face, dials, operation, draw=draw, find=find)
        else:
            done = done.add(operation, apply([operation], done.image))
    return done


def _again(
    done: Finish,
    face: Face,
    dials: DialSet,
    operation: PixelOperation,
    *,
    draw: Draw,
    find: Find,
) -> Finish:
    landmarks = find(done.image)
    if landmarks is None:
        return done.add(None, None)
    if isinstance(operation, TurnEyes):
        return plan_gaze(done, lambda _: landmarks, gaze=operation.degrees)
    if isinstance(operation, RaiseEyes):
        return plan_gaze(done, lambda _: landmarks, gaze_up=operation.degrees)
    if isinstance(operation, CloseEye):
        try:
            wink, lids = _wink(
                face, dials, operation.side, operation.strength, landmarks, draw=draw, find=find
            )
        except FacegenError:  # this face's eyes do not close that far
            return done.add(None, None)
        return done.add(wink, apply([wink], done.image, lambda _: lids))
    assert isinstance(operation, PullPoints)
    pull = replace(operation, landmarks=points_of(landmarks))
    return done.add(pull, apply([pull], done.image))
