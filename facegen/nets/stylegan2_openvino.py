"""StyleGAN2 as an OpenVINO graph laid out for speed.

- Features are scaled by the style before and by the demodulation after a convolution with constant
  weights, so that these are packed once.
- Gains are folded: the one of the leaky ReLU into demodulation, noise and bias, the scale to
  0...255 into the last sum.
- What follows a convolution (demodulation, bias, noise, leaky ReLU, clamp, the next style) is
  done while its result is still in registers; OpenVINO does that with a chain like this one.
- Up-sampling stays a transposed convolution and a filter. As one polyphase convolution it needs
  four times the products, as four phases of a 2x2 window 1.8 times: slower
  (docs/notes/performance.md).
- float32 is asked for by name, see `mobilestylegan_openvino`.
"""

from __future__ import annotations

import math

import numpy as np
import openvino as ov
import openvino.opset13 as op
import torch
from openvino import Model, Node

from facegen.nets.openvino_ops import as_bytes, const, conv, per_channel
from facegen.nets.stylegan2 import (
    DEMOD_EPS,
    LRELU_GAIN,
    LRELU_SLOPE,
    Affine,
    StyleGAN2Synthesis,
    SynthesisBlock,
    SynthesisLayer,
    ToRGB,
    fir_kernel,
)

UP_GAIN = 4.0  # makes up for the zeros that up-sampling puts between samples
# Doubling a size with the filter [1, 3, 3, 1]: weight of each neighbour for the even and the odd
# pixel of an axis.
PHASES = np.array([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]], np.float32)


def stylegan2_graph(net: StyleGAN2Synthesis, *, size_px: int) -> Model:
    """w_plus [1, num_ws, w_dim] -> RGB bytes [1, size_px, size_px, 3].

    Args:
        net: The network.
        size_px: Draws the picture that the blocks up to this resolution make.
    """
    graph = Builder(net)
    x: Node | None = None
    img: Node | None = None
    row = 0
    for block in net.blocks():
        x = graph.features(block, x, row)
        row += block.num_conv
        img = add_rgb(img, graph.rgb(block.torgb, x, row))
        if block.resolution == size_px:
            break
    return ov.Model([as_bytes(op.multiply(img, const(127.5)))], [graph.w_plus], f"to_{size_px}")


def add_rgb(img: Node | None, rgb: Node) -> Node:
    """What a block adds to the picture so far, which has half its size."""
    return rgb if img is None else op.add(_doubled(img), rgb)


class Builder:
    """Adds the network's layers to a graph with one input, w_plus."""

    def __init__(self, net: StyleGAN2Synthesis) -> None:
        self.w_dim = net.w_dim
        self.w_plus = op.parameter([1, net.num_ws, net.w_dim], np.float32, name="w_plus")

    def features(self, block: SynthesisBlock, x: Node | None, row: int) -> Node:
        """Features after a block, from those before it (None at 4 px)."""
        if x is None:
            return self._layer(block.conv1, const(_array(block.const)[None]), row)
        return self._layer(block.conv1, self._layer(block.conv0, x, row), row + 1)

    def rgb(self, layer: ToRGB, x: Node, row: int) -> Node:
        """What a block adds to the picture."""
        kernel = _array(layer.weight) / math.sqrt(layer.weight.shape[1])
        x = conv(op.multiply(x, per_channel(self._style(layer.affine, row))), kernel, pad=0)
        return _clamped(op.add(x, _column(layer.bias)), layer.conv_clamp)

    def _layer(self, layer: SynthesisLayer, x: Node, row: int) -> Node:
        style = self._style(layer.affine, row)
        kernel = _array(layer.weight)
        x = op.multiply(x, per_channel(style))
        x = _convolved_up(x, kernel) if layer.up else conv(x, kernel, pad=1)
        power = const(np.square(kernel).sum(axis=(2, 3)))  # [O, I]
        power = op.matmul(op.multiply(style, style), power, False, True)
        demodulation = op.divide(const(LRELU_GAIN), op.sqrt(op.add(power, const(DEMOD_EPS))))
        x = op.multiply(x, per_channel(demodulation))
        x = op.add(x, _column(LRELU_GAIN * layer.bias))
        x = op.add(x, self.noise(layer))
        return _clamped(op.prelu(x, const([LRELU_SLOPE])), layer.conv_clamp)

    def noise(self, layer: SynthesisLayer) -> Node:
        """The constant noise of a layer, [1, 1, S, S]."""
        return const(self.noise_of(layer))

    @staticmethod
    def noise_of(layer: SynthesisLayer) -> np.ndarray:
        """The same as an array, float32."""
        return LRELU_GAIN * _array(layer.noise_const * layer.noise_strength)[None, None]

    def _style(self, affine: Affine, row: int) -> Node:
        """Style of one row of w_plus, [1, C]."""
        w = op.gather(self.w_plus, op.constant(np.array([row])), op.constant(1))
        w = op.reshape(w, op.constant(np.array([1, self.w_dim])), False)
        weight = const(_array(affine.weight) / math.sqrt(self.w_dim))
        return op.add(op.matmul(w, weight, False, True), const(_array(affine.bias)[None]))


def _convolved_up(x: Node, kernel: np.ndarray) -> Node:
    """Transposed 3x3 convolution of stride 2, then the low-pass filter."""
    ones, zeros, pads = [1, 1], [0, 0], [1, 1]
    x = op.convolution_backprop_data(
        x, const(kernel.transpose(1, 0, 2, 3)), [2, 2],
        pads_begin=zeros, pads_end=zeros, dilations=ones,
    )  # fmt: skip
    fir = UP_GAIN * fir_kernel().numpy()
    fir = np.broadcast_to(fir, (kernel.shape[0], 1, 1, *fir.shape))
    return op.group_convolution(x, const(fir), ones, pads, pads, ones)


def _doubled(img: Node) -> Node:
    """A picture at twice its size: the four phases side by side, then moved to space."""
    phases = np.einsum("ap,bq->abpq", PHASES, PHASES).reshape(4, 1, 3, 3)
    kernel = np.broadcast_to(phases, (3, *phases.shape))  # one group for each colour
    ones, pads = [1, 1], [1, 1]
    img = op.group_convolution(img, const(kernel), ones, pads, pads, ones)
    return op.depth_to_space(img, "depth_first", 2)


def _clamped(x: Node, limit: float | None) -> Node:
    return x if limit is None else op.clamp(x, -limit, limit)


def _column(bias: torch.Tensor) -> Node:
    return const(_array(bias)[None, :, None, None])


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
