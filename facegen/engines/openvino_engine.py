"""Runs the networks' OpenVINO graphs on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import openvino as ov

from facegen.engines.openvino_blend import Blender, Features
from facegen.nets.synthesis import Preview, Synthesis

if TYPE_CHECKING:
    from facegen.masks import Mask
    from facegen.nets.blend_graphs import BlendGraphs

CONFIG = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}


class OpenVINOEngine:
    """All cores work on one picture: half the latency of several streams at the same rate.

    The graphs that keep the rest of a picture are compiled when they are first needed.
    """

    name = "openvino"
    max_batch = 1

    def __init__(self, net: Synthesis, head: Preview) -> None:
        self.preview_size = head.size_px
        self._net, self._head = net, head
        self._core = ov.Core()
        self._full = self._compiled(net.openvino_graph())
        self._preview = self._compiled(head.openvino_graph(net))
        self._blenders: dict[str, Blender] = {}
        self._lock = threading.RLock()

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(self._full, w_plus)

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run(self._preview, w_plus)

    def blend(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        with self._lock:
            return self._full_blender().draw(w_plus, w_base, mask)

    def blend_preview(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        with self._lock:
            if "preview" not in self._blenders:
                graphs = self._head.blend_graphs(self._net)
                features_of = self._full_blender().features_of
                self._blenders["preview"] = self._blender(graphs, self._preview, features_of)
            return self._blenders["preview"].draw(w_plus, w_base, mask)

    def _full_blender(self) -> Blender:
        if "full" not in self._blenders:
            self._blenders["full"] = self._blender(self._net.blend_graphs(), self._full)
        return self._blenders["full"]

    def _blender(
        self,
        graphs: BlendGraphs,
        plain: ov.InferRequest,
        features_of: Callable[[np.ndarray], Features] | None = None,
    ) -> Blender:
        head = self._compiled(graphs.head)
        tail = None if graphs.tail is None else self._compiled(graphs.tail)
        return Blender(graphs, head, tail, lambda w: self._run(plain, w), features_of)

    def _compiled(self, graph: ov.Model) -> ov.InferRequest:
        return self._core.compile_model(graph, "CPU", CONFIG).create_infer_request()

    def _run(self, request: ov.InferRequest, w_plus: np.ndarray) -> np.ndarray:
        pictures = []
        with self._lock:
            for row in w_plus:
                outputs = request.infer(row[None], share_inputs=True, share_outputs=True)
                pictures.append(np.array(outputs[0]))  # a copy: the request reuses its memory
        return np.concatenate(pictures)
