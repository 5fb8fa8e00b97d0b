"""Foreground and background of an edit mixed by depth: who is in front, and what was behind.

An edit of a region draws the region with all that the edited latent has there, its background too:
where hair becomes shorter or a face narrower, a rim of another background shows. Here the person of
the edited picture is in front wherever they are nearer than the plane behind
(`facegen.local.depth.PLANE_CM`), and behind them is the background of the picture that is kept,
drawn on over where its person stood.
"""

from __future__ import annotations

from typing import TypeGuard

from facegen.face import Face
from facegen.local.background import SegmentsOf, standing
from facegen.masks import INSIDE
from facegen.operations import ContinueBackground


def mixed(face: Face, segments_of: SegmentsOf) -> Face:
    """A face that keeps its rest, so that its edits uncover the background that is kept.

    Args:
        face: After `facegen.local.edit.LocalEditor.keep`; given back where it keeps nothing, or
            where its region shows nothing but the person.
        segments_of: Sees what is where.
    """
    keep = face.keep
    others = tuple(one for one in face.pixel_operations if one is not keep and not is_mixed_by(one))
    if keep is None or keep.region.is_whole:
        return face.finished(others if keep is None else (keep, *others))
    person = standing(face.w_plus, keep, segments_of)
    if not ((keep.region.values > 0) & (person.values < INSIDE)).any():
        return face.finished((keep, *others))  # Nothing behind them shows in the region.
    put = ContinueBackground.of(
        keep.w_plus,
        person=person,
        latent_person=standing(keep.w_plus, None, segments_of),
        region=keep.region,
    )
    return face.finished((keep, put, *others))


def is_mixed(face: Face) -> bool:
    """Whether edits of a face uncover the background that is kept."""
    return any(is_mixed_by(one) for one in face.pixel_operations)


def mixing_of(face: Face) -> ContinueBackground | None:
    """What `mixed` put, if it put anything."""
    return next((one for one in face.pixel_operations if is_mixed_by(one)), None)


def is_mixed_by(operation: object) -> TypeGuard[ContinueBackground]:
    """Whether an operation is what `mixed` puts."""
    return isinstance(operation, ContinueBackground)
