"""What makes the start quick: the kept average, and loading before anybody asks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fakes import fake_parts

from facegen import generator as generator_module
from facegen.generator import Generator
from facegen.nets.mapping import Mapping
from facegen.service import loading


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Makes generators with small mapping networks; tells how many averages were computed."""
    monkeypatch.setattr(generator_module, "cache_dir", lambda: tmp_path)
    counted = []
    average = Generator._averaged
    monkeypatch.setattr(Generator, "_averaged", lambda self: counted.append(1) or average(self))

    def make(seed: int = 0) -> Generator:
        torch.manual_seed(seed)
        synthesis = SimpleNamespace(num_ws=18, img_resolution=64, device=torch.device("cpu"))
        networks = SimpleNamespace(
            mapping=Mapping(num_layers=1), synthesis=synthesis, head=None, space="small",
            why_not_face=None, w_avg=None,
        )  # fmt: skip
        return Generator(networks, None, model="small")

    make.counted, make.folder = counted, tmp_path / "w_avg"
    return make


@pytest.mark.long
def test_the_average_is_computed_once_for_the_same_weights(made):
    first = made()
    again = made()
    assert len(made.counted) == 1
    assert np.array_equal(first.w_avg, again.w_avg)
    other = made(seed=1)
    assert len(made.counted) == 2
    assert not np.array_equal(first.w_avg, other.w_avg)


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"PK\x05\x06" + b"\0" * 18])
@pytest.mark.long
def test_an_average_that_is_damaged_is_computed_anew(made, damage):
    first = made()
    [path] = made.folder.glob("*.npy")
    path.write_bytes(damage)
    assert np.array_equal(made().w_avg, first.w_avg)
    np.save(path, np.full(512, np.nan, np.float32))
    assert np.array_equal(made().w_avg, first.w_avg)
    assert len(made.counted) == 3


def test_without_a_place_to_keep_it_the_average_is_computed(made):
    made.folder.write_text("a file where the folder would be")
    assert np.isfinite(made().w_avg).all()


def test_the_network_that_began_to_load_early_is_the_one_that_is_asked_for(monkeypatch):
    monkeypatch.setattr(loading, "_early", [])
    monkeypatch.setattr(loading, "load_parts", fake_parts)
    assert loading.loader_of(None) is not loading.loader_of(None)
    loading.begin_early()
    loading.begin_early()
    early = loading.loader_of(None)
    early.wait(60)
    assert early.backend is not None
    assert loading.loader_of(None) is early
    assert loading.loader_of("other") is not early
