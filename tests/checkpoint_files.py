"""Checkpoints as the published programs write them, around given weights.

The pickles are written by Python's own pickler from stand-in classes under the names that NVIDIA's
and rosinality's code uses, with the attributes that their modules have.
"""

from __future__ import annotations

import io
import pickle
import sys
import types
from collections import OrderedDict
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

GOLDEN = Path(__file__).parent / "data" / "golden"


class Call:
    """Pickles as a call of any function."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def golden(name: str = "stylegan2_res64") -> tuple[dict, dict]:
    """(official weights by official name, the other arrays of the file), as tensors."""
    with np.load(GOLDEN / f"{name}.npz", allow_pickle=False) as file:
        data = {key: torch.from_numpy(np.array(file[key])) for key in file.files}
    state = {k.removeprefix("state/"): v for k, v in data.items() if k.startswith("state/")}
    return state, {k: v for k, v in data.items() if not k.startswith("state/")}


@contextmanager
def nvidia_modules():
    """`torch_utils.persistence`, `dnnlib.util` and `dnnlib.tflib.network` as stand-ins."""

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("the source in the file must never run")

    class EasyDict(dict):
        pass

    class Network:
        def __init__(self, state):
            self.state = state

        def __getstate__(self):
            return self.state

    names = {
        "torch_utils.persistence": {"_reconstruct_persistent_obj": _reconstruct_persistent_obj},
        "dnnlib.util": {"EasyDict": EasyDict},
        "dnnlib.tflib.network": {"Network": Network},
    }
    with pytest.MonkeyPatch.context() as patch:
        for path, members in names.items():
            parts = path.split(".")
            for i in range(1, len(parts) + 1):
                full = ".".join(parts[:i])
                if full not in sys.modules:
                    patch.setitem(sys.modules, full, types.ModuleType(full))
            for name, value in members.items():
                value.__module__, value.__qualname__ = path, name
                setattr(sys.modules[path], name, value)
        yield types.SimpleNamespace(
            rebuild=_reconstruct_persistent_obj, EasyDict=EasyDict, Network=Network
        )


def nvidia_pickle(
    state: dict,
    *,
    key: str = "G_ema",
    protocol: int = 4,
    c_dim: int = 0,
    architecture: str = "skip",
    activation: str = "lrelu",
    num_fp16_res: int = 2,
    conv_clamp: float | None = 256,
    lr_multiplier: float = 0.01,
) -> bytes:
    """A network snapshot of stylegan2-ada-pytorch or stylegan3 around official weights."""
    with nvidia_modules() as names:
        tree: dict = {}
        for path, tensor in state.items():
            node = tree
            *modules, leaf = path.split(".")
            for module in modules:
                node = node.setdefault(module, {})
            node[leaf] = tensor
        resolutions = [int(b[1:]) for b in tree.get("synthesis", {}) if b.startswith("b")]
        top = max(resolutions, default=0)

        def attributes(path: str, node: dict) -> dict:
            """What the published constructors set on self."""
            last = path.split(".")[-1]
            found: dict = {}
            if last.startswith("fc") or last in ("affine", "embed"):
                inputs = node["weight"].shape[1]
                gain = lr_multiplier if last.startswith("fc") else 1
                found = {
                    "in_features": inputs, "activation": activation if gain != 1 else "linear",
                    "weight_gain": gain / np.sqrt(inputs), "bias_gain": gain,
                }  # fmt: skip
            elif last in ("conv0", "conv1"):
                found = {
                    "resolution": int(path.split(".")[1][1:]), "up": 2 if last == "conv0" else 1,
                    "use_noise": "noise_const" in node, "activation": activation,
                    "conv_clamp": conv_clamp, "padding": 1, "act_gain": np.sqrt(2),
                }  # fmt: skip
            elif last == "torgb":
                found = {
                    "conv_clamp": conv_clamp,
                    "weight_gain": 1 / np.sqrt(node["weight"].shape[1]),
                }
            elif last.startswith("b") and last[1:].isdigit():
                resolution = int(last[1:])
                found = {
                    "resolution": resolution, "architecture": architecture,
                    "use_fp16": resolution >= max(2 * top // 2**num_fp16_res, 8),
                    "is_last": resolution == top, "num_conv": 2 if "conv0" in node else 1,
                }  # fmt: skip
            elif path == "":
                found = {
                    "z_dim": 64, "c_dim": c_dim, "img_resolution": top, "img_channels": 3,
                    "_init_args": (),
                    "_init_kwargs": names.EasyDict(
                        c_dim=c_dim, mapping_kwargs=names.EasyDict(num_layers=8),
                        synthesis_kwargs=names.EasyDict(num_fp16_res=num_fp16_res),
                    ),
                }  # fmt: skip
            return found

        def module(path: str, node: dict) -> Call:
            is_buffer = ("resample_filter", "noise_const", "w_avg", "freqs")
            tensors = {k: v for k, v in node.items() if not isinstance(v, dict)}
            children = {k: v for k, v in node.items() if isinstance(v, dict)}
            inside = {
                "training": False,
                "_parameters": OrderedDict(
                    (k, nn.Parameter(v, requires_grad=False))
                    for k, v in tensors.items() if k not in is_buffer
                ),
                "_buffers": OrderedDict((k, v) for k, v in tensors.items() if k in is_buffer),
                "_non_persistent_buffers_set": set(),
                "_backward_hooks": OrderedDict(),
                "_forward_hooks": OrderedDict(),
                "_modules": OrderedDict(
                    (k, module(f"{path}.{k}".strip("."), v)) for k, v in children.items()
                ),
                **attributes(path, node),
            }  # fmt: skip
            meta = {
                "type": "class", "version": 6, "class_name": "Generator" if not path else "Module",
                "module_src": "import os; os.system('touch attacked')", "state": inside,
            }  # fmt: skip
            return Call(names.rebuild, meta)

        snapshot = {
            "training_set_kwargs": names.EasyDict(path="faces.zip", resolution=top),
            key: module("", tree),
            "augment_pipe": None,
        }
        return pickle.dumps(snapshot, protocol)


def tensorflow_pickle(state: dict, *, protocol: int = 4, **arguments) -> bytes:
    """A (G, D, Gs) pickle of NVIDIA's TensorFlow code around official PyTorch weights."""
    mapping, synthesis = [], []
    for name, tensor in state.items():
        value = tensor.numpy()
        parts = name.split(".")
        if name.startswith("mapping.fc"):
            mapping.append((f"Dense{parts[1][2:]}/{parts[2]}", np.ascontiguousarray(value.T)))
        elif name.endswith("noise_const"):
            resolution = int(parts[1][1:])
            index = 2 * int(np.log2(resolution)) - (5 if parts[2] == "conv0" else 4)
            synthesis.append((f"noise{max(index, 0)}", value[None, None]))
        elif name == "synthesis.b4.const":
            synthesis.append(("4x4/Const/const", value[None]))
        elif name.startswith("synthesis.") and not name.endswith("resample_filter"):
            edge = parts[1][1:]
            layer = {"conv0": "Conv0_up", "conv1": "Conv" if edge == "4" else "Conv1",
                     "torgb": "ToRGB"}[parts[2]]  # fmt: skip
            leaf = ".".join(parts[3:])
            if leaf == "weight":
                value = value.transpose(2, 3, 1, 0)
                value = value[::-1, ::-1] if layer == "Conv0_up" else value
            elif leaf == "affine.weight":
                leaf, value = "mod_weight", value.T
            elif leaf == "affine.bias":
                leaf, value = "mod_bias", value - 1
            elif leaf == "noise_strength":
                value = np.float32(value)
            if isinstance(value, np.ndarray):
                value = np.ascontiguousarray(value)
            synthesis.append((f"{edge}x{edge}/{layer}/{leaf}", value))
    with nvidia_modules() as names:

        def network(variables, components, **static):
            return names.Network({
                "version": 4, "name": "G", "static_kwargs": names.EasyDict(static),
                "components": names.EasyDict(components), "build_module_src": "import os",
                "build_func_name": "G_main", "variables": variables,
            })  # fmt: skip

        parts = {"mapping": network(mapping, {}), "synthesis": network(synthesis, {})}
        top = [("lod", np.float32(0)), ("dlatent_avg", state["mapping.w_avg"].numpy())]
        average = network(top, parts, **{"num_channels": 3, "label_size": 0, **arguments})
        return pickle.dumps((network([], {}), network([], {}), average), protocol)


def torch_file(content, *, zipped: bool = True) -> bytes:
    """What `torch.save` writes, in either of its formats."""
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def typed_storage(tensor):
    """A tensor's numbers, which pickle as those of a tensor in NVIDIA's files do."""
    return torch.storage.TypedStorage(
        wrap_storage=tensor.untyped_storage(), dtype=tensor.dtype, _internal=True
    )


class RosinalityGenerator:
    """A small generator in the convention of rosinality's stylegan2-pytorch, written apart.

    Per-sample weights and a grouped convolution; the scale 1 / sqrt(fan in) is applied in the
    forward; the blur after the transposed convolution is a true convolution with the stored kernel.
    """

    def __init__(self, *, resolution=32, w_dim=24, layers=3, seed=0):
        rng = torch.Generator().manual_seed(seed)
        self.layers = layers
        self.log2 = resolution.bit_length() - 1
        channels = {2**i: max(8, 64 >> i) * 2 for i in range(2, self.log2 + 1)}
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        kernel = taps[:, None] * taps[None] / 64 * 4

        def draw(*shape):
            return torch.randn(shape, generator=rng)

        def conv(name, inputs, outputs, up=False):
            s[f"{name}.conv.weight"] = draw(1, outputs, inputs, 3, 3)
            s[f"{name}.conv.modulation.weight"] = draw(inputs, w_dim)
            s[f"{name}.conv.modulation.bias"] = 1 + 0.1 * draw(inputs)
            s[f"{name}.noise.weight"] = 0.2 * draw(1)
            s[f"{name}.activate.bias"] = 0.2 * draw(outputs)
            if up:
                s[f"{name}.conv.blur.kernel"] = kernel

        def to_rgb(name, inputs, up=True):
            s[f"{name}.conv.weight"] = draw(1, 3, inputs, 1, 1)
            s[f"{name}.conv.modulation.weight"] = draw(inputs, w_dim)
            s[f"{name}.conv.modulation.bias"] = 1 + 0.1 * draw(inputs)
            s[f"{name}.bias"] = 0.1 * draw(1, 3, 1, 1)
            if up:
                s[f"{name}.upsample.kernel"] = kernel

        self.state = s = {}
        for i in range(layers):
            s[f"style.{i + 1}.weight"] = draw(w_dim, w_dim) / 0.01
            s[f"style.{i + 1}.bias"] = 5 * draw(w_dim)
        s["input.input"] = draw(1, channels[4], 4, 4)
        conv("conv1", channels[4], channels[4])
        to_rgb("to_rgb1", channels[4], up=False)
        s["noises.noise_0"] = draw(1, 1, 4, 4)
        for i in range(3, self.log2 + 1):
            before, here = channels[2 ** (i - 1)], channels[2**i]
            conv(f"convs.{2 * (i - 3)}", before, here, up=True)
            conv(f"convs.{2 * (i - 3) + 1}", here, here)
            to_rgb(f"to_rgbs.{i - 3}", here)
            for j in (2 * i - 5, 2 * i - 4):
                s[f"noises.noise_{j}"] = draw(1, 1, 2**i, 2**i)

    def mapping(self, z):
        s = self.state
        w = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
        for i in range(1, self.layers + 1):
            weight = s[f"style.{i}.weight"] * 0.01 / w.shape[1] ** 0.5
            w = F.leaky_relu(w @ weight.T + s[f"style.{i}.bias"] * 0.01, 0.2) * 2**0.5
        return w

    def picture(self, w_plus):
        s = self.state
        x = s["input.input"].repeat(len(w_plus), 1, 1, 1)
        x = self._conv("conv1", x, w_plus[:, 0], 0)
        img = self._to_rgb("to_rgb1", x, w_plus[:, 1])
        row = 1
        for i in range(3, self.log2 + 1):
            k = i - 3
            x = self._conv(f"convs.{2 * k}", x, w_plus[:, row], 2 * k + 1)
            x = self._conv(f"convs.{2 * k + 1}", x, w_plus[:, row + 1], 2 * k + 2)
            img = self._filtered(self._spread(img), s[f"to_rgbs.{k}.upsample.kernel"], (2, 1))
            img = img + self._to_rgb(f"to_rgbs.{k}", x, w_plus[:, row + 2])
            row += 2
        return img

    def _weights(self, name, w, demodulate):
        s = self.state
        gain = w.shape[1] ** -0.5
        style = w @ (s[f"{name}.conv.modulation.weight"] * gain).T
        style = style + s[f"{name}.conv.modulation.bias"]
        weight = s[f"{name}.conv.weight"]
        weight = weight * weight[0, 0].numel() ** -0.5 * style[:, None, :, None, None]
        if demodulate:
            weight = weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
        return weight

    def _conv(self, name, x, w, noise):
        weights, out = self._weights(name, w, True), []
        for sample, weight in zip(x, weights, strict=True):
            if f"{name}.conv.blur.kernel" in self.state:
                y = F.conv_transpose2d(sample[None], weight.transpose(0, 1), stride=2)
                y = self._filtered(y, self.state[f"{name}.conv.blur.kernel"], (1, 1))
            else:
                y = F.conv2d(sample[None], weight, padding=1)
            out.append(y)
        y = (
            torch.cat(out)
            + self.state[f"{name}.noise.weight"] * self.state[f"noises.noise_{noise}"]
        )
        return F.leaky_relu(y + self.state[f"{name}.activate.bias"][:, None, None], 0.2) * 2**0.5

    def _to_rgb(self, name, x, w):
        weights = self._weights(name, w, False)
        y = [F.conv2d(a[None], weight) for a, weight in zip(x, weights, strict=True)]
        return torch.cat(y) + self.state[f"{name}.bias"]

    @staticmethod
    def _spread(x):
        out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
        out[:, :, ::2, ::2] = x
        return out

    @staticmethod
    def _filtered(x, kernel, pad):
        x = F.pad(x, (pad[0], pad[1], pad[0], pad[1]))
        weight = kernel.flip(0, 1)[None, None].repeat(x.shape[1], 1, 1, 1)
        return F.conv2d(x, weight, groups=x.shape[1])


def small_network(*, seed: int = 0) -> dict:
    """Random official weights of a 64 px network with latents of 512 numbers, 8 mapping layers."""
    state, _ = golden()
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=rng)

    wide = {}
    for key, value in state.items():
        if key.startswith("mapping.fc"):
            wide[key] = 100 * draw(512, 512) if key.endswith("weight") else 10 * draw(512)
        elif key.endswith("affine.weight"):
            wide[key] = draw(value.shape[0], 512)
        else:
            wide[key] = 0.1 * draw(512) if key == "mapping.w_avg" else value
    return wide
