"""Segments: what the value says, and what is read from the network's features."""

import numpy as np
import pytest
import torch

from facegen.errors import LatentError, ModelError, UsageError
from facegen.measure.segments import (
    SEGMENTS,
    SEGMENTS_PX,
    Segments,
    load_segment_head,
    of_latent,
    segment_id,
    with_picture,
)
from tests.fakes import FakeGenerator


def half_hair() -> Segments:
    labels = np.full((SEGMENTS_PX, SEGMENTS_PX), segment_id("skin"), np.uint8)
    labels[: SEGMENTS_PX // 2] = segment_id("hair")
    labels[:, 0] = segment_id("background")
    return Segments(labels)


def test_masks_and_shares_agree():
    segments = half_hair()
    hair = segments.mask("hair")
    assert hair.dtype == np.float32
    assert set(np.unique(hair)) == {0.0, 1.0}
    assert segments.share("hair") == pytest.approx(hair.mean())
    assert segments.mask("hair", "skin", "background").all()
    assert sum(segments.share(name) for name in SEGMENTS) == pytest.approx(1)
    assert not segments.mask("hat").any()
    assert not segments.mask().any()


def test_an_unknown_name_is_told_with_those_there_are():
    with pytest.raises(UsageError, match="'nose'.*sunglasses"):
        half_hair().mask("nose")


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((64, 64), np.uint8),
        np.zeros((SEGMENTS_PX, SEGMENTS_PX)),
        np.full((SEGMENTS_PX, SEGMENTS_PX), len(SEGMENTS), np.uint8),
    ],
    ids=["size", "type", "label"],
)
def test_what_are_no_labels_is_refused(labels):
    with pytest.raises(LatentError, match="[Ll]abels"):
        Segments(labels)


def test_a_network_that_nothing_was_learned_for_says_so():
    with pytest.raises(ModelError, match="nothing was learned"):
        of_latent(FakeGenerator(), np.zeros((18, 512), np.float32))


@pytest.mark.weights
class TestOnTheNetwork:
    """The bundled network's own features."""

    def test_a_face_has_its_parts_where_they_belong(self, generator):
        segments = of_latent(generator, generator.w_from_seed(7))
        tops = {
            name: int(segments.mask(name).any(axis=1).argmax())
            for name in ("hair", "skin", "brows", "eyes", "lips", "neck")
        }
        assert list(tops) == sorted(tops, key=tops.__getitem__)
        assert segments.share("skin") > 0.1
        assert segments.share("background") > 0.05
        assert 100 < tops["eyes"] < 140
        assert 150 < tops["lips"] < 200

    def test_the_picture_comes_with_the_same_segments(self, generator):
        w_plus = generator.w_from_seed(7)
        picture, segments = with_picture(generator, w_plus)
        assert np.abs(picture.astype(int) - generator.render(w_plus)).max() <= 1
        assert np.mean(segments.labels == of_latent(generator, w_plus).labels) > 0.999

    def test_the_graph_agrees_with_the_exact_network(self, generator):
        w_plus = generator.w_from_seed(12)
        scores = load_segment_head(generator.model).of_latent(
            generator.synthesis, torch.from_numpy(w_plus[None])
        )
        exact = scores[0].argmax(dim=0).byte().numpy()
        assert np.mean(exact == of_latent(generator, w_plus).labels) > 0.999

    def test_a_latent_that_is_none_is_refused(self, generator):
        for wrong in (np.zeros((18, 4)), np.zeros((3, 512)), np.full((18, 512), np.nan)):
            with pytest.raises(LatentError):
                of_latent(generator, wrong)
