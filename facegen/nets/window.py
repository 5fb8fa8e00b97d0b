"""Windows of pictures and features: losses that look at a face need not compute the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

WINDOW_PX = 128
"""The resolution of a window's cells: features up to here are computed whole."""
FIRST_FIXED_ROW = 9
"""Rows of w_plus from here on are read from WINDOW_PX on alone; parts take them as constants."""
BORDER = 4  # what padding at a window's edge spoils in all later layers, in cells


class Box(NamedTuple):
    """A rectangle in fractions of a picture's edge."""

    top: float
    bottom: float
    left: float
    right: float


@dataclass(frozen=True)
class Window:
    """Cells of a square: first and one past the last row, first and one past the last column."""

    top: int
    bottom: int
    left: int
    right: int

    @classmethod
    def around(cls, box: Box, px: int = WINDOW_PX) -> Window:
        """The cells, `px` a side, that hold a box and a border; kept inside.

        Beyond WINDOW_PX they begin and end where cells of WINDOW_PX do: who halves a part of a
        picture, as dlib does before it cuts a chip, must pair the pixels that the whole one pairs.
        """
        step = max(px // WINDOW_PX, 1)
        low = [max(int(edge * px) - BORDER, 0) // step * step for edge in (box.top, box.left)]
        high = [
            min(-(-(int(edge * px) + 1 + BORDER) // step) * step, px)
            for edge in (box.bottom, box.right)
        ]
        return cls(low[0], max(high[0], low[0] + 1), low[1], max(high[1], low[1] + 1))

    def times(self, factor: int) -> Window:
        """The same window where a cell is `factor` pixels."""
        return Window(*(edge * factor for edge in (self.top, self.bottom, self.left, self.right)))

    def moved(self, down: int, right: int) -> Window:
        """The same window, counted from another corner."""
        return Window(self.top + down, self.bottom + down, self.left + right, self.right + right)

    def of(self, x: Tensor) -> Tensor:
        """Cut out of [..., S, S]."""
        return x[..., self.top : self.bottom, self.left : self.right]


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a picture.

    Attributes:
        picture: [1, 3, H, W] RGB in about [-1, 1]; a border around the box that was asked for
            differs from the whole picture's.
        left, top: Where its first pixel is in the whole picture.
        edge: Of the whole picture, in pixels of this size.
    """

    picture: Tensor
    left: int
    top: int
    edge: int
