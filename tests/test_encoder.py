"""The encoder: a picture's latent in one look, corrected by looking at what became of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from facegen.directions.encoder_weights import (
    OUTPUTS,
    EncoderWeights,
    read_encoder,
    write_encoder,
)
from facegen.directions.natural import Natural
from facegen.errors import LatentError, ModelError
from facegen.evaluation.likeness import JUDGES, likeness
from facegen.invert.encoder import Encoder, load_encoder
from facegen.latents import W_DIM
from facegen.learning.encoder_samples import PICTURE_PX
from facegen.learning.photo_like import photo_like
from facegen.learning.train_encoder import low_rank, ridge
from facegen.nets.encoder_head import Head, Reduction

PICTURE = np.full((64, 64, 3), 128, np.uint8)


def round_cloud():
    return Natural(
        np.zeros(W_DIM, np.float32), np.eye(W_DIM, dtype=np.float32), np.linspace(0.5, 2, 101)
    )


def small_weights(*, rounds=0, gain=1.0):
    """Numbers of one cell; the first whitened number of each group is `gain` times the first."""
    torch.manual_seed(0)
    reduction = Reduction([(2, 1)], 5).requires_grad_(False)
    reduction.matrices[0].copy_(torch.tensor([[1.0, 0.0]]))
    heads = []
    for _ in range(rounds + 1):
        head = Head(5, 1, OUTPUTS).requires_grad_(False)
        head.code.weight.copy_(torch.tensor([[gain, 0, 0, 0, 0]]))
        head.out.weight.zero_()
        head.out.weight[::W_DIM] = 1.0
        head.out.bias.zero_()
        heads.append(head)
    return EncoderWeights(reduction, heads[0], tuple(heads[1:]))


class Brightness:
    """Sees how bright a picture is, as the first of five numbers."""

    def of(self, image):
        cell = np.array([image.mean() / 100, 0], np.float32)[:, None, None]
        return cell, *(np.zeros(n, np.float32) for n in (0, 0, 4))


class Lamp:
    """Draws pictures as bright as twice the first number of the first row says."""

    model = "lamp"

    def preview(self, w_plus):
        return np.full((64, 64, 3), np.clip(200 * w_plus[0, 0], 0, 255), np.uint8)


def test_weights_are_read_as_they_were_written(tmp_path):
    weights, path = small_weights(rounds=2), tmp_path / "encoder.safetensors"
    write_encoder(weights, path, samples="3")
    found = read_encoder(path)
    assert len(found.rounds) == 2
    x = torch.randn(3, 5)
    assert torch.allclose(found.first(x), weights.first(x), atol=1e-3)
    assert torch.equal(found.reduction.scale, weights.reduction.scale)


@pytest.mark.parametrize("damage", ["cut", "other", "infinite"])
def test_a_damaged_file_says_what_to_do(tmp_path, damage):
    path = tmp_path / "encoder.safetensors"
    weights = small_weights()
    if damage == "infinite":
        weights.first.out.bias[0] = float("nan")
    write_encoder(weights, path)
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    if damage == "other":
        path.write_bytes(data.replace(b"first.code", b"wrong.code"))
    with pytest.raises(ModelError, match="restore it with git"):
        read_encoder(path)


def test_a_network_of_another_space_is_refused():
    other = SimpleNamespace(model="cats", space="space-123")
    with pytest.raises(ModelError, match="cats has another"):
        load_encoder(other)


def test_ridge_finds_what_made_the_numbers_and_low_rank_keeps_what_shows():
    random = np.random.RandomState(0)
    x = random.randn(400, 12).astype(np.float32)
    true = random.randn(12, 3).astype(np.float32)
    y = x @ np.column_stack([true, true[:, :1] * 1e-3])
    found = ridge(x[:300], y[:300], x[300:], y[300:])
    assert np.abs(found - np.column_stack([true, true[:, :1] * 1e-3])).max() < 0.1
    first, second = low_rank(found, x, np.ones(4, np.float32), 3)
    assert np.allclose(x @ first @ second, x @ found, atol=0.05)


def test_a_photo_like_picture_differs_and_is_the_same_each_time():
    image = np.random.RandomState(1).randint(0, 256, (PICTURE_PX, PICTURE_PX, 3)).astype(np.uint8)
    kinds = [photo_like(image, np.random.RandomState(seed)) for seed in range(12)]
    assert all(kind.shape == image.shape and kind.dtype == np.uint8 for kind in kinds)
    assert np.array_equal(kinds[3], photo_like(image, np.random.RandomState(3)))
    assert sum(np.array_equal(kind, image) for kind in kinds) < 4


def test_a_result_counts_when_it_is_nearer_than_strangers():
    def person(angle):
        return dict.fromkeys(JUDGES, np.array([np.cos(angle), np.sin(angle)]))

    strangers = [person(angle) for angle in np.linspace(0.5, 3, 40)]
    near = likeness(person(0), person(0.1), strangers)
    far = likeness(person(0), person(2), strangers)
    assert all(near[judge].is_same and not far[judge].is_same for judge in JUDGES)
    assert not likeness(person(0), None, strangers)["faceres"].is_same


def test_rounds_of_feedback_bring_the_rendition_nearer():
    encoder = Encoder(Lamp(), small_weights(rounds=3, gain=0.3), round_cloud(), Brightness())
    steps = list(encoder.encode_steps(PICTURE))
    assert len(steps) == 4
    misses = [abs(128 - float(step.rendition.mean())) for step in steps[:-1]]
    assert misses == sorted(misses, reverse=True)
    assert misses[-1] < 0.7 * misses[0]
    assert steps[-1].rendition is None
    assert np.array_equal(encoder.encode(PICTURE), steps[-1].w_plus)
    assert np.array_equal(encoder.encode(PICTURE, rounds=0), steps[0].w_plus)


def test_results_stay_where_faces_are():
    cloud = round_cloud()
    far = Encoder(Lamp(), small_weights(gain=500.0), cloud, Brightness()).encode(PICTURE)
    assert cloud.distance(far) <= cloud.reach[50] * 1.001


@pytest.mark.long
def test_a_generated_face_comes_back_as_the_same_person(generator):
    from facegen.measure.detector import load_instruments

    encoder = load_encoder(generator)
    w_plus = generator.w_from_seed(64_000_000, 0.8)
    crop = generator.render(w_plus)
    found = encoder.encode(crop)
    assert found.shape == (18, W_DIM)
    assert found.dtype == np.float32
    assert np.array_equal(found, encoder.encode(crop))
    see = load_instruments()
    original, again, other = (
        see.detect(picture).descriptor
        for picture in (crop, generator.render(found), generator.render(generator.w_from_seed(5)))
    )
    assert np.linalg.norm(original - again) < 0.6 < np.linalg.norm(original - other)
    for size in (256, 512):  # as it is asked for anywhere
        small = generator.render(w_plus, size=512)[:: 512 // size, :: 512 // size]
        assert np.linalg.norm(encoder.encode(small) - found) < np.linalg.norm(
            encoder.encode(generator.render(generator.w_from_seed(5))) - found
        )


@pytest.mark.long
def test_what_is_no_picture_is_refused(generator):
    with pytest.raises(LatentError, match="64 px"):
        load_encoder(generator).encode(np.zeros((8, 8, 3), np.uint8))
