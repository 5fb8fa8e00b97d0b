"""StyleGAN2's OpenVINO graphs with the rest of a picture kept; see `blend_graphs`."""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as op
from openvino import Node

from facegen.nets.blend_graphs import BlendGraphs, Mixer, channels_first
from facegen.nets.openvino_ops import as_bytes, const
from facegen.nets.stylegan2 import StyleGAN2Synthesis, SynthesisLayer
from facegen.nets.stylegan2_openvino import Builder, add_rgb
from facegen.nets.synthesis import BLEND_PX

TILE, BORDER = 32, 4
"""Cells of BLEND_PX. On each finer level up-sampling and two convolutions spoil 2 + 1 + 1/2 + …."""


def stylegan2_blend_graphs(net: StyleGAN2Synthesis, *, preview_px: int = 0) -> BlendGraphs:
    """For the full picture, or for the preview that the blocks up to `preview_px` make."""
    size_px, is_preview = preview_px or net.img_resolution, preview_px > 0
    mixer, head = Mixer(), Builder(net)
    tile = min(TILE, BLEND_PX)
    tail = _TailBuilder(net, tile=tile)
    parts: list[Node] = []
    graph: Builder = head
    x: Node | None = None
    img: Node | None = None
    row = 0
    for block in net.blocks():
        if block.resolution > BLEND_PX and graph is head:
            graph = tail
            parts = [_part(tile, shape) for shape in mixer.features[-2:]]
            x, img = (channels_first(part) for part in parts)
        x = graph.features(block, x, row)
        row += block.num_conv
        img = add_rgb(img, graph.rgb(block.torgb, x, row))
        if block.resolution == size_px:
            break
        if graph is head:
            x, img = mixer(x), mixer(img)
    picture = as_bytes(op.multiply(img, const(127.5)))
    outputs = [picture] if graph is head else mixer.mixed[-len(parts) :]
    if not is_preview:
        outputs = mixer.mixed if graph is tail else [*mixer.mixed, picture]
    common = mixer.head(head.w_plus, outputs), mixer.features, tuple(mixer.masks)
    if graph is head:
        return BlendGraphs(*common)
    return BlendGraphs(
        *common,
        tail=ov.Model([picture], [tail.w_plus, *parts, *tail.inputs], "blend_tail"),
        num_last=len(parts),
        noises=tuple(tail.noises),
        tile=tile,
        border=BORDER,
    )


class _TailBuilder(Builder):
    """Draws a tile from features on; noises are inputs, for they hang on the place."""

    def __init__(self, net: StyleGAN2Synthesis, *, tile: int) -> None:
        super().__init__(net)
        self.tile = tile
        self.inputs: list[Node] = []
        self.noises: list[np.ndarray] = []

    def noise(self, layer: SynthesisLayer) -> Node:
        whole = self.noise_of(layer)
        px = whole.shape[-1] // BLEND_PX * self.tile
        self.noises.append(whole)
        self.inputs.append(op.parameter([1, 1, px, px], np.float32))
        return self.inputs[-1]


def _part(tile: int, shape: tuple[int, ...]) -> Node:
    return op.parameter([1, tile, tile, shape[-1]], np.float32)
