"""Face files: lossless, atomic, and safe to open whatever is inside."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

import facegen.files
from facegen.errors import (
    BadFileError,
    LatentError,
    ModelError,
    SaveError,
    SpaceMismatchError,
    UsageError,
)
from facegen.face import Face
from facegen.images import DIGITAL_SOURCE_TYPE
from facegen.operation_records import to_record
from facegen.operation_texts import describe
from facegen.operations import DialMove


def small_face(**changes) -> Face:
    random = np.random.RandomState(3)
    fields = {
        "w_plus": random.randn(18, 512).astype(np.float32),
        "base": random.randn(18, 512).astype(np.float32),
        "operations": (DialMove("smile", 1.25), DialMove("yaw", -10.0)),
        "model": "m",
        "seed": 12,
        "psi": 0.55,
        "name": "Ada Ünreal",
    }
    return Face(**{**fields, **changes})


SMALL_PICTURE = np.random.RandomState(0).randint(0, 255, (32, 32, 3), np.uint8)


def assert_same(a: Face, b: Face) -> None:
    assert np.array_equal(a.w_plus, b.w_plus)
    assert np.array_equal(a.base, b.base)
    for key in ("edits", "space", "model", "seed", "psi", "name", "created"):
        assert getattr(a, key) == getattr(b, key), key


def png_with(text: str | None, *, size=(8, 8), keyword="facegen") -> bytes:
    info = PngImagePlugin.PngInfo()
    if text is not None:
        info.add_itxt(keyword, text, zip=True)
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def test_png_and_npz_give_back_the_same_face(tmp_path):
    face = small_face()
    face.save(tmp_path / "a.png", SMALL_PICTURE, npz=True)
    assert_same(Face.load(tmp_path / "a.png"), face)
    assert_same(Face.load(tmp_path / "a.npz"), face)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), SMALL_PICTURE)


def test_nvidias_generate_takes_the_npz_and_it_opens_again_with_all_that_was_done(tmp_path):
    """As `generate.py --projected-w` reads it: the array `w`, one latent a row, no pickles."""
    face = small_face()
    (tmp_path / "a.npz").write_bytes(face.to_npz())
    ws = torch.tensor(np.load(tmp_path / "a.npz", allow_pickle=False)["w"])
    assert ws.dtype == torch.float32
    assert ws.shape == (1, 18, 512)
    assert np.array_equal(ws[0].numpy(), face.w_plus)
    assert_same(Face.load(tmp_path / "a.npz"), face)
    np.savez(tmp_path / "projected_w.npz", w=ws.numpy())  # as NVIDIA's projector.py writes
    assert np.array_equal(Face.load(tmp_path / "projected_w.npz").w_plus, face.w_plus)


@pytest.mark.weights
def test_a_saved_face_renders_to_the_saved_pixels(generator, face, picture, tmp_path):
    face.save(tmp_path / "a.png", picture)
    again = generator.render(Face.load(tmp_path / "a.png").w_plus)
    assert np.array_equal(again, picture)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)


def test_the_png_says_it_is_synthetic():
    png = small_face().to_png(SMALL_PICTURE)
    assert DIGITAL_SOURCE_TYPE.encode() in png
    assert "trainedAlgorithmicMedia" in Image.open(io.BytesIO(png)).info["XML:com.adobe.xmp"]


def test_a_face_is_a_value():
    face = small_face()
    with pytest.raises(ValueError, match="read-only"):
        face.w_plus[0, 0] = 1.0


@pytest.mark.parametrize("shape", [(512,), (1, 512), (18, 512), (1, 18, 512)])
def test_public_latents_open(tmp_path, shape):
    latent = np.random.RandomState(1).randn(*shape).astype(np.float32)
    want = np.broadcast_to(latent.reshape(-1, 512), (18, 512))
    np.save(tmp_path / "x.npy", latent)
    np.savez(tmp_path / "x.npz", w=latent)
    torch.save(torch.from_numpy(latent), tmp_path / "x.pt")
    torch.save({"latent": torch.from_numpy(latent), "n": 3}, tmp_path / "y.pt")
    torch.save(torch.from_numpy(latent), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name in ("x.npy", "x.npz", "x.pt", "y.pt", "old.pt"):
        face = Face.load(tmp_path / name)
        assert np.array_equal(face.w_plus, want), name
        assert face.seed is None


class Attack:
    """A pickle that would make a file if it were ever loaded."""

    def __reduce__(self):
        return (os.system, ("touch attacked",))


@cache
def bad_files() -> dict[str, tuple[bytes, str]]:
    good = small_face().to_png(SMALL_PICTURE)
    npz = small_face().to_npz()
    record = json.loads(Image.open(io.BytesIO(good)).text["facegen"])
    buffer = io.BytesIO()
    np.save(buffer, np.array([Attack()], object), allow_pickle=True)
    objects = buffer.getvalue()
    buffer = io.BytesIO()
    np.savez(buffer, w_plus=np.array([Attack()], object))
    objects_npz = buffer.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("w_plus.npy", bytes(200_000_000))
    bomb = buffer.getvalue()
    buffer = io.BytesIO()
    torch.save(Attack(), buffer)
    attack_pt = buffer.getvalue()
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 512)}
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    terabytes = buffer.getvalue() + bytes(64)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header | {"shape": (-18, -512)})
    negative = buffer.getvalue() + bytes(18 * 512 * 4)
    huge = struct.pack(">II", 30_000, 30_000) + b"\x08\x02\x00\x00\x00"
    ihdr = struct.pack(">I", 13) + b"IHDR" + huge + struct.pack(">I", zlib.crc32(b"IHDR" + huge))
    huge_png = b"\x89PNG\r\n\x1a\n" + ihdr + png_with(None)[33:]
    packed_bomb = base64.b64encode(zlib.compress(bytes(50_000_000))).decode()
    flipped = bytearray(good)
    flipped[good.index(b"IDAT") + 40] ^= 0xFF
    nan = small_face().w_plus.copy()
    nan[0, 0] = np.nan
    packed_nan = base64.b64encode(zlib.compress(nan.tobytes())).decode()

    def face_json(**changes):
        return png_with(json.dumps({**record, **changes}))

    return {
        "empty.png": (b"", "not a face file"),
        "text.png": (b"hello", "not a face file"),
        "jpeg.jpg": (b"\xff\xd8\xff\xe0" + bytes(64), "cut off"),
        "plain.png": (png_with(None), "without a latent"),
        "half.png": (good[: len(good) // 2], "cut off"),
        "header_only.png": (good[:40], "cut off|not a picture"),
        "flipped.png": (bytes(flipped), "damaged"),
        "huge.png": (huge_png, "megapixels"),
        "json.png": (png_with("{not json"), "damaged"),
        "list.png": (png_with("[1, 2]"), "damaged"),
        "deep.png": (png_with("[" * 20_000), "damaged"),
        "bomb.png": (face_json(w_plus=packed_bomb), "damaged"),
        "short.png": (face_json(w_plus=record["w_plus"][:100]), "damaged"),
        "nan.png": (face_json(w_plus=packed_nan), "NaN"),
        "newer.png": (face_json(format="9.0"), "newer facegen"),
        "operations.png": (
            face_json(operations=[{"op": "dial", "dial": "x", "delta": "y"}]),
            "damaged",
        ),
        "digits.png": (
            face_json(operations=[{"op": "dial", "dial": "x", "delta": 10**400}]),
            "damaged",
        ),
        "half.npz": (npz[: len(npz) // 2], "cut off|damaged"),
        "bomb.npz": (bomb, "unpacks to 200 MB"),
        "objects.npy": (objects, "Python objects"),
        "objects.npz": (objects_npz, "Python objects"),
        "terabytes.npy": (terabytes, "says it holds"),
        "negative.npy": (negative, "says it holds"),
        "raw.pkl": (pickle.dumps(Attack()), "wants to run .*system.*plain tensor"),
        "numbers.pkl": (pickle.dumps([1, 2, 3]), "none is called w_plus"),
        "half.pt": (attack_pt[: len(attack_pt) // 2], "cut off|damaged"),
        "attack.pt": (attack_pt, "wants to run .*system"),
    }


@pytest.mark.parametrize("name", list(bad_files()))
def test_a_bad_file_gets_one_sentence_that_names_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    data, reason = bad_files()[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadFileError, match=reason) as caught:
        Face.load(tmp_path / name)
    assert name.split(".")[0] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "attacked").exists()


def test_wrong_shapes_name_the_shapes(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((16, 512)))
    with pytest.raises(LatentError, match=r"x.npy must .* \(18, 512\), got \(16, 512\)"):
        Face.load(tmp_path / "x.npy")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadFileError, match="cannot be opened"):
        Face.load(tmp_path / "none.png")


def test_a_latent_of_another_space_is_refused():
    with pytest.raises(SpaceMismatchError, match="'cats'.*'stylegan2-ffhq'"):
        small_face(space="cats").require_space("stylegan2-ffhq")


def test_a_file_of_format_1_0_opens_with_its_edits():
    record = json.loads(Image.open(io.BytesIO(small_face().to_png(SMALL_PICTURE))).text["facegen"])
    moves = record.pop("operations")
    record |= {"format": "1.0", "edits": moves}
    face = Face.from_bytes(png_with(json.dumps(record)), name="x.png")
    assert face.edits == small_face().edits
    assert np.array_equal(face.base, small_face().base)


def test_what_a_newer_minor_version_did_is_kept_and_refused_for_rendering(tmp_path):
    record = json.loads(Image.open(io.BytesIO(small_face().to_png(SMALL_PICTURE))).text["facegen"])
    lamp = {"op": "relight", "lamp": [3, 4.5]}
    record["operations"].append(lamp)
    record |= {"format": "1.2", "later": True}
    face = Face.from_bytes(png_with(json.dumps(record)), name="x.png")
    assert "relight" in describe(face.operations[-1])
    again = Face.from_bytes(face.to_npz(), name="x.npz")
    assert to_record(again.operations[-1]) == lamp
    with pytest.raises(ModelError, match="relight.*Update facegen"):
        face.request(model="m", size=64).require_known()


def test_unknown_edits_of_a_file_of_format_1_0_keep_the_picture():
    record = json.loads(Image.open(io.BytesIO(small_face().to_png(SMALL_PICTURE))).text["facegen"])
    del record["operations"]
    record |= {"format": "1.0", "edits": [{"op": "relight", "lamp": 3}], "later": True}
    face = Face.from_bytes(png_with(json.dumps(record)), name="x.png")
    assert np.array_equal(face.w_plus, small_face().w_plus)
    assert np.array_equal(face.base, face.w_plus)
    assert face.edits == ()


def test_a_full_disk_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    small_face(name="first").save(path, SMALL_PICTURE)
    before = path.read_bytes()

    def no_space(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(facegen.files.os, "fsync", no_space)
    with pytest.raises(SaveError, match="No space left"):
        small_face(name="second").save(path, SMALL_PICTURE)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_saving_under_another_ending_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"name it a\.png"):
        small_face().save(tmp_path / "a.gif", SMALL_PICTURE)


def test_rebased_keeps_the_picture_and_drops_the_edits():
    face = small_face().rebased()
    assert np.array_equal(face.w_plus, small_face().w_plus)
    assert np.array_equal(face.base, face.w_plus)
    assert face.edits == ()
    assert face.seed is None
