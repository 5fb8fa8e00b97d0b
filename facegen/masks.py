"""Where a picture may change: masks of 256 x 256 cells, as values.

A cell says how much of what is new is shown there, from 0 (nothing, to the last bit) to 255 (all
of it). The same mask serves every size: networks read it on the coarse grids of their features, a
finished picture on its own pixels, and both agree on where nothing changes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from facegen.errors import UsageError

MASK_PX = 256
MASK_BYTES = MASK_PX * MASK_PX
INSIDE = 255
SMALL_UP_TO_PX = 64
"""Grids up to here see small masks by their largest value."""
LARGEST_GRID = 8192  # of arrays that masks are made from

How = Literal["mean", "max"]


@dataclass(frozen=True)
class Mask:
    """Where a picture may change. Make it with `Mask.of`.

    Attributes:
        data: uint8 [256, 256] as bytes, row by row: 0 outside, 255 inside.
        small: It holds small things (glasses, irises) that would fade on coarse grids: those see
            the largest value of a cell in place of the mean.
    """

    data: bytes
    small: bool = False

    def __post_init__(self) -> None:
        """Refuse another length.

        Raises:
            UsageError: it is not 256 x 256 bytes.
        """
        if not isinstance(self.data, bytes) or len(self.data) != MASK_BYTES:
            raise UsageError(
                f"A mask has {MASK_PX} x {MASK_PX} bytes, got {len(self.data)}; make it with "
                "Mask.of."
            )

    @classmethod
    def of(cls, array: np.ndarray, *, small: bool = False) -> Mask:
        """A mask from a square array of any size.

        Args:
            array: [H, H]: bool, uint8 from 0 to 255, or float from 0 to 1.
            small: See `Mask`.

        Raises:
            UsageError: another shape or type, or numbers out of range.
        """
        array = np.asarray(array)
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise UsageError(f"A mask must be square, [H, H], got {list(array.shape)}.")
        if not 1 <= len(array) <= LARGEST_GRID:
            raise UsageError(f"A mask has 1 to {LARGEST_GRID} rows, got {len(array)}.")
        values: np.ndarray
        if array.dtype == np.uint8:
            values = array.astype(np.float32)
        elif array.dtype == np.bool_ or array.dtype.kind == "f":
            values = array.astype(np.float32)
            if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
                raise UsageError("A mask of floats must hold numbers from 0 to 1.")
            values = values * INSIDE
        else:
            raise UsageError(f"A mask must be bool, uint8 or float, got {array.dtype}.")
        if len(values) != MASK_PX:
            import cv2  # here and below: reading a face's file should not cost it

            shrinks = len(values) > MASK_PX
            how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            values = cv2.resize(values, (MASK_PX, MASK_PX), interpolation=how)
        return cls(np.rint(values).astype(np.uint8).tobytes(), small)

    @classmethod
    def whole(cls) -> Mask:
        """All of the picture."""
        return cls(bytes([INSIDE]) * MASK_BYTES)

    @classmethod
    def empty(cls) -> Mask:
        """Nothing of the picture."""
        return cls(bytes(MASK_BYTES))

    def pack(self) -> bytes:
        """`data`, compressed by zlib; `unpack` reads it."""
        return self._packed

    @cached_property
    def _packed(self) -> bytes:
        return zlib.compress(self.data, 9)

    @classmethod
    def unpack(cls, packed: bytes, *, small: bool = False) -> Mask:
        """The mask of such bytes, of which never more than a mask is unpacked.

        Raises:
            ValueError: damaged, or not of the right length.
        """
        reader = zlib.decompressobj()
        try:
            data = reader.decompress(packed, MASK_BYTES + 1)
        except zlib.error as err:
            raise ValueError("the packed mask is damaged") from err
        if len(data) != MASK_BYTES:
            raise ValueError("the packed mask has the wrong length")
        return cls(data, small)

    @cached_property
    def values(self) -> np.ndarray:
        """uint8 [256, 256], read-only."""
        return np.frombuffer(self.data, np.uint8).reshape(MASK_PX, MASK_PX)

    def at(self, px: int, how: How | None = None) -> np.ndarray:
        """The mask on a grid of px x px cells, float32 from 0 to 1.

        Finer grids are interpolated, and stay at 0 wherever the mask's own cell is 0. The numbers
        are the same on every processor: up to the last division all sums are exact.

        Args:
            px: A power of two.
            how: What a coarser cell takes of the mask's cells; None for what suits this mask.

        Raises:
            UsageError: not a power of two from 1 to 8192.
        """
        if not 1 <= px <= LARGEST_GRID or px & (px - 1):
            raise UsageError(f"A mask is read on a grid of 2, 4, 8, … cells a side, got {px}.")
        if how is None:
            how = "max" if self.small and px <= SMALL_UP_TO_PX else "mean"
        if px > MASK_PX:
            return self._finer(px // MASK_PX)
        values: np.ndarray = self.values.astype(np.float32)
        cells = values.reshape(px, MASK_PX // px, px, MASK_PX // px)
        values = cells.max(axis=(1, 3)) if how == "max" else cells.mean(axis=(1, 3))
        return values / np.float32(INSIDE)

    def _finer(self, factor: int) -> np.ndarray:
        """The mask at a larger size; only what its box holds is worked on."""
        import cv2

        grid = np.zeros((factor * MASK_PX, factor * MASK_PX), np.float32)
        box = self.box()
        if box is None:
            return grid
        top, bottom, left, right = (int(edge * MASK_PX) for edge in box)
        rows = slice(max(top - 1, 0), bottom + 1)  # cells of 0 around: they draw edges down
        columns = slice(max(left - 1, 0), right + 1)
        part = self.values[rows, columns]
        size = (factor * part.shape[1], factor * part.shape[0])
        values: np.ndarray = cv2.resize(
            part.astype(np.float32), size, interpolation=cv2.INTER_LINEAR
        )
        reached = (part > 0).view(np.uint8)
        values *= cv2.resize(reached, size, interpolation=cv2.INTER_NEAREST)
        values /= np.float32(INSIDE)
        grid[
            factor * rows.start : factor * rows.start + size[1],
            factor * columns.start : factor * columns.start + size[0],
        ] = values
        return grid

    def box(self) -> tuple[float, float, float, float] | None:
        """What holds all cells above 0: (top, bottom, left, right) in fractions of the edge.

        That is a `facegen.nets.window.Box`; None for an empty mask.
        """
        rows, columns = (np.flatnonzero(self.values.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return None
        edges = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)
        top, bottom, left, right = (float(edge) / MASK_PX for edge in edges)
        return top, bottom, left, right

    @property
    def is_empty(self) -> bool:
        """Whether nothing may change."""
        return not self.values.any()

    @property
    def is_whole(self) -> bool:
        """Whether all of the picture is inside."""
        return bool((self.values == INSIDE).all())

    @property
    def share(self) -> float:
        """How much of the picture is inside, 0 to 1."""
        return float(self.values.mean(dtype=np.float64)) / INSIDE

    @cached_property
    def digest(self) -> str:
        """16 hex digits that name the mask."""
        return hashlib.sha256(self.data + bytes([self.small])).hexdigest()[:16]

    def union(self, *others: Mask) -> Mask:
        """What is inside of this mask or of others; small if one of them is."""
        masks = list(self._with(others))
        values = np.maximum.reduce([mask.values for mask in masks])
        return Mask(values.tobytes(), any(mask.small for mask in masks))

    def soft(self, sigma: float) -> Mask:
        """The mask with a soft edge; sigma in its cells."""
        if self.is_empty:
            return self
        import cv2  # On bytes it is exact; whoever only reads masks does not wait for it.

        blurred = cv2.GaussianBlur(self.values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        return Mask(blurred.tobytes(), self.small)

    def minus(self, other: Mask) -> Mask:
        """What is inside of this mask and not of the other."""
        return Mask(np.minimum(self.values, INSIDE - other.values).tobytes(), self.small)

    def within(self, other: Mask) -> Mask:
        """What is inside of this mask and of the other."""
        return Mask(np.minimum(self.values, other.values).tobytes(), self.small)

    def _with(self, others: tuple[Mask, ...]) -> Iterator[Mask]:
        yield self
        yield from others
