"""Teaching the encoder, and judging what it finds, on networks that are quickly drawn."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.directions.natural import Natural
from facegen.errors import UsageError
from facegen.evaluation.inversion import Crowd, Inverted, Original, same_people
from facegen.evaluation.inversion_report import (
    BEGIN,
    PICTURE,
    section,
    table,
    write_section,
    write_sheet,
)
from facegen.evaluation.likeness import JUDGES, Likeness
from facegen.evaluation.realism import Realism
from facegen.images import decode_image
from facegen.latents import NUM_WS, W_DIM
from facegen.learning import encoder_rounds, encoder_samples, train_encoder
from facegen.learning.encoder_rounds import TeachingPlan, teach_encoder
from facegen.learning.encoder_samples import draw_samples, read_shard, shard_path

SHARD = 40


class Tiles:
    """Draws the first sixteen numbers of row 0 as grey tiles."""

    model, space = "tiles", "tiles"
    w_avg = np.zeros(W_DIM, np.float32)

    def w_from_seed(self, seed, psi=0.7):
        w = np.zeros(W_DIM, np.float32)
        w[:16] = psi * np.random.RandomState(seed % 2**32).randn(16)
        return np.repeat(w[None], NUM_WS, axis=0)

    def preview(self, w_plus):
        levels = np.clip(128 + 40 * w_plus[0, :16].reshape(4, 4), 0, 255)
        return np.repeat(np.kron(levels, np.ones((64, 64)))[..., None], 3, axis=2).astype(np.uint8)

    def render(self, w_plus, *, size=None):
        return np.kron(self.preview(w_plus), np.ones((4, 4, 1), np.uint8))


class TileMaps:
    """Sees the tiles' levels in the first map, one number in each cell, and nothing else."""

    def of(self, image):
        cells = image[32::64, 32::64, 0].astype(np.float32) / 40
        first = np.zeros((64, 8, 8), np.float32)
        first[0, :4, :4] = cells
        rest = np.zeros((128, 7, 7)), np.zeros((256, 6, 6)), np.zeros((3, 24, 24)), np.zeros(128)
        return first, *(part.astype(np.float32) for part in rest)


@pytest.fixture
def small_teaching(monkeypatch):
    for module in (encoder_samples, encoder_rounds):
        monkeypatch.setattr(module, "SHARD", SHARD)
    monkeypatch.setattr(train_encoder, "KEPT_CHANNELS", (1, 1, 1))
    monkeypatch.setattr(train_encoder, "PENALTIES", (0.03,))
    monkeypatch.setattr(encoder_rounds, "load_picture_maps", TileMaps)
    monkeypatch.setattr(encoder_rounds, "photo_like", lambda image, random: image)
    cloud = Natural(
        np.zeros(W_DIM, np.float32), np.eye(W_DIM, dtype=np.float32), np.linspace(0.5, 2, 101)
    )
    monkeypatch.setattr(encoder_rounds, "read_regressor", lambda space: None)
    monkeypatch.setattr(encoder_rounds, "read_natural", lambda space, regressor: cloud)


@pytest.mark.long
def test_an_encoder_is_taught_and_goes_on_where_it_was_cut_off(small_teaching, tmp_path):
    plan = TeachingPlan(first=6 * SHARD, feedback=3 * SHARD, held_out=30, rank=16, rounds=(16,))
    said = []
    weights = teach_encoder(Tiles(), tmp_path, plan, said.append)
    left = [float(text.split(": ")[1].split()[0]) for text in said if "is left" in text]
    assert len(left) == 2  # the first guess and the round
    assert left[0] < 0.7  # mixed rows are in the samples and not in the picture
    assert left[1] < 1.0
    assert len(weights.rounds) == 1

    class Spent(Tiles):
        def render(self, w_plus, *, size=None):
            raise AssertionError("drawn again")

    again = teach_encoder(Spent(), tmp_path, plan, lambda _: None)
    assert np.allclose(again.first.code.weight, weights.first.code.weight, atol=1e-4)


def test_samples_are_kept_and_mixed(small_teaching, tmp_path):
    draw_samples(Tiles(), tmp_path, SHARD)
    shard = read_shard(shard_path(tmp_path, 0))
    assert shard.w_plus.shape == (SHARD, NUM_WS, W_DIM)
    assert shard.picture(3).shape == (256, 256, 3)
    mixed = [np.ptp(w.astype(np.float32), axis=0).max() > 0.01 for w in shard.w_plus]
    assert 0.2 < np.mean(mixed) < 0.7
    shard_path(tmp_path, 0).write_bytes(b"cut off")
    assert read_shard(shard_path(tmp_path, 0)) is None


def test_a_plan_that_cannot_be_followed_is_refused():
    with pytest.raises(UsageError, match="250 at a time"):
        TeachingPlan(first=300)
    with pytest.raises(UsageError, match="held out"):
        TeachingPlan(first=250, feedback=0)


# --- judging ------------------------------------------------------------------------------------


def unit(angle):
    return dict.fromkeys(JUDGES, np.array([np.cos(angle), np.sin(angle)]))


def original(name, angle, *, level, is_photo):
    crop = np.full((256, 256, 3), level, np.uint8)
    return Original(name, name.rstrip("0123456789"), crop, unit(angle), is_photo=is_photo)


def inverted(way, one, cosine, level):
    picture = np.full((256, 256, 3), level, np.uint8)
    alike = dict.fromkeys(JUDGES, Likeness(cosine, 0.99 if cosine > 0.5 else 0.4))
    return Inverted(way, one, picture, alike, 10.0, 97.0, is_natural=True, seconds=0.1)


ORIGINALS = [
    original("anna", 0.0, level=250, is_photo=True),
    original("anna2", 0.1, level=250, is_photo=True),
    original("66000000", 1.0, level=40, is_photo=False),
]
JUDGED = [
    inverted(way, one, cosine, level=level)
    for one in ORIGINALS
    for way, cosine, level in (("linear start", 0.2, 90), ("first guess", 0.6, 120))
]
PEOPLE = Crowd(
    tuple(unit(angle) for angle in (0.5, 1.5, 2.5)), Realism(np.zeros(1), np.eye(1), np.ones(2))
)


def test_the_table_tells_who_is_nearer_and_by_how_much():
    lines = table(JUDGED).splitlines()
    assert "| 0% / 0.20 / +0% |" in lines[2]
    assert "| 100% / 0.60 / -50% |" in lines[3]
    assert np.allclose(same_people(ORIGINALS, JUDGES[0]), np.cos(0.1))
    text = section(JUDGED, ORIGINALS, PEOPLE, command="facegen", pictured=True)
    assert "### Generated faces" in text
    assert "### Photographs" in text
    assert "1 pairs of photographs of one person 1.00" in text


def test_a_section_replaces_itself_and_nothing_else(tmp_path):
    path = write_section("first", tmp_path)
    path.write_text(path.read_text() + "\n## Others\n")
    write_section("second", tmp_path)
    page = path.read_text()
    assert "first" not in page
    assert page.count(BEGIN) == 1
    assert page.index("second") < page.index("## Others")


def test_no_photograph_is_pictured_unless_asked_for(tmp_path):
    write_sheet(JUDGED, (), tmp_path)
    assert not (decode(tmp_path) == 250).any()
    write_sheet(JUDGED, ("anna",), tmp_path)
    shown = decode(tmp_path)
    assert (np.abs(shown.astype(int) - 250) < 2).any()
    assert shown.shape[0] > 0


def decode(folder):
    return decode_image((folder / PICTURE).read_bytes(), name="sheet")
