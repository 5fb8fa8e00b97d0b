"""A part of MobileStyleGAN's picture at half its size, exact, and cheap to send gradients through.

Losses that look at the face alone need neither the background nor the finest subbands: from
128 px on only a window is computed, and of the last transform only the low-pass band, which is
the picture averaged down by two. Rows from `FIRST_FIXED_ROW` on are taken as constants (no
gradient reaches them), so that their styles are folded into the weights.

Gradients take one thread (`facegen.threads`), on which PyTorch runs 1 x 1 convolutions another,
slow way, and most of the other time goes into memory. So features are kept channels last, where
such a convolution is a product of matrices, and are worked on in place where no gradient needs
what was there: a gradient takes two thirds of the time.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

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
"""The block that makes WINDOW_PX: its input is the last to be computed whole."""


def half_picture(net: MobileSynthesis, w_plus: Tensor) -> Tensor:
    """One whole picture at half its size; gradients reach all rows.

    Args:
        net: See `picture_part`.
        w_plus: [1, 18, 512].

    Returns:
        RGB in about [-1, 1], [1, 3, S / 2, S / 2]: `forward`, averaged down by two.
    """
    whole = Box(0.0, 1.0, 0.0, 1.0)
    return picture_part(net, w_plus, whole, first_fixed_block=len(net.blocks) + 1).picture


def picture_part(
    net: MobileSynthesis, w_plus: Tensor, box: Box, *, first_fixed_block: int = WINDOW_BLOCK
) -> Part:
    """The part of one picture that holds a box, at half its size; see `Synthesis.picture_part`.

    Within BORDER pixels of its edges it differs from the whole picture.

    Args:
        net: Its last block makes half the picture's size.
        w_plus: [1, 18, 512].
        box: In fractions of the picture's edge.
        first_fixed_block: Rows that this block and later ones read are taken as constants.
    """
    last = len(net.blocks) - 1
    fixed = w_plus.detach()
    x = net.conv0(net.const, w_plus[:, 0]).permute(0, 2, 3, 1)
    x = x[..., _by_subband(x.shape[-1])]
    window = Window(0, CONST_PX, 0, CONST_PX)
    for index in range(len(net.blocks)):
        block = block_at(net, index)
        row1, row2, _ = block_rows(index)
        is_fixed = index >= first_fixed_block
        rows = fixed if is_fixed else w_plus
        up = block.up(rows[:, row1])[0, _by_subband(block.up.out_features)]
        x, window = _haar_upsample(x * (up / 2)), window.times(2)
        if index >= WINDOW_BLOCK:
            smaller = Window.around(box, CONST_PX * 2 ** (index + 1))
            cut = smaller.moved(-window.top, -window.left)
            x = x[:, cut.top : cut.bottom, cut.left : cut.right].contiguous()
            window = smaller
        x = _convolved(block.conv1, x, rows[:, row1], window, is_fixed=is_fixed)
        places = None if index == last else _by_subband(block.conv2.pointwise.shape[0])
        x = _convolved(block.conv2, x, rows[:, row2], window, places, is_fixed=is_fixed)
    *_, row_img = block_rows(last)
    rows = fixed if first_fixed_block <= last else w_plus
    style = net.to_img.modulation(rows[:, row_img])[0]
    low_pass = net.to_img.pointwise[:3, :, 0, 0] * style / 2
    picture = F.linear(x, low_pass, net.to_img.bias[:3] / 2).permute(0, 3, 1, 2)
    return Part(picture, left=window.left, top=window.top, edge=net.img_resolution // 2)


def _convolved(
    conv: ModulatedSeparableConv,
    x: Tensor,
    w: Tensor,
    window: Window,
    places: Tensor | None = None,
    *,
    is_fixed: bool,
) -> Tensor:
    """The convolution on a window, channels last: [1, H, W, in_channels] -> [1, H, W, out].

    Args:
        conv: With the weights.
        x: Features.
        w: [1, w_dim].
        window: Where in the whole they lie.
        places: Order of the channels that come out.
        is_fixed: No gradient is wanted to `w`: its style goes into the weights.
    """
    style = conv.modulation(w)[0]
    depthwise: Tensor = conv.depthwise
    if is_fixed:
        depthwise = depthwise * style[:, None, None, None]
    else:
        x = x * style
    x = F.conv2d(x.permute(0, 3, 1, 2), depthwise, padding=1, groups=x.shape[-1])
    _, channels, height, width = x.shape
    flat = x.permute(0, 2, 3, 1).reshape(height * width, channels)
    pointwise = conv.pointwise[:, :, 0, 0]
    bias: Tensor = conv.bias
    if places is not None:
        pointwise, bias = pointwise[places], bias[places]
    flat = torch.addmm(bias, flat, pointwise.T)
    flat = F.leaky_relu_(flat.add_(window.of(conv.noise).reshape(-1, 1)), LRELU_SLOPE)
    return flat.view(1, height, width, -1)


def _by_subband(channels: int) -> Tensor:
    """Order of `haar_upsample`'s channels in which all LL come first, then all LH, HL, HH."""
    each = torch.arange(channels // 4)
    return torch.cat([each, *(len(each) + 3 * each + band for band in range(3))])


class _HaarUpsample(torch.autograd.Function):
    """Twice `facegen.nets.haar.haar_upsample`, for channels last and by subband."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """[1, H, W, 4 * C] -> [1, 2 * H, 2 * W, C]."""
        ll, lh, hl, hh = x.chunk(4, dim=3)
        _, height, width, channels = ll.shape
        picture = x.new_empty(1, 2 * height, 2 * width, channels)
        even, odd, sum_, diff = ll + lh, ll - lh, hl + hh, hl - hh
        torch.add(even, sum_, out=picture[:, 0::2, 0::2])
        torch.sub(even, sum_, out=picture[:, 0::2, 1::2])
        torch.add(odd, diff, out=picture[:, 1::2, 0::2])
        torch.sub(odd, diff, out=picture[:, 1::2, 1::2])
        return picture

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Tensor:
        """The transform the other way round, likewise without its half."""
        (grad,) = grads
        top_left, top_right = grad[:, 0::2, 0::2], grad[:, 0::2, 1::2]
        low_left, low_right = grad[:, 1::2, 0::2], grad[:, 1::2, 1::2]
        top, low = top_left + top_right, low_left + low_right
        top_step, low_step = top_left - top_right, low_left - low_right
        return torch.cat([top + low, top - low, top_step + low_step, top_step - low_step], dim=3)


def _haar_upsample(x: Tensor) -> Tensor:
    return cast(Tensor, _HaarUpsample.apply(x))  # type: ignore[no-untyped-call]
