"""OpenVINO graphs that keep the rest of a picture, whichever the architecture.

A head draws the levels that are mixed, whole: they are small. From there on a tail draws tiles of
a fixed size, and only those that the mask reaches: what a layer spoils at a tile's edge is cut off.
One compiled graph so serves every region, and features of a tile stay in the processor's cache,
which makes up for the edges that are drawn twice (docs/notes/performance.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import openvino as ov
import openvino.opset13 as op
from openvino import Node

from facegen.nets.openvino_ops import const


@dataclass(frozen=True, eq=False)
class BlendGraphs:
    """What an engine runs.

    Attributes:
        head: (w_plus, features of the base ..., masks ...) -> mixed features ..., each [1, S, S, C]
            (channels last) in the order in which it takes them, and without a tail the picture. Of
            a preview only what is needed to go on: the base's features are the full picture's.
        features: Shapes of the base's features.
        masks: Edges of the masks, each of which is [1, 1, S, S].
        tail: (w_plus, parts of the last features ..., parts of the noises ...) -> RGB bytes of a
            tile, [1, H, W, 3]; None where the head draws all.
        num_last: How many of the head's features the tail takes.
        noises: Whole noises, [1, 1, S, S] each.
        tile: Edge of a tile, in cells of the last features.
        border: What is spoilt at a tile's edges, in cells.
    """

    head: ov.Model
    features: tuple[tuple[int, ...], ...]
    masks: tuple[int, ...]
    tail: ov.Model | None = None
    num_last: int = 0
    noises: tuple[np.ndarray, ...] = ()
    tile: int = 0
    border: int = 0


class Mixer:
    """Mixes features with the base's, which become inputs of the graph."""

    def __init__(self) -> None:
        self.bases: list[Node] = []
        self.masks: dict[int, Node] = {}
        self.mixed: list[Node] = []

    def __call__(self, x: Node) -> Node:
        """Features of a level, [1, C, S, S], mixed."""
        _, channels, px, _ = x.get_output_shape(0)
        if px not in self.masks:
            self.masks[px] = op.parameter([1, 1, px, px], np.float32, name=f"mask_{px}")
        name = f"base_{len(self.bases)}"
        self.bases.append(op.parameter([1, px, px, channels], np.float32, name=name))
        mask = self.masks[px]
        base = op.multiply(channels_first(self.bases[-1]), op.subtract(const([1.0]), mask))
        x = op.add(base, op.multiply(x, mask))  # where the mask is 0 or 1, exactly the one
        self.mixed.append(op.transpose(x, op.constant(np.array([0, 2, 3, 1]))))
        return x

    def head(self, w_plus: Node, outputs: list[Node]) -> ov.Model:
        """The graph to these outputs."""
        return ov.Model(outputs, [w_plus, *self.bases, *self.masks.values()], "blend_head")

    @property
    def features(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the features."""
        return tuple(tuple(base.get_output_shape(0)) for base in self.bases)


class Tile(NamedTuple):
    """Cells of a grid: first and one past the last row and column."""

    top: int
    bottom: int
    left: int
    right: int

    def times(self, factor: int) -> tuple[slice, slice]:
        """Rows and columns where a cell is `factor` pixels."""
        return (
            slice(self.top * factor, self.bottom * factor),
            slice(self.left * factor, self.right * factor),
        )


def tiles_over(cells: np.ndarray, *, tile: int, border: int) -> list[tuple[Tile, Tile]]:
    """Tiles that draw what a mask reaches.

    Args:
        cells: bool [S, S]: what is to be drawn.
        tile: Edge of a tile.
        border: What is spoilt at its edges, unless they are the picture's.

    Returns:
        (what is drawn, the part of it that is wanted) each; the parts do not overlap.
    """
    edge = len(cells)
    inner = tile - 2 * border if tile < edge else edge
    found = []
    for top in _starts(np.flatnonzero(cells.any(axis=1)), inner):
        strip = cells[top : top + inner]
        for left in _starts(np.flatnonzero(strip.any(axis=0)), inner):
            wanted = Tile(top, min(top + inner, edge), left, min(left + inner, edge))
            y, x = (min(max(start - border, 0), edge - tile) for start in (top, left))
            found.append((Tile(y, y + tile, x, x + tile), wanted))
    return found


def _starts(places: np.ndarray, length: int) -> list[int]:
    """Where stretches of a length begin that hold all places, which ascend."""
    starts: list[int] = []
    for place in places:
        if not starts or place >= starts[-1] + length:
            starts.append(int(place))
    return starts


def channels_first(x: Node) -> Node:
    """[1, H, W, C] -> [1, C, H, W]."""
    return op.transpose(x, op.constant(np.array([0, 3, 1, 2])))
