"""The page "Photo": somebody on a photograph becomes a face, and what is changed goes back into it.

While a person is being found, the page is a fragment that looks at the job again and again; see
`facegen.service.projecting`. Nothing of a photograph is written anywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import streamlit as st

from facegen.errors import FacegenError
from facegen.files import file_stem
from facegen.formats.sniff import FACES, Kind, sniff
from facegen.images import encode_jpeg, shrunk
from facegen.photos.save import METADATA, Metadata, encode_photo
from facegen.service.loading import Backend
from facegen.service.photo_desk import OpenPhoto
from facegen.service.projecting import (
    SHOWN_PX,
    STOPPED_EARLY,
    Found,
    ProjectionJob,
    steps_for,
)
from facegen.session.session import Session
from facegen.ui import browser_state, photographs, shared, state_keys
from facegen.ui.components import messages, photo_view, toolbar, view

_log = logging.getLogger(__name__)

POLL_SECONDS = 0.6
STAGE = "fg_photo_view"
PHOTO, LIKENESS, EDITED = "Photo", "Likeness", "Edited"
CLOSENESS = {"Quick": 16, "Close": 40}
"""What is chosen -> steps."""
KINDS = {"JPEG": (".jpg", "image/jpeg"), "PNG": (".png", "image/png")}
METADATA_WORDS: dict[Metadata, str] = {
    "no-location": "All but place and owner",
    "all": "All of it",
    "none": "Nothing",
}
WHAT_IT_IS = (
    "Choose a photo of somebody. The person on it becomes a face like any other here: you turn its "
    "dials, and what you change goes back into the photo."
)
CONSENT = (
    "Only photos of yourself or of people who agreed, and never to pass somebody off as another. "
    "The photo stays in this machine's memory: it is written nowhere, and gone when you close the "
    "page or forget it."
)
GONE = "The photo that was open is gone with the page that had it; choose it again."


def page(backend: Backend, show_design: Callable[[], None]) -> None:
    """Draw the page.

    Args:
        backend: What draws.
        show_design: Goes to the Design page.
    """
    session = browser_state.session(backend)
    with st.container(key="fg_photo"):
        st.html(f"<style>{view.asset('photo_page.css')}</style>")
        photo = photographs.current()
        if photo is None:
            _welcome(backend, session)
        elif _has_faces(photo):
            if photo.running is not None:
                _live(backend, session, photo, show_design)
            else:
                _draw(backend, session, photo, show_design)
    messages.show_notices()


# -- opening a photo ------------------------------------------------------------------------------


def _welcome(backend: Backend, session: Session) -> None:
    with st.container(key="fg_photo_welcome"):
        st.title("Photo")
        if st.session_state.get(state_keys.PHOTO_GONE):
            st.info(GONE, icon=":material/info:")
        st.markdown(WHAT_IT_IS)
        _file(backend, session)
        _camera(backend, session)
        st.caption(CONSENT)
    photo_view.show(None, key=STAGE)


def _file(backend: Backend, session: Session) -> None:
    count = st.session_state.get(state_keys.PHOTOS_OPENED, 0)
    key = f"fg_photo_file_{count}"
    st.file_uploader(
        "Choose a photo, drop it anywhere on the page, or paste it",
        key=key,
        max_upload_size=photo_view.MAX_MB,
        on_change=lambda: _opened(backend, session, key),
        help="JPEG, PNG, WebP, AVIF or HEIC.",
    )


def _camera(backend: Backend, session: Session) -> None:
    if not st.session_state.get(state_keys.PHOTO_CAMERA):
        if st.button("Use the camera", key="photo_camera", icon=":material/photo_camera:"):
            st.session_state[state_keys.PHOTO_CAMERA] = True
            st.rerun()
        return
    key = f"fg_photo_camera_{st.session_state.get(state_keys.PHOTOS_OPENED, 0)}"
    st.camera_input(
        "Look into the camera", key=key, on_change=lambda: _opened(backend, session, key)
    )


def _opened(backend: Backend, session: Session, key: str) -> None:
    """Take what was chosen: a photo, or a face that was saved here."""
    upload = st.session_state.get(key)
    if upload is None:
        return
    state = st.session_state
    state[state_keys.PHOTOS_OPENED] = state.get(state_keys.PHOTOS_OPENED, 0) + 1
    state.pop(state_keys.PHOTO_CAMERA, None)
    data, name = upload.getvalue(), upload.name
    try:
        if sniff(data, name) in FACES | {Kind.PRESETS}:
            toolbar.open_bytes(backend, session, data, name)
            state[state_keys.GO_TO] = ""
        else:
            photographs.take(data, name)
    except FacegenError as err:
        messages.notify(str(err))
    except Exception:
        _log.exception("A photo could not be opened.")
        messages.notify(f"{name} could not be opened. Is it a photo?")


def _has_faces(photo: OpenPhoto) -> bool:
    """Whether its faces were looked for; does so, once that is possible."""
    if photo.faces is not None:
        return True
    measuring = shared.measuring()
    measuring.start()
    if not measuring.is_ready and measuring.wait:
        _waiting()
        return False
    with st.spinner("Looking for faces …"):
        try:
            photo.look()
        except FacegenError as err:
            photo.problem, photo.faces = str(err), []
        except Exception:
            _log.exception("Faces could not be looked for.")
            photo.problem, photo.faces = messages.SORRY, []
    return True


@st.fragment(run_every=POLL_SECONDS)
def _waiting() -> None:
    measuring = shared.measuring()
    if measuring.is_ready or not measuring.wait:
        st.rerun()
    st.html('<div class="fg-busy"><i></i></div>')
    st.caption("Getting ready to find faces. Only the first time this may take a while.")


# -- a photo that is open -------------------------------------------------------------------------


@st.fragment(run_every=POLL_SECONDS)
def _live(
    backend: Backend, session: Session, photo: OpenPhoto, show_design: Callable[[], None]
) -> None:
    if photo.running is None:
        st.rerun()
    with messages.guarded():
        _draw(backend, session, photo, show_design)


def _draw(
    backend: Backend, session: Session, photo: OpenPhoto, show_design: Callable[[], None]
) -> None:
    number = photo_view.picked(STAGE)
    if number is not None and photo.running is None:
        photo.choose(number)
        st.session_state.pop(state_keys.PHOTO_SHOWN, None)
    running = photo.running
    if running is None:
        _put_back(backend, session, photo)
    stage, beside = st.columns([5, 3], gap="large")
    with beside, st.container(key="fg_photo_beside"):
        shown = _choice(photo)
        if photo.problem:
            st.warning(messages.plain(photo.problem), icon=":material/info:")
        elif running is not None:
            _progress(running)
        else:
            _person(backend, session, photo, show_design)
        if running is None:
            _other_photo(backend, session)
    with stage:
        _stage(photo, shown)


def _put_back(backend: Backend, session: Session, photo: OpenPhoto) -> None:
    """Show what was edited since in the photo itself."""
    changed = photographs.edited(backend, session, photo)
    key = tuple((number, request.digest) for number, (_, request) in changed.items())
    if not changed:
        photo.edited = None
    elif photo.edited is None or photo.edited.key != key:
        with st.spinner("Putting it back into the photo …"):
            try:
                photo.put_back(photographs.edits(backend, changed))
                st.session_state.pop(state_keys.PHOTO_SHOWN, None)
            except FacegenError as err:
                messages.notify(str(err))


def _views(photo: OpenPhoto) -> list[str]:
    """What there is to be seen, the newest last."""
    views = [PHOTO]
    is_under_way = photo.job is not None and not photo.job.is_done
    if photo.chosen in photo.found or is_under_way:
        views.append(LIKENESS)
    if photo.edited is not None:
        views.append(EDITED)
    return views


def _choice(photo: OpenPhoto) -> str:
    """The view that is shown: the newest, unless another was chosen."""
    views = _views(photo)
    key = state_keys.PHOTO_SHOWN
    if photo.running is not None:
        return views[-1] if photo.running is photo.job else PHOTO
    if len(views) < 2:
        st.session_state.pop(key, None)
        return PHOTO
    if st.session_state.get(key) not in views:
        st.session_state[key] = views[-1]
    chosen: str = st.segmented_control(
        "Show", views, key=key, required=True, label_visibility="collapsed"
    )
    return chosen


def _stage(photo: OpenPhoto, shown: str) -> None:
    height, width = photo.photo.image.shape[:2]
    ratio = width / height
    name = photo.photo.name
    job, face = photo.job, photo.face
    if shown == EDITED and photo.edited is not None:
        photo_view.show(
            photo.edited.jpeg, other=photo.jpeg, ratio=ratio, key=STAGE, name=f"{photo.id} edited",
            alt=f"The photo {name}, edited", left="Before", right="Edited",
            start=_beside_faces(photo),
        )  # fmt: skip
    elif shown == LIKENESS and job is not None and face is not None:
        found = photo.found.get(photo.chosen) if job.is_done else None
        crop = encode_jpeg(shrunk(face.crop, SHOWN_PX if found is None else len(found.image)))
        made = job.jpeg if found is None else encode_jpeg(found.image)
        right = "Found" if found else "So far" if made else ""
        photo_view.show(
            made or crop, other=None if made is None else crop, key=STAGE, step=job.step,
            name=f"{photo.id} likeness {photo.chosen}", alt="The person as the network draws them",
            left="" if made is None else "Photo", right=right,
        )  # fmt: skip
    else:
        faces = photo_view.outlines(
            photo.faces or [], (width, height), photo.chosen, list(photo.found)
        )
        photo_view.show(
            photo.jpeg, ratio=ratio, key=STAGE, name=photo.id, alt=f"The photo {name}", faces=faces
        )


def _beside_faces(photo: OpenPhoto) -> float:
    """A place left of all that was edited, in shares of the photo's width."""
    boxes = [photo.faces[number].box for number in photo.found] if photo.faces else []
    reach = [left - 0.6 * (right - left) for left, _, right, _ in boxes]
    return min(reach, default=0.0) / photo.photo.image.shape[1]


# -- the person -----------------------------------------------------------------------------------


def _progress(job: ProjectionJob) -> None:
    left = job.seconds_left
    if job.is_waiting:
        said = "Others have their turn first" if job.jpeg is None else "Becoming more alike"
    elif job.jpeg is None:
        said = "A first look"
    elif left is None:
        said = "Becoming more alike"
    else:
        about = f"{max(left, 1):.0f} s" if left < 100 else f"{left / 60:.0f} min"
        said = f"Becoming more alike: about {about} left"
    st.subheader("Finding this person")
    st.progress(min(job.step / max(job.of, 1), 1.0), said)
    st.button(
        "Stop here",
        key="photo_stop",
        icon=":material/stop_circle:",
        on_click=job.stop,
        disabled=job.is_stopped,
        help="What was found so far stays.",
    )
    st.caption("You can go on elsewhere meanwhile; it goes on as long as this page is open.")


def _person(
    backend: Backend, session: Session, photo: OpenPhoto, show_design: Callable[[], None]
) -> None:
    face, job = photo.face, photo.job
    if face is None:
        return
    many = len(photo.faces or ())
    if many > 1:
        st.caption(
            f"Face {photo.chosen + 1} of {many}. Click another one in the photo to choose it."
        )
    found = photo.found.get(photo.chosen)
    if job is not None and job.error and job.error != STOPPED_EARLY:
        st.warning(messages.plain(job.error), icon=":material/info:")
    if found is not None:
        _found(backend, session, photo, found, show_design)
        return
    st.subheader("Is this the person?" if many > 1 else "One face was found")
    for sentence in (*photo.photo.notes, *face.warnings):
        st.caption(f":material/info: {messages.plain(sentence)}")
    _ask(backend, photo, "Find this person", "primary")


def _ask(
    backend: Backend, photo: OpenPhoto, words: str, kind: Literal["primary", "secondary"]
) -> None:
    with st.container(key="fg_photo_ask", horizontal=True, vertical_alignment="bottom"):
        how = st.segmented_control(
            "How closely",
            list(CLOSENESS),
            default="Close",
            key="photo_closeness",
            required=True,
            help="More steps come nearer to the photo and take longer. You can stop at any time.",
        )
        st.button(
            words,
            key="photo_find",
            type=kind,
            icon=":material/person_search:",
            on_click=lambda: _find(backend, photo, CLOSENESS[how]),
        )


def _find(backend: Backend, photo: OpenPhoto, steps: int) -> None:
    try:
        photo.find(backend.service, steps=steps_for(steps), judge=photographs.judge)
        st.session_state.pop(state_keys.PHOTO_SHOWN, None)
    except FacegenError as err:
        messages.notify(str(err))


def _found(
    backend: Backend,
    session: Session,
    photo: OpenPhoto,
    found: Found,
    show_design: Callable[[], None],
) -> None:
    is_edited = photo.edited is not None
    st.subheader("Back in the photo" if is_edited else "Found")
    if is_edited:
        _download(photo)
    else:
        for line in photographs.words_of(found):
            st.markdown(line)
        ended = "stopped after" if found.stopped else "in"
        st.caption(f"{found.steps} steps, {ended} {found.seconds:.0f} s. A synthetic image.")
    if st.button(
        "Edit on Design",
        key="photo_edit",
        type="secondary" if is_edited else "primary",
        icon=":material/tune:",
        help="All dials work on this person. Come back here to see it in the photo.",
        width="stretch",
    ):
        photographs.edit(backend, session, photo, photo.chosen, found)
        show_design()
    face = photographs.face_of(backend, photo, photo.chosen, found)
    st.download_button(
        "Save this face",
        data=lambda: face.to_png(found.image),
        file_name=f"{file_stem(face.name)}.png",
        mime="image/png",
        key="photo_save",
        icon=":material/download:",
        on_click="ignore",
        help="The face as it was found, to be opened here again.",
        width="stretch",
    )
    if photographs.person_of(session, found) is None:
        _ask(backend, photo, "Find again", "secondary")


def _download(photo: OpenPhoto) -> None:
    with st.container(key="fg_photo_as", horizontal=True, vertical_alignment="bottom"):
        own = photo.photo.format if photo.photo.format in KINDS else "JPEG"
        kind = st.selectbox("Photo as", list(KINDS), index=list(KINDS).index(own), key="photo_kind")
        kept = st.selectbox(
            "Camera's notes",
            METADATA,
            key="photo_metadata",
            format_func=METADATA_WORDS.get,
            help="What of its EXIF the file keeps. The preview inside EXIF and the maker's notes "
            "go in any case.",
        )
    ending, mime = KINDS[kind]

    def data() -> bytes:
        assert photo.edited is not None
        return encode_photo(photo.edited.image, photo.photo, kind, metadata=kept)

    st.download_button(
        "Download the photo",
        data=data,
        file_name=f"{file_stem(Path(photo.photo.name).stem)}-edited{ending}",
        mime=mime,
        key="photo_download",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )
    st.caption(
        "Outside of what you changed it is the photo itself, and the file is marked as edited with "
        "AI."
    )


def _other_photo(backend: Backend, session: Session) -> None:
    with st.container(key="fg_photo_again", horizontal=True, vertical_alignment="center"):
        _file(backend, session)
        st.button(
            "Forget this photo",
            key="photo_forget",
            type="tertiary",
            icon=":material/delete:",
            on_click=photographs.forget,
            help="It is gone from memory at once, with all that was found on it. People whom you "
            "opened on Design stay there.",
        )
    st.caption(CONSENT)
