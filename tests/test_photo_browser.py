"""The page "Photo" as a user has it: a server, headless Chromium."""

from __future__ import annotations

import base64
import time

import numpy as np
import pytest
from photo_scenes import encoded, similarity, textured, with_face
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from test_browser import (  # noqa: F401
    PATIENCE,
    Server,
    Visitor,
    chromium,
    downloaded,
    open_file,
    pytestmark,
)

from facegen.images import EDITED_SOURCE_TYPE
from facegen.service.photo_desk import LOOK_SECONDS, STOP_SECONDS

FILE = "[class*=st-key-fg_photo_file] input[type=file]"
GIVE_FILE = """([b64, how]) => {
    const bytes = Uint8Array.from(atob(b64), c => c.charCodeAt(0));
    const d = new DataTransfer();
    d.items.add(new File([bytes], 'given.png', {type: 'image/png'}));
    if (how === 'paste') {
        document.body.dispatchEvent(new ClipboardEvent('paste',
            {clipboardData: d, bubbles: true, cancelable: true}));
    } else for (const t of ['dragenter', 'dragover', 'drop'])
        document.body.dispatchEvent(
            new DragEvent(t, {dataTransfer: d, bubbles: true, cancelable: true})); }"""


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """A server at which people are found in a few steps of 0.2 s; `steps` tells of each."""
    monkeypatch.setenv("FACEGEN_TEST_STEPS", str(tmp_path / "steps.txt"))
    (tmp_path / "steps.txt").write_text("")
    server = Server("tests/fake_photo_app.py", tmp_path / "log.txt")
    server.steps = lambda: (tmp_path / "steps.txt").stat().st_size
    yield server
    server.stop()


@pytest.fixture
def photo(tmp_path):
    """A photo with two faces, as the drawn app sees it."""
    path = tmp_path / "At the sea.jpg"
    path.write_bytes(encoded(textured(600, 800), "JPEG", quality=92))
    return path


def arrive(chromium, server, **context):  # noqa: F811
    """On the page Photo."""
    visitor = Visitor(chromium, server.url, "/?seed=417", **context)
    visitor.page.goto(f"{server.url}/photo?seed=417")
    visitor.page.locator(FILE).wait_for(state="attached")
    return visitor


def view(page, name: str) -> None:
    """Wait until the stage shows this on its right."""
    page.locator(".fg-photo-right", has_text=name).wait_for()


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_photo_comes_by_drop_and_paste(quick, chromium, photo, how):  # noqa: F811
    visitor = arrive(chromium, quick)
    page = visitor.page
    page.locator(".st-key-fg_photo_welcome").wait_for()
    page.locator(".fg-photo").wait_for(state="attached")
    page.evaluate(GIVE_FILE, [base64.b64encode(photo.read_bytes()).decode(), how])
    page.locator(".fg-photo-faces button").nth(1).wait_for()
    assert page.locator(".fg-photo-faces button[aria-pressed=true]").count() == 1
    second = page.get_by_role("button", name="Face 2 of 2")
    second.focus()
    page.keyboard.press("Enter")
    page.locator(".fg-photo-faces button[aria-pressed=true][aria-label^='Face 2']").wait_for()
    page.get_by_text("Face 2 of 2.").wait_for()
    visitor.close()


def test_a_photo_dropped_on_design_leads_to_the_page_photo(quick, chromium, photo):  # noqa: F811
    visitor = Visitor(chromium, quick.url, "/?seed=417")
    open_file(visitor, photo)
    visitor.page.get_by_role("button", name="Find this person").wait_for()
    assert "/photo" in visitor.page.url
    visitor.close()


def test_a_photo_that_is_too_large_is_refused_before_it_travels(quick, chromium, tmp_path):  # noqa: F811
    visitor = arrive(chromium, quick)
    (tmp_path / "huge.jpg").write_bytes(bytes(66 << 20))
    visitor.page.locator(".fg-photo").wait_for(state="attached")
    visitor.page.locator(FILE).set_input_files(str(tmp_path / "huge.jpg"))
    note = visitor.page.locator(".fg-photo-note[role=alert]")
    note.wait_for()
    assert "huge.jpg has 66 MB" in note.inner_text()
    visitor.close()


def test_a_reload_finds_the_job_again_and_two_visitors_do_not_meet(
    quick,
    chromium,  # noqa: F811
    photo,
):
    one, other = arrive(chromium, quick), arrive(chromium, quick)
    for visitor in (one, other):
        visitor.page.locator(FILE).set_input_files(str(photo))
        visitor.page.get_by_role("button", name="Find this person").click()
    for visitor in (one, other):
        view(visitor.page, "So far")
    one.page.reload()
    stop = one.page.get_by_role("button", name="Stop here")
    stop.wait_for()
    view(one.page, "So far")
    assert one.page.get_by_role("progressbar").count() == 1
    stop.click()
    view(one.page, "Found")
    one.page.get_by_text("stopped after").wait_for()
    assert other.page.get_by_role("button", name="Stop here").is_visible()
    other.page.get_by_role("button", name="Stop here").click()
    view(other.page, "Found")
    one.page.get_by_role("button", name="Forget this photo").click()
    one.page.locator(".st-key-fg_photo_welcome").wait_for()
    one.page.reload()
    one.page.locator(".st-key-fg_photo_welcome").wait_for()
    assert other.page.locator(".fg-photo-frame").is_visible()
    one.close()
    other.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_axe_finds_nothing_serious_on_a_photo(quick, chromium, photo, scheme, size):  # noqa: F811
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    from test_access_browser import SIZES, faults

    visitor = arrive(chromium, quick, color_scheme=scheme, **SIZES[size])
    page = visitor.page
    assert faults(page) == []
    page.locator(FILE).set_input_files(str(photo))
    page.get_by_role("button", name="Find this person").wait_for()
    assert faults(page) == [], "faces"
    page.get_by_role("button", name="Find this person").click()
    view(page, "So far")
    assert faults(page) == [], "running"
    page.get_by_role("button", name="Stop here").click()
    view(page, "Found")
    page.get_by_role("button", name="Edit on Design").wait_for()
    assert faults(page) == [], "found"
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    page.get_by_role("button", name="Edit on Design").click()
    visitor.wait_full()
    before = visitor.face_id
    smile = visitor.slider("smile")
    smile.focus()
    page.keyboard.press("End")
    visitor.wait_other(before)
    page.get_by_role("button", name="Back to the photo").click()
    view(page, "Edited")
    page.get_by_role("button", name="Download the photo").wait_for()
    assert faults(page) == [], "edited"
    line = page.locator(".fg-photo-split")
    line.focus()
    was = float(line.input_value())
    page.keyboard.press("PageUp")
    assert float(line.input_value()) > was
    visitor.close()


def test_a_closed_tab_ends_its_job(quick, chromium, photo):  # noqa: F811
    visitor = arrive(chromium, quick)
    visitor.page.locator(FILE).set_input_files(str(photo))
    visitor.page.get_by_role("button", name="Find this person").click()
    view(visitor.page, "So far")
    assert quick.steps() > 0
    visitor.close()
    time.sleep(STOP_SECONDS + 2 * LOOK_SECONDS + 8)  # half a minute in all
    ended = quick.steps()
    time.sleep(2)
    assert quick.steps() == ended


def photo_of_nobody(generator) -> np.ndarray:
    """A generated face, smaller, in a larger picture."""
    scene = textured(900, 1200, noise=2)
    face = generator.render(generator.w_from_seed(7, 0.7))
    return with_face(scene, face, similarity(0, 0.6, (600, 440), len(face)))


@pytest.mark.long
@pytest.mark.weights
def test_a_photo_of_nobody_is_found_aged_and_downloaded(
    generator,
    chromium,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    """The whole story, with the real network and few steps."""
    monkeypatch.setenv("FACEGEN_PHOTO_STEPS", "40")
    server = Server("app.py", tmp_path / "log.txt")
    original = photo_of_nobody(generator)
    path = tmp_path / "nobody.png"
    path.write_bytes(encoded(original, "PNG"))
    visitor = Visitor(chromium, server.url, "/?seed=99")
    page = visitor.page
    open_file(visitor, path)
    page.get_by_text("One face was found").wait_for()
    page.get_by_role("button", name="Find this person").click()
    view(page, "So far")
    page.get_by_role("button", name="Stop here").click()
    view(page, "Found")
    page.get_by_text("stopped after").wait_for()
    page.get_by_role("button", name="Edit on Design").click()
    visitor.wait_full()
    page.locator(".fg-current", has_text="nobody").wait_for()
    before = visitor.face_id
    page.locator("[data-dial=age].seen").wait_for(state="attached")
    page.locator("[data-group='Age & sex'] .fg-fold").click()
    age = visitor.slider("age")
    number = page.locator("[data-dial=age] .fg-value")
    goal = float(age.input_value()) + 20
    number.click()
    page.keyboard.type(f"{goal:.0f}")
    page.keyboard.press("Enter")
    visitor.wait_other(before)
    page.get_by_role("button", name="Back to the photo").click()
    view(page, "Edited")
    saved = tmp_path / "edited.png"
    downloaded(page, page.get_by_role("button", name="Download the photo")).save_as(saved)
    picture = Image.open(saved)
    edited = np.asarray(picture)
    assert EDITED_SOURCE_TYPE in picture.info["XML:com.adobe.xmp"]
    changed = (edited != original).any(axis=2)
    xs = np.flatnonzero(changed.any(axis=0))
    assert 0.01 < changed.mean() < 0.35
    assert xs.min() > 250
    assert xs.max() < 950
    assert np.array_equal(edited[~changed], original[~changed])
    assert np.array_equal(edited[:, :250], original[:, :250])
    face = np.abs(edited[300:600, 480:720].astype(int) - original[300:600, 480:720]).mean()
    assert face > 1.5, "the face is older"
    assert not visitor.errors
    visitor.close()
    server.stop()
