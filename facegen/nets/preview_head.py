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
NUM_PICTURE_CHANNELS = 12  # RGB of 2x2 pixels
TONE_CHANNELS = 128
LATE_ROWS = (9, 10, 11, 12, 13, 14, 15)  # what the skipped blocks would have read
STYLE_ROWS = ((9, 10), (11, 12), (11, 12), (13, 14))  # rows averaged for each layer's style


class StyledConv(nn.Module):
    """Scale channels by a style, optionally depthwise 3x3, then pointwise 1x1 and a styled bias.

    The style is affine in two rows of w_plus and in the `tone`, a shared summary of the late rows.
    """

    def __init__(self, c_in: int, c_out: int, *, w_dim: int, depthwise: bool) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim + TONE_CHANNELS, c_in)
        self.shift = nn.Linear(w_dim + TONE_CHANNELS, c_out)
        nn.init.normal_(self.modulation.weight, std=0.01)
        nn.init.ones_(self.modulation.bias)
        nn.init.normal_(self.shift.weight, std=0.001)
        nn.init.zeros_(self.shift.bias)
        self.pointwise = nn.Parameter(torch.randn(c_out, c_in, 1, 1) / c_in**0.5)
        if depthwise:
            kernel = torch.randn(c_in, 1, 3, 3) * 0.05
            kernel[:, :, 1, 1] += 1.0
            self.depthwise = nn.Parameter(kernel)
        else:
            self.register_parameter("depthwise", None)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """[N, c_in, S, S], [N, w_dim + TONE_CHANNELS] -> [N, c_out, S, S]."""
        x = x * self.modulation(style)[:, :, None, None]
        if self.depthwise is not None:
            x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        return F.conv2d(x, self.pointwise) + self.shift(style)[:, :, None, None]


class PreviewHead(nn.Module):
    """Features at 64 px and w_plus -> picture at 256 px."""

    size_px = 256

    def __init__(self, *, w_dim: int = 512) -> None:
        super().__init__()
        c = MID_CHANNELS
        self.tone = nn.Linear(w_dim * len(LATE_ROWS), TONE_CHANNELS)
        self.layers = nn.ModuleList([
            StyledConv(IN_CHANNELS, 4 * c, w_dim=w_dim, depthwise=False),
            StyledConv(c, c, w_dim=w_dim, depthwise=True),
            StyledConv(c, c, w_dim=w_dim, depthwise=True),
            StyledConv(c, NUM_PICTURE_CHANNELS, w_dim=w_dim, depthwise=True),
        ])  # fmt: skip

    def from_features(self, x: Tensor, w_plus: Tensor) -> Tensor:
        """[N, 512, 64, 64], [N, 18, 512] -> RGB in about [-1, 1], [N, 3, 256, 256]."""
        tone = F.leaky_relu(self.tone(w_plus[:, list(LATE_ROWS)].flatten(1)), LRELU_SLOPE)
        for i, (layer, rows) in enumerate(zip(self.layers, STYLE_ROWS, strict=True)):
            x = layer(x, torch.cat([w_plus[:, list(rows)].mean(dim=1), tone], dim=1))
            if i == 0:
                x = F.pixel_shuffle(x, 2)
            if i < len(STYLE_ROWS) - 1:
                x = F.leaky_relu(x, LRELU_SLOPE)
        return F.pixel_shuffle(x, 2)

    def forward(self, net: MobileSynthesis, w_plus: Tensor) -> Tensor:
        """Preview of `net` for [N, 18, 512]."""
        return self.from_features(net.features(w_plus, num_blocks=NUM_BLOCKS), w_plus)
