"""The later blocks of MobileStyleGAN on averages: the colours of a preview.

Up-sampling in this network is an inverse Haar transform, so a quarter of the channels between two
blocks are averages of what comes out. This chain runs all blocks that a preview skips on those
averages alone, at 32 px, with the network's own styles. Averages do not pass a leaky ReLU exactly;
kernels and biases, begun from the network's own, are trained to make up for that
(`python -m scripts.train_preview`). The chain gives the colours that the narrow head gets wrong.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.mobilestylegan import BLOCK_CHANNELS, LRELU_SLOPE, MobileSynthesis

COLOUR_PX = 32
FEATURES_PX, LEFT_OUT_PX = 128, 64  # what comes in


class Layer(NamedTuple):
    """What scales the input of a layer.

    Attributes:
        styles: Affine layers of the network, whose product it is. Of `up`, only the channels that
            are averages: they are stored first.
        row: The row of w_plus they read.
        channels: How many channels come in.
    """

    styles: tuple[str, ...]
    row: int
    channels: int


LAYERS = (
    Layer(("blocks.4.conv2.modulation",), 10, BLOCK_CHANNELS[4]),
    Layer(("blocks.5.up", "blocks.5.conv1.modulation"), 11, BLOCK_CHANNELS[4] // 4),
    Layer(("blocks.5.conv2.modulation",), 12, BLOCK_CHANNELS[5]),
    Layer(("blocks.6.up", "blocks.6.conv1.modulation"), 13, BLOCK_CHANNELS[5] // 4),
    Layer(("blocks.6.conv2.modulation",), 14, BLOCK_CHANNELS[6]),
    Layer(("to_img.modulation",), 15, BLOCK_CHANNELS[6]),
)
LEFT_OUT_STYLES, LEFT_OUT_ROW = ("blocks.4.up", "blocks.4.conv1.modulation"), 9


class ColourChain(nn.Module):
    """What a preview head reads -> the picture averaged to 32 px.

    Args:
        read: Channels that the head reads.
        left_out: Channels of the same block that it leaves out; colours need all of them.
    """

    left_out: Tensor

    def __init__(self, read: int, left_out: int) -> None:
        super().__init__()
        sizes = (read + left_out, *(layer.channels for layer in LAYERS), 3)
        self.register_buffer("left_out", torch.arange(left_out))
        self.depthwise = nn.ParameterList(torch.zeros(c, 1, 3, 3) for c in (left_out, *sizes[1:-2]))
        self.pointwise = nn.ParameterList(
            torch.zeros(c_out, c_in, 1, 1) for c_in, c_out in pairwise(sizes)
        )
        self.bias = nn.ParameterList(torch.zeros(c) for c in sizes[1:])

    def forward(
        self, net: MobileSynthesis, features: Tensor, left_out: Tensor, w_plus: Tensor
    ) -> Tensor:
        """The colours.

        Args:
            net: The network.
            features: [N, read, 128, 128].
            left_out: Averages of the channels that features lack, [N, left_out, 64, 64].
            w_plus: [N, 18, 512].

        Returns:
            RGB in about [-1, 1], [N, 3, 32, 32].
        """
        return self.from_averages(
            net,
            F.avg_pool2d(features, FEATURES_PX // COLOUR_PX),
            F.avg_pool2d(left_out, LEFT_OUT_PX // COLOUR_PX),
            w_plus,
        )

    def from_averages(
        self, net: MobileSynthesis, features: Tensor, left_out: Tensor, w_plus: Tensor
    ) -> Tensor:
        """As `forward`, for what comes in averaged to 32 px."""
        scale = _scale(net, LEFT_OUT_STYLES, w_plus[:, LEFT_OUT_ROW], self.left_out)
        x = F.conv2d(left_out * scale, self.depthwise[0], padding=1, groups=left_out.shape[1])
        x = torch.cat([features, x], dim=1)
        x = F.conv2d(x, self.pointwise[0], self.bias[0])
        for k, layer in enumerate(LAYERS, start=1):
            scale = _scale(net, layer.styles, w_plus[:, layer.row], slice(layer.channels))
            x = F.leaky_relu(x, LRELU_SLOPE) * scale
            if k < len(self.depthwise):
                x = F.conv2d(x, self.depthwise[k], padding=1, groups=x.shape[1])
            x = F.conv2d(x, self.pointwise[k], self.bias[k])
        return x


def with_colours(drawn: Tensor, colours: Tensor) -> Tensor:
    """A picture [N, 3, H, W] whose averages become `colours`, [N, 3, H / 8, W / 8], smoothly."""
    factor = drawn.shape[-1] // colours.shape[-1]
    wrong = colours - F.avg_pool2d(drawn, factor)
    return drawn + F.interpolate(wrong, scale_factor=factor, mode="bilinear", align_corners=False)


def _scale(
    net: MobileSynthesis, styles: tuple[str, ...], w: Tensor, channels: Tensor | slice
) -> Tensor:
    """Product of styles, [N, channels, 1, 1], for w [N, 512]."""
    product = torch.ones((), device=w.device)
    for name in styles:
        affine = net.get_submodule(name)
        assert isinstance(affine, nn.Linear)
        product = product * F.linear(w, affine.weight[channels], affine.bias[channels])
    return product[:, :, None, None]
