"""A saved face as this program goes on with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from facegen.face import Face
from facegen.operations import (
    Background,
    Clothes,
    Operation,
    background_among,
    clothes_among,
)
from facegen.protocols import Dials, Maps
from facegen.session.behind import Behind
from facegen.session.edit_state import (
    SAME_LATENT,
    Deltas,
    EditState,
    Subject,
    clean_psi,
    corrections_of,
    from_face,
    without,
)
from facegen.session.finishes import beside_dials
from facegen.session.painting import NOTHING, Painting
from facegen.session.worn import Worn

if TYPE_CHECKING:
    from facegen.session.session import Session


@dataclass(frozen=True, eq=False)
class _Opened:
    """A saved face, read.

    Attributes:
        face: As it was saved.
        base: Its latent before any dial, [18, 512], read-only.
        psi: Its truncation.
        deltas: Its dials.
        keeps_rest: Whether they change their own regions alone.
        painting: The region that the file tells.
        operations: What was done beside moving dials, and is done again.
    """

    face: Face
    base: np.ndarray
    psi: float
    deltas: Deltas
    keeps_rest: bool
    painting: Painting
    operations: tuple[Operation, ...]


def opened_state(session: Session, face: Face, faces: Maps, *, is_eased: bool = False) -> EditState:
    """The state in which a saved face is gone on with.

    Args:
        session: Of the visitor.
        face: As it was saved.
        faces: The network.
        is_eased: Whether it was changed since.
    """
    opened = _read(session, face)
    subject = _known(session, opened) or _enter(session, opened, faces)
    corrections = corrections_of(face, opened.deltas)
    background = background_among(face.operations)
    behind = None
    if background is not None:
        behind = Behind.of_file(background, is_as_saved=not is_eased)
    clothes, worn = clothes_among(face.operations), None
    if clothes is not None:
        worn = Worn(clothes.clothing, None, clothes, is_as_saved=not is_eased)
    return EditState(
        subject, opened.psi, opened.deltas, corrections, opened.keeps_rest, opened.painting, behind,
        worn,
    )  # fmt: skip


def _read(session: Session, face: Face) -> _Opened:
    """Read a saved face; see `facegen.session.edit_state.from_face`.

    A picture of which the rest was kept, as this program keeps it, goes on with its dials; one of
    which it was kept in another way is shown as it was saved, and its dials start anew.
    """
    base, deltas = from_face(face, session.dials, session.limits)
    keeps_rest, painting = session.keeps_rest, NOTHING
    operations = tuple(e for e in beside_dials(face) if not isinstance(e, Background | Clothes))
    if deltas and _is_kept_so(face, base, deltas, session.dials, session.regions):
        assert face.keep is not None
        keeps_rest, painting = True, Painting(exact=face.keep.region)
        operations = tuple(entry for entry in operations if entry is not face.keep)
    elif deltas and face.keep is not None:
        base, deltas = face.w_plus, ()
    elif deltas:
        keeps_rest = False
    return _Opened(face, base, clean_psi(face.psi), deltas, keeps_rest, painting, operations)


def _known(session: Session, opened: _Opened) -> Subject | None:
    """The earlier subject of a base, if there is one: they come back as themselves."""
    for state in session.history.recent:
        subject = state.subject
        is_same = subject.psi == opened.psi and subject.operations == opened.operations
        if is_same and np.array_equal(session.base(replace(state, psi=opened.psi)), opened.base):
            return subject
    return None


def _enter(session: Session, opened: _Opened, faces: Maps) -> Subject:
    """Somebody new, who came with a file."""
    face, psi, seed = opened.face, opened.psi, opened.face.seed
    name = face.name or ("Unnamed" if seed is None else f"Unnamed {seed:04d}")
    is_of_seed = seed is not None and np.array_equal(faces.w_from_seed(seed, psi), opened.base)
    subject = session.people.enter(name, seed, psi, None if is_of_seed else opened.base)
    return replace(subject, operations=opened.operations, finished=face.w_plus, source=face.source)


def _is_kept_so(
    face: Face, base: np.ndarray, deltas: Deltas, dials: Dials, regions: Collection[str]
) -> bool:
    """Whether what a face keeps is what is kept here with these dials."""
    if face.keep is None:
        return False
    others: Mapping[str, float] = dict(without(deltas, regions))
    rest = dials.apply(base, others) if others else base
    return bool(np.allclose(rest, face.keep.w_plus, rtol=0.0, atol=SAME_LATENT))
