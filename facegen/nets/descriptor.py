"""The face descriptor network in PyTorch: differentiable, for losses that hold a person's identity.

A residual network of 29 convolutions (King 2017, "High quality face recognition with deep metric
learning", after He et al. 2015). Two pictures whose descriptors are closer than 0.6 show one
person, says its author. What differs from the usual: strided layers have no padding, the shortcut
of a block that shrinks is an average over 2 x 2, and the two branches may differ in size and in
channels; the smaller one is padded with zeros at the end of each axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

CHIP_PX = 150
MEAN_RGB = (122.782, 117.001, 104.298)
SCALE = 256.0
STEM_CHANNELS = 32
# Channels and whether the block halves the picture, from the picture on.
BLOCKS: tuple[tuple[int, bool], ...] = (
    *[(32, False)] * 3,
    (64, True), *[(64, False)] * 3,
    (128, True), *[(128, False)] * 2,
    (256, True), *[(256, False)] * 2,
    (256, True),
)  # fmt: skip
DESCRIPTOR = 128


@dataclass(frozen=True)
class ConvPlace:
    """Where a convolution stands: channels in and out, window, stride, padding."""

    inputs: int
    outputs: int
    window: int
    stride: int
    padding: int


def conv_places() -> list[ConvPlace]:
    """Every convolution, from the picture on; two for each block after the first."""
    places = [ConvPlace(3, STEM_CHANNELS, 7, 2, 0)]
    inputs = STEM_CHANNELS
    for channels, halves in BLOCKS:
        places.append(ConvPlace(inputs, channels, 3, 2 if halves else 1, 0 if halves else 1))
        places.append(ConvPlace(channels, channels, 3, 1, 1))
        inputs = channels
    return places


class DescriptorNet(nn.Module):
    """Face chips in, descriptors out."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(p.inputs, p.outputs, p.window, p.stride, p.padding) for p in conv_places()
        )
        self.project = nn.Linear(BLOCKS[-1][0], DESCRIPTOR, bias=False)
        self.register_buffer("mean", torch.tensor(MEAN_RGB)[:, None, None])

    def forward(self, chips: Tensor) -> Tensor:
        """[N, 3, 150, 150] RGB, 0 to 255 -> [N, 128]."""
        (last,) = self.maps(chips, (len(BLOCKS) - 1,))
        return self.project(last.mean(dim=(2, 3)))

    def maps(self, pictures: Tensor, blocks: Sequence[int]) -> list[Tensor]:
        """What comes out of some blocks, rising, for [N, 3, H, W] RGB of any size, 0 to 255."""
        x = (pictures - self.mean) / SCALE
        x = functional.max_pool2d(functional.relu(self.convs[0](x)), 3, 2)
        found = []
        for i, (_, halves) in enumerate(BLOCKS[: max(blocks) + 1]):
            y = functional.relu(self.convs[2 * i + 1](x))
            y = self.convs[2 * i + 2](y)
            x = functional.relu(add_padded(functional.avg_pool2d(x, 2) if halves else x, y))
            if i in blocks:
                found.append(x)
        return found


def add_padded(a: Tensor, b: Tensor) -> Tensor:
    """The sum of [N, C, H, W] and [N, D, I, J]; each is padded with zeros to the larger size."""
    if a.shape == b.shape:
        return a + b
    sizes = [max(one, two) for one, two in zip(a.shape[1:], b.shape[1:], strict=True)]

    def padded(x: Tensor) -> Tensor:
        short = [size - have for size, have in zip(sizes, x.shape[1:], strict=True)]
        return functional.pad(x, (0, short[2], 0, short[1], 0, short[0]))

    return padded(a) + padded(b)
