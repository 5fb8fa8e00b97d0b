"""What edits uncover is the background that was there; photographs get what was edited."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from test_background import Labelled
from test_local_edit import Dials, Measurer, Painter, edited
from test_operations import packed
from test_regions import Segments
from test_translate import PEOPLE, SPEC

from facegen.cli import cli
from facegen.datasets.domain import GENERATED, PHOTOGRAPH, Originals, into_photograph
from facegen.datasets.spec import parse_spec
from facegen.datasets.translate import translate
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import edit_face
from facegen.errors import UsageError
from facegen.face import Face
from facegen.images import decode_image, encode_png
from facegen.local.edit import LocalEditor, load_local_editor
from facegen.local.mixup import is_mixed, mixed, mixing_of
from facegen.local.person import person_mask
from facegen.masks import Mask
from facegen.operation_records import from_record, from_records, to_record
from facegen.operation_texts import describe
from facegen.operations import ContinueBackground, KeepRest
from facegen.render_request import RenderRequest
from facegen.retouch.apply import draw
from facegen.retouch.backdrop import continue_background

LATENT = np.random.RandomState(3).randn(18, 512).astype("<f4")
FAR = np.hypot(*(np.mgrid[:256, :256] / 256 - 0.5))
WIDE, NARROW = (Labelled(background=far >= r, skin=far < r) for far, r in ((FAR, 0.3), (FAR, 0.2)))
REGION = Mask.of((FAR < 0.36).astype(np.float32)).soft(2)
PUT = ContinueBackground.of(
    LATENT, person=person_mask(NARROW), latent_person=person_mask(WIDE), region=REGION
)
SKIN, GREEN, PURPLE = (200, 150, 120), (40, 160, 60), (120, 40, 140)


def disc(radius: float, behind: tuple[int, int, int], size: int = 512) -> np.ndarray:
    image = np.full((size, size, 3), behind, np.uint8)
    image[np.hypot(*(np.mgrid[:size, :size] / size - 0.5)) < radius] = SKIN
    return image


@pytest.fixture
def editor():
    return LocalEditor(Painter(), Dials(), Measurer(), lambda w_plus: Segments())


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_what_a_narrower_face_uncovers_is_the_old_background(size):
    before, after = disc(0.3, GREEN, size), disc(0.2, PURPLE, size)
    share = REGION.at(size)[..., None]
    outside = REGION.at(size) == 0
    after = np.rint(before * (1 - share) + after * share).astype(np.uint8)  # as the rest is kept
    made = continue_background(after, before, person_mask(NARROW), person_mask(WIDE), REGION)
    far = np.hypot(*(np.mgrid[:size, :size] / size - 0.5))
    assert np.array_equal(made[outside], before[outside])
    assert np.abs(made[(far > 0.23) & ~outside].astype(int) - GREEN).max() < 12
    assert np.array_equal(made[far < 0.18], after[far < 0.18])


def test_it_comes_back_from_its_record_and_is_described():
    record = json.loads(json.dumps(to_record(PUT)))
    assert from_record(record) == PUT
    assert "uncovered" in describe(PUT)
    assert np.array_equal(PUT.w_plus, LATENT)
    face = Face.from_w_plus(LATENT).finished((KeepRest.of(LATENT, REGION), PUT))
    again = Face.from_bytes(face.to_png(disc(0.2, GREEN, 64)), name="a.png")
    assert again.pixel_operations == face.pixel_operations


@pytest.mark.parametrize(
    "change",
    [
        {"latent": "AAAA"}, {"latent": 5}, {"person": packed(b"1")}, {"mask": None},
        {"latent_person": packed(bytes(1 << 22))}, {"mask": "?" * 200_000},
    ],
)  # fmt: skip
def test_hostile_records_are_refused(change):
    with pytest.raises((ValueError, TypeError, KeyError)):
        from_record(to_record(PUT) | change)


def test_a_background_is_continued_once():
    with pytest.raises(ValueError, match="once"):
        from_records([to_record(PUT), to_record(PUT)])


def test_faces_that_keep_nothing_or_show_only_the_person_stay_as_they_are():
    face = Face.from_w_plus(LATENT)
    assert mixed(face, lambda _: WIDE).pixel_operations == ()
    inner = Mask.of((FAR < 0.1).astype(np.float32))
    kept = face.finished((KeepRest.of(LATENT + 1, inner),))
    assert mixed(kept, lambda _: WIDE).pixel_operations == kept.pixel_operations
    wide = face.finished((KeepRest.of(LATENT + 1, REGION),))
    once = mixed(wide, lambda _: WIDE)
    assert is_mixed(once)
    assert mixed(once, lambda _: WIDE).pixel_operations == once.pixel_operations


def test_a_mixed_face_stays_mixed_when_it_is_edited_again(editor):
    first = editor.mixed(edited(editor, Face.from_w_plus(np.zeros((18, 512))), glasses=2.0))
    second = edited(editor, first, glasses=3.0)
    assert is_mixed(first) == is_mixed(second)
    assert isinstance(second.pixel_operations[0], KeepRest)
    plain = edited(editor, Face.from_w_plus(np.zeros((18, 512))), glasses=2.0)
    assert not is_mixed(edited(editor, plain, glasses=3.0))


def test_steps_are_kept_and_a_word_turns_the_mixup_off(editor, tmp_path):
    spec = parse_spec('steps = ["depth", "domain"]\n' + SPEC, Dials())
    assert spec.mixup
    rows = translate(tmp_path / "a", spec, PEOPLE[:1], editor)
    steps = {path.name for path in (tmp_path / "a").rglob("steps/*")}
    assert "glasses-without-to-with-mixup.png" in steps  # a painter's face has no depth
    assert not any("domain" in name for name in steps), "of generated faces it is the identity"
    assert rows[0]["domain"] == GENERATED
    assert rows[0]["face_file"] == rows[0]["file_name"]
    off = parse_spec("mixup = false\n" + SPEC, Dials())
    assert not off.mixup
    assert not any(row["mixed"] for row in translate(tmp_path / "b", off, PEOPLE[:1], editor))
    with pytest.raises(UsageError, match="steps"):
        parse_spec('steps = ["deepth"]\n' + SPEC, Dials())


def test_photographs_beside_faces(editor, tmp_path):
    crops = tmp_path / "crops"
    crops.mkdir()
    with pytest.raises(UsageError, match=r"such as plain\.png"):
        Originals.of(crops, ["plain"])
    with pytest.raises(UsageError, match="no folder"):
        Originals.of(tmp_path / "none", ["plain"])
    noise = np.random.RandomState(0).randint(90, 130, (300, 300, 3)).astype(np.uint8)
    (crops / "plain.png").write_bytes(encode_png(noise, source_type=None))
    spec = parse_spec(
        'size = 256\nsteps = ["domain"]\n[glasses.with]\nset = { glasses = 2 }', Dials()
    )
    originals = Originals.of(crops, [name for name, _ in PEOPLE])
    rows = translate(tmp_path / "out", spec, PEOPLE, editor, originals=originals)
    own = rows[0]
    assert own["domain"] == PHOTOGRAPH
    data = (tmp_path / "out" / own["file_name"]).read_bytes()
    assert b"compositeWithTrainedAlgorithmicMedia" in data
    assert decode_image(data, name="a").shape == (256, 256, 3)
    assert Face.load(tmp_path / "out" / own["face_file"]).keep is not None
    assert list((tmp_path / "out").rglob("*-domain.png"))
    (crops / "plain.png").write_bytes(encode_png(noise[:, :200]))
    with pytest.raises(UsageError, match="200×300"):
        Originals.of(crops, ["plain"]).open("plain")
    with pytest.raises(UsageError, match="has changed"):
        originals.open("plain")
    with pytest.raises(UsageError, match="other people or settings"):
        translate(tmp_path / "out", spec, PEOPLE, editor)


def test_mixup_is_for_edits_that_keep_the_rest(tmp_path):
    done = CliRunner().invoke(cli, ["edit", "a.png", "--mixup", "--out", str(tmp_path / "b.png")])
    assert done.exit_code == 1
    assert "give --keep-rest" in done.output


@pytest.mark.weights
def test_only_what_was_edited_goes_into_a_photograph(picture):
    before = np.ascontiguousarray(picture[::2, ::2])
    grain = np.random.RandomState(0).randn(512, 512, 3) * 6
    photo = np.clip(before * 0.8 + 30 + grain, 0, 255).astype(np.uint8)
    after = before.copy()
    after[250:300, 220:290, 0] = np.minimum(after[250:300, 220:290, 0] + 50.0, 255)
    made = into_photograph(photo, after, before)
    assert np.array_equal(made[:150], photo[:150])
    change = made.astype(int) - photo
    assert change[265:285, 240:270, 0].mean() > 20
    fine = made[265:285, 240:270, 1].astype(float)
    assert np.std(np.diff(fine, axis=1)) > 4  # the photograph's grain


@pytest.mark.weights
def test_shorter_hair_uncovers_the_old_background_and_the_rest_stays(generator):
    editor = load_local_editor(generator, DialSet.load(generator.space, own=False))
    face = Face.from_seed(generator, 42, 0.75)
    step = -1.5 * editor.dials.spec("hair_length").unit_per_sd
    kept = editor.keep(face, edit_face(editor.dials, face, {"hair_length": step}), ["hair_length"])
    after = editor.mixed(kept)
    assert is_mixed(after)
    before, made, plain = (editor.picture(one) for one in (face, after, kept))
    outside = kept.keep.region.at(512) == 0
    assert np.array_equal(made[outside], before[outside])
    put = after.pixel_operations[1]
    uncovered = (Mask(put.latent_person).at(512) > 0.6) & (Mask(put.person).at(512) < 0.2)
    uncovered &= kept.keep.region.at(512) > 0.5
    sky = np.median(before[40:120, 20:60].reshape(-1, 3), axis=0)  # plain blue behind her
    far = [np.abs(one[uncovered] - sky).mean() for one in (plain.astype(float), made.astype(float))]
    assert far[1] < far[0]
    request = RenderRequest.of(
        after.w_plus, model=generator.model, size=512, operations=after.pixel_operations
    )
    assert np.array_equal(draw(request, generator), made)
    photo = np.clip(before * 0.8 + 30.0, 0, 255).astype(np.uint8)
    back = into_photograph(photo, made, before, mixing_of(after))
    there = 0.8 * sky + 30
    assert np.abs(back[uncovered] - there).mean() < 0.5 * np.abs(photo[uncovered] - there).mean()
