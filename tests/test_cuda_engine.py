"""The GPU engine without a GPU: its numbers on the CPU, and what happens when the card fails."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from stylegan2_files import CONFIG, random_network

import facegen.engines
from facegen.engines import CarefulEngine, make_engine
from facegen.engines.cuda_engine import CudaEngine
from facegen.engines.fallback import LOST, NO_MEMORY
from facegen.errors import ModelError
from facegen.masks import Mask
from facegen.nets.stylegan2 import SkipPreview
from facegen.nets.stylegan2_fast import FastStyleGAN2
from facegen.nets.stylegan2_reference import reference_forward


@pytest.fixture(scope="module")
def net():
    return random_network()


@pytest.fixture(scope="module")
def w_pluses():
    return torch.randn(3, CONFIG.num_ws, 512, generator=torch.Generator().manual_seed(3)).numpy()


@pytest.fixture(scope="module")
def exact(net, w_pluses):
    with torch.inference_mode():
        img = reference_forward(net, torch.from_numpy(w_pluses))
    return (img * 127.5 + 127.5).clamp(0, 255).permute(0, 2, 3, 1).numpy()


def on_cpu(net, **options):
    return CudaEngine(net, SkipPreview(net), device="cpu", **options)


@pytest.mark.parametrize("polyphase", [True, False])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.float32, 0.51), (torch.float16, 1.0), (torch.bfloat16, 4.0)]
)
def test_it_draws_what_the_plain_form_draws(net, w_pluses, exact, polyphase, count, dtype, most):
    got = on_cpu(net, dtype=dtype, polyphase=polyphase).render(w_pluses[:count])
    assert got.shape == (count, 64, 64, 3)
    diff = np.abs(got.astype(np.float32) - exact[:count])
    assert diff.max() <= most
    assert (diff <= 3).mean() >= 0.999


def test_batches_larger_than_allowed_are_parted(net, w_pluses):
    whole = on_cpu(net, dtype=torch.float32).render(w_pluses)
    parted = on_cpu(net, dtype=torch.float32, max_batch=2).render(w_pluses)
    assert np.abs(whole.astype(int) - parted).max() <= 1


def test_each_batch_size_is_recorded_once_and_without_recording_it_draws_plainly(
    net, w_pluses, exact, monkeypatch
):
    engine = on_cpu(net, dtype=torch.float32)
    engine._has_graphs = True
    recorded = []

    def record(draw, shape, device, pool):
        recorded.append(shape[0])
        if shape[0] == 4:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        if shape[0] == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return draw

    monkeypatch.setattr(facegen.engines.cuda_engine, "_recorded", record)
    for count in (1, 3, 3, 1):
        assert np.abs(engine.render(w_pluses[:count]) - exact[:count]).max() <= 0.51
    assert recorded == [1, 4]
    with pytest.raises(torch.cuda.OutOfMemoryError):
        engine.render(w_pluses[:2])
    engine.free()
    engine.render(w_pluses[:1])
    assert recorded == [1, 4, 2, 1]


def test_previews_stop_early(net, w_pluses):
    head = SkipPreview(net)
    head.size_px = 32
    got = CudaEngine(net, head, device="cpu", dtype=torch.float32).preview(w_pluses)
    want = make_engine("torch", net, head).preview(w_pluses)
    assert got.shape == (3, 32, 32, 3)
    assert np.abs(got.astype(int) - want).max() <= 1


def half_mask():
    grid = np.zeros((256, 256), np.float32)
    grid[:, :128] = np.linspace(1, 0.1, 128)
    return Mask.of(grid)


@pytest.mark.long
def test_the_rest_kept_is_that_of_its_own_pictures(net, w_pluses):
    engine, mask = on_cpu(net, dtype=torch.bfloat16), half_mask()
    want = make_engine("torch", net, SkipPreview(net)).blend(w_pluses, w_pluses[:1], mask)
    for got, base in (
        (engine.blend(w_pluses, w_pluses[:1], mask), engine.render(w_pluses[:1])),
        (engine.blend_preview(w_pluses, w_pluses[:1], mask), engine.preview(w_pluses[:1])),
    ):
        assert np.array_equal(got[:, :, 32:], np.repeat(base, 3, axis=0)[:, :, 32:])
        assert np.abs(got[:, :, :32].astype(int) - want[:, :, :32]).max() <= 1
    engine.free()
    assert np.array_equal(engine.blend(w_pluses, w_pluses[:1], mask)[:, :, :32], got[:, :, :32])


@torch.inference_mode()
@pytest.mark.parametrize("count", [1, 2])
def test_half_precision_survives_extreme_styles_and_features(count):
    """Huge weights and latents overflow half precision unless everything is normalised."""
    net = random_network()
    for name, value in net.named_parameters():
        if "torgb" not in name and name.endswith("weight") and value.ndim == 4:
            value.data *= 3000
    w = 300 * torch.randn(count, CONFIG.num_ws, 512, generator=torch.Generator().manual_seed(4))
    want, got = net(w), FastStyleGAN2(net, dtype=torch.float16)(w)
    assert torch.isfinite(got).all()
    assert (got - want).abs().mean() < 0.01 * want.std()


class FailingEngine:
    """Draws the index of each latent until `fails` says otherwise."""

    name = "cuda"
    preview_size = 8
    max_batch = 8

    def __init__(self, fails) -> None:
        self.fails = fails
        self.batches: list[int] = []
        self.freed = 0

    def render(self, w_plus):
        error = self.fails(len(w_plus))
        if error is not None:
            raise error
        self.batches.append(len(w_plus))
        return w_plus[:, :1, :1, None].astype(np.uint8)

    preview = render

    def blend(self, w_plus, w_base, mask):
        return self.render(w_plus) + np.uint8(w_base[0, 0, 0])

    blend_preview = blend

    def free(self) -> None:
        self.freed += 1


class Other(FailingEngine):
    name = "openvino"
    max_batch = 1


def numbered(count):
    return np.arange(count, dtype=np.float32)[:, None, None] * np.ones((1, 10, 4), np.float32)


def no_memory_above(limit):
    return lambda n: torch.cuda.OutOfMemoryError("CUDA out of memory.") if n > limit else None


def test_too_little_memory_makes_batches_smaller_for_good():
    gpu = FailingEngine(no_memory_above(3))
    engine = CarefulEngine(gpu, lambda: pytest.fail("the GPU can still draw"))
    for _ in range(2):
        assert engine.render(numbered(7)).ravel().tolist() == list(range(7))
    assert gpu.batches == [2, 2, 2, 1] * 2
    assert (engine.max_batch, gpu.freed, engine.notice, engine.name) == (2, 2, None, "cuda")


def test_no_memory_for_one_picture_moves_to_the_processor_and_says_so(caplog):
    engine = CarefulEngine(FailingEngine(no_memory_above(0)), lambda: Other(lambda n: None))
    assert engine.preview(numbered(3)).ravel().tolist() == [0, 1, 2]
    assert (engine.name, engine.max_batch, engine.notice) == ("openvino", 1, NO_MEMORY)
    assert NO_MEMORY in caplog.text


def test_the_processor_keeps_the_rest_when_the_gpu_cannot():
    engine = CarefulEngine(FailingEngine(no_memory_above(0)), lambda: Other(lambda n: None))
    base, mask = numbered(8)[7:], half_mask()
    assert engine.blend(numbered(3), base, mask).ravel().tolist() == [7, 8, 9]
    assert engine.blend_preview(numbered(3), base, mask).ravel().tolist() == [7, 8, 9]
    assert engine.notice == NO_MEMORY


def test_a_gpu_that_disappears_loses_no_picture(caplog):
    calls = []

    def fails(n):
        calls.append(n)
        lost = RuntimeError("CUDA error: unspecified launch failure")
        return lost if len(calls) > 1 else None

    engine = CarefulEngine(FailingEngine(fails), lambda: Other(lambda n: None))
    assert engine.render(numbered(20)).ravel().tolist() == list(range(20))
    assert engine.notice == LOST
    assert caplog.text.count("does not answer") == 1


def test_defects_are_not_taken_for_a_lost_gpu():
    engine = CarefulEngine(
        FailingEngine(lambda n: RuntimeError("shape '[1, 2]' is invalid")),
        lambda: pytest.fail("a defect of the program must be seen"),
    )
    with pytest.raises(RuntimeError, match="is invalid"):
        engine.render(numbered(1))


def test_many_threads_move_to_the_processor_once():
    made = []

    def make_other():
        made.append(1)
        return Other(lambda n: None)

    engine = CarefulEngine(FailingEngine(no_memory_above(0)), make_other)
    wrong = []

    def work(n):
        if engine.render(numbered(n + 1)).ravel().tolist() != list(range(n + 1)):
            wrong.append(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert made == [1]


def test_auto_takes_the_gpu_and_without_one_it_is_refused_by_name(net, monkeypatch, caplog):
    head = SkipPreview(net)
    with pytest.raises(ModelError, match="No CUDA device"):
        make_engine("cuda", net, head)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        facegen.engines, "CudaEngine", lambda net, head: CudaEngine(net, head, device="cpu")
    )
    assert make_engine("auto", net, head).name == "cuda"

    def broken(net, head):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr(facegen.engines, "CudaEngine", broken)
    assert make_engine("auto", net, head).name == "openvino"
    assert "The graphics card cannot be used" in caplog.text
