"""How fast a network could run at best: its arithmetic, its memory traffic, a device's rates.

Two floors, of which the higher counts: every product once at the device's rate, and every
convolution's features read and written once at its bandwidth (all that lies between convolutions
done on the way). The rates are measured, by a large matrix product and a large copy.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from facegen.errors import ModelError
from facegen.nets.mobilestylegan import CONST_PX, MobileBlock, MobileSynthesis
from facegen.nets.stylegan2 import StyleGAN2Synthesis
from facegen.nets.synthesis import Synthesis

MATRIX = 2048
COPY_BYTES = 1 << 28
TRIALS = 5


@dataclass(frozen=True)
class Work:
    """What one picture needs.

    Attributes:
        macs: Multiplications with addition.
        values: Numbers that convolutions read and write (features and weights), each once.
    """

    macs: int
    values: int


@dataclass(frozen=True)
class Rates:
    """What a device does, measured: floating-point operations and bytes per second."""

    flops: float
    bytes: float

    def floors_ms(self, work: Work, *, itemsize: int = 4, batch: int = 1) -> tuple[float, float]:
        """(arithmetic, memory) floor of `batch` pictures in milliseconds."""
        arithmetic = 2 * work.macs / self.flops
        memory = itemsize * work.values / self.bytes
        return 1000 * batch * arithmetic, 1000 * batch * memory


def work_of(net: Synthesis) -> Work:
    """Count the work of one picture from the network's sizes.

    Raises:
        ModelError: a network of a kind that is not known here.
    """
    if isinstance(net, StyleGAN2Synthesis):
        return _stylegan2(net)
    if isinstance(net, MobileSynthesis):
        return _mobile(net)
    raise ModelError(f"The work of a {type(net).__name__} is not known.")


def rates_of(device: str = "cpu", dtype: torch.dtype = torch.float32) -> Rates:
    """Measure a device: the best of several trials on random numbers."""
    edge = MATRIX if device == "cpu" else 4 * MATRIX
    a, b = (torch.randn(edge, edge, device=device).to(dtype) for _ in range(2))
    product_s = _best_s(lambda: a @ b, device)
    size = COPY_BYTES if device == "cpu" else 8 * COPY_BYTES
    source = torch.randint(0, 255, (size,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy_s = _best_s(lambda: target.copy_(source), device)
    return Rates(flops=2 * edge**3 / product_s, bytes=2 * size / copy_s)


def _stylegan2(net: StyleGAN2Synthesis) -> Work:
    macs = values = 0
    for block in net.blocks():
        area = block.resolution**2
        for layer in (block.conv1,) if block.is_first else (block.conv0, block.conv1):
            outputs, inputs = layer.weight.shape[:2]
            before = area // 4 if layer.up else area
            macs += layer.weight.numel() * before
            if layer.up:
                macs += layer.resample_filter.numel() * outputs * area
            values += inputs * before + outputs * area + layer.weight.numel()
        macs += block.torgb.weight.numel() * area
        values += 3 * area
    return Work(macs, values)


def _mobile(net: MobileSynthesis) -> Work:
    area = CONST_PX**2
    macs = net.conv0.weight.numel() * area
    values = net.conv0.weight.numel() + 2 * net.const.numel()
    outputs = net.const.shape[1]
    for block in net.blocks:
        assert isinstance(block, MobileBlock)
        values += outputs * area  # the picture before is read once
        area *= 4
        for conv in (block.conv1, block.conv2):
            outputs, inputs = conv.pointwise.shape[:2]
            weights = conv.depthwise.numel() + conv.pointwise.numel()
            macs += weights * area
            values += weights + (inputs + outputs) * area
    macs += net.to_img.pointwise.numel() * area
    values += (net.to_img.pointwise.shape[1] + net.to_img.pointwise.shape[0]) * area
    return Work(macs, values)


def _best_s(run: Callable[[], object], device: str) -> float:
    seconds = []
    for _ in range(TRIALS):
        _wait(device)
        start = time.perf_counter()
        run()
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
