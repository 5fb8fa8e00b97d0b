"""Dials that change their own part of the picture, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_browser import Server, Visitor, chromium, downloaded, pytestmark, real  # noqa: F401

from facegen.face import Face


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Iterator[Server]:
    server = Server("tests/fake_local_app.py", tmp_path_factory.mktemp("local") / "log.txt")
    yield server
    server.stop()


def save(visitor: Visitor, path: Path) -> np.ndarray:
    """Save the face as a PNG, and give its pixels."""
    downloaded(visitor.page, visitor.page.locator(".st-key-save button:visible")).save_as(path)
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.weights
def test_glasses_are_put_on_and_nothing_else_changes(real, chromium, tmp_path):  # noqa: F811
    visitor = Visitor(chromium, real.url, "/?seed=16607")
    first, before = visitor.face_id, save(visitor, tmp_path / "before.png")
    visitor.page.get_by_label("Search a dial").fill("glasses")
    visitor.slider("glasses").focus()
    visitor.page.keyboard.press("End")
    visitor.page.wait_for_function("location.search.includes('glasses=')")
    visitor.wait_other(first)
    after = save(visitor, tmp_path / "after.png")
    face = Face.load(tmp_path / "after.png")
    outside = face.keep.region.at(1024) == 0
    assert outside.mean() > 0.6
    assert np.array_equal(after[outside], before[outside])
    assert np.abs(after.astype(int) - before)[~outside].mean() > 5
    visitor.close()


def smile(visitor: Visitor) -> None:
    visitor.slider("smile").focus()
    visitor.page.keyboard.press("End")
    visitor.page.wait_for_function("location.search.includes('smile=')")


def changed(visitor: Visitor, before: np.ndarray) -> np.ndarray:
    """Which rows of the picture changed, more than a JPEG's rounding, [1024]."""
    return (np.abs(visitor.pixels().astype(int) - before).max(axis=2) > 40).any(axis=1)


def test_a_brush_says_where_dials_act(local, chromium):  # noqa: F811
    visitor = Visitor(chromium, local.url, "/?seed=417")
    page, first, before = visitor.page, visitor.face_id, visitor.pixels()
    assert page.locator(".fg-brush").is_hidden()
    smile(visitor)
    smiling = visitor.wait_other(first)
    assert not changed(visitor, before)[:500].any()
    page.locator(".fg-brush").click()
    box = page.locator(".fg-canvas").bounding_box()
    x, y = box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] * 0.6, y, steps=6)
    page.mouse.up()
    page.wait_for_function("location.search.includes('painted=')")
    painted = visitor.wait_other(smiling)
    assert changed(visitor, before)[250:360].any()
    assert not changed(visitor, before)[:200].any()
    page.locator("[data-place=face]").click()
    page.wait_for_function("location.search.includes('place=face')")
    placed = visitor.wait_other(painted)
    page.locator("[data-what=done]").click()
    page.locator(".fg-canvas").wait_for(state="hidden")
    page.reload()
    page.locator(f".fg-img[data-id='{placed}']").wait_for()
    # Before all of the page is drawn anew, it is not known how many presses were answered.
    page.locator(".stApp[data-test-script-state=notRunning]").wait_for()
    page.keyboard.press("z")
    page.locator(f".fg-img[data-id='{painted}']").wait_for()
    page.keyboard.press("z")
    page.locator(f".fg-img[data-id='{smiling}']").wait_for()
    visitor.close()


def test_the_rest_is_let_go_and_kept_again(local, chromium):  # noqa: F811
    visitor = Visitor(chromium, local.url, "/?seed=417")
    page, first, before = visitor.page, visitor.face_id, visitor.pixels()
    smile(visitor)
    kept = visitor.wait_other(first)
    page.get_by_label("Keep the rest").click()
    visitor.wait_other(kept)
    assert "keep=" not in visitor.search()
    assert changed(visitor, before)[:500].any()
    page.get_by_label("Keep the rest").click()
    page.locator(f".fg-img[data-id='{kept}']").wait_for()
    visitor.close()


@pytest.mark.parametrize("width", [390, 1024])
def test_the_switch_leaves_room_for_the_search(local, chromium, width):  # noqa: F811
    visitor = Visitor(chromium, local.url, "/?seed=417", viewport={"width": width, "height": 800})
    search = visitor.page.get_by_label("Search a dial")
    switch = visitor.page.get_by_label("Keep the rest")
    search.wait_for()
    assert search.bounding_box()["width"] > 120
    assert switch.bounding_box()["height"] < 60
    assert switch.bounding_box()["width"] >= 40
    visitor.close()
