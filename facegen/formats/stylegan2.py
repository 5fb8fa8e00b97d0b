"""StyleGAN2 checkpoints of any common make -> our tensors and sizes, or one sentence why not.

A file is read as data alone. Whoever wrote it, its tensors get NVIDIA's PyTorch names first; then
the sizes are read from their shapes and every tensor is checked against them: none missing, none
unknown, none of another shape, all numbers finite. The networks are those of Karras et al. 2020,
arXiv 1912.04958.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from facegen.errors import BadFileError, ModelError
from facegen.formats import nvidia, rosinality, tensorflow
from facegen.formats.checkpoint import Facts, Found, NotThisNetwork, Tensors
from facegen.formats.pickle_records import Record, printable
from facegen.formats.safe_pickle import read_pickle
from facegen.latents import W_AVG_SAMPLES, W_AVG_SEED
from facegen.nets.stylegan2_config import RESOLUTIONS, StyleGAN2Config

MAX_FILE_BYTES = 4 << 30
METADATA_KEY = "facegen"
MIN_BYTES_A_NUMBER = 2  # half precision
LRELU_SLOPE = 0.2
FIR_TAPS = np.array([1.0, 3.0, 3.0, 1.0], np.float32)
# Where programs keep the network among other things, the averaged weights first.
PLACES = (
    "G_ema", "g_ema", "params_ema", "ema", "Gs", "G", "g", "generator", "netG", "state_dict",
    "model", "params",
)  # fmt: skip

Reader = Callable[[Any], Found | None]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A StyleGAN2 generator out of a foreign file.

    Attributes:
        config: Its sizes.
        tensors: float32 by name: `mapping.fc<i>.weight` and `.bias` as published (gains of the
            training code not folded in), `synthesis.*` as `StyleGAN2Synthesis` names them, and
            `w_avg`, [w_dim].
        made_by: The kind of file, for people.
        notes: What the file left open and how it was filled in.
    """

    config: StyleGAN2Config
    tensors: Tensors
    made_by: str
    notes: tuple[str, ...] = ()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of NVIDIA's, rosinality's, or our own make.

    Raises:
        BadFileError: not a file, damaged, hostile, or not a StyleGAN2 generator that runs here.
    """
    name = path.name
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise BadFileError(f"{path} is not a file; name the checkpoint itself.")
        if size > MAX_FILE_BYTES:
            raise BadFileError(
                f"{name} has {size / 1e9:.1f} GB, more than any StyleGAN2 checkpoint; it is not "
                "opened."
            )
        with path.open("rb") as file:
            start = file.read(9)
        found = (
            _read_safetensors(path)
            if start[8:] == b"{"
            else _find(read_pickle(path.read_bytes(), name=name))
        )
        return _checked(found, size)
    except OSError as err:
        raise BadFileError(f"{path} cannot be read ({err.strerror or err}).") from err
    except RecursionError as err:
        raise BadFileError(f"{name} is not imported: it contains itself.") from err
    except NotThisNetwork as err:
        raise BadFileError(f"{name} is not imported: {printable(str(err))}.") from err


def write_checkpoint(checkpoint: Checkpoint, target: Path) -> None:
    """Write our safetensors; the same checkpoint gives the same bytes."""
    record = json.dumps(checkpoint.config.to_record(), sort_keys=True)
    save_file(dict(sorted(checkpoint.tensors.items())), target, metadata={METADATA_KEY: record})


def expected_shapes(config: StyleGAN2Config) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a network of these sizes, by name."""
    w_dim = config.w_dim
    shapes: dict[str, tuple[int, ...]] = {"w_avg": (w_dim,)}
    for i in range(config.mapping_layers):
        shapes[f"mapping.fc{i}.weight"] = (w_dim, w_dim if i else config.z_dim)
        shapes[f"mapping.fc{i}.bias"] = (w_dim,)
    before = 0
    for resolution, channels in config.channels.items():
        block = f"synthesis.b{resolution}"
        shapes[f"{block}.resample_filter"] = (4, 4)
        if before:
            shapes |= _conv_shapes(f"{block}.conv0", before, channels, w_dim, resolution)
        else:
            shapes[f"{block}.const"] = (channels, resolution, resolution)
        shapes |= _conv_shapes(f"{block}.conv1", channels, channels, w_dim, resolution)
        shapes[f"{block}.torgb.weight"] = (3, channels, 1, 1)
        shapes[f"{block}.torgb.bias"] = (3,)
        shapes |= _affine_shapes(f"{block}.torgb", channels, w_dim)
        before = channels
    return shapes


def effective_mapping(tensors: Mapping[str, np.ndarray], config: StyleGAN2Config) -> Tensors:
    """Mapping weights with the training code's gains folded in: `fc.<i>.weight`, `fc.<i>.bias`."""
    folded: Tensors = {}
    for i in range(config.mapping_layers):
        weight = tensors[f"mapping.fc{i}.weight"]
        gain = np.float32(config.lr_multiplier / math.sqrt(weight.shape[1]))
        folded[f"fc.{i}.weight"] = weight * gain
        folded[f"fc.{i}.bias"] = tensors[f"mapping.fc{i}.bias"] * np.float32(config.lr_multiplier)
    return folded


def _conv_shapes(
    name: str, before: int, channels: int, w_dim: int, resolution: int
) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.weight": (channels, before, 3, 3),
        f"{name}.bias": (channels,),
        f"{name}.noise_strength": (),
        f"{name}.noise_const": (resolution, resolution),
        f"{name}.resample_filter": (4, 4),
        **_affine_shapes(name, before, w_dim),
    }


def _affine_shapes(name: str, channels: int, w_dim: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.affine.weight": (channels, w_dim), f"{name}.affine.bias": (channels,)}


def _read_safetensors(path: Path) -> Found:
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, ValueError, KeyError, AttributeError) as err:
        raise BadFileError(
            f"{path.name} is cut off, damaged, or holds numbers of an unknown kind; fetch it again."
        ) from err
    found = _find(state)
    if METADATA_KEY not in metadata:
        return found
    try:
        config = StyleGAN2Config.from_json(metadata[METADATA_KEY])
    except ModelError as err:
        raise BadFileError(f"{path.name} has a damaged description; fetch it again.") from err
    facts = Facts(config.lr_multiplier, config.num_fp16_res, config.conv_clamp)
    return replace(found, facts=facts, made_by="facegen's safetensors", notes=())


def _find(content: Any) -> Found:
    """The generator in what a file holds."""
    readers: tuple[Reader, ...] = (nvidia.find, rosinality.find, tensorflow.find)
    places = [content]
    if isinstance(content, dict):
        places += [content[key] for key in PLACES if key in content]
    for place in places:
        for reader in readers:
            found = reader(place)
            if found is not None:
                average = content.get("latent_avg") if isinstance(content, dict) else None
                if "w_avg" not in found.tensors and isinstance(average, np.ndarray):
                    found.tensors["w_avg"] = average.reshape(-1, average.shape[-1])[0]
                return found
    raise NotThisNetwork(_what_else(places))


def _what_else(places: list[Any]) -> str:
    names = {str(key) for place in places if isinstance(place, dict) for key in place}
    text = " ".join(sorted(names)[:20_000])
    if re.search(r"StyleMod|style_mod|\badain|\.adain|progression\.|g_synthesis\.", text):
        return "it is a StyleGAN1 network; only StyleGAN2 networks are run here"
    if any(isinstance(place, Record) for place in places):
        return "its network is not built like a StyleGAN2 generator"
    if re.search(r"unet|diffusion|text_model|transformer|attn", text):
        return "it is another kind of network, not a StyleGAN2 generator"
    return (
        "no StyleGAN2 generator was found in it; files of NVIDIA's PyTorch code, rosinality's "
        "stylegan2-pytorch, and plain state dicts of either can be imported"
    )


def _checked(found: Found, file_bytes: int) -> Checkpoint:
    """Sizes out of the shapes; then every tensor against the sizes."""
    state = dict(found.tensors)
    _refuse_relatives(state)
    config = _config(state, found.facts)
    shapes = expected_shapes(config)
    if sum(math.prod(shape) for shape in shapes.values()) * MIN_BYTES_A_NUMBER > file_bytes:
        raise NotThisNetwork("it describes a network larger than the file")
    _fill_in(state, config)
    missing = sorted(shapes.keys() - state.keys() - {"w_avg"})
    if missing:
        raise NotThisNetwork(
            f"{len(missing)} of {len(shapes)} tensors are missing (such as {missing[0]}), so the "
            "file is incomplete"
        )
    unknown = sorted(state.keys() - shapes.keys())
    if unknown:
        raise NotThisNetwork(
            f"it has {len(unknown)} tensors that no StyleGAN2 generator has (such as "
            f"{unknown[0][:60]})"
        )
    tensors = {
        key: _tensor(key, state[key], shape) for key, shape in shapes.items() if key in state
    }
    for key in (k for k in tensors if k.endswith("resample_filter")):
        kernel = np.outer(FIR_TAPS, FIR_TAPS) / FIR_TAPS.sum() ** 2
        if not np.allclose(tensors[key], kernel, atol=1e-3):
            raise NotThisNetwork("its up-sampling filter is not [1, 3, 3, 1]")
        tensors[key] = kernel.astype(np.float32)  # exact where it was rounded
    notes = list(found.notes)
    if "w_avg" not in tensors:
        tensors["w_avg"] = _average_w(effective_mapping(tensors, config), config)
        notes.append("the average face is the mean of 10,000 draws; the file had none")
    return Checkpoint(config, tensors, found.made_by, tuple(notes))


def _refuse_relatives(state: Tensors) -> None:
    """Networks that resemble StyleGAN2's and are something else."""
    if any(key.startswith("synthesis.input.") for key in state):
        raise NotThisNetwork("it is a StyleGAN3 network; only StyleGAN2 networks are run here")
    if any(key.startswith("mapping.embed.") for key in state):
        labels = state.get("mapping.embed.weight", np.zeros((0, 0))).shape[-1]
        raise NotThisNetwork(
            f"it is conditional (it wants one of {labels} class labels with every z), which is "
            "not supported"
        )
    if any(re.fullmatch(r"synthesis\.b\d+\.skip\.weight", key) for key in state):
        raise NotThisNetwork("its architecture is 'resnet', and only 'skip' is run here")
    blocks = {match[1] for key in state if (match := re.match(r"synthesis\.b(\d+)\.", key))}
    heads = {b for b in blocks if f"synthesis.b{b}.torgb.weight" in state}
    if len(blocks) > 1 and len(heads) == 1:
        raise NotThisNetwork("its architecture is 'orig' (one RGB head), and only 'skip' is run")
    for block in sorted(heads):
        colours = state[f"synthesis.b{block}.torgb.weight"].shape[:1]
        if colours != (3,):
            raise NotThisNetwork(
                f"its pictures have {(*colours, 0)[0]} channels instead of RGB's 3"
            )


def _config(state: Tensors, facts: Facts) -> StyleGAN2Config:
    resolutions = sorted(
        int(match[1])
        for key in state
        if (match := re.fullmatch(r"synthesis\.b(\d{1,5})\.conv1\.weight", key))
    )
    layers = sum(bool(re.fullmatch(r"mapping\.fc\d+\.weight", key)) for key in state)
    if not resolutions or not layers:
        part = "synthesis" if not resolutions else "mapping"
        raise NotThisNetwork(f"its {part} network is missing, so the file is incomplete")
    if resolutions != [2**i for i in range(2, 2 + len(resolutions))]:
        raise NotThisNetwork("some resolutions are missing, so the file is incomplete")
    if resolutions[-1] not in RESOLUTIONS:
        raise NotThisNetwork(f"its pictures have {resolutions[-1]} px; 32 to 1024 px can be run")
    try:
        return StyleGAN2Config(
            z_dim=_edge(state, "mapping.fc0.weight", 1),
            w_dim=_edge(state, "synthesis.b4.conv1.affine.weight", 1),
            mapping_layers=layers,
            lr_multiplier=facts.lr_multiplier,
            img_resolution=resolutions[-1],
            channels={r: _edge(state, f"synthesis.b{r}.conv1.weight", 0) for r in resolutions},
            num_fp16_res=facts.num_fp16_res,
            conv_clamp=facts.conv_clamp,
        )
    except ModelError as err:
        raise NotThisNetwork(f"its sizes are impossible ({err})".replace(".)", ")")) from err


def _edge(state: Tensors, key: str, axis: int) -> int:
    if key not in state or state[key].ndim <= axis:
        raise NotThisNetwork(f"{key} is missing, so the file is incomplete")
    return int(state[key].shape[axis])


def _fill_in(state: Tensors, config: StyleGAN2Config) -> None:
    """Filters that a plain state dict may leave out."""
    kernel = np.outer(FIR_TAPS, FIR_TAPS) / FIR_TAPS.sum() ** 2
    for key in expected_shapes(config):
        if key.endswith("resample_filter"):
            state.setdefault(key, kernel)


def _tensor(key: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if value.shape != shape:
        raise NotThisNetwork(f"{key} should have the shape {shape}, got {value.shape}")
    if value.dtype.kind != "f":
        raise NotThisNetwork(f"{key} holds whole numbers instead of weights")
    with np.errstate(over="ignore"):
        tensor = np.array(value, np.float32, order="C")
    if not np.isfinite(tensor).all():
        raise NotThisNetwork(f"{key} holds NaN or infinite numbers")
    return tensor


def _average_w(mapping: Tensors, config: StyleGAN2Config) -> np.ndarray:
    """Mean of w over seed 123, in the manner of NVIDIA's tools, [w_dim]."""
    z = np.random.RandomState(W_AVG_SEED).randn(W_AVG_SAMPLES, config.z_dim).astype(np.float32)
    w = z / np.sqrt(np.square(z).mean(axis=1, keepdims=True) + np.float32(1e-8))
    for i in range(config.mapping_layers):
        w = w @ mapping[f"fc.{i}.weight"].T + mapping[f"fc.{i}.bias"]
        w = np.where(w < 0, w * np.float32(LRELU_SLOPE), w) * np.float32(math.sqrt(2))
    return w.mean(axis=0, dtype=np.float64).astype(np.float32)
