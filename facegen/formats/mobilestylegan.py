"""Finds MobileStyleGAN's tensors in its OpenVINO graphs and names them as our networks do.

Some constants of the published graph carry their trained name, others only a number, so the
graph's own order is followed: features are multiplied by a style, then convolved (one full 3x3
convolution at 4 px, depthwise and pointwise everywhere else), then noise and bias are added.
"""

from __future__ import annotations

import numpy as np

from facegen.errors import BadFileError
from facegen.formats.openvino_ir import Layer

NUM_BLOCKS = 7
NUM_MAPPING_LAYERS = 8
BLOCK_PARTS = ("up", "conv1", "conv2")
PARTS = (
    "conv0",
    *(f"blocks.{i}.{part}" for i in range(NUM_BLOCKS) for part in BLOCK_PARTS),
    "to_img",
)

Tensors = dict[str, np.ndarray]


class _Graph:
    """Layers with their consumers; look-ups fail with one sentence."""

    def __init__(self, layers: dict[str, Layer], *, name: str) -> None:
        self.layers = layers
        self.name = name
        self.consumers: dict[str, list[Layer]] = {}
        for layer in layers.values():
            for source in layer.inputs:
                self.consumers.setdefault(source, []).append(layer)

    def fail(self, found: str) -> BadFileError:
        return BadFileError(
            f"{self.name} should be MobileStyleGAN for 1024 px faces, but {found}. "
            "Fetch the model again."
        )

    def of_type(self, kind: str) -> list[Layer]:
        return [layer for layer in self.layers.values() if layer.type == kind]

    def sources(self, layer: Layer) -> list[Layer]:
        return [self.layers[i] for i in layer.inputs]

    def next(self, layer: Layer, kind: str) -> Layer:
        found = [other for other in self.consumers.get(layer.id, []) if other.type == kind]
        if len(found) != 1:
            raise self.fail(f"{layer.name} feeds {len(found)} layers of type {kind} instead of 1")
        return found[0]

    def constant(self, layer: Layer) -> np.ndarray:
        """The single floating-point constant among a layer's inputs."""
        values = [s.value for s in self.sources(layer) if s.value is not None]
        values = [v for v in values if v.dtype.kind == "f"]
        if len(values) != 1:
            raise self.fail(f"{layer.name} reads {len(values)} constants instead of 1")
        return np.array(values[0], np.float32)

    def affine(self, layer: Layer) -> tuple[Layer, Layer, float] | None:
        """(product, sum, gain) if `layer` is a style: an affine map of the input, rescaled."""
        gain = 1.0
        while layer.type in ("Reshape", "Multiply"):
            data = [s for s in self.sources(layer) if s.value is None]
            if not data or (layer.type == "Multiply" and len(data) != 1):
                return None
            if layer.type == "Multiply":
                scale = self.constant(layer)
                if scale.size != 1:
                    return None
                gain *= float(scale.item())
            layer = data[0]
        products = [s for s in self.sources(layer) if s.type == "MatMul"]
        return (products[0], layer, gain) if layer.type == "Add" and products else None


def mapping_tensors(layers: dict[str, Layer], *, name: str) -> Tensors:
    """Effective weights of the mapping network: `fc.<i>.weight`, `fc.<i>.bias`.

    Raises:
        BadFileError: the graph is not eight fully connected layers.
    """
    graph = _Graph(layers, name=name)
    products = graph.of_type("MatMul")
    if len(products) != NUM_MAPPING_LAYERS:
        raise graph.fail(f"it has {len(products)} mapping layers")
    tensors: Tensors = {}
    for i, product in enumerate(products):
        total = graph.next(product, "Add")
        # The bias reaches the sum through a reshape of its own.
        bias = next((s for s in graph.sources(total) if s.type == "Reshape"), total)
        tensors[f"fc.{i}.weight"] = graph.constant(product)
        tensors[f"fc.{i}.bias"] = graph.constant(bias).reshape(-1)
    return tensors


def synthesis_tensors(layers: dict[str, Layer], *, name: str) -> Tensors:
    """Tensors of `facegen.nets.mobilestylegan.MobileSynthesis`, by state-dict name.

    Raises:
        BadFileError: the graph is not MobileStyleGAN's at 1024 px.
    """
    graph = _Graph(layers, name=name)
    styled = _styled_products(graph)
    starts = graph.of_type("Broadcast")
    if len(styled) != len(PARTS) or not starts:
        raise graph.fail(f"it has {len(styled)} modulations instead of {len(PARTS)}")
    tensors: Tensors = {"const": graph.constant(starts[-1])}
    for part, (features, (product, bias_add, gain)) in zip(PARTS, styled, strict=True):
        key = part if part.endswith("up") else f"{part}.modulation"
        tensors[f"{key}.weight"] = graph.constant(product) * np.float32(gain)
        tensors[f"{key}.bias"] = graph.constant(bias_add).reshape(-1) * np.float32(gain)
        if not part.endswith("up"):
            tensors |= {f"{part}.{k}": v for k, v in _conv_tensors(graph, features, part).items()}
    return tensors


def _styled_products(graph: _Graph) -> list[tuple[Layer, tuple[Layer, Layer, float]]]:
    """Products of features and a style, in the order of execution."""
    found = []
    for layer in graph.of_type("Multiply"):
        sources = graph.sources(layer)
        styles = [style for s in sources if (style := graph.affine(s)) is not None]
        if len(sources) == 2 and styles and all(s.value is None for s in sources):
            found.append((layer, styles[0]))
    return found


def _conv_tensors(graph: _Graph, features: Layer, part: str) -> Tensors:
    tensors: Tensors = {}
    if part == "conv0":
        conv = graph.next(features, "Convolution")
        tensors["weight"] = graph.constant(conv)
    elif part == "to_img":
        conv = graph.next(features, "Convolution")
        bias_add = graph.next(conv, "Add")
        pointwise = graph.constant(conv)
        return {"pointwise": pointwise, "bias": graph.constant(bias_add).reshape(-1)}
    else:
        depthwise = graph.next(features, "GroupConvolution")
        conv = graph.next(depthwise, "Convolution")
        kernel = graph.constant(depthwise)  # [C, 1, 1, 3, 3]
        tensors["depthwise"] = kernel.reshape(kernel.shape[0], 1, 3, 3)
        tensors["pointwise"] = graph.constant(conv)
    noise_add = graph.next(conv, "Add")
    bias_add = graph.next(noise_add, "Add")
    tensors["noise"] = graph.constant(noise_add)
    tensors["bias"] = graph.constant(bias_add).reshape(-1)
    return tensors
