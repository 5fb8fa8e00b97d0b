"""The face mesh: its geometry as data, and its points beside those of dlib."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from facegen.errors import BadFileError
from facegen.face import Face
from facegen.formats.face_geometry import FaceGeometry, read_face_geometry
from facegen.measure.measurer import load_measurer
from facegen.measure.mesh import (
    EAR_SIDES,
    MOVEMENT_POINTS,
    MOVEMENTS,
    NOSE_TIP,
    NUM_SURFACE,
    _placed,
    load_geometry,
    load_mesh_reader,
)
from facegen.measure.pose import rotation

SAME_PLACES = {36: 33, 39: 133, 42: 362, 45: 263, 48: 61, 54: 291, 27: 168, 30: 4, 8: 152}
"""Dlib's landmarks and the points of the mesh that lie where they do."""


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number: int, kind: int, value: bytes) -> bytes:
    head = varint(number << 3 | kind)
    return head + (varint(len(value)) if kind == 2 else b"") + value


def geometry_file(
    points: np.ndarray, triangles: list[int], weights: dict[int, float], *, more: bytes = b""
) -> bytes:
    floats = b"".join(field(3, 5, struct.pack("<f", x)) for p in points for x in (*p, 0, 0))
    mesh = floats + b"".join(field(4, 0, varint(one)) for one in triangles)
    basis = b"".join(
        field(2, 2, field(1, 0, varint(at)) + field(2, 5, struct.pack("<f", w)))
        for at, w in weights.items()
    )
    return field(1, 2, mesh) + basis + more


POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], float)
WEIGHTS = dict.fromkeys(range(5), 1.0)


def test_a_geometry_is_read_with_y_down():
    found = read_face_geometry(
        geometry_file(POINTS, [0, 1, 2, 1, 2, 3], WEIGHTS, more=field(3, 0, b"\1")),
        name="x", count=5,
    )  # fmt: skip
    assert np.array_equal(found.points, POINTS * [1, -1, 1])
    assert found.triangles.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert found.weights.tolist() == [1] * 5


GOOD = geometry_file(POINTS, [0, 1, 2], WEIGHTS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 40,
        GOOD[:-3],
        GOOD[:50],
        b"\x0a\xff\xff\xff\xff\x0f" + GOOD,
        b"\x0b" + GOOD,
        geometry_file(POINTS[:4], [0, 1, 2], dict.fromkeys(range(4), 1.0)),
        geometry_file(POINTS, [0, 1], WEIGHTS),
        geometry_file(POINTS, [0, 1, 5], WEIGHTS),
        geometry_file(POINTS, [0, 1, 2], {7: 1.0}),
        geometry_file(POINTS, [0, 1, 2], {0: 1.0}),
        geometry_file(POINTS, [0, 1, 2], dict.fromkeys(range(5), float("nan"))),
        geometry_file(POINTS + np.inf, [0, 1, 2], WEIGHTS),
        bytes(2 << 20),
    ],
)
def test_a_damaged_geometry_is_refused_with_a_sentence(data):
    with np.errstate(invalid="ignore"), pytest.raises(BadFileError, match="fetch it again"):
        read_face_geometry(data, name="x", count=5)


def test_a_placement_is_found_again():
    points = np.random.RandomState(0).randn(30, 3)
    head = FaceGeometry(points, np.zeros((1, 3), int), np.linspace(0.1, 1, 30))
    turned = rotation(20, -10, 5)
    found = _placed(head, 0.04 * points @ turned.T + [0.5, 0.4, 0.1])
    assert np.allclose(found.rotation, turned)
    assert found.scale == pytest.approx(0.04)
    assert found.angles == pytest.approx((20, -10, 5))
    assert found.residual_cm == pytest.approx(0, abs=1e-9)
    assert np.allclose(found.in_picture(points), 0.04 * points @ turned.T + [0.5, 0.4, 0.1])


def test_movements_have_names_and_points():
    assert len(MOVEMENTS) == len(set(MOVEMENTS)) == 52
    assert len(MOVEMENT_POINTS) == 146


@pytest.mark.weights
def test_the_mesh_lies_where_dlib_sees_a_face(generator):
    reader, measurer = load_mesh_reader(), load_measurer()
    apart, yaws = [], []
    for seed in range(600, 608):
        image = generator.render(Face.from_seed(generator, seed).w_plus, size=512)
        mesh, seen = reader.read(image), measurer.angles(image)
        assert mesh is not None
        assert seen is not None
        eyes = np.linalg.norm(seen.landmarks[36] - seen.landmarks[45])
        for theirs, ours in SAME_PLACES.items():
            apart.append(np.linalg.norm(mesh.points[ours, :2] - seen.landmarks[theirs]) / eyes)
        yaws.append((mesh.placement.angles[0], seen.values["yaw"]))
        z = mesh.points[:, 2] / mesh.placement.scale
        assert all(z[NOSE_TIP] > z[side] + 4 for side in EAR_SIDES)
        assert mesh.placement.residual_cm < 1
        assert not mesh.movements
    assert np.mean(apart) < 0.03  # measured on 32 others: 0.018
    assert np.abs(np.diff(yaws)).mean() < 3


@pytest.mark.weights
def test_the_mesh_does_not_depend_on_the_size(picture):
    reader = load_mesh_reader()
    whole, small = reader.read(picture), reader.read(picture[::4, ::4])
    assert whole is not None
    assert small is not None
    assert np.abs(whole.points[:NUM_SURFACE, :2] - small.points[:NUM_SURFACE, :2]).max() < 0.02


@pytest.mark.weights
def test_nobody_has_no_mesh_and_a_smile_is_seen_moving(picture):
    assert load_mesh_reader().read(np.full((256, 256, 3), 127, np.uint8)) is None
    mesh = load_mesh_reader().read(picture, movements=True)
    assert mesh is not None
    assert set(mesh.movements) == set(MOVEMENTS)
    assert mesh.movements["mouthSmileLeft"] > 0.3  # seed 7 smiles
    assert len(load_geometry().points) == NUM_SURFACE
