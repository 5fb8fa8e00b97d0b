"""Runs the networks' OpenVINO graphs on the CPU."""

from __future__ import annotations

import threading

import numpy as np
import openvino as ov

from facegen.nets.synthesis import Preview, Synthesis

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
        self._lock = threading.Lock()

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(self._full, w_plus)

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(self._preview, w_plus)

    def _run(self, request: ov.InferRequest, w_plus: np.ndarray) -> np.ndarray:
        pictures = []
        with self._lock:
            for row in w_plus:
                outputs = request.infer(row[None], share_inputs=True, share_outputs=True)
                pictures.append(np.array(outputs[0]))  # a copy: the request reuses its memory
        return np.concatenate(pictures)
