"""A sweep made in the background for one visitor; knows nothing of Streamlit.

Every picture takes its turn in the service's queue, so other visitors wait for one picture at
most; steps that hold a person do not queue there, and share the cores. Finished face files lie in
a folder of their own that goes away with the job; what is shown while turning stays in memory,
small.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from facegen.cache import BoundedCache
from facegen.editing.dial_set import DialSet
from facegen.errors import FacegenError
from facegen.face import Face
from facegen.images import decode_image, encode_jpeg, shrunk
from facegen.local.background import SegmentsOf
from facegen.local.edit import LocalEditor
from facegen.optimise.identity import optimiser_of
from facegen.protocols import Measures
from facegen.service.queued import QueuedGenerator
from facegen.service.render import UNEXPECTED, RenderService
from facegen.sweeps.export import caption, frame_png, make_gif, make_zip, sheet_png
from facegen.sweeps.film import make_film
from facegen.sweeps.grid import Cell
from facegen.sweeps.sweep import Frame, Sweep

_log = logging.getLogger(__name__)

MAX_JOBS = 8
SHOWN_EDGE = 512
THUMB_EDGE = 128
NOTHING = np.zeros((1, 1, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Shot:
    """A finished picture as the page shows it.

    Attributes:
        frame: What was asked and measured; its pixels are in `jpeg` and in the file.
        jpeg: At most 512 px.
        thumb: 128 px.
        file: The face file.
    """

    frame: Frame
    jpeg: bytes
    thumb: bytes
    file: Path

    @property
    def lines(self) -> tuple[str, str]:
        """What was asked, what was measured."""
        return caption(self.frame)

    def as_frame(self) -> Frame:
        """The frame with its shown pixels."""
        return replace(self.frame, image=decode_image(self.jpeg, name="frame"))


class SweepJob:
    """One sweep on its way. Make it, `start` it, look at its attributes.

    Attributes:
        id: Known to its visitor alone, who finds it again by it; see `find_job`.
        shots: Finished pictures, in order; only ever grows.
        total: How many are wanted.
        error: A sentence if it ended badly.
        is_done: Whether it ended, well or not.
    """

    def __init__(
        self,
        service: RenderService,
        face: Face,
        cells: Sequence[Cell],
        *,
        size: int,
        dials: DialSet,
        measurer: Measures | None,
        person_steps: int = 0,
        keeper: LocalEditor | None = None,
        segments_of: SegmentsOf | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.shots: list[Shot] = []
        self.total = len(cells)
        self.error: str | None = None
        self.is_done = False
        self.is_cancelled = False
        self.started = time.monotonic()
        self.ended: float | None = None
        self._cells = list(cells)
        self._folder = tempfile.TemporaryDirectory(prefix="facegen-sweep-")
        optimiser = None if measurer is None else optimiser_of(service.generator, person_steps)
        self._sweep = Sweep(
            QueuedGenerator(service, face.space),
            face,
            dials,
            measurer,
            size=size,
            optimiser=optimiser,
            keeper=keeper,
            segments_of=segments_of,
        )
        self._cells = self._sweep.require_cells(cells)
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> SweepJob:
        """Begin."""
        _JOBS.put(self.id, self)
        self._thread.start()
        return self

    def cancel(self) -> None:
        """End after the picture under way; what is finished stays."""
        self.is_cancelled = True

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        self._thread.join(seconds)

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        return (self.ended or time.monotonic()) - self.started

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take; None before the second picture."""
        done = len(self.shots)
        return None if done < 2 else self.seconds / done * (self.total - done)

    def file_of(self, kind: str) -> Callable[[], bytes]:
        """What makes a download: "sheet", "gif", "mp4", "webm" or "zip"."""

        def make() -> bytes:
            shots = list(self.shots)
            if kind == "zip":
                files = {id(shot.frame): shot.file for shot in shots}
                return make_zip(
                    [shot.frame for shot in shots], png_of=lambda f: files[id(f)].read_bytes()
                )
            frames = [shot.as_frame() for shot in shots]
            makers: dict[str, Callable[[list[Frame]], bytes]] = {
                "sheet": sheet_png,
                "gif": make_gif,
                "mp4": make_film,
                "webm": partial(make_film, kind="webm"),
            }
            return makers[kind](frames)

        return make

    def _run(self) -> None:
        try:
            for frame in self._sweep.frames(self._cells, is_cancelled=lambda: self.is_cancelled):
                self.shots.append(self._shot(frame))
        except FacegenError as err:
            self.error = str(err)
        except Exception:
            _log.exception("A sweep ended early.")
            self.error = UNEXPECTED
        finally:
            self.ended = time.monotonic()
            self.is_done = True

    def _shot(self, frame: Frame) -> Shot:
        path = Path(self._folder.name) / f"{frame.index:05d}.png"
        path.write_bytes(frame_png(frame))
        shown, thumb = (
            encode_jpeg(shrunk(frame.image, edge), quality=85) for edge in (SHOWN_EDGE, THUMB_EDGE)
        )
        return Shot(replace(frame, image=NOTHING), shown, thumb, path)


_JOBS: BoundedCache[SweepJob] = BoundedCache(MAX_JOBS)


def find_job(job_id: str) -> SweepJob | None:
    """One of the newest sweeps of this process, whose page was reloaded; None if it is gone."""
    return _JOBS.get(job_id)
