"""What a changed face wore and stood before, found again in its new picture."""

from __future__ import annotations

from collections.abc import Sequence

from facegen.face import Face
from facegen.local import background, clothes
from facegen.local.background import SegmentsOf
from facegen.operations import Operation, background_among, clothes_among


def again(face: Face, operations: Sequence[Operation], segments_of: SegmentsOf) -> Face:
    """A changed face in the clothes and before the background that it had.

    Args:
        face: After the change.
        operations: Of the face before it.
        segments_of: Sees what is where.
    """
    dressed = clothes.again(face, clothes_among(operations), segments_of)
    return background.again(dressed, background_among(operations), segments_of)


def has_scene(operations: Sequence[Operation]) -> bool:
    """Whether there is anything that `again` finds again."""
    return background_among(operations) is not None or clothes_among(operations) is not None
