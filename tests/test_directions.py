"""Direction files, and the mathematics that makes them."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from facegen.directions.linear import ridge, solve_direction
from facegen.directions.regressor import read_regressor, write_regressor
from facegen.directions.store import read_direction, read_npz, write_direction
from facegen.editing.dial_set import DialSet
from facegen.errors import BadFileError, SpaceMismatchError, UsageError
from facegen.latents import BUNDLED_SPACE
from facegen.learning.labels import read_labels
from facegen.learning.learn import learn, measure_training_faces
from facegen.learning.samples import scan
from facegen.measure.classifiers import CLASSIFIERS_FILE
from facegen.paths import DIRECTIONS_DIR


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / BUNDLED_SPACE
    place.mkdir()
    for name in ("smile.json", "smile.npz", "regressor.npz"):
        shutil.copy(DIRECTIONS_DIR / BUNDLED_SPACE / name, place)
    return tmp_path


def damage(folder, **changes):
    path = folder / BUNDLED_SPACE / "smile.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_direction_survives_writing_to_the_byte(folder, tmp_path):
    direction = read_direction(BUNDLED_SPACE, "smile", folder=folder)
    other = tmp_path / "other"
    write_direction(direction, folder=other)
    write_regressor(read_regressor(BUNDLED_SPACE, folder=folder), BUNDLED_SPACE, folder=other)
    for name in ("smile.json", "smile.npz", "regressor.npz"):
        old, new = (where / BUNDLED_SPACE / name for where in (folder, other))
        assert old.read_bytes() == new.read_bytes(), name
    assert DialSet.load(folder=other).names == ("smile",)


def test_learned_files_stay_small():
    files = list((DIRECTIONS_DIR / BUNDLED_SPACE).iterdir())
    assert sum(path.stat().st_size for path in files) < 4_000_000


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((16, 512), np.float32), r"\(18, 512\), got \(16, 512\)"),
        (np.full((18, 512), np.nan, np.float32), "NaN"),
        (np.zeros((18, 512), int), r"must be floats"),
        (np.array([{"a": 1}], object), "not an npz of plain arrays"),
    ],
)
def test_wrong_arrays_are_refused(folder, array, sentence):
    np.savez(folder / BUNDLED_SPACE / "smile.npz", vector=array)
    with pytest.raises(BadFileError, match=sentence):
        read_direction(BUNDLED_SPACE, "smile", folder=folder)


@pytest.mark.parametrize("data", [b"", b"not a zip", b"\x80\x04]\x94."])
def test_foreign_bytes_are_refused(folder, data):
    (folder / BUNDLED_SPACE / "smile.npz").write_bytes(data)
    with pytest.raises(BadFileError, match=r"smile\.npz cannot be used"):
        read_direction(BUNDLED_SPACE, "smile", folder=folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"natural": [1, float("nan")]}, "not JSON"),
        ({"natural": [2, 1]}, "natural must rise"),
        ({"natural": ["a", "b"]}, r"natural\[0\] must be a number, got a text"),
        ({"unit_per_sd": 0}, r"unit_per_sd must be a number > 0\.0"),
        ({"format": 2}, "reads format 1"),
    ],
)
def test_wrong_facts_are_refused(folder, changes, sentence):
    damage(folder, **changes)
    with pytest.raises(BadFileError, match=sentence):
        read_direction(BUNDLED_SPACE, "smile", folder=folder)


def test_a_direction_of_another_space_is_refused(folder):
    damage(folder, space="space-0123")
    with pytest.raises(SpaceMismatchError, match="space 'space-0123'"):
        read_direction(BUNDLED_SPACE, "smile", folder=folder)


def test_a_missing_file_is_named(folder):
    (folder / BUNDLED_SPACE / "smile.npz").unlink()
    with pytest.raises(BadFileError, match=r"smile\.npz.*missing"):
        read_direction(BUNDLED_SPACE, "smile", folder=folder)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, vector=np.zeros(3_000_000))
    with pytest.raises(BadFileError, match="more than a direction can need"):
        read_npz(path)


@pytest.mark.parametrize(("faces", "outputs"), [(30, 2), (200, 2), (30, None)])
@pytest.mark.parametrize("intercept", [False, True])
def test_ridge_regressions_are_the_closed_form(faces, outputs, intercept):
    rng = np.random.RandomState(0)
    x = rng.randn(faces, 50) + 2
    y = rng.randn(faces) if outputs is None else rng.randn(faces, outputs)
    a, b = (x - x.mean(axis=0), y - y.mean(axis=0)) if intercept else (x, y)
    want = np.linalg.solve(a.T @ a + 3.0 * np.eye(50), a.T @ b)
    got = ridge(x, y, 3.0, intercept=intercept)
    assert got.shape == want.shape
    assert np.allclose(got, want, rtol=1e-8, atol=1e-10)


def test_a_direction_moves_its_reading_by_one_and_holds_others():
    rng = np.random.RandomState(2)
    root = rng.randn(40, 40)
    covariance = root @ root.T
    g = {"a": rng.randn(40), "b": rng.randn(40)}
    g["b"] += g["a"]  # correlated
    free = solve_direction("a", g, covariance, held=(), hold=0.0)
    held = solve_direction("a", g, covariance, held=("a", "b"), hold=1e6)
    assert g["a"] @ free == pytest.approx(1)
    assert g["a"] @ held == pytest.approx(1)
    assert abs(g["b"] @ held) < 1e-3 < abs(g["b"] @ free)
    assert np.allclose(free, covariance @ g["a"] / (g["a"] @ covariance @ g["a"]))


def test_labels_are_numbers_with_gaps():
    seeds, channels = read_labels()
    assert len(seeds) == 1764
    assert {len(values) for values in channels.values()} == {1764}
    assert set(np.unique(channels["hair_red"][np.isfinite(channels["hair_red"])])) == {0, 1}
    assert np.isnan(channels["gender"]).any()


def test_labels_that_are_not_labels_are_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("seed,male\n1,yes\n")
    with pytest.raises(BadFileError, match=r"labels\.csv cannot be read"):
        read_labels(path)


@pytest.mark.weights
def test_faces_of_another_space_are_measured_without_teaching_the_instruments(generator, tmp_path):
    seeds = [10_000, 10_001, 10_002]
    faces = scan(
        generator, seeds, lambda seed: generator.w_from_seed(seed, 0.8), cache=tmp_path / "faces"
    )
    taught = CLASSIFIERS_FILE.read_bytes()
    when = CLASSIFIERS_FILE.stat().st_mtime_ns
    training = measure_training_faces(generator, faces, {}, np.zeros(0, int), {})
    assert training.text == "10000-10002"
    assert training.natural.all()
    assert len(training.channels["age"]) == len(seeds)
    assert CLASSIFIERS_FILE.stat().st_mtime_ns == when
    assert CLASSIFIERS_FILE.read_bytes() == taught


class Elsewhere:
    """A generator of another space that would render if it were asked."""

    space = "elsewhere"


def test_too_few_faces_of_another_space_are_refused_before_any_work():
    with pytest.raises(UsageError, match="at least 200 samples, got 50"):
        learn(Elsewhere(), samples=50)
