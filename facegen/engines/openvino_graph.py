"""MobileStyleGAN as an OpenVINO graph laid out for speed.

What makes it twice as fast as the published graph (numbers in docs/performance.md):

- The inverse Haar transform is one 1x1 convolution with a fixed matrix, followed by a move of
  channels to space. The published graph splits channels and runs six one-dimensional transposed
  convolutions, each of which leaves the channels-last layout and comes back.
- The last Haar transform is linear after a linear layer, so it is folded into the weights of
  `to_img`; so is the scaling to 0...255, and the graph returns bytes.
- float32 is asked for by name: OpenVINO silently chooses bfloat16 on processors that have it,
  which is 20/255 off and, here, no faster.
"""

from __future__ import annotations

import numpy as np
import openvino as ov
import openvino.opset13 as op
from openvino import Model, Node

from facegen.nets.mobilestylegan import MobileSynthesis, block_rows
from facegen.nets.preview_head import NUM_BLOCKS, STYLE_ROWS, PreviewHead

# Rows: top-left, top-right, bottom-left, bottom-right pixel. Columns: LL, LH, HL, HH.
HAAR = 0.5 * np.array(
    [[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], np.float32
)  # fmt: skip
SLOPE = 0.2

Weights = dict[str, np.ndarray]


def full_graph(net: MobileSynthesis) -> Model:
    """w_plus [1, 18, 512] -> RGB bytes [1, S, S, 3]."""
    weights = _arrays(net)
    graph = _Builder(weights, num_ws=net.num_ws, w_dim=net.w_dim)
    num_blocks = len(net.blocks)
    x = graph.trunk(num_blocks)
    *_, row = block_rows(num_blocks - 1)
    x = op.multiply(x, graph.style("to_img.modulation", [row]))
    to_phases = _haar_matrix(12)  # [phase * 3 + colour, subband]
    kernel = to_phases @ weights["to_img.pointwise"][:, :, 0, 0]
    bias = to_phases @ weights["to_img.bias"]
    return graph.finish(x, kernel, bias, mode="blocks_first", name="full")


def preview_graph(net: MobileSynthesis, head: PreviewHead) -> Model:
    """w_plus [1, 18, 512] -> RGB bytes [1, 256, 256, 3], from the features at 64 px."""
    graph = _Builder(
        {**_arrays(net), **{f"head.{k}": v for k, v in _arrays(head).items()}},
        num_ws=net.num_ws,
        w_dim=net.w_dim,
    )
    x = graph.trunk(NUM_BLOCKS)
    for i, row in enumerate(STYLE_ROWS):
        key = f"head.layer{i}"
        x = op.multiply(x, graph.style(f"{key}.modulation", [row, row + 1]))
        if f"{key}.depthwise" in graph.weights:
            x = graph.depthwise(x, graph.weights[f"{key}.depthwise"])
        if i == len(STYLE_ROWS) - 1:
            break
        x = graph.pointwise(x, graph.weights[f"{key}.pointwise"])
        x = op.add(x, _const(graph.weights[f"{key}.bias"][None, :, None, None]))
        if i == 0:
            x = op.depth_to_space(x, "depth_first", 2)
        x = op.prelu(x, _const([SLOPE]))
    last = f"head.layer{len(STYLE_ROWS) - 1}"
    kernel = graph.weights[f"{last}.pointwise"][:, :, 0, 0]
    bias = graph.weights[f"{last}.bias"]
    return graph.finish(x, kernel, bias, mode="depth_first", name="preview")


class _Builder:
    """Adds the network's layers to a graph with one input, w_plus."""

    def __init__(self, weights: Weights, *, num_ws: int, w_dim: int) -> None:
        self.weights = weights
        self.w_dim = w_dim
        self.w_plus = op.parameter([1, num_ws, w_dim], np.float32, name="w_plus")

    def style(self, key: str, rows: list[int]) -> Node:
        """Affine style of the mean of `rows`, [1, C, 1, 1]."""
        picked = op.gather(self.w_plus, op.constant(np.array(rows)), op.constant(1))
        w = op.reduce_mean(picked, op.constant(np.array([1])), False)  # [1, w_dim]
        scaled = op.matmul(w, _const(self.weights[f"{key}.weight"]), False, True)
        styled = op.add(scaled, _const(self.weights[f"{key}.bias"][None]))
        return op.reshape(styled, op.constant(np.array([1, -1, 1, 1])), False)

    def trunk(self, num_blocks: int) -> Node:
        """Features after the first `num_blocks` blocks."""
        x = op.multiply(_const(self.weights["const"]), self.style("conv0.modulation", [0]))
        x = self._activate(_conv(x, self.weights["conv0.weight"], pad=1), "conv0")
        for i in range(num_blocks):
            row1, row2, _ = block_rows(i)
            x = op.multiply(x, self.style(f"blocks.{i}.up", [row1]))
            channels = self.weights[f"blocks.{i}.up.weight"].shape[0]
            x = self.pointwise(x, _haar_matrix(channels)[:, :, None, None])
            x = op.depth_to_space(x, "blocks_first", 2)
            for part, row in (("conv1", row1), ("conv2", row2)):
                key = f"blocks.{i}.{part}"
                x = op.multiply(x, self.style(f"{key}.modulation", [row]))
                x = self.depthwise(x, self.weights[f"{key}.depthwise"])
                x = self._activate(self.pointwise(x, self.weights[f"{key}.pointwise"]), key)
        return x

    def depthwise(self, x: Node, kernel: np.ndarray) -> Node:
        ones, pads = [1, 1], [1, 1]
        return op.group_convolution(x, _const(kernel[:, None]), ones, pads, pads, ones)

    def pointwise(self, x: Node, kernel: np.ndarray) -> Node:
        return _conv(x, kernel, pad=0)

    def finish(
        self, x: Node, kernel: np.ndarray, bias: np.ndarray, *, mode: str, name: str
    ) -> Model:
        """Last 1x1 convolution to 12 channels, to bytes, to space, to channels last."""
        x = self.pointwise(x, 127.5 * kernel[:, :, None, None])
        x = op.add(x, _const((127.5 * bias + 127.5)[None, :, None, None]))
        x = op.convert(op.clamp(op.round(x, "half_to_even"), 0.0, 255.0), "u8")
        x = op.depth_to_space(x, mode, 2)
        x = op.transpose(x, op.constant(np.array([0, 2, 3, 1])))
        return ov.Model([x], [self.w_plus], name)

    def _activate(self, x: Node, key: str) -> Node:
        x = op.add(x, _const(self.weights[f"{key}.bias"][None, :, None, None]))
        x = op.add(x, _const(self.weights[f"{key}.noise"]))
        return op.prelu(x, _const([SLOPE]))


def _haar_matrix(channels: int) -> np.ndarray:
    """[channels, channels]: from stored subbands to pixels, ordered (pixel, channel).

    Subbands are stored as C low-pass channels, then LH, HL, HH of each channel in turn.
    """
    c = channels // 4
    matrix = np.zeros((channels, channels), np.float32)
    for band in range(4):
        stored = np.arange(c) if band == 0 else c + 3 * np.arange(c) + band - 1
        for pixel in range(4):
            matrix[pixel * c + np.arange(c), stored] = HAAR[pixel, band]
    return matrix


def _conv(x: Node, kernel: np.ndarray, *, pad: int) -> Node:
    ones, pads = [1, 1], [pad, pad]
    return op.convolution(x, _const(kernel), ones, pads, pads, ones)


def _const(values: object) -> Node:
    return op.constant(np.ascontiguousarray(values, dtype=np.float32))


def _arrays(module: MobileSynthesis | PreviewHead) -> Weights:
    return {key: value.detach().cpu().numpy() for key, value in module.state_dict().items()}
