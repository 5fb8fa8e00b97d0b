"""What a visitor has survives, in a real browser: reload, closed tab, killed browser and server.

With drawn faces; what survives does not depend on who draws.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from fakes import FakeGenerator  # noqa: E402
from test_browser import (  # noqa: E402
    CHROMIUM,
    PATIENCE,
    SECOND,
    Server,
    Visitor,
    chromium,  # noqa: F401
    drawn,  # noqa: F401
    open_file,
    pytestmark,  # noqa: F401
)
from test_explore_browser import Explorer  # noqa: E402

from facegen.face import Face  # noqa: E402

SCRIPT = "tests/fake_app.py"
STRANGERS = """addEventListener('facegen:painted', e => {
    window.people_seen = [...(window.people_seen || []), e.detail.id]; });"""


@pytest.fixture
def face_file(tmp_path) -> Path:
    generator = FakeGenerator()
    noise = np.random.RandomState(4).randn(18, 512).astype(np.float32)
    w_plus = generator.w_avg + 0.4 * noise
    face = Face(w_plus=w_plus, base=w_plus, name="Ada")
    path = tmp_path / "ada.png"
    face.save(path, generator.render(face.w_plus))
    return path


def strip(page) -> list[str]:
    page.locator(".fg-strip button").first.wait_for()
    return page.locator(".fg-strip img").evaluate_all("all => all.map(image => image.alt)")


def wait_strip(page, people: list[str]) -> None:
    page.wait_for_function(
        """wanted => JSON.stringify([...document.querySelectorAll('.fg-strip img')]
            .map(image => image.alt)) === wanted""",
        arg=str(people).replace("'", '"').replace(", ", ","),
    )


OWN_RECORD = """async () => {
    const db = await new Promise((resolve, reject) => {
        const request = indexedDB.open('facegen');
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error); });
    const tab = sessionStorage.getItem('facegen_tab');
    const record = !db.objectStoreNames.length || !tab ? null : await new Promise((resolve) => {
        const request = db.transaction('tabs').objectStore('tabs').get(tab);
        request.onsuccess = () => resolve(request.result || null); });
    db.close();
    return record && { ...record.parts, at: String(record.at) }; }"""


def wait_parts(page, is_there: Callable[[dict[str, str]], bool]) -> None:
    """Wait until the browser has written this of what the tab has; a promise is no predicate."""
    for _ in range(PATIENCE * 20):
        parts = page.evaluate(OWN_RECORD)
        if parts and is_there(parts):
            return
        page.wait_for_timeout(50)
    raise AssertionError(parts)


def wait_kept(page, seed: int | None = None, **dials: float) -> None:
    """Wait until the browser has written that somebody is shown, with these dials."""

    def is_there(parts: dict[str, str]) -> bool:
        texts = [text for name, text in parts.items() if name.startswith("session:")]
        if not texts:
            return False
        kept = json.loads(texts[0])
        state = kept["states"][kept["steps"][kept["at"]]]
        who = next(person for person in kept["people"] if person["uid"] == state["who"])
        deltas = state.get("deltas", {})
        is_same = all(deltas.get(n) == pytest.approx(v, abs=0.01) for n, v in dials.items())
        return is_same and seed in (None, who.get("seed"))

    wait_parts(page, is_there)


def go(page, url: str) -> None:
    page.goto(url)
    page.locator(".fg-img[data-kind=full]").wait_for()


def smile(visitor: Visitor) -> str:
    """Smile as much as the dial goes; gives the new picture's id."""
    before = visitor.face_id
    visitor.slider("smile").focus()
    visitor.page.keyboard.press("End")
    after = visitor.wait_other(before)
    visitor.page.wait_for_function("location.search.includes('smile=')")
    return after


def call(page, name: str) -> None:
    page.get_by_role("button", name="More").first.click()
    field = page.get_by_label("Name", exact=True)
    field.fill(name)
    field.press("Enter")
    page.locator(".fg-current", has_text=name).wait_for()
    page.keyboard.press("Escape")


def lock(page, dial: str) -> None:
    page.locator(f"[data-dial={dial}] input[type=range]").focus()
    page.keyboard.press("l")
    page.locator(f"[data-dial={dial}] [aria-pressed=true]").first.wait_for(state="attached")


@pytest.fixture
def busy(drawn, chromium) -> Iterator[Visitor]:  # noqa: F811
    """Somebody with two people, a name, a lock, a step and one taken back."""
    visitor = Visitor(chromium, drawn.url, "/?seed=417", script=STRANGERS)
    make_busy(visitor)
    yield visitor
    visitor.close()


def make_busy(visitor: Visitor) -> None:
    page, first = visitor.page, visitor.face_id
    call(page, "Anna <b>")
    page.keyboard.press("n")
    second = visitor.wait_other(first)
    wait_strip(page, strip(page))
    lock(page, "yaw")
    smiling = smile(visitor)
    page.locator(".st-key-undo button:enabled").first.wait_for(state="attached")
    page.keyboard.press("z")
    assert visitor.wait_other(smiling) == second
    page.locator(".st-key-redo button:enabled").first.wait_for(state="attached")
    wait_kept(page, int(parse_qs(visitor.search()[1:])["seed"][0]))
    visitor.second, visitor.smiling = second, smiling


def assert_all_is_back(visitor: Visitor, people: list[str]) -> None:
    page = visitor.page
    assert visitor.face_id == visitor.second
    assert page.evaluate("[...new Set(window.people_seen)]") == [visitor.second]
    wait_strip(page, people)
    page.locator("[data-dial=yaw] [aria-pressed=true]").first.wait_for(state="attached")
    page.locator(".st-key-redo button:enabled").first.wait_for(state="attached")
    page.keyboard.press("Shift+Z")
    assert visitor.wait_other(visitor.second) == visitor.smiling
    page.locator(".st-key-undo button:enabled").first.wait_for(state="attached")
    page.keyboard.press("z")
    visitor.wait_other(visitor.smiling)
    page.locator(".fg-strip button").nth(1).click()
    page.locator(".fg-current", has_text="Anna <b>").wait_for()


def test_a_reload_loses_nothing_and_shows_no_stranger_meanwhile(busy):
    people = strip(busy.page)
    busy.page.reload()
    busy.wait_full()
    assert_all_is_back(busy, people)


def test_a_closed_tab_comes_back_with_the_page_one_was_on(busy, drawn):  # noqa: F811
    people = strip(busy.page)
    busy.page.close()
    busy.page = busy.context.new_page()
    busy.page.add_init_script(STRANGERS)
    go(busy.page, drawn.url)
    assert_all_is_back(busy, people)
    busy.page.get_by_role("link", name="Your dials").click()
    busy.page.get_by_role("heading", name="Your dials").wait_for()
    wait_parts(busy.page, lambda parts: parts.get("page") == "dials")
    busy.page.close()
    busy.page = busy.context.new_page()
    busy.page.goto(drawn.url)
    busy.page.get_by_role("heading", name="Your dials").wait_for()


def test_a_killed_server_loses_nothing(chromium, tmp_path):  # noqa: F811
    server = Server(SCRIPT, tmp_path / "log.txt")
    visitor = Visitor(chromium, server.url, "/?seed=417", script=STRANGERS)
    make_busy(visitor)
    people, second = strip(visitor.page), visitor.second
    server.process.kill()
    server.process.wait()
    written = visitor.page.evaluate(OWN_RECORD)["at"]
    server = Server(SCRIPT, tmp_path / "again.txt", server.port)
    try:  # The page comes back by itself, and the face never leaves the screen.
        wait_parts(visitor.page, lambda parts: parts["at"] != written)
        visitor.page.keyboard.press("Shift+Z")
        assert visitor.wait_other(second) == visitor.smiling
        visitor.page.keyboard.press("z")
        visitor.wait_other(visitor.smiling)
        wait_strip(visitor.page, people)
        visitor.page.reload()
        visitor.wait_full()
        assert_all_is_back(visitor, people)
        visitor.close()
    finally:
        server.stop()


def test_a_face_from_a_file_is_still_there_after_a_reload(drawn, chromium, face_file):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417", script=STRANGERS)
    first = visitor.face_id
    open_file(visitor, face_file)
    opened = visitor.wait_other(first)
    visitor.page.wait_for_function("location.search.includes('person=')")
    smiling = smile(visitor)
    wait_kept(visitor.page, None, smile=float(parse_qs(visitor.search()[1:])["smile"][0]))
    visitor.page.reload()
    visitor.wait_full()
    assert visitor.page.evaluate("[...new Set(window.people_seen)]") == [smiling]
    assert strip(visitor.page)[0] == "Ada"
    visitor.page.go_back()
    assert visitor.wait_other(smiling) == opened
    visitor.page.go_back()
    assert visitor.wait_other(opened) == first
    visitor.close()


def test_back_and_forward_go_through_people_and_steps(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, ids, searches = visitor.page, [visitor.face_id], [visitor.search()]
    for step in ("n", "smile", "n"):
        ids.append(smile(visitor) if step == "smile" else next_person(visitor))
        searches.append(visitor.search())
    for index in (2, 1, 0):
        page.go_back()
        assert visitor.wait_other(ids[index + 1]) == ids[index]
        page.wait_for_function("wanted => location.search === wanted", arg=searches[index])
    for index in (1, 2, 3):
        page.go_forward()
        assert visitor.wait_other(ids[index - 1]) == ids[index]
        page.wait_for_function("wanted => location.search === wanted", arg=searches[index])
    assert len(strip(page)) == 3
    visitor.close()


def next_person(visitor: Visitor) -> str:
    before, search = visitor.face_id, visitor.search()
    visitor.page.locator(".fg-current img").wait_for()  # The last thing on the page.
    visitor.page.keyboard.press("n")
    after = visitor.wait_other(before)
    visitor.page.wait_for_function("old => location.search !== old", arg=search)
    return after


def test_back_goes_through_pages_with_one_press_each(drawn, chromium):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417")
    page, first = visitor.page, visitor.face_id
    second = next_person(visitor)
    for name, path in (("Your dials", "/dials"), ("About", "/about")):
        page.get_by_role("link", name=name).click()
        page.wait_for_function(
            "path => location.pathname === path && location.search.includes('seed=')", arg=path
        )
    page.go_back()
    page.get_by_role("heading", name="Your dials").wait_for()
    page.go_back()
    visitor.wait_full()
    assert visitor.face_id == second
    page.go_back()
    assert visitor.wait_other(second) == first
    visitor.close()


@pytest.mark.parametrize("path", ["dials", "about"])
def test_the_link_of_every_page_carries_the_person(drawn, chromium, path):  # noqa: F811
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE * SECOND)
    page = context.new_page()
    page.goto(f"{drawn.url}/{path}?seed=77&smile=1")
    page.locator(".fg-current", has_text="Unnamed 0077").wait_for()
    page.wait_for_function("location.search === '?seed=77&smile=1'")
    page.get_by_role("link", name="Design").click()
    page.locator(".fg-img[data-kind=full]").wait_for()
    page.wait_for_function("location.search === '?seed=77&smile=1'")
    context.close()


def test_a_friends_link_shows_their_face_beside_ones_own(busy, drawn):  # noqa: F811
    people = strip(busy.page)
    page = busy.context.new_page()
    page.add_init_script(STRANGERS)
    go(page, drawn.url + "/?seed=31337&smile=1")
    page.locator(".fg-current", has_text="Unnamed 31337").wait_for()
    wait_strip(page, ["Unnamed 31337", *people])
    assert page.evaluate("new Set(window.people_seen).size") == 1
    page.close()


def test_two_tabs_never_write_over_one_another(busy, drawn):  # noqa: F811
    other = busy.context.new_page()
    go(other, drawn.url + "/?seed=5")
    wait_kept(other, 5)
    busy.page.keyboard.press("n")
    third = busy.wait_other(busy.second)
    wait_kept(busy.page, int(parse_qs(busy.search()[1:])["seed"][0]))
    mine, theirs = strip(busy.page), strip(other)
    for page, people in ((busy.page, mine), (other, theirs)):
        page.reload()
        page.locator(".fg-img[data-kind=full]").wait_for()
        wait_strip(page, people)
    assert busy.face_id == third
    other.close()
    new = busy.context.new_page()  # A new tab has the people of both.
    go(new, drawn.url)
    new.wait_for_function(
        """wanted => { const names = [...document.querySelectorAll('.fg-strip img')]
            .map(image => image.alt); return wanted.every(name => names.includes(name)); }""",
        arg=[*mine, *theirs],
    )
    new.close()


BLOCKED = "Object.defineProperty(window, 'indexedDB', { get() { throw new Error('no'); } });"
FULL = """IDBObjectStore.prototype.put = function () {
    throw new DOMException('full', 'QuotaExceededError'); };"""


@pytest.mark.parametrize(("script", "words"), [(BLOCKED, "keeps nothing"), (FULL, "no room left")])
def test_a_browser_that_keeps_nothing_is_told_quietly(drawn, chromium, script, words):  # noqa: F811
    visitor = Visitor(chromium, drawn.url, "/?seed=417", script=script)
    visitor.page.locator("[data-testid=stToast]", has_text=words).wait_for()
    next_person(visitor)
    visitor.close()


def test_a_damaged_record_stays_and_somebody_new_comes(busy):
    busy.page.evaluate(
        """async () => {
            const db = await new Promise((resolve) => {
                const request = indexedDB.open('facegen');
                request.onsuccess = () => resolve(request.result); });
            const tab = sessionStorage.getItem('facegen_tab');
            const change = db.transaction('tabs', 'readwrite'), tabs = change.objectStore('tabs');
            tabs.get(tab).onsuccess = ({ target: { result } }) => {
                for (const part of Object.keys(result.parts)) result.parts[part] = '{"half';
                tabs.put(result); };
            await new Promise((resolve) => { change.oncomplete = resolve; });
            db.close(); }"""
    )
    busy.page.goto("about:blank")
    busy.page.go_back()
    busy.wait_full()
    busy.page.get_by_text("stays in this browser").wait_for()


def test_a_star_keeps_a_person_with_their_steps_as_a_tree(chromium, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setenv("FACEGEN_DATA", str(tmp_path / "data"))
    server = Server(SCRIPT, tmp_path / "log.txt")
    try:
        visitor = Visitor(chromium, server.url, "/?seed=417")
        page, first = visitor.page, visitor.face_id
        smiling = smile(visitor)
        page.locator(".st-key-star button").first.click()
        page.locator(".st-key-star", has_text="Kept").wait_for()
        page.keyboard.press("z")
        assert visitor.wait_other(smiling) == first
        call(page, "Anna <b>")
        page.locator("[data-dial=yaw] input[type=range]").focus()
        page.keyboard.press("End")
        turned = visitor.wait_other(first)
        page.wait_for_function("location.search.includes('yaw=')")
        next_person(visitor)
        page.get_by_role("link", name="Library").click()
        page.locator(".st-key-fg_library_people button", has_text="Anna <b>").click()
        page.get_by_text("Another way on from step 1").wait_for()
        page.locator("[class*=st-key-fg_library_steps] button", has_text="Smile").click()
        visitor.wait_full()
        page.locator(f".fg-img[data-id='{smiling}']").wait_for()
        page.get_by_role("link", name="Library").click()
        page.locator(".st-key-fg_library_people button", has_text="Anna <b>").click()
        page.locator("[class*=st-key-library_remove] button").click()
        page.get_by_text("Removed.").wait_for()
        page.locator(".st-key-library_undo button").click()
        page.locator(".st-key-fg_library_people button", has_text="Anna <b>").wait_for()
        page.get_by_role("textbox", name="Search").fill("nobody of this name")
        page.get_by_role("textbox", name="Search").press("Enter")
        page.get_by_text("Nobody meets that.").wait_for()
        page.get_by_role("textbox", name="Search").fill("age>")
        page.get_by_role("textbox", name="Search").press("Enter")
        page.get_by_text("is no condition").wait_for()
        assert turned != smiling
        visitor.close()
    finally:
        server.stop()


def test_found_averaged_and_kept_people_outlive_the_server(chromium, tmp_path, monkeypatch):  # noqa: F811
    """The whole way: a sentence, two of those found, their middle, a favourite, a kill."""
    monkeypatch.setenv("FACEGEN_DATA", str(tmp_path / "data"))
    server = Server(SCRIPT, tmp_path / "log.txt")
    explorer = Explorer(chromium, server.url)
    page = explorer.page
    box = page.get_by_label("Who are you looking for?")
    box.fill("woman, smiling")
    box.press("Enter")
    page.locator(".fg-ask-chips button").nth(1).wait_for()
    explorer.wait_rest()
    explorer.select(0, 2)
    explorer.bar("Average").click()
    explorer.wait_tiles(3, "Average of 2 people")
    explorer.tile(0).click()
    page.locator(".fg-crowd-full[data-full=true][data-place='0']").wait_for()
    page.get_by_role("button", name="Go on in Design").click()
    shown = page.locator(".fg-img[data-kind=full]")
    shown.wait_for()
    averaged = shown.get_attribute("data-id")
    page.locator(".st-key-star button").first.click()
    page.locator(".st-key-star", has_text="Kept").wait_for()
    written = page.evaluate(OWN_RECORD)["at"]
    page.locator("[data-dial=yaw] input[type=range]").focus()
    page.keyboard.press("End")
    page.locator(f".fg-img[data-kind=full]:not([data-id='{averaged}'])").wait_for()
    turned = shown.get_attribute("data-id")
    wait_parts(page, lambda parts: parts["at"] != written)
    people, name = strip(page), page.locator(".fg-current span").inner_text()
    page.reload()
    page.locator(f".fg-img[data-kind=full][data-id='{turned}']").wait_for()
    server.process.kill()
    server.process.wait()
    server = Server(SCRIPT, tmp_path / "again.txt", server.port)
    try:
        page.reload()
        page.locator(f".fg-img[data-kind=full][data-id='{turned}']").wait_for()
        wait_strip(page, people)
        assert page.locator(".fg-current span").inner_text() == name
        page.keyboard.press("z")
        page.locator(f".fg-img[data-kind=full][data-id='{averaged}']").wait_for()
        page.get_by_role("link", name="Library").click()
        page.locator(".st-key-fg_library_people button", has_text=name).wait_for()
        explorer.close()
    finally:
        server.stop()


def launched(profile: Path) -> tuple[subprocess.Popen[str], str]:
    """A browser of its own, which can be killed, and where it is spoken to."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    command = [str(CHROMIUM), *options, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "DevTools listening on " in line:
            return process, line.split(" on ")[1].strip()
    raise AssertionError("Chromium did not start")


def test_a_killed_browser_finds_all_again(drawn, chromium, tmp_path):  # noqa: F811
    for query in ("/?seed=4242", "/"):
        process, address = launched(tmp_path / "profile")
        try:
            browser = chromium.browser_type.connect_over_cdp(address)
            context = browser.contexts[0]
            context.set_default_timeout(PATIENCE * SECOND)
            page = context.new_page()
            go(page, drawn.url + query)
            page.locator(".fg-current", has_text="Unnamed 4242").wait_for()
            wait_kept(page, 4242)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
