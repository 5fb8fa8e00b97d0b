"""Keeps the rest of a picture with OpenVINO: coarse levels whole, the rest in tiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openvino as ov

from facegen.cache import BoundedCache
from facegen.engines.keeping import mixed
from facegen.masks import Mask
from facegen.nets.blend_graphs import BlendGraphs, Tile, tiles_over

MAX_BASES = 6
"""Latents whose features and pictures are remembered, 14 MB each for the bundled network."""

Features = tuple[np.ndarray, ...]


class Blender:
    """Draws the picture of one latent with that of another inside of a mask. Not locked.

    Args:
        graphs: What is run.
        head: Its head, ready to run.
        tail: Its tail.
        plain: Draws the picture of a latent: [1, num_ws, w_dim] -> uint8 [1, S, S, 3].
        features_of: Gives a base's features, or more than are needed; None if the head does.
    """

    def __init__(
        self,
        graphs: BlendGraphs,
        head: ov.InferRequest,
        tail: ov.InferRequest | None,
        plain: Callable[[np.ndarray], np.ndarray],
        features_of: Callable[[np.ndarray], Features] | None = None,
    ) -> None:
        self._graphs = graphs
        self._head, self._tail = head, tail
        self._plain = plain
        self._features_of = features_of or self.features_of
        self._features: BoundedCache[Features] = BoundedCache(MAX_BASES)
        self._pictures: BoundedCache[np.ndarray] = BoundedCache(MAX_BASES)

    def draw(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine.blend`."""
        features = self._features_of(w_base)[: len(self._graphs.features)]
        picture = self._pictures.get_or_make(w_base.tobytes(), lambda: self._plain(w_base)[0])
        return np.stack([self._one(row[None], features, picture, mask) for row in w_plus])

    def features_of(self, w_base: np.ndarray) -> Features:
        """The features of a latent, channels last, as the head gives them where a mask is whole."""
        return self._features.get_or_make(w_base.tobytes(), lambda: self._made(w_base))

    def _made(self, w_base: np.ndarray) -> Features:
        nothing = tuple(np.zeros(shape, np.float32) for shape in self._graphs.features)
        outputs = self._mixed(w_base, nothing, Mask.whole())
        return tuple(np.array(x) for x in outputs[: len(nothing)])

    def _mixed(self, w_plus: np.ndarray, base: Features, mask: Mask) -> list[np.ndarray]:
        """What the head gives; valid until it runs again."""
        weights = [mask.at(px)[None, None] for px in self._graphs.masks]
        inputs = [w_plus, *base, *weights]
        outputs = self._head.infer(inputs, share_inputs=True, share_outputs=True)
        return [outputs[k] for k in range(len(outputs))]

    def _one(
        self, w_plus: np.ndarray, features: Features, base: np.ndarray, mask: Mask
    ) -> np.ndarray:
        """One picture, uint8 [S, S, 3], from the features and the picture of the base."""
        outputs = self._mixed(w_plus, features, mask)
        edge = len(base)
        weight = mask.at(edge)
        if self._tail is None:
            return mixed(base, outputs[-1][0], weight)
        graphs = self._graphs
        last = outputs[-graphs.num_last :]
        cells = last[0].shape[1]
        picture = base.copy()
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
