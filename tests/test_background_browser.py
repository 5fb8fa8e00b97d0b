"""Putting somebody before another background, in a real browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_browser import Server, Visitor, chromium, open_file, pytestmark, real  # noqa: F401
from test_local_browser import local, save, smile  # noqa: F401

from facegen.face import Face
from facegen.masks import Mask
from facegen.operations import background_among


def press(visitor: Visitor, kind: str) -> None:
    visitor.page.locator(f"[data-behind='{kind}']").click()


def is_pressed(visitor: Visitor, kind: str) -> None:
    visitor.page.locator(f"[data-behind='{kind}'][aria-pressed=true]").wait_for()


@pytest.mark.weights
def test_a_blurred_background_leaves_the_person_and_undo_takes_it_back(
    real,  # noqa: F811
    chromium,  # noqa: F811
    tmp_path,
):
    visitor = Visitor(chromium, real.url, "/?seed=23")
    first, before = visitor.face_id, save(visitor, tmp_path / "before.png")
    visitor.page.locator(".fg-behind").click()
    press(visitor, "blur")
    blurred = visitor.wait_other(first)
    after = save(visitor, tmp_path / "after.png")
    person = Mask(background_among(Face.load(tmp_path / "after.png").operations).person).at(1024)
    changed = np.abs(after.astype(int) - before).max(axis=2)
    assert changed[person == 1].max() == 0
    assert (changed[person == 0] > 8).mean() > 0.3
    visitor.page.locator(".fg-behinds [data-what=close]").click()
    visitor.page.keyboard.press("z")
    visitor.page.locator(f".fg-img[data-id='{first}']").wait_for()
    assert np.array_equal(save(visitor, tmp_path / "undone.png"), before)
    visitor.page.keyboard.press("Shift+Z")
    visitor.page.locator(f".fg-img[data-id='{blurred}']").wait_for()
    visitor.close()


def test_each_kind_is_a_press_and_outlives_dials_and_a_reload(
    local,  # noqa: F811
    chromium,  # noqa: F811
    tmp_path: Path,
):
    visitor = Visitor(chromium, local.url, "/?seed=417")
    page, first, before = visitor.page, visitor.face_id, visitor.pixels()
    page.locator(".fg-behind").click()
    is_pressed(visitor, "")
    press(visitor, "colour")
    grey = visitor.wait_other(first)
    assert np.abs(visitor.pixels()[:, :200].astype(int) - (0x80, 0x90, 0xA0)).max() < 4
    assert np.abs(visitor.pixels()[:, 300:700].astype(int) - before[:, 300:700]).max() < 40
    press(visitor, "face")
    others = visitor.wait_other(grey)
    page.wait_for_function("location.search.includes('background=seed')")
    press(visitor, "face")  # Each press takes another's.
    more = visitor.wait_other(others)
    page.keyboard.press("z")
    page.locator(f".fg-img[data-id='{others}']").wait_for()
    press(visitor, "transparent")
    clear = visitor.wait_other(others)
    assert clear != more
    smile(visitor)
    smiling = visitor.wait_other(clear)
    page.reload()
    page.locator(f".fg-img[data-id='{smiling}']").wait_for()
    page.locator(".fg-behind").click()
    is_pressed(visitor, "transparent")
    save(visitor, tmp_path / "clear.png")
    with Image.open(tmp_path / "clear.png") as picture:
        assert picture.mode == "RGBA"
        assert picture.getpixel((5, 5))[3] == 0
        assert picture.getpixel((512, 512))[3] == 255
    press(visitor, "")
    plain = visitor.wait_other(smiling)
    open_file(visitor, tmp_path / "clear.png")
    visitor.wait_other(plain)
    is_pressed(visitor, "transparent")
    page.keyboard.press("Escape")
    page.locator(".fg-behinds").wait_for(state="hidden")
    visitor.close()


def test_brush_and_backgrounds_make_room_for_each_other_on_a_phone(local, chromium):  # noqa: F811
    visitor = Visitor(chromium, local.url, "/?seed=417", viewport={"width": 360, "height": 740})
    page = visitor.page
    page.locator(".fg-behind").click()
    frame = page.locator(".fg-frame").bounding_box()
    for button in page.locator(".fg-behinds button, .fg-tools button:visible").all():
        box = button.bounding_box()
        assert frame["x"] <= box["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    page.locator(".fg-behinds [data-what=close]").click()
    first = visitor.face_id
    smile(visitor)
    visitor.wait_other(first)
    page.locator(".fg-brush").click()
    page.locator(".fg-behind").click()
    page.locator(".fg-brushes").wait_for(state="hidden")
    page.locator(".fg-brush").click()
    page.locator(".fg-behinds").wait_for(state="hidden")
    visitor.close()
