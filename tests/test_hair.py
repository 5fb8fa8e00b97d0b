"""Numbers of the hair inside its segment."""

import numpy as np
import pytest

from facegen.measure.hair import hair_statistics
from facegen.measure.segments import SEGMENTS_PX, Segments, segment_id


@pytest.fixture
def head() -> Segments:
    """Hair above and at one side of a face."""
    labels = np.full((SEGMENTS_PX, SEGMENTS_PX), segment_id("skin"), np.uint8)
    labels[:80] = labels[:, :50] = segment_id("hair")
    labels[100:108, 80:110] = labels[100:108, 140:170] = segment_id("brows")
    labels[180:190, 100:150] = segment_id("lips")
    return Segments(labels)


def picture(colour: tuple[int, int, int], *, stripes: bool = False) -> np.ndarray:
    """One colour with some noise, or with strands that run down."""
    rng = np.random.RandomState(0)
    image = np.full((512, 512, 3), colour, np.float64) + rng.normal(0, 4, (512, 512, 1))
    if stripes:
        image += 25 * np.sin(np.arange(512) / 3)[None, :, None]
    return image.clip(0, 255).astype(np.uint8)


def test_colours_are_told_apart(head):
    grey, red = (hair_statistics(picture(c), head) for c in ((150, 150, 150), (150, 70, 40)))
    assert grey["hair_chroma"] < 3 < 30 < red["hair_chroma"]
    assert red["hair_a"] > 20
    assert grey["hair_l_5"] < grey["hair_l_50"] < grey["hair_l_95"]


def test_combed_strands_run_one_way(head):
    plain, combed = (hair_statistics(picture((90, 60, 40), stripes=s), head) for s in (False, True))
    assert plain["hair_strands_2"] < 0.6 < 0.9 < combed["hair_strands_2"]


def test_a_fringe_and_long_hair_are_seen(head):
    bare = hair_statistics(picture((90, 60, 40)), head)
    labels = head.labels.copy()
    labels[60:98, 70:180] = segment_id("hair")
    fringe = hair_statistics(picture((90, 60, 40)), Segments(labels))
    assert fringe["hair_forehead"] > bare["hair_forehead"] + 0.3
    assert 0.05 < bare["hair_below"] < 0.3
    labels[192:, :] = segment_id("hair")
    long = hair_statistics(picture((90, 60, 40)), Segments(labels))
    assert long["hair_below"] > bare["hair_below"] + 0.2


def test_a_picture_and_its_mirror_image_give_the_same_numbers(head):
    image = picture((120, 80, 50), stripes=True)
    image[:, :256] //= 2
    mirrored = Segments(np.ascontiguousarray(head.labels[:, ::-1]))
    one = hair_statistics(image, head)
    other = hair_statistics(np.ascontiguousarray(image[:, ::-1]), mirrored)
    assert one == pytest.approx(other, rel=0.02, abs=0.02)


def test_without_hair_there_are_no_numbers(head):
    labels = np.where(head.labels == segment_id("hair"), segment_id("skin"), head.labels)
    assert hair_statistics(picture((90, 60, 40)), Segments(labels.astype(np.uint8))) == {}
