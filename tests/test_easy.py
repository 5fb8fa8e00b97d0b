"""The few words of the package's front: each does what the rooms below it do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import facegen as fg
from facegen.editing.dial_set import DialSet
from facegen.errors import UnknownDialError, UsageError
from facegen.images import decode_image


@pytest.fixture
def gen(generator) -> fg.FaceGenerator:
    return fg.FaceGenerator(generator, DialSet.load(generator.space, own=False))


def test_load_gives_the_bundled_network_and_its_dials(generator):
    loaded = fg.load()
    assert loaded.generator.model == generator.model
    assert "age" in loaded.dials.names


def test_a_face_is_edited_to_a_reading(gen):
    face = gen.face(seed=7)
    older = face.edit(age=60, lock="identity", name="Ann")
    assert older.readings["age"] == pytest.approx(60, abs=1)
    assert older.face.name == "Ann"
    assert face.face.edits == (), "the first face is as it was"
    moved = face.move(smile=1.0)
    assert moved.readings["smile"] > face.readings["smile"]
    with pytest.raises(UnknownDialError):
        face.edit(nothing=1)


def test_the_rest_of_a_picture_is_kept_and_stays_kept(gen, tmp_path):
    face = gen.face(seed=7)
    before = gen.render(face, size=256).astype(int)
    made = face.edit(lipstick=2.5, keep_rest=True)
    change = np.abs(gen.render(made, size=256).astype(int) - before).max(axis=2)
    assert change.max() > 20
    assert not change[:100].any(), "hair and brows are as they were"
    gen.save(made, tmp_path / "made.png")
    both = gen.open(tmp_path / "made.png").move(smile=0.5, keep_rest=True)
    change = np.abs(gen.render(both, size=256).astype(int) - before).max(axis=2)
    assert not change[:20].any()
    assert both.face.keep is not None
    # An edit that keeps nothing changes what is kept, and forgets nothing of it.
    turned = both.move(yaw=10)
    assert turned.face.keep is not None
    with pytest.raises(UsageError, match="network"):
        replace(face, generator=None).move(smile=1.0, keep_rest=True)


def test_a_saved_face_opens_with_its_picture(gen, tmp_path):
    face = gen.face(seed=7).move(smile=1.0)
    path = gen.save(face, tmp_path / "ann.png")
    again = gen.open(path)
    np.testing.assert_array_equal(again.face.w_plus, face.face.w_plus)
    saved = decode_image(path.read_bytes(), name=path.name)
    np.testing.assert_array_equal(saved, gen.render(again))


def test_a_sweep_is_written_as_a_sheet_and_a_zip(gen, tmp_path):
    turned = gen.sweep(gen.face(seed=7), yaw=range(-10, 11, 10), size=256)
    assert [frame.cell.yaw for frame in turned.frames] == [-10, 0, 10]
    sheet = decode_image(turned.sheet(tmp_path / "turned.png").read_bytes(), name="turned.png")
    assert sheet.shape[1] > sheet.shape[0]
    assert turned.zip(tmp_path / "turned.zip").stat().st_size > 0
