"""Dressing somebody, in a real browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_browser import Visitor, chromium, pytestmark, real  # noqa: F401
from test_local_browser import local, save  # noqa: F401

from facegen.face import Face
from facegen.masks import Mask
from facegen.operations import clothes_among


def press(visitor: Visitor, kind: str) -> None:
    visitor.page.locator(f"[data-clothes='{kind}']").click()


@pytest.mark.weights
def test_other_clothes_leave_the_rest_and_undo_takes_them_back(
    real,  # noqa: F811
    chromium,  # noqa: F811
    tmp_path: Path,
):
    visitor = Visitor(chromium, real.url, "/?seed=920001")
    first, before = visitor.face_id, save(visitor, tmp_path / "before.png")
    visitor.page.locator(".fg-clothes").click()
    press(visitor, "face")
    dressed = visitor.wait_other(first)
    after = save(visitor, tmp_path / "after.png")
    worn = Mask(clothes_among(Face.load(tmp_path / "after.png").operations).worn).values
    outside = np.repeat(np.repeat(worn == 0, 4, 0), 4, 1)
    assert np.array_equal(after[outside], before[outside])
    assert not np.array_equal(after, before)
    visitor.page.locator(".fg-wardrobe [data-what=close]").click()
    visitor.page.keyboard.press("z")
    visitor.page.locator(f".fg-img[data-id='{first}']").wait_for()
    assert np.array_equal(save(visitor, tmp_path / "undone.png"), before)
    visitor.page.keyboard.press("Shift+Z")
    visitor.page.locator(f".fg-img[data-id='{dressed}']").wait_for()
    visitor.close()


def test_the_bars_fit_a_phone_make_room_for_each_other_and_outlive_a_reload(local, chromium):  # noqa: F811
    visitor = Visitor(chromium, local.url, "/?seed=417", viewport={"width": 360, "height": 740})
    page, first = visitor.page, visitor.face_id
    page.locator(".fg-behind").click()
    page.locator(".fg-clothes").focus()
    page.keyboard.press("Enter")
    page.locator(".fg-behinds").wait_for(state="hidden")
    frame = page.locator(".fg-frame").bounding_box()
    for button in page.locator(".fg-wardrobe button, .fg-tools button:visible").all():
        box = button.bounding_box()
        assert frame["x"] <= box["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    press(visitor, "colour")
    blue = visitor.wait_other(first)
    page.wait_for_function("location.search.includes('clothes=')")
    press(visitor, "face")
    others = visitor.wait_other(blue)
    press(visitor, "face")  # Each press takes another's.
    more = visitor.wait_other(others)
    page.reload()
    page.locator(f".fg-img[data-id='{more}']").wait_for()
    page.locator(".fg-clothes").click()
    page.locator("[data-clothes='face'][aria-pressed=true]").wait_for()
    press(visitor, "")
    page.locator(f".fg-img[data-id='{first}']").wait_for()
    page.keyboard.press("Escape")
    page.locator(".fg-wardrobe").wait_for(state="hidden")
    visitor.close()
