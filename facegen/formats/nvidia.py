"""NVIDIA's PyTorch generators: persistent objects of stylegan2-ada-pytorch and stylegan3, as data.

A persistent object brings its own source code; it is not read. Its attributes, arguments and
tensors say all that is needed. Plain state dicts with the same names are understood too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from facegen.formats.checkpoint import (
    DEFAULT_LR_MULTIPLIER,
    Facts,
    Found,
    NotThisNetwork,
    Tensors,
    arrays_below,
)
from facegen.formats.pickle_records import Record

MARKERS = ("synthesis.b4.const", "synthesis.b4.conv1.weight", "synthesis.input.freqs")
USUAL_CLAMP = 256.0
USUAL_FP16_RES = 4


def find(content: Any) -> Found | None:
    """The generator in `content`, or None if it holds none of this make.

    Raises:
        NotThisNetwork: it holds one that cannot be run here.
    """
    if isinstance(content, Record):
        return _from_record(content) if content.class_name != "Network" else None
    if not isinstance(content, dict):
        return None
    for marker in MARKERS:
        if tensors := arrays_below(content, marker):
            if "mapping.w_avg" in tensors:
                tensors["w_avg"] = tensors.pop("mapping.w_avg")
            facts = Facts(DEFAULT_LR_MULTIPLIER, USUAL_FP16_RES, USUAL_CLAMP)
            note = "clamp and learning-rate multiplier are those NVIDIA trains with"
            return Found(tensors, facts, "a state dict with NVIDIA's names", (note,))
    return None


def _from_record(generator: Record) -> Found | None:
    objects = dict(_objects(generator, ""))
    tensors: Tensors = {}
    for path, item in objects.items():
        for group in ("_parameters", "_buffers"):
            for name, value in _dict(item.state.get(group)).items():
                if isinstance(value, np.ndarray):
                    tensors[f"{path}{name}"] = value
    if not any(marker in tensors for marker in MARKERS):
        return None
    labels = generator.state.get("c_dim", 0)
    if isinstance(labels, int) and labels > 0 and "mapping.embed.weight" not in tensors:
        raise NotThisNetwork(f"it is conditional ({labels} class labels), which is not supported")
    _check_attributes(objects)
    _without_noise(objects, tensors)
    if "mapping.w_avg" in tensors:
        tensors["w_avg"] = tensors.pop("mapping.w_avg")
    return Found(tensors, _facts(generator, objects), "a pickle of NVIDIA's PyTorch code")


def _objects(item: Record, path: str) -> Iterator[tuple[str, Record]]:
    """Every module below `item` by its path, which ends in a dot."""
    yield path, item
    for name, child in _dict(item.state.get("_modules")).items():
        if isinstance(child, Record):
            yield from _objects(child, f"{path}{name}.")


def _check_attributes(objects: dict[str, Record]) -> None:
    """Variants whose tensors look the same."""
    for item in objects.values():
        architecture = item.state.get("architecture", "skip")
        if architecture != "skip":
            raise NotThisNetwork(
                f"its architecture is '{str(architecture)[:20]}', and only 'skip' is run here"
            )
        activation = item.state.get("activation", "lrelu")
        if activation not in ("lrelu", "linear"):
            raise NotThisNetwork(
                f"its activation is '{str(activation)[:20]}', and only 'lrelu' is run here"
            )


def _without_noise(objects: dict[str, Record], tensors: Tensors) -> None:
    """A layer trained without noise is one whose noise has no strength."""
    for path, item in objects.items():
        resolution = item.state.get("resolution")
        if item.state.get("use_noise") is False and isinstance(resolution, int):
            if not 0 < resolution <= 1024:
                raise NotThisNetwork(f"its pictures have {resolution} px; 32 to 1024 px can be run")
            tensors.setdefault(f"{path}noise_const", np.zeros((resolution,) * 2, np.float32))
            tensors.setdefault(f"{path}noise_strength", np.zeros((), np.float32))


def _facts(generator: Record, objects: dict[str, Record]) -> Facts:
    """Attributes of the modules; the constructor's arguments where an attribute is not there."""
    arguments = _dict(generator.state.get("_init_kwargs"))
    arguments = {**arguments, **_dict(arguments.get("synthesis_kwargs"))}
    gain = _attribute(objects, "mapping.fc0.", "bias_gain")
    if gain is None:
        gain = _dict(arguments.get("mapping_kwargs")).get("lr_multiplier", DEFAULT_LR_MULTIPLIER)
    blocks = [item for path, item in objects.items() if path.startswith("synthesis.b")]
    halves = [item.state["use_fp16"] for item in blocks if "use_fp16" in item.state]
    num_fp16_res = (
        sum(bool(half) for half in halves) if halves else arguments.get("num_fp16_res", 0)
    )
    first = objects.get("synthesis.b4.conv1.", Record(""))
    clamp = first.state.get("conv_clamp", arguments.get("conv_clamp"))
    return Facts(
        _number(gain), int(_number(num_fp16_res)), None if clamp is None else _number(clamp)
    )


def _attribute(objects: dict[str, Record], path: str, name: str) -> Any:
    return objects[path].state.get(name) if path in objects else None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotThisNetwork(f"one of its settings is no number ({str(value)[:40]})")
    return float(value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
