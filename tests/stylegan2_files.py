"""A small StyleGAN2 network with random weights, written as an imported model is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from facegen.nets.stylegan2 import StyleGAN2Synthesis
from facegen.nets.stylegan2_config import StyleGAN2Config
from facegen.nets.stylegan2_reference import random_synthesis

NAME = "tiny-64"
LAYERS = 2
CONFIG = StyleGAN2Config(
    z_dim=512,
    w_dim=512,
    mapping_layers=LAYERS,
    lr_multiplier=0.01,
    img_resolution=64,
    channels={4: 32, 8: 32, 16: 32, 32: 16, 64: 8},
    conv_clamp=256.0,
)


def random_network(config: StyleGAN2Config = CONFIG, *, seed: int = 1) -> StyleGAN2Synthesis:
    """A network with random weights, noise and biases."""
    return random_synthesis(config, seed=seed)


def write_model(folder: Path, *, name: str = NAME, **facts: object) -> dict[str, torch.Tensor]:
    """Write NAME.safetensors and NAME.json as `models import` does; gives the tensors."""
    tensors = {f"synthesis.{k}": v for k, v in random_network().state_dict().items()}
    rng = torch.Generator().manual_seed(2)
    for i in range(LAYERS):
        tensors[f"mapping.fc{i}.weight"] = 100 * torch.randn(512, 512, generator=rng)
        tensors[f"mapping.fc{i}.bias"] = torch.randn(512, generator=rng)
    tensors["w_avg"] = 0.1 * torch.randn(512, generator=rng)
    path = folder / f"{name}.safetensors"
    save_file({k: v.contiguous() for k, v in tensors.items()}, path)
    record = {
        "name": name,
        "kind": "generator",
        "architecture": "stylegan2",
        "space": "space-of-the-test",
        **CONFIG.to_record(),
        "is_face": None,
        "why_not_face": None,
        "licence": "none",
        "origin": "random",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        **facts,
    }
    path.with_suffix(".json").write_text(json.dumps(record), encoding="utf-8")
    return tensors
