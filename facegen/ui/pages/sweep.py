"""The page "Pose sweep": the current face from every side, filling in while it is made."""

from __future__ import annotations

import base64
import html
import math

import streamlit as st

from facegen.errors import FacegenError
from facegen.files import file_stem
from facegen.measure.measurer import load_measurer
from facegen.optimise.identity import GOOD_STEPS, can_optimise
from facegen.pose.expressions import AVAILABLE, EXPRESSIONS, expression
from facegen.protocols import Measures
from facegen.retouch.eyes import MOST_GAZE
from facegen.retouch.warp import MOST_LOOK_UP
from facegen.service.loading import Backend
from facegen.service.sweep_job import SweepJob
from facegen.session.session import Session
from facegen.sweeps.export import columns_of
from facegen.sweeps.grid import Cell, make_cells, parse_range
from facegen.ui import state_keys
from facegen.ui.components import messages, toolbar
from facegen.ui.components.sweep_view import turn_view
from facegen.ui.pages import design

MAX_PICTURES = 400
KEEPING_TAKES = 3
"""Times as long a picture takes of which the rest is kept: its regions are looked for."""
POLL_SECONDS = 0.7
SIZES = (256, 512, 1024)
PITCH_SHOWN = 20
MEASURE_SECONDS = 0.1
PICTURES_A_STEP = 7  # so many take as long as a step that holds the person
MOST_COLUMNS = 12
AS_IT_IS = "own"
DOWNLOADS = (
    ("sheet", "Contact sheet", "png", "image/png"),
    ("gif", "GIF", "gif", "image/gif"),
    ("mp4", "MP4", "mp4", "video/mp4"),
    ("webm", "WebM", "webm", "video/webm"),
    ("zip", "Zip", "zip", "application/zip"),
)
STYLE = """<style>
.st-key-fg_sweep { max-width: 1500px; margin: 8px auto 60px; }
.fg-turns { display: grid; gap: 10px 6px; overflow-x: auto; padding-bottom: 6px;
  grid-template-columns: repeat(var(--columns), minmax(92px, 190px)); }
@media (max-width: 640px) { .fg-turns { grid-template-columns: repeat(var(--columns), 108px); }
  .st-key-fg_sweep { margin-top: 0; } }
@media (max-width: 640px) { .st-key-sweep_files { flex-direction: row; flex-wrap: wrap; }
  .st-key-sweep_files > * { flex: 1 1 40%; width: auto !important; } }
.st-key-fg_sweep h1 { padding: 0 0 4px; font-size: 30px; }
.fg-who { display: flex; gap: 14px; align-items: center; }
@media (min-width: 641px) { /* who starts a sweep at the foot of a long list sees it begin */
  [data-testid="stColumn"]:has(.st-key-sweep_result):not(:has(.st-key-fg_sweep)) {
    position: sticky; top: calc(var(--fg-head) + 8px); align-self: flex-start; } }
.fg-turns figure { margin: 0; min-width: 0; }
.fg-turns img { width: 100%; aspect-ratio: 1; border-radius: 8px; display: block;
  object-fit: cover; background: var(--fg-soft); }
.fg-turns figcaption { font-size: 11px; line-height: 1.35; margin-top: 3px;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.fg-turns figcaption span { opacity: .65; display: block; }
.fg-turns .missed span { opacity: 1; color: var(--fg-accent); }
</style>"""


def measurer() -> Measures | None:
    """What measures; tests with drawn faces replace it."""
    return load_measurer()


def show(backend: Backend, session: Session) -> None:
    """Draw the page."""
    with st.container(key="fg_sweep"):
        st.html(STYLE)
        left, right = st.columns([1, 3], gap="large")
        with left:
            _ask(backend, session)
        with right, st.container(key="sweep_result"):
            _result()
    messages.show_notices()


# -- what to make ---------------------------------------------------------------------------------


def _ask(backend: Backend, session: Session) -> None:
    st.title("Pose sweep")
    thumb = design.thumb_url(backend, session, session.state)
    st.html(
        f'<div class="fg-who"><img src="{thumb}" alt="" width="72" style="border-radius:14px">'
        f"<div>{html.escape(session.name)}</div></div>"
    )
    with st.popover("Another face", icon=":material/person_add:"):
        _open(backend, session)
    low, high = (int(value) for value in backend.dials.spec("yaw").safe)
    yaw = st.slider("Turn, from and to", low, high, (-30, 30), format="%d°", key="sweep_yaw")
    pitch = st.slider(
        "Tilt, from and to", -PITCH_SHOWN, PITCH_SHOWN, (0, 0), format="%d°", key="sweep_pitch"
    )
    with st.container(key="sweep_steps", horizontal=True):
        yaw_step = st.number_input("Step of the turn", 1, 45, 10, key="sweep_yaw_step")
        pitch_step = st.number_input("Step of the tilt", 1, 20, 10, key="sweep_pitch_step")
    chosen = st.multiselect(
        "Expressions",
        [AS_IT_IS, *AVAILABLE],
        default=[AS_IT_IS],
        format_func=lambda name: "As it is" if name == AS_IT_IS else expression(name).label,
        key="sweep_expressions",
        help="Not there yet:\n" + "\n".join(f"- {e.label}: {e.missing}" for e in EXPRESSIONS
                                            if e.missing),
    )  # fmt: skip
    strength = 1.0
    if any(name != AS_IT_IS for name in chosen):
        strength = st.slider("Strength", 0.0, 1.0, 1.0, 0.05, key="sweep_strength")
    gaze = gaze_up = None
    if st.toggle("Eyes look elsewhere", key="sweep_gaze_on"):
        most, most_up = int(MOST_GAZE), int(MOST_LOOK_UP)
        gaze = st.slider("To the side", -most, most, 0, format="%d°", key="sweep_gaze",
                         help="0: into the camera; positive: right in the picture.")  # fmt: skip
        gaze_up = st.slider("Up or down", -most_up, most_up, 0, format="%d°", key="sweep_gaze_up",
                            help="From where they look now; negative is down.") or None  # fmt: skip
    size = st.segmented_control(
        "Size", SIZES, default=512, format_func=lambda s: f"{s} px", key="sweep_size", required=True
    )
    steps = 0
    if can_optimise(backend.service.generator) and st.toggle(
        "Hold the person closely",
        True,
        key="sweep_hold",
        help="Each turned picture is brought back to the person, and its angle put right: much "
        "more alike, and slower. Switch it off for a quick look.",
    ):
        steps = GOOD_STEPS
    keeps = bool(backend.regions) and st.toggle(
        "Keep the rest",
        bool(session.state.moved_in(session.regions)),
        key=f"sweep_rest_{bool(session.state.moved_in(session.regions))}",
        help="Expressions change the face alone, and what the face keeps of its picture turns with "
        "the head: slower.",
    )
    cells = _cells(yaw, int(yaw_step), pitch, int(pitch_step), chosen, strength, (gaze, gaze_up))
    _start(backend, session, cells, int(size or 512), steps, keeps=keeps)


def _cells(
    yaw: tuple[int, int],
    yaw_step: int,
    pitch: tuple[int, int],
    pitch_step: int,
    chosen: list[str],
    strength: float,
    gaze: tuple[float | None, float | None],
) -> list[Cell]:
    named = [(None if name == AS_IT_IS else name, strength) for name in chosen or [AS_IT_IS]]
    return make_cells(
        parse_range(f"{yaw[0]}:{yaw[1]}:{yaw_step}"),
        parse_range(f"{pitch[0]}:{pitch[1]}:{pitch_step}"),
        named,
        [gaze[0]],
        [gaze[1]],
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _start(
    backend: Backend, session: Session, cells: list[Cell], size: int, steps: int, *, keeps: bool
) -> None:
    each = backend.service.full_seconds
    each = (each if math.isfinite(each) else 0.2) * (KEEPING_TAKES if keeps else 1)
    quick, each = (
        (each * (1 + PICTURES_A_STEP * count) + MEASURE_SECONDS) * len(cells) + 2
        for count in (0, steps)
    )
    said = f"What will be made: {len(cells)} pictures, about {_duration(each)}"
    st.caption(f"{said}; not held closely {_duration(quick)}." if steps else f"{said}.")
    if len(cells) > MAX_PICTURES:
        st.warning(
            f"Here at most {MAX_PICTURES} pictures are made at once; take larger steps, or use "
            "`python -m facegen dataset` in a terminal."
        )
    running = current_job()

    def begin() -> None:
        old = current_job()
        if old is not None:
            old.cancel()
        try:
            editor = backend.rests.editor() if keeps and backend.rests is not None else None
            job = SweepJob(
                backend.service,
                backend.face(session, keeps=editor is not None),
                cells,
                size=size,
                dials=backend.dials,
                measurer=measurer(),
                person_steps=steps,
                keeper=editor,
                segments_of=None if backend.mattes is None else backend.mattes.segments_of,
            )
        except FacegenError as err:
            messages.notify(str(err))
            return
        st.session_state[state_keys.SWEEP] = job.start()
        st.session_state[state_keys.SWEEP_NAME] = file_stem(session.name)

    st.button(
        "Make the sweep",
        key="sweep_start",
        type="primary",
        icon=":material/360:",
        disabled=len(cells) > MAX_PICTURES or (running is not None and not running.is_done),
        on_click=begin,
        width="stretch",
    )


def _open(backend: Backend, session: Session) -> None:
    count = st.session_state.get(state_keys.SWEEP_OPENED, 0)
    key = f"sweep_open_{count}"

    def opened() -> None:
        upload = st.session_state.get(key)
        if upload is not None:
            st.session_state[state_keys.SWEEP_OPENED] = count + 1
            toolbar.open_bytes(backend, session, upload.getvalue(), upload.name)

    st.file_uploader(
        "Drop a saved face here", key=key, on_change=opened, help="A picture or .npz saved here."
    )


# -- what came of it ------------------------------------------------------------------------------


def current_job() -> SweepJob | None:
    """The newest sweep of this visitor."""
    job: SweepJob | None = st.session_state.get(state_keys.SWEEP)
    return job


def _result() -> None:
    job = current_job()
    if job is None:
        st.markdown(
            "Choose how far the head turns, then **Make the sweep**. The pictures appear here one "
            "by one, each with the angle that was asked for and the one measured in it."
        )
        if st.session_state.get(state_keys.SWEEP_GONE):
            st.caption(
                ":material/info: The sweep you made before is gone with the server that made it; "
                "make it again."
            )
    elif job.is_done:
        _draw(job)
    else:
        _live(job)


@st.fragment(run_every=POLL_SECONDS)
def _live(job: SweepJob) -> None:
    if job.is_done:
        st.rerun()
    _draw(job)


def _draw(job: SweepJob) -> None:
    shots = list(job.shots)
    if not job.is_done:
        left = job.seconds_left
        about = "" if left is None else f", about {left:.0f} s left"
        about = about or ("" if shots else ": looking at the face first")
        st.progress(len(shots) / job.total, f"{len(shots)} of {job.total} pictures{about}")
        st.button("Cancel", key="sweep_cancel", icon=":material/close:", on_click=job.cancel)
    elif job.error:
        st.error(job.error)
    elif job.is_cancelled and len(shots) < job.total:
        st.caption(f"Cancelled after {len(shots)} of {job.total} pictures.")
    else:
        st.caption(f"{len(shots)} pictures in {job.seconds:.1f} s. Synthetic images.")
    if not shots:
        return
    if job.is_done:
        _turn(job)
    _grid(job)


@st.fragment
def _turn(job: SweepJob) -> None:
    picture, beside = st.columns([3, 1], vertical_alignment="top")
    with picture:
        turn_view(job.shots, stamp=str(job.started), key="sweep_turn")
    with beside, st.container(key="sweep_files"):
        stem = st.session_state.get(state_keys.SWEEP_NAME, "face")
        for kind, label, ending, mime in DOWNLOADS:
            st.download_button(
                label,
                data=job.file_of(kind),
                file_name=f"{stem}-sweep.{ending}",
                mime=mime,
                key=f"sweep_{kind}",
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
            )


def _grid(job: SweepJob) -> None:
    shots = list(job.shots)
    columns = min(columns_of([shot.frame for shot in shots]), MOST_COLUMNS)
    figures = []
    for shot in shots:
        asked, seen = (html.escape(line) for line in shot.lines)
        data = base64.b64encode(shot.thumb).decode("ascii")
        missed = "" if shot.frame.is_reachable else ' class="missed"'
        figures.append(
            f'<figure{missed}><img src="data:image/jpeg;base64,{data}" alt="{asked}">'
            f"<figcaption>{asked}<span>{seen}</span></figcaption></figure>"
        )
    st.html(f'<div class="fg-turns" style="--columns: {columns}">' + "".join(figures) + "</div>")
