"""Foreign checkpoints: the imported network draws the picture of the one that made the file."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from checkpoint_files import (
    RosinalityGenerator,
    golden,
    nvidia_pickle,
    tensorflow_pickle,
    torch_file,
)
from safetensors.torch import save_file

from facegen.errors import BadFileError
from facegen.formats.stylegan2 import read_checkpoint, write_checkpoint
from facegen.nets.mapping import Mapping
from facegen.nets.stylegan2 import StyleGAN2Synthesis, effective_mapping


def networks(checkpoint):
    """Mapping and synthesis of a checkpoint."""
    config = checkpoint.config
    tensors = {k: torch.from_numpy(v) for k, v in checkpoint.tensors.items()}
    mapping = Mapping(num_layers=config.mapping_layers, z_dim=config.z_dim, w_dim=config.w_dim)
    mapping.load_state_dict(effective_mapping(tensors, lr_multiplier=config.lr_multiplier))
    synthesis = StyleGAN2Synthesis.from_config(config)
    prefix = "synthesis."
    state = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    synthesis.load_state_dict(state, strict=True)
    return mapping.eval(), synthesis.eval()


def read(tmp_path, data: bytes, name="x.pkl"):
    path = tmp_path / name
    path.write_bytes(data)
    return read_checkpoint(path)


def relative_error(got, want):
    return float((got - want).abs().max() / want.std())


STATE, DATA = golden()


@torch.no_grad()
def assert_draws_the_golden_picture(checkpoint, *, limit=1e-4):
    mapping, synthesis = networks(checkpoint)
    w = mapping(DATA["z"])
    assert relative_error(w, DATA["ws_psi1"][:, 0]) < limit
    assert relative_error(synthesis(DATA["ws_psi1"]), DATA["img_const"]) < limit
    w_avg = torch.from_numpy(checkpoint.tensors["w_avg"])
    truncated = (w_avg + 0.7 * (w - w_avg))[:, None].repeat(1, 10, 1)
    assert relative_error(truncated, DATA["ws_psi0.7"]) < limit


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("key", ["G_ema", "G"])
@pytest.mark.long
def test_nvidias_pickles(tmp_path, monkeypatch, key, protocol):
    monkeypatch.chdir(tmp_path)
    found = read(tmp_path, nvidia_pickle(STATE, key=key, protocol=protocol))
    assert_draws_the_golden_picture(found)
    same = {k: v for k, v in STATE.items() if k.startswith(("mapping.fc", "synthesis."))}
    assert all(np.array_equal(found.tensors[key], value) for key, value in same.items())
    config = found.config
    assert (config.img_resolution, config.num_ws, config.mapping_layers) == (64, 10, 8)
    assert config.channels == {4: 64, 8: 64, 16: 64, 32: 32, 64: 16}
    assert (config.num_fp16_res, config.conv_clamp, config.lr_multiplier) == (2, 256, 0.01)
    assert [p.name for p in tmp_path.iterdir()] == ["x.pkl"], "the source in the file ran"


def test_settings_are_taken_from_the_file(tmp_path):
    data = nvidia_pickle(STATE, num_fp16_res=0, conv_clamp=None, lr_multiplier=0.02)
    config = read(tmp_path, data).config
    assert (config.num_fp16_res, config.conv_clamp, config.lr_multiplier) == (0, None, 0.02)


@pytest.mark.parametrize("protocol", [2, 4])
def test_nvidias_tensorflow_pickles(tmp_path, protocol):
    assert_draws_the_golden_picture(read(tmp_path, tensorflow_pickle(STATE, protocol=protocol)))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("prefix", ["", "module.", "decoder."])
def test_plain_state_dicts(tmp_path, zipped, prefix):
    state = {prefix + key: tensor for key, tensor in STATE.items()}
    assert_draws_the_golden_picture(read(tmp_path, torch_file(state, zipped=zipped), "x.pth"))
    assert_draws_the_golden_picture(read(tmp_path, torch_file({"state_dict": state}), "x.pt"))


def test_of_two_networks_the_averaged_one_is_taken(tmp_path):
    state = {f"G.{key}": torch.zeros_like(tensor) for key, tensor in STATE.items()}
    state |= {f"G_ema.{key}": tensor for key, tensor in STATE.items()}
    assert_draws_the_golden_picture(read(tmp_path, torch_file(state)))


def test_safetensors_with_and_without_our_description(tmp_path):
    save_file({k: v.contiguous() for k, v in STATE.items()}, tmp_path / "plain.safetensors")
    found = read_checkpoint(tmp_path / "plain.safetensors")
    assert_draws_the_golden_picture(found)
    ours = read(tmp_path, nvidia_pickle(STATE, num_fp16_res=1, conv_clamp=None))
    write_checkpoint(ours, tmp_path / "ours.safetensors")
    again = read_checkpoint(tmp_path / "ours.safetensors")
    assert again.config == ours.config
    assert_draws_the_golden_picture(again, limit=1e-4)
    write_checkpoint(again, tmp_path / "twice.safetensors")
    first, second = (tmp_path / f"{n}.safetensors" for n in ("ours", "twice"))
    assert first.read_bytes() == second.read_bytes()


def test_half_precision_is_widened(tmp_path):
    half = {key: tensor.half() for key, tensor in STATE.items()}
    for data in (torch_file(half), nvidia_pickle(half)):
        found = read(tmp_path, data)
        assert all(tensor.dtype == np.float32 for tensor in found.tensors.values())
        assert_draws_the_golden_picture(found, limit=0.05)


ROSINALITY = RosinalityGenerator()


@torch.no_grad()
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrapped", [True, False])
def test_rosinalitys_checkpoints(tmp_path, zipped, wrapped):
    content = {"g_ema": ROSINALITY.state, "g": {}, "latent_avg": torch.full((24,), 0.5)}
    found = read(tmp_path, torch_file(content if wrapped else ROSINALITY.state, zipped=zipped))
    mapping, synthesis = networks(found)
    z = torch.randn(2, 24, generator=torch.Generator().manual_seed(1))
    w = ROSINALITY.mapping(z)
    assert relative_error(mapping(z), w) < 1e-5
    rows = torch.randn(2, 8, 24, generator=torch.Generator().manual_seed(2))
    for w_plus in (w[:, None].repeat(1, 8, 1), rows):
        want = ROSINALITY.picture(w_plus)
        assert relative_error(synthesis(w_plus), want) < 1e-5
    assert (found.config.conv_clamp, found.config.img_resolution) == (None, 32)
    if wrapped:
        assert (found.tensors["w_avg"] == 0.5).all()
    else:
        draws = np.random.RandomState(3).randn(20_000, 24).astype(np.float32)
        mean = ROSINALITY.mapping(torch.from_numpy(draws)).mean(0).numpy()
        assert np.abs(found.tensors["w_avg"] - mean).max() < 0.1 * mean.std() + 0.02


def test_a_rosinality_file_without_noise_gets_some(tmp_path):
    state = {k: v for k, v in ROSINALITY.state.items() if not k.startswith("noises.")}
    found = read(tmp_path, torch_file({"g_ema": state}))
    assert any("noise is drawn anew" in note for note in found.notes)
    assert found.tensors["synthesis.b32.conv1.noise_const"].std() > 0.9


def changed(**tensors) -> dict:
    """Official weights with some replaced, added, or (None) taken away."""
    state = {**STATE, **{key.replace("__", "."): value for key, value in tensors.items()}}
    return {key: value for key, value in state.items() if value is not None}


def only(*starts: str) -> dict:
    return {key: value for key, value in STATE.items() if key.startswith(starts)}


GREY = {k: v[:1] for k, v in STATE.items() if k.endswith(("torgb.weight", "torgb.bias"))}
HEADS = {k: None for k in STATE if "torgb" in k and ".b64." not in k}
NAN = torch.full((64, 64), float("nan"))
REFUSED = {
    "conditional": (nvidia_pickle(changed(mapping__embed__weight=torch.zeros(64, 10)), c_dim=10),
                    "conditional .* 10 class labels"),
    "resnet": (nvidia_pickle(STATE, architecture="resnet"), "architecture is 'resnet'"),
    "resnet by its weights": (
        torch_file(changed(synthesis__b8__skip__weight=torch.zeros(64, 64, 1, 1))), "'resnet'"),
    "orig": (torch_file(changed(**HEADS)), "architecture is 'orig'"),
    "relu": (nvidia_pickle(STATE, activation="relu"), "activation is 'relu'"),
    "stylegan3": (nvidia_pickle(
        {"synthesis.input.freqs": torch.zeros(8, 2), **only("mapping.")}), "StyleGAN3"),
    "stylegan1": (torch_file({"g_synthesis.blocks.4x4.const": torch.zeros(1, 8, 4, 4)}),
                  "StyleGAN1"),
    "grey": (torch_file(changed(**GREY)), "1 channels instead of RGB's 3"),
    "no mapping": (torch_file(only("synthesis.")), "mapping network is missing"),
    "no picture part": (torch_file(only("mapping.")), "no StyleGAN2 generator was found"),
    "a gap": (torch_file(changed(**{k: None for k in STATE if ".b16." in k})), "incomplete"),
    "a tensor less": (torch_file(changed(synthesis__b64__conv1__bias=None)),
                      r"1 of \d+ tensors are missing \(such as synthesis.b64.conv1.bias\)"),
    "a tensor more": (torch_file(changed(synthesis__b64__conv1__other=torch.zeros(3))),
                      "1 tensors that no StyleGAN2 generator has"),
    "a name in two lines": (torch_file(changed(**{"synthesis__b64__a\nb": torch.zeros(3)})),
                            r"such as synthesis.b64.a\?b"),
    "another shape": (torch_file(changed(synthesis__b64__conv1__bias=torch.zeros(7))),
                      "should have the shape"),
    "nan": (torch_file(changed(mapping__fc1__weight=NAN)), "NaN"),
    "whole numbers": (torch_file(changed(mapping__fc1__weight=NAN.nan_to_num().long())), "whole"),
    "another filter": (torch_file(changed(synthesis__b8__resample_filter=torch.ones(4, 4))),
                       "filter is not"),
    "too small": (torch_file({k: v for k, v in STATE.items() if ".b32." not in k
                              and ".b64." not in k}), "16 px; 32 to 1024"),
    "a latent": (torch_file({"w_plus": torch.zeros(18, 512)}), "no StyleGAN2 generator"),
    "stable diffusion": (torch_file({"model.diffusion.attn.weight": torch.zeros(4)}),
                         "another kind of network"),
    "one tensor": (torch_file(torch.zeros(3)), "no StyleGAN2 generator"),
    "a filter of rosinality's": (torch_file(
        {**ROSINALITY.state, "convs.0.conv.blur.kernel": torch.ones(4, 4)}), "filter is not"),
    "a rosinality file cut short": (torch_file(
        {k: v for k, v in ROSINALITY.state.items() if not k.startswith("to_rgbs.1")}),
        "incomplete"),
    "tensorflow conditional": (tensorflow_pickle(STATE, label_size=3), "conditional|label"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_stylegan2_face_network_is_refused_with_the_reason(tmp_path, case):
    data, reason = REFUSED[case]
    with pytest.raises(BadFileError, match=r"x\.pkl is not imported: .*" + reason) as caught:
        read(tmp_path, data)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
