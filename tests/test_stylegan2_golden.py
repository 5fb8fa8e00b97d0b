"""The StyleGAN2 networks against numbers of the official implementation (random weights)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facegen.nets.mapping import Mapping
from facegen.nets.stylegan2 import StyleGAN2Synthesis, effective_mapping

GOLDEN = Path(__file__).parent / "data" / "golden"
CASES = {
    "stylegan2_res64": {"resolution": 64, "channel_base": 1024, "channel_max": 64, "layers": 8},
    "stylegan2_res32_map2": {
        "resolution": 32, "channel_base": 512, "channel_max": 32, "layers": 2,
    },
}  # fmt: skip


@pytest.fixture(params=CASES, scope="module")
def golden(request):
    case = CASES[request.param]
    with np.load(GOLDEN / f"{request.param}.npz", allow_pickle=False) as file:
        data = {key: torch.from_numpy(np.array(file[key])) for key in file.files}
    state = {k.removeprefix("state/"): v for k, v in data.items() if k.startswith("state/")}
    w_dim = data["z"].shape[1]
    mapping = Mapping(num_layers=case["layers"], z_dim=w_dim, w_dim=w_dim)
    mapping.load_state_dict(effective_mapping(state), strict=True)
    synthesis = StyleGAN2Synthesis(
        img_resolution=case["resolution"],
        w_dim=w_dim,
        channel_base=case["channel_base"],
        channel_max=case["channel_max"],
    )
    prefix = "synthesis."
    synthesis.load_state_dict(
        {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}, strict=True
    )
    return data, state["mapping.w_avg"], mapping, synthesis


def relative_error(got, want):
    return float((got - want).abs().max() / want.std())


@torch.no_grad()
def test_mapping_and_truncation_match(golden):
    data, w_avg, mapping, _ = golden
    w = mapping(data["z"])
    num_ws = data["ws_psi1"].shape[1]
    ws = w[:, None].repeat(1, num_ws, 1)
    assert relative_error(ws, data["ws_psi1"]) < 1e-4
    assert relative_error(w_avg + 0.7 * (ws - w_avg), data["ws_psi0.7"]) < 1e-4
    cut = ws.clone()
    cut[:, :4] = w_avg + 0.5 * (cut[:, :4] - w_avg)
    assert relative_error(cut, data["ws_psi0.5_cutoff4"]) < 1e-4


@torch.no_grad()
@pytest.mark.parametrize(
    ("ws", "image", "noise_mode"),
    [
        ("ws_psi1", "img_const", "const"),
        ("ws_psi1", "img_none", "none"),
        ("ws_mixed", "img_mixed_const", "const"),
    ],
)
def test_pictures_match(golden, ws, image, noise_mode):
    data, _, _, synthesis = golden
    assert relative_error(synthesis(data[ws], noise_mode=noise_mode), data[image]) < 1e-4


def test_gradients_exist_twice(golden):
    data, _, _, synthesis = golden
    ws = data["ws_psi1"][:1].clone().requires_grad_(True)
    (grad,) = torch.autograd.grad(synthesis(ws).square().sum(), ws, create_graph=True)
    (grad2,) = torch.autograd.grad(grad.square().sum(), ws)
    assert torch.isfinite(grad2).all()
    assert grad2.abs().max() > 0


@torch.no_grad()
def test_random_noise_follows_its_source(golden):
    data, _, _, synthesis = golden
    ws = data["ws_psi1"][:1]
    draws = [
        synthesis(ws, noise_mode="random", rng=torch.Generator().manual_seed(seed))
        for seed in (1, 1, 2)
    ]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
