"""`align` and `paste` as a terminal shows them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import get_args

import numpy as np
import pytest
from click.testing import CliRunner
from photo_scenes import encoded, similarity, textured, whole, with_face
from PIL import Image
from PIL.ExifTags import IFD, Base

from facegen.cli import cli
from facegen.errors import UsageError
from facegen.files import file_sha256
from facegen.measure.align import warp
from facegen.photos.crops import FORMAT, CropRecord, photos_in

PLACED = similarity(8, 1.1, (420, 380), 512)
MATRIX = np.linalg.inv(whole(PLACED))[:2]


def run(*args, code=0):
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture
def photo(tmp_path):
    """A photo with EXIF, whose crop and record lie in `crops`, as `align` writes them."""
    path = tmp_path / "holiday.png"
    exif = Image.Exif()
    exif[Base.Make] = "Maker"
    exif.get_ifd(IFD.GPSInfo).update({1: "N", 2: (48.0, 10.0, 3.0)})
    image = textured(800, 900)
    path.write_bytes(encoded(image, "PNG", exif=exif, compress_level=1))
    (tmp_path / "crops").mkdir()
    crop = warp(image, MATRIX, 512, 512)
    Image.fromarray(crop).save(tmp_path / "crops" / "holiday-1.png", compress_level=1)
    rows = tuple(tuple(row) for row in MATRIX.tolist())
    record = CropRecord(FORMAT, path.name, file_sha256(path), (900, 800), 1, 1, 512, rows)
    (tmp_path / "crops" / "holiday-1.json").write_text(json.dumps(asdict(record)))
    return path


@pytest.fixture
def crop(photo):
    """The crop, retouched: a red square."""
    path = photo.parent / "crops" / "holiday-1.png"
    image = np.array(Image.open(path))
    image[200:260, 220:300] = (200, 30, 40)
    Image.fromarray(image).save(path)
    return path


@pytest.mark.parametrize("ending", ["png", "jpg", "webp", "avif"])
def test_a_retouched_crop_goes_back_into_its_photo(photo, crop, tmp_path, ending):
    out = tmp_path / f"edited.{ending}"
    before = photo.read_bytes()
    result = run("paste", crop, photo, "--out", out)
    assert result.stdout.strip() == str(out)
    assert result.stderr == ""
    assert photo.read_bytes() == before
    x, y = (PLACED @ [260, 230, 1]).round().astype(int)
    assert np.abs(pixels(out)[y, x].astype(int) - (200, 30, 40)).max() < 16
    assert b"compositeWithTrainedAlgorithmicMedia" in out.read_bytes()
    exif = Image.open(out).getexif()
    assert exif[Base.Make] == "Maker"
    assert not exif.get_ifd(IFD.GPSInfo)
    if ending == "png":
        unlike = np.abs(pixels(out).astype(int) - pixels(photo)).max(axis=2) > 0
        rows, columns = np.flatnonzero(unlike.any(axis=1)), np.flatnonzero(unlike.any(axis=0))
        assert len(rows) < 110
        assert len(columns) < 130


def test_the_photos_metadata_is_kept_or_dropped_as_chosen(photo, crop, tmp_path):
    out = tmp_path / "edited.png"
    run("paste", crop, photo, "--out", out, "--metadata", "all")
    assert Image.open(out).getexif().get_ifd(IFD.GPSInfo)
    run("paste", crop, photo, "--out", out, "--metadata", "none")
    assert not Image.open(out).getexif()


def test_an_unedited_crop_gives_the_photo_and_says_so(photo, tmp_path):
    out = tmp_path / "same.png"
    result = run("paste", tmp_path / "crops" / "holiday-1.png", photo, "--out", out)
    assert "Nothing is changed" in result.stderr
    assert np.array_equal(pixels(out), pixels(photo))


def test_a_crop_saved_elsewhere_is_pasted_with_its_record(photo, crop, tmp_path):
    other, out = tmp_path / "retouched.jpg", tmp_path / "edited.png"
    Image.open(crop).save(other, quality=95)
    result = run("paste", other, photo, "--out", out, code=1)
    assert "--record" in result.stderr
    assert not out.exists()
    result = run(
        "paste", other, photo, "--record", crop.with_suffix(".json"), "--out", out, "--json"
    )
    told = json.loads(result.stdout)
    assert told["file"] == str(out)
    assert 0 < told["share"] < 0.2
    left, top, right, bottom = told["box"]
    x, y = PLACED @ [260, 230, 1]
    assert left < x < right
    assert top < y < bottom


def test_nothing_is_written_over_the_photo_or_the_crop(photo, crop):
    for name in (photo, crop):
        before = name.read_bytes()
        assert "choose another --out" in run("paste", crop, photo, "--out", name, code=1).stderr
        assert name.read_bytes() == before


def test_another_photo_is_refused_and_another_copy_is_told(photo, crop, tmp_path):
    small = tmp_path / "small.png"
    Image.open(photo).resize((450, 400)).save(small)
    out = tmp_path / "edited.png"
    told = run("paste", crop, small, "--out", out, code=1).stderr
    assert "900×800" in told
    assert "450×400" in told
    copy = tmp_path / "copy.png"
    Image.open(photo).save(copy, compress_level=1)
    assert "not the very file" in run("paste", crop, copy, "--out", out).stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"matrix": [[1, 0, 0]]}, "matrix"),
        ({"matrix": [[0, 0, 0], [0, 0, 0]]}, "damaged"),
        ({"matrix": [[1e9, 0, 0], [0, 1e9, 0]]}, "damaged"),
        ({"matrix": [[1, 0, "far"], [0, 1, 0]]}, "a number"),
        ({"facegen_crop": 9}, "another version"),
        ({"photo_size": None}, "photo_size"),
    ],
)
def test_a_damaged_record_is_refused_with_a_sentence(photo, crop, tmp_path, change, told):
    record = crop.with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | change))
    result = run("paste", crop, photo, "--out", tmp_path / "edited.png", code=1)
    assert told in result.stderr
    assert not (tmp_path / "edited.png").exists()


def test_endings_and_trimmed_crops_are_refused(photo, crop, tmp_path):
    assert ".webp" in run("paste", crop, photo, "--out", tmp_path / "a.gif", code=1).stderr
    Image.open(crop).crop((0, 0, 512, 300)).save(crop)
    told = run("paste", crop, photo, "--out", tmp_path / "a.png", code=1).stderr
    assert "512×300" in told


def test_crops_that_lie_among_photos_are_no_photos(photo, crop):
    assert photos_in([crop.parent, photo], warn=pytest.fail) == {"holiday": photo}


def test_photos_of_one_name_get_names_of_their_own(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    files = [tmp_path / "one" / "a.jpg", tmp_path / "one" / "a.png", tmp_path / "two" / "b.webp"]
    for file in files:
        file.touch()
    (tmp_path / "one" / "notes.txt").touch()
    (tmp_path / "one" / ".hidden").touch()
    told: list[str] = []
    assert photos_in([tmp_path / "two"], warn=told.append) == {"b": files[2]}
    named = photos_in([tmp_path / "one", files[0], files[2]], warn=told.append)
    assert named == {"a-jpg": files[0], "a-png": files[1], "b-webp": files[2]}
    assert told == ["notes.txt is left out: its ending is not that of a photo."]
    other = tmp_path / "two" / "a.jpg"
    other.touch()
    assert set(photos_in([files[0], other], warn=told.append)) == {"one-a-jpg", "two-a-jpg"}
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no photo"):
        photos_in([tmp_path / "empty"], warn=told.append)


@pytest.fixture(scope="module")
def holidays(tmp_path_factory, picture, generator):
    """A folder: two faces, one face, none, and a damaged file."""
    folder = tmp_path_factory.mktemp("holidays")
    other = generator.render(generator.w_from_seed(3, 0.7))
    pair = textured(700, 1300)
    pair = with_face(pair, other, similarity(0, 0.3, (250, 350), 1024))
    pair = with_face(pair, picture, similarity(5, 0.55, (900, 350), 1024))
    (folder / "pair.jpg").write_bytes(encoded(pair, "JPEG", quality=92))
    (folder / "one.webp").write_bytes(encoded(pair[:, 550:], "WEBP", quality=92))
    (folder / "empty.png").write_bytes(encoded(textured(300, 400), "PNG"))
    (folder / "torn.jpg").write_bytes(encoded(pair, "JPEG")[:20_000])
    return folder


@pytest.mark.weights
def test_a_folder_is_aligned_though_some_fail_and_goes_on_where_it_stopped(holidays, tmp_path):
    out = tmp_path / "crops"
    result = run("align", holidays, "--out", out, "--size", "256", code=1)
    names = [line.rsplit("/", 1)[-1] for line in result.stdout.split()]
    assert names == ["one-1.png", "pair-1.png", "pair-2.png"]
    assert "No face was found in empty.png" in result.stderr
    assert "torn.jpg is cut off" in result.stderr
    assert {path.name for path in out.iterdir()} == {
        f"{name}.{ending}"
        for name in ("one-1", "pair-1", "pair-2") for ending in ("png", "json")
    }  # fmt: skip
    record = json.loads((out / "pair-2.json").read_text())
    assert (record["face"], record["faces"], record["photo"]) == (2, 2, "pair.jpg")
    assert b"trainedAlgorithmicMedia" not in (out / "pair-1.png").read_bytes()

    retouched = np.array(Image.open(out / "pair-1.png"))
    retouched[100:110] = 0
    Image.fromarray(retouched).save(out / "pair-1.png")
    kept = (out / "pair-1.png").read_bytes()
    (out / "pair-2.png").unlink()
    again = run("align", holidays / "pair.jpg", "--out", out, "--size", "256")
    assert len(again.stdout.split()) == 2
    assert (out / "pair-1.png").read_bytes() == kept
    assert (out / "pair-2.png").is_file()
    told = run("align", holidays / "pair.jpg", "--out", out, "--size", "512", code=1).stderr
    assert "256 pixels; choose another --out" in told
    (tmp_path / "pair.jpg").write_bytes((holidays / "one.webp").read_bytes())
    told = run("align", tmp_path / "pair.jpg", "--out", out, "--size", "256", code=1).stderr
    assert "crop of another photo" in told


@pytest.mark.weights
def test_one_face_is_chosen_edited_and_put_back(holidays, tmp_path):
    out, result_path = tmp_path / "crops", tmp_path / "edited.png"
    photo = holidays / "pair.jpg"
    result = run("align", photo, "--out", out, "--face", "2", "--json")
    (row,) = json.loads(result.stdout)
    assert (row["face"], row["faces"]) == (2, 2)
    assert [path.name for path in out.glob("*.png")] == ["pair-2.png"]
    image = np.array(Image.open(row["file"]))
    assert image.shape == (1024, 1024, 3)
    image[600:680, 430:600] = (190, 20, 60)
    Image.fromarray(image).save(row["file"])
    run("paste", row["file"], photo, "--out", result_path)
    before, after = pixels(photo).astype(int), pixels(result_path)
    unlike = np.abs(after - before).max(axis=2) > 0
    assert not unlike[:, 520:].any()  # the other face and all between
    assert unlike[:, :520].any()
    told = run("align", photo, "--out", tmp_path / "more", "--face", "3", code=1).stderr
    assert "pair.jpg has 2 faces" in told


def test_help_says_whose_consent_is_needed_and_where_photos_stay():
    for command in ("align", "paste"):
        told = " ".join(run(command, "--help").output.split())
        assert "real people only with their consent" in told
        assert "stay on this machine" in told


def test_the_choices_in_the_terminal_are_those_of_the_package():
    from facegen.cli import photos as terminal
    from facegen.photos.align import CROP_SIZES
    from facegen.photos.put_back import Where
    from facegen.photos.save import METADATA

    assert tuple(map(int, terminal.CROP_SIZES)) == CROP_SIZES
    assert (get_args(Where), METADATA) == (terminal.WHERE, terminal.METADATA)
