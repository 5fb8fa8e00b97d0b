"""Gaze, lips, skin and hair of drawn faces whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facegen.measure.details import detail_values, load_gaze
from facegen.measure.pose import load_shape

SKIN, HAIR = (224, 180, 150), (60, 40, 30)


def drawn(*, look: float = 0.0, skin=SKIN, hair=HAIR):
    """A picture, and landmarks that fit it; the irises are moved by `look` pixels to the right."""
    points = 150 * load_shape()[:, :2] + [256, 250]
    picture = np.full((512, 512, 3), skin, np.uint8)
    picture[:110] = hair
    for eye in (points[36:42], points[42:48]):
        eye[[1, 2], 1] -= 5
        eye[[4, 5], 1] += 5
        cv2.fillPoly(picture, [eye.round().astype(np.int32)], (245, 245, 245))
        middle = (eye.mean(axis=0) + np.array([look, 0])).round().astype(int)
        cv2.circle(picture, tuple(int(v) for v in middle), 6, (40, 30, 20), -1)
    return picture, points


def test_irises_to_the_right_read_as_a_look_to_the_right():
    left, ahead, right = (detail_values(*drawn(look=px))["gaze_side"] for px in (-6, 0, 6))
    assert left < ahead - 0.05
    assert right > ahead + 0.05


def test_darker_skin_reads_a_lower_angle_and_hair_its_own_colour():
    light, dark = (detail_values(*drawn(skin=skin)) for skin in (SKIN, (90, 60, 45)))
    assert light["skin_ita"] > 30 > -30 > dark["skin_ita"]
    assert light["hair_lightness"] == pytest.approx(dark["hair_lightness"], abs=1)
    blond = detail_values(*drawn(hair=(220, 190, 120)))
    assert blond["hair_lightness"] > light["hair_lightness"] + 40


def test_each_lip_and_each_corner_of_the_mouth_is_read_alone():
    picture, points = drawn()
    plain = detail_values(picture, points)
    points[[56, 57, 58]] += [0, 10]
    fuller = detail_values(picture, points)
    assert fuller["lower_lip"] > plain["lower_lip"] + 0.03
    assert fuller["upper_lip"] == pytest.approx(plain["upper_lip"], abs=1e-3)
    picture, points = drawn()
    points[48] -= [0, 10]
    raised = detail_values(picture, points)
    assert raised["mouth_corner_left"] > plain["mouth_corner_left"] + 0.03
    assert raised["mouth_corner_right"] == pytest.approx(plain["mouth_corner_right"], abs=1e-3)


def test_closed_or_missing_eyes_leave_the_gaze_out():
    picture, points = drawn()
    points[[37, 38, 43, 44], 1] = points[[36, 36, 42, 42], 1]
    points[[40, 41, 46, 47], 1] = points[[36, 36, 42, 42], 1]
    values = detail_values(picture, points)
    assert "gaze_side" not in values
    assert all(np.isfinite(value) for value in values.values())
    assert load_gaze().shape == (2, 7)
