"""What kind of file somebody dropped or named, told by its content; nothing in it is executed.

`sniff` looks at headers and names only, so a kind is not a promise: the reader of that kind says
what is wrong with a damaged file. `require_kind` refuses what belongs elsewhere with a sentence
that names where.
"""

from __future__ import annotations

import io
import pickletools
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from enum import Enum
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np

from facegen.errors import BadFileError
from facegen.formats.face_pictures import KEYWORD, may_hold_face
from facegen.formats.latents import (
    JPEG_MAGIC,
    LATENT_KEYS,
    NPY_MAGIC,
    PICKLE_MAGIC,
    PNG_SIGNATURE,
    RIFF_MAGIC,
    ZIP_MAGIC,
)
from facegen.images import PICTURE_KINDS

HEAD_BYTES = 256 << 10
MAX_PICKLE_BYTES = 4 << 20
MAX_OPCODES = 200_000
MAX_CHUNKS = 10_000
MANY_TENSORS = 64
"""A file with so many tensors holds a network."""
UNIT_LENGTH = 1e-3
"""The rows of a published direction have a length of 1 within this; those of a latent about 10."""
FACE_KEYWORD = KEYWORD.encode()
PRESETS_MARK = "facegen_presets"
DIAL_MEMBERS = {"vector.npy", "weights.npy", "meta.npy"}
DIRECTION_KEYS = {"vector", "boundary", "direction", "directions", "lat_comp", "act_comp"}
NETWORK_KEYS = {"g_ema", "G_ema", "state_dict", "generator", "synthesis", "mapping", "latent_avg"}
NETWORK_WORDS = (b"dnnlib", b"torch_utils.persistence", b"training.networks", b"torch.nn.modules")
PHOTOGRAPHS = (JPEG_MAGIC, b"GIF8", b"BM", b"II*\x00", b"MM\x00*")


class Kind(Enum):
    """What a file is: what to call it, and where it belongs."""

    FACE = ("a saved face", "open it on the Design page, or name it where a FACE is asked for")
    LATENT = ("a latent", "open it on the Design page, or name it where a FACE is asked for")
    DIRECTION = (
        "a direction",
        "open it under Your dials, From a file, or use `facegen directions import`",
    )
    DIAL = ("a dial", "open it under Your dials, From a file, or use `facegen directions import`")
    PRESETS = ("a file of presets", "open it in the menu Presets of the Design page")
    PHOTOGRAPH = (
        "a picture without a latent inside",
        "open the file that facegen saved; other programs and sites drop the latent when they "
        "convert it; a photo of somebody opens on the page Photo",
    )
    MODEL = ("a network", "use `facegen models import`")
    UNKNOWN = ("of no kind that is known here", "check that it is the right file")

    @property
    def noun(self) -> str:
        """What to call it."""
        return self.value[0]

    @property
    def place(self) -> str:
        """What to do with it."""
        return self.value[1]


FACES = frozenset({Kind.FACE, Kind.LATENT})
DIRECTIONS = frozenset({Kind.DIRECTION, Kind.DIAL, Kind.LATENT})
NETWORKS = frozenset({Kind.MODEL, Kind.LATENT, Kind.DIRECTION})
"""Small checkpoints look like a few named arrays; their reader tells."""


def sniff(data: bytes | Path, name: str) -> Kind:
    """Tell what a file is.

    Arrays do not say what they mean: one of plain numbers is taken for a latent, unless its rows
    have a length of 1, as those of published directions have.

    Args:
        data: The file's bytes, or where it lies; a large file is not read whole.
        name: As its user knows it; only its ending counts, where the content says nothing.
    """
    try:
        with io.BytesIO(data) if isinstance(data, bytes) else data.open("rb") as stream:
            return _sniff(stream, name)
    except OSError:
        return Kind.UNKNOWN


def has_twin(path: Path) -> bool:
    """Whether a better file of the same face lies beside one: a picture with it, PNG before others.

    Args:
        path: A face file.
    """
    endings = list(PICTURE_KINDS)
    suffix = path.suffix.lower()
    better = endings[: endings.index(suffix)] if suffix in endings else endings
    beside = (path.with_suffix(ending) for ending in better)
    return any(sniff(one, one.name) is Kind.FACE for one in beside if one.is_file())


def require_kind(data: bytes | Path, name: str, accepted: Collection[Kind], *, wanted: str) -> Kind:
    """The kind of a file, if it is accepted; what is damaged or unknown is left to its reader.

    Args:
        data: As for `sniff`.
        name: As its user knows it.
        accepted: Kinds that can be used.
        wanted: What it should be, such as "a face".

    Raises:
        BadFileError: it is of another kind; says where that belongs.
    """
    kind = sniff(data, name)
    if kind is not Kind.UNKNOWN and kind not in accepted:
        raise BadFileError(f"{name} is {kind.noun}, not {wanted}: {kind.place}.")
    return kind


def _sniff(stream: BinaryIO, name: str) -> Kind:
    head = stream.read(HEAD_BYTES)
    if head.startswith(PNG_SIGNATURE):
        return Kind.FACE if FACE_KEYWORD in _png_keywords(stream) else Kind.PHOTOGRAPH
    if head.startswith(NPY_MAGIC):
        return _kind_of_array(head)
    if head.startswith(ZIP_MAGIC):
        return _kind_of_zip(stream)
    if head.startswith(PICKLE_MAGIC):
        if any(word in head for word in NETWORK_WORDS):
            return Kind.MODEL
        stream.seek(0)
        return _kind_of_pickle(stream.read(MAX_PICKLE_BYTES))
    if head.startswith((JPEG_MAGIC, RIFF_MAGIC)) and may_hold_face(stream, head):
        return Kind.FACE
    if head.startswith(PHOTOGRAPHS) or _is_webp_or_heic(head):
        return Kind.PHOTOGRAPH
    if _is_safetensors(head) or (head.lstrip()[:5] == b"<?xml" and b"<net " in head):
        return Kind.MODEL
    if PRESETS_MARK.encode() in head or (name.lower().endswith(".json") and _is_json(head)):
        return Kind.PRESETS
    return Kind.UNKNOWN


def _is_webp_or_heic(head: bytes) -> bool:
    brands = (
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis",
    )  # fmt: skip
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return is_webp or (head[4:8] == b"ftyp" and head[8:12] in brands)


def _is_safetensors(head: bytes) -> bool:
    if len(head) < 10:
        return False
    (length,) = struct.unpack_from("<Q", head)
    return 2 <= length < 100 << 20 and head[8:9] == b"{"


def _is_json(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"{", b"[", b"")


def _png_keywords(stream: BinaryIO) -> set[bytes]:
    """The keywords of a PNG's text chunks."""
    found = set()
    stream.seek(len(PNG_SIGNATURE))
    for _ in range(MAX_CHUNKS):
        header = stream.read(8)
        if len(header) < 8:
            break
        length, kind = struct.unpack(">I4s", header)
        start = stream.tell()
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            found.add(stream.read(min(length, 80)).split(b"\0")[0])
        stream.seek(start + length + 4)
    return found


def _kind_of_array(head: bytes) -> Kind:
    """Of an npy: a direction if its rows have a length of 1, else a latent."""
    stream = io.BytesIO(head)
    try:
        np.lib.format.read_magic(stream)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        if dtype.kind != "f" or fortran or not shape or shape[-1] not in (1, 512):
            return Kind.LATENT
        rows = np.frombuffer(head, dtype, offset=stream.tell()).reshape(shape)
        rows = rows.reshape(-1, 512).astype(np.float64)
    except (ValueError, TypeError, SyntaxError, TokenError, OverflowError, RecursionError):
        return Kind.LATENT  # its reader says what is wrong with it
    lengths = np.linalg.norm(rows, axis=1)
    return Kind.DIRECTION if np.all(np.abs(lengths - 1) < UNIT_LENGTH) else Kind.LATENT


def _kind_of_zip(stream: BinaryIO) -> Kind:
    """Of an npz or a file of `torch.save`."""
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.namelist()
            if set(members) >= DIAL_MEMBERS:
                return Kind.DIAL
            if {"w_plus.npy", "facegen.npy"} <= set(members):
                return Kind.FACE
            pickles = [member for member in members if member.endswith("data.pkl")]
            if pickles:
                if len(members) > 2 * MANY_TENSORS:
                    return Kind.MODEL
                with archive.open(pickles[0]) as opened:
                    return _kind_of_pickle(opened.read(MAX_PICKLE_BYTES))
            keys = [member.removesuffix(".npy") for member in members if member.endswith(".npy")]
            kind = _kind_of_keys(keys)
            if kind is Kind.LATENT and len(keys) == 1:
                with archive.open(keys[0] + ".npy") as opened:
                    return _kind_of_array(opened.read(HEAD_BYTES))
            return kind
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error):
        return Kind.UNKNOWN


def _kind_of_keys(keys: Collection[str]) -> Kind:
    """Of named arrays, by their names."""
    if NETWORK_KEYS & set(keys) or len(keys) > MANY_TENSORS:
        return Kind.MODEL
    if set(keys) & set(LATENT_KEYS):
        return Kind.LATENT
    if DIRECTION_KEYS & set(keys) or len(keys) > 1:
        return Kind.DIRECTION
    return Kind.LATENT if keys else Kind.UNKNOWN


def _kind_of_pickle(data: bytes) -> Kind:
    """Of a pickle, by its keys; its instructions are listed, not run."""
    texts, tensors = set(), 0
    for name, argument in _opcodes(data):
        if name == "BINPERSID":
            tensors += 1
        elif isinstance(argument, str):
            texts.add(argument)
    if NETWORK_KEYS & texts or tensors > MANY_TENSORS:
        return Kind.MODEL
    if texts & set(LATENT_KEYS):
        return Kind.LATENT
    return Kind.DIRECTION if tensors > 1 or DIRECTION_KEYS & texts else Kind.LATENT


def _opcodes(data: bytes) -> Iterator[tuple[str, object]]:
    """The instructions of pickles one after another, up to where they end or are damaged."""
    stream, count = io.BytesIO(data), 0
    try:
        while stream.tell() < len(data):  # the older form of `torch.save` is several pickles
            for opcode, argument, _ in pickletools.genops(stream):
                count += 1
                if count > MAX_OPCODES:
                    return
                yield opcode.name, argument
    except (ValueError, UnicodeDecodeError, IndexError, OverflowError, MemoryError):
        return
