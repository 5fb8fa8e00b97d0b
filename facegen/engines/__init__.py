"""Placeholder of the lead until the ENGINES helper's version lands: PyTorch only."""

from __future__ import annotations

import threading
from typing import Protocol

import numpy as np
import torch

from facegen.images import area_downscale, to_uint8


class Engine(Protocol):
    name: str
    preview_size: int

    def render(self, w_plus: np.ndarray) -> np.ndarray: ...
    def preview(self, w_plus: np.ndarray) -> np.ndarray: ...


class TorchEngine:
    name = "torch"
    preview_size = 256

    def __init__(self, net):
        self.net = net
        self.lock = threading.Lock()

    def render(self, w_plus):
        with self.lock, torch.inference_mode():
            return to_uint8(self.net(torch.from_numpy(w_plus)))

    def preview(self, w_plus):
        return area_downscale(self.render(w_plus), 256)


def make_engine(name, net):
    return TorchEngine(net)
