"""Keeps the rest of a picture with OpenVINO: coarse levels whole, the rest in tiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import openvino as ov

from facegen.cache import BoundedCache
from facegen.engines.keeping import mixed
from facegen.masks import Mask
from facegen.nets.blend_graphs import BlendGraphs, Tile, tiles_over

MAX_BASES = 8
"""Bases whose features are remembered: 14 MB each for the full picture, 10 MB for the preview."""


@dataclass(frozen=True, eq=False)
class _Base:
    """What is kept of a latent.

    Attributes:
        features: Of the levels that are mixed, channels last.
        picture: uint8 [S, S, 3].
    """

    features: tuple[np.ndarray, ...]
    picture: np.ndarray


class Blender:
    """Draws the picture of one latent with that of another inside of a mask. Not locked.

    Args:
        graphs: What is run.
        head: Its head, ready to run.
        tail: Its tail.
        plain: Draws the picture of a latent: [1, num_ws, w_dim] -> uint8 [1, S, S, 3].
    """

    def __init__(
        self,
        graphs: BlendGraphs,
        head: ov.InferRequest,
        tail: ov.InferRequest | None,
        plain: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._graphs = graphs
        self._head, self._tail = head, tail
        self._plain = plain
        self._bases: BoundedCache[_Base] = BoundedCache(MAX_BASES)

    def draw(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine.blend`."""
        base = self._bases.get_or_make(w_base.tobytes(), lambda: self._base(w_base))
        return np.stack([self._one(row[None], base, mask) for row in w_plus])

    def _base(self, w_base: np.ndarray) -> _Base:
        nothing = [np.zeros(shape, np.float32) for shape in self._graphs.features]
        outputs = self._mixed(w_base, nothing, Mask.whole())
        kept = tuple(np.array(outputs[k]) for k in range(len(nothing)))
        return _Base(kept, self._plain(w_base)[0])

    def _mixed(self, w_plus: np.ndarray, base: list[np.ndarray], mask: Mask) -> list[np.ndarray]:
        """What the head gives; valid until it runs again."""
        weights = [mask.at(px)[None, None] for px in self._graphs.masks]
        inputs = [w_plus, *base, *weights]
        outputs = self._head.infer(inputs, share_inputs=True, share_outputs=True)
        return [outputs[k] for k in range(len(outputs))]

    def _one(self, w_plus: np.ndarray, base: _Base, mask: Mask) -> np.ndarray:
        outputs = self._mixed(w_plus, list(base.features), mask)
        edge = len(base.picture)
        weight = mask.at(edge)
        if self._tail is None:
            return mixed(base.picture, outputs[-1][0], weight)
        graphs = self._graphs
        last = outputs[-graphs.num_last :]
        cells = last[0].shape[1]
        picture = base.picture.copy()
        reached = mask.at(cells, "max") > 0
        for drawn, wanted in tiles_over(reached, tile=graphs.tile, border=graphs.border):
            rows, columns = wanted.times(edge // cells)
            tile = self._drawn(w_plus, last, drawn, cells)
            top, left = (edge // cells * start for start in (drawn.top, drawn.left))
            part = tile[
                rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
            ]
            picture[rows, columns] = mixed(picture[rows, columns], part, weight[rows, columns])
        return picture

    def _drawn(
        self, w_plus: np.ndarray, last: list[np.ndarray], tile: Tile, cells: int
    ) -> np.ndarray:
        """RGB bytes of a tile, [H, W, 3]; valid until the next one."""
        assert self._tail is not None
        rows, columns = tile.times(1)
        parts = [np.ascontiguousarray(x[:, rows, columns]) for x in last]
        noises = []
        for noise in self._graphs.noises:
            rows, columns = tile.times(noise.shape[-1] // cells)
            noises.append(np.ascontiguousarray(noise[:, :, rows, columns]))
        outputs = self._tail.infer([w_plus, *parts, *noises], share_inputs=True, share_outputs=True)
        return outputs[0][0]
