"""Winks, gaze and pulled expressions of an opened face, done anew after its dials were moved."""

from __future__ import annotations

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.face import Face
from facegen.operations import PixelOperation
from facegen.service.render import RenderService


def refit(
    service: RenderService, dials: DialSet, face: Face, operations: tuple[PixelOperation, ...]
) -> tuple[PixelOperation, ...]:
    """What to do in the picture of a changed face; see `facegen.pose.finish.refitted`.

    Args:
        service: Draws. The instruments must be installed.
        dials: Of the face's space.
        face: The changed face.
        operations: What was done in the picture of the face before.

    Raises:
        FacegenError: the face cannot be drawn, or the instruments cannot be loaded.
    """
    from facegen.measure.measurer import load_measurer
    from facegen.pose.finish import refitted

    def draw(other: Face) -> np.ndarray:
        return service.image(service.request(other.w_plus))

    find = load_measurer().find_landmarks
    return refitted(face, dials, operations, draw=draw, find=find).operations
