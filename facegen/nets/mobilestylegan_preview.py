"""A cheap last part of the network that draws a 256 px preview.

The network is run exactly up to 32 px and almost exactly through 64 px: the features there are
computed from most of their inputs (`middle`), and only those that matter most at 128 px (`kept`).
From there this head stands in for everything up to 1024 px, a third of the whole work done at a
tenth of its cost. A narrow copy of the block at 128 px, begun from that block's own weights, and
two thin layers at 256 px draw what is fine; the blocks themselves, run on averages, say how light
and of which colour it is (`facegen.nets.mobilestylegan_colours`). It was trained by ourselves
against the averaged-down full picture (`python -m scripts.train_preview`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.haar import haar_upsample
from facegen.nets.mobilestylegan import LRELU_SLOPE, MobileBlock, MobileSynthesis, block_rows
from facegen.nets.mobilestylegan_colours import ColourChain, with_colours
from facegen.nets.synthesis import Preview, Synthesis

if TYPE_CHECKING:
    import openvino as ov

    from facegen.masks import Mask
    from facegen.nets.blend_graphs import BlendGraphs

NUM_BLOCKS = 4  # blocks of the network that run before the head
HEAD_PX = 128  # where the head begins
TRUNK_CHANNELS = 464  # between the two convolutions at 64 px, of 512
KEPT_CHANNELS = 96  # at 128 px, of 128
LEFT_OUT_CHANNELS = 32  # the others, of which only averages are computed
MID_CHANNELS = 96  # of 256
LAST_CHANNELS = 24  # at 256 px
TONE_CHANNELS = 128
CONV2_ROW = 10
LATE_ROWS = (10, 11, 12, 13, 14, 15)  # what the skipped blocks would have read


class ThinConv(nn.Module):
    """Depthwise 3x3 and pointwise 1x1 convolution, with a bias."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Parameter(torch.zeros(c_in, 1, 3, 3))
        self.pointwise = nn.Parameter(torch.zeros(c_out, c_in, 1, 1))
        self.bias = nn.Parameter(torch.zeros(c_out))

    def forward(self, x: Tensor) -> Tensor:
        """[N, c_in, S, S] -> [N, c_out, S, S]."""
        x = F.conv2d(x, self.depthwise, padding=1, groups=x.shape[1])
        return F.conv2d(x, self.pointwise, self.bias)


class PreviewHead(Preview):
    """w_plus -> picture at 256 px, together with the first blocks of the network."""

    size_px = 2 * HEAD_PX
    reads_layers = True
    num_exact_blocks = NUM_BLOCKS - 1
    middle: Tensor
    kept: Tensor
    input_scale: Tensor

    def __init__(self, *, w_dim: int = 512) -> None:
        super().__init__()
        style_dim = len(LATE_ROWS) * w_dim + TONE_CHANNELS
        self.register_buffer("middle", torch.arange(TRUNK_CHANNELS))
        self.trunk = nn.Parameter(torch.zeros(4 * KEPT_CHANNELS, TRUNK_CHANNELS, 1, 1))
        self.trunk_left_out = nn.Parameter(torch.zeros(LEFT_OUT_CHANNELS, TRUNK_CHANNELS, 1, 1))
        self.register_buffer("kept", torch.arange(KEPT_CHANNELS))
        self.register_buffer("input_scale", torch.ones(KEPT_CHANNELS))
        self.pointwise1 = nn.Parameter(torch.zeros(MID_CHANNELS, KEPT_CHANNELS, 1, 1))
        self.bias1 = nn.Parameter(torch.zeros(MID_CHANNELS))
        self.noise1 = nn.Parameter(torch.zeros(MID_CHANNELS))
        self.tone = nn.Linear(len(LATE_ROWS) * w_dim, TONE_CHANNELS)
        self.style2 = nn.Linear(w_dim, MID_CHANNELS)
        self.conv2 = ThinConv(MID_CHANNELS, 4 * LAST_CHANNELS)
        self.shift2 = nn.Linear(TONE_CHANNELS, 4 * LAST_CHANNELS, bias=False)
        # What is scaled or shifted by w_plus after this costs a pass over 256 x 256 pixels.
        self.style3 = nn.Linear(style_dim, LAST_CHANNELS)
        self.conv3 = ThinConv(LAST_CHANNELS, LAST_CHANNELS)
        self.to_img = ThinConv(LAST_CHANNELS, 3)
        self.colours = ColourChain(KEPT_CHANNELS, LEFT_OUT_CHANNELS)

    def kept_subbands(self, channels: int) -> Tensor:
        """Places of the kept channels' subbands, [4 * KEPT_CHANNELS]; see `haar_upsample`."""
        details = channels + 3 * self.kept[:, None] + torch.arange(3, device=self.kept.device)
        return torch.cat([self.kept, details.flatten()])

    def features(self, net: MobileSynthesis, w_plus: Tensor) -> tuple[Tensor, Tensor]:
        """What the head reads, for w_plus [N, 18, 512].

        Returns:
            [N, KEPT_CHANNELS, 128, 128], and averages of the other channels,
            [N, LEFT_OUT_CHANNELS, 64, 64].
        """
        x = net.features(w_plus, num_blocks=self.num_exact_blocks)
        return self.features_after(net, x, w_plus)

    def features_after(
        self, net: MobileSynthesis, x: Tensor, w_plus: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `features`, from the network's own after `num_exact_blocks` blocks, x."""
        last, after = block_at(net, NUM_BLOCKS - 1), block_at(net, NUM_BLOCKS)
        row1, row2, _ = block_rows(NUM_BLOCKS - 1)
        x = haar_upsample(x * last.up(w_plus[:, row1])[:, :, None, None])
        conv, middle = last.conv1, self.middle
        x = x * conv.modulation(w_plus[:, row1])[:, :, None, None]
        x = F.conv2d(x, conv.depthwise, padding=1, groups=x.shape[1])
        x = F.conv2d(x, conv.pointwise[middle]) + conv.noise + conv.bias[middle, None, None]
        x = F.leaky_relu(x, LRELU_SLOPE)
        bands = self.kept_subbands(after.up.out_features // 4)
        conv = last.conv2
        x = x * conv.modulation(w_plus[:, row2])[:, middle, None, None]
        x = F.conv2d(x, conv.depthwise[middle], padding=1, groups=x.shape[1])
        left_out = F.conv2d(x, self.trunk_left_out) + conv.noise
        left_out = F.leaky_relu(
            left_out + conv.bias[self.colours.left_out, None, None], LRELU_SLOPE
        )
        x = F.conv2d(x, self.trunk) + conv.noise + conv.bias[bands, None, None]
        x = F.leaky_relu(x, LRELU_SLOPE)
        row1, *_ = block_rows(NUM_BLOCKS)
        x = haar_upsample(x * after.up(w_plus[:, row1])[:, bands, None, None])
        style = after.conv1.modulation(w_plus[:, row1])[:, self.kept] * self.input_scale
        x = x * style[:, :, None, None]
        x = F.conv2d(x, after.conv1.depthwise[self.kept], padding=1, groups=x.shape[1])
        return x, left_out

    def from_features(self, x: Tensor, w_plus: Tensor, noise: Tensor) -> Tensor:
        """What the narrow layers draw, without the chain of colours.

        Args:
            x: The first that `features` gives.
            w_plus: [N, 18, 512].
            noise: [N or 1, 1, 128, 128].

        Returns:
            RGB in about [-1, 1], [N, 3, 256, 256]. Works on crops too: [N, C, H, W] gives
            [N, 3, 2 * H, 2 * W].
        """
        x = F.conv2d(x, self.pointwise1, self.bias1) + noise * self.noise1[:, None, None]
        x = F.leaky_relu(x, LRELU_SLOPE)
        late = w_plus[:, list(LATE_ROWS)].flatten(1)
        tone = F.leaky_relu(self.tone(late), LRELU_SLOPE)
        style = torch.cat([late, tone], dim=1)
        x = self.conv2(x * self.style2(w_plus[:, CONV2_ROW])[:, :, None, None])
        x = F.leaky_relu(x + self.shift2(tone)[:, :, None, None], LRELU_SLOPE)
        x = F.pixel_shuffle(x, 2) * self.style3(style)[:, :, None, None]
        return self.to_img(F.leaky_relu(self.conv3(x), LRELU_SLOPE))

    def forward(self, net: Synthesis, w_plus: Tensor) -> Tensor:
        """Preview of `net` for [N, 18, 512], [N, 3, 256, 256]."""
        assert isinstance(net, MobileSynthesis)
        x = net.features(w_plus, num_blocks=self.num_exact_blocks)
        return self.picture(net, x, w_plus)

    def picture(self, net: MobileSynthesis, x: Tensor, w_plus: Tensor) -> Tensor:
        """The preview of the network's features after `num_exact_blocks` blocks, x."""
        noise = block_at(net, NUM_BLOCKS).conv1.noise
        x, left_out = self.features_after(net, x, w_plus)
        colours = self.colours(net, x, left_out, w_plus)
        return with_colours(self.from_features(x, w_plus, noise), colours)

    def blend(self, net: Synthesis, w_plus: Tensor, w_base: Tensor, mask: Mask) -> Tensor:
        """See `Preview`; see `facegen.nets.mobilestylegan_blend` for how."""
        from facegen.nets.mobilestylegan_blend import blend_preview

        assert isinstance(net, MobileSynthesis)
        return blend_preview(self, net, w_plus, w_base, mask)

    def openvino_graph(self, net: Synthesis) -> ov.Model:
        """See `Preview`."""
        from facegen.nets.mobilestylegan_openvino import preview_graph

        assert isinstance(net, MobileSynthesis)
        return preview_graph(net, self)

    def blend_graphs(self, net: Synthesis) -> BlendGraphs:
        """See `Preview`."""
        from facegen.nets.mobilestylegan_blend_openvino import preview_blend_graphs

        assert isinstance(net, MobileSynthesis)
        return preview_blend_graphs(net, self)


def block_at(net: MobileSynthesis, index: int) -> MobileBlock:
    """Block `index` of the network, with its type."""
    return cast(MobileBlock, net.blocks[index])
