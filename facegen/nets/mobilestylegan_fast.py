"""MobileStyleGAN's synthesis for drawing alone, its features in half precision.

Same numbers as `facegen.nets.mobilestylegan` up to rounding, no gradients. Styles are computed in
float32; only features and the convolutions' weights are shortened.
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.haar import haar_upsample
from facegen.nets.mobilestylegan import (
    LRELU_SLOPE,
    MobileBlock,
    MobileSynthesis,
    ModulatedConv,
    ModulatedSeparableConv,
    block_rows,
)
from facegen.nets.synthesis import Synthesis


class FastMobile(Synthesis):
    """w_plus -> picture, for drawing.

    Args:
        net: The exact network; it is copied, on its device.
        dtype: Of the features.
    """

    def __init__(self, net: MobileSynthesis, *, dtype: torch.dtype = torch.float16) -> None:
        super().__init__()
        self.img_resolution = net.img_resolution
        self.num_ws = net.num_ws
        self.w_dim = net.w_dim
        self.net = copy.deepcopy(net)
        for name, value in self.net.named_parameters():
            if "modulation" in name or ".up." in name:
                continue
            value.data = value.data.to(dtype)
            if value.ndim == 4:
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        self.requires_grad_(False).eval()

    @torch.inference_mode()
    def forward(self, w_plus: Tensor) -> Tensor:
        """As `MobileSynthesis.forward`; float32."""
        net = self.net
        x = _activated(net.conv0, self._first(w_plus))
        for i, block in enumerate(net.blocks):
            block = cast(MobileBlock, block)
            row1, row2, row3 = block_rows(i)
            x = haar_upsample(_scaled(x, block.up, w_plus[:, row1]))
            x = _separable(block.conv1, x, w_plus[:, row1])
            x = _separable(block.conv2, x, w_plus[:, row2])
        x = _scaled(x, net.to_img.modulation, w_plus[:, row3])
        return haar_upsample(F.conv2d(x, net.to_img.pointwise, net.to_img.bias).float())

    def _first(self, w_plus: Tensor) -> Tensor:
        x = self.net.const.expand(len(w_plus), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = _scaled(x, self.net.conv0.modulation, w_plus[:, 0])
        return F.conv2d(x, self.net.conv0.weight, padding=1)


def _separable(conv: ModulatedSeparableConv, x: Tensor, w: Tensor) -> Tensor:
    x = _scaled(x, conv.modulation, w)
    x = F.conv2d(x, conv.depthwise, padding=1, groups=x.shape[1])
    return _activated(conv, F.conv2d(x, conv.pointwise))


def _activated(conv: ModulatedConv | ModulatedSeparableConv, x: Tensor) -> Tensor:
    return F.leaky_relu_(x.add_(conv.noise).add_(conv.bias[:, None, None]), LRELU_SLOPE)


def _scaled(x: Tensor, modulation: nn.Linear, w: Tensor) -> Tensor:
    return x * modulation(w).to(x.dtype)[:, :, None, None]
