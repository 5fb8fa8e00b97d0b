"""Our PyTorch networks against the published OpenVINO graphs, run by OpenVINO itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from facegen.latents import truncate, z_from_seed
from facegen.weights import ir_paths

ov = pytest.importorskip("openvino")
pytestmark = pytest.mark.weights

MODEL = "mobilestylegan-ffhq-1024"
SEEDS = range(8)
MAX_DIFF_255 = 2.0
MEAN_DIFF_255 = 0.05
# Rows of w_plus in the order in which the published graph executes its 23 modulations.
ROWS = [0, *(row for i in range(7) for row in (2 * i + 1, 2 * i + 1, 2 * i + 2)), 15]
EXACT = {"INFERENCE_PRECISION_HINT": "f32"}  # some processors would silently use bfloat16


@pytest.fixture(scope="module")
def reference_mapping():
    return ov.Core().compile_model(ir_paths(MODEL)["mapping_xml"], "CPU", EXACT)


@pytest.fixture(scope="module")
def reference_synthesis():
    """The published graph, its one style input parted into the 18 rows of w_plus."""
    ops = ov.opset13
    model = ov.Core().read_model(ir_paths(MODEL)["synthesis_xml"])
    old = model.get_parameters()[0]
    new = ops.parameter([18, 512], np.float32, name="w_plus")

    def row(index):
        return ops.gather(new, ops.constant(np.array([index])), ops.constant(0)).output(0)

    products = [node for node in model.get_ops() if node.get_type_name() == "MatMul"]
    products.sort(key=lambda node: int(re.search(r"\d+", node.get_friendly_name())[0]))
    assert len(products) == len(ROWS)
    for node, index in zip(products, ROWS, strict=True):
        node.input(0).replace_source_output(row(index))
    for other in list(old.output(0).get_target_inputs()):
        other.replace_source_output(row(0))  # only asks for the batch size
    parted = ov.Model(model.get_results(), [new], "parted")
    return ov.Core().compile_model(parted, "CPU", EXACT)


def difference_255(reference, generator, w_plus):
    want = reference(w_plus)[0]
    with torch.inference_mode():
        got = generator.synthesize(w_plus[None]).numpy()
    diff = np.abs(got - want) * 127.5
    assert want.std() > 0.2  # a picture, not a constant
    return diff.max(), diff.mean()


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_at_truncation_07(generator, reference_mapping, reference_synthesis, seed):
    z = z_from_seed(seed)
    w = reference_mapping(z)[0]
    assert np.abs(generator.map(z) - w).max() < 1e-4
    w_plus = np.repeat(truncate(w, generator.w_avg, 0.7), 18, axis=0)
    assert np.abs(generator.w_from_seed(seed, 0.7) - w_plus).max() < 1e-4
    worst, mean = difference_255(reference_synthesis, generator, w_plus)
    assert worst <= MAX_DIFF_255
    assert mean < MEAN_DIFF_255


@pytest.mark.parametrize("seed", [100, 101])
def test_mixed_rows(generator, reference_synthesis, seed):
    rows = [generator.w_from_seed(seed * 20 + i, 0.7)[i] for i in range(18)]
    worst, mean = difference_255(reference_synthesis, generator, np.stack(rows))
    assert worst <= MAX_DIFF_255
    assert mean < MEAN_DIFF_255


def test_the_engine_agrees_with_the_exact_network(generator):
    rows = np.stack([generator.w_from_seed(i, 0.7)[i] for i in range(18)])
    batch = np.stack([generator.w_from_seed(3, 0.7), rows])
    with torch.inference_mode():
        exact = (generator.synthesize(batch) * 127.5 + 127.5).clamp(0, 255)
    exact = exact.permute(0, 2, 3, 1).numpy()
    diff = np.abs(generator.render(batch).astype(np.float32) - exact)
    assert diff.max() <= MAX_DIFF_255
    assert diff.mean() < 0.3  # rounding to whole numbers alone gives 0.25


def test_gradients_reach_every_row_that_is_read(generator):
    w_plus = torch.from_numpy(generator.w_from_seed(1)[None].copy()).requires_grad_(True)
    generator.synthesize(w_plus).square().mean().backward()
    moved = w_plus.grad[0].abs().amax(dim=1) > 0
    assert moved[:16].all()
    assert not moved[16:].any()


def test_the_preview_is_the_picture_made_smaller(generator, picture, face):
    size = generator.preview_size
    small = generator.preview(face.w_plus).astype(np.float32)
    k = 1024 // size
    want = picture.reshape(size, k, size, k, 3).mean(axis=(1, 3))
    assert small.shape == (size, size, 3)
    assert np.abs(small - want).mean() < 12  # 5.5 over 32 other faces, 10 at worst


def test_sizes(generator, face, picture):
    half = generator.render(face.w_plus, size=512)
    assert np.abs(half - picture.reshape(512, 2, 512, 2, 3).mean(axis=(1, 3))).max() <= 0.5
    with pytest.raises(Exception, match="half, quarter"):
        generator.render(face.w_plus, size=300)
