"""Parts of OpenVINO graphs that the architectures share."""

from __future__ import annotations

import numpy as np
import openvino.opset13 as op
from openvino import Node


def as_bytes(x: Node, *, mode: str | None = None) -> Node:
    """Channels in [-127.5, 127.5] -> bytes, to space unless mode is None, channels last."""
    x = op.round(op.add(x, const(127.5)), "half_to_even")
    x = op.convert(op.clamp(x, 0.0, 255.0), "u8")
    if mode is not None:
        x = op.depth_to_space(x, mode, 2)
    return op.transpose(x, op.constant(np.array([0, 2, 3, 1])))


def per_channel(x: Node) -> Node:
    """[1, C] -> [1, C, 1, 1]."""
    return op.reshape(x, op.constant(np.array([1, -1, 1, 1])), False)


def conv(x: Node, kernel: np.ndarray, *, pad: int) -> Node:
    """Plain convolution with constant weights [O, I, K, K], padded on all sides."""
    ones, pads = [1, 1], [pad, pad]
    return op.convolution(x, const(kernel), ones, pads, pads, ones)


def best_label(x: Node) -> Node:
    """Scores [1, K, H, W] -> the place of the largest, bytes [1, H, W]."""
    best = op.topk(x, op.constant(1), 1, "max", "none", "i32").output(1)
    return op.convert(op.squeeze(best, op.constant([1])), "u8")


def const(values: object) -> Node:
    """A float32 constant."""
    return op.constant(np.ascontiguousarray(values, dtype=np.float32))
