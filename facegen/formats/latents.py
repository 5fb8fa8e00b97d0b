"""Reads latents out of untrusted bytes: pictures, npz, npy, and PyTorch tensors.

Sizes are checked before anything is allocated, arrays are rebuilt from their raw numbers, and no
object is ever unpickled: a zip bomb, a pickle, or an array that claims terabytes ends in one
sentence.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from dataclasses import dataclass, field
from tokenize import TokenError

import numpy as np

from facegen.errors import BadFileError
from facegen.formats.face_pictures import read_face
from facegen.formats.safe_pickle import read_pickle

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NPY_MAGIC = b"\x93NUMPY"
ZIP_MAGIC = b"PK\x03\x04"
JPEG_MAGIC = b"\xff\xd8\xff"
RIFF_MAGIC = b"RIFF"
PICKLE_MAGIC = b"\x80"
MAX_ARRAY_BYTES = 4 << 20
MAX_ZIP_BYTES = 16 << 20
MAX_ZIP_MEMBERS = 64
LATENT_KEYS = ("w_plus", "w", "ws", "latent", "latents", "latent_code", "projected_w", "arr_0")


@dataclass(frozen=True)
class FaceRecord:
    """What a file held: arrays by name ("w_plus", "base"), and our JSON if it is a face file."""

    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    text: str | None = None


def read_latent_bytes(data: bytes, *, keyword: str, name: str) -> FaceRecord:
    """Read a face file or a public latent, told apart by content.

    Args:
        data: The whole file.
        keyword: Name of the npz entry that holds our JSON.
        name: File name for errors.

    Raises:
        BadFileError: damaged, hostile, or nothing of the kind.
    """
    if data.startswith((PNG_SIGNATURE, JPEG_MAGIC, RIFF_MAGIC)):
        return FaceRecord(text=read_face(data, name=name))
    if data.startswith(NPY_MAGIC):
        return FaceRecord({"w_plus": _read_npy(data, name=name)})
    if data.startswith(ZIP_MAGIC):
        return _read_zip(data, keyword=keyword, name=name)
    if data.startswith(PICKLE_MAGIC):
        return FaceRecord({"w_plus": _read_torch(data, name=name)})
    raise BadFileError(
        f"{name} is not a face file. Open a picture or npz saved by facegen, or a latent as .npy, "
        ".npz or .pt."
    )


def _read_npy(data: bytes, *, name: str) -> np.ndarray:
    """An array of numbers from npy bytes; objects and lying headers are refused."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read_header(stream)
    except (ValueError, KeyError, TypeError, SyntaxError, TokenError, RecursionError) as err:
        raise BadFileError(f"{name} is not a readable array; open another copy of it.") from err
    if dtype.hasobject:
        raise BadFileError(
            f"{name} holds Python objects (a pickle), which could run code when opened, so it is "
            "not. Save the plain array of numbers."
        )
    raw = data[stream.tell() :]
    count = math.prod(shape)
    is_lying = dtype.itemsize == 0 or any(length < 0 for length in shape)
    if is_lying or len(raw) != count * dtype.itemsize or len(raw) > MAX_ARRAY_BYTES:
        raise BadFileError(
            f"{name} says it holds an array of shape {shape}, but has {len(raw)} bytes of it. It "
            "is cut off or not a latent."
        )
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C")


def _read_zip(data: bytes, *, keyword: str, name: str) -> FaceRecord:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            unpacked = sum(m.file_size for m in members)
            if unpacked > MAX_ZIP_BYTES or len(members) > MAX_ZIP_MEMBERS:
                raise BadFileError(
                    f"{name} unpacks to {unpacked / 1e6:.0f} MB in {len(members)} entries, far "
                    "more than a latent; it is not opened."
                )
            if any(m.filename.endswith("data.pkl") for m in members):
                return FaceRecord({"w_plus": _read_torch(data, name=name)})
            arrays = {}
            for member in members:
                if member.filename.endswith(".npy"):
                    with archive.open(member) as stream:  # bounded: headers can lie about sizes
                        raw = stream.read(MAX_ARRAY_BYTES + 1024)
                    key = member.filename.removesuffix(".npy")
                    arrays[key] = _read_npy(raw, name=f"'{key}' in {name}")
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as err:
        raise BadFileError(f"{name} is cut off or damaged; open another copy of it.") from err
    except zlib.error as err:
        raise BadFileError(f"{name} is damaged; open another copy of it.") from err
    if keyword in arrays and arrays[keyword].dtype.kind == "U" and "w_plus" in arrays:
        return FaceRecord(arrays, text=str(arrays[keyword].reshape(()).item()))
    return FaceRecord({"w_plus": _pick_latent(arrays, name=name)})


def _read_torch(data: bytes, *, name: str) -> np.ndarray:
    """A tensor, or the one latent of a dict of tensors, out of a file of `torch.save`."""
    try:
        content = read_pickle(data, name=name)
    except BadFileError as err:
        raise BadFileError(
            f"{err} A latent is opened from .npy, .npz, or a plain tensor saved by torch.save."
        ) from err
    found = content if isinstance(content, dict) else {"w_plus": content}
    arrays = {
        str(key): value
        for key, value in found.items()
        if isinstance(value, np.ndarray) and value.nbytes <= MAX_ARRAY_BYTES
    }
    return _pick_latent(arrays, name=name)


def _pick_latent(arrays: dict[str, np.ndarray], *, name: str) -> np.ndarray:
    for key in LATENT_KEYS:
        if key in arrays:
            return arrays[key]
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    raise BadFileError(
        f"{name} holds {len(arrays)} arrays and none is called w_plus. Save the latent alone, or "
        "under that name."
    )
