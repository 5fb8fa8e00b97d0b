"""What a dropped or named file is taken for; see `facegen.formats.sniff`."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from facegen.errors import BadFileError
from facegen.face import Face
from facegen.formats.sniff import DIRECTIONS, FACES, HEAD_BYTES, Kind, require_kind, sniff

RNG = np.random.RandomState(0)
LATENT = RNG.randn(18, 512).astype(np.float32)
UNIT = LATENT / np.linalg.norm(LATENT, axis=1, keepdims=True)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=array.dtype.hasobject)
    return stream.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def pt(content: object, *, legacy: bool = False) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), "teal").save(stream, kind)
    return stream.getvalue()


def safetensors() -> bytes:
    head = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(head)) + head + b"\0\0\0\0"


def tensors(*names: str) -> dict[str, torch.Tensor]:
    return {name: torch.randn(1, 512) for name in names}


FACE = Face.from_w_plus(LATENT, name="Ada")
PICTURE = RNG.randint(0, 255, (64, 64, 3)).astype(np.uint8)
FILES = {
    "saved.png": (FACE.to_png(PICTURE), Kind.FACE),
    "twin.npz": (FACE.to_npz(), Kind.FACE),
    "w.npy": (npy(LATENT), Kind.LATENT),
    "z.npy": (npy(RNG.randn(1, 512)), Kind.LATENT),
    "objects.npy": (npy(np.array([{"a": 1}], dtype=object)), Kind.LATENT),
    "projected.npz": (npz(w=LATENT[None]), Kind.LATENT),
    "latents.pt": (pt(torch.randn(2, 18, 512)), Kind.LATENT),
    "projector.pt": (pt({"a.png": {"latent": torch.randn(18, 512), "noise": []}}), Kind.LATENT),
    "boundary.npy": (npy(UNIT[:1]), Kind.DIRECTION),
    "column.npy": (npy(UNIT[:1].T), Kind.DIRECTION),
    "sixteen.npy": (npy(UNIT[:16]), Kind.DIRECTION),
    "smile.npz": (npz(arr=UNIT), Kind.DIRECTION),
    "components.npz": (npz(lat_comp=LATENT[None], lat_stdev=LATENT[0]), Kind.DIRECTION),
    "boundaries.pt": (pt(tensors("00_Bangs", "01_Smiling", "02_Young")), Kind.DIRECTION),
    "dial.npz": (npz(vector=UNIT, weights=UNIT, meta=np.array("{}")), Kind.DIAL),
    "mine.json": (b'{"facegen_presets": 1, "presets": []}', Kind.PRESETS),
    "other.json": (b"[1, 2]", Kind.PRESETS),
    "photo.png": (picture("PNG"), Kind.PHOTOGRAPH),
    "photo.jpg": (picture("JPEG"), Kind.PHOTOGRAPH),
    "photo.webp": (picture("WEBP"), Kind.PHOTOGRAPH),
    "scan.tif": (picture("TIFF"), Kind.PHOTOGRAPH),
    "model.safetensors": (safetensors(), Kind.MODEL),
    "rosinality.pt": (pt({"g_ema": tensors("style.1.weight"), "args": None}), Kind.MODEL),
    "legacy.pt": (pt({"g_ema": tensors("style.1.weight")}, legacy=True), Kind.MODEL),
    "many.pt": (pt(tensors(*(f"layer{i}" for i in range(80)))), Kind.MODEL),
    "network.pkl": (pickle.dumps({"G": "dnnlib.tflib.network"}), Kind.MODEL),
    "ir.xml": (b'<?xml version="1.0"?><net name="g" version="11"></net>', Kind.MODEL),
    "letter.txt": (b"Dear all", Kind.UNKNOWN),
    "empty.npz": (b"", Kind.UNKNOWN),
    "cut.npz": (npz(w=LATENT)[:900], Kind.UNKNOWN),
}


@pytest.mark.parametrize("name", FILES)
def test_the_content_tells_the_kind(name, tmp_path):
    data, kind = FILES[name]
    assert sniff(data, name) is kind
    path = tmp_path / name
    path.write_bytes(data)
    assert sniff(path, name) is kind


def test_only_json_needs_its_ending():
    for name, (data, kind) in FILES.items():
        if name != "other.json":
            assert sniff(data, "file") is kind, name
    assert sniff(FILES["other.json"][0], "file.txt") is Kind.UNKNOWN


def test_a_picture_says_where_its_latent_is_though_it_is_cut_off():
    data = FILES["saved.png"][0]
    assert sniff(data[: len(data) // 2], "cut.png") is Kind.FACE


def test_wrong_kinds_are_told_where_they_belong():
    for name, place in (
        ("dial.npz", "is a dial, not a face: open it under Your dials"),
        ("boundary.npy", "is a direction, not a face: open it under Your dials"),
        ("model.safetensors", "is a network, not a face: use `facegen models import`"),
        ("mine.json", "is a file of presets, not a face: open it in the menu Presets"),
        ("photo.jpg", "is a picture without a latent inside, not a face: open the file"),
    ):
        with pytest.raises(BadFileError, match=f"^{name} {place}"):
            require_kind(FILES[name][0], name, FACES, wanted="a face")
    with pytest.raises(BadFileError, match="is a saved face, not a direction"):
        require_kind(FILES["saved.png"][0], "a.png", DIRECTIONS, wanted="a direction")


def test_what_is_unknown_is_left_to_its_reader():
    assert require_kind(b"Dear all", "letter.txt", FACES, wanted="a face") is Kind.UNKNOWN


@pytest.mark.parametrize("name", FILES)
def test_no_damage_ends_in_an_error(name):
    data = FILES[name][0]
    rng = np.random.RandomState(1)
    for _ in range(40):
        broken = bytearray(data[: rng.randint(0, len(data) + 1)])
        for place in rng.randint(0, len(broken), 6) if broken else []:
            broken[place] = rng.randint(256)
        assert isinstance(sniff(bytes(broken), name), Kind)


def test_nothing_is_run(tmp_path):
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a/data.pkl", pickle.dumps(Evil()))
    for data in (pickle.dumps(Evil()), archive.getvalue(), npy(np.array([Evil()], object))):
        sniff(data, "evil.pt")
    assert not marker.exists()


def test_a_bomb_is_not_unpacked():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("w.npy", npy(np.zeros((1, 512))) + b"\0" * (64 * HEAD_BYTES))
    assert sniff(archive.getvalue(), "bomb.npz") is Kind.LATENT


def test_a_damaged_header_of_an_array_is_explained():
    data = npy(LATENT)
    for cut in (b"(18, 512)", b"'shape'", b"}"):
        with pytest.raises(BadFileError, match="w.npy"):
            Face.from_bytes(data.replace(cut, b"(" * len(cut), 1), name="w.npy")
