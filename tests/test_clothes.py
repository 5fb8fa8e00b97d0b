"""Other clothes on a person: masks, pictures, files, sweeps' finding again."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeGenerator
from test_background import Labelled

from facegen.backdrops import Backdrop
from facegen.cli.clothes import wanted_clothes
from facegen.clothing import Clothing
from facegen.errors import UsageError
from facegen.face import Face
from facegen.local import clothes
from facegen.local.person import clothes_mask
from facegen.local.scene import again
from facegen.masks import Mask
from facegen.operation_records import from_record, from_records, to_record
from facegen.operations import (
    Background,
    Clothes,
    KeepRest,
    MovePicture,
    clothes_among,
    with_background,
    with_clothes,
)
from facegen.render_request import RenderRequest
from facegen.retouch.apply import draw
from facegen.retouch.clothes import put_clothes

LATENT = np.random.RandomState(0).randn(18, 512).astype("<f4")
BLUE, OTHERS = Clothing("colour", "#203080"), Clothing("face")
SHIRT, GREEN = (150, 140, 130), (40, 160, 60)


def low(first_row: int = 200) -> np.ndarray:
    """Clothes from a row of cells on."""
    inside = np.zeros((256, 256), bool)
    inside[first_row:] = True
    return inside


def dressed_segments(_: object = None) -> Labelled:
    return Labelled(clothes=low())


def bare(_: object = None) -> Labelled:
    return Labelled()


def picture(size: int) -> np.ndarray:
    """A folded shirt below something green."""
    image = np.empty((size, size, 3), np.uint8)
    image[:] = GREEN
    folds = 15 * np.sin(np.arange(size) / size * 60)
    shirt = np.array(SHIRT) + folds[None, :, None] + np.zeros((size, 1, 1))
    image[200 * size // 256 :] = shirt[200 * size // 256 :].astype(np.uint8)
    return image


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_a_colour_is_the_mean_of_the_clothes_with_their_folds_and_nothing_else_changes(size):
    image = picture(size)
    worn = clothes_mask(dressed_segments())
    blue = put_clothes(image, BLUE, worn)
    inner = blue[215 * size // 256 :]
    assert np.abs(inner.mean(axis=(0, 1)) - BLUE.rgb).max() < 12
    across, was = inner[:, :, 2].mean(axis=0), image[-1, :, 2].astype(float)
    assert np.corrcoef(across, was)[0, 1] > 0.95
    outside = np.repeat(np.repeat(worn.values == 0, size // 256, 0), size // 256, 1)
    assert outside.mean() > 0.7
    assert np.array_equal(blue[outside], image[outside])


def test_black_becomes_no_noise_when_it_is_made_white():
    image = np.full((256, 256, 3), 12, np.uint8)
    image += np.random.RandomState(1).randint(0, 4, image.shape).astype(np.uint8)
    white = put_clothes(image, Clothing("colour", "#f0f0f0"), clothes_mask(dressed_segments()))
    assert white[230:].std() < 8 * image[230:].std()
    assert white[230:].mean() > 200


def test_clothes_are_those_at_the_lower_end_without_earrings():
    where = low(220)
    where[150:160, 20:30] = True
    assert not clothes_mask(Labelled(clothes=where)).values[140:170].any()
    assert clothes_mask(Labelled(clothes=low(255))) is None
    assert clothes_mask(bare()) is None


def test_the_edge_is_wide_along_hair_and_narrow_along_skin():
    hair = np.zeros((256, 256), bool)
    hair[150:200, :128] = True
    mask = clothes_mask(Labelled(clothes=low(), hair=hair)).values
    unsure = (mask > 0) & (mask < 255)
    assert unsure[:, 40].sum() > unsure[:, 220].sum() > 0


def test_clothes_of_another_are_drawn_around_the_face_that_is_kept():
    generator = FakeGenerator()
    face = Face.from_seed(generator, 7)
    other = generator.w_from_seed(8)
    dressed = clothes.wearing(face, OTHERS, dressed_segments, other=other)
    put = clothes_among(dressed.operations)
    assert np.array_equal(put.w_plus[: clothes.OWN_ROWS], face.w_plus[: clothes.OWN_ROWS])
    assert np.array_equal(put.w_plus[clothes.OWN_ROWS :], other[clothes.OWN_ROWS :])
    rest = generator.w_from_seed(9)
    kept = face.finished((KeepRest.of(rest, Mask.of(low(128))),))
    request = kept.request(model="fake", size=1024)
    again_kept = clothes.wearing(kept, OTHERS, dressed_segments, other=other)
    keep = request.dressed(clothes_among(again_kept.operations)).keep
    assert np.array_equal(keep.w_plus, rest)
    assert np.array_equal(clothes_among(again_kept.operations).w_plus[:5], rest[:5])


def test_a_sentence_tells_why_nothing_changes():
    generator = FakeGenerator()
    face, other = Face.from_seed(generator, 7), generator.w_from_seed(8)
    with pytest.raises(UsageError, match="No clothes are seen"):
        clothes.wearing(face, BLUE, bare)
    with pytest.raises(UsageError, match="other face shows no clothes"):
        clothes.wearing(face, OTHERS, bare, other=other)
    with pytest.raises(UsageError, match="need a latent"):
        clothes.wearing(face, OTHERS, dressed_segments)
    with pytest.raises(UsageError, match="#rrggbb"):
        Clothing.parse("#12")
    assert Clothing.parse("seed:42") is None


@pytest.mark.parametrize("latent", [None, LATENT])
def test_a_file_tells_them_to_the_last_bit(latent):
    put = Clothes.of(OTHERS if latent is not None else BLUE, Mask.of(low()), latent)
    assert from_record(to_record(put)) == put
    assert from_records([to_record(put)]) == (put,)


def test_damaged_records_and_orders_are_refused():
    worn = Mask.of(low())
    put = Clothes.of(BLUE, worn)
    behind = Background.of(Backdrop("blur", 0.5), worn)
    with pytest.raises(ValueError, match="after all"):
        from_records([to_record(behind), to_record(put)])
    with pytest.raises(ValueError, match="one operation"):
        from_records([to_record(put), to_record(put)])
    for wrong in ({"colour": "red"}, {"kind": "hat"}, {"worn": "x"}):
        with pytest.raises(ValueError, match=r".+"):
            from_record(to_record(put) | wrong)


def test_they_are_worn_before_a_background_and_before_the_picture_is_moved():
    put, worn = Clothes.of(BLUE, Mask.of(low())), Mask.of(low())
    behind = Background.of(Backdrop("blur", 0.5), worn)
    move = MovePicture(roll=3)
    assert with_clothes((behind, move), put) == (put, behind, move)
    assert with_background((put, move), behind) == (put, behind, move)
    assert with_clothes((put, behind), None) == (behind,)


def test_a_changed_face_wears_them_again_where_they_are_seen():
    generator = FakeGenerator()
    face = clothes.wearing(Face.from_seed(generator, 7), BLUE, dressed_segments)
    other = Face.from_seed(generator, 8)
    lower = lambda _: Labelled(clothes=low(230))  # noqa: E731
    found = clothes_among(again(other, face.operations, lower).operations)
    assert found.clothing == BLUE
    assert not Mask(found.worn).values[210].any()
    assert clothes_among(again(other, face.operations, bare).operations) is None


def test_the_command_line_says_what_it_takes():
    face = Face.from_seed(FakeGenerator(), 7)
    assert wanted_clothes("none", face) == (None, None)
    assert wanted_clothes("#203080", face) == (BLUE, None)
    assert wanted_clothes("seed:42", face) == (OTHERS, 42)
    for text, told in (("hat.png", "no file"), ("seed:x", "whole number"), ("#12", "#rrggbb")):
        with pytest.raises(UsageError, match=told):
            wanted_clothes(text, face)


@pytest.mark.weights
def test_nothing_outside_of_the_clothes_changes_in_a_saved_picture(tmp_path):
    from facegen.generator import Generator
    from facegen.images import decode_image
    from facegen.local.background import segments_finder

    generator = Generator.load()
    segments_of = segments_finder(generator)
    face = Face.from_seed(generator, 920_001, 0.7)
    plain = draw(face.request(model=generator.model, size=1024), generator)
    other = generator.w_from_seed(920_501)
    for clothing, whose in ((BLUE, None), (OTHERS, other)):
        dressed = clothes.wearing(face, clothing, segments_of, other=whose)
        request: RenderRequest = dressed.request(model=generator.model, size=1024)
        dressed.save(tmp_path / "dressed.png", draw(request, generator))
        saved = decode_image((tmp_path / "dressed.png").read_bytes(), name="dressed.png")
        worn = Mask(clothes_among(dressed.operations).worn).values
        outside = np.repeat(np.repeat(worn == 0, 4, 0), 4, 1)
        assert np.array_equal(saved[outside], plain[outside])
        inside = np.repeat(np.repeat(worn == 255, 4, 0), 4, 1)
        assert np.abs(saved[inside].astype(int) - plain[inside]).mean() > 10
        opened = Face.load(tmp_path / "dressed.png")
        again_drawn = draw(opened.request(model=generator.model, size=1024), generator)
        assert np.array_equal(again_drawn, saved)
