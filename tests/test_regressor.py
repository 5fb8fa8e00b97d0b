"""The regressor: files, slopes, learning; and the solver on the dials that the app uses."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.directions.recipes import same_things
from facegen.directions.regressor import (
    ROW_GROUPS,
    group_means,
    read_regressor,
    spread_groups,
    write_regressor,
)
from facegen.directions.solver import IDENTITY
from facegen.directions.store import npz_bytes, read_npz
from facegen.editing.dial_set import DialSet
from facegen.errors import BadFileError
from facegen.latents import BUNDLED_SPACE
from facegen.learning.train_regressor import fit_regressor
from facegen.paths import DIRECTIONS_DIR


@pytest.fixture(scope="module")
def regressor():
    return read_regressor(BUNDLED_SPACE)


def test_groups_cover_all_rows_once():
    rows = np.arange(18, dtype=np.float32)[:, None] * np.ones(512, np.float32)
    means = group_means(rows[None])[0, :, 0]
    assert means.tolist() == [np.mean(range(first, last)) for first, last in ROW_GROUPS]
    again = group_means(spread_groups(group_means(rows[None])))
    assert np.array_equal(again, group_means(rows[None]))


def test_it_survives_writing_to_the_byte(regressor, tmp_path):
    write_regressor(regressor, BUNDLED_SPACE, folder=tmp_path)
    old = DIRECTIONS_DIR / BUNDLED_SPACE / "regressor.npz"
    assert (tmp_path / BUNDLED_SPACE / "regressor.npz").read_bytes() == old.read_bytes()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"w1": np.zeros((3, 3), np.float32)}, "w1 must be"),
        ({"mean": None}, "it must hold"),
        ({"b1": np.float32(np.nan)}, "NaN"),
        ({"spread": np.float32(0.0)}, "more than zero"),
    ],
)
def test_damage_is_told(tmp_path, change, sentence):
    arrays = read_npz(DIRECTIONS_DIR / BUNDLED_SPACE / "regressor.npz")
    for key, value in change.items():
        if value is None:
            del arrays[key]
        else:
            arrays[key] = value if value.ndim else np.full_like(arrays[key], value)
    place = tmp_path / BUNDLED_SPACE
    place.mkdir()
    (place / "regressor.npz").write_bytes(npz_bytes(arrays))
    with pytest.raises(BadFileError, match=sentence):
        read_regressor(BUNDLED_SPACE, folder=tmp_path)


def test_slopes_are_those_of_the_scores(regressor):
    rng = np.random.RandomState(0)
    steps = rng.randn(3, 18, 512).astype(np.float32) * 0.02
    shares = regressor.shares(steps).astype(np.float64)
    here = regressor.contributions(regressor.origin + steps[:1])[0].astype(np.float64)
    straight = shares.reshape(3, len(ROW_GROUPS), -1).sum(axis=1)
    through = regressor.output_slopes(here, regressor.w3) @ (shares @ regressor.w1).T
    for k in range(3):
        near = [regressor.scores((here + e * shares[k])[None])[0] for e in (1e-3, -1e-3)]
        assert np.allclose((near[0] - near[1]) / 2e-3, straight[k] + through[:, k], atol=1e-3)


@pytest.mark.long
def test_learning_finds_a_threshold_that_no_line_can():
    rng = np.random.RandomState(1)
    groups = np.zeros((2000, 6, 512), np.float32)
    groups[:, :, :4] = rng.randn(2000, 6, 4)  # few directions matter, as in a real latent space
    drive = groups[:, 2, 0]
    channels = {"straight": drive.astype(float), "hidden": (drive > 1.0).astype(float)}
    fitted = fit_regressor(
        groups, channels, rng.randn(2000, 128), np.ones(2000, bool), np.zeros(512), epochs=40
    )
    assert fitted.score[0] > 0.95
    line = np.corrcoef(drive, channels["hidden"])[0, 1]
    assert fitted.score[1] > line + 0.05
    assert abs(fitted.score[2:]).mean() < 0.2  # what is not there is not found


@pytest.fixture(scope="module")
def dials():
    return DialSet.load()


@pytest.mark.weights
@pytest.mark.parametrize("name", ["yaw", "age", "smile", "hair_length", "glasses"])
def test_what_is_asked_moves_and_little_else(dials, face, name):
    before = dials.read(face.w_plus)
    sd = {other: dials.spec(other).unit_per_sd for other in dials.names}
    sign = 1.0 if before[name] <= dials.spec(name).mean else -1.0  # there is no hair beyond long
    after = dials.read(dials.apply(face.w_plus, {name: sign * sd[name]}))
    moved = {other: sign * (after[other] - before[other]) / sd[other] for other in dials.names}
    assert moved.pop(name) == pytest.approx(1.0, abs=0.1)
    others = [size for other, size in moved.items() if other not in same_things(name)]
    assert np.median(np.abs(others)) < 0.15


@pytest.mark.weights
def test_taking_an_edit_back_takes_all_of_it_back(dials, face):
    there = dials.apply(face.w_plus, {"smile": 1.0, "age": 10.0})
    again = dials.apply(face.w_plus, {"age": 10.0, "smile": 1.0})
    assert np.array_equal(there, again)
    assert np.array_equal(dials.apply(face.w_plus, {"smile": 0.0}), face.w_plus)


@pytest.mark.weights
def test_the_identity_lock_keeps_the_descriptor(dials, face, regressor):
    def drift(asked):
        moved = dials.apply(face.w_plus, asked)
        both = regressor.scores(regressor.contributions(np.stack([face.w_plus, moved])))
        return np.linalg.norm(((both[1] - both[0]) * regressor.spread)[-128:])

    assert drift({"age": 24.0, IDENTITY: 0.0}) < 0.9 * drift({"age": 24.0})
