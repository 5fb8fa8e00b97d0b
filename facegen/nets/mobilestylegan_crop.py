"""A part of MobileStyleGAN's picture at half its size, exact, and cheap to send gradients through.

Losses that look at the face alone need neither the background nor the finest subbands: from
128 px on only a window is computed, and of the last transform only the low-pass band, which is
the picture averaged down by two. Rows from `FIRST_FIXED_ROW` on are taken as constants (no
gradient reaches them), so that their styles are folded into the weights.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from facegen.nets.haar import haar_upsample
from facegen.nets.mobilestylegan import (
    CONST_PX,
    LRELU_SLOPE,
    MobileSynthesis,
    ModulatedSeparableConv,
    block_rows,
)
from facegen.nets.mobilestylegan_preview import block_at
from facegen.nets.window import WINDOW_PX, Box, Part, Window

WINDOW_BLOCK = (WINDOW_PX // CONST_PX).bit_length() - 2
"""The block whose input is the last to be computed whole: the one that makes WINDOW_PX."""


def picture_part(net: MobileSynthesis, w_plus: Tensor, box: Box) -> Part:
    """The part of one picture that holds a box, at half its size; see `Synthesis.picture_part`.

    Within BORDER cells of the window's edges it differs from the whole picture.

    Args:
        net: Its last block makes half the picture's size.
        w_plus: [1, 18, 512].
        box: In fractions of the picture's edge.
    """
    window = Window.around(box)
    x = net.features(w_plus, num_blocks=WINDOW_BLOCK)
    fixed = w_plus.detach()
    for index in range(WINDOW_BLOCK, len(net.blocks)):
        block = block_at(net, index)
        row1, row2, _ = block_rows(index)
        x = haar_upsample(x * block.up(fixed[:, row1])[:, :, None, None])
        if index == WINDOW_BLOCK:
            x = window.of(x)
        place = window.times(2 ** (index - WINDOW_BLOCK))
        x = _convolved(block.conv1, x, fixed[:, row1], place)
        x = _convolved(block.conv2, x, fixed[:, row2], place)
    *_, row_img = block_rows(len(net.blocks) - 1)
    style = net.to_img.modulation(fixed[:, row_img])[0]
    low_pass = net.to_img.pointwise[:3] * style[None, :, None, None]
    last = window.times(net.img_resolution // 2 // WINDOW_PX)
    picture = F.conv2d(x, low_pass, net.to_img.bias[:3]) / 2
    return Part(picture, left=last.left, top=last.top, edge=net.img_resolution // 2)


def _convolved(conv: ModulatedSeparableConv, x: Tensor, w: Tensor, place: Window) -> Tensor:
    """The convolution on a window, its style in the weights.

    Channels last: oneDNN's depthwise convolutions are many times slower on channel counts that
    are no multiple of 16 otherwise.
    """
    depthwise = conv.depthwise * conv.modulation(w)[0][:, None, None, None]
    x = x.contiguous(memory_format=torch.channels_last)
    x = F.conv2d(x, depthwise, padding=1, groups=x.shape[1])
    x = F.conv2d(x, conv.pointwise, conv.bias) + place.of(conv.noise)
    return F.leaky_relu(x, LRELU_SLOPE)
