from __future__ import annotations

import numpy as np
import pytest

from facegen.errors import LatentError, UsageError
from facegen.latents import (
    BUNDLED_SPACE,
    as_w_plus,
    broadcast_w,
    space_id,
    truncate,
    z_from_seed,
)


def test_a_seed_is_nvidias_seed():
    assert np.array_equal(z_from_seed(5), np.random.RandomState(5).randn(1, 512).astype(np.float32))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(UsageError, match="from 0 to 4294967295"):
        z_from_seed(seed)


def test_truncation_ends():
    w, w_avg = np.ones((1, 512), np.float32), np.zeros(512, np.float32)
    assert np.array_equal(truncate(w, w_avg, 1.0), w)
    assert np.array_equal(truncate(w, w_avg, 0.0)[0], w_avg)
    with pytest.raises(UsageError, match="finite"):
        truncate(w, w_avg, float("nan"))


@pytest.mark.parametrize("shape", [(512,), (1, 512), (18, 512), (1, 18, 512)])
def test_public_shapes_open(shape):
    latent = np.random.RandomState(0).randn(*shape)
    w_plus = as_w_plus(latent)
    assert w_plus.shape == (18, 512)
    assert w_plus.dtype == np.float32
    assert np.allclose(w_plus[3], latent.reshape(-1, 512)[3 % latent.reshape(-1, 512).shape[0]])


@pytest.mark.parametrize("shape", [(511,), (2, 512), (16, 512), (2, 18, 512), (18, 512, 1), ()])
def test_other_shapes_are_refused(shape):
    with pytest.raises(LatentError, match="must have the shape"):
        as_w_plus(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_values_that_are_not_finite_are_refused(value):
    latent = np.zeros((18, 512))
    latent[3, 4] = value
    with pytest.raises(LatentError, match="1 NaN or infinite"):
        as_w_plus(latent)


@pytest.mark.parametrize("dtype", [object, "U3", complex, bool])
def test_other_types_are_refused(dtype):
    with pytest.raises(LatentError):
        as_w_plus(np.zeros((18, 512)).astype(dtype))


def test_broadcast_repeats_every_row():
    w = np.random.RandomState(1).randn(2, 512).astype(np.float32)
    assert np.array_equal(broadcast_w(w)[1, 17], w[1])


@pytest.mark.weights
def test_the_space_is_recognised_after_rounding_and_told_apart(generator):
    weights = {k: v.numpy() for k, v in generator.mapping.state_dict().items()}
    half = {k: v.astype(np.float16) for k, v in weights.items()}
    assert space_id(weights) == space_id(half) == BUNDLED_SPACE
    other = dict(weights)
    other["fc.3.weight"] = np.random.RandomState(0).randn(512, 512)
    assert space_id(other).startswith("space-")


def test_an_array_with_numbers_that_no_latent_has_is_refused():
    with pytest.raises(LatentError, match="1e\\+38"):
        as_w_plus(np.full((18, 512), 1e38, np.float32))
