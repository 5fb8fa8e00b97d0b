"""Gaze, lips, skin and hair of drawn faces whose truth is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facegen.measure.details import detail_values, load_gaze
from facegen.measure.pose import load_shape
from facegen.measure.segments import SEGMENTS_PX, Segments, segment_id

SKIN, HAIR = (224, 180, 150), (60, 40, 30)


def drawn(*, look: float = 0.0, skin=SKIN, hair=HAIR):
    """A picture, landmarks, and segments that fit it; the irises stand `look` px to the right."""
    points = 150 * load_shape()[:, :2] + [256, 250]
    picture = np.full((512, 512, 3), skin, np.uint8)
    picture[:110] = hair
    for eye in (points[36:42], points[42:48]):
        eye[[1, 2], 1] -= 5
        eye[[4, 5], 1] += 5
        cv2.fillPoly(picture, [eye.round().astype(np.int32)], (245, 245, 245))
        middle = (eye.mean(axis=0) + np.array([look, 0])).round().astype(int)
        cv2.circle(picture, tuple(int(v) for v in middle), 6, (40, 30, 20), -1)
    labels = np.full((SEGMENTS_PX, SEGMENTS_PX), segment_id("skin"), np.uint8)
    labels[:55] = segment_id("hair")
    return picture, points, Segments(labels)


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


def test_a_bald_head_has_no_colour_of_hair():
    picture, points, segments = drawn()
    labels = segments.labels.copy()
    labels[:55] = segment_id("skin")
    values = detail_values(picture, points, Segments(labels))
    assert "skin_ita" in values
    assert not any(name.startswith("hair_") for name in values)


def test_each_lip_and_each_corner_of_the_mouth_is_read_alone():
    picture, points, segments = drawn()
    plain = detail_values(picture, points, segments)
    points[[56, 57, 58]] += [0, 10]
    fuller = detail_values(picture, points, segments)
    assert fuller["lower_lip"] > plain["lower_lip"] + 0.03
    assert fuller["upper_lip"] == pytest.approx(plain["upper_lip"], abs=1e-3)
    picture, points, segments = drawn()
    points[48] -= [0, 10]
    raised = detail_values(picture, points, segments)
    assert raised["mouth_corner_left"] > plain["mouth_corner_left"] + 0.03
    assert raised["mouth_corner_right"] == pytest.approx(plain["mouth_corner_right"], abs=1e-3)


def test_closed_or_missing_eyes_leave_the_gaze_out():
    picture, points, segments = drawn()
    points[[37, 38, 43, 44], 1] = points[[36, 36, 42, 42], 1]
    points[[40, 41, 46, 47], 1] = points[[36, 36, 42, 42], 1]
    values = detail_values(picture, points, segments)
    assert "gaze_side" not in values
    assert all(np.isfinite(value) for value in values.values())
    assert load_gaze().shape == (2, 7)
