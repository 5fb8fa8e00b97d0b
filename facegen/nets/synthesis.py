"""What every synthesis network has, whichever its architecture."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Synthesis(nn.Module):
    """w_plus -> picture.

    Attributes:
        img_resolution: Edge of the picture in pixels.
        num_ws: Rows of w_plus.
        w_dim: Length of a row.
    """

    img_resolution: int
    num_ws: int
    w_dim: int

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    def forward(self, w_plus: Tensor) -> Tensor:
        """[N, num_ws, w_dim] -> RGB picture in about [-1, 1], [N, 3, S, S]."""
        raise NotImplementedError


class Preview(nn.Module):
    """Draws a smaller picture from a network's first layers.

    Attributes:
        size_px: Edge of the preview in pixels.
    """

    size_px: int

    def forward(self, net: Synthesis, w_plus: Tensor) -> Tensor:
        """Preview of `net` for [N, num_ws, w_dim], [N, 3, size_px, size_px]."""
        raise NotImplementedError
