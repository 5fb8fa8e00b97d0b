"""The exact network in eager PyTorch, on the CPU or a GPU."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from facegen.images import to_uint8
from facegen.nets.synthesis import Preview, Synthesis

if TYPE_CHECKING:
    from facegen.masks import Mask


class TorchEngine:
    """Runs the reference network as it is; slow on a CPU, and the oracle of every other engine."""

    name = "torch"
    max_batch = 1

    def __init__(self, net: Synthesis, head: Preview) -> None:
        self.preview_size = head.size_px
        if net.device.type != "cuda":
            # oneDNN convolves channels-last pictures up to 1.5 times as fast; the caller keeps its
            # own.
            net, head = copy.deepcopy(net), copy.deepcopy(head)
            for kernel in (*net.parameters(), *head.parameters()):
                if kernel.ndim == 4:
                    kernel.data = kernel.data.contiguous(memory_format=torch.channels_last)
        self._net = net
        self._head = head
        self._lock = threading.Lock()

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(self._net, w_plus)

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(lambda w: self._head(self._net, w), w_plus)

    def blend(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        base = torch.from_numpy(w_base).to(self._net.device)
        return self._run(lambda w: self._net.blend(w, base, mask), w_plus)

    def blend_preview(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        base = torch.from_numpy(w_base).to(self._net.device)
        return self._run(lambda w: self._head.blend(self._net, w, base, mask), w_plus)

    def _run(self, forward: Callable[[Tensor], Tensor], w_plus: np.ndarray) -> np.ndarray:
        device = self._net.device
        with self._lock, torch.inference_mode():
            # One at a time: a batch costs the same on a CPU and would need its memory at once.
            pictures = [to_uint8(forward(torch.from_numpy(row[None]).to(device))) for row in w_plus]
        return np.concatenate(pictures)
