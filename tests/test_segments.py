"""Segments: what the value says, and what is read from the network's features."""

import numpy as np
import pytest
import torch
from PIL import Image

from facegen.errors import BadFileError, LatentError, ModelError, UsageError
from facegen.evaluation.segments import Score
from facegen.learning.learn_segments import (
    HELD_OUT_DIR,
    TAUGHT_DIR,
    labelled_faces,
    learn_segments,
)
from facegen.measure.segment_files import UNTOLD, read_labels, write_labels
from facegen.measure.segments import (
    SEGMENTS,
    SEGMENTS_PX,
    Segments,
    load_picture_weights,
    load_segment_head,
    of_latent,
    of_picture,
    one_kind_of_glasses,
    segment_id,
    with_picture,
)
from facegen.nets import segment_net
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


def test_nobody_wears_two_kinds_of_glasses():
    labels = half_hair().labels.copy()
    labels[120:130, 60:120] = segment_id("sunglasses")
    labels[120:130, 120:130] = segment_id("glasses")
    told = one_kind_of_glasses(labels)
    assert np.sum(told == segment_id("sunglasses")) == 700
    assert not np.any(told == segment_id("glasses"))


def test_labels_survive_their_file(tmp_path):
    labels = half_hair().labels.copy()
    labels[5, 5] = UNTOLD
    write_labels(tmp_path / "7_0.8.png", labels)
    assert np.array_equal(read_labels(tmp_path / "7_0.8.png"), labels)
    (face,) = labelled_faces(tmp_path)
    assert (face.seed, face.psi) == (7, 0.8)


def test_what_is_no_file_of_labels_is_told(tmp_path):
    Image.new("RGB", (256, 256)).save(tmp_path / "rgb.png")
    write_labels(tmp_path / "high.png", np.full((256, 256), 99, np.uint8))
    (tmp_path / "text.png").write_text("no picture")
    for name in ("rgb.png", "high.png", "text.png", "missing.png"):
        with pytest.raises(BadFileError, match=name):
            read_labels(tmp_path / name)
    with pytest.raises(UsageError, match=r"SEED_PSI\.png"):
        labelled_faces(tmp_path)


def test_the_labels_in_the_repository_are_whole_and_apart():
    taught, held_out = labelled_faces(TAUGHT_DIR), labelled_faces(HELD_OUT_DIR)
    assert len(held_out) == 40
    assert not {face.seed for face in taught} & {face.seed for face in held_out}
    told = np.zeros(len(SEGMENTS), int)
    for face in held_out:
        labels = face.labels()
        told += np.bincount(labels[labels != UNTOLD], minlength=len(SEGMENTS))
    assert np.all(told > 1000), "a segment that nothing is judged by"


def test_scores_count_pixels_of_all_pictures_together():
    truth = half_hair().labels.copy()
    score = Score()
    score.add(half_hair(), truth, 0.0)
    assert score.overlap("hair") == 1
    wrong = truth.copy()
    wrong[: SEGMENTS_PX // 2] = segment_id("hat")
    truth[0] = UNTOLD
    score.add(Segments(wrong), truth, 0.0)
    assert 0.5 < score.overlap("hair") < 0.52
    assert score.overlap("hat") == 0
    assert np.isnan(score.overlap("beard"))


class TestOfAPicture:
    """The small network for pictures."""

    @pytest.mark.long
    def test_graph_and_plain_network_agree(self):
        image = Image.effect_mandelbrot((256, 256), (-2, -1.5, 1, 1.5), 60).convert("RGB")
        weights = load_picture_weights()
        img = torch.from_numpy(np.array(image)[None]).permute(0, 3, 1, 2) / 127.5 - 1
        plain = segment_net.scores(weights, img)[0].argmax(dim=0).byte().numpy()
        read = of_picture(np.array(image)).labels
        assert np.mean(read == one_kind_of_glasses(plain)) > 0.999

    def test_what_is_no_picture_is_refused(self):
        for wrong in (np.zeros((256, 256), np.uint8), np.zeros((8, 8, 3), np.uint8)):
            with pytest.raises(LatentError):
                of_picture(wrong)

    @pytest.mark.weights
    def test_it_sees_what_the_features_say(self, generator):
        w_plus = generator.w_from_seed(7)
        picture, segments = with_picture(generator, w_plus)
        read = of_picture(picture)
        for name in ("background", "hair", "skin"):
            ours, theirs = read.mask(name), segments.mask(name)
            assert (ours * theirs).sum() / np.maximum(ours, theirs).sum() > 0.7, name


@pytest.mark.weights
@pytest.mark.long
def test_a_head_learned_from_few_faces_reads_them(generator):
    faces = labelled_faces(TAUGHT_DIR)[:2]
    head = learn_segments(generator, faces, steps=150)
    w_plus = generator.w_from_seed(faces[0].seed, faces[0].psi)
    with torch.inference_mode():
        scores = head.of_latent(generator.synthesis, torch.from_numpy(w_plus[None]))
    labels, read = faces[0].labels(), scores[0].argmax(dim=0).byte().numpy()
    assert np.mean((read == labels)[labels != UNTOLD]) > 0.8
