"""Render latents and measure the pictures, the two overlapping; kept on disk as it grows."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from facegen.learning.samples import Sample, read_sample, sample_of, write_sample
from facegen.measure.classifiers import load_classifiers
from facegen.measure.detector import MEASURE_PX
from facegen.measure.face import channel_values
from facegen.measure.measurer import Measurement
from facegen.protocols import Generates

HASH_CHARS = 20


class CachedMeasurer:
    """Measures latents by rendering them. Use `open_cached_measurer`.

    What was found is kept per latent, so that a run that was cut off goes on where it stopped.
    """

    def __init__(self, generator: Generates, cache: Path, pool: ProcessPoolExecutor) -> None:
        self._generator = generator
        self._cache = cache
        self._pool = pool

    def measure(self, latents: Sequence[np.ndarray]) -> list[Measurement | None]:
        """Measure latents, [18, 512] each; None where no face is seen."""
        pending: list[tuple[Path, Sample | Future[Sample]]] = []
        for w_plus in latents:
            path = self._cache / f"{_digest(w_plus)}.npz"
            known = read_sample(path)
            if known is None:
                image = self._generator.render(w_plus, size=MEASURE_PX)
                pending.append((path, self._pool.submit(sample_of, image)))
            else:
                pending.append((path, known))
        measured = []
        for path, entry in pending:
            face = entry if isinstance(entry, Sample) else entry.result()
            if not isinstance(entry, Sample):
                write_sample(path, face)
            measured.append(_measurement(face))
        return measured


@contextmanager
def open_cached_measurer(generator: Generates, cache: Path) -> Iterator[CachedMeasurer]:
    """A measurer with one process that looks at pictures while this one renders."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield CachedMeasurer(generator, cache, pool)


def _measurement(face: Sample) -> Measurement | None:
    found = face.detection
    if found is None:
        return None
    values = channel_values(face.appearance, found, load_classifiers())
    return Measurement(values, found.landmarks / MEASURE_PX, found.descriptor)


def _digest(w_plus: np.ndarray) -> str:
    data = np.ascontiguousarray(w_plus, np.float32).tobytes()
    return hashlib.sha256(data).hexdigest()[:HASH_CHARS]
