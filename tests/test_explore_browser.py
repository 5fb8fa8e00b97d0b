"""The page Explore in a real browser: looking for people, choosing, mixing, going on in Design."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from test_browser import PATIENCE, SECOND, chromium, drawn, pytestmark, real  # noqa: F401


class Explorer:
    """Somebody with the page open."""

    def __init__(self, chromium, url: str, path: str = "/explore?people=40", **context) -> None:  # noqa: F811
        context = {"viewport": {"width": 1280, "height": 800}} | context
        self.context = chromium.new_context(**context)
        self.context.set_default_timeout(PATIENCE * SECOND)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(url + path)
        self.wait_tiles(12)

    def wait_tiles(self, count: int, title: str = "") -> None:
        """Wait for so many pictures below a title."""
        self.page.wait_for_function(
            """([count, title]) => document.querySelectorAll(".fg-tile canvas").length >= count
            && document.querySelector(".fg-crowd-title").textContent.includes(title)""",
            arg=[count, title],
        )

    def wait_rest(self) -> None:
        """Wait until a search is over."""
        self.page.wait_for_function(
            """() => { const words = document.querySelector(".fg-crowd-status").textContent;
            return words.includes("found") && !words.includes("looking"); }"""
        )

    def tile(self, place: int):
        return self.page.locator(f".fg-tile[data-place='{place}']")

    def select(self, *places: int) -> None:
        for place in places:
            self.tile(place).hover()
            self.tile(place).locator(".fg-check").click()
            self.page.locator(f".fg-tile[data-place='{place}'][aria-selected=true]").wait_for()

    def bar(self, name: str):
        return self.page.locator(".fg-crowd-acts").get_by_role("button", name=name, exact=True)

    def close(self) -> None:
        assert not self.errors, self.errors
        self.context.close()


def test_find_by_a_sentence_take_two_average_them_and_go_on_in_design(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    page = explorer.page
    box = page.get_by_label("Who are you looking for?")
    box.fill("woman, over 30, smiling")
    box.press("Enter")
    page.locator(".fg-ask-chips button").nth(2).wait_for()
    explorer.wait_tiles(4)
    explorer.wait_rest()
    assert "1 in" in page.locator(".fg-crowd-status").inner_text()
    assert "find=woman" in page.url
    page.wait_for_function(
        "[...document.querySelectorAll('.fg-tile p')].filter((x) => x.textContent).length === 16"
    )
    ages = [int(words.split()[1]) for words in page.locator(".fg-tile p").all_inner_texts()]
    assert len(ages) == 16
    assert min(ages) >= 30

    # A chip that is taken away leaves the others.
    page.locator(".fg-ask-chips button", has_text="over 30").click()
    page.wait_for_function("document.querySelectorAll('.fg-ask-chips button').length === 2")
    assert box.input_value() == "woman, smiling"
    explorer.wait_rest()

    explorer.select(0, 2)
    explorer.bar("Average").click()
    explorer.wait_tiles(3, "Average of 2 people")
    explorer.tile(0).click()
    page.locator(".fg-crowd-full[data-full=true][data-place='0']").wait_for()
    page.get_by_role("button", name="Go on in Design").click()
    page.locator(".fg-img[data-kind=full]").wait_for()
    assert "Average" not in page.url
    page.locator(".st-key-new button:visible").first.wait_for()
    explorer.close()


def test_somebody_of_a_seed_comes_to_design_with_their_link(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    explorer.tile(2).click()
    explorer.page.get_by_role("button", name="Go on in Design").click()
    explorer.page.wait_for_function("location.search === '?seed=42'")
    explorer.page.locator(".fg-img[data-kind=full]").wait_for()
    explorer.page.get_by_text("Explore", exact=True).click()
    explorer.wait_tiles(12, "New people")
    assert explorer.tile(2).get_attribute("aria-label") == "Unnamed 0042"
    explorer.close()


def test_a_reload_and_back_show_what_the_address_tells(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url, "/explore?find=man,+glasses")
    page = explorer.page
    box = page.get_by_label("Who are you looking for?")
    assert box.input_value() == "man, glasses"
    page.reload()
    explorer.wait_tiles(4)
    assert box.input_value() == "man, glasses"
    explorer.wait_rest()
    box.fill("woman, smiling")
    box.press("Enter")
    page.locator(".fg-ask-chips button", has_text="woman").wait_for()
    page.wait_for_function("location.search.includes('find=woman')")
    explorer.wait_rest()
    page.go_back()
    page.locator(".fg-ask-chips button", has_text="glasses").wait_for()
    page.wait_for_function("location.search.includes('find=man')")
    assert box.input_value() == "man, glasses"
    explorer.close()


def test_a_word_that_is_not_known_is_pointed_at(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    box = explorer.page.get_by_label("Who are you looking for?")
    box.fill("woman, glases")
    box.press("Enter")
    mark = explorer.page.locator(".fg-ask-said mark")
    mark.wait_for()
    assert mark.inner_text() == "glases"
    explorer.page.get_by_role("button", name="glasses", exact=True).click()
    explorer.page.locator(".fg-ask-chips button", has_text="glasses").wait_for()
    assert box.input_value() == "woman, glasses"
    hostile = "<img src=x onerror=alert(1)>"
    box.fill(hostile)
    box.press("Enter")
    explorer.page.locator(".fg-ask-said", has_text=hostile).wait_for()
    assert explorer.page.locator(".fg-ask img").count() == 0
    explorer.close()


def test_the_keyboard_alone_opens_selects_and_compares(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    page = explorer.page
    explorer.tile(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    place = int(page.evaluate("document.activeElement.dataset.place"))
    assert place > 3
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    page.locator(".fg-crowd-chosen", has_text="2 selected").wait_for()
    explorer.bar("Compare").press("Enter")
    other = page.locator(f".fg-crowd-other[data-full=true][data-place='{place}']")
    other.wait_for()
    split = page.locator(".fg-crowd-split")
    split.focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "document.querySelector('.fg-crowd-other').style.clipPath.includes('100%')"
    )
    page.keyboard.press("Escape")
    page.locator(".fg-crowd-open[open]").wait_for(state="hidden")
    explorer.tile(1).focus()
    page.keyboard.press("Enter")
    page.locator(".fg-crowd-name", has_text="Unnamed 0041").wait_for()
    page.keyboard.press("ArrowRight")
    page.locator(".fg-crowd-name", has_text="Unnamed 0042").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator(".fg-crowd-bar").wait_for(state="hidden")
    explorer.close()


def test_variants_and_the_way_back(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    page = explorer.page
    explorer.select(1)
    explorer.bar("Variants").click()
    explorer.wait_tiles(12, "Variants")
    page.get_by_role("button", name="a lot").click()
    page.locator(".fg-crowd-pills [aria-pressed=true]", has_text="a lot").wait_for()
    page.locator(".fg-crowd-back").click()
    explorer.wait_tiles(12, "New people")
    page.locator(".fg-tile[data-place='1'][aria-selected=true]").wait_for()
    explorer.close()


def test_a_reload_back_and_forward_keep_relatives_and_who_is_selected(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    page = explorer.page
    names = "[...document.querySelectorAll('.fg-tile[aria-label]')].map((x) => x.ariaLabel).join()"
    explorer.select(0, 2)
    explorer.bar("Average").click()
    explorer.wait_tiles(3, "Average of 2 people")
    page.wait_for_function("location.search.includes('crowd=average')")
    explorer.select(0)
    explorer.bar("Variants").click()
    explorer.wait_tiles(12, "Variants")
    page.wait_for_function("location.search.includes('crowd=variants')")
    explorer.select(3, 5)
    page.reload()
    explorer.wait_tiles(12, "Variants")
    page.locator(".fg-crowd-chosen", has_text="2 selected").wait_for()
    page.locator(".fg-tile[data-place='5'][aria-selected=true]").wait_for()
    before = page.evaluate(names)

    page.go_back()
    explorer.wait_tiles(3, "Average of 2 people")
    page.locator(".fg-tile[data-place='0'][aria-selected=true]").wait_for()
    page.go_back()
    explorer.wait_tiles(12, "New people")
    page.locator(".fg-tile[data-place='2'][aria-selected=true]").wait_for()
    page.go_forward()
    explorer.wait_tiles(3, "Average of 2 people")
    page.go_forward()
    explorer.wait_tiles(12, "Variants")
    assert page.evaluate(names)[:60] == before[:60]
    page.locator(".fg-crowd-back").click()
    explorer.wait_tiles(3, "Average of 2 people")
    explorer.close()


def test_the_map_pans_without_opening_anybody_and_a_click_opens_the_nearest(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    page = explorer.page
    page.get_by_role("button", name="Map", exact=True).click()
    dots = page.locator(".st-key-fg_map svg.marks path[aria-label*=Unnamed]")
    dots.nth(150).wait_for()
    middle = dots.nth(0).bounding_box()
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 40, steps=5)
    page.mouse.up()
    page.wait_for_function(
        """([x]) => document.querySelector(".st-key-fg_map svg.marks path[aria-label*=Unnamed]")
        .getBoundingClientRect().x > x + 60""",
        arg=[middle["x"]],
    )
    assert page.locator(".fg-crowd-open[open]").count() == 0
    page.mouse.click(x + 120, y + 40)
    page.locator(".fg-crowd-full[data-full=true]").wait_for()
    page.locator(".fg-crowd-name", has_text="Unnamed 0040").wait_for()
    page.keyboard.press("Escape")
    page.locator(".fg-crowd-open[open]").wait_for(state="hidden")
    explorer.close()


def test_far_away_pictures_are_dropped_and_come_back(drawn, chromium):  # noqa: F811
    explorer = Explorer(chromium, drawn.url)
    page = explorer.page
    scroll = "document.querySelector('[data-testid=stMain]').scrollTo({top: %s})"
    while page.locator(".fg-tile").count() < 600:
        count = page.locator(".fg-tile").count()
        page.evaluate(scroll % "document.querySelector('[data-testid=stMain]').scrollHeight")
        page.wait_for_function(f"document.querySelectorAll('.fg-tile').length > {count}")
        last = page.locator(".fg-tile").count() - 30
        page.locator(f".fg-tile[data-place='{last}'] canvas").wait_for()
    assert page.locator(".fg-tile canvas").count() < 250
    page.evaluate(scroll % 0)
    page.locator(".fg-tile[data-place='0'] canvas").wait_for()
    explorer.close()


def test_on_a_phone_a_tap_opens_and_nothing_is_wider_than_the_page(drawn, chromium):  # noqa: F811
    explorer = Explorer(
        chromium, drawn.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = explorer.page
    explorer.tile(4).locator(".fg-check").tap()
    page.locator(".fg-crowd-chosen", has_text="1 selected").wait_for()
    explorer.tile(3).tap(position={"x": 20, "y": 60})
    page.locator(".fg-crowd-full[data-full=true]").wait_for()
    assert page.evaluate(
        """() => { const box = document.querySelector(".fg-crowd-open").getBoundingClientRect();
        return box.width <= innerWidth && document.documentElement.scrollWidth <= innerWidth; }"""
    )
    button = page.locator(".fg-crowd-one .fg-main").bounding_box()
    assert button["y"] + button["height"] <= 844
    explorer.close()


@pytest.mark.weights
def test_real_people_are_found_and_mixed(real, chromium):  # noqa: F811
    explorer = Explorer(chromium, real.url)
    page = explorer.page
    box = page.get_by_label("Who are you looking for?")
    box.fill("woman, glasses")
    box.press("Enter")
    page.locator(".fg-ask-chips button").nth(1).wait_for()
    page.wait_for_function("document.querySelector('.fg-crowd-status').textContent.match(/found/)")
    explorer.wait_tiles(4)
    explorer.select(0, 1)
    explorer.bar("Children").click()
    explorer.wait_tiles(12, "Children")
    explorer.tile(5).click()
    page.get_by_role("button", name="Go on in Design").click()
    page.locator(".fg-img[data-kind=full]").wait_for()
    explorer.close()
