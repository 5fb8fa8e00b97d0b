"""MobileStyleGAN's synthesis network (Belousov 2021, arXiv 2104.04767) in plain PyTorch.

A student of StyleGAN2: depthwise-separable modulated convolutions, wavelet up-sampling, and a
single `to_img` that predicts the Haar subbands of the picture. Demodulation is a constant that
the published weights already contain. This module is the exact, differentiable reference; the
faster ways to run it live in `facegen.engines` and are compared against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.haar import haar_upsample
from facegen.nets.synthesis import Synthesis, Work
from facegen.nets.window import Box, Part

if TYPE_CHECKING:
    import openvino as ov

    from facegen.masks import Mask
    from facegen.nets.blend_graphs import BlendGraphs
    from facegen.nets.mobilestylegan_fast import FastMobile

LRELU_SLOPE = 0.2
CONST_PX = 4
BLOCK_CHANNELS = (512, 512, 512, 512, 256, 128, 64)  # output channels at 8, 16, ... 512 px
NUM_IMG_SUBBANDS = 12  # LL, LH, HL, HH of R, G, B


def block_rows(index: int) -> tuple[int, int, int]:
    """Rows of w_plus that block `index` reads: (up and conv1, conv2, to_img)."""
    return 2 * index + 1, 2 * index + 2, 2 * index + 3


class ModulatedConv(nn.Module):
    """Style-modulated 3x3 convolution, constant noise, bias, leaky ReLU (only at 4 px).

    Args:
        in_channels: Channels in; the style scales these.
        out_channels: Channels out.
        size_px: Height and width; the noise is a constant picture of this size.
        w_dim: Length of w.
    """

    def __init__(self, in_channels: int, out_channels: int, *, size_px: int, w_dim: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim, in_channels)
        self.weight = nn.Parameter(torch.zeros(out_channels, in_channels, 3, 3))
        self.noise = nn.Parameter(torch.zeros(1, 1, size_px, size_px))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in_channels, S, S], [N, w_dim] -> [N, out_channels, S, S]."""
        x = F.conv2d(x * self.modulation(w)[:, :, None, None], self.weight, padding=1)
        return F.leaky_relu(x + self.noise + self.bias[:, None, None], LRELU_SLOPE)


class ModulatedSeparableConv(nn.Module):
    """As `ModulatedConv`, with a depthwise 3x3 and a pointwise 1x1 convolution in its place."""

    def __init__(self, in_channels: int, out_channels: int, *, size_px: int, w_dim: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim, in_channels)
        self.depthwise = nn.Parameter(torch.zeros(in_channels, 1, 3, 3))
        self.pointwise = nn.Parameter(torch.zeros(out_channels, in_channels, 1, 1))
        self.noise = nn.Parameter(torch.zeros(1, 1, size_px, size_px))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in_channels, S, S], [N, w_dim] -> [N, out_channels, S, S]."""
        x = x * self.modulation(w)[:, :, None, None]
        x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        x = F.conv2d(x, self.pointwise)
        return F.leaky_relu(x + self.noise + self.bias[:, None, None], LRELU_SLOPE)


class MobileBlock(nn.Module):
    """Doubles the size by an inverse Haar transform, then convolves twice."""

    def __init__(self, in_channels: int, out_channels: int, *, size_px: int, w_dim: int) -> None:
        super().__init__()
        self.up = nn.Linear(w_dim, in_channels)
        self.conv1 = ModulatedSeparableConv(
            in_channels // 4, out_channels, size_px=size_px, w_dim=w_dim
        )
        self.conv2 = ModulatedSeparableConv(
            out_channels, out_channels, size_px=size_px, w_dim=w_dim
        )

    def forward(self, x: Tensor, w1: Tensor, w2: Tensor) -> Tensor:
        """[N, in, S/2, S/2] and the rows of `up`/`conv1` and of `conv2` -> [N, out, S, S]."""
        x = haar_upsample(x * self.up(w1)[:, :, None, None])
        return self.conv2(self.conv1(x, w1), w2)


class ToImage(nn.Module):
    """Modulated 1x1 convolution from features to the picture's Haar subbands."""

    def __init__(self, in_channels: int, *, w_dim: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim, in_channels)
        self.pointwise = nn.Parameter(torch.zeros(NUM_IMG_SUBBANDS, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(NUM_IMG_SUBBANDS))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in_channels, S, S], [N, w_dim] -> [N, 12, S, S]."""
        return F.conv2d(x * self.modulation(w)[:, :, None, None], self.pointwise, self.bias)


class MobileSynthesis(Synthesis):
    """w_plus -> picture.

    Args:
        channels: Output channels of the blocks, from 8 px upwards.
        w_dim: Length of w.
        num_ws: Rows in w_plus. StyleGAN2 at 1024 px has 18; rows 16 and 17 are not read here.
    """

    can_blend = True

    def __init__(
        self,
        *,
        channels: tuple[int, ...] = BLOCK_CHANNELS,
        w_dim: int = 512,
        num_ws: int = 18,
    ) -> None:
        super().__init__()
        self.w_dim = w_dim
        self.num_ws = num_ws
        self.img_resolution = CONST_PX * 2 ** (len(channels) + 1)
        self.const = nn.Parameter(torch.zeros(1, channels[0], CONST_PX, CONST_PX))
        self.conv0 = ModulatedConv(channels[0], channels[0], size_px=CONST_PX, w_dim=w_dim)
        ins = (channels[0], *channels[:-1])
        self.blocks = nn.ModuleList(
            MobileBlock(c_in, c_out, size_px=CONST_PX * 2 ** (i + 1), w_dim=w_dim)
            for i, (c_in, c_out) in enumerate(zip(ins, channels, strict=True))
        )
        self.to_img = ToImage(channels[-1], w_dim=w_dim)

    def features(self, w_plus: Tensor, *, num_blocks: int | None = None) -> Tensor:
        """Features after the first `num_blocks` blocks (None: all), [N, C, S, S]."""
        x = self.conv0(self.const.expand(w_plus.shape[0], -1, -1, -1), w_plus[:, 0])
        for i, block in enumerate(self.blocks[:num_blocks]):
            row1, row2, _ = block_rows(i)
            x = block(x, w_plus[:, row1], w_plus[:, row2])
        return x

    def picture(self, x: Tensor, w_plus: Tensor) -> Tensor:
        """The picture of the last block's features."""
        *_, row_img = block_rows(len(self.blocks) - 1)
        return haar_upsample(self.to_img(x, w_plus[:, row_img]))

    def forward(self, w_plus: Tensor) -> Tensor:
        """[N, num_ws, w_dim] -> RGB picture in [-1, 1] (not clipped), [N, 3, S, S]."""
        return self.picture(self.features(w_plus), w_plus)

    def blend(self, w_plus: Tensor, w_base: Tensor, mask: Mask) -> Tensor:
        """See `Synthesis`; see `facegen.nets.mobilestylegan_blend` for how."""
        from facegen.nets.mobilestylegan_blend import blend

        return blend(self, w_plus, w_base, mask)

    def picture_part(self, w_plus: Tensor, box: Box) -> Part:
        """See `Synthesis`; see `facegen.nets.mobilestylegan_crop` for how."""
        from facegen.nets.mobilestylegan_crop import picture_part

        return picture_part(self, w_plus, box)

    def half_picture(self, w_plus: Tensor) -> Tensor:
        """See `Synthesis`; see `facegen.nets.mobilestylegan_crop` for how."""
        from facegen.nets.mobilestylegan_crop import half_picture

        return half_picture(self, w_plus)

    def fast(self, *, dtype: torch.dtype = torch.float16, polyphase: bool = True) -> FastMobile:
        """See `Synthesis`."""
        from facegen.nets.mobilestylegan_fast import FastMobile

        return FastMobile(self, dtype=dtype)

    def openvino_graph(self) -> ov.Model:
        """See `Synthesis`."""
        from facegen.nets.mobilestylegan_openvino import full_graph

        return full_graph(self)

    def blend_graphs(self) -> BlendGraphs:
        """See `Synthesis`."""
        from facegen.nets.mobilestylegan_blend_openvino import blend_graphs

        return blend_graphs(self)

    def work(self) -> Work:
        """See `Synthesis`."""
        area = CONST_PX**2
        macs = self.conv0.weight.numel() * area
        values = self.conv0.weight.numel() + 2 * self.const.numel()
        outputs = self.const.shape[1]
        for block in self.blocks:
            assert isinstance(block, MobileBlock)
            values += outputs * area  # the picture before is read once
            area *= 4
            for conv in (block.conv1, block.conv2):
                outputs, inputs = conv.pointwise.shape[:2]
                weights = conv.depthwise.numel() + conv.pointwise.numel()
                macs += weights * area
                values += weights + (inputs + outputs) * area
        macs += self.to_img.pointwise.numel() * area
        values += (self.to_img.pointwise.shape[1] + self.to_img.pointwise.shape[0]) * area
        return Work(macs, values)
