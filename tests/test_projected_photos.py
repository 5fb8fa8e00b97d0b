"""Folders of projected photographs: continued, stopped, and put back; the command line on top."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from facegen.cli import cli
from facegen.errors import BadFileError, UsageError
from facegen.face import PHOTOGRAPH, Face
from facegen.images import decode_image, encode_png
from facegen.invert import photos
from facegen.invert.photos import project_photo
from facegen.invert.project import Projected, Step
from facegen.photos.align import AlignedFace
from facegen.photos.crops import read_record

W_PLUS = np.zeros((18, 512), np.float32)


class FakeGenerator:
    model, space = "fake", "stylegan2-ffhq"

    def render(self, w_plus):
        return np.full((1024, 1024, 3), 90, np.uint8)


class FakeProjector:
    def __init__(self):
        self.calls = []

    def project(self, crop, *, steps, done):
        self.calls.append(crop.shape)
        for number in range(1, steps + 1):
            if not done(Step(number, steps, W_PLUS, None, 1 / number, 0.0)):
                break
        return Projected(W_PLUS + number, number, 1.25, number < steps, {"structure": 0.81234})


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """A photo on which two faces are found, wherever one looks."""
    found = [
        AlignedFace(
            np.full((1024, 1024, 3), 50 + k, np.uint8), np.array([[4.0, 0, 8 * k], [0, 4.0, 0]]),
            (0, 0, 9, 9), np.zeros((68, 2)), 40.0, (), True,
        )
        for k in range(2)
    ]  # fmt: skip
    monkeypatch.setattr(photos, "require_faces", lambda photo: found)
    path = tmp_path / "party.png"
    path.write_bytes(encode_png(np.full((256, 256, 3), 70, np.uint8), source_type=None))
    return path


def run(photo, out, projector, **more):
    return list(project_photo(photo, "party", out, projector, FakeGenerator(), steps=3, **more))


def test_each_face_becomes_a_face_file_that_tells_where_it_is_from(photo, tmp_path):
    found = run(photo, tmp_path / "out", FakeProjector())
    assert [one.path.name for one in found] == ["party-1.png", "party-2.png"]
    face = Face.load(found[0].path)
    assert face.source == PHOTOGRAPH
    assert np.array_equal(face.w_plus, W_PLUS + 3)
    assert b"rainedAlgorithmicMedia" in found[0].path.read_bytes()
    told = json.loads((tmp_path / "out/party-2.json").read_text())
    assert told["projection"]["numbers"] == {"structure": 0.8123}
    assert read_record(tmp_path / "out/party-2.json").face == 2


def test_what_is_there_is_not_made_again(photo, tmp_path):
    first = FakeProjector()
    run(photo, tmp_path / "out", first, face=2)
    again = FakeProjector()
    found = run(photo, tmp_path / "out", again)
    assert len(first.calls) == len(again.calls) == 1
    assert [one.is_new for one in found] == [True, False]


def test_stopping_keeps_the_face_so_far_and_begins_no_other(photo, tmp_path):
    found = run(photo, tmp_path / "out", FakeProjector(), tell=lambda *at: at[2].number < 2)
    assert len(found) == 1
    assert found[0].told.stopped
    assert found[0].told.steps == 2
    assert np.array_equal(Face.load(found[0].path).w_plus, W_PLUS + 2)


def test_small_pictures_hold_the_same_face(photo, tmp_path):
    found = run(photo, tmp_path / "out", FakeProjector(), face=1, size=256)
    assert decode_image(found[0].path.read_bytes(), name="x").shape == (256, 256, 3)
    assert found[0].record.size == 1024


def test_a_face_that_is_not_there_is_told(photo, tmp_path):
    with pytest.raises(BadFileError, match="2 faces"):
        run(photo, tmp_path / "out", FakeProjector(), face=3)


def test_crops_of_align_are_not_taken_for_results(photo, tmp_path):
    run(photo, tmp_path / "out", FakeProjector())
    record = tmp_path / "out/party-1.json"
    fields = json.loads(record.read_text())
    del fields["projection"]
    record.write_text(json.dumps(fields))
    with pytest.raises(UsageError, match="align"):
        run(photo, tmp_path / "out", FakeProjector())


def test_pasting_back_needs_the_record_and_another_file(tmp_path):
    face = tmp_path / "someone.png"
    Face.from_w_plus(W_PLUS).save(face, np.zeros((64, 64, 3), np.uint8))
    ask = ["edit", str(face), "--set", "age=+5y", "--paste-back", str(face), "--out"]
    result = CliRunner().invoke(cli, [*ask, str(tmp_path / "x.jpg")])
    assert result.exit_code == 1
    assert "someone.json" in result.output
    result = CliRunner().invoke(cli, [*ask, str(tmp_path / "x.gif")])
    assert result.exit_code != 0


@pytest.mark.weights
@pytest.mark.long
def test_a_photo_is_projected_edited_and_put_back(generator, tmp_path):
    shown = generator.render(generator.w_from_seed(11))
    photo = tmp_path / "me.png"
    photo.write_bytes(encode_png(np.pad(shown, ((60, 0), (0, 90), (0, 0)), "edge")[::2, ::2]))
    out = tmp_path / "out"
    ask = ["project", str(photo), "--out", str(out), "--steps", "3", "--json"]
    result = CliRunner().invoke(cli, ask)
    assert result.exit_code == 0, result.output
    edited = tmp_path / "older.png"
    ask = ["edit", str(out / "me-1.png"), "--set", "age=+25y", "--paste-back", str(photo)]
    result = CliRunner().invoke(cli, [*ask, "--out", str(edited)])
    assert result.exit_code == 0, result.output
    before, after = (decode_image(one.read_bytes(), name="x") for one in (photo, edited))
    assert before.shape == after.shape
    assert np.array_equal(before[:, -20:], after[:, -20:])
    assert (before != after).any()
