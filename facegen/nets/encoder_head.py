"""From maps of a picture to a latent: the part of the encoder that is learned here.

Each map's channels are first reduced to their principal directions, the same in every cell. What is
left is standardised; a linear map of low rank gives the whitened rows of each group
(`facegen.directions.natural`) or, from the difference to what a rendition gives, their change.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Reduction(nn.Module):
    """Maps of a picture -> standardised numbers.

    Args:
        channels: Of each map, before and after.
        length: Numbers in all, D.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: Sequence[tuple[int, int]], length: int) -> None:
        super().__init__()
        self.matrices = nn.ParameterList(nn.Parameter(torch.zeros(b, a)) for a, b in channels)
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("scale", torch.ones(length))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """[N, C, H, W] of each map, then what is taken as it is, [N, ...] -> [N, D]."""
        parts = [
            torch.einsum("bc,nchw->nbhw", matrix, found).flatten(1)
            for matrix, found in zip(self.matrices, maps, strict=False)
        ]
        rest = [found.flatten(1) for found in maps[len(self.matrices) :]]
        return (torch.cat([*parts, *rest], dim=1) - self.mean) * self.scale


class Head(nn.Module):
    """Standardised numbers -> a change of the whitened groups, of low rank.

    Args:
        length: D.
        rank: Of the map.
        outputs: Groups times 512.
    """

    def __init__(self, length: int, rank: int, outputs: int) -> None:
        super().__init__()
        self.code = nn.Linear(length, rank, bias=False)
        self.out = nn.Linear(rank, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[N, D] -> [N, outputs]."""
        out: Tensor = self.out(self.code(x))
        return out
