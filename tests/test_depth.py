"""Depth of portraits: what is near is near, files, datasets, and what has none."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from facegen.cli import cli
from facegen.datasets.folder import depth_place, files_of, folder_of, missing_of, record_path
from facegen.datasets.plan import Plan
from facegen.easy import load
from facegen.errors import LatentError, UsageError
from facegen.face import Face
from facegen.local import depth
from facegen.local.depth import PLANE_CM, Depth, _bulged, _without_holes
from facegen.measure.mesh import CHIN, EAR_SIDES, NOSE_TIP
from facegen.measure.surface import drawn


def test_triangles_are_drawn_and_the_nearest_shows():
    points = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [0, 0, 5], [0.5, 0, 5], [0, 0.5, 5]], float)
    found = drawn(points, np.array([[0, 1, 2], [3, 4, 5]]), 16)
    assert found[2, 2] == 5
    assert found[2, 12] == 1
    assert found[15, 15] == -np.inf


def test_a_slope_is_drawn_as_it_is():
    points = np.array([[0, 0, 0], [1, 0, 8], [0, 1, 0], [1, 1, 8]], float)
    found = drawn(points, np.array([[0, 1, 2], [1, 2, 3]]), 16)
    assert np.allclose(found, 8 * (np.arange(16) + 0.5) / 16, atol=1e-4)


def test_a_disc_bulges_to_a_ball():
    rows, columns = np.indices((256, 256)) - 127.5
    disc = rows**2 + columns**2 < 80**2
    nothing = np.zeros_like(disc)
    height = _bulged(disc, nothing, np.zeros(disc.shape), ~disc, 0.1)
    ball = 0.1 * np.sqrt(np.clip(80**2 - rows**2 - columns**2, 0, None))
    inner = rows**2 + columns**2 < 60**2
    assert height[128, 128] == pytest.approx(8, rel=0.15)
    assert np.abs(height - ball)[inner].max() < 1.2


def test_small_holes_are_filled_and_openings_are_not():
    shown = np.ones((100, 100), bool)
    shown[50:53, 50:53] = False
    shown[:30, :30] = False
    filled = _without_holes(shown)
    assert filled[51, 51]
    assert not filled[5, 5]


def test_as_a_picture_near_is_bright():
    cm = np.array([[PLANE_CM, 10.0], [0.0, 99.0]], np.float32)
    picture = Depth(cm, None).picture()
    assert picture.dtype == np.uint16
    assert picture.tolist() == [[0, 65535], [round(65535 * 25 / 35), 65535]]


@pytest.mark.weights
def test_noses_are_before_ears_and_chins_before_necks(generator):
    for seed in range(620, 626):
        face = Face.from_seed(generator, seed)
        found = depth.of_face(face, generator, size=512)
        points, cm = found.mesh.points, found.cm
        at = [tuple((points[k, 1::-1] * 512).astype(int)) for k in (NOSE_TIP, *EAR_SIDES)]
        assert cm[at[0]] > max(cm[place] for place in at[1:]) + 3
        row, column = (points[CHIN, 1::-1] * 512).astype(int)
        below = min(row + 40, 511)
        if cm[below, column] > PLANE_CM:
            assert cm[row - 12, column] > cm[below, column]
        assert (cm == PLANE_CM).any()
        assert cm.max() < 9
        assert cm.dtype == np.float32


@pytest.mark.weights
def test_a_depth_is_the_same_every_time_and_at_every_size(generator, face):
    gen = load()
    one = gen.depth(face)
    assert np.array_equal(one, gen.depth(face))
    large = gen.depth(face, size=1024)
    assert large.shape == (1024, 1024)
    person = (one > PLANE_CM) & (large[2::4, 2::4] > PLANE_CM)
    assert np.median(np.abs(one - large[2::4, 2::4])[person]) < 0.2
    with pytest.raises(UsageError, match="256, 512, 1024, got 300"):
        gen.depth(face, size=300)


@pytest.mark.weights
def test_nobody_has_no_depth(generator):
    grey = np.full((256, 256, 3), 127, np.uint8)
    for of in (depth.of_picture, depth.of_photograph):
        with pytest.raises(LatentError, match="No face is seen on this picture"):
            of(grey)


@pytest.mark.weights
def test_depths_in_a_terminal(generator, face, picture, tmp_path):
    face.save(tmp_path / "a.png", picture)
    Image.fromarray(picture).save(tmp_path / "b.jpg")
    Image.fromarray(picture[:4, :4]).resize((128, 128)).save(tmp_path / "c.png")
    done = CliRunner().invoke(
        cli, ["depth", *(str(tmp_path / n) for n in ("a.png", "b.jpg", "c.png")),
              "--size", "256", "--out", str(tmp_path / "out")],
    )  # fmt: skip
    assert done.exit_code == 1
    assert "c.png: No face is seen" in done.output
    with Image.open(tmp_path / "out" / "a-depth.png") as own:
        assert own.size == (256, 256)
        assert own.mode.startswith("I")
        first = np.asarray(own).astype(float)
    with Image.open(tmp_path / "out" / "b-depth.png") as own:
        second = np.asarray(own).astype(float)
    # The one knows its segments from features, the other from pixels.
    assert np.median(np.abs(first - second)) < 300
    wrong = CliRunner().invoke(cli, ["depth", "a.png", "b.png", "--out", "x.png"])
    assert "one depth, got 2" in wrong.output
    wrong = CliRunner().invoke(cli, ["depth", "a.png", "--out", "x.jpg"])
    assert "name it x.png" in wrong.output


@pytest.mark.weights
def test_a_dataset_has_depths_beside_its_pictures(face, picture, tmp_path):
    face.save(tmp_path / "a.png", picture)
    out = tmp_path / "out"
    asked = ["dataset", str(tmp_path / "a.png"), "--max-angle", "0", "--random", "0", "--size",
             "256", "--measure", "none", "--depth", "--out", str(out)]  # fmt: skip
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    assert rows
    for row in rows:
        assert row["depth_file"] == row["file_name"].replace("images/", "depth/")
        with Image.open(out / row["depth_file"]) as own:
            assert own.size == (256, 256)
    assert json.loads((out / "dataset.json").read_text())["plan"]["depth"] is True


def test_a_picture_whose_depth_was_lost_is_made_anew(tmp_path):
    plan = Plan(max_angle=0, random=0, size=256, depth=True)
    file = files_of(plan, "ann", 0)[0]
    record = {"file_sha256": hashlib.sha256(b"x").hexdigest(), "depth_file": depth_place(file),
              "depth_sha256": hashlib.sha256(b"y").hexdigest()}  # fmt: skip
    place = record_path(tmp_path, folder_of("ann", 0), 0)
    for path, data in ((tmp_path / file, b"x"), (tmp_path / depth_place(file), b"y"),
                       (place, json.dumps(record).encode())):  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert 0 not in missing_of(tmp_path, plan, "ann", 0)
    (tmp_path / depth_place(file)).write_bytes(b"torn")
    assert 0 in missing_of(tmp_path, plan, "ann", 0)


def test_jobs_without_depth_are_told_as_before():
    assert "depth" not in Plan().to_record()
    assert Plan(depth=True).to_record()["depth"] is True
