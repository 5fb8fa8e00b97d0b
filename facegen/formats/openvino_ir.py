"""Reads OpenVINO IR (version 10 and 11) as data: layers, edges and constants, without OpenVINO."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

import numpy as np

from facegen.errors import BadFileError

DTYPES = {"f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4", "u8": "u1"}
MAX_XML_BYTES = 8 << 20


@dataclass
class Layer:
    """One node of the graph; `inputs` are ids of the layers that feed its ports, in order."""

    id: str
    type: str
    name: str
    attributes: dict[str, str]
    inputs: list[str] = field(default_factory=list)
    value: np.ndarray | None = None


def read_ir(xml: bytes, weights: bytes, *, name: str) -> dict[str, Layer]:
    """Read a graph in file order, which the format keeps topological.

    Args:
        xml: Content of the .xml file.
        weights: Content of the .bin file.
        name: File name for errors.

    Returns:
        Layer by id; constants carry their value.

    Raises:
        BadFileError: not an IR, or a constant lies outside `weights`.
    """
    if len(xml) > MAX_XML_BYTES or re.search(rb"<!(DOCTYPE|ENTITY)", xml):
        raise BadFileError(f"{name} is not a plain OpenVINO graph; fetch the model again.")
    try:
        root = ET.fromstring(xml)
        layers = {}
        for node in root.findall("layers/layer"):
            data = node.find("data")
            layer = Layer(
                id=node.attrib["id"],
                type=node.attrib["type"],
                name=node.attrib["name"],
                attributes={} if data is None else dict(data.attrib),
            )
            if layer.type == "Const":
                layer.value = _read_constant(layer.attributes, weights)
            layers[layer.id] = layer
        edges = [
            (e.attrib["to-layer"], int(e.attrib["to-port"]), e.attrib["from-layer"])
            for e in root.findall("edges/edge")
        ]
        for target, _, source in sorted(edges, key=lambda edge: edge[1]):
            layers[target].inputs.append(layers[source].id)
    except (ET.ParseError, KeyError, ValueError) as err:
        raise BadFileError(f"{name} is not a readable OpenVINO graph ({err}).") from err
    return layers


def _read_constant(attributes: dict[str, str], weights: bytes) -> np.ndarray:
    dtype = np.dtype(DTYPES[attributes["element_type"]])
    shape = [int(n) for n in attributes["shape"].split(",") if n.strip()]
    offset, size = int(attributes["offset"]), int(attributes["size"])
    if math.prod(shape) * dtype.itemsize != size or not 0 <= offset <= len(weights) - size:
        raise ValueError(f"a constant of {size} bytes at {offset} does not fit the weights")
    return np.frombuffer(weights, dtype, math.prod(shape), offset).reshape(shape)
