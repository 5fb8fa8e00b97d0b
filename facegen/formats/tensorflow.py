"""StyleGAN2 generators of NVIDIA's TensorFlow pickles, given the names of its PyTorch code.

Such a file holds three networks (generator, discriminator, averaged generator), each with its
source code, which is not read, its arguments, and its variables as NumPy arrays. TensorFlow keeps
kernels as [height, width, in, out] and flips those of up-convolutions; style biases lack the 1.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from facegen.formats.checkpoint import DEFAULT_LR_MULTIPLIER, Facts, Found, NotThisNetwork, Tensors
from facegen.formats.pickle_records import Record

MAX_DEPTH = 4
LAYERS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb"}
PASSED_OVER = ("lod",)


def find(content: Any) -> Found | None:
    """The averaged generator in `content`, or None if it is no pickle of this make.

    Raises:
        NotThisNetwork: it holds one that cannot be run here.
    """
    network = content[-1] if isinstance(content, tuple | list) and content else content
    if not isinstance(network, Record) or network.class_name != "Network":
        return None
    variables = dict(_variables(network, "", MAX_DEPTH))
    if any("StyleMod" in name for name in variables):
        raise NotThisNetwork("it is a StyleGAN1 network; only StyleGAN2 networks are run here")
    if "synthesis/4x4/Const/const" not in variables:
        raise NotThisNetwork("its TensorFlow network is no StyleGAN2 generator")
    arguments = network.state.get("static_kwargs")
    facts = _facts(arguments if isinstance(arguments, dict) else {})
    tensors: Tensors = {}
    for name, value in variables.items():
        if name not in PASSED_OVER:
            key, tensor = _renamed(name, np.asarray(value))
            tensors[key] = tensor
    return Found(tensors, facts, "a pickle of NVIDIA's TensorFlow code")


def _variables(network: Record, prefix: str, depth: int) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    variables = network.state.get("variables")
    for item in variables if isinstance(variables, list) else []:
        if isinstance(item, tuple) and len(item) == 2:
            found.append((f"{prefix}{item[0]}", item[1]))
    components = network.state.get("components")
    if depth and isinstance(components, dict):
        for name, part in components.items():
            if isinstance(part, Record):
                found += _variables(part, f"{prefix}{name}/", depth - 1)
    return found


def _facts(arguments: dict[str, Any]) -> Facts:
    if arguments.get("label_size"):
        raise NotThisNetwork("it is conditional (it wants class labels), which is not supported")
    if arguments.get("architecture", "skip") != "skip":
        raise NotThisNetwork("its architecture is not 'skip', the only one run here")
    if arguments.get("nonlinearity", "lrelu") != "lrelu":
        raise NotThisNetwork("its activation is not 'lrelu', the only one run here")
    if list(arguments.get("resample_kernel") or [1, 3, 3, 1]) != [1, 3, 3, 1]:
        raise NotThisNetwork("its up-sampling filter is not [1, 3, 3, 1]")
    clamp = arguments.get("conv_clamp")
    return Facts(
        float(arguments.get("mapping_lrmul", DEFAULT_LR_MULTIPLIER)),
        int(arguments.get("num_fp16_res") or 0),
        None if clamp is None else float(clamp),
    )


def _renamed(name: str, value: np.ndarray) -> tuple[str, np.ndarray]:
    """NVIDIA's PyTorch name and form of a variable; an unknown one keeps its name."""
    if name == "dlatent_avg":
        return "w_avg", value
    if match := re.fullmatch(r"mapping/Dense(\d+)/(weight|bias)", name):
        return f"mapping.fc{match[1]}.{match[2]}", value.T
    if name.startswith("mapping/LabelEmbed/"):
        return f"mapping.embed.{name.rpartition('/')[2]}", value.T
    if match := re.fullmatch(r"synthesis/noise(\d{1,2})", name):
        index = int(match[1])
        layer = f"b{4 << ((index + 1) // 2)}.conv{(index - 1) % 2 if index else 1}"
        return f"synthesis.{layer}.noise_const", value.reshape(value.shape[-2:])
    if name == "synthesis/4x4/Const/const":
        return "synthesis.b4.const", value.reshape(value.shape[-3:])
    match = re.fullmatch(r"synthesis/(\d+)x\1/(\w+)/(\w+)", name)
    if not match or match[2] not in LAYERS:
        skip = re.fullmatch(r"synthesis/(\d+)x\1/Skip/weight", name)
        return (f"synthesis.b{skip[1]}.skip.weight" if skip else name), value
    layer = f"synthesis.b{match[1]}.{LAYERS[match[2]]}"
    if match[3] == "weight":
        if value.ndim != 4:
            raise NotThisNetwork(f"{name} should have 4 axes, got {value.ndim}")
        kernel = value[::-1, ::-1] if match[2] == "Conv0_up" else value
        return f"{layer}.weight", kernel.transpose(3, 2, 0, 1)
    if match[3] == "mod_weight":
        return f"{layer}.affine.weight", value.T
    if match[3] == "mod_bias":
        return f"{layer}.affine.bias", value + 1
    return f"{layer}.{match[3]}", value
