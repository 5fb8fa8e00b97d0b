"""Pulling at landmarks of a picture: what moves, where, and what stays."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.measure.pose import load_shape, rotation
from facegen.pose.expressions import EXPRESSIONS, express
from facegen.pose.finish import Finish, plan_expression
from facegen.retouch.warp import (
    Pull,
    brows,
    corners,
    lifted_corner,
    looking_up,
    pull_at,
    purse,
    upper_lids,
)

SIZE = 256


def standing(yaw=0.0):
    """Landmarks of the mean face, in fractions of the edge."""
    return 0.5 + 0.3 * load_shape() @ rotation(yaw, 0, 0)[:2].T


def dotted(landmarks, *places):
    """A dark picture with a red dot at one landmark and a green one at another."""
    image = np.full((SIZE, SIZE, 3), 40, np.uint8)
    for channel, (x, y) in enumerate((landmarks[list(places)] * SIZE).round().astype(int)):
        image[y - 1 : y + 2, x - 1 : x + 2, channel] = 255
    return image


def dots(image):
    """Middles of the red and the green dot."""
    found = []
    for channel in (0, 1):
        weight = np.clip(image[..., channel].astype(float) - 60, 0, None)
        rows, columns = np.indices(weight.shape)
        found.append(np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum())
    return found


@pytest.mark.parametrize(
    ("pulls", "marks", "outward", "up"),
    [
        (brows(0.08), (21, 22), 0.0, 0.08),
        (corners(-0.06, 0.04), (48, 54), 0.04, -0.06),
        (purse(0.1, 0.0), (48, 54), -0.1, 0.0),
    ],
)
@pytest.mark.parametrize("yaw", [0.0, 30.0])
def test_both_sides_move_alike_by_what_is_asked(pulls, marks, outward, up, yaw):
    landmarks = standing(yaw)
    before = dotted(landmarks, *marks)
    left, right = (
        b - a for a, b in zip(dots(before), dots(pull_at(before, landmarks, pulls)), strict=True)
    )
    unit = 0.3 * SIZE
    across = unit * np.cos(np.radians(yaw))
    assert left[0] == pytest.approx(-outward * across, abs=0.25 * abs(outward) * unit + 0.8)
    assert right[0] == pytest.approx(outward * across, abs=0.25 * abs(outward) * unit + 0.8)
    for move in (left, right):
        assert move[1] == pytest.approx(-up * unit, abs=0.3 * abs(up) * unit + 0.8)


def test_nothing_asked_changes_nothing_and_the_picture_beyond_stays():
    rng = np.random.RandomState(0)
    image = rng.randint(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)
    landmarks = standing()
    assert np.array_equal(pull_at(image, landmarks, (), 1.0), image)
    assert np.array_equal(pull_at(image, landmarks, brows(0.1), 0.0), image)
    changed = np.argwhere((pull_at(image, landmarks, upper_lids(0.05)) != image).any(axis=-1))
    eyes = landmarks[36:48] * SIZE
    assert changed[:, 0].max() < eyes[:, 1].max() + 0.15 * SIZE
    assert changed[:, 0].min() > eyes[:, 1].min() - 0.15 * SIZE


def test_one_corner_is_lifted_and_the_other_stays():
    landmarks = standing()
    before = dotted(landmarks, 48, 54)
    for side, moves in (("left", 0), ("right", 1)):
        after = dots(pull_at(before, landmarks, lifted_corner(side)))
        rise = [was[1] - now[1] for was, now in zip(dots(before), after, strict=True)]
        assert rise[moves] > 5
        assert abs(rise[1 - moves]) < 1


def test_half_the_strength_is_half_the_way():
    landmarks = standing()
    before = dotted(landmarks, 21, 22)
    whole, half = (
        dots(before)[0][1] - dots(pull_at(before, landmarks, brows(0.1), strength))[0][1]
        for strength in (1.0, 0.5)
    )
    assert half == pytest.approx(whole / 2, abs=1.0)


def test_a_face_at_the_pictures_edge_is_pulled_without_an_error():
    landmarks = standing() + np.array([0.45, -0.4])
    image = np.zeros((SIZE, SIZE, 3), np.uint8)
    far = Pull((8,), (), (0.0, -0.1), (0.3, 0.2))
    assert pull_at(image, landmarks, (*purse(0.1, 0.03), far)).shape == image.shape


@pytest.mark.weights
@pytest.mark.parametrize(
    ("name", "marks", "axis", "sign"),
    [("sad", (21, 22), 1, -1), ("kiss", (48, 54), 0, 0), ("ooo", (48, 54), 0, 0)],
)
def test_expressions_show_what_no_latent_draws(generator, name, marks, axis, sign, dials):
    """Sad raises the inner brows; kiss and ooo narrow the mouth."""
    from facegen.face import Face
    from facegen.measure.measurer import load_measurer

    def find(image):
        return load_measurer().angles(image).landmarks

    worn = express(Face.from_seed(generator, 960_003), dials, name, yaw=0, pitch=0)
    before = generator.render(worn.w_plus, size=512)
    after = plan_expression(
        Finish(before), worn, dials, name, 1.0, draw=lambda f: before, find=find
    ).image
    was, now = find(before)[list(marks)], find(after)[list(marks)]
    if sign:
        assert (sign * (now - was)[:, axis]).min() > 0.004
    else:
        assert np.ptp(now[:, axis]) < 0.9 * np.ptp(was[:, axis])


def test_what_ends_in_the_picture_says_so():
    said = {entry.name: entry.is_retouched for entry in EXPRESSIONS}
    assert not any(said[name] for name in ("neutral", "happy", "eyes_closed"))
    assert all(said[name] for name in ("sad", "kiss", "ooo", "wink_left", "contempt"))


@pytest.mark.parametrize("degrees", [-12.0, -6.0, 6.0, 12.0])
def test_irises_rise_between_the_corners_of_their_eyes_by_what_is_asked(degrees):
    landmarks = standing()
    eye = landmarks[36:42]
    places = np.stack([eye.mean(axis=0), eye[0]])
    before = dotted(places, 0, 1)
    after = dots(pull_at(before, landmarks, looking_up(degrees)))
    iris, corner = (was[1] - now[1] for was, now in zip(dots(before), after, strict=True))
    width = np.linalg.norm(eye[3] - eye[0]) * SIZE
    assert iris - corner == pytest.approx(0.4 * width * np.sin(np.radians(degrees)), abs=0.6)
