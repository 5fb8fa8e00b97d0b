"""Poses and expressions: what is asked for is what the picture shows, and the person stays."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.errors import OutOfRangeError, UsageError
from facegen.face import Face
from facegen.latents import GEOMETRY_ROWS
from facegen.measure.measurer import load_measurer
from facegen.pose.expressions import AVAILABLE, EXPRESSIONS, express, expression
from facegen.pose.head_pose import held_readings, nudged, pose_face
from facegen.pose.loop import (
    FULL_DESIGN,
    FURTHEST_HOLD_SD,
    PoseMap,
    learn_pose_map,
)
from facegen.retouch.transform import Motion, move_picture

LIMITS = ((-45.0, 45.0), (-25.0, 25.0))


@pytest.fixture(scope="module")
def stranger(generator) -> Face:
    return Face.from_seed(generator, 950_006)


def seen(generator, face):
    return load_measurer().measure(generator.render(face.w_plus, size=512))


@pytest.mark.weights
def test_the_head_turns_and_it_is_still_the_same_person(generator, stranger, dials):
    front = seen(generator, pose_face(stranger, dials, yaw=0, pitch=0))
    for yaw in (-25.0, 25.0):
        turned = seen(generator, pose_face(stranger, dials, yaw=yaw, pitch=0))
        assert turned.values["yaw"] == pytest.approx(yaw, abs=8)
        assert np.linalg.norm(turned.descriptor - front.descriptor) < 0.6


@pytest.mark.weights
def test_a_posed_face_is_a_start_that_saves_and_keeps_the_fine_rows(
    generator, stranger, tmp_path, dials
):
    posed = pose_face(stranger, dials, yaw=20)
    assert posed.edits == ()
    assert np.array_equal(posed.w_plus[GEOMETRY_ROWS:], stranger.w_plus[GEOMETRY_ROWS:])
    posed.save(tmp_path / "posed.png", generator.render(posed.w_plus, size=256))
    assert np.array_equal(Face.load(tmp_path / "posed.png").w_plus, posed.w_plus)
    assert pose_face(stranger, dials) is stranger


@pytest.mark.weights
def test_angles_no_face_can_take_are_refused(stranger, dials):
    with pytest.raises(OutOfRangeError, match="yaw can be set from"):
        pose_face(stranger, dials, yaw=80)
    with pytest.raises(UsageError, match="finite"):
        pose_face(stranger, dials, pitch=float("nan"))
    with pytest.raises(UsageError, match="What to keep"):
        pose_face(stranger, dials, yaw=1, keep=["hat"])


@pytest.mark.weights
def test_a_laugh_opens_the_mouth_and_neutral_is_neutral_whatever_came_before(
    generator, stranger, dials
):
    laughing = express(stranger, dials, "laugh")
    own, wide = seen(generator, stranger), seen(generator, laughing)
    assert wide.values["mouth_open"] > own.values["mouth_open"] + 0.03
    calm = [seen(generator, express(face, dials, "neutral")) for face in (stranger, laughing)]
    for found in calm:
        assert found.values["smile"] < own.values["smile"] - 0.3
        assert found.values["mouth_open"] < 0.06


@pytest.mark.weights
def test_strength_0_changes_nothing_and_half_lies_between(stranger, dials):
    assert express(stranger, dials, "happy", 0.0) is stranger
    read = dials.read
    values = [read(express(stranger, dials, "angry", s).w_plus)["brow_height"] for s in (0, 0.5, 1)]
    assert values[0] > values[1] > values[2]
    with pytest.raises(UsageError, match="from 0 to 1"):
        express(stranger, dials, "angry", 1.5)


@pytest.mark.parametrize("entry", EXPRESSIONS, ids=lambda e: e.name)
def test_every_expression_works_or_says_why_not(entry, dials):
    if entry.missing:
        with pytest.raises(UsageError, match="not available"):
            expression(entry.name)
    else:
        assert entry.name in AVAILABLE
        for dial, value in entry.targets.items():
            low, high = dials.spec(dial).safe
            assert low <= value <= high, dial


def test_an_unknown_expression_names_those_there_are():
    with pytest.raises(UsageError, match="neutral, happy"):
        expression("grumpy")


def test_a_pose_map_undoes_what_a_face_makes_of_angles():
    truth = {"gain": 0.8, "offset": 3.0}

    def move(yaw, pitch):
        return (yaw, pitch)

    def see(asked):
        yaw, pitch = asked
        return {
            "yaw": truth["gain"] * yaw + truth["offset"],
            "pitch": pitch + 0.1 * yaw - 2,
        }

    fitted = learn_pose_map(move, see, LIMITS)
    for yaw, pitch in ((-25, 5), (0, 0), (20, -10)):
        found = see(fitted.ask(yaw, pitch))
        assert found["yaw"] == pytest.approx(yaw, abs=1.0)
        assert found["pitch"] == pytest.approx(pitch, abs=1.0)
    assert fitted.is_reachable(20, 0)
    assert not fitted.is_reachable(44, 0)  # 0.8 times 45 ends at 39
    assert learn_pose_map(move, lambda asked: None, LIMITS).ask(10, 5) == (10, 5)
    assert PoseMap.identity(LIMITS).predict(*FULL_DESIGN[1]) == FULL_DESIGN[1]


def bent(yaw, pitch):
    """What a face with strong cross-talk makes of asked angles."""
    return {"yaw": 0.85 * yaw + 2 - 0.2 * pitch, "pitch": 0.9 * pitch + 0.004 * yaw * yaw - 3}


def test_measuring_twice_keeps_the_pitch_level_through_a_turn():
    def move(yaw, pitch):
        return (yaw, pitch)

    def see(asked):
        return bent(*asked)

    def strays(rounds):
        fitted = learn_pose_map(move, see, LIMITS, rounds=rounds)
        return max(abs(bent(*fitted.ask(yaw, 0))["pitch"]) for yaw in range(-35, 36, 7))

    assert strays(2) < 0.5
    assert strays(2) <= strays(1)


def test_a_smile_that_fades_as_the_head_turns_is_brought_back():
    def smile(face):
        yaw, _, added = face
        return 1.0 - 0.8 * (yaw / 40) ** 2 + 0.7 * added

    def see(face):
        yaw, pitch, _ = face
        return {"yaw": yaw, "pitch": pitch, "smile": smile(face), "eyes_open": 0.0}

    def nudge(face, changes):
        return (*face[:2], face[2] + changes.get("smile", 0.0))

    fitted = learn_pose_map(lambda y, p: (y, p, 0.0), see, LIMITS, rounds=2, nudge=nudge)
    front = smile(nudge((0, 0, 0), fitted.holds(0, 0)))
    for yaw in (-40, -20, 20, 40):
        assert smile(nudge((yaw, 0, 0), fitted.holds(yaw, 0))) == pytest.approx(front, abs=0.25)
    assert abs(fitted.holds(40, 0)["smile"]) <= FURTHEST_HOLD_SD
    assert fitted.holds(0, 0).get("smile", 0.0) == pytest.approx(0.0, abs=0.05)


def test_angles_where_no_face_was_seen_are_not_promised():
    def see(asked):
        return None if asked == (40, 15) else {"yaw": asked[0], "pitch": asked[1]}

    fitted = learn_pose_map(lambda y, p: (y, p), see, LIMITS)
    assert not fitted.is_reachable(40, 15)
    assert not fitted.is_reachable(38, 13)
    assert fitted.is_reachable(-40, 15)
    assert fitted.is_reachable(20, 15)


@pytest.mark.weights
def test_nudging_moves_the_readings_and_leaves_the_fine_rows(stranger, dials):
    read = dials.read
    moved = nudged(stranger, dials, {"smile": 1.0})
    assert read(moved.w_plus)["smile"] > read(stranger.w_plus)["smile"] + 0.3
    assert np.array_equal(moved.w_plus[GEOMETRY_ROWS:], stranger.w_plus[GEOMETRY_ROWS:])
    assert nudged(stranger, dials, {"smile": 0.0}) is stranger
    assert held_readings(dials, {"yaw": 1.0}) == {}


def test_positive_roll_tilts_the_top_to_the_right_and_borders_are_filled():
    image = np.full((128, 128, 3), 90, np.uint8)
    image[10:20, 60:68] = 255  # a mark at the top
    moved = move_picture(image, Motion(roll=20))
    y, x = np.argwhere(moved[..., 0] > 200).mean(axis=0)
    assert x > 74
    assert moved.min() > 60  # no black corner
    point = Motion(roll=20).matrix(128) @ [63.5, 14.5, 1]
    assert point == pytest.approx([x, y], abs=2)
    assert move_picture(image, Motion()) is image
    assert np.argwhere(move_picture(image, Motion(shift_x=0.1))[..., 0] > 200).mean(axis=0)[
        1
    ] == pytest.approx(63.5 + 12.8, abs=1)
    with pytest.raises(UsageError, match="roll goes from"):
        move_picture(image, Motion(roll=90))
