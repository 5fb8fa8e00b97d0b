"""MobileStyleGAN's OpenVINO graphs with the rest of a picture kept; see `blend_graphs`."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as op
from openvino import Node

from facegen.nets.blend_graphs import BlendGraphs, Mixer, channels_first
from facegen.nets.mobilestylegan import CONST_PX, MobileSynthesis
from facegen.nets.mobilestylegan_openvino import Builder, arrays, drawn_by_head, feature_builder
from facegen.nets.mobilestylegan_preview import PreviewHead
from facegen.nets.openvino_ops import as_bytes
from facegen.nets.synthesis import BLEND_PX

TILE, BORDER = 20, 2
"""Cells of BLEND_PX. Two 3x3 convolutions on each finer level spoil 1 + 1/2 + 1/4 cells."""


def blend_graphs(net: MobileSynthesis) -> BlendGraphs:
    """For the full picture."""
    num_blocks = len(net.blocks)
    edge = CONST_PX * 2**num_blocks  # of the last features
    num_mixed = min((BLEND_PX // CONST_PX).bit_length() - 1, num_blocks)
    mixer = Mixer()
    head = Builder(arrays(net), num_ws=net.num_ws, w_dim=net.w_dim, mix=mixer)
    if num_mixed < num_blocks:  # its last features are written in the order of the next block
        _order_last(head, num_mixed)
    head.trunk(num_mixed)
    cells = CONST_PX * 2**num_mixed
    tail = _TailBuilder(net, cells=cells, tile=min(TILE, cells))
    _, _, _, channels = mixer.features[-1]
    part = op.parameter([1, tail.tile, tail.tile, channels], np.float32, name="features")
    picture = tail.drawn(channels_first(part), num_mixed, num_blocks)
    return BlendGraphs(
        mixer.head(head.w_plus, mixer.mixed),
        mixer.features,
        tuple(mixer.masks),
        tail=ov.Model([picture], [tail.w_plus, part, *tail.inputs], "blend_tail"),
        num_last=1,
        noises=tuple(tail.noises),
        tile=tail.tile,
        border=BORDER if edge > cells else 0,
    )


def preview_blend_graphs(net: MobileSynthesis, head: PreviewHead) -> BlendGraphs:
    """For the preview: it is small, and its colours hang on all of it."""
    mixer = Mixer()
    graph = feature_builder(net, head, mix=mixer)
    picture = drawn_by_head(graph, head, *graph.head_features())
    return BlendGraphs(mixer.head(graph.w_plus, [picture]), mixer.features, tuple(mixer.masks))


class _TailBuilder(Builder):
    """Draws a tile from features on; noises are inputs, for they hang on the place."""

    def __init__(self, net: MobileSynthesis, *, cells: int, tile: int) -> None:
        super().__init__(arrays(net), num_ws=net.num_ws, w_dim=net.w_dim)
        self.cells, self.tile = cells, tile
        self.inputs: list[Node] = []
        self.noises: list[np.ndarray] = []

    def drawn(self, x: Node, first: int, num_blocks: int) -> Node:
        """RGB bytes of the features after `first` blocks."""
        for i in range(first, num_blocks):
            _order_last(self, i)
        for i in range(first, num_blocks):
            x = self.block(x, i)
        return as_bytes(self.picture(x, num_blocks), mode="blocks_first")

    def noise(self, key: str) -> Node:
        whole = self.weights[f"{key}.noise"]
        px = whole.shape[-1] // self.cells * self.tile
        self.noises.append(whole)
        self.inputs.append(op.parameter([1, 1, px, px], np.float32, name=f"{key}.noise"))
        return self.inputs[-1]


def _order_last(graph: Builder, block: int) -> None:
    """Let what a block reads be in the order of its up-sampling."""
    key = f"blocks.{block - 1}.conv2" if block else "conv0"
    kernel = f"{key}.pointwise" if block else f"{key}.weight"
    graph.order_for_haar(kernel, f"{key}.bias", block=block)
