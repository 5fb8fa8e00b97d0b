"""Ways to run the synthesis network, behind one interface.

`torch` is the exact reference and always there. `openvino` runs our own graph of the same network
on the CPU, several times as fast; both agree within 2/255 on every pixel. `cuda` draws on a GPU in
half precision, within 3/255 on 99.9 % of pixels. `facegen bench` measures them side by side.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable

import torch

from facegen.engines.cuda_engine import CudaEngine, is_lost
from facegen.engines.engine import Engine
from facegen.engines.fallback import CarefulEngine
from facegen.engines.torch_engine import TorchEngine
from facegen.errors import ModelError, UsageError
from facegen.nets.synthesis import Preview, Synthesis

__all__ = ["CarefulEngine", "CudaEngine", "Engine", "TorchEngine", "make_engine"]

log = logging.getLogger(__name__)


def make_engine(name: str, net: Synthesis, head: Preview) -> Engine:
    """Build an engine.

    Args:
        name: "torch", "openvino", "cuda", or "auto" for the best that runs here: a GPU, else
            OpenVINO, else PyTorch on the CPU.
        net: The exact network, on its device.
        head: What draws its previews.

    Raises:
        UsageError: no such engine.
        ModelError: the engine was asked for by name and cannot run here.
    """
    makers: dict[str, Callable[[], Engine]] = {
        "torch": lambda: TorchEngine(net, head),
        "openvino": lambda: _openvino(net, head),
        "cuda": lambda: _cuda(net, head),
    }
    if name == "auto":
        if torch.cuda.is_available():
            try:
                return makers["cuda"]()
            except ModelError as err:
                log.warning("%s Using the processor, which is slower.", err)
        return _on_cpu(net, head)
    if name not in makers:
        raise UsageError(f"No engine is called '{name}'. Known: auto, {', '.join(makers)}.")
    return makers[name]()


def _on_cpu(net: Synthesis, head: Preview) -> Engine:
    """The fastest engine of the processor."""
    try:
        return _openvino(net, head)
    except ModelError as err:
        log.warning("%s Using PyTorch, which is slower.", err)
        return TorchEngine(net, head)


def _cuda(net: Synthesis, head: Preview) -> Engine:
    if not torch.cuda.is_available():
        raise ModelError("No CUDA device can be used here; choose another --engine.")
    if net.device.type != "cpu":  # what takes over must not need the card
        net, head = copy.deepcopy(net).cpu(), copy.deepcopy(head).cpu()
    try:
        return CarefulEngine(CudaEngine(net, head), lambda: _on_cpu(net, head))
    except RuntimeError as err:
        if not isinstance(err, torch.cuda.OutOfMemoryError) and not is_lost(err):
            raise
        first = str(err).splitlines()[0][:120]
        raise ModelError(f"The graphics card cannot be used ({first}).") from err


def _openvino(net: Synthesis, head: Preview) -> Engine:
    try:
        from facegen.engines.openvino_engine import OpenVINOEngine

        return OpenVINOEngine(net, head)
    except (ImportError, RuntimeError) as err:  # not installed, or no plugin for this processor
        raise ModelError(f"OpenVINO cannot run here ({err}).") from err
