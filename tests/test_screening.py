"""Readings of thousands of seeds are those of the dials one by one, and are kept."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
from fakes import FakeGenerator

from facegen.errors import UsageError
from facegen.explore import bank as bank_module
from facegen.explore.bank import Bank
from facegen.explore.query import parse
from facegen.explore.screening import Screener, chances, shortfalls, z_of_seeds
from facegen.latents import MAX_SEED, broadcast_w, z_from_seed


@pytest.fixture(scope="module")
def screener(dials):
    return Screener(FakeGenerator(), dials)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(bank_module, "BLOCK", 32)


def counting(screener):
    """Lets the seeds be seen that are read anew."""
    read: list[int] = []

    class Counting(Screener):
        def w(self, seeds):
            read.extend(np.asarray(seeds).tolist())
            return super().w(seeds)

    return Counting(screener.generator, screener.dials), read


def test_seeds_mean_the_same_people_as_everywhere(screener):
    seeds = [0, 7, MAX_SEED]
    assert np.array_equal(z_of_seeds(seeds), np.concatenate([z_from_seed(s) for s in seeds]))
    with pytest.raises(UsageError, match="0 to"):
        z_of_seeds([-1])


def test_many_at_once_are_read_as_one_by_one(screener, dials):
    found = screener.read(range(50))
    for index in (0, 7, 49):
        w = broadcast_w(screener.generator.w_from_seed(index)[:1])[0]
        alone, many = dials.read(w), found.person(index)
        for name in dials.names:
            assert many[name] == pytest.approx(alone[name], abs=0.01 * dials.spec(name).unit_per_sd)
    assert np.allclose(found.of("age"), found.values[:, found.names.index("age")])
    assert found.descriptors.shape == (50, 128)


def test_chances_rank_who_meets_a_sentence(screener, dials):
    found = screener.read(range(400))
    query = parse("over 30, woman", dials)
    sure = chances(query, found, screener.errors)
    short = shortfalls(query, found, screener.errors)
    predicted = np.array([query.meets(found.person(index)) for index in range(len(found))])
    assert 0 < predicted.sum() < 400
    assert sure[predicted].mean() > 0.5 > sure[~predicted].mean()
    assert np.corrcoef(np.argsort(np.argsort(-sure)), np.argsort(np.argsort(short)))[0, 1] > 0.95
    assert sure.min() >= 0
    assert sure.max() <= 1


def test_a_bank_is_read_once_and_goes_on_where_it_stopped(screener, tmp_path, small_blocks):
    first, read = counting(screener)
    assert Bank(first, tmp_path).grow(3, stop=lambda: len(read) >= 64) == 2
    again, read = counting(screener)
    bank = Bank(again, tmp_path)
    assert bank.grow(3) == 3
    assert read == list(range(64, 96)), "only the missing block was made"
    kept = bank.block(1)
    assert np.array_equal(kept.scores, screener.read(range(32, 64)).scores)
    assert bank.block(1) is kept


@pytest.mark.parametrize("damage", ["cut", "text", "bundle", "other people", "other shape", "nan"])
def test_a_damaged_block_is_made_anew(screener, tmp_path, small_blocks, damage):
    bank = Bank(screener, tmp_path)
    right = bank.block(0).scores
    path = bank.folder / "00000.npy"
    bundle = io.BytesIO()
    np.savez(bundle, right)
    wrong = {
        "cut": path.read_bytes()[:500],
        "text": b"no array",
        "bundle": bundle.getvalue(),
        "other people": bank_module.npy_bytes(np.roll(right, 5, axis=0)),
        "other shape": bank_module.npy_bytes(right[:, :20]),
        "nan": bank_module.npy_bytes(np.full_like(right, np.nan)),
    }
    path.write_bytes(wrong[damage])
    assert np.array_equal(Bank(screener, tmp_path).block(0).scores, right)
    assert np.array_equal(np.load(path), right), "and kept"


def test_blocks_that_were_not_used_for_long_make_room(
    screener, tmp_path, small_blocks, monkeypatch
):
    monkeypatch.setattr(bank_module, "KEPT_ON_DISK", 3)
    other = Bank(Screener(screener.generator, screener.dials, psi=0.5), tmp_path)
    other.grow(1)
    bank = Bank(screener, tmp_path)
    bank.grow(2)
    # Clocks of file systems are coarse: the order is set by hand.
    for age, path in enumerate([bank.folder / "00001.npy", other.folder / "00000.npy"]):
        os.utime(path, (1000 + age, 1000 + age))
    Bank(screener, tmp_path).block(1)  # used again
    Bank(screener, tmp_path).block(5)
    assert not (other.folder / "00000.npy").exists()
    assert sorted(path.name for path in bank.folder.iterdir()) == [
        "00000.npy", "00001.npy", "00005.npy"
    ]  # fmt: skip


def test_a_cache_that_can_only_be_read_is_used(screener, tmp_path, small_blocks, monkeypatch):
    Bank(screener, tmp_path).grow(1)
    again, read = counting(screener)
    monkeypatch.setattr(bank_module.os, "utime", lambda *_: (_ for _ in ()).throw(PermissionError))
    Bank(again, tmp_path).block(0)
    assert len(read) == bank_module.CHECKED


def test_where_nothing_can_be_written_all_works_without(screener, tmp_path, small_blocks):
    place = tmp_path / "file"
    place.write_text("in the way")
    bank = Bank(screener, place / "bank")
    assert len(bank.block(0)) == 32
    assert bank.grow(4) == 1, "what is in memory"
    assert place.read_text() == "in the way"


def test_psi_and_network_have_banks_of_their_own(dials):
    one, other = (Bank(Screener(FakeGenerator(), dials, psi=psi)) for psi in (0.7, 1.0))
    assert one.folder != other.folder
    assert "fake-1024" in one.folder.parts
