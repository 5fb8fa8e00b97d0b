"""Render latents and measure the pictures, the two overlapping; kept on disk as it grows."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from facegen.learning.samples import Glimpse, Renders, glimpse, read_glimpse, write_glimpse
from facegen.measure.classifiers import load_classifiers
from facegen.measure.detector import MEASURE_PX
from facegen.measure.face import Measured, measured_from

HASH_CHARS = 20


class Sitting:
    """Measures latents with a generator. Use `open_sitting`.

    What was seen is kept per latent, so that a run that was cut off goes on where it stopped.
    """

    def __init__(self, generator: Renders, cache: Path, pool: ProcessPoolExecutor) -> None:
        self._generator = generator
        self._cache = cache
        self._pool = pool

    def measure(self, latents: Sequence[np.ndarray]) -> list[Measured | None]:
        """Measure latents, [18, 512] each; None where no face is seen."""
        pending: list[tuple[Path, Glimpse | Future[Glimpse]]] = []
        for w_plus in latents:
            path = self._cache / f"{_digest(w_plus)}.npz"
            known = read_glimpse(path)
            if known is None:
                image = self._generator.render(w_plus, size=MEASURE_PX)
                pending.append((path, self._pool.submit(glimpse, image)))
            else:
                pending.append((path, known))
        measured = []
        for path, entry in pending:
            face = entry if isinstance(entry, Glimpse) else entry.result()
            if not isinstance(entry, Glimpse):
                write_glimpse(path, face)
            measured.append(_numbers(face))
        return measured


@contextmanager
def open_sitting(generator: Renders, cache: Path) -> Iterator[Sitting]:
    """A sitting with one process that measures while this one renders."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield Sitting(generator, cache, pool)


def _numbers(face: Glimpse) -> Measured | None:
    if face.sight is None:
        return None
    return measured_from(face.look, face.sight, load_classifiers())


def _digest(w_plus: np.ndarray) -> str:
    data = np.ascontiguousarray(w_plus, np.float32).tobytes()
    return hashlib.sha256(data).hexdigest()[:HASH_CHARS]
