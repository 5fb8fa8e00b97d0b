"""The app as a user has it: a server, headless Chromium, the bundled network.

`real` uses `app.py`; the tests that do not need real faces use drawn ones (`fake_app.py`), which
keeps the whole file near a minute.
"""

from __future__ import annotations

import base64
import io
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from photo_scenes import huge_png
from PIL import Image

from facegen.face import Face

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

ROOT = Path(__file__).parent.parent
CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
)
SECOND = 1000
PRESSED_AGAIN = 30  # seconds
PATIENCE = 300  # seconds until a wait gives up: a machine may be busy with other work

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt install chromium"),
]


class Server:
    """A Streamlit server of its own on a free port, or on that of one that ended."""

    def __init__(self, script: str, log: Path, port: int = 0) -> None:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("127.0.0.1", port))
            port = sock.getsockname()[1]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._file = log.open("wb")
        options = ["--server.port", str(port), "--server.headless", "true"]
        # Of `facegen app`: the bundled network loads while the server starts.
        module = "facegen.ui.serve" if script == "app.py" else "streamlit"
        command = [sys.executable, "-m", module, "run", script, *options]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self._file, stderr=self._file)
        for _ in range(PATIENCE * 10):
            try:
                with urllib.request.urlopen(self.url + "/_stcore/health", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, log.read_text()
                time.sleep(0.1)
        raise AssertionError(log.read_text())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        self._file.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Iterator[Server]:
    server = Server("app.py", tmp_path_factory.mktemp("real") / "log.txt")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Iterator[Server]:
    server = Server("tests/fake_app.py", tmp_path_factory.mktemp("drawn") / "log.txt")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


def downloaded(page, button) -> object:
    """The file that a button gives, as Playwright's download.

    Streamlit gives a button's file a new name in every run of the script, and answers a press that
    still asks by the former one with nothing: then it is pressed again, as anybody would.
    """
    for _ in range(PATIENCE // PRESSED_AGAIN):
        try:
            with page.expect_download(timeout=PRESSED_AGAIN * SECOND) as download:
                button.click()
            return download.value
        except playwright_api.TimeoutError:
            continue
    raise AssertionError("No file came, however often the button was pressed.")


class Visitor:
    """One browser session with the app open."""

    def __init__(self, chromium, url: str, query: str = "", script: str = "", **context) -> None:
        context = {"viewport": {"width": 1280, "height": 800}, "accept_downloads": True} | context
        self.context = chromium.new_context(**context)
        self.context.set_default_timeout(PATIENCE * SECOND)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.add_init_script(
            "window.frames_seen = []; addEventListener('facegen:painted', "
            "e => window.frames_seen.push(e.detail.kind));"
        )
        self.page.add_init_script(script)
        self.page.goto(url + query)
        self.wait_full()

    def wait_full(self) -> None:
        self.page.locator(".fg-img[data-kind=full]").wait_for()

    @property
    def face_id(self) -> str:
        return self.page.locator(".fg-img").get_attribute("data-id")

    def wait_other(self, old: str) -> str:
        """Wait for a full picture of another latent; gives its id."""
        try:
            self.page.locator(f".fg-img[data-kind=full]:not([data-id='{old}'])").wait_for()
        except playwright_api.TimeoutError as err:
            seen = self.page.evaluate(
                """() => JSON.stringify([...document.querySelectorAll(
                    ".fg-img, .fg-note, [data-testid=stApp], [data-testid=stFileUploaderFile]"
                )].map(e => [e.className, {...e.dataset},
                    e.matches(".stApp") ? "" : e.innerText]))"""
            )
            raise AssertionError(f"still {old}: {self.search()} {seen} {self.errors}") from err
        return self.face_id

    def wait_previews(self, count: int) -> None:
        """Wait until so many previews were shown."""
        self.page.wait_for_function(
            f"window.frames_seen.filter(kind => kind === 'preview').length >= {count}"
        )

    def pixels(self) -> np.ndarray:
        """The picture as shown, decoded by the browser, [1024, 1024, 3]."""
        png = self.page.evaluate(
            """async () => {
                const image = document.querySelector('.fg-img');
                const canvas = document.createElement('canvas');
                canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
                canvas.getContext('2d').drawImage(image, 0, 0);
                return canvas.toDataURL('image/png').split(',')[1]; }"""
        )
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"))

    def search(self) -> str:
        return self.page.evaluate("location.search")

    def slider(self, name: str):
        return self.page.locator(f"[data-dial={name}] input[type=range]")

    def close(self) -> None:
        assert not self.errors, self.errors
        self.context.close()


def open_file(visitor: Visitor, path: Path | str) -> None:
    visitor.page.locator("[class*=st-key-fg_open] input[type=file]").set_input_files(str(path))


def test_design_save_and_reopen_the_same_face(real, chromium, tmp_path):
    """The main story of the program, with the real network."""
    visitor = Visitor(chromium, real.url, "/?seed=7")
    first, first_pixels = visitor.face_id, visitor.pixels()
    assert first_pixels.shape == (1024, 1024, 3)

    # A drag shows previews on the way and settles at full size.
    slider = visitor.slider("yaw")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    y, x = box["y"] + box["height"] / 2, box["x"] + box["width"] * 0.5
    own = float(slider.input_value())
    low, high = (float(slider.get_attribute(end)) for end in ("min", "max"))
    x = box["x"] + 9 + (own - low) / (high - low) * (box["width"] - 18)
    visitor.page.mouse.move(x, y)
    visitor.page.mouse.down()
    toward = 1 if own < (low + high) / 2 else -1
    for step in range(1, 13):
        visitor.page.mouse.move(x + toward * step * box["width"] / 40, y)
        visitor.wait_previews(min(step, 3))
    visitor.wait_other(first)  # Held still, it becomes sharp.
    assert "yaw=" not in visitor.search()
    visitor.page.mouse.up()
    visitor.page.wait_for_function("location.search.includes('yaw=')")
    turned = visitor.wait_other(first)
    assert visitor.page.locator(".fg-img").get_attribute("data-kind") == "full"
    turned_pixels = visitor.pixels()
    assert np.abs(turned_pixels.astype(int) - first_pixels).mean() > 3
    assert "yaw=" in visitor.search()

    saved = tmp_path / "saved.png"
    downloaded(visitor.page, visitor.page.locator(".st-key-save button:visible")).save_as(saved)
    visitor.close()

    # The saved picture alone brings the same face back in a fresh session.
    other = Visitor(chromium, real.url, "/?seed=99")
    old = other.face_id
    open_file(other, saved)
    assert other.wait_other(old) == turned
    assert np.array_equal(other.pixels(), turned_pixels)
    error = np.abs(np.asarray(Image.open(saved)).astype(int) - turned_pixels)
    assert error.mean() < 2.5  # The file is lossless, the screen shows a JPEG of it.
    link = other.search()
    other.close()

    # So does the link.
    third = Visitor(chromium, real.url, "/" + link)
    assert third.face_id == turned
    third.close()


def test_keys_and_history(drawn, chromium):
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, first = visitor.page, visitor.face_id
    visitor.slider("smile").focus()
    page.keyboard.press("End")
    smiling = visitor.wait_other(first)
    page.locator(".st-key-undo button:enabled").first.wait_for(state="attached")
    page.keyboard.press("z")  # With the dial still in focus.
    assert visitor.wait_other(smiling) == first
    page.locator(".st-key-redo button:enabled").first.wait_for(state="attached")
    page.keyboard.press("Shift+Z")
    assert visitor.wait_other(first) == smiling
    page.keyboard.press("n")
    new = visitor.wait_other(smiling)
    page.locator(".fg-strip button").nth(1).click()
    assert visitor.wait_other(new) == smiling
    page.get_by_label("Search a dial").fill("")
    page.get_by_label("Search a dial").press_sequentially("zn beard")
    page.wait_for_timeout(400)
    assert visitor.face_id == smiling  # Typing is no shortcut.
    visitor.close()


def test_the_keyboard_moves_a_dial_off_its_tick(drawn, chromium):
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    first = visitor.face_id
    visitor.slider("smile").focus()
    visitor.page.keyboard.press("ArrowRight")
    visitor.wait_other(first)
    visitor.page.keyboard.press("ArrowRight")
    visitor.page.wait_for_function("parseFloat(location.search.split('smile=')[1]) > 0.1")
    visitor.close()


def test_nothing_but_the_dials_scrolls(drawn, chromium):
    for width, height in ((1440, 900), (1280, 720), (1920, 1080), (1024, 768)):
        visitor = Visitor(
            chromium, drawn.url, "/?seed=417", viewport={"width": width, "height": height}
        )
        visitor.page.locator(".fg-current img").wait_for()
        visitor.page.wait_for_function(
            """() => ['stMain', 'stAppViewContainer'].every(id => {
                const e = document.querySelector(`[data-testid=${id}]`);
                return e.scrollHeight == e.clientHeight && e.scrollWidth == e.clientWidth; })"""
        )
        visitor.close()


def test_the_picture_never_flickers_dims_or_jumps(drawn, chromium):
    """Every animation frame has a whole picture, at full strength, in the same place."""
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, first = visitor.page, visitor.face_id
    page.locator(".fg-current img").wait_for()  # The last thing on the page.
    page.wait_for_function(
        """() => { const rect = document.querySelector('.fg-frame').getBoundingClientRect();
        const place = JSON.stringify(rect);
        window.still = place === window.place ? (window.still || 0) + 1 : 0;
        window.place = place;
        return window.still > 30; }"""
    )
    page.evaluate(
        """() => { window.faults = new Set(); window.looked = 0;
        const frame = document.querySelector('.fg-frame');
        const place = () => JSON.stringify(frame.getBoundingClientRect());
        const start = place();
        const look = () => { window.looked += 1;
            const image = document.querySelector('.fg-now .fg-img');
            if (!image || !image.complete || !image.naturalWidth) window.faults.add('missing');
            if (place() !== start) window.faults.add('moved ' + start + place());
            for (let e = image; e; e = e.parentElement) {
                const {opacity, filter, visibility} = getComputedStyle(e);
                if (opacity !== '1' || filter !== 'none' || visibility !== 'visible')
                    window.faults.add('dim ' + e.className + opacity); }
            requestAnimationFrame(look); };
        look(); }"""
    )
    page.keyboard.press("n")
    second = visitor.wait_other(first)
    visitor.slider("yaw").focus()
    page.keyboard.press("End")
    third = visitor.wait_other(second)
    box = visitor.slider("smile").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(15):
        page.mouse.move(box["x"] + box["width"] * (0.5 + step / 40), box["y"] + box["height"] / 2)
        page.wait_for_timeout(40)
    page.mouse.up()
    visitor.wait_other(third)
    page.wait_for_timeout(500)
    page.wait_for_function("window.looked > 30")
    assert page.evaluate("[...window.faults]") == []
    visitor.close()


def test_search_folds_and_resets(drawn, chromium):
    visitor = Visitor(chromium, drawn.url, "/?seed=417&smile=1&age=6")
    page, changed = visitor.page, visitor.face_id
    assert page.locator("[data-dial=beard]").is_hidden()
    page.get_by_label("Search a dial").fill("beard")
    assert page.locator("[data-dial=beard]").is_visible()
    assert page.locator("[data-dial=smile]").is_hidden()
    for word, dial in (
        ("forehead", "bangs"),
        ("accessories", "glasses"),
        ("Hair col", "hair_dark"),
    ):
        page.get_by_label("Search a dial").fill(word)  # A word of the help, a group, a label.
        assert page.locator(f"[data-dial={dial}]").is_visible()
    page.get_by_label("Search a dial").fill("")
    assert page.locator("[data-dial=glasses]").is_hidden()  # Folded again, as it was.
    page.get_by_role("button", name="Reset Smile").click()
    assert visitor.wait_other(changed)
    page.wait_for_function("location.search == '?seed=417&age=6'")
    page.get_by_role("button", name="Reset all").click()
    page.wait_for_function("location.search == '?seed=417'")
    visitor.close()


def reading(visitor: Visitor, name: str) -> float:
    return float(visitor.slider(name).input_value())


def test_a_lock_holds_its_dial_while_another_moves(drawn, chromium):
    """Without the lock these drawn faces smile when they turn."""
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, first = visitor.page, visitor.face_id
    held = reading(visitor, "smile")
    visitor.slider("yaw").focus()
    page.keyboard.press("End")
    turned = visitor.wait_other(first)
    page.wait_for_function(
        f"Math.abs(document.querySelector('[data-dial=smile] input').value - {held}) > 0.5"
    )
    page.keyboard.press("z")
    visitor.wait_other(turned)

    lock = page.get_by_role("button", name="Lock Smile")
    assert lock.get_attribute("aria-pressed") == "false"
    lock.focus()
    page.keyboard.press("Enter")
    page.locator("[data-dial=smile].locked").wait_for()
    assert lock.get_attribute("aria-pressed") == "true"
    assert visitor.slider("smile").is_disabled()
    assert "unlock" in page.locator("[data-dial=smile] .fg-words").inner_text()
    low, high = (float(visitor.slider("yaw").get_attribute(end)) for end in ("min", "max"))
    visitor.slider("yaw").focus()
    page.keyboard.press("End")
    held_still = visitor.wait_other(first)
    page.wait_for_function("location.search.includes('yaw=')")
    page.wait_for_timeout(300)
    assert reading(visitor, "smile") == pytest.approx(held, abs=0.05)
    assert reading(visitor, "yaw") > high - 0.05 * (high - low)
    assert held_still != turned
    page.keyboard.press("z")  # The lock is no step of the history.
    assert visitor.wait_other(held_still) == first
    assert lock.get_attribute("aria-pressed") == "true"
    lock.click()
    page.locator("[data-dial=smile]:not(.locked)").wait_for()
    visitor.close()


def test_beyond_the_natural_range_a_dial_warns_in_words(drawn, chromium):
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    assert visitor.page.locator(".fg-row.beyond").count() == 0
    before = visitor.face_id
    visitor.slider("yaw").focus()
    visitor.page.keyboard.type("46")
    visitor.page.keyboard.press("Enter")
    visitor.wait_other(before)
    visitor.page.locator("[data-dial=yaw].beyond").wait_for()
    assert "Beyond natural" in visitor.page.locator("[data-dial=yaw] .fg-words").inner_text()
    assert "Beyond natural" in visitor.slider("yaw").get_attribute("aria-valuetext")
    visitor.close()


def test_shuffle_and_reset_of_a_group(drawn, chromium):
    visitor = Visitor(chromium, drawn.url, "/?seed=417&age=6")
    page, first = visitor.page, visitor.face_id
    page.get_by_role("button", name="Shuffle Expression").click()
    shuffled = visitor.wait_other(first)
    page.wait_for_function("location.search.includes('mouth_open=')")
    group = page.locator("[data-group=Expression]")
    group.locator(".fg-undo").click()
    assert visitor.wait_other(shuffled) == first
    page.wait_for_function("location.search == '?seed=417&age=6'")
    visitor.close()


def test_a_preset_and_back(drawn, chromium):
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, first = visitor.page, visitor.face_id
    page.get_by_role("button", name="Presets").click()
    page.get_by_role("button", name="Elder").click()
    old = visitor.wait_other(first)
    page.wait_for_function("location.search.includes('age=')")
    assert reading(visitor, "age") == pytest.approx(61, abs=11)
    page.locator(".st-key-undo button:enabled").first.wait_for(state="attached")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    assert visitor.wait_other(old) == first
    visitor.close()


def test_many_steps_at_once_do_not_cut_the_connection(drawn, chromium):
    """Streamlit forgets messages that the server counts on, unless it is told to keep them."""
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, first = visitor.page, visitor.face_id
    page.get_by_role("button", name="Presets").click()
    page.get_by_role("button", name="Elder").click()
    visitor.wait_other(first)
    page.locator(".st-key-undo button:enabled").first.wait_for(state="attached")
    page.keyboard.press("Escape")
    for _ in range(8):
        page.keyboard.press("z")
        page.keyboard.press("Shift+Z")
    page.wait_for_timeout(1000)
    assert page.get_by_text("Connection error").count() == 0
    before = visitor.face_id
    page.keyboard.press("n")
    visitor.wait_other(before)
    visitor.close()


def test_a_dial_of_ones_own_from_marks(drawn, chromium):
    """Marks, a name, keep it, and it stands on the Design page."""
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page = visitor.page
    page.get_by_role("link", name="Your dials").click()
    faces = page.locator(".fg-tiles button")
    faces.nth(39).locator("img").wait_for()
    for index in range(3):
        faces.nth(index).click()
    for index in range(3, 6):
        faces.nth(index).click(click_count=2)
    assert page.locator("[data-mark=has]").count() == 3
    assert page.locator("[data-mark=not]").count() == 3
    name = page.get_by_role("textbox", name="What is it?")
    name.fill("Wings")
    name.press("Tab")
    page.get_by_role("button", name="Make the dial from 3 and 3").click()
    page.get_by_text("91 of 100 pairs").wait_for()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Remove").wait_for()
    page.get_by_role("link", name="Design").click()
    visitor.wait_full()
    before = visitor.face_id
    page.locator("[data-group=Own] .fg-fold").click()
    visitor.slider("wings").focus()
    page.keyboard.press("End")
    visitor.wait_other(before)
    page.wait_for_function("location.search.includes('wings=')")
    page.get_by_role("link", name="Your dials").click()
    page.get_by_role("button", name="Remove").click()
    page.get_by_role("button", name="Remove").wait_for(state="detached")
    page.get_by_role("link", name="Design").click()
    visitor.wait_full()
    assert page.locator("[data-dial=wings]").count() == 0
    page.wait_for_function("!location.search.includes('wings=')")
    visitor.close()


def test_before_and_after(drawn, chromium):
    visitor = Visitor(chromium, drawn.url, "/?seed=417&smile=1.5")
    page = visitor.page
    page.keyboard.down("b")
    page.locator(".fg-before").wait_for()
    page.keyboard.up("b")
    page.locator(".fg-before").wait_for(state="hidden")
    page.get_by_role("button", name="Compare").click()
    split = page.locator(".fg-split")
    box = split.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    assert float(split.input_value()) == pytest.approx(25, abs=2)
    page.get_by_role("button", name="Compare").click()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    page.mouse.down()
    page.locator(".fg-before").wait_for()
    page.mouse.up()
    page.locator(".fg-before").wait_for(state="hidden")
    visitor.close()


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w_plus.npy", bytes(200_000_000))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("huge.png", huge_png),
        ("bomb.npz", zip_bomb),
        ("pickle.pt", lambda: pickle.dumps(os.system)),
        ("note.txt", lambda: b"not a face"),
    ],
)
def test_bad_files_are_refused_kindly(drawn, chromium, tmp_path, name, make):
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    before = visitor.face_id
    (tmp_path / name).write_bytes(make())
    open_file(visitor, tmp_path / name)
    alert = visitor.page.locator("[data-testid=stAlert]")
    alert.wait_for()
    text = alert.inner_text()
    assert name in text
    assert "Traceback" not in visitor.page.content()
    assert visitor.face_id == before
    visitor.close()


def test_a_file_that_is_too_large_is_refused_before_it_travels(drawn, chromium, tmp_path):
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    (tmp_path / "huge.png").write_bytes(bytes(18 << 20))
    open_file(visitor, tmp_path / "huge.png")
    note = visitor.page.locator(".fg-note[role=alert]")
    note.wait_for()
    assert "huge.png has 18 MB" in note.inner_text()
    visitor.close()


def test_other_pictures_are_saved_under_the_name_and_open_again(drawn, chromium, tmp_path):
    visitor = Visitor(chromium, drawn.url, "/?seed=5")
    page = visitor.page
    page.get_by_role("button", name="More").click()
    page.get_by_label("Name", exact=True).fill("Zoë 李雷")
    page.get_by_label("Name", exact=True).press("Enter")
    for label, choice in (("Picture as", "JPEG"), ("Size", "256 px")):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option", name=choice).click()
    path = tmp_path / "saved.jpg"
    for _ in range(20):  # until the page knows all of it
        download = downloaded(page, page.get_by_role("button", name="Save this picture"))
        if download.suggested_filename == "Zoë-李雷.jpg":
            download.save_as(path)
            if Image.open(path).size == (256, 256):
                break
    assert Image.open(path).format == "JPEG"
    assert Face.load(path).name == "Zoë 李雷"
    page.keyboard.press("Escape")
    saved = visitor.face_id
    page.keyboard.press("n")
    other = visitor.wait_other(saved)
    open_file(visitor, path)
    assert visitor.wait_other(other) == saved
    visitor.close()


def test_a_dropped_file_opens(drawn, chromium, tmp_path):
    visitor = Visitor(chromium, drawn.url, "/?seed=5")
    path = tmp_path / "face.png"
    downloaded(visitor.page, visitor.page.locator(".st-key-save button:visible")).save_as(path)
    saved = visitor.face_id
    visitor.page.keyboard.press("n")
    other = visitor.wait_other(saved)
    visitor.page.evaluate(
        """(b64) => { const bytes = Uint8Array.from(atob(b64), c => c.charCodeAt(0));
        const d = new DataTransfer();
        d.items.add(new File([bytes], 'face.png', {type: 'image/png'}));
        for (const t of ['dragenter', 'dragover', 'drop'])
          document.querySelector('.fg-frame').dispatchEvent(
            new DragEvent(t, {dataTransfer: d, bubbles: true, cancelable: true})); }""",
        base64.b64encode(path.read_bytes()).decode(),
    )
    visitor.wait_other(other)
    assert visitor.search() == "?seed=5"
    visitor.close()


def test_two_visitors_design_at_once_and_never_see_each_other(drawn, chromium):
    a, b = Visitor(chromium, drawn.url, "/?seed=1"), Visitor(chromium, drawn.url, "/?seed=2")
    first_a, first_b = a.face_id, b.face_id
    a.slider("smile").focus()
    a.page.keyboard.press("End")
    b.slider("smile").focus()
    b.page.keyboard.press("Home")
    a.wait_other(first_a)
    b.wait_other(first_b)
    assert a.search().startswith("?seed=1&smile=")
    assert b.search().startswith("?seed=2&smile=-")
    assert a.page.locator(".fg-strip button").count() == 1
    assert not np.array_equal(a.pixels(), b.pixels())
    a.close()
    b.close()


def test_phone_keeps_the_face_in_sight(drawn, chromium):
    visitor = Visitor(
        chromium, drawn.url, "/?seed=417", viewport={"width": 390, "height": 844}, has_touch=True
    )
    page = visitor.page
    page.locator(".fg-pills button", has_text="Expression").click()
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 500)")
    page.wait_for_timeout(300)
    face = page.locator(".fg-img").bounding_box()
    assert face["y"] >= 40
    assert face["width"] >= 380
    assert page.locator("[data-dial=eyes_open]").bounding_box()["y"] < 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    lock = page.get_by_role("button", name="Lock Mouth")
    assert min(lock.bounding_box()["width"], lock.bounding_box()["height"]) >= 36
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.locator("[data-testid=stSidebarNavLink]", has_text="Your dials").click()
    page.locator(".fg-tiles button").first.click()  # The list of pages is out of the way.
    page.locator("[data-mark=has]").wait_for()
    visitor.close()


def test_nothing_is_asked_of_other_machines(drawn, chromium):
    context = chromium.new_context()
    page = context.new_page()
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(drawn.url)
    page.locator(".fg-img[data-kind=full]").wait_for(timeout=PATIENCE * SECOND)
    page.wait_for_timeout(1000)
    context.close()
    own = drawn.url.split("/")[2]
    assert {host for host in hosts if host and "-" not in host} <= {own}, hosts
