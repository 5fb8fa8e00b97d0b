"""StyleGAN2 networks in every engine, and as imported models: small ones with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from stylegan2_files import CONFIG, LAYERS, NAME, random_network, write_model

from facegen.cli import cli
from facegen.engines import make_engine
from facegen.errors import LatentError
from facegen.face import Face
from facegen.generator import Generator
from facegen.latents import z_from_seed
from facegen.nets.stylegan2 import SkipPreview
from facegen.service.render import RenderService

ENGINES = ["openvino", "torch"]


@pytest.fixture(scope="module")
def net():
    return random_network()


@pytest.fixture(scope="module")
def w_pluses():
    return torch.randn(2, CONFIG.num_ws, 512, generator=torch.Generator().manual_seed(3)).numpy()


def exact_255(img):
    return (img * 127.5 + 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.long
def test_engines_draw_what_the_exact_network_draws(net, w_pluses, name):
    engine = make_engine(name, net, SkipPreview(net))
    with torch.inference_mode():
        want = exact_255(net(torch.from_numpy(w_pluses)))
    got = engine.render(w_pluses)
    assert got.shape == (2, 64, 64, 3)
    assert want.std() > 30  # a picture
    assert np.abs(got - want).max() <= 1
    assert engine.preview_size == 64
    assert np.array_equal(engine.preview(w_pluses), got)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.long
def test_a_preview_is_the_sum_of_the_earlier_blocks(net, w_pluses, name):
    head = SkipPreview(net)
    head.size_px = 32
    with torch.inference_mode():
        want = exact_255(net(torch.from_numpy(w_pluses), size_px=32))
    got = make_engine(name, net, head).preview(w_pluses)
    assert got.shape == (2, 32, 32, 3)
    assert np.abs(got - want).max() <= 1


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """The tensors of an imported model called NAME."""
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path))
    return write_model(tmp_path)


@pytest.mark.long
def test_an_imported_network_loads_and_draws(imported, net):
    generator = Generator.load(NAME)
    assert (generator.num_ws, generator.img_resolution, generator.preview_size) == (10, 64, 64)
    assert generator.engine_name == "openvino"
    assert np.array_equal(generator.w_avg, imported["w_avg"].numpy())
    w_plus = generator.w_from_seed(5)
    assert w_plus.shape == (18, 512)  # a face opens in every network of its space
    z = torch.from_numpy(z_from_seed(5))
    w = z * z.square().mean().rsqrt()
    for i in range(LAYERS):
        weight = imported[f"mapping.fc{i}.weight"] * (0.01 / 512**0.5)
        w = w @ weight.T + 0.01 * imported[f"mapping.fc{i}.bias"]
        w = torch.nn.functional.leaky_relu(w, 0.2) * 2**0.5
    want = generator.w_avg + 0.7 * (w.numpy()[0] - generator.w_avg)
    assert np.abs(w_plus - want).max() < 1e-4
    with torch.inference_mode():
        exact = exact_255(net(torch.from_numpy(w_plus[None, :10])))[0]
    picture = generator.render(w_plus)
    assert np.abs(picture - exact).max() <= 1
    assert np.array_equal(generator.render(w_plus[:10]), picture)
    changed = w_plus.copy()
    changed[10:] = 5
    assert np.array_equal(generator.render(changed), picture)
    assert generator.synthesize(w_plus[None]).shape == (1, 3, 64, 64)
    assert generator.render(w_plus, size=32).shape == (32, 32, 3)
    with pytest.raises(LatentError, match=r"\(any, 18, 512\), got \(1, 9, 512\)"):
        generator.render(w_plus[:9])


def test_gradients_of_an_imported_network_reach_the_rows_it_reads(imported):
    generator = Generator.load(NAME, engine="torch")
    w_plus = torch.from_numpy(generator.w_from_seed(1)[None].copy()).requires_grad_(True)
    generator.synthesize(w_plus).square().mean().backward()
    moved = w_plus.grad[0].abs().amax(dim=1) > 0
    assert moved[:10].all()
    assert not moved[10:].any()


@pytest.mark.long
def test_an_imported_network_in_the_command_line_and_the_service(imported, tmp_path):
    out = tmp_path / "faces"
    arguments = ["generate", "--model", NAME, "--seeds", "2", "--out", str(out)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    face = Face.load(out / "seed0002.png")
    assert face.model == NAME
    assert Image.open(out / "seed0002.png").size == (64, 64)
    service = RenderService(Generator.load(NAME))
    full = service.render(service.request(face.w_plus), session="a")
    assert (full.size, full.error) == (64, None)
    assert service.has_picture(service.request(face.w_plus))
    assert service.preview(service.request(face.w_plus), session="a").size == 64
    assert service.image(service.request(face.w_plus)).shape == (64, 64, 3)


def test_why_a_network_draws_no_faces_is_known(imported, tmp_path):
    write_model(tmp_path, name="cars", is_face=False, why_not_face="It draws cars.")
    assert Generator.load("cars", engine="torch").why_not_face == "It draws cars."
    assert Generator.load(NAME, engine="torch").why_not_face is None
