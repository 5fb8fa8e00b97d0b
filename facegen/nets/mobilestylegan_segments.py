"""What each pixel of a face of MobileStyleGAN shows, read from the features that draw it.

A generator has to know where hair ends and skin begins to draw them, so few layers on its features
are enough to name every pixel: Zhang et al. 2021, "DatasetGAN", arXiv 2104.06490, taught a small
perceptron over enlarged features with a handful of labelled pictures. Here its first layer is
applied at each size before anything is enlarged: the same sum for a fraction of the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.mobilestylegan import MobileSynthesis, block_rows

if TYPE_CHECKING:
    import openvino as ov

SIZES_PX = (32, 64, 128)
CHANNELS = (512, 512, 256)
LAST_CHANNELS = 128
LAST_PX = 256
NUM_BLOCKS = 6  # the last of them writes LAST_PX
FIRST_READ = 2  # the block that writes SIZES_PX[0]
REDUCED = 32
WIDE = 64
HIDDEN = 32


class SegmentHead(nn.Module):
    """Features of four sizes -> a score for each segment at 256 px.

    Args:
        num_segments: How many there are.
    """

    def __init__(self, num_segments: int) -> None:
        super().__init__()
        self.num_segments = num_segments
        self.from_32, self.from_64, self.from_128 = (
            nn.Parameter(torch.zeros(WIDE, channels, 1, 1)) for channels in CHANNELS
        )
        self.reduce_256 = nn.Parameter(torch.zeros(REDUCED, LAST_CHANNELS, 1, 1))
        self.from_256 = nn.Parameter(torch.zeros(WIDE, REDUCED, 1, 1))
        self.bias = nn.Parameter(torch.zeros(WIDE))
        self.hidden = nn.Conv2d(WIDE, HIDDEN, 1)
        self.out = nn.Conv2d(HIDDEN, num_segments, 1)

    def forward(self, features: list[Tensor]) -> Tensor:
        """[N, C, S, S] for S = 32, 64, 128, 256 -> scores [N, num_segments, 256, 256]."""
        x = F.conv2d(features[0], self.from_32)
        for feature, kernel in zip(features[1:3], (self.from_64, self.from_128), strict=True):
            x = doubled(x) + F.conv2d(feature, kernel)
        last = F.conv2d(F.conv2d(features[3], self.reduce_256), self.from_256, self.bias)
        x = F.relu(doubled(x) + last)
        return self.out(F.relu(self.hidden(x)))

    def of_latent(self, net: MobileSynthesis, w_plus: Tensor) -> Tensor:
        """Scores [N, num_segments, 256, 256] for w_plus [N, num_ws, w_dim]."""
        return self(segment_features(net, w_plus))

    def openvino_graph(self, net: MobileSynthesis, *, with_picture: bool = False) -> ov.Model:
        """w_plus [1, num_ws, w_dim] -> labels, uint8 [1, 256, 256].

        Args:
            net: The network.
            with_picture: Also draw the picture, as the first output: RGB bytes [1, S, S, 3].

        Raises:
            ImportError: OpenVINO is missing.
        """
        from facegen.nets.mobilestylegan_openvino import segments_graph

        return segments_graph(net, self, with_picture=with_picture)


def segment_features(net: MobileSynthesis, w_plus: Tensor) -> list[Tensor]:
    """What `SegmentHead` reads, for w_plus [N, num_ws, w_dim]."""
    x = net.conv0(net.const.expand(w_plus.shape[0], -1, -1, -1), w_plus[:, 0])
    features = []
    for i, block in enumerate(net.blocks[:NUM_BLOCKS]):
        row1, row2, _ = block_rows(i)
        x = block(x, w_plus[:, row1], w_plus[:, row2])
        if i >= FIRST_READ:
            features.append(x)
    return features


def doubled(x: Tensor) -> Tensor:
    """Twice the size, bilinear."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
