"""Ways to run the synthesis network, behind one interface.

`torch` is the exact reference and always there. `openvino` runs our own graph of the same network
on the CPU, about five times as fast. All agree within 2/255 on every pixel; `facegen bench`
measures them side by side.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np

from facegen.engines.torch_engine import TorchEngine
from facegen.errors import ModelError, UsageError
from facegen.nets.synthesis import Preview, Synthesis

log = logging.getLogger(__name__)


class Engine(Protocol):
    """Turns w_plus into pictures. Safe to share between threads; one picture at a time."""

    name: str
    preview_size: int

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """[N, num_ws, w_dim] float32 -> [N, S, S, 3] uint8 RGB."""
        ...

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """[N, num_ws, w_dim] float32 -> [N, preview_size, preview_size, 3] uint8 RGB."""
        ...


def make_engine(name: str, net: Synthesis, head: Preview) -> Engine:
    """Build an engine.

    Args:
        name: "torch", "openvino", or "auto" for the best that runs here: PyTorch on a GPU,
            else OpenVINO, else PyTorch on the CPU.
        net: The exact network, on its device.
        head: What draws its previews.

    Raises:
        UsageError: no such engine.
        ModelError: the engine was asked for by name and cannot run here.
    """
    makers: dict[str, Callable[[], Engine]] = {
        "torch": lambda: TorchEngine(net, head),
        "openvino": lambda: _openvino(net, head),
    }
    if name == "auto":
        if net.device.type == "cuda":
            return makers["torch"]()
        try:
            return makers["openvino"]()
        except ModelError as err:
            log.warning("%s Using PyTorch, which is slower.", err)
            return makers["torch"]()
    if name not in makers:
        raise UsageError(f"No engine is called '{name}'. Known: auto, {', '.join(makers)}.")
    return makers[name]()


def _openvino(net: Synthesis, head: Preview) -> Engine:
    try:
        from facegen.engines.openvino_engine import OpenVINOEngine

        return OpenVINOEngine(net, head)
    except (ImportError, RuntimeError) as err:  # not installed, or no plugin for this processor
        raise ModelError(f"OpenVINO cannot run here ({err}).") from err
