"""The app under a thumb: what a finger means on a page of dials."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from test_browser import Visitor, chromium, drawn, pytestmark  # noqa: F401

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def swipe(page, start, across, down, steps=8):
    """One finger put down at `start`, moved by so many pixels, and lifted."""
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        points = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = start
    send("touchStart", start)
    for step in range(1, steps + 1):
        send("touchMove", (x + across * step / steps, y + down * step / steps))
        page.wait_for_timeout(16)  # As quick as a thumb; one jump would be no swipe.
    send("touchEnd")
    touch.detach()


def test_a_swipe_along_the_page_scrolls_and_one_along_a_dial_moves_it(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417", **PHONE)
    page, first, slider = visitor.page, visitor.face_id, visitor.slider("smile")
    page.locator(".fg-pills button", has_text="Expression").click()
    page.locator("[data-dial=smile].seen").wait_for()
    own = slider.input_value()
    scrolled = "document.querySelector('[data-testid=stMain]').scrollTop"

    def middle(share):
        box = slider.bounding_box()
        return box["x"] + share * box["width"], box["y"] + box["height"] / 2

    page.evaluate("window.frames_seen.length = 0")
    swipe(page, middle(0.85), 4, -150)
    page.wait_for_function(f"{scrolled} > 60")
    was = page.evaluate(scrolled)
    assert slider.input_value() == own
    swipe(page, middle(0.15), 4, 60)
    page.wait_for_function(f"{scrolled} < {was}")
    # A press of another kind is answered after all that the swipes might have sent.
    page.get_by_role("button", name="Lock Mouth").click()
    page.locator("[data-dial=mouth_open].locked").wait_for()
    page.wait_for_function("document.querySelector('.stApp').dataset.testScriptState !== 'running'")
    assert slider.input_value() == own
    assert "smile=" not in visitor.search()
    assert visitor.face_id == first
    assert page.evaluate("window.frames_seen.includes('preview')") is False

    swipe(page, middle(0.5), 120, 6)
    smiling = visitor.wait_other(first)
    page.wait_for_function("location.search.includes('smile=')")
    assert float(slider.input_value()) > float(own) + 0.5
    page.touchscreen.tap(*middle(0.2))  # A tap beside the handle takes it there, as before.
    visitor.wait_other(smiling)
    page.wait_for_function("parseFloat(location.search.split('smile=')[1]) < 0")
    visitor.close()


def test_a_swipe_along_the_page_leaves_the_sliders_of_a_sweep_alone(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417", **PHONE)
    page = visitor.page
    page.goto(f"{drawn.url}/sweep?seed=417")
    slider = page.locator("[data-testid=stSlider]").first
    ends = slider.locator("[data-testid=stSliderThumbValue]")
    ends.last.wait_for()
    before = ends.all_inner_texts()
    box = slider.locator("[data-orientation=horizontal] > div").first.bounding_box()
    start = box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2
    swipe(page, start, 4, -90)
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollTop > 30")
    assert ends.all_inner_texts() == before
    end = slider.locator("div:has(> [data-testid=stSliderThumbValue])").last.bounding_box()
    swipe(page, (end["x"] + end["width"] / 2, end["y"] + end["height"] / 2), 50, 3)
    page.wait_for_function(
        "old => document.querySelectorAll('[data-testid=stSliderThumbValue]')[1].innerText !== old",
        arg=before[1],
    )
    visitor.close()
