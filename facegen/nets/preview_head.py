"""A small head that draws a preview from the features of an early block.

The bundled network has a single picture output, at full size. This head reads the features at
64 px (512 channels, about a seventh of the whole work done) and draws 256 px. Colours are decided
by later rows of w_plus, so the head is styled by those rows as well. It was trained by ourselves
against the averaged-down full picture (`python -m scripts.train_preview`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.mobilestylegan import LRELU_SLOPE, MobileSynthesis

NUM_BLOCKS = 4  # blocks of the network that run before the head
IN_CHANNELS = 512
MID_CHANNELS = 64
LAST_CHANNELS = 48
STYLE_ROWS = (9, 11, 13)  # the rows that style the three layers; each is averaged with the next


class StyledPointwise(nn.Module):
    """Scale channels by a style, optionally depthwise 3x3, then pointwise 1x1."""

    def __init__(self, c_in: int, c_out: int, *, w_dim: int, depthwise: bool) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim, c_in)
        nn.init.normal_(self.modulation.weight, std=0.01)
        nn.init.ones_(self.modulation.bias)
        self.pointwise = nn.Parameter(torch.randn(c_out, c_in, 1, 1) / c_in**0.5)
        self.bias = nn.Parameter(torch.zeros(c_out))
        if depthwise:
            kernel = torch.zeros(c_in, 1, 3, 3)
            kernel[:, :, 1, 1] = 1.0
            self.depthwise = nn.Parameter(kernel)
        else:
            self.register_parameter("depthwise", None)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, c_in, S, S], [N, w_dim] -> [N, c_out, S, S]."""
        x = x * self.modulation(w)[:, :, None, None]
        if self.depthwise is not None:
            x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        return F.conv2d(x, self.pointwise, self.bias)


class PreviewHead(nn.Module):
    """Features at 64 px and w_plus -> picture at 256 px."""

    size_px = 256

    def __init__(self, *, w_dim: int = 512) -> None:
        super().__init__()
        self.layer0 = StyledPointwise(IN_CHANNELS, 4 * MID_CHANNELS, w_dim=w_dim, depthwise=False)
        self.layer1 = StyledPointwise(MID_CHANNELS, LAST_CHANNELS, w_dim=w_dim, depthwise=True)
        self.layer2 = StyledPointwise(LAST_CHANNELS, 12, w_dim=w_dim, depthwise=True)

    def from_features(self, x: Tensor, w_plus: Tensor) -> Tensor:
        """[N, 512, 64, 64], [N, 18, 512] -> RGB in about [-1, 1], [N, 3, 256, 256]."""
        w0, w1, w2 = (0.5 * (w_plus[:, row] + w_plus[:, row + 1]) for row in STYLE_ROWS)
        x = F.pixel_shuffle(self.layer0(x, w0), 2)
        x = self.layer1(F.leaky_relu(x, LRELU_SLOPE), w1)
        x = self.layer2(F.leaky_relu(x, LRELU_SLOPE), w2)
        return F.pixel_shuffle(x, 2)

    def forward(self, net: MobileSynthesis, w_plus: Tensor) -> Tensor:
        """Preview of `net` for [N, 18, 512]."""
        return self.from_features(net.features(w_plus, num_blocks=NUM_BLOCKS), w_plus)
