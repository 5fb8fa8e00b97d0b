"""Where dials act: the table of regions, and masks from landmarks and segments."""

from __future__ import annotations

import json

import numpy as np
import pytest

from facegen.controls import DIALS
from facegen.errors import BadFileError
from facegen.local.regions import GLOBAL, Seen, load_regions
from facegen.local.shapes import SHAPES, Landmarks
from facegen.masks import MASK_PX
from facegen.measure.pose import load_shape
from facegen.measure.segments import SEGMENTS

TABLE = load_regions()
ROWS, COLUMNS = np.mgrid[:MASK_PX, :MASK_PX] / MASK_PX


def average_landmarks(*, lower_lip: float = 0.0) -> np.ndarray:
    """The average face, looking ahead, where FFHQ has it; the lower lip and the chin dropped."""
    points = load_shape()[:, :2].astype(float)
    eyes, mouth = points[36:48].mean(axis=0), points[48:68].mean(axis=0)
    points = (points - eyes) * 0.225 / abs(mouth[1] - eyes[1]) + (0.5, 0.47)
    points[[*range(5, 12), *range(55, 60), *range(65, 68)], 1] += lower_lip
    return points


class Segments:
    """A portrait of boxes: hair above and beside, a face, a neck, clothes, background."""

    def __init__(self, hair_to: float = 0.3) -> None:
        face = (abs(COLUMNS - 0.5) < 0.24) & (hair_to < ROWS) & (ROWS < 0.85)
        hair = (abs(COLUMNS - 0.5) < 0.3) & (ROWS > 0.1) & (ROWS < 0.6) & ~face
        clothes = (ROWS > 0.9) & ~face
        self._masks = {
            "skin": face, "hair": hair, "clothes": clothes,
            "background": ~(face | hair | clothes),
        }  # fmt: skip

    def mask(self, *names: str) -> np.ndarray:
        none = np.zeros((MASK_PX, MASK_PX), np.float32)
        return np.maximum.reduce([none, *(np.float32(self._masks.get(n, none)) for n in names)])


SEEN = Seen(average_landmarks(), Segments())


def region(*dials: str, before: Seen = SEEN, after: Seen = SEEN) -> np.ndarray:
    """Where dials act, float32 [256, 256], 0 to 1."""
    return TABLE.mask_of(dials, before, after).at(MASK_PX)


def middle(mask: np.ndarray) -> tuple[float, float]:
    """The middle of a mask, across and down, in fractions."""
    return float((COLUMNS * mask).sum() / mask.sum()), float((ROWS * mask).sum() / mask.sum())


def test_every_dial_has_a_region_or_is_global():
    assert set(TABLE.dials) == {dial.name for dial in DIALS}
    assert sum(region == GLOBAL for region in TABLE.dials.values()) < 10
    # Narrow places that no dial has by itself are there to be chosen: `region` in translations.
    assert set(TABLE.dials.values()) - {GLOBAL} <= set(TABLE.regions)


@pytest.mark.parametrize("name", TABLE.regions)
def test_a_region_is_a_part_of_the_picture(name):
    mask = TABLE.mask(name, SEEN, SEEN)
    assert mask.shape == (MASK_PX, MASK_PX)
    assert mask.dtype == np.float32
    assert mask.min() == 0.0
    assert 0.9 < mask.max() <= 1.0
    if name != "background":  # what is behind a face in the corners stays
        assert mask[:8, :8].max() == 0.0


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_follow_the_face(shape):
    there = SHAPES[shape](Landmarks(average_landmarks(), 256))
    moved = SHAPES[shape](Landmarks(average_landmarks() + np.array([1 / 16, 1 / 32]), 256))
    assert there.max() == 255
    inner = np.s_[60:220, 60:220]
    assert np.abs(np.roll(there, (8, 16), (0, 1))[inner].astype(int) - moved[inner]).mean() < 2


def test_one_eye_leaves_the_other_alone():
    left = region("eye_left")
    right = region("eye_right")
    assert middle(left)[0] < 0.5 < middle(right)[0]
    lids = SHAPES["eye_right"](Landmarks(SEEN.landmarks, MASK_PX)) > 0
    assert not left[lids].any()
    assert right[lids].min() > 0.9


def test_lipstick_leaves_the_open_mouth_alone():
    opened = Seen(average_landmarks(lower_lip=0.06), SEEN.segments)
    mask = region("lipstick", before=opened, after=opened)
    inside = opened.landmarks[60:68].mean(axis=0)
    assert mask[round(inside[1] * MASK_PX), round(inside[0] * MASK_PX)] < 0.1
    below = opened.landmarks[[57, 66]].mean(axis=0)
    assert mask[round(below[1] * MASK_PX), round(below[0] * MASK_PX)] > 0.6


def test_where_a_mouth_opens_the_region_reaches_down_to_the_new_chin():
    closed = region("mouth_open")
    opened = region("mouth_open", after=Seen(average_landmarks(lower_lip=0.06), SEEN.segments))
    assert (opened >= closed - 1e-6).all()
    assert opened.sum() > 1.05 * closed.sum()


def test_hair_that_grows_is_in_the_region():
    fringe = Seen(SEEN.landmarks, Segments(hair_to=0.4))
    mask = region("hair_length", after=fringe)
    assert mask[round(0.35 * MASK_PX), MASK_PX // 2] > 0.9
    assert mask[round(0.7 * MASK_PX), MASK_PX // 2] == 0.0


def test_the_background_is_where_the_person_is_not():
    mask = region("outdoors")
    assert mask[:8].min() == 1.0
    assert mask[MASK_PX // 2, MASK_PX // 2] == 0.0


def test_several_dials_have_their_regions_united():
    both = region("glasses", "lipstick")
    assert np.array_equal(both, np.maximum(region("glasses"), region("lipstick")))


def test_small_things_are_drawn_as_such():
    assert TABLE.mask_of(["glasses", "smile"], SEEN, SEEN).small
    assert not TABLE.mask_of(["smile"], SEEN, SEEN).small


def test_a_global_dial_has_all_of_the_picture_and_so_has_one_of_ones_own():
    for name in ("yaw", "a_dial_of_my_own"):
        assert TABLE.is_global(name)
        assert TABLE.mask_of([name, "lipstick"], SEEN, SEEN).is_whole


def test_where_no_face_is_seen_on_one_picture_the_other_tells():
    lost = Seen(None, SEEN.segments)
    assert np.array_equal(region("glasses", after=lost), region("glasses"))
    assert TABLE.mask_of(["glasses"], lost, lost).is_empty


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t["dials"].update(smile="nowhere"), "no region nowhere"),
        (lambda t: t["regions"]["eyes"]["parts"][0].update(shape="ear"), "no shape ear"),
        (lambda t: t["regions"]["eyes"].update(parts=[]), "cannot be read"),
        (lambda t: t["regions"]["eyes"]["parts"][0].update(grow="much"), "a number"),
        (lambda t: t.clear(), "lacks"),
    ],
)
def test_a_damaged_table_is_refused_with_a_sentence(tmp_path, change, told):
    from facegen.paths import DIRECTIONS_DIR

    fields = json.loads((DIRECTIONS_DIR / "regions.json").read_text())
    change(fields)
    path = tmp_path / "regions.json"
    path.write_text(json.dumps(fields))
    with pytest.raises(BadFileError, match=told):
        load_regions(path)


def test_every_segment_that_a_region_names_is_one_that_pictures_have():
    named = {name for names in TABLE.segments.values() for name in names}
    for region in TABLE.regions.values():
        for part in region.parts:
            named |= {*part.segments, *part.spare} - TABLE.segments.keys()
    assert named <= set(SEGMENTS)
