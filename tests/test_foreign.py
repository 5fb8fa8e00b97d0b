"""Directions from other programs: every known shape, units, and what must be refused."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from facegen.directions import foreign, user_dials
from facegen.directions.population import population_of
from facegen.editing.dial_set import DialSet
from facegen.errors import BadFileError, FacegenError, LatentError, SpaceMismatchError, UsageError
from facegen.face import Face
from tests.fakes import FakeGenerator
from tests.own_space import copy_dials

RNG = np.random.RandomState(0)
BOUNDARY = RNG.randn(1, 512)
BOUNDARY /= np.linalg.norm(BOUNDARY)
PER_ROW = RNG.randn(18, 512)


def stored(tmp_path, array, name="thing.npy"):
    path = tmp_path / name
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    "array",
    [BOUNDARY[0], BOUNDARY, BOUNDARY.astype(np.float32), np.repeat(BOUNDARY, 18, axis=0)],
    ids=["512", "interfacegan", "float32", "18x512"],
)
def test_known_shapes_give_the_same_direction(tmp_path, array):
    found = foreign.read_foreign(stored(tmp_path, array))
    assert found.shape == (18, 512)
    assert found.dtype == np.float32
    assert np.allclose(found, np.repeat(BOUNDARY, 18, axis=0), atol=1e-6)


def test_rows_of_their_own_are_kept(tmp_path):
    for array in (PER_ROW, PER_ROW[None]):
        assert np.allclose(foreign.read_foreign(stored(tmp_path, array)), PER_ROW, atol=1e-6)


@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_of_torch_are_read_as_data(tmp_path, legacy):
    path = tmp_path / "thing.pt"
    torch.save(torch.from_numpy(BOUNDARY), path, _use_new_zipfile_serialization=not legacy)
    assert np.allclose(foreign.read_foreign(path)[3], BOUNDARY[0], atol=1e-6)


class Attack:
    def __reduce__(self):
        return eval, ("__import__('os').environ.__setitem__('HACKED', '1')",)


def bad_files():
    yield "nan", np.full(512, np.nan)
    yield "infinite", np.full((1, 512), np.inf)
    yield "zero", np.zeros((18, 512))
    yield "short", np.ones(511)
    yield "wide", np.ones((2, 512))
    yield "deep", np.ones((1, 1, 18, 512))
    yield "nothing", np.ones((0, 512))
    yield "complex", np.ones(512, complex)
    yield "words", np.array(["a"] * 512)
    yield "one number", np.float64(3)
    yield "huge", np.full(512, 1e300)


BAD_FILES = dict(bad_files())


@pytest.mark.parametrize(("name", "array"), list(BAD_FILES.items()), ids=list(BAD_FILES))
def test_arrays_that_are_no_direction_are_refused_in_a_sentence(tmp_path, name, array):
    with pytest.raises(LatentError, match=r"thing\.npy") as info:
        foreign.read_foreign(stored(tmp_path, array))
    assert "\n" not in str(info.value)


def test_objects_and_pickles_are_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.delenv("HACKED", raising=False)
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([Attack()], object), allow_pickle=True)
    plain = tmp_path / "plain.pt"
    plain.write_bytes(pickle.dumps(Attack()))
    for path in (objects, plain):
        with pytest.raises(BadFileError):
            foreign.read_foreign(path)
    assert "HACKED" not in os.environ


def test_other_files_are_refused(tmp_path, generator):
    Face.from_seed(generator, 1).save(
        tmp_path / "face.png", np.zeros((16, 16, 3), np.uint8), npz=True
    )
    (tmp_path / "text.npy").write_text("0.1 0.2")
    cut = stored(tmp_path, BOUNDARY, "cut.npy")
    cut.write_bytes(cut.read_bytes()[:-100])
    for name in ("face.png", "face.npz", "text.npy", "cut.npy", "missing.npy"):
        with pytest.raises(FacegenError, match=name.split(".")[0]):
            foreign.read_foreign(tmp_path / name)


def test_the_length_of_the_file_does_not_matter_and_the_unit_is_one_sd(tmp_path, generator):
    population = population_of(generator)
    one, big = (
        foreign.import_direction(generator, stored(tmp_path, scale * BOUNDARY), name="theirs")
        for scale in (1.0, 250.0)
    )
    assert np.allclose(one.vector, big.vector, rtol=1e-4)
    along = population.w @ BOUNDARY[0]
    assert np.linalg.norm(one.vector[0]) == pytest.approx(along.std(), rel=0.01)
    faces = [generator.w_from_seed(seed, 0.8) for seed in range(300)]
    reads = np.array([one.read(face) for face in faces])
    assert reads.std() == pytest.approx(1.0, abs=0.15)
    assert abs(reads.mean()) < 0.2
    assert one.natural[0] < -1.5
    assert one.natural[1] > 1.5


def test_rows_are_kept_to(tmp_path, generator):
    path = stored(tmp_path, PER_ROW)
    dial = foreign.import_direction(generator, path, name="theirs", rows=(2, 6))
    assert np.any(dial.vector[2:6])
    assert not np.any(dial.vector[:2])
    assert not np.any(dial.vector[6:])
    assert dial.rows == (2, 6)
    base = generator.w_from_seed(3, 0.8)
    assert dial.read(base + dial.vector) - dial.read(base) == pytest.approx(1, abs=1e-3)
    upper = PER_ROW.copy()
    upper[:9] = 0
    with pytest.raises(UsageError, match="zero on the rows 0:8"):
        foreign.import_direction(generator, stored(tmp_path, upper), name="theirs", rows=(0, 8))


def test_a_known_direction_is_recognised_by_what_it_moves(tmp_path, generator):
    vector = DialSet.load(own=False).vector("yaw")
    dial = foreign.import_direction(generator, stored(tmp_path, vector), name="turned")
    assert next(iter(dial.moves)) == "yaw"
    assert dial.moves["yaw"] > 0.2


def test_an_imported_dial_is_a_dial_and_its_file_can_be_imported_by_others(tmp_path, generator):
    folder = copy_dials(tmp_path / "dials")
    dial = foreign.import_direction(
        generator, stored(tmp_path, BOUNDARY), name="theirs", licence="MIT", folder=folder
    )
    path = user_dials.save_own(dial, folder=folder)
    assert "theirs" in DialSet.load(folder=folder).names
    again = foreign.import_direction(generator, path, name="mine_now", folder=folder)
    assert np.array_equal(again.vector, dial.vector)
    assert again.licence == "MIT"
    other = FakeGenerator()
    other.space = "space-0123456789ab"
    with pytest.raises(SpaceMismatchError):
        foreign.import_direction(other, path, name="mine_now", folder=folder)


def test_pictures_set_the_unit():
    vector = np.ones((18, 512), np.float32)
    dial = user_dials.OwnDial(
        "theirs", "Theirs", "s", "foreign", vector, vector / vector.size, 0.0, (-2.0, 2.0), (0, 18)
    )
    seen = foreign.OnPictures(8, {"smile": -0.5, "age": 0.1}, 0.3)
    scaled = foreign.in_picture_units(dial, seen)
    assert scaled.vector[0, 0] == pytest.approx(2.0)
    assert scaled.moves == {"smile": -1.0, "age": 0.2}
    base = np.zeros((18, 512), np.float32)
    assert scaled.read(base + scaled.vector) == pytest.approx(1.0, abs=1e-4)
    hardly = foreign.in_picture_units(dial, foreign.OnPictures(8, {"smile": 0.05}, 0.1))
    assert np.array_equal(hardly.vector, dial.vector)
