"""Generators of rosinality's stylegan2-pytorch, given NVIDIA's names.

The same network with other names and one other convention: convolution weights are stored before
the factor 1 / sqrt(inputs x 9) that its forward applies. The factor is folded in here, so that
the small constant in the demodulation stays where that code has it. Its up-convolutions run the
transposed convolution of the stored weight, as NVIDIA's PyTorch code does: nothing is flipped.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from facegen.formats.checkpoint import Facts, Found, NotThisNetwork, Tensors, arrays_below

MARKER = "conv1.conv.modulation.weight"
NOISE_SEED = 0
UP_GAIN = 4.0  # its kernels carry the gain of doubling the size


def find(content: Any) -> Found | None:
    """The generator in `content`, or None if it holds none of this make.

    Raises:
        NotThisNetwork: it holds one that cannot be run here.
    """
    if not isinstance(content, dict):
        return None
    state = arrays_below(content, MARKER)
    if "input.input" not in state:
        return None
    tensors: Tensors = {}
    for key, value in state.items():
        name, tensor = _renamed(key, value)
        if name is not None and tensor is not None:
            tensors[name] = tensor
    notes = ["the learning-rate multiplier is rosinality's usual 0.01"]
    if not any(key.startswith("noises.") for key in state):
        _add_noise(tensors)
        notes.append("the fixed noise is drawn anew; the file had none")
    return Found(tensors, Facts(), "a checkpoint of rosinality's stylegan2-pytorch", tuple(notes))


def _renamed(key: str, value: np.ndarray) -> tuple[str | None, np.ndarray | None]:
    """NVIDIA's name and form of a tensor; (None, None) for a filter, once checked."""
    if match := re.fullmatch(r"style\.(\d+)\.(weight|bias)", key):
        return f"mapping.fc{int(match[1]) - 1}.{match[2]}", value
    if key == "input.input":
        return "synthesis.b4.const", _squeezed(value, 4)
    if match := re.fullmatch(r"noises\.noise_(\d{1,3})", key):
        return f"{_layer(int(match[1]))}.noise_const", value.reshape(value.shape[-2:])
    match = re.fullmatch(r"(conv1|to_rgb1|convs\.\d{1,3}|to_rgbs\.\d{1,3})\.(.+)", key)
    if not match:
        return f"synthesis.{key}", value  # unknown: refused by name later
    if match[2] in ("conv.blur.kernel", "upsample.kernel"):
        _check_kernel(value)
        return None, None
    return _of_layer(_place(match[1]), match[2], value)


def _of_layer(place: str, part: str, value: np.ndarray) -> tuple[str, np.ndarray]:
    if part == "conv.weight":
        weight = _squeezed(value, 5)
        if place.endswith("torgb"):
            return f"{place}.weight", weight
        scale = 1 / math.sqrt(max(1, math.prod(weight.shape[1:])))
        return f"{place}.weight", weight.astype(np.float32) * np.float32(scale)
    if part.startswith("conv.modulation."):
        return f"{place}.affine.{part.removeprefix('conv.modulation.')}", value
    if part == "noise.weight" and value.size == 1:
        return f"{place}.noise_strength", value.reshape(())
    if part in ("activate.bias", "bias"):
        return f"{place}.bias", value.reshape(-1)
    return f"{place}.{part}", value


def _place(module: str) -> str:
    """'convs.3' -> 'synthesis.b16.conv1'."""
    kind, _, number = module.partition(".")
    if kind in ("conv1", "to_rgb1"):
        return "synthesis.b4.conv1" if kind == "conv1" else "synthesis.b4.torgb"
    if kind == "convs":
        return _layer(int(number) + 1)
    return f"synthesis.b{8 << int(number)}.torgb"


def _layer(index: int) -> str:
    """The convolution at this place in the order of execution."""
    if index == 0:
        return "synthesis.b4.conv1"
    return f"synthesis.b{4 << ((index + 1) // 2)}.conv{(index - 1) % 2}"


def _squeezed(value: np.ndarray, ndim: int) -> np.ndarray:
    if value.ndim != ndim or value.shape[0] != 1:
        raise NotThisNetwork(f"a tensor should have the shape (1, …), got {value.shape}")
    return value[0]


def _check_kernel(value: np.ndarray) -> None:
    taps = np.array([1.0, 3.0, 3.0, 1.0])
    kernel = np.outer(taps, taps) / taps.sum() ** 2 * UP_GAIN
    if value.shape != kernel.shape or not np.allclose(value, kernel, atol=1e-2):
        raise NotThisNetwork("its up-sampling filter is not [1, 3, 3, 1]")


def _add_noise(tensors: Tensors) -> None:
    rng = np.random.RandomState(NOISE_SEED)
    for index in range(17):
        name = _layer(index)
        if f"{name}.weight" in tensors:
            edge = int(name.split(".")[1][1:])
            tensors[f"{name}.noise_const"] = rng.randn(edge, edge).astype(np.float32)
