"""Inverse 2-D Haar wavelet transform, the up-sampling of MobileStyleGAN."""

from __future__ import annotations

import torch
from torch import Tensor


def haar_upsample(x: Tensor) -> Tensor:
    """Turn four subbands at half size into one picture at full size.

    Args:
        x: Subbands, [N, 4 * C, H, W]: C low-pass channels (LL) first, then LH, HL, HH of
            channel 0, LH, HL, HH of channel 1, and so on.

    Returns:
        [N, C, 2 * H, 2 * W].
    """
    n, c4, h, w = x.shape
    c = c4 // 4
    ll = x[:, :c]
    lh, hl, hh = x[:, c:].reshape(n, c, 3, h, w).unbind(dim=2)
    even, odd = ll + lh, ll - lh
    diff, sum_ = hl - hh, hl + hh
    corners = torch.stack([even + sum_, even - sum_, odd + diff, odd - diff], dim=2) * 0.5
    corners = corners.reshape(n, c * 4, h, w)  # [N, C * (top-left, top-right, ...), H, W]
    return torch.nn.functional.pixel_shuffle(corners, 2)
