"""Dials judged with the rest kept: what the numbers mean, resuming, and the document."""

from __future__ import annotations

import numpy as np
import pytest
from test_local_edit import NAMES, Dials, editor_with
from test_regions import Segments

from facegen.errors import UsageError
from facegen.evaluation.local import inside, judge_local, scene_change, seam
from facegen.evaluation.local_report import document, rows_of, sheet
from facegen.masks import Mask


class People:
    model, space = "painter", "stylegan2-ffhq"

    def w_from_seed(self, seed, psi=0.7):
        return Dials().apply(np.zeros((18, 512), np.float32), {"lipstick": seed % 5 / 2 - 1})


@pytest.fixture
def editor():
    return editor_with({})


def judged(editor, cache, **options):
    return judge_local(People(), editor, Dials(), NAMES, faces=2, rounds=1, cache=cache, **options)


def half(left: int, right: int) -> np.ndarray:
    picture = np.full((64, 64, 3), left, np.uint8)
    picture[:, 32:] = right
    return picture


def test_a_hard_edge_along_a_mask_shows_as_a_seam():
    values = np.zeros((256, 256), np.float32)
    values[:, 120:136] = 0.5
    values[:, 136:] = 1.0
    mask = Mask.of(values)
    soft = np.tile(np.linspace(100, 110, 64).astype(np.uint8)[None, :, None], (64, 1, 3))
    assert seam(soft, half(100, 160), mask) > 3
    assert seam(soft, soft, mask) == pytest.approx(1.0)
    assert seam(soft, half(0, 255), Mask.whole()) == 1.0


def test_how_much_of_an_edit_is_there():
    mask = Mask.of(np.repeat(np.arange(256)[None] >= 128, 256, axis=0))
    before, whole = half(100, 100), half(140, 140)
    assert inside(before, whole, half(100, 140), mask) == pytest.approx(1.0)
    assert inside(before, whole, half(140, 120), mask) == pytest.approx(0.5)
    assert inside(before, whole, before, mask) == 0.0
    assert inside(before, before, before, mask) == 1.0


def test_the_scene_changes_where_its_colour_does():
    before = np.full((256, 256, 3), 100, np.uint8)
    after = before.copy()
    after[:20] = 200  # above the hair
    found = scene_change(before, after, Segments())
    assert found["background"] > 5
    assert found["clothes"] == 0.0


@pytest.mark.long
def test_side_effects_go_and_the_movement_stays(editor, tmp_path):
    rows = {row.dial: row for row in rows_of(judged(editor, tmp_path))}
    glasses = rows["glasses"]
    assert glasses.outside[0] > 3
    assert glasses.outside[1] == glasses.most_outside == 0.0
    assert glasses.kept > 0.9
    assert glasses.moved[1] == pytest.approx(1.0, abs=0.15)
    assert abs(glasses.leak[0][0]) > 0.4 > abs(glasses.leak[1][0])
    assert glasses.clean == (False, True)
    assert rows["yaw"].share == 1.0
    assert rows["yaw"].outside == (0.0, 0.0)


def test_without_corrections_both_are_of_the_same_latent(editor, tmp_path):
    tried = judge_local(People(), editor, Dials(), ["glasses"], faces=1, rounds=0, cache=tmp_path)[
        0
    ]
    assert tried.local == tried.same != tried.whole
    assert tried.looks == (1, 1)


def test_more_is_asked_where_a_region_shows_too_little(tmp_path):
    editor = editor_with({"glasses": 1.5})
    tried = judge_local(People(), editor, Dials(), ["glasses"], faces=1, rounds=0, cache=tmp_path)
    row = rows_of(tried)[0]
    assert row.kept == pytest.approx(1.5 * row.same, rel=0.05)


@pytest.mark.long
def test_a_run_goes_on_where_it_stopped(editor, tmp_path):
    whole = judged(editor, tmp_path / "whole")
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 4

    first = judged(editor, tmp_path / "cut", stop=stop)
    assert {one.seed for one in first} == {7_300_000}  # of the second not all dials
    (tmp_path / "cut" / "7300000-yaw-1.json").write_text("torn")
    assert judged(editor, tmp_path / "cut") == whole
    with pytest.raises(UsageError, match="more time"):
        judged(editor, tmp_path / "none", stop=lambda: True)


@pytest.mark.long
def test_the_document_tells_of_every_dial(editor, tmp_path):
    tried = judged(editor, tmp_path)
    text = document(tried, rounds=1, command="python -m facegen evaluate local")
    assert "3 dials on 2 faces" in text
    assert "| `glasses` | glasses |" in text
    assert "1 dials are global" in text
    assert "nan" not in text.split()
    picture = sheet(tried, People(), editor, Dials())
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
