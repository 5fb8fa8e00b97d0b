"""People before another background: mattes, pictures, files."""

from __future__ import annotations

import numpy as np
import pytest
from fake_regions import FakeSegments
from fakes import FakeGenerator
from test_operations import packed

from facegen.backdrops import Backdrop
from facegen.errors import BadFileError, LatentError, UsageError
from facegen.face import Face
from facegen.images import CHEQUERS, decode_image, encode_jpeg, encode_png, flattened
from facegen.local import background
from facegen.local.person import person_mask
from facegen.masks import Mask
from facegen.operation_records import from_record, from_records, pack_latent, to_record
from facegen.operations import (
    Background,
    KeepRest,
    MovePicture,
    ResizePicture,
    TurnEyes,
    background_among,
    with_background,
)
from facegen.retouch.apply import apply, draw
from facegen.retouch.backdrop import put_background
from facegen.retouch.matte import cut_out

LATENT = np.random.RandomState(0).randn(18, 512).astype("<f4")
BLUR, GREY = Backdrop("blur", 0.5), Backdrop("colour", colour="#8090a0")
CLEAR, OTHERS = Backdrop("transparent"), Backdrop.of_another()
EVERY = (BLUR, GREY, CLEAR, OTHERS)
SKIN, GREEN, HAIR = (200, 150, 120), (40, 160, 60), (30, 20, 10)


class Labelled:
    """Segments as told."""

    def __init__(self, **where: np.ndarray) -> None:
        self._where = where

    def mask(self, *names: str) -> np.ndarray:
        none = np.zeros((256, 256), bool)
        return np.any([self._where.get(name, none) for name in names], axis=0).astype(np.float32)


def somebody(size: int) -> tuple[np.ndarray, Mask]:
    """A disc of skin before green, with single hairs that stand out of it; and who stands there."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    far = np.hypot(x, y)
    image = np.empty((size, size, 3), np.uint8)
    image[:] = GREEN
    hairs = (np.sin(40 * np.arctan2(y, x)) > 0.6) & (far < 0.32)
    image[hairs] = HAIR
    image[far < 0.3] = HAIR
    image[far < 0.2] = SKIN
    y, x = np.mgrid[:256, :256] / 256 - 0.5
    far = np.hypot(x, y)
    seen = Labelled(background=far >= 0.305, hair=(far < 0.305) & (far >= 0.2), skin=far < 0.2)
    return image, person_mask(seen)


@pytest.mark.parametrize("size", [1024, 256])
def test_hairs_stay_and_what_shines_between_them_goes(size):
    image, person = somebody(size)
    white = put_background(image, Backdrop("colour", colour="#ffffff"), person)
    green = (image == GREEN).all(axis=2)
    # Nothing is greener than white, hair and skin are: no old background is left anywhere.
    assert (white[..., 1].astype(int) - white[..., 0])[green].max() < 40
    y, x = np.mgrid[:size, :size] / size - 0.5
    far = np.hypot(x, y)
    assert np.array_equal(white[far < 0.27], image[far < 0.27])
    assert (white[far > 0.36] == 255).all()
    if size == 1024:
        tips = (far > 0.307) & (far < 0.315)
        assert cut_out(image, person).alpha[tips & ~green].mean() > 0.6
        assert cut_out(image, person).alpha[tips & green].mean() < 0.3


def test_the_person_leaves_no_colour_behind_and_other_backgrounds_hold_no_other():
    image, person = somebody(512)
    other = image.copy()
    other[(image == GREEN).all(axis=2)] = (0, 0, 250)
    for strength in (0.1, 0.9):
        blurred = put_background(image, Backdrop("blur", strength), person)
        far = np.hypot(*(np.mgrid[:512, :512] / 512 - 0.5)) > 0.36
        assert np.abs(blurred[far].astype(int) - GREEN).max() < 12
        nobody = Mask.empty()
        behind = put_background(other, Backdrop("face", strength), nobody, other, person)
        assert np.abs(behind.astype(int) - (0, 0, 250)).max() < 12


def test_a_blur_is_one_and_a_stronger_one_is_more():
    rng = np.random.RandomState(1)
    image = rng.randint(0, 255, (512, 512, 3)).astype(np.uint8)
    spread = [
        put_background(image, Backdrop("blur", s), Mask.empty()).std() for s in (0.0, 0.02, 0.1, 1)
    ]
    assert spread[0] == image.std()
    assert sorted(spread, reverse=True) == spread
    assert spread[-1] < 5


def test_a_transparent_picture_is_saved_as_one_and_shown_on_a_chequerboard():
    image, person = somebody(256)
    put = Background.of(CLEAR, person)
    clear = apply([put], image, alpha=True)
    assert clear.shape == (256, 256, 4)
    assert (clear[0, 0, 3], clear[128, 128, 3]) == (0, 255)
    shown = apply([put], image)
    assert set(shown[:8].reshape(-1)) == set(CHEQUERS)
    assert np.array_equal(shown, flattened(clear))
    moved = apply([put, MovePicture(roll=10.0), ResizePicture(512, "lanczos")], image, alpha=True)
    assert moved.shape == (512, 512, 4)
    face = Face(LATENT, LATENT).finished((put,))
    data = face.to_png(clear)
    assert np.array_equal(decode_image(data, name="a", alpha=True), clear)
    assert decode_image(data, name="a").shape == (256, 256, 3)
    assert b"trainedAlgorithmicMedia" in data
    assert Face.from_bytes(data, name="a.png").operations == (put,)
    assert encode_jpeg(clear) == encode_jpeg(shown)
    assert decode_image(encode_png(image), name="a", alpha=True).shape == (256, 256, 3)


# --- records --------------------------------------------------------------------------------------


def of(backdrop: Backdrop) -> Background:
    person = somebody(64)[1]
    return Background.of(backdrop, person, (LATENT, person) if backdrop == OTHERS else None)


@pytest.mark.parametrize("backdrop", EVERY, ids=lambda one: one.kind)
def test_a_file_brings_the_same_picture_back(backdrop):
    generator = FakeGenerator()
    w_plus = generator.w_from_seed(3)
    eyes = TurnEyes(5.0, tuple((0.3 + 0.005 * k, 0.5) for k in range(68)))
    done = with_background((eyes, MovePicture(roll=5.0)), of(backdrop))
    assert [one.op for one in done] == ["turn_eyes", "background", "move_picture"]
    face = Face(w_plus, w_plus, model=generator.model).finished(done)
    picture = draw(face.request(model=generator.model, size=512), generator, alpha=True)
    back = Face.from_bytes(face.to_png(picture), name="a.png")
    again = draw(back.request(model=generator.model, size=512), generator, alpha=True)
    assert np.array_equal(again, picture)
    assert from_record(to_record(of(backdrop))) == of(backdrop)
    assert "at 0x" not in repr(of(backdrop))


PLAIN, ANOTHER = to_record(of(GREY)), to_record(of(OTHERS))


@pytest.mark.parametrize(
    "record",
    [
        {**PLAIN, "kind": "beach"},
        {**PLAIN, "kind": 7},
        {**PLAIN, "colour": "#80"},
        {**PLAIN, "colour": "red"},
        {**PLAIN, "colour": ""},
        {**PLAIN, "colour": "#8090a0\n"},
        {**PLAIN, "strength": float("nan")},
        {**PLAIN, "strength": 2},
        {**PLAIN, "strength": "0.5"},
        {**PLAIN, "person": "AAAA"},
        {**PLAIN, "person": packed(bytes(65535))},
        {**PLAIN, "person": packed(bytes(10**8))},
        {**PLAIN, "person": [0]},
        {**PLAIN, "kind": "face", "colour": ""},
        {**ANOTHER, "latent": pack_latent(np.full((18, 512), np.nan))},
        {**ANOTHER, "latent": pack_latent(np.full((18, 512), 1e30))},
        {**ANOTHER, "latent": "AAAA"},
        {**ANOTHER, "latent_person": packed(bytes(3))},
        {k: v for k, v in ANOTHER.items() if k != "latent_person"},
        {"op": "background"},
    ],
)
def test_a_hostile_record_is_refused_with_a_sentence(record):
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_record(record)
    face = Face(LATENT, LATENT).finished((of(GREY),))
    told = face._to_json(with_arrays=True)
    import json

    data = encode_png(
        np.zeros((8, 8, 3), np.uint8),
        texts={"facegen": json.dumps(json.loads(told) | {"operations": [record]})},
    )
    with pytest.raises(BadFileError, match=r"damaged; open another copy"):
        Face.from_bytes(data, name="a.png")


def test_a_background_comes_once_and_after_the_face():
    moved, kept = to_record(MovePicture()), to_record(KeepRest.of(LATENT, Mask.whole()))
    eyes = to_record(TurnEyes(5.0, tuple((0.3, 0.5) for _ in range(68))))
    assert from_records([kept, eyes, PLAIN, moved])
    for records in ([PLAIN, PLAIN], [PLAIN, eyes]):
        with pytest.raises(ValueError, match="background"):
            from_records(records)


def test_what_cannot_be_meant_is_told():
    person = Mask.whole()
    for bad in ((OTHERS, None), (BLUR, (LATENT, person))):
        with pytest.raises(UsageError, match="another face needs its latent"):
            Background.of(bad[0], person, bad[1])
    with pytest.raises(LatentError, match="finite"):
        Background.of(OTHERS, person, (LATENT * np.nan, person))
    for text, sentence in (
        ("blur=2", "by 0 to 1, got 2"),
        ("blur=nan", "by 0 to 1, got nan"),
        ("blur=x", "a number from 0 to 1"),
        ("blur=", "a number from 0 to 1"),
        ("#12345", "#rrggbb"),
        ("#12345g", "#rrggbb"),
    ):
        with pytest.raises(UsageError, match=sentence):
            Backdrop.parse(text)
    assert Backdrop.parse("beach.png") is None
    for backdrop in (BLUR, GREY, CLEAR):
        assert Backdrop.parse(backdrop.text) == backdrop


# --- who stands where -----------------------------------------------------------------------------


def test_specks_and_what_is_held_belong_to_the_person_and_gaps_beside_the_neck_do_not():
    person = np.zeros((256, 256), bool)
    person[40:, 60:200] = True
    person[100:104, 100:104] = False  # a speck
    person[220:, 110:150] = False  # something held before the chin
    person[150:180, 70:90] = False  # between hair and neck
    person[5:9, 230:234] = True  # something else
    mask = person_mask(Labelled(background=~person, skin=person)).values
    assert mask[102, 102] == 255
    assert mask[240, 130] == 255
    assert mask[165, 80] == 0
    assert mask[7, 232] == 0
    assert (mask[120, 55:60] > 0).sum() < (
        person_mask(Labelled(background=~person, hair=person)).values[120, 50:60] > 0
    ).sum()


def test_what_is_kept_of_a_picture_is_seen_on_that_picture():
    generator = FakeGenerator()
    left, right = (np.zeros((256, 256), bool) for _ in range(2))
    left[:, :100], right[:, 156:] = True, True
    mine, theirs = generator.w_from_seed(1), generator.w_from_seed(2)

    def see(w_plus):
        person = left if np.array_equal(w_plus, mine) else right
        return Labelled(background=~person, skin=person)

    upper = np.zeros((256, 256), bool)
    upper[:128] = True
    face = Face(mine, mine).finished((KeepRest.of(theirs, Mask.of(upper)),))
    put = background_among(background.before(face, BLUR, see).operations)
    values = put.person and Mask(put.person).values
    assert (values[60, 50], values[60, 200]) == (255, 0)
    assert (values[200, 50], values[200, 200]) == (0, 255)


def test_a_changed_face_is_looked_at_again_and_keeps_whose_background_it_has():
    generator = FakeGenerator()
    w_plus, other = generator.w_from_seed(1), generator.w_from_seed(2)
    face = Face(w_plus, w_plus).finished((MovePicture(roll=3.0),))
    put = background.before(face, OTHERS, lambda _: FakeSegments(), other=other)
    assert [one.op for one in put.operations] == ["background", "move_picture"]
    moved = put.edited(w_plus + 1, ())
    assert background_among(moved.operations) is None
    nobody = Labelled(background=np.ones((256, 256), bool))
    again = background.again(moved, background_among(put.operations), lambda _: nobody)
    was, now = (background_among(one.operations) for one in (put, again))
    assert (now.latent, now.latent_person, now.backdrop) == (
        was.latent,
        was.latent_person,
        was.backdrop,
    )
    assert not any(now.person)
    assert background_among(background.before(again, None, lambda _: nobody).operations) is None


@pytest.mark.weights
def test_real_people_stay_as_they_are_and_their_background_goes(generator):
    segments_of = background.segments_finder(generator)
    for seed, size in ((23, 1024), (3, 256)):
        w_plus = generator.w_from_seed(seed)
        face = Face(w_plus, w_plus, model=generator.model)
        plain = generator.render(w_plus, size=size)
        for backdrop in EVERY:
            other = generator.w_from_seed(5) if backdrop == OTHERS else None
            put = background.before(face, backdrop, segments_of, other=other)
            picture = draw(put.request(model=generator.model, size=size), generator)
            person = Mask(background_among(put.operations).person).at(size)
            assert 0.3 < (person == 1).mean() < 0.9
            assert np.array_equal(picture[person == 1], plain[person == 1])
            away = np.abs(picture.astype(int) - plain)[person == 0]
            assert away.mean() > (1 if backdrop == BLUR else 10)
