"""The pose sweep as a user has it: a server, headless Chromium, the bundled network."""

from __future__ import annotations

import io
import json
import re
import zipfile

import pytest
from PIL import Image

from facegen.face import Face

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from test_browser import Visitor, chromium, downloaded, pytestmark, real  # noqa: F401


def ask_for_three(visitor):
    """The sweep page, about to make pictures at -30, 0 and 30 degrees."""
    page = visitor.page
    page.get_by_role("link", name="Pose sweep").click()
    page.get_by_role("button", name="Make the sweep").wait_for()
    page.get_by_label("Step of the turn").fill("30")
    page.get_by_label("Step of the turn").press("Enter")
    page.get_by_text("What will be made: 3 pictures").wait_for()
    return page


def test_a_small_sweep_fills_its_grid_and_the_zip_matches_its_manifest(
    real,  # noqa: F811
    chromium,  # noqa: F811
    tmp_path,
):
    visitor = Visitor(chromium, real.url, "/?seed=950006")
    page = ask_for_three(visitor)
    page.get_by_role("button", name="Make the sweep").click()
    page.get_by_text("3 pictures in").wait_for()
    page.locator(".fg-turns figcaption").nth(2).wait_for()  # The sentence can come before the grid.
    assert page.locator(".fg-turns figure").count() == 3
    captions = page.locator(".fg-turns figcaption").all_inner_texts()
    assert captions[0].startswith("-30°")
    assert "id" in captions[2]  # measured, with the distance to the frontal picture
    stage, asked = page.locator(".fg-turn-stage"), page.locator(".fg-turn-asked")
    assert asked.inner_text().startswith("+0°")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 0.35 * box["width"], middle[1], steps=5)
    page.mouse.up()
    assert asked.inner_text().startswith("-30°")
    stage.focus()
    page.keyboard.press("ArrowRight")
    assert asked.inner_text().startswith("+0°")
    page.get_by_label("Turn through").fill("2")
    assert asked.inner_text().startswith("+30°")
    page.screenshot(path=str(tmp_path / "sweep.png"))
    waiting = downloaded(page, page.get_by_role("button", name="Zip"))
    with zipfile.ZipFile(waiting.path()) as archive:
        lines = archive.read("metadata.jsonl").decode().splitlines()
        records = [json.loads(line) for line in lines]
        files = {name for name in archive.namelist() if name.startswith("images/")}
        assert {record["file_name"] for record in records} == files
        assert [record["requested_yaw"] for record in records] == [-30, 0, 30]
        for record in records:
            data = archive.read(record["file_name"])
            assert Image.open(io.BytesIO(data)).size == (512, 512)
            Face.from_bytes(data, name="x.png").require_space(record["space"])
            assert abs(record["measured_yaw"] - record["requested_yaw"]) < 4
    assert not visitor.errors
    visitor.close()


def test_holding_the_person_closely_brings_the_turned_pictures_nearer(real, chromium):  # noqa: F811
    visitor = Visitor(chromium, real.url, "/?seed=7")
    page = ask_for_three(visitor)

    def distances():
        page.get_by_role("button", name="Make the sweep").click()
        page.get_by_role("button", name="Cancel").wait_for()
        page.get_by_text("3 pictures in").wait_for()
        captions = page.locator(".fg-turns figcaption").all_inner_texts()
        assert len(captions) == 3
        return [float(re.search(r"id ([0-9.]+)", text).group(1)) for text in captions]

    def estimate():
        text = page.get_by_text("What will be made: 3 pictures").inner_text()
        number, unit = re.search("about ([0-9]+) (s|min)", text).groups()
        return int(number) * (60 if unit == "min" else 1)

    held, before = distances(), estimate()
    page.get_by_text("Hold the person closely").click()  # it is on at first
    page.wait_for_function("!document.body.innerText.includes('not held closely')")
    assert estimate() < before
    plain = distances()
    assert held[0] + held[2] < 0.85 * (plain[0] + plain[2])
    assert not visitor.errors
    visitor.close()


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_the_film_plays_in_chromium(chromium, kind):  # noqa: F811
    import base64

    import numpy as np

    from facegen.sweeps.film import make_film
    from facegen.sweeps.grid import Cell
    from facegen.sweeps.sweep import Frame

    face = Face.from_w_plus(np.zeros(512, np.float32))
    frames = [
        Frame(i, Cell(yaw=float(i)), face, np.full((256, 256, 3), 40 * i, np.uint8))
        for i in range(5)
    ]
    data = base64.b64encode(make_film(frames, kind)).decode()
    page = chromium.new_page()
    page.set_content(f'<video muted autoplay src="data:video/{kind};base64,{data}"></video>')
    page.wait_for_function("document.querySelector('video').ended")
    assert page.evaluate("document.querySelector('video').videoWidth") == 256
    page.close()
