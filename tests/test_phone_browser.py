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


SIDEWAYS = {"viewport": {"width": 844, "height": 390}, "has_touch": True, "is_mobile": True}
TWICE = {"viewport": {"width": 640, "height": 400}, "device_scale_factor": 2}

# What of an element is to be seen: on the screen, and nothing else lies over its middle.
SEEN = """element => {
    const box = element.getBoundingClientRect();
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    const top = box.width && document.elementFromPoint(x, y);
    return !!top && (element.contains(top) || top.contains(element)
        || !!element.closest('.fg-track')?.contains(top)); }"""


def start(chromium, drawn, context):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417", **context)
    visitor.page.locator(".fg-pills button", has_text="Expression").click()
    visitor.page.locator("[data-dial=smile].seen").wait_for()
    visitor.page.locator(".fg-current img").wait_for()
    return visitor


@pytest.mark.parametrize("context", [PHONE, SIDEWAYS, TWICE], ids=["phone", "sideways", "twice"])
def test_the_buttons_stay_while_dials_scroll(drawn, chromium, context):  # noqa: F811
    visitor = start(chromium, drawn, context)
    page = visitor.page
    scroll = "document.querySelector('[data-testid=stMain]').scrollTo(0, {})"
    for far in (0, 150, 9999):
        page.evaluate(scroll.format(far))
        for key in ("new", "undo", "save"):
            button = page.locator(f".st-key-{key} button:visible")
            page.wait_for_function(SEEN, arg=button.element_handle())
    first = visitor.face_id
    page.locator(".st-key-new button:visible").click()
    visitor.wait_other(first)
    visitor.close()


@pytest.mark.parametrize("context", [SIDEWAYS, TWICE], ids=["sideways", "twice"])
def test_on_a_low_page_a_dial_is_beside_the_face(drawn, chromium, context):  # noqa: F811
    visitor = start(chromium, drawn, context)
    height = context["viewport"]["height"]
    visitor.slider("mouth_open").focus()
    face = visitor.page.locator(".fg-frame").bounding_box()
    dial = visitor.slider("mouth_open").bounding_box()
    assert dial["x"] >= face["x"] + face["width"]
    assert face["y"] <= dial["y"] <= dial["y"] + dial["height"] < height
    assert face["y"] + face["height"] <= height
    assert face["width"] > 0.5 * height
    visitor.close()


@pytest.mark.parametrize("context", [PHONE, SIDEWAYS], ids=["phone", "sideways"])
def test_what_has_the_focus_is_never_under_something_else(drawn, chromium, context):  # noqa: F811
    visitor = start(chromium, drawn, context)
    page = visitor.page
    for link in page.locator("[data-testid=stSidebarNavLink]").all():
        assert link.is_hidden()  # The list of pages is folded away, for the keyboard, too.
    page.locator(".fg-search").focus()
    for key in ["Tab"] * 12 + ["Shift+Tab"] * 12:
        page.keyboard.press(key)
        page.wait_for_function(f"({SEEN})(document.activeElement)")
    visitor.close()


def test_new_person_comes_before_the_face_and_the_face_before_the_dials(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page = visitor.page
    page.locator(".fg-current img").wait_for()
    parts = [".st-key-new", ".fg-seed-box", ".st-key-save", ".fg-compare", ".fg-search", ".fg-row"]
    stops = []
    page.locator("[data-testid=stMainMenuButton]").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate(
                "parts => parts.find(part => document.activeElement.closest(part))", parts
            )
        )
    assert list(dict.fromkeys(stop for stop in stops if stop)) == parts
    assert ".st-key-new" in stops[:2]
    visitor.close()
