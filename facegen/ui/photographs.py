"""The photograph that a visitor has open, and who of it is edited on the Design page.

The photo itself lies on the server's desk (`facegen.service.photo_desk`); a browser session and
its browser know its id alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from facegen.errors import FacegenError
from facegen.face import PHOTOGRAPH, Face, clean_name
from facegen.measure.detector import MEASURE_PX, at_size, load_instruments
from facegen.measure.measurer import SAME_PERSON
from facegen.render_request import RenderRequest
from facegen.service.loading import Backend
from facegen.service.photo_desk import Edit, OpenPhoto
from facegen.service.projecting import Found
from facegen.session.edit_state import EditState
from facegen.session.session import Session
from facegen.ui import browser_state, shared, state_keys

if TYPE_CHECKING:
    from facegen.evaluation.mobilefacenet import MobileFaceNet

PAGE = "photo"
LIKENESS_WORDS = (
    (0.8, "as two photographs of one person"),
    (0.6, "clearly the same person"),
    (0.4, "alike, but not surely the same person"),
    (-1.0, "somebody else"),
)
"""Cosine of MobileFaceNet's descriptors, from so much on: three photographs of one man have 0.80
to 0.83 among themselves, strangers about 0.1."""


STRUCTURE_WORDS = (
    (0.75, "as in the photo"),
    (0.5, "as in the photo, but smoother"),
    (-1.0, "only roughly as in the photo"),
)
"""SSIM inside of the face, from so much on. Chosen, not calibrated: refined photographs have about
0.76, the first look 0.61 (docs/results/photos.md)."""


def take(data: bytes, name: str) -> OpenPhoto:
    """Open a photograph in the place of the one before.

    Raises:
        BadFileError: no photograph.
    """
    made = shared.photo_desk().open(data, name)
    before = current()
    if before is not None and before.presence.leave(browser_state.tab()[0]):
        shared.photo_desk().forget(before.id)  # else another tab of this browser shows it
    for key in (state_keys.PHOTO_SHOWN, state_keys.PHOTO_GONE):
        st.session_state.pop(key, None)
    st.session_state[state_keys.PHOTO] = made.id
    made.presence.look(*browser_state.tab())
    return made


def current() -> OpenPhoto | None:
    """The photo that this visitor has open, who is there."""
    known = st.session_state.get(state_keys.PHOTO)
    if known is None:
        return None
    found = shared.photo_desk().find(known)
    if found is None:
        del st.session_state[state_keys.PHOTO]
        st.session_state[state_keys.PHOTO_GONE] = True
        return None
    found.presence.look(*browser_state.tab())
    return found


def forget() -> None:
    """Forget the photo, with all that came of it but the people who were opened on Design."""
    for key in (state_keys.PHOTO_SHOWN, state_keys.PHOTO_GONE):
        st.session_state.pop(key, None)
    known = st.session_state.pop(state_keys.PHOTO, None)
    if known is not None:
        shared.photo_desk().forget(known)


def face_of(backend: Backend, photo: OpenPhoto, number: int, found: Found) -> Face:
    """Somebody of a photo as a value that can be saved and edited."""
    name = Path(photo.photo.name).stem.replace("_", " ")
    if photo.faces and len(photo.faces) > 1:
        name = f"{name}, face {number + 1}"
    return Face(
        found.w_plus, found.w_plus, space=backend.generator.space, model=backend.generator.model,
        source=PHOTOGRAPH, name=clean_name(name),
    )  # fmt: skip


def person_of(session: Session, found: Found) -> EditState | None:
    """The newest state of somebody of a photo who was opened on Design; None if nobody was."""
    for state in session.history.recent:
        origin = state.subject.origin
        if origin is not None and np.array_equal(origin, found.w_plus):
            return state
    return None


def edit(backend: Backend, session: Session, photo: OpenPhoto, number: int, found: Found) -> None:
    """Go on with somebody of a photo on Design, as they were left there."""
    state = person_of(session, found)
    if state is None:
        session.open_face(face_of(backend, photo, number, found))
    else:
        session.switch_to(state.subject.uid)


def edited(
    backend: Backend, session: Session, photo: OpenPhoto
) -> dict[int, tuple[Found, RenderRequest]]:
    """Number of a face -> who was found there and the edited picture, for those edited since."""
    changed = {}
    for number, found in photo.found.items():
        state = person_of(session, found)
        if state is None:
            continue
        request = backend.request(session, replace(state, behind=None))
        if request.digest != backend.service.request(found.w_plus).digest:
            changed[number] = found, request
    return changed


def edits(backend: Backend, changed: Mapping[int, tuple[Found, RenderRequest]]) -> list[Edit]:
    """What `edited` names, drawn."""
    return [
        Edit(number, backend.service.image(request), found.image, request.digest)
        for number, (found, request) in changed.items()
    ]


def belongs(session: Session) -> bool:
    """Whether the current person is somebody of the photo that is open."""
    origin, photo = session.state.subject.origin, current()
    if photo is None or origin is None:
        return False
    return any(np.array_equal(origin, found.w_plus) for found in photo.found.values())


def words_of(found: Found) -> list[str]:
    """How near somebody comes to their photo, a line each; empty where nothing was measured."""
    lines, numbers = [], found.numbers
    if "identity" in numbers:
        lines.append(f"Likeness {_word(numbers['identity'], LIKENESS_WORDS)}")
    elif "distance" in numbers:
        is_one = "one person" if numbers["distance"] < SAME_PERSON else "two people"
        lines.append(
            f"Distance {numbers['distance']:.2f}: dlib, which also guides the search, takes the "
            f"two for {is_one}"
        )
    if "structure" in numbers:
        lines.append(f"Structure {_word(numbers['structure'], STRUCTURE_WORDS)}")
    if "pixels" in numbers:
        lines.append(f"Colours off by {numbers['pixels']:.0f} of 255 levels in the face")
    return lines


def _word(value: float, words: Sequence[tuple[float, str]]) -> str:
    return f"{value:.2f}: {next(word for least, word in words if value >= least)}"


def judge(photograph: np.ndarray, rendition: np.ndarray) -> dict[str, float]:
    """How near a picture comes to a photograph as a person: uint8 [S, S, 3] each.

    "identity", the cosine of MobileFaceNet's descriptors, where that judge was fetched; else
    "distance", of dlib's. Nothing where no face is seen.
    """
    pictures = [at_size(image, MEASURE_PX) for image in (photograph, rendition)]
    found = [load_instruments().detect(picture) for picture in pictures]
    seen = [(picture, one) for picture, one in zip(pictures, found, strict=True) if one is not None]
    if len(seen) < len(pictures):
        return {}
    net = _second_judge()
    if net is None:
        a, b = (one.descriptor for _, one in seen)
        return {"distance": float(np.linalg.norm(a - b))}
    a, b = (net.identity(picture, one.landmarks) for picture, one in seen)
    return {"identity": float(a @ b)}


@cache
def _second_judge() -> MobileFaceNet | None:
    from facegen.evaluation.mobilefacenet import MobileFaceNet

    try:
        return MobileFaceNet()
    except FacegenError:
        return None
