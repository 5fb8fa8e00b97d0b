"""Faces cut out of photographs: where they lie, how sharp they are, and what is told of them."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from photo_scenes import similarity, textured, whole, with_face

from facegen.errors import LatentError, UsageError
from facegen.measure.align import align, warp
from facegen.measure.measurer import load_measurer
from facegen.photos.align import aligned_crop, find_faces, lies_on_its_side, overshoots
from facegen.photos.quality import covered, face_area, sharpness


def square(left, top, edge):
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], float)
    return edge * corners + np.array([left, top])


def test_fine_stripes_become_grey_when_a_photo_shrinks():
    stripes = np.zeros((1200, 1600, 3), np.uint8)
    stripes[:, ::2] = 200
    for edge in (250, 480, 700, 1100):
        crop, _ = align(stripes, square(30.5, 20, edge), 100)
        assert crop.std() < 20, edge  # 100 where single pixels are taken
        assert abs(crop.mean() - 100) < 2


def test_what_is_far_away_in_the_photo_does_not_matter():
    image = textured(900, 1200)
    matrix = similarity(20, 0.4, (60, 60), 0) @ whole(np.array([[1, 0, -700], [0, 1, -450]]))
    crop = warp(image, matrix, 120, 120)
    moved = matrix @ whole(np.array([[1, 0, 300], [0, 1, 200]]))
    again = warp(np.ascontiguousarray(image[200:, 300:]), moved, 120, 120)
    assert np.abs(crop.astype(int) - again).max() <= 1


def test_beyond_the_photo_stands_a_mirror_image_that_blurs():
    image = textured(800, 800)
    quad = square(-160, 100, 512)
    plain, _ = align(image, quad, 512)
    crop, matrix = aligned_crop(image, quad, 512)
    assert overshoots(matrix, image.shape[:2], 512) == {"left": pytest.approx(160)}
    assert np.array_equal(crop[:, 300:], plain[:, 300:])  # a third of the padding inside: 70 px
    mirrored = plain[:, 162:291][:, ::-1]
    assert np.abs(plain[:, 30:159].astype(int) - mirrored).mean() < 3
    sides = [one[:, :120].astype(np.float32) for one in (crop, plain)]
    fine = [np.std(one - cv2.GaussianBlur(one, (0, 0), 2)) for one in sides]
    assert fine[0] < 0.2 * fine[1]
    median = np.median(plain, axis=(0, 1))
    assert np.abs(crop[:, 0] - median).mean() < 0.5 * np.abs(plain[:, 0] - median).mean()


def test_inside_a_photo_nothing_is_blurred():
    image = textured(800, 800)
    quad = square(10, 20, 700)
    assert np.array_equal(aligned_crop(image, quad, 512)[0], align(image, quad, 512)[0])


def test_blur_is_told_from_low_contrast():
    image = textured(512, 512)
    area = np.ones((512, 512), bool)
    sharp = sharpness(image, area)
    faint = (128 + 0.4 * (image.astype(float) - 128)).astype(np.uint8)
    assert sharpness(faint, area) == pytest.approx(sharp, rel=0.1)
    assert sharpness(cv2.GaussianBlur(image, (0, 0), 4), area) < 0.7 * sharp


def test_sizes_and_pictures_that_cannot_be_used_are_refused():
    with pytest.raises(UsageError, match="300"):
        find_faces(textured(100, 100), size=300)
    with pytest.raises(LatentError):
        find_faces(textured(100, 20))


@pytest.fixture(scope="module")
def scene(picture):
    """The face of `picture`, 1.6 times as large and turned, in a photo of 5 megapixels."""
    matrix = similarity(-14, 1.6, (1200, 1050), 1024)
    return with_face(textured(2100, 2400), picture, matrix), matrix


@pytest.mark.weights
def test_a_face_in_a_scene_is_framed_as_it_is_alone(picture, scene):
    image, placed = scene
    (found,) = find_faces(image)
    assert found.warnings == ()
    assert found.is_sure
    # Alone, but not taken whole: on a margin.
    margin = similarity(0, 1, (712, 712), 1024)
    (alone,) = find_faces(with_face(np.full((1424, 1424, 3), 120, np.uint8), picture, margin))
    corners = np.array([[0, 0, 1], [1024, 0, 1], [0, 1024, 1], [512, 512, 1]], float).T
    in_scene = found.matrix @ whole(placed) @ corners
    by_itself = alone.matrix @ whole(margin) @ corners
    assert np.abs(in_scene - by_itself).max() < 0.015 * 1024
    # The same pixels, as sharp, once the remaining shift is taken out.
    expected = warp(picture, found.matrix @ whole(placed), 1024, 1024)
    inner = slice(100, 924)
    assert np.abs(found.crop[inner, inner].astype(int) - expected[inner, inner]).mean() < 1.5
    fine = [np.abs(cv2.Laplacian(one[inner, inner], cv2.CV_32F)).mean()
            for one in (found.crop, expected)]  # fmt: skip
    assert fine[0] > 0.9 * fine[1]


@pytest.mark.weights
def test_an_aligned_picture_is_taken_whole(picture):
    (found,) = find_faces(picture)
    assert np.array_equal(found.crop, picture)
    assert found.matrix == pytest.approx(np.array([[1, 0, 0], [0, 1, 0]]), abs=1e-6)


@pytest.mark.weights
def test_every_face_is_found_the_largest_first(picture, generator):
    other = generator.render(generator.w_from_seed(3, 0.7))
    image = textured(1200, 2400)
    image = with_face(image, other, similarity(0, 0.4, (400, 600), 1024))
    image = with_face(image, picture, similarity(8, 0.9, (1600, 600), 1024))
    first, second = find_faces(image, size=256)
    assert first.eyes_px > 1.5 * second.eyes_px
    assert first.box[0] > 1000 > second.box[2]
    assert first.crop.shape == (256, 256, 3)


@pytest.mark.weights
def test_somebody_larger_in_the_same_square_does_not_take_its_place(scene, monkeypatch):
    image, _ = scene
    (alone,) = find_faces(image)
    real = load_measurer()

    class SeesTheOther:
        def angles(self, crop):
            found = real.angles(crop)
            return replace(found, landmarks=1.2 * (found.landmarks - 0.3))

    monkeypatch.setattr("facegen.photos.align.load_measurer", SeesTheOther)
    (found,) = find_faces(image)
    corners = np.array([[0, 0, 1], [2400, 2100, 1], [0, 2100, 1]], float).T
    assert np.abs((found.matrix - alone.matrix) @ corners).max() < 0.06 * 1024


@pytest.mark.weights
def test_a_small_or_blurred_face_is_told(picture):
    tiny = with_face(textured(900, 1200), picture, similarity(0, 0.2, (600, 400), 1024))
    (found,) = find_faces(tiny)
    assert f"small: {found.eyes_px:.0f} pixels" in found.warnings[0]
    soft = cv2.GaussianBlur(picture, (0, 0), 9)
    (found,) = find_faces(soft)
    assert any("blurred" in text for text in found.warnings)


@pytest.mark.weights
def test_a_turned_face_is_told(generator, dials, face):
    turned = generator.render(dials.apply(face.base, {"yaw": 42 - dials.read(face.base)["yaw"]}))
    (found,) = find_faces(turned)
    assert any("turned by" in text for text in found.warnings)


@pytest.mark.weights
def test_a_covered_face_is_told(picture):
    bar = picture.copy()
    bar[430:545, 290:730] = 15
    told = " ".join(find_faces(bar)[0].warnings)
    assert "cover" in told


def test_what_covers_a_face_is_measured_inside_of_it():
    from facegen.measure.segments import SEGMENTS, Segments, segment_id

    labels = np.full((256, 256), segment_id("background"), np.uint8)
    labels[64:192, 64:192] = segment_id("skin")
    labels[64:96, 64:192] = segment_id("sunglasses")
    area = np.zeros((256, 256), bool)
    area[64:192, 64:192] = True
    assert covered(Segments(labels), area) == (pytest.approx(0.25), pytest.approx(0.25))
    assert covered(Segments(labels), ~area)[0] == 1
    assert covered(Segments(labels), np.zeros_like(area)) == (0, 0)
    assert len(SEGMENTS) == 15


def test_the_area_of_a_face_is_what_its_landmarks_enclose():
    points = np.array([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75], [0.5, 0.5]])
    area = face_area(points, 100)
    assert area[50, 50]
    assert not area[10, 10]
    assert area.mean() == pytest.approx(0.25, abs=0.02)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("part", "told"),
    [((slice(330, None), slice(None)), "top edge"), ((slice(None), slice(330, None)), "left edge")],
)
def test_a_face_at_the_photos_edge_is_told_with_the_edge(picture, part, told):
    cut = np.ascontiguousarray(picture[part])
    found = find_faces(cut)
    assert found
    assert told in " ".join(found[0].warnings)


@pytest.mark.weights
def test_a_photo_on_its_side_is_noticed(scene):
    small = np.ascontiguousarray(np.rot90(scene[0][::3, ::3]))
    assert find_faces(small) == []
    assert lies_on_its_side(small)
    assert not lies_on_its_side(textured(400, 600))
