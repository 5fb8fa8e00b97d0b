"""What was done in a picture: kept in the file, done again pixel for pixel, refused if hostile."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest

from facegen.backdrops import Backdrop
from facegen.errors import ModelError
from facegen.face import Face
from facegen.masks import Mask
from facegen.operation_records import from_record, from_records, pack_latent, to_record
from facegen.operation_texts import describe
from facegen.operations import (
    Background,
    CloseEye,
    DialMove,
    KeepRest,
    MovePicture,
    Pose,
    PullPoints,
    RaiseEyes,
    ResizePicture,
    TurnEyes,
    Wear,
)
from facegen.render_request import RenderRequest
from facegen.retouch.apply import draw

POINTS = tuple((0.3 + 0.005 * k, 0.5 + 0.001 * k) for k in range(68))
LATENT = np.random.RandomState(0).randn(18, 512).astype("<f4")
PULLS = (((21,), (22,), (0.1, 0.05), (0.13, 0.12), 1.8),)
REGION = Mask.of(np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(256, axis=0), small=True)
EVERY = (
    DialMove("smile", 1.25, 0.25),
    Pose(20.0, None),
    Wear("wink_left", 0.5),
    KeepRest.of(LATENT + 2, REGION),
    TurnEyes(-7.5, POINTS),
    RaiseEyes(3.0, POINTS),
    CloseEye("left", POINTS, LATENT.tobytes(), POINTS, 0.5),
    PullPoints(PULLS, 1.0, POINTS),
    Background.of(Backdrop.of_another(), REGION, (LATENT, REGION)),
    MovePicture(5.0, 0.1, 0.0, 1.2),
    ResizePicture(2048, "lanczos"),
)
KEPT, CLOSED, PULLED = (to_record(EVERY[k]) for k in (3, 6, 7))


def packed(data):
    return base64.b64encode(zlib.compress(data, 9)).decode()


@pytest.mark.parametrize("operation", EVERY, ids=lambda entry: entry.op)
def test_every_operation_comes_back_from_its_record(operation):
    assert from_record(json.loads(json.dumps(to_record(operation)))) == operation
    assert hash(operation) == hash(from_record(to_record(operation)))
    assert describe(operation)


@pytest.mark.parametrize(
    "record",
    [
        {"op": "dial", "dial": "smile", "delta": float("nan")},
        {"op": "dial", "dial": "x" * 300, "delta": 1},
        {"op": "turn_eyes", "degrees": 5, "landmarks": [[0.1, 0.2]] * 67},
        {"op": "turn_eyes", "degrees": 5, "landmarks": [[0.1, float("inf")]] * 68},
        {
            "op": "pull",
            "strength": 1,
            "landmarks": POINTS,
            "pulls": [[[99], [], [0, 0], [1, 1], 1]],
        },
        {"op": "pull", "strength": 1, "landmarks": POINTS, "pulls": [[[1], [], [0, 0], [0, 1], 1]]},
        {"op": "pull", "strength": 1, "landmarks": POINTS, "pulls": list(PULLS) * 101},
        {"op": "move_picture", "roll": 0, "shift_x": 0, "shift_y": 0, "zoom": 0},
        {"op": "resize_picture", "edge": 8192, "method": "lanczos"},
        {**CLOSED, "closed": "AAAA"},
        {**CLOSED, "closed": "A" * 10**6},
        {**CLOSED, "side": "up"},
        {**KEPT, "latent": "AAAA"},
        {**KEPT, "latent": pack_latent(np.full((18, 512), np.nan))},
        {**KEPT, "latent": pack_latent(np.full((18, 512), 1e30))},
        {**KEPT, "mask": "AAAA"},
        {**KEPT, "mask": "A" * 10**6},
        {**KEPT, "mask": "not base64!"},
        {**KEPT, "mask": packed(bytes(65535))},
        {**KEPT, "mask": packed(bytes(65537))},
        {**KEPT, "mask": packed(bytes(10**8))},
        {**KEPT, "mask": packed(bytes(65536))[:20]},
        {**KEPT, "mask": [0] * 65536},
        {**KEPT, "small": 1},
        {"op": "keep_rest", "latent": KEPT["latent"]},
        {"op": 7},
        {},
    ],
)
def test_a_damaged_operation_is_refused(record):
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_record(record)


def test_endless_operations_are_refused():
    with pytest.raises(ValueError, match="at most"):
        from_records([to_record(EVERY[0])] * 1001)


def test_a_picture_is_done_in_moments():
    moved, enlarged = (to_record(entry) for entry in EVERY[-2:])
    assert from_records([moved] * 15 + [enlarged])
    for records, told in (
        ([moved] * 17, "at most 16"),
        ([enlarged, moved], "enlarged once, after"),
        ([enlarged, enlarged], "enlarged once, after"),
    ):
        with pytest.raises(ValueError, match=told):
            from_records(records)


def test_the_rest_is_kept_once_and_first():
    turned = to_record(EVERY[4])
    assert from_records([KEPT, turned])
    for records in ([turned, KEPT], [KEPT, KEPT]):
        with pytest.raises(ValueError, match="once, before"):
            from_records(records)


def test_a_mask_takes_little_room_in_a_file():
    soft = np.exp(-np.hypot(*np.mgrid[-128:128, -128:128]) / 40)
    record = to_record(KeepRest.of(LATENT, Mask.of(np.where(soft > 0.1, soft, 0))))
    assert len(record["mask"]) < 30_000


def test_a_face_keeps_its_story_through_png_and_npz():
    face = Face(LATENT, LATENT - 1, operations=EVERY)
    for data, name in (
        (face.to_png(np.zeros((64, 64, 3), np.uint8)), "a.png"),
        (face.to_npz(), "a.npz"),
    ):
        again = Face.from_bytes(data, name=name)
        assert again.operations == EVERY
        assert again.request(model="m", size=64) == face.request(model="m", size=64)


def test_an_edited_face_drops_what_hung_on_the_old_picture():
    face = Face(LATENT, LATENT, operations=EVERY)
    moved = face.edited(LATENT + 1, (DialMove("age", 3.0),))
    assert [entry.op for entry in moved.operations] == [
        "dial", "pose", "expression", "move_picture", "resize_picture",
    ]  # fmt: skip
    assert moved.edits == (DialMove("age", 3.0),)
    turned = face.with_pose(Pose(-10.0, 5.0), None)
    assert [e for e in turned.operations if e.op == "pose"] == [Pose(-10.0, 5.0)]
    assert turned.pixel_operations == face.pixel_operations


def test_equal_requests_are_one_key_and_all_that_matters_is_in_it():
    one = Face(LATENT, LATENT, operations=EVERY).request(model="m", size=64)
    assert {one: 1}[Face(LATENT.copy(), LATENT, operations=EVERY).request(model="m", size=64)]
    others = [
        Face(LATENT + 1, LATENT, operations=EVERY).request(model="m", size=64),
        Face(LATENT, LATENT, operations=EVERY[:-1]).request(model="m", size=64),
        one.at(128),
        Face(LATENT, LATENT, operations=EVERY).request(model="n", size=64),
        Face(LATENT, LATENT, operations=EVERY, weights="tuned").request(model="m", size=64),
    ]
    assert len({one, *others}) == 6
    assert one.digest == one.at(128).digest
    assert len({one.digest, *(other.digest for other in others)}) == 5
    assert np.array_equal(one.w_plus, LATENT)


class Flat:
    """Draws a picture whose brightness tells the latent."""

    def render(self, w_plus, *, size, keep=None):
        if keep is not None:
            inside = keep.region.at(size)[..., None] > 0
            pictures = (self.render(w, size=size) for w in (w_plus, keep.w_plus))
            return np.where(inside, *pictures)
        picture = np.full((size, size, 3), 100, np.uint8)
        picture[: size // 2] += np.uint8(abs(w_plus[0, 0]) * 10)
        return picture


def test_the_same_request_gives_the_same_pixels_without_instruments():
    face = Face(LATENT, LATENT, operations=EVERY[:-1])
    request = face.request(model="m", size=128)
    first, second = draw(request, Flat()), draw(request, Flat())
    assert np.array_equal(first, second)
    plain = draw(request.drawn_only(), Flat())
    assert not np.array_equal(first, plain)
    assert np.array_equal(plain, Flat().render(LATENT, size=128, keep=EVERY[3]))


def test_tuned_weights_that_cannot_be_had_are_refused():
    request = RenderRequest.of(LATENT, model="m", size=64, weights="tuned")
    with pytest.raises(ModelError, match="tuned to it.*Update facegen"):
        draw(request, Flat())
