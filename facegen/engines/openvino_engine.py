"""Runs the graphs of `openvino_graph` on the CPU."""

from __future__ import annotations

import threading

import numpy as np
import openvino as ov

from facegen.engines.openvino_graph import full_graph, preview_graph
from facegen.engines.openvino_stylegan2 import stylegan2_graph
from facegen.errors import ModelError
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.mobilestylegan_preview import PreviewHead
from facegen.nets.stylegan2 import StyleGAN2Synthesis
from facegen.nets.synthesis import Preview, Synthesis

CONFIG = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}


class OpenVINOEngine:
    """All cores work on one picture: half the latency of several streams at the same rate."""

    name = "openvino"
    max_batch = 1

    def __init__(self, net: Synthesis, head: Preview) -> None:
        core = ov.Core()
        self.preview_size = head.size_px
        full, preview = _graphs(net, head)
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


def _graphs(net: Synthesis, head: Preview) -> tuple[ov.Model, ov.Model]:
    """The graphs of the full picture and of the preview."""
    if isinstance(net, StyleGAN2Synthesis):
        full = stylegan2_graph(net, size_px=net.img_resolution)
        return full, stylegan2_graph(net, size_px=head.size_px)
    if isinstance(net, MobileSynthesis) and isinstance(head, PreviewHead):
        return full_graph(net), preview_graph(net, head)
    raise ModelError(f"OpenVINO does not know networks of the kind {type(net).__name__}.")
