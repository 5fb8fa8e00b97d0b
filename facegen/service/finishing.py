"""Winks, gaze and pulled expressions of an opened face, done anew after its dials were moved."""

from __future__ import annotations

import numpy as np

from facegen.face import Face
from facegen.operations import PixelOperation
from facegen.service.render import RenderService


def refit(
    service: RenderService, face: Face, operations: tuple[PixelOperation, ...]
) -> tuple[PixelOperation, ...]:
    """What to do in the picture of a changed face; see `facegen.pose.finish.refitted`.

    Args:
        service: Draws. The instruments must be installed.
        face: The changed face.
        operations: What was done in the picture of the face before.

    Raises:
        FacegenError: the face cannot be drawn, or the instruments cannot be loaded.
    """
    from facegen.measure.measurer import load_watcher
    from facegen.pose.finish import refitted

    watcher = load_watcher()

    def draw(other: Face) -> np.ndarray:
        return service.image(service.request(other.w_plus))

    def find(picture: np.ndarray) -> np.ndarray | None:
        seen = watcher.angles(picture)
        return seen.landmarks if seen is not None and seen.is_sure else None

    return refitted(face, operations, draw=draw, find=find).operations
