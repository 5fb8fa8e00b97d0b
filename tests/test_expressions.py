"""Expressions finished in the picture: one eye, one corner of the mouth, where the eyes look."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from dataset_runner import MeanFace
from fakes import FakeGenerator

from facegen.cli import cli
from facegen.errors import UsageError
from facegen.face import Face
from facegen.images import decode_image
from facegen.measure.details import read_gaze
from facegen.measure.measurer import load_measurer
from facegen.measure.shape import EYES
from facegen.pose.expressions import express
from facegen.pose.finish import Finish, plan_expression
from facegen.pose.head_pose import pose_face
from facegen.retouch.apply import draw as draw_request
from facegen.retouch.eyes import MOST_GAZE, raise_eyes, turn_eyes
from facegen.retouch.transform import Motion
from facegen.retouch.warp import MOST_LOOK_UP, lifted_corner, pull_at
from facegen.sweeps.export import frame_record
from facegen.sweeps.grid import Cell, make_cells
from facegen.sweeps.sweep import Sweep

SIZE = 512


@pytest.fixture(scope="module")
def person(generator, dials):
    """A face turned to the front, its picture and landmarks."""
    face = pose_face(Face.from_seed(generator, 960_003), dials, yaw=0, pitch=0)
    image = generator.render(face.w_plus, size=SIZE)
    return face, image, load_measurer().angles(image).landmarks


def openness(image):
    values = load_measurer().angles(image).values
    return values["eye_open_left"], values["eye_open_right"]


@pytest.mark.weights
@pytest.mark.parametrize(("side", "closed", "stays"), [("left", 0, 1), ("right", 1, 0)])
def test_a_wink_closes_one_eye_and_leaves_the_rest_of_the_picture(
    generator, person, side, closed, stays, dials
):
    face, _, _ = person

    def draw(wearing):
        return generator.render(wearing.w_plus, size=SIZE)

    def find(image):
        return load_measurer().angles(image).landmarks

    winking = express(face, dials, f"wink_{side}")
    before = draw(winking)
    after = plan_expression(
        Finish(before), winking, dials, f"wink_{side}", 1.0, draw=draw, find=find
    ).image
    was, now = openness(before), openness(after)
    # Landmarks see closed lids as narrow ones, and both eyes as a pair.
    assert now[closed] < 0.9 * was[closed]
    assert now[closed] < now[stays]
    changed = np.abs(after.astype(int) - before).mean(axis=-1)
    open_eye, forehead = find(before)[list(EYES["left" if side == "right" else "right"])], 0.2
    (left, top), (right, low) = (np.round(f(open_eye * SIZE, axis=0)) for f in (np.min, np.max))
    assert changed[int(top) : int(low), int(left) : int(right)].mean() < 1
    assert changed[: int(forehead * SIZE)].max() == 0
    faint = plan_expression(
        Finish(before), winking, dials, f"wink_{side}", 0.3, draw=draw, find=find
    ).image
    assert now[closed] < openness(faint)[closed] + 0.01


@pytest.mark.weights
def test_what_was_done_in_a_picture_is_done_again_from_its_file(generator, person, dials):
    """A wink, a gaze, a pulled mouth and a rolled picture: saved, opened, the same pixels."""
    face, _, _ = person
    cells = [
        Cell(0, 0, "wink_left", gaze=8.0, motion=Motion(roll=6.0)),
        Cell(None, None, "kiss", gaze_up=5.0),
    ]
    for frame in Sweep(generator, face, dials, load_measurer(), size=SIZE, close=False).frames(
        cells
    ):
        again = Face.from_bytes(frame.face.to_png(frame.image), name="x.png")
        request = again.request(model=generator.model, size=SIZE)
        assert len(request.operations) >= 2
        assert np.array_equal(draw_request(request, generator), frame.image)
        assert not np.array_equal(draw_request(request.drawn_only(), generator), frame.image)


@pytest.mark.weights
def test_an_edited_wink_still_winks_in_the_terminal(generator, person, tmp_path, dials):
    face, _, _ = person
    cell = Cell(0, 0, "wink_left", motion=Motion(roll=6.0))
    (frame,) = Sweep(generator, face, dials, load_measurer(), size=SIZE, close=False).frames([cell])
    frame.face.save(tmp_path / "wink.png", frame.image)
    runner = CliRunner()
    out = tmp_path / "older.png"
    asked = ["edit", str(tmp_path / "wink.png"), "--set", "age=+8y", "--out", str(out)]
    told = runner.invoke(cli, asked)
    assert told.exit_code == 0, told.output
    older = Face.load(out)
    kinds = [entry.op for entry in older.operations]
    assert kinds == ["dial", "pose", "expression", "close_eye", "pull", "move_picture"]
    assert older.operations[3].landmarks != frame.face.pixel_operations[0].landmarks
    picture = decode_image(out.read_bytes(), name="older.png")
    request = older.request(model=generator.model, size=generator.img_resolution)
    assert np.array_equal(draw_request(request, generator), picture)
    shown = runner.invoke(cli, ["show", str(out)]).output
    for words in ("age +8", "pose yaw +0", "expression wink_left", "left eye closed", "roll +6"):
        assert words in shown


@pytest.mark.weights
def test_the_eyes_look_where_they_are_asked_and_nothing_else_moves(person):
    _, image, landmarks = person
    seen = []
    for asked in (-15.0, 0.0, 15.0):
        turned = turn_eyes(image, landmarks, asked)
        seen.append(read_gaze(turned, landmarks))
        assert seen[-1] == pytest.approx(asked, abs=6)
        rows = np.argwhere((turned != image).any(axis=-1))[:, 0]
        eyes = landmarks[36:48, 1] * SIZE
        assert eyes.min() - 15 < rows.min() < rows.max() < eyes.max() + 15
    assert seen == sorted(seen)


@pytest.mark.weights
def test_contempt_lifts_the_right_corner_of_the_mouth(person):
    _, image, landmarks = person
    lifted = load_measurer().angles(pull_at(image, landmarks, lifted_corner("right"))).landmarks
    rise = (landmarks - lifted)[:, 1]
    assert rise[54] > 0.006
    assert rise[54] > 3 * abs(rise[48])


@pytest.mark.weights
def test_raised_eyes_stand_higher_between_their_corners_and_the_face_stays(person):
    _, image, landmarks = person

    def height(picture):
        points = load_measurer().angles(picture).landmarks
        lids = points[[37, 38, 40, 41, 43, 44, 46, 47], 1].mean()
        return points[[36, 39, 42, 45], 1].mean() - lids

    down, same, up = (raise_eyes(image, landmarks, degrees) for degrees in (-12, 0, 12))
    assert np.array_equal(same, image)
    assert height(up) > height(image) + 0.001
    assert height(image) > height(down) + 0.001
    for picture in (down, up):
        changed = np.abs(picture.astype(int) - image).mean(axis=-1)
        mouth = round(landmarks[48:, 1].min() * SIZE)
        assert changed[mouth:].max() <= 1
        assert changed.max() > 20


def test_eyes_are_not_raised_further_than_was_looked_at(dials):
    generator = FakeGenerator()
    sweep = Sweep(generator, Face.from_seed(generator, 3), dials, MeanFace(), size=256)
    for up in (MOST_LOOK_UP + 1, float("nan")):
        with pytest.raises(UsageError, match="The eyes rise from -12 to 12"):
            list(sweep.frames([Cell(0, 0, gaze_up=up)]))
    assert generator.rendered == 0


@pytest.mark.parametrize("gaze", [MOST_GAZE + 1, float("nan"), -90])
def test_a_gaze_eyes_cannot_take_is_one_sentence_before_the_first_picture(gaze, dials):
    generator = FakeGenerator()
    sweep = Sweep(generator, Face.from_seed(generator, 3), dials, MeanFace(), size=256)
    with pytest.raises(UsageError, match="The eyes turn from -20 to 20"):
        list(sweep.frames([Cell(0, 0, gaze=gaze)]))
    assert generator.rendered == 0


def test_without_instruments_gaze_and_winks_are_refused(dials):
    generator = FakeGenerator()
    for cell in (Cell(0, 0, gaze=5), Cell(0, 0, gaze_up=5), Cell(0, 0, "wink_left")):
        with pytest.raises(UsageError, match="find eyes and mouth"):
            list(Sweep(generator, Face.from_seed(generator, 3), dials, None).frames([cell]))


def test_frames_say_what_is_in_the_picture_alone(dials):
    generator = FakeGenerator()
    sweep = Sweep(
        generator, Face.from_seed(generator, 3), dials, MeanFace(), size=256, measure="none"
    )
    cells = [
        *make_cells([0], [0], gazes=[None, 10]),
        Cell(0, 0, "wink_left"),
        *make_cells([0], [0], gazes_up=[-5]),
    ]
    records = [frame_record(f, file_name="x.png") for f in sweep.frames(cells)]
    # The fake picture has no open eyes to move: what could not be done is not claimed.
    assert [record["is_retouched"] for record in records] == [False, False, True, False]
    assert [record["is_reachable"] for record in records] == [True, False, True, False]
    assert [record["requested_gaze"] for record in records] == [None, 10, None, None]
    assert [record["requested_gaze_up"] for record in records] == [None, None, None, -5]
    assert len({cell.stem(0) for cell in cells}) == 4


def test_a_face_nobody_finds_is_marked_and_not_touched(dials):
    class Blind(MeanFace):
        def angles(self, image):
            return None

    generator = FakeGenerator()
    face = Face.from_seed(generator, 3)
    sweep = Sweep(generator, face, dials, Blind(), size=256, measure="none")
    plain, *looking = sweep.frames([Cell(0, 0), Cell(0, 0, gaze=9), Cell(0, 0, gaze_up=9)])
    for frame in looking:
        assert np.array_equal(plain.image, frame.image)
        assert not frame.is_reachable


@pytest.mark.weights
@pytest.mark.parametrize("seed", [960_005, 960_012])
def test_neutral_is_neutral_whatever_the_face_wore_before(generator, seed, dials):
    own = Face.from_seed(generator, seed)
    worn = (own, *(express(own, dials, name) for name in ("laugh", "surprised")))
    seen = []
    for before in worn:
        calm = express(before, dials, "neutral", yaw=0, pitch=0)
        seen.append(load_measurer().measure(generator.render(calm.w_plus, size=SIZE)).values)
    wide = load_measurer().measure(generator.render(worn[1].w_plus, size=SIZE)).values
    for name, most in (("mouth_open", 0.03), ("brow_height", 0.035), ("eye_open", 0.08)):
        assert np.ptp([values[name] for values in seen]) < most, name
    assert all(values["smile"] < wide["smile"] - 0.8 for values in seen)
    assert all(values["mouth_open"] < 0.05 for values in seen)
