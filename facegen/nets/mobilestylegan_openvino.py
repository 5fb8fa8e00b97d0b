"""MobileStyleGAN as an OpenVINO graph laid out for speed.

What makes it 2.7 times as fast as the published graph (numbers in docs/notes/performance.md):

- The inverse Haar transform is one grouped 1x1 convolution with a fixed matrix, followed by a move
  of channels to space. The published graph splits channels and runs six one-dimensional transposed
  convolutions, each of which leaves the channels-last layout and comes back. The groups need the
  subbands side by side, so the convolution before writes its channels in that order.
- The last Haar transform is linear after a linear layer, so it is folded into the weights of
  `to_img`; so is the scaling to 0...255, and the graph returns bytes.
- float32 is asked for by name: OpenVINO silently chooses bfloat16 on processors that have it,
  which is faster still and up to 27/255 off.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openvino as ov
import openvino.opset13 as op
from openvino import Model, Node

from facegen.nets.mobilestylegan import MobileSynthesis, block_rows
from facegen.nets.mobilestylegan_colours import (
    COLOUR_PX,
    FEATURES_PX,
    LAYERS,
    LEFT_OUT_PX,
    LEFT_OUT_ROW,
    LEFT_OUT_STYLES,
)
from facegen.nets.mobilestylegan_preview import CONV2_ROW, LATE_ROWS, NUM_BLOCKS, PreviewHead
from facegen.nets.mobilestylegan_segments import FIRST_READ, SegmentHead
from facegen.nets.mobilestylegan_segments import NUM_BLOCKS as NUM_READ
from facegen.nets.openvino_ops import as_bytes, best_label, const, conv, per_channel

# Rows: top-left, top-right, bottom-left, bottom-right pixel. Columns: LL, LH, HL, HH.
HAAR = 0.5 * np.array(
    [[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]], np.float32
)  # fmt: skip
SLOPE = 0.2
GROUP_CHANNELS = 32  # of the Haar convolution: enough to fill vector registers, few zeros

Weights = dict[str, np.ndarray]
Mix = Callable[[Node], Node]


def full_graph(net: MobileSynthesis) -> Model:
    """w_plus [1, 18, 512] -> RGB bytes [1, S, S, 3]."""
    graph = Builder(arrays(net), num_ws=net.num_ws, w_dim=net.w_dim)
    num_blocks = len(net.blocks)
    x = graph.picture(graph.trunk(num_blocks), num_blocks)
    return ov.Model([as_bytes(x, mode="blocks_first")], [graph.w_plus], "full")


def segments_graph(net: MobileSynthesis, head: SegmentHead, *, with_picture: bool = False) -> Model:
    """w_plus [1, 18, 512] -> labels, uint8 [1, 256, 256]; see `SegmentHead.openvino_graph`."""
    graph = Builder(arrays(net), num_ws=net.num_ws, w_dim=net.w_dim)
    num_blocks = len(net.blocks) if with_picture else NUM_READ
    last = graph.trunk(num_blocks)
    weights = {key: value.detach().cpu().numpy() for key, value in head.state_dict().items()}
    x: Node | None = None
    for block, key in enumerate(("from_32", "from_64", "from_128"), start=FIRST_READ):
        own = graph.pointwise(graph.blocks[block], graph.as_written(weights[key], block + 1))
        x = own if x is None else op.add(enlarged(x, 2), own)
    reduced = weights["reduce_256"]
    if with_picture:  # else no block follows, and the channels stand as they are stored
        reduced = graph.as_written(reduced, NUM_READ)
    own = graph.pointwise(graph.blocks[NUM_READ - 1], reduced)
    own = graph.pointwise(own, weights["from_256"])
    own = op.add(own, const(weights["bias"][None, :, None, None]))
    x = op.relu(op.add(enlarged(x, 2), own))
    for key in ("hidden", "out"):
        x = graph.pointwise(x, weights[f"{key}.weight"])
        x = op.add(x, const(weights[f"{key}.bias"][None, :, None, None]))
        x = op.relu(x) if key == "hidden" else x
    labels = best_label(x)
    if not with_picture:
        return ov.Model([labels], [graph.w_plus], "segments")
    picture = as_bytes(graph.picture(last, num_blocks), mode="blocks_first")
    return ov.Model([picture, labels], [graph.w_plus], "picture_and_segments")


def preview_graph(net: MobileSynthesis, head: PreviewHead) -> Model:
    """w_plus [1, 18, 512] -> RGB bytes [1, 256, 256, 3]; see `PreviewHead`."""
    graph = feature_builder(net, head)
    x = drawn_by_head(graph, head, *graph.head_features())
    return ov.Model([x], [graph.w_plus], "preview")


def drawn_by_head(graph: Builder, head: PreviewHead, features: Node, left_out: Node) -> Node:
    """RGB bytes [1, 256, 256, 3] from what the head reads."""
    weights = graph.weights
    x = graph.pointwise(features, weights["head.pointwise1"])
    x = op.add(x, const(weights["head.bias1"][None, :, None, None]))
    noise = graph.weights[f"blocks.{NUM_BLOCKS}.conv1.noise"]
    x = op.add(x, const(noise * weights["head.noise1"][:, None, None]))
    x = op.prelu(x, const([SLOPE]))
    flat = op.constant(np.array([1, -1]))
    late = op.reshape(graph.rows(LATE_ROWS), flat, False)
    tone = op.prelu(graph.affine("head.tone", late), const([SLOPE]))
    style = op.concat([late, tone], 1)
    # Each style is applied with the layer before, and for conv3 before channels move to space:
    # one pass over memory less.
    x = op.multiply(x, graph.style("head.style2", CONV2_ROW))
    shift = op.matmul(tone, const(weights["head.shift2.weight"]), False, True)
    x = op.add(graph.thin("head.conv2", x), per_channel(shift))
    for part in ("weight", "bias"):
        graph.weights[f"head.style3.{part}"] = weights[f"head.style3.{part}"].repeat(4, axis=0)
    x = op.prelu(x, const([SLOPE]))
    x = op.multiply(x, per_channel(graph.affine("head.style3", style)))
    x = op.depth_to_space(x, "depth_first", 2)
    x = graph.thin("head.to_img", op.prelu(graph.thin("head.conv3", x), const([SLOPE])))
    factor = head.size_px // COLOUR_PX
    wrong = op.subtract(graph.colours(features, left_out), averaged(x, factor))
    x = op.multiply(op.add(x, enlarged(wrong, factor)), const(127.5))
    return as_bytes(x)


def features_graph(net: MobileSynthesis, head: PreviewHead) -> Model:
    """w_plus [1, 18, 512] -> what `PreviewHead.features` gives; for training."""
    graph = feature_builder(net, head)
    return ov.Model(list(graph.head_features()), [graph.w_plus], "features")


def feature_builder(net: MobileSynthesis, head: PreviewHead, *, mix: Mix = lambda x: x) -> Builder:
    """The network with only those channels that the preview head keeps."""
    weights = arrays(net)
    kept, scale = head.kept.numpy(), head.input_scale.numpy()
    last, after = f"blocks.{NUM_BLOCKS - 1}.conv2", f"blocks.{NUM_BLOCKS}"
    bands = head.kept_subbands(weights[f"{after}.up.weight"].shape[0] // 4).numpy()
    weights[f"{last}.pointwise"] = head.trunk.detach().numpy()
    for key in (f"{last}.bias", f"{after}.up.weight", f"{after}.up.bias"):
        weights[key] = weights[key][bands]
    middle, before = head.middle.numpy(), f"blocks.{NUM_BLOCKS - 1}.conv1"
    for key in (
        *(f"{before}.{part}" for part in ("pointwise", "bias")),
        *(f"{last}.{part}" for part in ("modulation.weight", "modulation.bias", "depthwise")),
    ):
        weights[key] = weights[key][middle]
    style, depthwise = f"{after}.conv1.modulation", f"{after}.conv1.depthwise"
    weights[f"{style}.weight"] = weights[f"{style}.weight"][kept] * scale[:, None]
    weights[f"{style}.bias"] = weights[f"{style}.bias"][kept] * scale
    weights[depthwise] = weights[depthwise][kept]
    whole, chosen = arrays(net), head.colours.left_out.numpy()
    weights["left_out.bias"] = whole[f"{last}.bias"][chosen]
    weights["left_out.noise"] = whole[f"{last}.noise"]
    parts = [(key, chosen) for key in LEFT_OUT_STYLES]
    parts += [(key, np.arange(layer.channels)) for layer in LAYERS for key in layer.styles]
    for key, channels in parts:
        for part in ("weight", "bias"):
            weights[f"colours.{key}.{part}"] = whole[f"{key}.{part}"][channels]
    weights |= {f"head.{key}": value for key, value in arrays(head).items()}
    return Builder(weights, num_ws=net.num_ws, w_dim=net.w_dim, mix=mix)


class Builder:
    """Adds the network's layers to a graph with one input, w_plus.

    Args:
        weights: Of the network; channels may be put in another order.
        num_ws: Rows of w_plus.
        w_dim: Their length.
        mix: Done with the features of every level, from 4 px upwards.
    """

    def __init__(
        self, weights: Weights, *, num_ws: int, w_dim: int, mix: Mix = lambda x: x
    ) -> None:
        self.weights = weights
        self.mix = mix
        self.w_dim = w_dim
        self.w_plus = op.parameter([1, num_ws, w_dim], np.float32, name="w_plus")
        self.blocks: list[Node] = []

    def rows(self, indices: tuple[int, ...]) -> Node:
        """Rows of w_plus, [1, len(indices), w_dim]."""
        return op.gather(self.w_plus, op.constant(np.array(indices)), op.constant(1))

    def affine(self, key: str, x: Node) -> Node:
        """[1, I] -> [1, O] by `key`.weight and `key`.bias."""
        weight, bias = self.weights[f"{key}.weight"], self.weights[f"{key}.bias"][None]
        if weight.shape[1] <= self.w_dim:
            return op.add(op.matmul(x, const(weight), False, True), const(bias))
        # Of sums this long a matmul gives each thread a part, and the last bits of the result
        # follow from their number.
        products = op.multiply(x, const(weight))
        sums = op.reduce_sum(products, op.constant(np.array([1])), False)
        return op.add(op.reshape(sums, op.constant(np.array([1, -1])), False), const(bias))

    def style(self, key: str, row: int) -> Node:
        """Affine style of one row of w_plus, [1, C, 1, 1]."""
        w = op.reshape(self.rows((row,)), op.constant(np.array([1, self.w_dim])), False)
        return per_channel(self.affine(key, w))

    def trunk(self, num_blocks: int) -> Node:
        """Features after the first `num_blocks` blocks."""
        self.order_for_haar("conv0.weight", "conv0.bias", block=0)
        for i in range(num_blocks - 1):
            key = f"blocks.{i}.conv2"
            self.order_for_haar(f"{key}.pointwise", f"{key}.bias", block=i + 1)
        x = op.multiply(const(self.weights["const"]), self.style("conv0.modulation", 0))
        x = self.mix(self.activate(conv(x, self.weights["conv0.weight"], pad=1), "conv0"))
        for i in range(num_blocks):
            x = self.mix(self.block(x, i))
            self.blocks.append(x)
        return x

    def block(self, x: Node, i: int) -> Node:
        """Features after block `i`."""
        x = self.block_middle(x, i)
        x = self.pointwise(x, self.weights[f"blocks.{i}.conv2.pointwise"])
        return self.activate(x, f"blocks.{i}.conv2")

    def picture(self, x: Node, num_blocks: int) -> Node:
        """The picture's pixels in [-127.5, 127.5], [1, 12, S/2, S/2], from the last features."""
        *_, row = block_rows(num_blocks - 1)
        x = op.multiply(x, self.style("to_img.modulation", row))
        to_phases = haar_matrix(12)  # [phase * 3 + colour, subband]
        kernel = 127.5 * to_phases @ self.weights["to_img.pointwise"][:, :, 0, 0]
        bias = 127.5 * to_phases @ self.weights["to_img.bias"]
        return op.add(self.pointwise(x, kernel[:, :, None, None]), const(bias[None, :, None, None]))

    def as_written(self, kernel: np.ndarray, block: int) -> np.ndarray:
        """A kernel [O, I, 1, 1] over stored channels, for those that `trunk` left for a block."""
        return kernel[:, _haar_order(self.weights[f"blocks.{block}.up.weight"].shape[0])]

    def block_middle(self, x: Node, i: int) -> Node:
        """A block up to its last pointwise convolution."""
        row1, row2, _ = block_rows(i)
        x = self._haar(op.multiply(x, self.style(f"blocks.{i}.up", row1)))
        x = self._spread(x, f"blocks.{i}.conv1", row1)
        x = self.pointwise(x, self.weights[f"blocks.{i}.conv1.pointwise"])
        return self._spread(self.activate(x, f"blocks.{i}.conv1"), f"blocks.{i}.conv2", row2)

    def _spread(self, x: Node, key: str, row: int) -> Node:
        """Style and depthwise convolution."""
        x = op.multiply(x, self.style(f"{key}.modulation", row))
        return self.depthwise(x, self.weights[f"{key}.depthwise"])

    def head_features(self) -> tuple[Node, Node]:
        """See `PreviewHead.features`; only for a `feature_builder`."""
        before = f"blocks.{NUM_BLOCKS - 2}.conv2"
        last, after = f"blocks.{NUM_BLOCKS - 1}.conv2", f"blocks.{NUM_BLOCKS}"
        for key, block in ((before, NUM_BLOCKS - 1), (last, NUM_BLOCKS)):
            self.order_for_haar(f"{key}.pointwise", f"{key}.bias", block=block)
        x = self.block_middle(self.trunk(NUM_BLOCKS - 1), NUM_BLOCKS - 1)
        left_out = self.pointwise(x, self.weights["head.trunk_left_out"])
        left_out = self.activate(left_out, "left_out")
        x = self.activate(self.pointwise(x, self.weights[f"{last}.pointwise"]), last)
        row, *_ = block_rows(NUM_BLOCKS)
        x = self._haar(op.multiply(x, self.style(f"{after}.up", row)))
        return self._spread(x, f"{after}.conv1", row), left_out

    def thin(self, key: str, x: Node) -> Node:
        """Depthwise and pointwise convolution with a bias; see `ThinConv`."""
        x = self.pointwise(
            self.depthwise(x, self.weights[f"{key}.depthwise"]), self.weights[f"{key}.pointwise"]
        )
        return op.add(x, const(self.weights[f"{key}.bias"][None, :, None, None]))

    def colours(self, features: Node, left_out: Node) -> Node:
        """RGB averaged to 32 px, [1, 3, 32, 32]; see `ColourChain`."""
        x = averaged(left_out, LEFT_OUT_PX // COLOUR_PX)
        for key in LEFT_OUT_STYLES:
            x = op.multiply(x, self.style(f"colours.{key}", LEFT_OUT_ROW))
        x = self.depthwise(x, self.weights["head.colours.depthwise.0"])
        x = op.concat([averaged(features, FEATURES_PX // COLOUR_PX), x], 1)
        x = self._biased(x, 0)
        for k, layer in enumerate(LAYERS, start=1):
            x = op.prelu(x, const([SLOPE]))
            for key in layer.styles:
                x = op.multiply(x, self.style(f"colours.{key}", layer.row))
            if k < len(LAYERS):
                x = self.depthwise(x, self.weights[f"head.colours.depthwise.{k}"])
            x = self._biased(x, k)
        return x

    def _biased(self, x: Node, k: int) -> Node:
        """Pointwise convolution k of the chain of colours, with its bias."""
        bias = self.weights[f"head.colours.bias.{k}"][None, :, None, None]
        return op.add(self.pointwise(x, self.weights[f"head.colours.pointwise.{k}"]), const(bias))

    def order_for_haar(self, kernel: str, bias: str, *, block: int) -> None:
        """Let a convolution write its channels in the order that `_haar` reads."""
        up = f"blocks.{block}.up"
        order = _haar_order(self.weights[f"{up}.weight"].shape[0])
        for key in (kernel, bias, f"{up}.weight", f"{up}.bias"):
            self.weights[key] = self.weights[key][order]

    def _haar(self, x: Node) -> Node:
        """Inverse Haar transform of channels in the order of `_haar_order`."""
        channels = x.get_output_shape(0)[1]
        size = min(GROUP_CHANNELS, channels)
        quarter = np.eye(size // 4, dtype=np.float32)
        # Out: (channel, pixel), as depth_to_space wants it. In: (subband, channel).
        matrix = np.einsum("pb,cd->cpbd", HAAR, quarter).reshape(size, size)
        shape = (channels // size, size, size, 1, 1)
        kernel = np.broadcast_to(matrix[None, :, :, None, None], shape)
        ones, pads = [1, 1], [0, 0]
        x = op.group_convolution(x, const(kernel), ones, pads, pads, ones)
        return op.depth_to_space(x, "depth_first", 2)

    def depthwise(self, x: Node, kernel: np.ndarray) -> Node:
        """A 3x3 convolution [C, 1, 3, 3] of every channel alone."""
        ones, pads = [1, 1], [1, 1]
        return op.group_convolution(x, const(kernel[:, None]), ones, pads, pads, ones)

    def pointwise(self, x: Node, kernel: np.ndarray) -> Node:
        """A 1x1 convolution [O, I, 1, 1]."""
        return conv(x, kernel, pad=0)

    def noise(self, key: str) -> Node:
        """The constant noise of a layer, [1, 1, S, S]."""
        return const(self.weights[f"{key}.noise"])

    def activate(self, x: Node, key: str) -> Node:
        """Bias, noise and leaky ReLU of a layer."""
        x = op.add(x, const(self.weights[f"{key}.bias"][None, :, None, None]))
        x = op.add(x, self.noise(key))
        return op.prelu(x, const([SLOPE]))


def averaged(x: Node, factor: int) -> Node:
    """[1, C, H, W] -> [1, C, H / factor, W / factor]."""
    size, pads = [factor, factor], [0, 0]
    return op.avg_pool(x, size, pads, pads, size, True)


def enlarged(x: Node, factor: int) -> Node:
    """[1, C, H, W] -> [1, C, H * factor, W * factor], bilinear between the centres of pixels."""
    scales, axes = op.constant(np.array([factor, factor], np.float32)), op.constant([2, 3])
    return op.interpolate(
        x, scales, "linear_onnx", "scales", coordinate_transformation_mode="half_pixel", axes=axes
    )


def _haar_order(channels: int) -> np.ndarray:
    """Stored channel at each place: in groups, and in each group by subband."""
    c = channels // 4
    stored = np.stack([np.arange(c), *(c + 3 * np.arange(c) + band for band in range(3))])
    per_group = min(GROUP_CHANNELS, channels) // 4
    return stored.reshape(4, -1, per_group).transpose(1, 0, 2).reshape(-1)


def haar_matrix(channels: int) -> np.ndarray:
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


def arrays(module: MobileSynthesis | PreviewHead) -> Weights:
    """A network's parameters by name."""
    return {key: value.detach().cpu().numpy() for key, value in module.state_dict().items()}
