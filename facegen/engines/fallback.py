"""An engine that goes on when the GPU cannot: smaller batches first, then the processor."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from facegen.engines.cuda_engine import is_lost
from facegen.engines.engine import Engine

if TYPE_CHECKING:
    from facegen.masks import Mask

log = logging.getLogger(__name__)

NO_MEMORY = (
    "The graphics card has too little free memory; pictures are drawn by the processor now. Close "
    "other programs that use the card and start again."
)
LOST = (
    "The graphics card does not answer any more; pictures are drawn by the processor now. Start "
    "again to try the card."
)


class CarefulEngine:
    """Draws on a GPU and, when that fails, elsewhere.

    Out of memory: the batch is halved, for good, down to single pictures; then `make_other` takes
    over. A GPU that is gone: `make_other` at once. The same request is answered either way.

    Args:
        engine: Draws as long as it can.
        make_other: Makes the engine that takes over.

    Attributes:
        notice: What the user should know, as one or two sentences; None while all is well.
    """

    def __init__(self, engine: Engine, make_other: Callable[[], Engine]) -> None:
        self._engine = engine
        self._make_other: Callable[[], Engine] | None = make_other
        self._lock = threading.RLock()
        self.max_batch = engine.max_batch
        self.notice: str | None = None

    @property
    def name(self) -> str:
        """Name of the engine that draws now."""
        return self._engine.name

    @property
    def preview_size(self) -> int:
        """See `Engine`."""
        return self._engine.preview_size

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._draw(w_plus, lambda engine, batch: engine.render(batch))

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._draw(w_plus, lambda engine, batch: engine.preview(batch))

    def blend(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        return self._draw(w_plus, lambda engine, batch: engine.blend(batch, w_base, mask))

    def blend_preview(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        return self._draw(w_plus, lambda engine, batch: engine.blend_preview(batch, w_base, mask))

    def _draw(
        self, w_plus: np.ndarray, draw: Callable[[Engine, np.ndarray], np.ndarray]
    ) -> np.ndarray:
        pictures: list[np.ndarray] = []
        done = 0
        while done < len(w_plus):
            engine, size = self._engine, self.max_batch
            batch = w_plus[done : done + size]
            try:
                pictures.append(draw(engine, batch))
            except RuntimeError as err:  # OutOfMemoryError is one
                if isinstance(err, torch.cuda.OutOfMemoryError):
                    self._spare(engine, size)
                elif is_lost(err):
                    self._move(engine, LOST)
                else:
                    raise
                continue
            done += len(batch)
        return np.concatenate(pictures)

    def _spare(self, engine: Engine, size: int) -> None:
        """Answer to too little memory for a batch of `size`."""
        with self._lock:
            if self._engine is not engine or self.max_batch < size:
                return  # another thread was here before
            if size == 1:
                self._move(engine, NO_MEMORY)
                return
            self.max_batch = size // 2
            log.info("Too little memory for %d pictures at once; trying fewer.", size)
            free = getattr(engine, "free", None)
            if free is not None:
                free()

    def _move(self, engine: Engine, notice: str) -> None:
        """Let the other engine take over."""
        with self._lock:
            if self._engine is not engine:
                return
            if self._make_other is None:
                raise RuntimeError("The engine that took over has failed as well.")
            self._engine, self._make_other = self._make_other(), None
            self.max_batch = self._engine.max_batch
            self.notice = notice
            log.warning("%s", notice)
