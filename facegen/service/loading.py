"""The networks and their dials, each loaded once per process and shared by all visitors.

Loading runs in a thread of its own, so that the page can show how far it is and a closed tab does
not stop it. Tests replace `load_parts`.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from facegen.errors import FacegenError, ModelError, UnknownDialError
from facegen.face import Face
from facegen.latents import BUNDLED_SPACE, DEFAULT_MODEL
from facegen.operations import ContinueBackground, KeepRest, PixelOperation
from facegen.protocols import Progress
from facegen.render_request import RenderRequest
from facegen.service.mattes import Mattes, make_mattes
from facegen.service.render import RenderService
from facegen.service.rests import Rests, make_rests
from facegen.service.scenes import Scenes
from facegen.session.worn import Worn

_log = logging.getLogger(__name__)

MODEL = DEFAULT_MODEL
MODEL_VARIABLE = "FACEGEN_MODEL"
FULL_PX = 1024


@dataclass(frozen=True)
class Backend:
    """Everything the pages need: made once, used by all sessions.

    Attributes:
        generator: `facegen.generator.Generator`.
        dials: `facegen.editing.dial_set.DialSet` of the generator's space.
        table: The dials to show, in order (`facegen.controls.Dial`).
        service: Makes the pictures.
        why_no_dials: Why there are no dials for faces, as a sentence; None if there are.
        rests: Finds what of a picture is kept; None where the network cannot keep anything.
        mattes: Finds where people stand; None where they cannot be put before a background.
    """

    generator: Any
    dials: Any
    table: tuple[Any, ...]
    service: RenderService
    why_no_dials: str | None = None
    rests: Rests | None = None
    mattes: Mattes | None = None

    @property
    def regions(self) -> frozenset[str]:
        """The dials that can change a region alone."""
        return frozenset() if self.rests is None else self.rests.dials

    @property
    def can_keep(self) -> bool:
        """Whether the network can draw a face that keeps its rest as it was saved."""
        return bool(getattr(self.generator, "can_keep", True))

    def request(self, session: Any, state: Any = None, *, quick: bool = False) -> RenderRequest:
        """The picture of a state of a session (`facegen.session.session`); None: the current.

        `quick` is for pictures of a dial on its way: see `facegen.service.rests`.
        """
        kept = self.kept(session, state, quick=quick)
        finish = session.finish(state)
        if not self.can_keep:  # better all of the face's own picture than none
            bound = KeepRest | ContinueBackground
            finish = tuple(entry for entry in finish if not isinstance(entry, bound))
        operations = (*kept, *self._in_scene(finish, session, state, kept, quick=quick))
        return self.service.request(session.w_plus(state), operations=operations)

    def _in_scene(
        self,
        operations: tuple[PixelOperation, ...],
        session: Any,
        state: Any,
        kept: tuple[KeepRest, ...],
        *,
        quick: bool = False,
    ) -> tuple[PixelOperation, ...]:
        """Operations with what somebody wears and stands before in that picture."""
        if self.scenes is None:
            return operations
        state = state or session.state
        keep = kept[0] if kept else None
        return self.scenes.put(operations, state, session.w_plus(state), keep, quick=quick)

    @cached_property
    def scenes(self) -> Scenes | None:
        """What finds clothes and backgrounds; None where there are none."""
        return None if self.mattes is None else Scenes(self.generator, self.mattes)

    def why_not_worn(self, session: Any, worn: Worn | None) -> str:
        """Why the current face cannot be dressed so, as a sentence; empty where it can."""
        kept = self.kept(session)
        assert self.scenes is not None
        return self.scenes.why_not(worn, session.w_plus(), kept[0] if kept else None)

    def kept(self, session: Any, state: Any = None, *, quick: bool = False) -> tuple[KeepRest, ...]:
        """What is kept of the rest of that picture."""
        state = state or session.state
        names = state.moved_in(session.regions)
        if self.rests is None or not names:
            return ()
        kept = self.rests.of(
            session.rest(state),
            session.w_plus(state),
            names,
            painting=state.painting,
            quick=quick,
        )
        return () if kept is None else (kept,)

    def is_found(self, session: Any, state: Any) -> bool:
        """Whether the request for a state's picture is there at once."""
        return self._is_kept_found(session, state) and self._is_scene_found(session, state)

    def _is_scene_found(self, session: Any, state: Any) -> bool:
        if self.scenes is None or (state.behind is None and state.worn is None):
            return True
        kept = self.kept(session, state)
        return self.scenes.is_found(state, session.w_plus(state), kept[0] if kept else None)

    def _is_kept_found(self, session: Any, state: Any) -> bool:
        names = state.moved_in(session.regions)
        if self.rests is None or not names:
            return True
        latents = session.rest(state), session.w_plus(state)
        return self.rests.knows(*latents, names, state.painting)

    def face(self, session: Any, state: Any = None, *, keeps: bool = True) -> Face:
        """A state of a session as a value that can be saved, with what it keeps and stands before.

        Args:
            session: Of the visitor.
            state: Which; None for the current one.
            keeps: Without it nothing is kept of the rest of its picture.
        """
        face: Face = session.face(state)
        kept = self.kept(session, state) if keeps else ()
        return face.finished((*kept, *self._in_scene(face.pixel_operations, session, state, kept)))

    def measured(self, session: Any, state: Any = None) -> RenderRequest:
        """The picture that dials are measured on: before winks and the like are done in it."""
        return self.service.request(session.w_plus(state), operations=self.kept(session, state))

    def version(self) -> object:
        """Changes when a dial of the users' own comes or goes."""
        return own_version(self.generator.space)

    def dials_now(self) -> tuple[Any, tuple[Any, ...]]:
        """The dials and their table with the users' own as they are now."""
        if self.why_no_dials is not None:
            return self.dials, self.table
        return load_dials(self.generator.space)


class Cancelled(Exception):
    """The user stopped the loading."""


class NoDials:
    """Stands in for a `DialSet` where a network has no dials: every face stays as it is."""

    names: tuple[str, ...] = ()

    def spec(self, name: str) -> Any:
        """There is none."""
        raise UnknownDialError(f"This network has no dials, so none is called '{name}'.")

    def vector(self, name: str) -> np.ndarray:
        """There is none."""
        return self.spec(name)

    def read(self, w_plus: np.ndarray) -> dict[str, float]:
        """No readings."""
        return {}

    def apply(self, base: np.ndarray, asked: Any = None, **_: Any) -> np.ndarray:
        """The face as it was."""
        return np.array(base, np.float32)


def usable_models() -> dict[str, str]:
    """Networks that are on this machine: name -> title; the default one first."""
    from facegen.weights import entries
    from facegen.weights.fetch import is_fetched

    found = {m.name: m.title for m in entries() if m.kind == "generator" and is_fetched(m)}
    first = default_model()
    return {first: found.get(first, first), **found}


def default_model() -> str:
    """The network to start with.

    $FACEGEN_MODEL; else, with a GPU, an imported face network at full size in the space of the
    bundled one, so that the same people and dials apply; else the bundled one.
    """
    asked = os.environ.get(MODEL_VARIABLE)
    if asked:
        return asked
    import torch

    if torch.cuda.is_available():
        from facegen.weights import entries
        from facegen.weights.fetch import is_fetched

        for model in entries():
            is_same = model.space == BUNDLED_SPACE and model.resolution == FULL_PX
            if model.name != MODEL and is_same and model.is_face is not False and is_fetched(model):
                return model.name
    return MODEL


def load_parts(progress: Progress, model: str | None = None) -> tuple[Any, Any, tuple[Any, ...]]:
    """Load a generator, the dials of its space, and the table of dials.

    Args:
        progress: Called with (bytes done, bytes in all) while the model is fetched.
        model: Its name; None for `default_model`.

    Raises:
        FacegenError: With the sentence to show.
    """
    from facegen.generator import Generator

    try:
        generator = Generator.load(model or default_model(), progress=progress)
    except ModelError as err:
        if model is None and os.environ.get(MODEL_VARIABLE):
            raise ModelError(f"{err} The variable {MODEL_VARIABLE} asks for it.") from err
        raise
    if why_no_dials(generator) is not None:
        return generator, NoDials(), ()
    return (generator, *load_dials(generator.space))


def why_no_dials(generator: Any) -> str | None:
    """Why a generator has no dials for faces, as a sentence; None if it has."""
    from facegen.directions.store import direction_names

    reason = getattr(generator, "why_not_face", None)
    if reason:
        return f"The dials are off: {reason[0].lower()}{reason[1:]}"
    if generator.space != BUNDLED_SPACE and not direction_names(generator.space):
        return (
            f"The dials are off: they were learned in the latent space {BUNDLED_SPACE}, and "
            f"{generator.model} has its own, {generator.space}; `python -m facegen directions "
            "learn` makes dials for it."
        )
    return None


def load_dials(space: str) -> tuple[Any, tuple[Any, ...]]:
    """The dials of a space and the table to show them, the users' own last.

    Raises:
        FacegenError: With the sentence to show.
    """
    from facegen.controls import DIALS
    from facegen.directions.user_dials import list_own
    from facegen.editing.dial_set import DialSet

    dials = DialSet.load(space)
    own = [dial.entry() for dial in list_own(space).values()]
    return dials, tuple(dial for dial in (*DIALS, *own) if dial.name in dials.names)


def own_version(space: str) -> object:
    """Changes when a dial of the users' own comes or goes."""
    from facegen.directions.user_dials import own_state

    return own_state(space)


class Loader:
    """Loads the backend in the background and knows how far it is."""

    def __init__(self, model: str | None = None) -> None:
        self._model = model
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
            chosen = () if self._model is None else (self._model,)
            generator, dials, table = load_parts(self._on_progress, *chosen)
            service = RenderService(generator)
            reason = why_no_dials(generator)
            rests = make_rests(service, generator, dials)
            mattes = make_mattes(service, generator)
            self.backend = Backend(generator, dials, table, service, reason, rests, mattes)
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


_early: list[Loader] = []


def begin_early() -> None:
    """Begin to load the default network, before anybody asks for it."""
    if not _early:
        _early.append(Loader())
        _early[0].start()


def loader_of(model: str | None) -> Loader:
    """A new loader of a network; for the default one that which began early, if any did."""
    return _early[0] if model is None and _early else Loader(model)
