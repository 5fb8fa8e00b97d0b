"""Quick presses of buttons and keys in a real browser: the picture is that of the page's person."""

from __future__ import annotations

import random
import re

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from test_browser import Visitor, chromium, drawn, pytestmark  # noqa: F401

KEYS = {"n": "n", "z": "z", "Z": "Shift+Z", "left": "ArrowLeft", "right": "ArrowRight"}
GAPS_MS = (0, 0, 20, 60, 150)
AGREE = """count => {
  const number = (text) => Number((text ?? "").match(/\\d+/)?.[0]);
  const find = (part) => document.querySelector(part) ?? {}, picture = find(".fg-img");
  const shown = [find(".fg-current span").textContent, picture.alt, location.search,
    find(".fg-seed-box input").value, find(".fg-strip [aria-current=true] img").alt];
  return new Set(shown.map(number)).size === 1 && picture.dataset.kind === "full"
    && document.querySelectorAll(".fg-strip button").length >= count
    && find(".stApp").dataset.testScriptState === "notRunning"; }"""


def wait_at_rest(visitor, people: int = 1) -> None:
    """Wait until name, seed, address, strip and picture are of one person, and stay so."""
    visitor.page.wait_for_function(AGREE, arg=people)
    visitor.page.wait_for_timeout(400)
    visitor.page.wait_for_function(AGREE, arg=people)


def names(visitor) -> list[str]:
    """The people met, newest first."""
    images = visitor.page.locator(".fg-strip button img")
    return [images.nth(i).get_attribute("alt") for i in range(images.count())]


def test_each_quick_press_of_new_person_gives_somebody_else(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    visitor.page.evaluate(
        """() => { window.people = [];
        addEventListener("facegen:painted", () => {
          const name = document.querySelector(".fg-img").alt;
          if (window.people.at(-1) !== name) window.people.push(name); }); }"""
    )
    for press in range(12):
        if press % 3:
            visitor.page.keyboard.press("n")
        else:
            visitor.page.locator(".st-key-new button:visible").first.click()
        visitor.page.wait_for_timeout(GAPS_MS[press % len(GAPS_MS)])
    wait_at_rest(visitor, people=13)
    met = names(visitor)
    assert len(set(met)) == len(met) == 13
    seen = visitor.page.evaluate("window.people")
    assert len(set(seen)) == len(seen)  # Nobody came back.
    visitor.page.keyboard.press("z")
    visitor.page.keyboard.press("z")
    visitor.page.wait_for_function(f"document.querySelector('.fg-img').alt.includes('{met[2]}')")
    wait_at_rest(visitor)
    assert names(visitor) == met
    visitor.close()


@pytest.mark.parametrize("start", [1, 2])
def test_after_quick_keys_of_all_kinds_the_picture_is_the_pages(drawn, chromium, start):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    choose = random.Random(start)
    visitor.slider("smile").focus()
    for _ in range(40):
        visitor.page.keyboard.press(KEYS[choose.choice(list(KEYS))])
        visitor.page.wait_for_timeout(choose.choice(GAPS_MS))
    wait_at_rest(visitor)
    assert len(set(names(visitor))) == len(names(visitor))
    address, picture = visitor.search(), visitor.face_id
    other = Visitor(chromium, drawn.url, "/" + address)
    assert other.face_id == picture
    other.close()
    visitor.close()


def test_a_seed_is_typed_as_quickly_as_one_likes(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, box = visitor.page, visitor.page.locator(".fg-seed-box input")
    box.fill("7")
    box.press("Enter")
    box.press_sequentially("12")
    box.press("Enter")
    page.locator(".st-key-new button:visible").first.click()  # Leaving the box is no second Enter.
    wait_at_rest(visitor, people=4)
    assert [int(re.sub(r"\D", "", name)) for name in names(visitor)[1:]] == [12, 7, 417]
    box.fill("minus one")
    box.press("Escape")
    assert box.input_value() == re.sub(r"\D", "", visitor.search())
    box.fill("minus one")
    box.press("Enter")
    page.get_by_text("A seed is a whole number").wait_for()
    wait_at_rest(visitor, people=4)
    visitor.close()
