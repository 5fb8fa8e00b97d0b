"""The network and the dials, loaded once per process and shared by all visitors.

Loading runs in a thread of its own, so that the page can show how far it is and a closed tab does
not stop it. Tests replace `load_parts`.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from facegen.errors import FacegenError
from facegen.service import RenderService

_log = logging.getLogger(__name__)

MODEL = "mobilestylegan-ffhq-1024"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Backend:
    """Everything the pages need: made once, used by all sessions.

    Attributes:
        generator: `facegen.generator.Generator`.
        dials: `facegen.editing.dials.DialSet` of the generator's space.
        table: The dials to show, in order (`facegen.controls.Dial`).
        service: Makes the pictures.
    """

    generator: Any
    dials: Any
    table: tuple[Any, ...]
    service: RenderService

    def version(self) -> object:
        """Changes when a dial of the users' own comes or goes."""
        return own_version(self.generator.space)

    def dials_now(self) -> tuple[Any, tuple[Any, ...]]:
        """The dials and their table with the users' own as they are now."""
        return load_dials(self.generator.space)


class Cancelled(Exception):
    """The user stopped the loading."""


def load_parts(progress: Progress) -> tuple[Any, Any, tuple[Any, ...]]:
    """Load the generator, the dials of its space, and the table of dials.

    Args:
        progress: Called with (bytes done, bytes in all) while the model is fetched.

    Raises:
        FacegenError: With the sentence to show.
    """
    from facegen.generator import Generator

    generator = Generator.load(MODEL, progress=progress)
    return (generator, *load_dials(generator.space))


def load_dials(space: str) -> tuple[Any, tuple[Any, ...]]:
    """The dials of a space and the table to show them, the users' own last.

    Raises:
        FacegenError: With the sentence to show.
    """
    from facegen.controls import DIALS
    from facegen.directions.own import list_own
    from facegen.editing.dials import DialSet

    dials = DialSet.load(space)
    own = [dial.entry() for dial in list_own(space).values()]
    return dials, tuple(dial for dial in (*DIALS, *own) if dial.name in dials.names)


def own_version(space: str) -> object:
    """Changes when a dial of the users' own comes or goes."""
    from facegen.directions.own import own_state

    return own_state(space)


class Loader:
    """Loads the backend in the background and knows how far it is."""

    def __init__(self) -> None:
        self.backend: Backend | None = None
        self.error: str | None = None
        self.done = 0
        self.total = 0
        self._cancel = threading.Event()
        self._ready = threading.Event()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether the loading is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to load unless that is done or under way."""
        with self._guard:
            if self.backend is not None or self.is_running:
                return
            self.error, self.done, self.total = None, 0, 0
            self._cancel.clear()
            self._ready.clear()
            self._thread = threading.Thread(target=self._run, name="load-backend", daemon=True)
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait until loading ends, at most so long."""
        self._ready.wait(seconds)

    def cancel(self) -> None:
        """Stop a fetch at its next piece."""
        self._cancel.set()

    def _on_progress(self, done: int, total: int) -> None:
        if self._cancel.is_set():
            raise Cancelled
        self.done, self.total = done, total

    def _run(self) -> None:
        try:
            generator, dials, table = load_parts(self._on_progress)
            self.backend = Backend(generator, dials, table, RenderService(generator))
            # The heap is large and stays: spare the collector from walking it again and again.
            gc.collect()
            gc.freeze()
        except Cancelled:
            self.error = "Stopped. Nothing half-finished was kept; start again whenever you like."
        except FacegenError as err:
            self.error = str(err)
        except Exception:
            _log.exception("The backend could not be loaded.")
            self.error = (
                "The face model could not be loaded. Run `python -m facegen models verify` in a "
                "terminal to see what is wrong."
            )
        finally:
            self._ready.set()


@st.cache_resource(show_spinner=False)
def loader() -> Loader:
    """The one loader of this process."""
    return Loader()
