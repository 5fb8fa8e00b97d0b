"""Masks: made from any grid, read on any grid, packed, and refused when they are none."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from facegen.errors import UsageError
from facegen.masks import MASK_PX, Mask


def disc(radius, *, edge=MASK_PX, soft=0.0):
    y, x = (np.mgrid[:edge, :edge] + 0.5) / edge - 0.5
    far = np.hypot(x, y)
    if not soft:
        return (far < radius).astype(np.float32)
    return np.clip((radius - far) / soft, 0, 1).astype(np.float32)


SOFT = Mask.of(disc(0.3, soft=0.1))


@pytest.mark.parametrize("edge", [64, 256, 300, 1024])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.float32])
def test_a_mask_is_made_from_a_square_of_any_size_and_type(edge, kind):
    array = disc(0.3, edge=edge)
    array = (255 * array).astype(kind) if kind == np.uint8 else array.astype(kind)
    values = Mask.of(array).values
    assert values.shape == (256, 256)
    assert values[128, 128] == 255
    assert values[10, 10] == 0
    assert abs(values.mean() / 255 - np.pi * 0.09) < 0.01


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((256, 128)), "must be square"),
        (np.zeros((256, 256, 3)), "must be square"),
        (np.zeros((0, 0)), "1 to 8192 rows, got 0"),
        (np.zeros((9000, 9000), bool), "1 to 8192 rows"),
        (np.full((8, 8), 1.5), "numbers from 0 to 1"),
        (np.full((8, 8), np.nan), "numbers from 0 to 1"),
        (np.zeros((8, 8), np.int64), "bool, uint8 or float, got int64"),
        (np.full((8, 8), "x"), "bool, uint8 or float"),
    ],
)
def test_what_is_no_mask_is_refused_with_a_sentence(array, text):
    with pytest.raises(UsageError, match=text):
        Mask.of(array)
    with pytest.raises(UsageError, match="256 x 256 bytes"):
        Mask(b"short")


@pytest.mark.parametrize("px", [4, 32, 128, 256, 512, 1024])
def test_every_grid_agrees_on_where_nothing_changes(px):
    grid = SOFT.at(px)
    assert (grid.shape, grid.dtype) == ((px, px), np.float32)
    assert 0 <= grid.min() <= grid.max() <= 1
    inside = SOFT.values > 0
    if px >= 256:
        assert np.array_equal(grid > 0, np.kron(inside, np.ones((px // 256,) * 2)) > 0)
    else:
        cells = inside.reshape(px, 256 // px, px, 256 // px).any(axis=(1, 3))
        assert np.array_equal(grid > 0, cells)
    assert abs(grid.mean() - SOFT.share) < 0.002


def test_a_finer_grid_is_smooth_inside():
    ramp = Mask.of(np.tile(np.linspace(0.1, 0.9, 256, dtype=np.float32), (256, 1)))
    steps = np.diff(ramp.at(1024)[512, 8:-8])
    assert steps.min() >= 0
    assert steps.max() < 0.0015  # a fourth of a cell's step, not a stair


def test_small_things_count_fully_on_coarse_grids():
    eye = Mask.of(disc(0.02), small=True)
    assert eye.at(16).max() == 1
    assert Mask.of(disc(0.02)).at(16).max() < 0.7
    assert eye.at(16, "mean").max() < 0.7
    assert eye.at(128).sum() == Mask.of(disc(0.02)).at(128).sum()
    with pytest.raises(UsageError, match=r"2, 4, 8, … cells a side, got 100"):
        eye.at(100)


def test_the_box_holds_the_mask_and_no_more():
    array = np.zeros((256, 256), np.uint8)
    array[10:20, 64:128] = 1
    assert Mask.of(array).box() == (10 / 256, 20 / 256, 0.25, 0.5)
    assert Mask.whole().box() == (0, 1, 0, 1)
    assert Mask.empty().box() is None


def test_masks_are_joined_cut_and_taken_away():
    left, top = np.zeros((256, 256), bool), np.zeros((256, 256), bool)
    left[:, :128], top[:128] = True, True
    a, b = Mask.of(left), Mask.of(top, small=True)
    assert a.union(b).share == 0.75
    assert a.union(b).small
    assert a.within(b).share == a.minus(b).share == 0.25
    assert a.union() == a
    assert a.minus(a) == Mask.empty()
    assert Mask.empty().is_empty
    assert not a.is_empty
    assert Mask.whole().is_whole
    assert not a.is_whole
    everything = {a, b, Mask.of(left), Mask.of(left, small=True)}
    assert len(everything) == len({mask.digest for mask in everything}) == 3


def test_a_mask_comes_back_from_its_packed_bytes():
    assert Mask.unpack(SOFT.pack()) == SOFT
    assert len(SOFT.pack()) < 20_000
    bomb = zlib.compress(bytes(10**8), 9)
    for data in (bomb, b"", b"no zlib", SOFT.pack()[:-30], zlib.compress(bytes(65535))):
        with pytest.raises(ValueError, match="packed mask"):
            Mask.unpack(data)
