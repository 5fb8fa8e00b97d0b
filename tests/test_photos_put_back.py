"""An edited crop in its photo: what changes, what stays, and what fits the rest."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from photo_scenes import similarity, textured, whole, with_face

from facegen.errors import LatentError, UsageError
from facegen.measure.align import warp
from facegen.photos import blending
from facegen.photos.align import crop_at
from facegen.photos.put_back import put_back

SIZE = 512
TURNED = np.linalg.inv(whole(similarity(12, 2.2, (900, 760), SIZE)))[:2]
SMALL = np.linalg.inv(whole(similarity(-25, 0.3, (300, 260), SIZE)))[:2]


def crop_of(photo, matrix, size=SIZE):
    return crop_at(photo, matrix, warp(photo, matrix, size, size))


def with_spot(crop, place=(256, 200), radius=40, colour=(210, 40, 50)):
    out = crop.copy()
    cv2.circle(out, place, radius, colour, -1, cv2.LINE_AA)
    return out


def in_photo(place, matrix):
    return np.linalg.inv(whole(matrix))[:2] @ [*place, 1]


def outside(result, photo):
    """The pixels outside of the mask, of the result and of the photo."""
    left, top, right, bottom = result.box
    free = np.ones(photo.shape[:2], bool)
    free[top:bottom, left:right] = result.mask == 0
    return result.image[free], photo[free]


def fine(image):
    return image.astype(np.float32) - cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.2)


@pytest.fixture(scope="module")
def photo():
    return textured(1600, 2000, noise=3)


@pytest.mark.parametrize("matrix", [TURNED, SMALL], ids=["large", "small"])
def test_an_unedited_crop_changes_nothing(photo, matrix):
    result = put_back(photo, crop_of(photo, matrix), matrix)
    assert np.array_equal(result.image, photo)
    assert not result.mask.any()


@pytest.mark.parametrize("matrix", [TURNED, SMALL], ids=["large", "small"])
def test_an_edit_appears_at_its_place_and_the_rest_is_identical(photo, matrix):
    before = photo.copy()
    result = put_back(photo, with_spot(crop_of(photo, matrix)), matrix)
    x, y = in_photo((256, 200), matrix).round().astype(int)
    assert np.abs(result.image[y, x].astype(int) - (210, 40, 50)).max() < 20  # with its grain
    assert np.array_equal(*outside(result, photo))
    assert np.array_equal(photo, before)
    scale = 1 / np.sqrt(np.linalg.det(matrix[:, :2]))
    area = np.pi * (40 * scale) ** 2
    assert area < (result.mask > 0).sum() < 2.2 * area
    left, top, right, bottom = result.box
    assert left < x < right
    assert top < y < bottom


def test_aligned_again_the_photo_shows_the_edited_crop(photo):
    edited = with_spot(crop_of(photo, TURNED))
    result = put_back(photo, edited, TURNED, grain=False)
    apart = np.abs(crop_of(result.image, TURNED).astype(int) - edited)
    assert apart.mean() < 0.5
    assert np.percentile(apart, 99) < 12  # along the spot's edge


def test_a_change_of_colour_keeps_the_photos_own_detail(photo):
    """The photo has 2.2 times the crop's resolution: its finest structures are not in the crop."""
    crop = crop_of(photo, TURNED)
    warm = (crop.astype(np.float32) * [1.12, 1.0, 0.9]).round().clip(0, 255).astype(np.uint8)
    result = put_back(photo, warm, TURNED)
    left, top, right, bottom = result.box
    there = result.mask == 255
    before, after = (one[top:bottom, left:right] for one in (photo, result.image))
    gain = after[there].astype(float).mean(axis=0) / before[there].mean(axis=0)
    assert gain == pytest.approx([1.12, 1.0, 0.9], abs=0.02)
    assert fine(after)[there].std() > 0.9 * fine(before)[there].std()
    assert np.array_equal(*outside(result, photo))


@pytest.mark.long
def test_what_is_drawn_gets_the_photos_grain(monkeypatch):
    monkeypatch.setattr(  # nothing of the photo fits the edit
        blending, "same_detail", lambda edited, base: np.zeros(edited.shape[:2], np.float32)
    )
    flat = np.full((1600, 2000, 3), 128.0)
    speckles = cv2.GaussianBlur(np.random.RandomState(1).randn(*flat.shape), (0, 0), 0.8)
    photo = (flat + 9 * speckles).round().astype(np.uint8)
    edited = with_spot(crop_of(photo, TURNED), radius=120, colour=(180, 150, 140))
    x, y = in_photo((256, 200), TURNED).astype(int)
    inside = (slice(y - 100, y + 100), slice(x - 100, x + 100))
    results = [put_back(photo, edited, TURNED, grain=on).image for on in (True, False)]
    with_grain, without = (fine(one)[inside].std() for one in results)
    assert with_grain == pytest.approx(fine(photo)[inside].std(), rel=0.25)
    assert without < 0.3 * with_grain
    again = put_back(photo, edited, TURNED).image
    assert np.array_equal(again, results[0])


def test_a_reconstruction_that_misses_the_colours_is_corrected(photo, monkeypatch):
    from facegen.measure import segments

    person = np.full((256, 256), segments.segment_id("skin"), np.uint8)
    monkeypatch.setattr(
        "facegen.photos.put_back.of_picture", lambda image: segments.Segments(person)
    )
    crop = crop_of(photo, TURNED)
    redrawn = cv2.GaussianBlur(crop, (0, 0), 2)
    redrawn = (
        (redrawn.astype(np.float32) + np.array([14, -10, 6])).round().clip(0, 255).astype(np.uint8)
    )
    result = put_back(
        photo, with_spot(redrawn, colour=(200, 60, 60)), TURNED, reconstruction=redrawn
    )
    x, y = in_photo((256, 200), TURNED).round().astype(int)
    patch = result.image[y - 20 : y + 20, x - 20 : x + 20].mean(axis=(0, 1))
    assert patch == pytest.approx([186, 70, 54], abs=7)  # the spot, less what was missed
    assert np.array_equal(*outside(result, photo))
    assert (result.mask > 0).sum() < 0.05 * photo.shape[0] * photo.shape[1]


def test_white_hair_where_dark_hair_was_redrawn_too_flat_does_not_burn_out():
    rows = np.random.RandomState(4).rand(256, 256, 1).astype(np.float32)
    dark = 120 + 90 * (rows - 0.5) + np.zeros(3, np.float32)
    flat = 95 + 50 * (rows - 0.5) + np.zeros(3, np.float32)
    match = blending.ColourMatch.of(dark, flat, np.ones((256, 256), np.float32))
    assert match(flat) == pytest.approx(dark, abs=12)  # contrast and colour of what was there
    white = flat + 125  # about 220, some 25 below the photo's colours
    assert match(white).max() < 255
    assert 0.7 < match(white).std() / white.std() < 1.1
    assert match(white).mean() > white.mean()  # nearer to the photo's light all the same


def test_of_a_reconstruction_only_the_person_is_put_back(photo, monkeypatch):
    from facegen.measure import segments

    labels = np.full((256, 256), segments.segment_id("background"), np.uint8)
    labels[:, :128] = segments.segment_id("hair")
    monkeypatch.setattr(
        "facegen.photos.put_back.of_picture", lambda image: segments.Segments(labels)
    )
    crop = crop_of(photo, TURNED)
    edited = with_spot(with_spot(crop, (130, 250), 30), (390, 250), 30)
    result = put_back(photo, edited, TURNED, reconstruction=crop)
    for place, is_there in (((130, 250), True), ((390, 250), False)):
        x, y = in_photo(place, TURNED).round().astype(int)
        assert (np.abs(result.image[y, x].astype(int) - photo[y, x]).max() > 40) == is_there


def test_a_crop_that_leaves_the_photo_is_put_back_inside(photo):
    matrix = np.linalg.inv(whole(similarity(0, 2, (150, 800), SIZE)))[:2]
    crop = crop_of(photo, matrix)
    assert np.array_equal(put_back(photo, crop, matrix).image, photo)
    edited = with_spot(crop, (80, 250), 60)  # beyond the photo's left edge
    edited = with_spot(edited, (400, 250), 30)
    result = put_back(photo, edited, matrix)
    changed = np.abs(result.image.astype(int) - photo).max(axis=2) > 30
    x, y = in_photo((400, 250), matrix).round().astype(int)
    assert changed[y, x]
    assert not changed[:, :100].any()
    assert np.array_equal(*outside(result, photo))


def test_a_crop_that_was_shrunk_finds_its_place(photo):
    edited = cv2.resize(with_spot(crop_of(photo, TURNED)), (256, 256), interpolation=cv2.INTER_AREA)
    result = put_back(photo, edited, TURNED, size=SIZE)
    x, y = in_photo((256, 200), TURNED).round().astype(int)
    assert np.abs(result.image[y, x].astype(int) - (210, 40, 50)).max() < 20


def test_what_does_not_belong_together_is_refused(photo):
    crop = crop_of(photo, TURNED)
    with pytest.raises(UsageError, match="512×400"):
        put_back(photo, crop[:400], TURNED)
    with pytest.raises(UsageError, match="256 pixels wide"):
        put_back(photo, crop, TURNED, reconstruction=crop[::2, ::2])
    with pytest.raises(UsageError, match="nose"):
        put_back(photo, crop, TURNED, where="nose")  # type: ignore[arg-type]
    with pytest.raises(LatentError):
        put_back(photo, crop.astype(np.float32), TURNED)


@pytest.mark.weights
@pytest.mark.parametrize("where", ["face", "head"])
def test_a_crop_made_anew_takes_the_place_without_a_seam(generator, picture, where):
    """The same person in another light: along the mask's rim the photo's colours hold."""
    placed = similarity(10, 1.5, (1100, 1000), 1024)
    photo = with_face(textured(2000, 2200), picture, placed)
    matrix = np.linalg.inv(whole(placed))[:2]
    assert np.array_equal(put_back(photo, crop_of(photo, matrix, 1024), matrix, where=where).image,
                          photo)  # fmt: skip
    warm = (picture.astype(np.float32) * [1.1, 0.97, 0.85]).clip(0, 255).astype(np.uint8)
    result = put_back(photo, warm, matrix, where=where)
    assert np.array_equal(*outside(result, photo))
    left, top, right, bottom = result.box
    rim = (result.mask > 60) & (result.mask < 190)
    lit = warp(warm, placed, photo.shape[1], photo.shape[0], mirror=False)
    now, before, plain = (one[top:bottom, left:right][rim].astype(int)
                          for one in (result.image, photo, lit))  # fmt: skip
    seam, without = (np.abs((one - before).mean(axis=0)).max() for one in (now, plain))
    assert seam < 0.35 * without
