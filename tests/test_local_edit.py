"""Edits with the rest kept: what moves, what stays, and that the kept picture is what is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from test_regions import Segments, average_landmarks

from facegen.controls import unknown_dial
from facegen.errors import ModelError
from facegen.face import Face
from facegen.local.edit import LocalEditor, counted, load_local_editor
from facegen.local.regions import load_regions
from facegen.measure.measurer import Measurement
from facegen.operations import KeepRest, MovePicture

NAMES = ("yaw", "glasses", "lipstick")
BRIGHT, STEP = 100.0, 20.0
EYES, LIPS, RIM = (0.47, 0.5), (0.72, 0.5), (0.02, 0.02)


@dataclass(frozen=True)
class Spec:
    unit: str = "sd"
    unit_per_sd: float = 1.0
    mean: float = 0.0
    natural: tuple[float, float] = (-3.0, 3.0)
    safe: tuple[float, float] = (-4.0, 4.0)
    yes_from: float | None = None
    clear: tuple[float, float] | None = None


class Dials:
    """Each moves one number of the latent; glasses lighten what is around them, too."""

    names = NAMES

    def spec(self, name):
        if name not in NAMES:
            raise unknown_dial(name, NAMES)
        return Spec(yes_from=1.0, clear=(0.5, 1.5)) if name == "glasses" else Spec()

    def read(self, w_plus):
        return {name: float(w_plus[0, k]) for k, name in enumerate(NAMES)}

    def in_units(self, values):
        return dict(values)

    def naturalness(self, w_plus):
        return 100.0

    def apply(self, base, deltas):
        w_plus = np.array(base, np.float32)
        for name, delta in deltas.items():
            if name in NAMES:
                w_plus[0, NAMES.index(name)] += delta
        w_plus[0, 3] += 0.5 * deltas.get("glasses", 0.0)  # a side effect on everything
        return w_plus


class Painter:
    """Red everywhere tells yaw, green the glasses and blue the lipstick, each a little too weak."""

    model, space, img_resolution, preview_size = "painter", "stylegan2-ffhq", 1024, 256

    def __init__(self) -> None:
        self.looks = 0

    def render(self, w_plus, *, size=1024, keep=None):
        self.looks += 1
        red, green, blue = BRIGHT + STEP * np.asarray(w_plus[0, :3], np.float64)
        side = STEP * float(w_plus[0, 3])
        plain = np.full((size, size, 3), (red + side, 0.8 * green + 20, blue), np.float32)
        if keep is not None:
            inside = keep.region.at(size)[..., None]
            plain = self.render(keep.w_plus, size=size) * (1 - inside) + plain * inside
        return np.rint(plain).astype(np.uint8)

    def preview(self, w_plus):
        return self.render(w_plus, size=256)


class Measurer:
    """Reads each colour where its dial acts."""

    def angles(self, image):
        return Measurement({}, average_landmarks())

    def measure(self, image, *, details=True):
        def at(place, colour):
            row, column = (int(part * len(image)) for part in place)
            return (float(image[row, column, colour]) - BRIGHT) / STEP

        values = {"yaw": at(RIM, 0), "glasses": at(EYES, 1), "lipstick": at(LIPS, 2)}
        return Measurement(values, average_landmarks(), np.zeros(128, np.float32))


def editor_with(gains, measurer=None):
    table = replace(load_regions(), gains=gains)
    return LocalEditor(
        Painter(), Dials(), measurer or Measurer(), lambda w_plus: Segments(), table=table
    )


@pytest.fixture
def editor():
    return editor_with({})


@pytest.fixture
def face():
    return Face.from_w_plus(np.zeros((18, 512), np.float32))


def edited(editor, face, local=None, **deltas):
    from facegen.editing.faces import edit_face

    after = edit_face(editor.dials, face, deltas)
    return editor.keep(face, after, deltas if local is None else local)


def colour(editor, face, place):
    image = editor.picture(face)
    row, column = (int(part * len(image)) for part in place)
    return image[row, column].astype(int)


def test_only_the_region_of_a_dial_changes(editor, face):
    after = edited(editor, face, glasses=2.0)
    before, now = editor.picture(face), editor.picture(after)
    outside = after.keep.region.at(len(now)) == 0
    assert np.array_equal(before[outside], now[outside])
    assert 0.5 < outside.mean() < 0.99
    assert (now[~outside] != before[~outside]).mean() > 0.5
    assert np.array_equal(after.keep.w_plus, face.w_plus)


def test_a_global_dial_moves_the_rest_along(editor, face):
    after = edited(editor, face, glasses=2.0, yaw=1.0)
    assert colour(editor, after, RIM)[0] == BRIGHT + STEP
    assert colour(editor, after, RIM)[1] == colour(editor, face, RIM)[1]
    assert colour(editor, after, EYES)[1] > colour(editor, face, EYES)[1]


def test_only_global_dials_keep_nothing(editor, face):
    after = edited(editor, face, yaw=1.0)
    assert after.keep is None
    assert colour(editor, after, EYES)[0] == BRIGHT + STEP


def test_a_second_edit_keeps_what_the_first_kept(editor, face):
    once = edited(editor, face, glasses=2.0)
    twice = edited(editor, once, lipstick=1.0)
    assert np.array_equal(twice.keep.w_plus, face.w_plus)
    assert (twice.keep.region.values >= once.keep.region.values).all()
    assert np.array_equal(colour(editor, twice, RIM), colour(editor, face, RIM))
    assert colour(editor, twice, LIPS)[2] == pytest.approx(BRIGHT + STEP, abs=2)


def test_a_dial_turned_without_keeping_moves_the_rest_and_earlier_regions_stay(editor, face):
    once = edited(editor, face, glasses=2.0)
    twice = edited(editor, once, (), lipstick=1.0)
    assert colour(editor, twice, RIM)[2] == BRIGHT + STEP
    assert colour(editor, twice, RIM)[0] == BRIGHT  # the glasses' side effect stays out
    assert colour(editor, twice, EYES)[1] == colour(editor, once, EYES)[1]


def test_an_edit_before_the_rest_was_kept_is_kept_with_it(editor, face):
    from facegen.editing.faces import edit_face

    turned = edit_face(editor.dials, face, {"lipstick": 1.0})
    after = edited(editor, turned, glasses=2.0)
    assert np.array_equal(after.keep.w_plus, turned.w_plus)
    assert colour(editor, after, LIPS)[2] == pytest.approx(BRIGHT + STEP, abs=2)


@pytest.mark.long
def test_of_a_network_whose_features_say_nothing_the_picture_is_read(face):
    painter = Painter()
    painter.can_keep = True
    segments = load_local_editor(painter, Dials()).seen(face.w_plus).segments
    assert segments.mask("background", "clothes", "skin", "hair").any()
    painter.can_keep = False
    with pytest.raises(ModelError, match="cannot keep the rest"):
        load_local_editor(painter, Dials())


def test_what_is_done_in_the_picture_comes_after(editor, face):
    rolled = face.finished((MovePicture(roll=5.0),))
    after = edited(editor, rolled, glasses=2.0)
    assert [type(one) for one in after.pixel_operations] == [KeepRest, MovePicture]


def test_targets_are_met_on_the_picture_with_the_rest_kept(editor, face):
    after, found = editor.reach(face, face, {"glasses": 2.0}, (), ["glasses"])
    assert found["glasses"] == pytest.approx(2.0, abs=0.15)
    assert editor.measured(after).values["glasses"] == pytest.approx(found["glasses"], abs=1e-6)
    assert after.edits[0].delta > 2.2  # the picture shows less than the latent promises
    assert np.array_equal(colour(editor, after, RIM), colour(editor, face, RIM))


class Elsewhere(Measurer):
    """Sees half of the glasses at the rim of the picture."""

    def measure(self, image, *, details=True):
        found = super().measure(image)
        rim = (float(image[5, 5, 1]) - BRIGHT) / STEP
        found.values["glasses"] = (found.values["glasses"] + rim) / 2
        return found


def test_no_more_is_asked_because_an_instrument_looks_elsewhere(face):
    editor = editor_with({}, Elsewhere())
    after, found = editor.reach(face, face, {"glasses": 2.0}, (), ["glasses"])
    assert after.edits[0].delta == pytest.approx(2.5, abs=0.2)  # as on the whole picture
    assert found["glasses"] == pytest.approx(1.0, abs=0.15)  # and what is told is of this one


def test_more_is_asked_of_a_dial_whose_region_shows_only_a_part(face):
    editor = editor_with({"glasses": 1.5}, Elsewhere())
    plain, _ = editor_with({}, Elsewhere()).reach(face, face, {"glasses": 2.0}, (), ["glasses"])
    after, found = editor.reach(face, face, {"glasses": 2.0}, (), ["glasses"])
    assert after.edits[0].delta == pytest.approx(1.5 * plain.edits[0].delta, rel=0.1)
    assert found["glasses"] == pytest.approx(1.5, abs=0.2)
    own, _ = editor.with_regions({"glasses": "face"}).reach(
        face, face, {"glasses": 2.0}, (), ["glasses"]
    )
    assert own.edits[0].delta == pytest.approx(plain.edits[0].delta, abs=0.2)  # another place


def test_what_the_picture_shows_counts_where_it_is_more():
    before, kept, whole = {"a": 1.0, "b": 0.0}, {"a": 2.0, "b": 0.2}, {"a": 2.5, "b": -3.0}
    assert counted(before, kept, whole, ["a", "b"], {"b": 1.5}) == {"a": 2.5, "b": -2.0}
    assert counted(before, kept, whole, ["a"], {"a": 1.6}) == {"a": 2.0, "b": 0.2}


def test_a_target_beside_a_global_one(editor, face):
    after, found = editor.reach(face, face, {"glasses": 2.0, "yaw": -1.0}, (), ["glasses", "yaw"])
    assert found["yaw"] == pytest.approx(-1.0, abs=0.15)
    assert colour(editor, after, RIM)[0] == pytest.approx(BRIGHT - STEP, abs=3)


def test_a_face_that_keeps_its_rest_survives_its_file(editor, face, tmp_path):
    after = edited(editor, face, glasses=2.0)
    after.save(tmp_path / "one.png", editor.picture(after))
    again = Face.load(tmp_path / "one.png")
    assert np.array_equal(editor.picture(again), editor.picture(after))


def test_where_no_place_is_found_all_of_the_picture_changes(editor, face):
    once = edited(editor, face, lipstick=1.0)
    blind = LocalEditor(Painter(), Dials(), Measurer(), lambda w_plus: Segments())
    blind.measurer.angles = lambda image: None
    after = edited(blind, face, glasses=2.0)
    assert after.keep is None
    assert colour(blind, after, RIM)[1] > colour(blind, face, RIM)[1]
    twice = edited(blind, once, glasses=2.0)  # what is kept already stays so
    assert twice.keep.region == once.keep.region
