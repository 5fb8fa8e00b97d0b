"""Pose and shape from landmarks, drawn by projecting the mean face: no instruments needed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facegen.editing.dial_set import DialSet
from facegen.errors import LatentError
from facegen.measure.appearance import HAIR, LENGTH, appearance, mirrored_appearance
from facegen.measure.classifiers import HAIR_PAIRS, fit_classifiers, load_classifiers
from facegen.measure.detector import MEASURE_PX, Detection, at_size, load_instruments
from facegen.measure.face import instrument_values
from facegen.measure.hair import hair_row
from facegen.measure.measurer import load_measurer
from facegen.measure.pose import MIRROR, angles, fit_pose, learn_shape, load_shape, rotation
from facegen.measure.segments import SEGMENTS_PX, Segments, segment_id
from facegen.measure.shape import MEASURES, measure_shape

BALD = Segments(np.full((SEGMENTS_PX, SEGMENTS_PX), segment_id("skin"), np.uint8))


def project(yaw=0.0, pitch=0.0, roll=0.0, scale=180.0, shape=None):
    shape = load_shape() if shape is None else shape
    return scale * (shape @ rotation(yaw, pitch, roll).T)[:, :2] + 256


def test_positive_yaw_turns_the_nose_to_the_right_edge():
    nose, eyes = 30, [36, 45]
    ahead, turned = project(), project(yaw=30)
    assert turned[nose, 0] - turned[eyes, 0].mean() > ahead[nose, 0] - ahead[eyes, 0].mean() + 20


def test_positive_pitch_raises_the_nose_toward_the_eyes():
    ahead, raised = project(), project(pitch=20)
    assert raised[30, 1] - raised[36, 1] < ahead[30, 1] - ahead[36, 1] - 20


def test_positive_roll_tilts_the_top_to_the_right():
    tilted = project(roll=15)
    assert tilted[27, 0] > tilted[8, 0] + 20  # the nose's root is right of the chin
    assert tilted[45, 1] > tilted[36, 1] + 20  # the right eye is lower


@pytest.mark.parametrize("pose", [(0, 0, 0), (35, 0, 0), (-20, 15, 5), (10, -18, -8)])
def test_a_projected_pose_is_found(pose):
    assert angles(rotation(*pose)) == pytest.approx(pose, abs=1e-6)
    found, front = fit_pose(project(*pose), load_shape())
    assert (found.yaw, found.pitch, found.roll) == pytest.approx(pose, abs=1e-3)
    assert found.scale == pytest.approx(180, rel=1e-6)
    assert np.allclose(front, load_shape()[:, :2], atol=1e-6)


def test_the_mean_face_is_found_from_pictures_alone():
    rng = np.random.RandomState(0)
    poses = np.c_[rng.randn(300) * 15, rng.randn(300) * 8, rng.randn(300)]
    points = np.array([project(*pose) + rng.randn(68, 2) * 0.5 for pose in poses])
    found = learn_shape(points)
    tilt = rotation(0, float(-poses[:, 1].mean()), 0)  # pitch 0 is the crowd's own mean
    assert np.abs(found @ tilt.T - load_shape()).max() < 0.05 or (
        np.abs(found - load_shape()).max() < 0.05
    )


def test_shape_measures_do_not_follow_the_pose():
    ahead, turned = measure_shape(project()), measure_shape(project(yaw=15, pitch=5))
    assert set(MEASURES) < set(ahead)
    assert turned["yaw"] == pytest.approx(15, abs=1e-3)
    for name in ("mouth_open", "nose_width", "eye_distance"):
        assert turned[name] == pytest.approx(ahead[name], abs=0.03)


def test_an_open_mouth_reads_more_open():
    points = project()
    points[[65, 66, 67, 56, 57, 58]] += [0, 20]
    assert measure_shape(points)["mouth_open"] > measure_shape(project())["mouth_open"] + 0.08


def test_appearance_has_one_length_and_no_gaps():
    rng = np.random.RandomState(0)
    small, large = (rng.randint(0, 255, (px, px, 3)).astype(np.uint8) for px in (64, 512))
    assert appearance(small, BALD).shape == appearance(large, BALD).shape == (LENGTH,)
    assert np.isfinite(appearance(np.zeros((64, 64, 3), np.uint8), BALD)).all()


def test_what_is_read_of_a_mirror_image_is_known_beforehand():
    rng = np.random.RandomState(0)
    small = cv2.GaussianBlur(rng.randint(0, 255, (512, 512, 3)).astype(np.uint8), (0, 0), 3)
    row = mirrored_appearance(appearance(small, BALD))
    assert row.shape == (LENGTH,)
    seen = appearance(np.ascontiguousarray(small[:, ::-1]), BALD)
    assert np.abs(row[HAIR:].astype(float) - seen[HAIR:]).max() < 0.02
    assert np.abs(appearance(small, BALD)[HAIR:].astype(float) - seen[HAIR:]).max() > 0.2


def test_a_picture_without_hair_says_so():
    row = hair_row(np.full((512, 512, 3), 128, np.uint8), BALD)
    assert row[-1] == 1
    assert not row[:-1].any()


def test_colours_around_the_face_are_read_where_they_are():
    picture = np.full((512, 512, 3), 128, np.uint8)
    picture[:160, :60] = (200, 30, 30)
    picture[470:] = (30, 30, 200)
    detection = Detection(project(), np.zeros(128, np.float32), 30.0, 0.0)
    values = instrument_values(appearance(picture, BALD), detection)
    assert values["bg_left_a"] > 30 > 5 > abs(values["bg_right_a"])
    assert values["clothes_b"] < -40
    assert values["bg_right_l"] == pytest.approx(54, abs=2)


@pytest.mark.parametrize("shape", [(8, 8, 3), (512, 512), (512, 512, 4)])
def test_pictures_that_cannot_be_measured_are_refused(shape):
    with pytest.raises(LatentError, match="uint8"):
        at_size(np.zeros(shape, np.uint8), 128)


def test_classifiers_are_tested_on_faces_they_did_not_see():
    rng = np.random.RandomState(0)
    x = rng.randn(200, HAIR + HAIR_PAIRS + 16 * 16 * 9 + 30 + 128 + 276)
    y = (x[:, :16].sum(axis=1) > 0).astype(float)
    y[:10] = np.nan
    fitted, unseen = fit_classifiers(x, {"made": y, "noise": rng.randint(0, 2, 200).astype(float)})
    assert abs(dict(zip(fitted.names, fitted.scores, strict=True))["noise"]) < 0.25
    assert unseen["made"].shape == (200,)


def test_the_shipped_classifiers_hold_what_the_documents_say():
    fitted = load_classifiers()
    auc = dict(zip(fitted.names, fitted.auc, strict=True))
    assert auc["glasses"] > 0.98
    assert min(auc[name] for name in ("hat", "beard", "bangs", "gender", "smile")) > 0.9


@pytest.mark.weights
def test_rendered_edits_are_seen_by_the_instruments(generator):
    dials = DialSet.load()
    edits = {"yaw": 15.0, "pitch": 8.0, "age": 15.0, "mouth_open": 2.0}
    moved = {name: [] for name in edits}
    for seed in range(100_020, 100_025):
        base = generator.w_from_seed(seed, 0.7)
        plain = load_measurer().measure(generator.render(base, size=512))
        for name, delta in edits.items():
            seen = load_measurer().measure(
                generator.render(dials.apply(base, {name: delta}), size=512)
            )
            moved[name].append(seen.values[name] - plain.values[name])
            assert np.linalg.norm(seen.descriptor - plain.descriptor) < 0.6
    assert np.median(moved.pop("mouth_open")) > 0.05
    for name, changes in moved.items():  # one face may lag: the linear dial is true on average
        assert np.median(changes) == pytest.approx(edits[name], rel=0.4), (name, changes)
    assert load_measurer().measure(np.full((256, 256, 3), 128, np.uint8)) is None


@pytest.mark.weights
def test_looking_again_sees_the_same_face_from_both_sides(generator):
    picture = generator.render(generator.w_from_seed(960_003), size=MEASURE_PX)
    instruments = load_instruments()
    detection = instruments.detect(picture, describe=False)
    again = instruments.landmarks_again(picture, detection)
    assert again.shape == (6, 68, 2)
    assert np.abs(np.median(again, axis=0) - detection.landmarks).max() < 6
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    flat = instruments.landmarks_again(mirrored, instruments.detect(mirrored, describe=False))
    back = np.median(flat, axis=0)[list(MIRROR)] * [-1, 1] + [MEASURE_PX - 1, 0]
    assert np.abs(back - np.median(again, axis=0)).mean() < 2.5


def enlarged(picture, zoom):
    matrix = cv2.getRotationMatrix2D((255.5, 255.5), 0, zoom)
    border = cv2.BORDER_REFLECT_101
    return cv2.warpAffine(picture, matrix, (512, 512), flags=cv2.INTER_CUBIC, borderMode=border)


@pytest.mark.weights
def test_several_looks_agree_better_than_one_on_turned_faces(generator, dials):
    from facegen.face import Face
    from facegen.pose.head_pose import pose_face

    instruments, once, several = load_instruments(), [], []
    for seed in range(910_000, 910_006):
        face = pose_face(Face.from_seed(generator, seed), dials, yaw=40, pitch=0)
        picture = generator.render(face.w_plus, size=MEASURE_PX)
        angles_once, angles_several = [], []
        for zoom in (0.96, 0.98, 1.0, 1.02, 1.04):
            detection = instruments.detect(enlarged(picture, zoom), describe=False)
            median = np.median(
                instruments.landmarks_again(enlarged(picture, zoom), detection), axis=0
            )
            for points, found in ((detection.landmarks, angles_once), (median, angles_several)):
                pose, _ = fit_pose(points, load_shape())
                found.append((pose.yaw, pose.pitch))
        once.append(np.std(angles_once, axis=0))
        several.append(np.std(angles_several, axis=0))
    assert np.mean(several) < 0.9 * np.mean(once)
    assert load_measurer().angles(picture).doubt > 0
    ahead = generator.render(pose_face(face, dials, yaw=0, pitch=0).w_plus, size=256)
    assert load_measurer().angles(ahead).doubt == 0
