"""StyleGAN2 networks in every engine, and as imported models: small ones with random weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from stylegan2_files import CONFIG, random_network

from facegen.engines import make_engine
from facegen.nets.stylegan2 import SkipPreview

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
def test_a_preview_is_the_sum_of_the_earlier_blocks(net, w_pluses, name):
    head = SkipPreview(net)
    head.size_px = 32
    with torch.inference_mode():
        want = exact_255(net(torch.from_numpy(w_pluses), size_px=32))
    got = make_engine(name, net, head).preview(w_pluses)
    assert got.shape == (2, 32, 32, 3)
    assert np.abs(got - want).max() <= 1
