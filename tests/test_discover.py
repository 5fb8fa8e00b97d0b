"""Directions found in the faces' spread and in the network's weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facegen.directions import discover, user_dials
from facegen.directions.population import population_of
from facegen.errors import UsageError
from facegen.latents import BUNDLED_SPACE
from facegen.nets.stylegan2 import StyleGAN2Synthesis
from tests.fakes import FakeGenerator
from tests.own_space import copy_dials


def test_components_explain_the_most_and_are_one_sd_long(generator):
    found = discover.candidates(generator, count=5)
    shares = [one.share for one in found]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 1 / 512
    population = population_of(generator)
    for one in found:
        along = (population.w - population.mean) @ one.learned.weights.sum(axis=0)
        assert along.std() == pytest.approx(1.0, abs=0.02)
    steps = np.array([one.learned.vector[0] for one in found])
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    assert np.allclose(steps @ steps.T, np.eye(5), atol=1e-4)


def test_sefa_changes_the_styles_more_than_any_other_direction(generator):
    first = discover.candidates(generator, method="sefa", count=1, rows=(0, 8))[0]
    weights = discover.modulation_weights(generator, (0, 8))
    step = first.learned.vector[0].astype(np.float64)
    step /= np.linalg.norm(step)
    others = np.random.RandomState(0).randn(50, 512)
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    assert np.linalg.norm(weights @ step) > 2 * np.linalg.norm(weights @ others.T, axis=0).max()
    assert not np.any(first.learned.vector[8:])


def test_rows_choose_the_weights_that_are_looked_at(generator):
    low = discover.modulation_weights(generator, (0, 8))
    high = discover.modulation_weights(generator, (8, 18))
    whole = discover.modulation_weights(generator, (0, 18))
    assert len(low) + len(high) == len(whole)


@pytest.mark.parametrize("method", discover.METHODS)
def test_finding_gives_the_same_each_time(generator, method):
    first = discover.candidates(generator, method=method, count=10)
    again = discover.candidates(generator, method=method, count=10)
    assert all(
        np.array_equal(a.learned.vector, b.learned.vector)
        for a, b in zip(first, again, strict=True)
    )


def test_a_head_that_turns_is_among_the_first_components_and_is_said_to(generator):
    found = discover.candidates(generator, count=6)
    most = [next(iter(one.learned.moves)) for one in found]
    assert "yaw" in most or "gender" in most


def test_stylegan2_nets_are_searched_too():
    class Net:
        synthesis = StyleGAN2Synthesis(img_resolution=64, channel_base=1024, channel_max=32)

    weights = discover.modulation_weights(Net(), (0, 10))
    rows = [layer for layer, _ in discover._modulations(Net.synthesis)]
    assert weights.shape[1] == 512
    assert rows == list(range(len(rows)))
    assert torch.is_tensor(Net.synthesis.b4.conv1.affine.weight)
    assert np.allclose(np.linalg.norm(weights, axis=1), 1)


def test_kept_ones_are_dials(generator, tmp_path):
    folder = copy_dials(tmp_path / "dials")
    found = discover.candidate(generator, "pca:2@0:8", folder=folder)
    listed = discover.candidates(generator, count=3, rows=(0, 8), folder=folder)[2]
    assert found.key == listed.key == "pca:2@0:8"
    assert np.array_equal(found.learned.vector, listed.learned.vector)
    user_dials.save_own(found.keep(generator.space, name="long_face", title="Long"), folder=folder)
    kept = user_dials.list_own(BUNDLED_SPACE, folder=folder)["long_face"]
    assert (kept.kind, kept.title, kept.source) == ("pca", "Long", "pca:2@0:8")
    assert "principal components" in kept.entry().help


def test_a_strip_shows_each_step(generator):
    found = discover.candidates(generator, count=2)
    base = generator.w_from_seed(7, 0.7)
    picture = discover.strip(generator, base, found, units=(-3.0, 0.0, 3.0), size=256)
    assert picture.shape == (512, 768, 3)
    middle = generator.render(base, size=256)
    assert np.array_equal(picture[:256, 256:512], middle)
    assert np.abs(picture[:256, :256].astype(int) - middle).mean() > 2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda g: discover.candidates(g, method="magic"), "pca or sefa"),
        (lambda g: discover.candidates(g, count=0), "From 1 to 100"),
        (lambda g: discover.candidates(g, rows=(5, 5)), "0:18"),
        (lambda g: discover.candidate(g, "pca"), "named like"),
        (lambda g: discover.candidate(g, "pca:999"), "named like"),
        (lambda g: discover.candidate(g, "pca:1@9:2"), "0:18"),
        (lambda g: discover.candidates(FakeGenerator(), method="sefa"), "no modulation weights"),
    ],
)
def test_wrong_requests_are_refused(generator, call, says):
    with pytest.raises(UsageError, match=says):
        call(generator)
