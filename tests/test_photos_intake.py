"""Photographs from cameras, phones and programs: what is read, and what is refused."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from photo_scenes import encoded, textured
from PIL import Image, ImageCms
from PIL.ExifTags import IFD, Base

from facegen.errors import BadFileError, UsageError
from facegen.photos import intake
from facegen.photos.intake import open_photo, read_photo
from facegen.photos.save import METADATA, encode_photo, output_format

DATA = Path(__file__).parent / "data" / "photos"
IMAGE = textured(96, 144)
LOSSY_LEVELS = 6.0  # of the mean difference that JPEG, WebP and AVIF make here


def apart(photo, image):
    assert photo.image.shape == image.shape
    return np.abs(photo.image.astype(int) - image).mean()


def exif_of_a_phone() -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Make] = "Maker"
    exif.get_ifd(IFD.GPSInfo).update({1: "N", 2: (48.0, 10.0, 3.0)})
    exif.get_ifd(IFD.Exif).update(
        {Base.MakerNote: b"HIDDEN" * 20, Base.BodySerialNumber: "SN12345", Base.ExposureTime: 0.01}
    )
    return exif


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("is_turned", [False, True], ids=["plain", "turned"])
def test_every_format_is_read_upright(kind, is_turned):
    options = {"exif": exif_of_a_phone()} if is_turned else {}
    stored = np.rot90(IMAGE) if is_turned else IMAGE  # orientation 6: turn clockwise to see it
    photo = read_photo(encoded(np.ascontiguousarray(stored), kind, **options), name="a")
    assert photo.format == kind
    assert apart(photo, IMAGE) < (0.01 if kind == "PNG" else LOSSY_LEVELS)
    assert photo.notes == ()
    with pytest.raises(ValueError, match="read-only"):
        photo.image[0, 0] = 0


def test_heic_of_a_phone_stands_upright():
    photo = open_photo(DATA / "turned.heic")
    assert photo.format == "HEIF"
    assert photo.image.shape == (144, 96, 3)
    corners = [photo.image[y, x] for y, x in ((0, -1), (0, 0), (-1, -1), (-1, 0))]
    colours = [(250, 20, 20), (0, 255, 60), (255, 0, 60), (255, 255, 60)]
    assert np.abs(np.array(corners, int) - colours).max() < 10


def test_without_its_decoder_heic_is_refused_with_advice(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(BadFileError, match="pi-heif"):
        open_photo(DATA / "turned.heic")


def test_grey_palettes_16_bits_and_print_colours_show_the_same():
    plain = Image.fromarray(IMAGE)
    grey = np.repeat(np.asarray(plain.convert("L"))[..., None], 3, axis=2)
    assert apart(read_photo(encoded(plain.convert("L"), "PNG"), name="a"), grey) == 0
    deep = Image.fromarray(grey[..., 0].astype(np.uint16) * 257)
    photo = read_photo(encoded(deep, "PNG"), name="a")
    assert apart(photo, grey) == 0
    assert "16 bits" in photo.notes[0]
    few = plain.quantize(64)
    colours = np.asarray(few.convert("RGB"))
    assert apart(read_photo(encoded(few, "PNG"), name="a"), colours) == 0
    printed = read_photo(encoded(plain.convert("CMYK"), "JPEG", quality=95), name="a")
    assert apart(printed, IMAGE) < LOSSY_LEVELS
    assert "print colours" in printed.notes[0]


def test_what_is_transparent_becomes_neutral_grey():
    clear = Image.fromarray(IMAGE)
    alpha = Image.new("L", clear.size, 255)
    alpha.paste(0, (0, 0, 72, 96))
    clear.putalpha(alpha)
    photo = read_photo(encoded(clear, "PNG"), name="a")
    assert (photo.image[:, :72] == intake.BACKDROP).all()
    assert np.array_equal(photo.image[:, 72:], IMAGE[:, 72:])
    assert "transparent" in photo.notes[0]


def swapped_profile() -> bytes:
    """A profile in which red and blue have changed places."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data = data.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    red, blue = data.index(b"rXYZ"), data.index(b"bXYZ")
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


def test_colour_profiles_are_obeyed():
    photo = read_photo(encoded(IMAGE, "PNG", icc_profile=swapped_profile()), name="a")
    assert apart(photo, IMAGE[..., ::-1]) < 1.5
    assert "swap" in photo.notes[0]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = read_photo(encoded(IMAGE, "PNG", icc_profile=srgb), name="a")
    assert apart(photo, IMAGE) == 0
    assert photo.notes == ()


@pytest.mark.parametrize("profile", [b"no profile" * 20, "LAB"])
def test_a_profile_of_no_use_is_left_out_and_told(profile):
    if profile == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    photo = read_photo(encoded(IMAGE, "PNG", icc_profile=profile), name="a")
    assert apart(photo, IMAGE) == 0
    assert "profile cannot be used" in photo.notes[0]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF"])
def test_of_an_animation_the_first_frame_is_used(kind):
    more = Image.fromarray(255 - IMAGE)
    photo = read_photo(encoded(IMAGE, kind, save_all=True, append_images=[more]), name="a")
    assert apart(photo, IMAGE) < LOSSY_LEVELS
    assert "first frame" in photo.notes[0]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is empty"),
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\xef\xbb\xbf\n<svg/>", "SVG"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b"GIF89a" + b"\0" * 50, "a GIF"),
        (b"II*\0" + b"\0" * 50, "raw"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 50, "a video"),
        (b"PK\x03\x04" + b"\0" * 50, "an archive"),
        (b"hello", "not a picture"),
        (encoded(IMAGE, "JPEG")[:1500], "cut off"),
        (encoded(IMAGE, "PNG")[:1500], "cut off"),
        (encoded(IMAGE, "AVIF")[:600], "cut off"),
        ((DATA / "turned.heic").read_bytes()[:1500], "cut off"),
        (encoded(IMAGE[:10, :10], "PNG"), "10×10"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_photo_is_refused_with_a_sentence(data, told):
    with pytest.raises(BadFileError, match=told) as caught:
        read_photo(data, name="holiday.jpg")
    assert str(caught.value).startswith("holiday.jpg")
    assert str(caught.value).endswith(".")


def test_a_bomb_is_refused_before_it_is_decoded(monkeypatch):
    bomb = encoded(Image.new("L", (9000, 9000)), "PNG")
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("pixels were decoded"))
    with pytest.raises(BadFileError, match="9000×9000"):
        read_photo(bomb, name="a.png")


def test_a_file_that_is_too_large_is_not_even_read(tmp_path):
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(1 << 33)  # sparse
    with pytest.raises(BadFileError, match="8590 MB"):
        open_photo(path)
    with pytest.raises(BadFileError, match="cannot be opened"):
        open_photo(tmp_path / "none.jpg")
    with pytest.raises(BadFileError, match="is no file"):
        open_photo(tmp_path)


def test_damaged_files_never_show_anything_but_a_sentence():
    rng = np.random.RandomState(0)
    files = [encoded(IMAGE, kind, exif=exif_of_a_phone()) for kind in ("JPEG", "PNG", "WEBP")]
    files += [encoded(IMAGE, "AVIF"), (DATA / "turned.heic").read_bytes()]
    refused = 0
    for _ in range(40):
        for whole in files:
            data = bytearray(whole)
            reach = int(rng.choice([min(400, len(data)), len(data)]))
            for place in rng.randint(0, reach, 4):
                data[place] = rng.randint(256)
            try:
                photo = read_photo(bytes(data), name="a")
                encode_photo(photo.image, photo, "JPEG", metadata="all")
            except BadFileError:
                refused += 1
    assert refused > 20


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("metadata", METADATA)
def test_a_result_is_marked_as_edited_and_tells_no_more_than_chosen(kind, metadata):
    source = read_photo(encoded(IMAGE, "JPEG", exif=exif_of_a_phone(), quality=92), name="a")
    data = encode_photo(source.image, source, kind, metadata=metadata)
    assert b"digitalsourcetype/compositeWithTrainedAlgorithmicMedia" in data
    assert b"HIDDEN" not in data
    assert (b"SN12345" in data) == (metadata == "all")
    written = Image.open(io.BytesIO(data))
    exif = written.getexif()
    assert bool(exif.get_ifd(IFD.GPSInfo)) == (metadata == "all")
    assert exif.get(Base.Make) == (None if metadata == "none" else "Maker")
    assert exif.get(Base.Orientation, 1) == 1
    again = read_photo(data, name="b")
    assert apart(again, source.image) < (0.01 if kind == "PNG" else LOSSY_LEVELS)


def test_the_preview_inside_exif_goes(tmp_path):
    exif = exif_of_a_phone().tobytes()
    thumbnail = encoded(np.full((70, 70, 3), 200, np.uint8), "JPEG")
    photo = read_photo(encoded(IMAGE, "JPEG", exif=exif + b"\0" * 8 + thumbnail), name="a")
    data = encode_photo(photo.image, photo, "JPEG", metadata="all")
    assert data.count(b"\xff\xd8\xff") == 1


def test_a_jpeg_is_written_again_with_hardly_a_change():
    first = encoded(IMAGE, "JPEG", quality=80, subsampling=0)
    photo = read_photo(first, name="a")
    again = read_photo(encode_photo(photo.image, photo, "JPEG"), name="b")
    assert apart(again, photo.image) < 0.3


def test_endings_that_cannot_be_written_are_refused():
    with pytest.raises(UsageError, match=r"\.png"):
        output_format(Path("a.gif"))
