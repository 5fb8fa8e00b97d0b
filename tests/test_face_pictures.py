"""Faces saved as JPEG and WebP: the mark of synthetic media, the face inside, hostile copies."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
import zlib
from base64 import b64encode

import numpy as np
import pytest
from PIL import Image
from test_face import assert_same, small_face

from facegen.errors import BadFileError, UsageError
from facegen.face import Face
from facegen.formats import face_pictures
from facegen.formats.sniff import Kind, has_twin, sniff
from facegen.images import DIGITAL_SOURCE_TYPE, at_edge

EDGE = np.linspace(20, 230, 96)
PICTURE = np.stack(np.broadcast_arrays(EDGE, EDGE[:, None], 120.0), axis=-1).astype(np.uint8)
KINDS = ["PNG", "JPEG", "WEBP"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("face", [small_face(), small_face().rebased()], ids=["edited", "plain"])
def test_a_face_comes_back_from_every_kind_of_picture(kind, face):
    data = face.to_picture(PICTURE, kind)
    assert Image.open(io.BytesIO(data)).format == kind
    assert sniff(data, "face") is Kind.FACE
    assert_same(Face.from_bytes(data, name="face"), face)
    seen = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert np.abs(seen - PICTURE).mean() < 3


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_that_it_is_synthetic(kind):
    info = Image.open(io.BytesIO(small_face().to_picture(PICTURE, kind))).info
    xmp = info["XML:com.adobe.xmp"].encode() if kind == "PNG" else info["xmp"]
    told = ElementTree.fromstring(xmp)
    assert DIGITAL_SOURCE_TYPE in {value for one in told.iter() for value in one.attrib.values()}


def test_endings_choose_the_kind(tmp_path):
    for ending, kind in {"png": "PNG", "jpg": "JPEG", "JPEG": "JPEG", "webp": "WEBP"}.items():
        path = tmp_path / f"a.{ending}"
        small_face().save(path, PICTURE)
        assert Image.open(path).format == kind
        assert_same(Face.load(path), small_face())
    with pytest.raises(UsageError, match=r"\.png, \.jpg or \.webp"):
        small_face().save(tmp_path / "a.gif", PICTURE)


def test_behind_a_transparent_person_a_jpeg_is_white_and_webp_stays_clear():
    clear = np.dstack([PICTURE, np.zeros((96, 96), np.uint8)])
    jpeg = np.asarray(Image.open(io.BytesIO(small_face().to_picture(clear, "JPEG"))))
    assert jpeg.min() > 250
    webp = Image.open(io.BytesIO(small_face().to_picture(clear, "WEBP")))
    assert np.asarray(webp)[..., 3].max() == 0


def test_smaller_pictures_are_averaged_without_fringes_of_what_is_hidden():
    small = at_edge(PICTURE, 32)
    assert np.abs(small.astype(int) - PICTURE.reshape(32, 3, 32, 3, 3).mean((1, 3))).max() <= 1
    stripes = np.zeros((96, 96, 4), np.uint8)
    stripes[:, ::2] = (200, 100, 50, 255)
    stripes[:, 1::2] = (0, 255, 0, 0)
    halved = at_edge(stripes, 48)
    assert np.abs(halved[..., :3].astype(int) - (200, 100, 50)).max() <= 2
    assert at_edge(PICTURE, None) is PICTURE
    with pytest.raises(UsageError, match="96 px, fewer than 512"):
        at_edge(PICTURE, 512)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_cut_off_and_damaged_pictures_are_refused_with_a_sentence(kind):
    data = small_face().to_picture(PICTURE, kind)
    place = data.index(b'facegen:face="') + 2000
    swapped = data[:place] + (b"A" if data[place : place + 1] != b"A" else b"B") + data[place + 1 :]
    for bad in (data[:-200], data[: len(data) // 2], swapped):
        with pytest.raises(BadFileError, match=r"cut off|damaged"):
            Face.from_bytes(bad, name="bad")


def test_a_jpeg_that_lost_a_part_of_its_face_says_so():
    data = small_face().to_picture(PICTURE, "JPEG")
    marks = [m.start() - 4 for m in re.finditer(re.escape(face_pictures._EXTENDED), data)]
    assert len(marks) == 2  # so long that it does not fit into one
    length = int.from_bytes(data[marks[0] + 2 : marks[0] + 4]) + 2
    with pytest.raises(BadFileError, match="damaged"):
        Face.from_bytes(data[: marks[0]] + data[marks[0] + length :], name="bad.jpg")


@pytest.mark.parametrize(
    "packed",
    [
        b64encode(zlib.compress(bytes(50_000_000), 9)),  # a bomb
        b64encode(b"no zlib"),
        b"AAA",
        b64encode(zlib.compress(b"[1, 2]")),
        b64encode(zlib.compress(b'{"format": "1.1"}')),
        b64encode(zlib.compress(b"\xff\xfe")),
    ],
)
def test_hostile_faces_in_webp_end_in_a_sentence(packed):
    buffer = io.BytesIO()
    xmp = b'<x facegen:face="' + packed + b'"/>'
    Image.fromarray(PICTURE).save(buffer, "WEBP", xmp=xmp)
    with pytest.raises(BadFileError, match="damaged"):
        Face.from_bytes(buffer.getvalue(), name="bad.webp")


def test_converted_pictures_say_that_the_face_is_gone():
    for kind in ("JPEG", "WEBP"):
        buffer = io.BytesIO()
        Image.open(io.BytesIO(small_face().to_picture(PICTURE, kind))).save(buffer, kind, xmp=b"")
        assert sniff(buffer.getvalue(), "x") is Kind.PHOTOGRAPH
        with pytest.raises(BadFileError, match="without a latent inside"):
            Face.from_bytes(buffer.getvalue(), name="x")


def test_a_face_in_two_files_is_known_as_one_and_a_photo_hides_no_latent(tmp_path):
    for ending in ("png", "webp"):
        small_face().save(tmp_path / f"a.{ending}", PICTURE, npz=True)
    Image.fromarray(PICTURE).save(tmp_path / "b.jpg")
    (tmp_path / "b.npz").write_bytes(small_face().to_npz())
    small_face().save(tmp_path / "c.jpg", PICTURE, npz=True)
    twins = {path.name for path in tmp_path.iterdir() if has_twin(path)}
    assert twins == {"a.webp", "a.npz", "c.npz"}
