"""The buttons under the face: new person, seed, undo and redo, presets, save, open, more."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from facegen.errors import FacegenError
from facegen.face import Face
from facegen.files import file_stem
from facegen.formats.sniff import FACES, Kind, require_kind
from facegen.images import PICTURE_KINDS, PICTURE_SIZES, at_edge
from facegen.latents import MAX_SEED
from facegen.service.loading import Backend
from facegen.session.easing import eased_face
from facegen.session.edit_state import parse_seed
from facegen.session.session import Session
from facegen.ui import browser_state, kept_people, photographs, state_keys
from facegen.ui.components import messages, presets_menu, view

_log = logging.getLogger(__name__)

NOT_KEPT = (
    "This network cannot keep the rest of a picture, so all of this face looks as its dials make "
    "it. What was kept stays in the file; another network shows it."
)


def place() -> DeltaGenerator:
    """Give the row of buttons its place on the page: Tab comes to it here."""
    return st.container(key="fg_toolbar", horizontal=True, vertical_alignment="center")


def show(row: DeltaGenerator, backend: Backend, session: Session) -> None:
    """Draw the buttons into their row."""
    with row:
        st.button(
            "New person",
            key="new",
            type="primary",
            icon=":material/casino:",
            shortcut="N",
            help="Meet somebody who has never existed. Key: N",
            on_click=lambda: _new_person(session, ""),
        )
        view.seed_box(
            session.state.subject.seed,
            number=st.session_state.get(state_keys.PRESSED, 0),
            key="fg_seed",
            on_press=lambda: None,
        )
        with st.container(key="fg_steps", horizontal=True):
            st.button(
                "Undo",
                key="undo",
                type="tertiary",
                icon=":material/undo:",
                shortcut="Z",
                help="Take the last change back. Key: Z",
                disabled=not session.history.can_undo,
                on_click=lambda: _undo(session, ""),
            )
            st.button(
                "Redo",
                key="redo",
                type="tertiary",
                icon=":material/redo:",
                shortcut="Shift+Z",
                help="Make the change again. Keys: Shift and Z",
                disabled=not session.history.can_redo,
                on_click=lambda: _redo(session, ""),
            )
        presets_menu.show(backend, session)
        _put_back(session)
        _star(backend, session)
        _save(backend, session)
        _open(backend, session)
        _more(backend, session)


def _new_person(session: Session, text: str) -> None:
    session.new_person(browser_state.fresh_seed(session))


def _undo(session: Session, text: str) -> None:
    session.undo()


def _redo(session: Session, text: str) -> None:
    session.redo()


def _seed_typed(session: Session, text: str) -> None:
    if not text.strip():  # An emptied box is filled again with the current seed.
        return
    seed = parse_seed(text.strip())
    if seed is None:
        messages.notify(f"A seed is a whole number from 0 to {MAX_SEED}. The face stays.")
    elif seed != session.state.subject.seed:
        session.new_person(seed)


SAVED_AS = {".png": "PNG", ".jpg": "JPEG", ".webp": "WebP"}
"""Ending -> what the menu calls it."""

PRESSES: dict[str, Callable[[Session, str], None]] = {
    "new": _new_person,
    "undo": _undo,
    "redo": _redo,
    "seed": _seed_typed,
}


def take_presses(session: Session, event: object) -> None:
    """Do what was pressed in the browser since the last run, in its order.

    Args:
        session: Of the visitor.
        event: What the trigger `press` of the seed's box carries.
    """
    done = st.session_state.get(state_keys.PRESSED, 0)
    for press in view.read_presses(event, known=PRESSES):
        if press.number > done:
            st.session_state[state_keys.PRESSED] = done = press.number
            PRESSES[press.what](session, press.text)


def _put_back(session: Session) -> None:
    """For somebody of the photo that is open."""
    if photographs.belongs(session) and st.button(
        "Back to the photo",
        key="put_back",
        icon=":material/add_photo_alternate:",
        help="See what you changed in the photo itself, and download it.",
    ):
        st.session_state[state_keys.GO_TO] = photographs.PAGE
        st.rerun()


def _star(backend: Backend, session: Session) -> None:
    if not kept_people.is_on():
        return
    person = kept_people.current(session)
    is_favourite = person is not None and person.is_favourite
    st.button(
        "★ Kept" if is_favourite else "☆ Keep",
        key="star",
        type="tertiary",
        shortcut="F",
        help="Take the star away; they stay in the library until you remove them there. Key: F"
        if is_favourite
        else "Keep this person in the library of this machine, with all steps. Key: F",
        on_click=lambda: kept_people.star(backend, session),
    )


def _save(backend: Backend, session: Session) -> None:
    def png() -> bytes:
        picture = backend.service.with_alpha(backend.request(session))
        return backend.face(session).to_png(picture)

    st.download_button(
        "Save",
        data=png,
        file_name=f"{file_stem(session.name)}.png",
        mime="image/png",
        key="save",
        icon=":material/download:",
        shortcut="S",
        on_click="ignore",
        help="Save the picture at full size. The face itself is inside the file: open it here "
        "again and go on. Key: S",
    )


def _save_as(backend: Backend, session: Session) -> None:
    """The picture in a format and size to choose."""
    full = backend.generator.img_resolution
    with st.container(key="fg_save_as", horizontal=True, vertical_alignment="bottom"):
        ending = st.selectbox(
            "Picture as",
            SAVED_AS,
            key="save_format",
            format_func=SAVED_AS.get,
            help="The face is inside of each: open the file here again and go on.",
        )
        sizes = [None, *sorted((size for size in PICTURE_SIZES if size < full), reverse=True)]
        edge = st.selectbox(
            "Size",
            sizes,
            key="save_size",
            format_func=lambda size: f"{size} px" if size else "Full size",
        )

    def picture() -> bytes:
        whole = backend.service.with_alpha(backend.request(session))
        return backend.face(session).to_picture(at_edge(whole, edge), PICTURE_KINDS[ending])

    st.download_button(
        "Save this picture",
        data=picture,
        file_name=f"{file_stem(session.name)}{ending}",
        mime=f"image/{SAVED_AS[ending].lower()}",
        key="save_as",
        on_click="ignore",
        width="stretch",
    )


def _open(backend: Backend, session: Session) -> None:
    count = st.session_state.get(state_keys.FACES_OPENED, 0)
    key = f"fg_open_{count}"

    def opened() -> None:
        upload = st.session_state.get(key)
        if upload is None:
            return
        st.session_state[state_keys.FACES_OPENED] = count + 1
        open_bytes(backend, session, upload.getvalue(), upload.name)

    st.file_uploader(
        "Open",
        key=key,
        label_visibility="collapsed",
        help="Open a face saved here, or a public StyleGAN latent. You can also drop the file "
        "on the page.",
        on_change=opened,
    )


def open_bytes(backend: Backend, session: Session, data: bytes, name: str) -> None:
    """Go on with the face in a file, or say why not.

    Presets are added to the visitor's; a photograph is shown on its own page.
    """
    try:
        accepted = FACES | {Kind.PRESETS, Kind.PHOTOGRAPH}
        kind = require_kind(data, name, accepted, wanted="a face")
        if kind is Kind.PRESETS:
            presets_menu.take_file(session, data, name)
            return
        if kind is Kind.PHOTOGRAPH:
            photographs.take(data, name)
            st.session_state[state_keys.GO_TO] = photographs.PAGE
            return
        face = Face.from_bytes(data, name=name)
        face.require_space(session.space)
        face, eased = eased_face(face, session.dials, backend.generator.w_avg, session.table)
        session.open_face(face, is_eased=bool(eased))
        if face.keep is not None and not backend.can_keep:
            eased = f"{eased} {NOT_KEPT}".strip()
        if eased:
            messages.notify_eased(eased)
    except FacegenError as err:
        messages.notify(str(err))
    except Exception:
        _log.exception("A file could not be opened.")
        messages.notify(f"{name} could not be opened. Is it a face that was saved here?")


def _more(backend: Backend, session: Session) -> None:
    with st.popover(
        "More",
        icon=":material/more_horiz:",
        help="Name, other pictures, latent file, numbers for experts",
    ):
        name_key = f"name_{session.state.subject.uid}"
        # Set anew in every run: one that is begun again would leave the box empty.
        st.session_state[name_key] = session.name
        st.text_input(
            "Name",
            key=name_key,
            max_chars=60,
            help="Saved with the face.",
            on_change=lambda: session.rename(st.session_state[name_key]),
        )
        _save_as(backend, session)
        st.download_button(
            "Save the latent alone (.npz)",
            data=lambda: backend.face(session).to_npz(),
            file_name=f"{file_stem(session.name)}.npz",
            mime="application/octet-stream",
            key="save_npz",
            on_click="ignore",
            width="stretch",
        )
        with st.expander("For experts"):
            w_plus, base = session.w_plus(), session.base()
            generator = backend.generator
            st.markdown(
                f"- model `{generator.model}`, engine `{generator.engine_name}`\n"
                f"- space `{generator.space}`, w+ {w_plus.shape[0]}×{w_plus.shape[1]}\n"
                f"- psi {session.state.psi:g}, seed {session.state.subject.seed}\n"
                f"- |w+ − start| {np.sqrt(np.mean((w_plus - base) ** 2)):.3f} (rms per value)\n"
                f"- fingerprint `{backend.request(session).digest}`"
            )
