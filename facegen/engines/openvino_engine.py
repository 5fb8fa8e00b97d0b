"""Runs the networks' OpenVINO graphs on the CPU."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov

from facegen.engines.keeping import kept_outside
from facegen.engines.torch_engine import TorchEngine
from facegen.nets.synthesis import Preview, Synthesis

if TYPE_CHECKING:
    from facegen.masks import Mask

CONFIG = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}


class OpenVINOEngine:
    """All cores work on one picture: half the latency of several streams at the same rate."""

    name = "openvino"
    max_batch = 1

    def __init__(self, net: Synthesis, head: Preview) -> None:
        core = ov.Core()
        self.preview_size = head.size_px
        full, preview = net.openvino_graph(), head.openvino_graph(net)
        self._full = core.compile_model(full, "CPU", CONFIG).create_infer_request()
        self._preview = core.compile_model(preview, "CPU", CONFIG).create_infer_request()
        self._exact = TorchEngine(net, head)
        self._lock = threading.Lock()

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(self._full, w_plus)

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(self._preview, w_plus)

    def blend(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        return kept_outside(self._exact.blend(w_plus, w_base, mask), self.render(w_base), mask)

    def blend_preview(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        pictures = self._exact.blend_preview(w_plus, w_base, mask)
        return kept_outside(pictures, self.preview(w_base), mask)

    def _run(self, request: ov.InferRequest, w_plus: np.ndarray) -> np.ndarray:
        pictures = []
        with self._lock:
            for row in w_plus:
                outputs = request.infer(row[None], share_inputs=True, share_outputs=True)
                pictures.append(np.array(outputs[0]))  # a copy: the request reuses its memory
        return np.concatenate(pictures)
