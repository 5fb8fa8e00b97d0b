"""A bank of people: what is predicted of the seeds from 0 on, kept on disk block by block.

Reading a seed costs a tenth of a millisecond, nearly all of it its w; reading what was kept costs
nothing to speak of, so the first answer of a search that the bank covers comes at once. A block
holds BLOCK seeds in half precision (372 bytes a person). Blocks are written whole or not at all, in
any order, by any number of processes; one that is damaged, or of other weights, is made anew; those
not used for the longest time are dropped. Where nothing can be written, all works without.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from facegen.cache import BoundedCache
from facegen.errors import SaveError
from facegen.explore.screening import Readings, Screener
from facegen.files import write_atomic
from facegen.latents import MAX_SEED
from facegen.paths import cache_dir
from facegen.protocols import Progress

_log = logging.getLogger(__name__)

BLOCK = 4096
BLOCKS = 64
"""So many are grown in the background: 262,144 people, 97 MB."""
KEPT_BLOCKS, KEPT_ON_DISK = 16, 256
"""Blocks in memory, and on disk of all networks and truncations together: 1,048,576 people, 390 MB.
"""
CHECKED = 2
CLOSE_ENOUGH = 0.05
"""By so much a kept score may differ from one that is made again, of which half is rounding."""


class Bank:
    """Blocks of readings.

    Args:
        screener: Reads what is not kept.
        root: Where all banks lie; None for the program's cache.

    Attributes:
        folder: Where its blocks lie, by network, dials and truncation.
    """

    def __init__(self, screener: Screener, root: Path | None = None) -> None:
        self.screener = screener
        self._root = cache_dir() / "explore" if root is None else root
        self.folder = self._root / screener.generator.model / _key(screener)
        self._known: BoundedCache[Readings] = BoundedCache(KEPT_BLOCKS)
        self._checked: set[int] = set()
        self._cannot_write = False

    def seeds(self, index: int) -> np.ndarray:
        """The seeds of a block, int64 [BLOCK]; beyond the last seed they begin again at 0."""
        return (np.arange(BLOCK, dtype=np.int64) + index * BLOCK) % (MAX_SEED + 1)

    def has(self, index: int) -> bool:
        """Whether a block is there without much work."""
        return self._known.get(index) is not None or self._path(index).exists()

    def block(self, index: int) -> Readings:
        """A block, read or made and kept."""
        known = self._known.get(index)
        if known is None:
            scores = self._kept(index)
            if scores is None:
                scores = self.screener.scores(self.screener.w(self.seeds(index)))
                self._keep(index, scores)
            known = self.screener.readings(self.seeds(index), scores)
            self._known.put(index, known)
        return known

    def count(self, most: int = BLOCKS) -> int:
        """How many blocks from the first on are there."""
        found = 0
        while found < most and self.has(found):
            found += 1
        return found

    def grow(
        self,
        blocks: int = BLOCKS,
        *,
        stop: Callable[[], bool] = lambda: False,
        progress: Progress | None = None,
    ) -> int:
        """Make the blocks that are missing; a run that was stopped goes on where it was.

        Args:
            blocks: From the first on.
            stop: Asked before each block.
            progress: Called with (blocks done, blocks in all).

        Returns:
            How many there are now.
        """
        for index in range(blocks):
            if stop() or self._cannot_write:
                break
            if not self.has(index):
                self._keep(index, self.screener.scores(self.screener.w(self.seeds(index))))
            if progress:
                progress(index + 1, blocks)
        return self.count(blocks)

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:05d}.npy"

    def _keep(self, index: int, scores: np.ndarray) -> None:
        if self._cannot_write:
            return
        try:
            write_atomic(self._path(index), npy_bytes(scores))
        except SaveError as err:
            self._cannot_write = True
            _log.warning("Screened people are not kept: %s", err)
        else:
            self._drop_old()

    def _drop_old(self) -> None:
        """Delete the blocks that were not used for the longest time, of whichever bank."""
        with suppress(OSError):  # Another process may be at it.
            blocks = sorted(self._root.glob("*/*/*.npy"), key=lambda path: path.stat().st_mtime)
            for path in blocks[: max(len(blocks) - KEPT_ON_DISK, 0)]:
                path.unlink(missing_ok=True)

    def _kept(self, index: int) -> np.ndarray | None:
        """What was kept; None if nothing was, or it is not what would be made now."""
        path, shape = self._path(index), (BLOCK, self.screener.width)
        try:
            scores = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if not isinstance(scores, np.ndarray) or scores.dtype != np.float16:
            return None
        if scores.shape != shape or not np.isfinite(scores).all():
            return None
        with suppress(OSError):  # Of a cache that can be read only.
            os.utime(path)
        if index in self._checked:
            return scores
        again = self.screener.scores(self.screener.w(self.seeds(index)[-CHECKED:]))
        differs = np.abs(scores[-CHECKED:].astype(np.float32) - again).max() > CLOSE_ENOUGH
        if differs:
            return None
        self._checked.add(index)
        return scores


def _key(screener: Screener) -> str:
    """A name for the dials and the truncation."""
    reading = screener.dials.regressor
    told = hashlib.sha256("|".join(screener.names).encode())
    for array in (reading.linear, reading.w1, reading.w2, reading.w3, reading.b3):
        told.update(np.ascontiguousarray(array, np.float32).tobytes())
    return f"psi{screener.psi:.3f}-{told.hexdigest()[:12]}"


def npy_bytes(array: np.ndarray) -> bytes:
    """An array as the bytes of a `.npy` file."""
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()
