"""The head that MediaPipe's face mesh is matched to: its places, triangles and weights, as data.

The file is a protocol buffer. As far as it is needed: field 1 is a mesh, whose field 3 repeats
float32 numbers (x, y, z and two of a texture for each vertex, in centimetres) and whose field 4
repeats whole numbers (three vertices of each triangle); field 2 repeats a vertex (1) with its
weight (2, float32). Every length is checked against what the file still holds, and every vertex
against those there are.

Source: the field numbers of MediaPipe's `geometry_pipeline_metadata.proto` and `mesh_3d.proto`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from facegen.errors import BadFileError

PER_VERTEX = 5
MOST_BYTES = 1 << 20
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MESH, BASIS = 1, 2
VERTICES, TRIANGLES = 3, 4


@dataclass(frozen=True, eq=False)
class FaceGeometry:
    """A head's face at rest.

    Attributes:
        points: float64 [468, 3] in centimetres: x to the picture's right, y down, z to the viewer.
        triangles: int64 [T, 3], places in `points`.
        weights: float64 [468]: how much each point counts where a face is matched to it.
    """

    points: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray


def read_face_geometry(data: bytes, *, name: str, count: int = 468) -> FaceGeometry:
    """Read the geometry of a face.

    Args:
        data: Of the file.
        name: Of the file, for errors.
        count: How many vertices it must have.

    Raises:
        BadFileError: it is damaged, or something else.
    """
    try:
        if len(data) > MOST_BYTES:
            raise ValueError("it is too long")
        return _read(data, count)
    except (ValueError, struct.error) as err:
        raise BadFileError(
            f"{name} is damaged or no geometry of a face ({err}); fetch it again with "
            "`python -m facegen models fetch face-mesh --again`."
        ) from err


def _read(data: bytes, count: int) -> FaceGeometry:
    numbers: list[float] = []
    places: list[int] = []
    weights = np.zeros(count)
    for field, value in _fields(data):
        if field == MESH and isinstance(value, bytes):
            for inner, one in _fields(value):
                if inner == VERTICES and isinstance(one, bytes):
                    numbers += _floats(one)
                elif inner == TRIANGLES and isinstance(one, int):
                    places.append(one)
        elif field == BASIS and isinstance(value, bytes):
            entry = dict(_fields(value))
            vertex, weight = entry.get(1, 0), entry.get(2, b"\0\0\0\0")
            if not isinstance(vertex, int) or not isinstance(weight, bytes) or vertex >= count:
                raise ValueError("a weight belongs to no vertex")
            weights[vertex] = _floats(weight)[0]
    vertices, triangles = np.array(numbers), np.array(places, np.int64)
    if vertices.size != PER_VERTEX * count or not np.isfinite(vertices).all():
        raise ValueError(f"it should hold {count} vertices")
    if not triangles.size or triangles.size % 3 or triangles.max() >= count:
        raise ValueError("its triangles are not of its vertices")
    if not np.isfinite(weights).all() or weights.min() < 0 or (weights > 0).sum() < 4:
        raise ValueError("its weights are no weights")
    points = vertices.reshape(count, PER_VERTEX)[:, :3] * [1, -1, 1]
    return FaceGeometry(points, triangles.reshape(-1, 3), weights)


def _floats(data: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers as int, all else as its bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        field, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield field, value
            continue
        if kind == BYTES:
            length, at = _varint(data, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise ValueError("it has a field of an unknown kind")
        if at + length > len(data):
            raise ValueError("it is cut off")
        yield field, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(data):
            raise ValueError("it is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number in it has no end")
