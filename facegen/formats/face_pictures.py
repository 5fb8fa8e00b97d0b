"""Pictures with a face inside: PNG, JPEG and WebP, all with the mark of synthetic media.

A PNG carries the face as a text chunk. JPEG and WebP carry it in XMP, as one property of base64;
a JPEG's XMP ends at 64 KB, and what is longer goes on in the segments that the XMP specification
(part 3, 1.1.3.1) calls extended. What is read is text and numbers; nothing is executed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import struct
import zlib
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from facegen.errors import BadFileError
from facegen.images import (
    DECODING_ERRORS,
    WHITE,
    PictureKind,
    damaged,
    encode_png,
    on_backdrop,
    open_image,
    synthetic_xmp,
    xmp_packet,
)

KEYWORD = "facegen"
"""Of a PNG's text chunk."""
MARK = b"facegen:face"
"""The property of XMP that holds the face."""
MAX_TEXT_BYTES = 16 << 20
QUALITY = 95

_NAMESPACE = 'xmlns:facegen="urn:facegen:1.0#"'
_FACE = re.compile(MARK + rb"""(?:\s*=\s*["']|>)([A-Za-z0-9+/=\s]+)""")
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_NOTE = 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{}"'
_HEAD = struct.Struct(">32sII")  # MD5 of the whole in hex, its length, offset of this part
_PART_BYTES = 65_000
_MAX_CHUNKS = 1000


def encode_face(image: np.ndarray, text: str, kind: PictureKind = "PNG") -> bytes:
    """A picture as a file, with the face and the mark of synthetic media inside.

    Args:
        image: uint8 [H, W, 3], or [H, W, 4] with alpha; a JPEG shows white behind it.
        text: The face.
        kind: PNG holds the very pixels; JPEG and WebP come near to them.
    """
    if kind == "PNG":
        return encode_png(image, texts={KEYWORD: text})
    packed = base64.b64encode(zlib.compress(text.encode(), 6)).decode()
    face = f'{_NAMESPACE} {MARK.decode()}="{packed}"'
    picture, options = Image.fromarray(image), dict[str, Any]()
    if kind == "WEBP":
        options = {"quality": QUALITY, "xmp": synthetic_xmp(more=face).encode()}
    else:
        if image.shape[2] == 4:
            picture = on_backdrop(picture, WHITE)
        rest = xmp_packet(face, wrapped=False).encode()
        digest = hashlib.md5(rest, usedforsecurity=False).hexdigest().upper()
        options = {
            "quality": QUALITY,
            "subsampling": 0,
            "xmp": synthetic_xmp(more=_EXTENDED_NOTE.format(digest)).encode(),
            "extra": _extended_segments(rest, digest),
        }
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def read_face(data: bytes, *, name: str) -> str:
    """The face that a picture carries, as it was given to `encode_face`.

    Args:
        data: A whole PNG, JPEG or WebP.
        name: Of the file, for errors.

    Raises:
        BadFileError: cut off, damaged, or without a face.
    """
    picture = open_image(data, name=name)
    try:
        picture.load()  # all pixels: a file that is cut off must not pass for whole
        if picture.format == "PNG":
            text = getattr(picture, "text", {}).get(KEYWORD)
            found = None if text is None else str(text)
        else:
            found = _read_xmp(picture)
    except (*DECODING_ERRORS, struct.error, zlib.error) as err:
        raise damaged(name) from err
    if found is None:
        raise BadFileError(
            f"{name} is a picture without a latent inside. Open the file that facegen saved; other "
            "programs and sites drop the latent when they convert it."
        )
    return found


def may_hold_face(stream: BinaryIO, head: bytes) -> bool:
    """Whether a JPEG or WebP says that there is a face inside; only headers are looked at.

    Args:
        stream: The file.
        head: How it begins; a JPEG's XMP stands there.
    """
    if head[:4] != b"RIFF":
        return MARK in head
    stream.seek(12)
    for _ in range(_MAX_CHUNKS):
        header = stream.read(8)
        if len(header) < 8:
            break
        kind, length = struct.unpack("<4sI", header)
        if kind == b"XMP ":
            return MARK in stream.read(min(length, len(head) + _PART_BYTES))
        stream.seek(length + length % 2, io.SEEK_CUR)
    return False


def _extended_segments(data: bytes, digest: str) -> bytes:
    segments = b""
    for start in range(0, len(data), _PART_BYTES):
        part = data[start : start + _PART_BYTES]
        body = _EXTENDED + _HEAD.pack(digest.encode(), len(data), start) + part
        segments += b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return segments


def _read_xmp(picture: Image.Image) -> str | None:
    """Raises ValueError or zlib.error where a face is damaged."""
    xmp = picture.info.get("xmp", b"")
    xmp = (xmp if isinstance(xmp, bytes) else str(xmp).encode()) + _joined(picture)
    if len(xmp) > MAX_TEXT_BYTES or not (found := _FACE.search(xmp)):
        return None
    try:
        packed = base64.b64decode(b"".join(found[1].split()), validate=True)
    except binascii.Error as err:
        raise ValueError("the face is no base64") from err
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(packed, MAX_TEXT_BYTES)
    if not unpacker.eof:
        raise ValueError("the face is cut off, or too long")
    return text.decode()


def _joined(picture: Image.Image) -> bytes:
    """The extended XMP of a JPEG; empty if it has none or parts are missing."""
    parts: dict[int, bytes] = {}
    digest, length = b"", 0
    for marker, body in getattr(picture, "applist", ()):
        if marker == "APP1" and body.startswith(_EXTENDED):
            digest, length, start = _HEAD.unpack_from(body, len(_EXTENDED))
            parts[start] = body[len(_EXTENDED) + _HEAD.size :]
    whole = b"".join(part for _, part in sorted(parts.items()))
    known = hashlib.md5(whole, usedforsecurity=False).hexdigest().upper().encode()
    if parts and (len(whole) != length or known != digest):
        raise ValueError("parts of the face are missing")
    return whole
