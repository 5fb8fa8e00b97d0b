"""A cheap last part of the network that draws a 256 px preview.

The network is run exactly up to 32 px and almost exactly through 64 px: only the features that
matter most at 128 px are kept (`kept`). From there this head stands in for everything up to
1024 px, a third of the whole work done at a fifteenth of its cost: a narrow copy of the block at
128 px, begun from that block's own weights, then two thin layers at 256 px whose channels are
scaled and shifted by all later rows of w_plus, because those decide the colours. It was trained
by ourselves against the averaged-down full picture (`python -m scripts.train_preview`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.haar import haar_upsample
from facegen.nets.mobilestylegan import LRELU_SLOPE, MobileBlock, MobileSynthesis, block_rows
from facegen.nets.synthesis import Preview, Synthesis

if TYPE_CHECKING:
    import openvino as ov

NUM_BLOCKS = 4  # blocks of the network that run before the head
HEAD_PX = 128  # where the head begins
KEPT_CHANNELS = 96  # at 128 px, of 128
MID_CHANNELS = 96  # of 256
LAST_CHANNELS = 24  # at 256 px
TONE_CHANNELS = 128
CONV2_ROW = 10
LATE_ROWS = (10, 11, 12, 13, 14, 15)  # what the skipped blocks would have read


class StyledConv(nn.Module):
    """Scale channels by a style, depthwise 3x3, pointwise 1x1, shift channels by the tone."""

    def __init__(self, c_in: int, c_out: int, *, style_dim: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(style_dim, c_in)
        self.depthwise = nn.Parameter(torch.zeros(c_in, 1, 3, 3))
        self.pointwise = nn.Parameter(torch.zeros(c_out, c_in, 1, 1))
        self.shift = nn.Linear(TONE_CHANNELS, c_out)

    def forward(self, x: Tensor, style: Tensor, tone: Tensor) -> Tensor:
        """[N, c_in, S, S], [N, style_dim], [N, TONE_CHANNELS] -> [N, c_out, S, S]."""
        x = x * self.modulation(style)[:, :, None, None]
        x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        return F.conv2d(x, self.pointwise) + self.shift(tone)[:, :, None, None]


class PreviewHead(Preview):
    """w_plus -> picture at 256 px, together with the first blocks of the network."""

    size_px = 2 * HEAD_PX
    reads_layers = True
    kept: Tensor
    input_scale: Tensor

    def __init__(self, *, w_dim: int = 512) -> None:
        super().__init__()
        style_dim = len(LATE_ROWS) * w_dim + TONE_CHANNELS
        self.register_buffer("kept", torch.arange(KEPT_CHANNELS))
        self.register_buffer("input_scale", torch.ones(KEPT_CHANNELS))
        self.pointwise1 = nn.Parameter(torch.zeros(MID_CHANNELS, KEPT_CHANNELS, 1, 1))
        self.bias1 = nn.Parameter(torch.zeros(MID_CHANNELS))
        self.noise1 = nn.Parameter(torch.zeros(MID_CHANNELS))
        self.tone = nn.Linear(len(LATE_ROWS) * w_dim, TONE_CHANNELS)
        self.conv2 = StyledConv(MID_CHANNELS, 4 * LAST_CHANNELS, style_dim=w_dim)
        self.conv3 = StyledConv(LAST_CHANNELS, LAST_CHANNELS, style_dim=style_dim)
        self.to_img = StyledConv(LAST_CHANNELS, 3, style_dim=style_dim)

    def kept_subbands(self, channels: int) -> Tensor:
        """Places of the kept channels' subbands, [4 * KEPT_CHANNELS]; see `haar_upsample`."""
        details = channels + 3 * self.kept[:, None] + torch.arange(3, device=self.kept.device)
        return torch.cat([self.kept, details.flatten()])

    def features(self, net: MobileSynthesis, w_plus: Tensor) -> Tensor:
        """What the head reads, [N, KEPT_CHANNELS, 128, 128], for w_plus [N, 18, 512]."""
        x = net.features(w_plus, num_blocks=NUM_BLOCKS - 1)
        last, after = block_at(net, NUM_BLOCKS - 1), block_at(net, NUM_BLOCKS)
        row1, row2, _ = block_rows(NUM_BLOCKS - 1)
        x = haar_upsample(x * last.up(w_plus[:, row1])[:, :, None, None])
        x = last.conv1(x, w_plus[:, row1])
        bands = self.kept_subbands(after.up.out_features // 4)
        conv = last.conv2
        x = x * conv.modulation(w_plus[:, row2])[:, :, None, None]
        x = F.conv2d(x, conv.depthwise, padding=1, groups=x.shape[1])
        x = F.conv2d(x, conv.pointwise[bands]) + conv.noise + conv.bias[bands, None, None]
        x = F.leaky_relu(x, LRELU_SLOPE)
        row1, *_ = block_rows(NUM_BLOCKS)
        x = haar_upsample(x * after.up(w_plus[:, row1])[:, bands, None, None])
        style = after.conv1.modulation(w_plus[:, row1])[:, self.kept] * self.input_scale
        x = x * style[:, :, None, None]
        return F.conv2d(x, after.conv1.depthwise[self.kept], padding=1, groups=x.shape[1])

    def from_features(self, x: Tensor, w_plus: Tensor, noise: Tensor) -> Tensor:
        """`features`, w_plus [N, 18, 512] and noise [N or 1, 1, 128, 128] -> RGB in about [-1, 1].

        Works on crops too: [N, C, H, W] -> [N, 3, 2 * H, 2 * W].
        """
        x = F.conv2d(x, self.pointwise1, self.bias1) + noise * self.noise1[:, None, None]
        x = F.leaky_relu(x, LRELU_SLOPE)
        late = w_plus[:, list(LATE_ROWS)].flatten(1)
        tone = F.leaky_relu(self.tone(late), LRELU_SLOPE)
        style = torch.cat([late, tone], dim=1)
        x = F.leaky_relu(self.conv2(x, w_plus[:, CONV2_ROW], tone), LRELU_SLOPE)
        x = F.leaky_relu(self.conv3(F.pixel_shuffle(x, 2), style, tone), LRELU_SLOPE)
        return self.to_img(x, style, tone)

    def forward(self, net: Synthesis, w_plus: Tensor) -> Tensor:
        """Preview of `net` for [N, 18, 512], [N, 3, 256, 256]."""
        assert isinstance(net, MobileSynthesis)
        noise = block_at(net, NUM_BLOCKS).conv1.noise
        return self.from_features(self.features(net, w_plus), w_plus, noise)

    def openvino_graph(self, net: Synthesis) -> ov.Model:
        """See `Preview`."""
        from facegen.nets.mobilestylegan_openvino import preview_graph

        assert isinstance(net, MobileSynthesis)
        return preview_graph(net, self)


def block_at(net: MobileSynthesis, index: int) -> MobileBlock:
    """Block `index` of the network, with its type."""
    return cast(MobileBlock, net.blocks[index])
