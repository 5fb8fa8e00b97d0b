"""A small network that names every pixel of a face's picture: a U-Net (Ronneberger et al. 2015).

Half a million weights, 0.4 billion multiplications for 256 px. The scores of four pixels are
written side by side at 128 px and moved to space last, so nothing wide is computed at 256 px.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    import openvino as ov

WIDTHS = (16, 32, 64, 96, 128)  # at 128, 64, 32, 16, 8 px
LAST_WIDTH = 24
EDGE_PX = 256
SMOOTH_PX = 3
"""Scores are averaged over so many pixels: the four that are written side by side do not agree on
every border, which would be dotted."""


class Layer(nn.Module):
    """3x3 convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, S, S] -> [N, outputs, S / stride, S / stride]."""
        return F.relu(self.norm(self.conv(x)))


class SegmentNet(nn.Module):
    """Picture -> a score for each segment.

    Args:
        num_segments: How many there are.
    """

    def __init__(self, num_segments: int) -> None:
        super().__init__()
        before = (3, *WIDTHS[:-1])
        self.down = nn.ModuleList(
            Layer(c_in, c_out, stride=2) for c_in, c_out in zip(before, WIDTHS, strict=True)
        )
        self.same = nn.ModuleList(Layer(c, c) for c in WIDTHS[1:])
        self.whole = nn.Linear(WIDTHS[-1], WIDTHS[-1])
        self.narrow = nn.ModuleList(
            nn.Conv2d(deep, flat, 1)
            for deep, flat in zip(WIDTHS[:0:-1], (*WIDTHS[-2:0:-1], LAST_WIDTH), strict=True)
        )
        self.across = nn.Conv2d(WIDTHS[0], LAST_WIDTH, 1)
        self.up = nn.ModuleList(Layer(c, c) for c in (*WIDTHS[-2:0:-1], LAST_WIDTH))
        self.out = nn.Conv2d(LAST_WIDTH, 4 * num_segments, 1)

    def forward(self, img: Tensor) -> Tensor:
        """RGB in [-1, 1], [N, 3, 256, 256] -> scores [N, num_segments, 256, 256]."""
        x, levels = img, []
        for i, layer in enumerate(self.down):
            x = layer(x)
            x = x if i == 0 else x + self.same[i - 1](x)
            levels.append(x)
        x = x + self.whole(x.mean(dim=(2, 3)))[:, :, None, None]
        skips = [*levels[-2:0:-1], self.across(levels[0])]
        for narrow, skip, up in zip(self.narrow, skips, self.up, strict=True):
            x = up(F.interpolate(narrow(x), scale_factor=2, mode="nearest") + skip)
        return F.pixel_shuffle(self.out(x), 2)


def folded(net: SegmentNet) -> dict[str, Tensor]:
    """The weights that `graph` and `scores` take: normalisation folded into the convolutions."""
    state = {}
    for name, module in net.named_modules():
        if isinstance(module, Layer):
            norm = module.norm
            assert norm.running_var is not None
            assert norm.running_mean is not None
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            state[f"{name}.weight"] = module.conv.weight * scale[:, None, None, None]
            state[f"{name}.bias"] = norm.bias - norm.running_mean * scale
        elif isinstance(module, (nn.Conv2d, nn.Linear)) and not name.endswith(".conv"):
            assert module.bias is not None
            state[f"{name}.weight"], state[f"{name}.bias"] = module.weight, module.bias
    return {key: value.detach().clone() for key, value in state.items()}


def expected_shapes(num_segments: int) -> dict[str, tuple[int, ...]]:
    """The shapes of what `folded` gives."""
    with torch.device("meta"):
        net = SegmentNet(num_segments)
    return {key: tuple(value.shape) for key, value in folded(net).items()}


def scores(weights: Mapping[str, Tensor], img: Tensor) -> Tensor:
    """Smoothed scores, from folded weights: RGB in [-1, 1] -> [N, segments, 256, 256]."""

    def conv(key: str, x: Tensor, stride: int = 1) -> Tensor:
        kernel = weights[f"{key}.weight"]
        return F.conv2d(x, kernel, weights[f"{key}.bias"], stride, kernel.shape[-1] // 2)

    x, levels = img, []
    for i in range(len(WIDTHS)):
        x = F.relu(conv(f"down.{i}", x, 2))
        x = x if i == 0 else x + F.relu(conv(f"same.{i - 1}", x))
        levels.append(x)
    pooled = F.linear(x.mean(dim=(2, 3)), weights["whole.weight"], weights["whole.bias"])
    x = x + pooled[:, :, None, None]
    skips = [*levels[-2:0:-1], conv("across", levels[0])]
    for i, skip in enumerate(skips):
        x = F.interpolate(conv(f"narrow.{i}", x), scale_factor=2, mode="nearest") + skip
        x = F.relu(conv(f"up.{i}", x))
    x = F.pixel_shuffle(conv("out", x), 2)
    return F.avg_pool2d(x, SMOOTH_PX, 1, SMOOTH_PX // 2, count_include_pad=False)


def graph(weights: Mapping[str, np.ndarray]) -> ov.Model:
    """RGB bytes [1, 256, 256, 3] -> labels, uint8 [1, 256, 256], from folded weights.

    Raises:
        ImportError: OpenVINO is missing.
    """
    import openvino as ov
    import openvino.opset13 as op
    from openvino import Node

    from facegen.nets.openvino_ops import best_label, const, per_channel

    def conv(key: str, x: Node, stride: int = 1) -> Node:
        kernel = weights[f"{key}.weight"]
        pads, steps = [kernel.shape[-1] // 2] * 2, [stride] * 2
        x = op.convolution(x, const(kernel), steps, pads, pads, [1, 1])
        return op.add(x, const(weights[f"{key}.bias"][None, :, None, None]))

    image = op.parameter([1, EDGE_PX, EDGE_PX, 3], np.uint8, name="image")
    x = op.transpose(op.convert(image, "f32"), op.constant(np.array([0, 3, 1, 2])))
    x = op.subtract(op.divide(x, const(127.5)), const(1.0))
    levels = []
    for i in range(len(WIDTHS)):
        x = op.relu(conv(f"down.{i}", x, 2))
        x = x if i == 0 else op.add(x, op.relu(conv(f"same.{i - 1}", x)))
        levels.append(x)
    pooled = op.reduce_mean(x, op.constant(np.array([2, 3])), False)
    pooled = op.matmul(pooled, const(weights["whole.weight"]), False, True)
    x = op.add(x, per_channel(op.add(pooled, const(weights["whole.bias"][None]))))
    scales, axes = op.constant(np.array([2, 2], np.float32)), op.constant(np.array([2, 3]))
    for i, skip in enumerate([*levels[-2:0:-1], conv("across", levels[0])]):
        x = op.interpolate(
            conv(f"narrow.{i}", x), scales, "nearest", "scales", axes=axes,
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
        x = op.relu(conv(f"up.{i}", op.add(x, skip)))
    x = op.depth_to_space(conv("out", x), "depth_first", 2)
    ones, pads, window = [1, 1], [SMOOTH_PX // 2] * 2, [SMOOTH_PX] * 2
    x = op.avg_pool(x, ones, pads, pads, window, True)
    return ov.Model([best_label(x)], [image], "segments_of_picture")
