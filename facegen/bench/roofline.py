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

from facegen.nets.synthesis import Work

MATRIX = 2048
COPY_BYTES = 1 << 28
TRIALS = 5


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
