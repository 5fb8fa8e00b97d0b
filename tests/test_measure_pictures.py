"""Measuring any picture: several faces, turned and small ones, odd formats, none at all."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from facegen.cli import cli
from facegen.images import decode_image
from facegen.measure.align import align, ffhq_quad, is_whole, moved_box
from facegen.measure.measurer import load_measurer

SEEDS = (910_000, 910_003)
GREY = 120


@pytest.fixture(scope="module")
def pictures(generator):
    return [generator.render(generator.w_from_seed(seed, 0.7), size=512) for seed in SEEDS]


def saved(path, image, **options):
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(path, **options)
    return path


def run(*arguments):
    return CliRunner().invoke(cli, ["measure", *map(str, arguments)])


def scene(pictures):
    """Both faces, the first larger and upright, the second turned by 15 degrees."""
    canvas = np.full((700, 1300, 3), GREY, np.uint8)
    canvas[80:592, 60:572] = pictures[0]
    turn = cv2.getRotationMatrix2D((256, 256), 15, 0.7)
    cv2.warpAffine(
        pictures[1], turn, (512, 512), dst=canvas[90:602, 700:1212],
        borderMode=cv2.BORDER_CONSTANT, borderValue=(GREY,) * 3,
    )  # fmt: skip
    return canvas


def test_the_square_follows_the_face():
    rng = np.random.RandomState(0)
    points = rng.uniform(100, 300, (68, 2))
    points[36:42], points[42:48] = [150, 200], [250, 200]
    points[[48, 54]] = [[170, 310], [230, 310]]
    quad = ffhq_quad(points)
    assert np.allclose(np.hypot(*(quad[3] - quad[0])), np.hypot(*(quad[1] - quad[0])))
    assert quad.mean(axis=0) == pytest.approx([200, 211])
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    assert np.allclose(ffhq_quad(points @ turn.T), quad @ turn.T)
    assert np.allclose(ffhq_quad(points * 3 + 7), quad * 3 + 7)


def test_a_whole_picture_is_cut_out_as_it_is():
    image = np.random.RandomState(0).randint(0, 255, (64, 64, 3)).astype(np.uint8)
    quad = np.array([[0, 0], [0, 64], [64, 64], [64, 0]], float)
    assert is_whole(quad, 64, 64)
    assert not is_whole(quad + 8, 64, 64)
    picture, matrix = align(image, quad, 64)
    assert np.array_equal(picture, image)
    assert moved_box((1, 2, 3, 4), matrix) == pytest.approx((1, 2, 3, 4))
    picture, matrix = align(image, quad, 32)
    assert np.abs(picture.mean() - image.mean()) < 1
    assert moved_box((2, 4, 6, 8), matrix) == pytest.approx((1, 2, 3, 4))


@pytest.mark.weights
def test_aligned_pictures_read_as_before(pictures):
    (face,) = load_measurer().measure_all(pictures[0])
    assert face.is_aligned
    assert face.measurement.values == load_measurer().measure(pictures[0]).values


@pytest.mark.weights
def test_every_face_of_a_picture_is_measured(pictures):
    found = load_measurer().measure_all(scene(pictures))
    assert len(found) == 2
    for face, picture, turned in zip(found, pictures, (0, -15), strict=True):
        plain = load_measurer().measure(picture)
        seen = face.measurement
        assert np.linalg.norm(seen.descriptor - plain.descriptor) < 0.15
        assert seen.values["yaw"] == pytest.approx(plain.values["yaw"], abs=3)
        assert seen.values["age"] == pytest.approx(plain.values["age"], abs=4)
        assert seen.values["roll"] == pytest.approx(plain.values["roll"] + turned, abs=2)
    first, second = found
    assert first.box[2] < 600 < 700 < second.box[0]


@pytest.mark.weights
def test_the_command_says_which_face(tmp_path, pictures):
    path = saved(tmp_path / "two.png", scene(pictures))
    result = run(path, "--json", "--landmarks")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [(row["face"], row["faces"]) for row in rows] == [(1, 2), (2, 2)]
    assert np.shape(rows[0]["landmarks"]) == (68, 2)
    assert "face 2 of 2" in run(path).stdout


@pytest.mark.weights
def test_good_pictures_are_measured_though_another_fails(tmp_path, pictures):
    good = saved(tmp_path / "good.png", pictures[0])
    tiny = saved(tmp_path / "tiny.png", pictures[0][:8, :8])
    empty = saved(tmp_path / "empty.png", np.full((200, 300, 3), GREY, np.uint8))
    result = run(tiny, good, empty, tmp_path / "none.png", "--json")
    assert result.exit_code == 1
    assert [row["file"] for row in json.loads(result.stdout)] == [str(good)]
    assert "tiny.png is 8×8" in result.stderr
    assert "No face was found in empty.png" in result.stderr
    assert "none.png cannot be opened" in result.stderr


@pytest.mark.weights
@pytest.mark.parametrize("kind", ["grey", "grey16", "palette", "alpha", "sideways"])
def test_pictures_of_every_kind_show_the_same_face(tmp_path, pictures, kind):
    plain = Image.fromarray(pictures[0])
    options = {}
    if kind == "grey16":
        picture = Image.fromarray(np.asarray(plain.convert("L")).astype(np.uint16) * 257)
    elif kind == "sideways":
        picture = plain.transpose(Image.Transpose.ROTATE_90)
        options["exif"] = Image.Exif()
        options["exif"][0x0112] = 6  # to be turned clockwise before showing
    else:
        mode = {"grey": "L", "palette": "P", "alpha": "RGBA"}[kind]
        picture = plain.convert(mode)
    path = saved(tmp_path / "one.png", picture, **options)
    (face,) = load_measurer().measure_all(decode_image(path.read_bytes(), name="one.png"))
    assert (
        np.linalg.norm(
            face.measurement.descriptor - load_measurer().measure(pictures[0]).descriptor
        )
        < 0.4
    )
    assert face.measurement.values["yaw"] == pytest.approx(
        load_measurer().measure(pictures[0]).values["yaw"], abs=3
    )


def test_transparent_parts_become_white_and_16_bits_keep_their_range():
    buffer = io.BytesIO()
    Image.new("RGBA", (70, 70), (10, 20, 30, 0)).save(buffer, "PNG")
    assert (decode_image(buffer.getvalue(), name="x") == 255).all()
    buffer = io.BytesIO()
    Image.fromarray(np.full((70, 70), 32896, np.uint16)).save(buffer, "PNG")
    assert (decode_image(buffer.getvalue(), name="x") == 128).all()
