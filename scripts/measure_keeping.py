"""Measure after how long a visitor has their person back, in a real browser.

    python -m scripts.measure_keeping
    python -m scripts.measure_keeping --app tests/fake_app.py   # without the network's time

Somebody is made and changed; then the page is reloaded, its tab closed and another opened, and the
server killed (kill -9) and started again, with the page left open. Times end when the same full
picture and the strip of people are there; for the killed server they begin when it answers again,
and end when the page is drawn by it (the picture does not leave the screen meanwhile).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from test_browser import CHROMIUM, Server, Visitor
from test_keep_browser import OWN_RECORD, next_person, smile, wait_kept, wait_parts

ROUNDS = 3
REST_MS = 3000


def main() -> None:
    """Print a line for each way to lose a page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--app", default="app.py", help="The script that is served.")
    script = options.parse_args().app
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        log = Path(folder) / "log.txt"
        server = Server(script, log)
        flags = ["--headless", "--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        visitor = Visitor(browser, server.url, "/?seed=417")
        next_person(visitor)
        smile(visitor)
        visitor.page.wait_for_timeout(2 * REST_MS)  # It is measured and corrected by now.
        face = visitor.face_id
        print(f"load at the start {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")

        def is_back() -> None:
            visitor.page.locator(f".fg-img[data-kind=full][data-id='{face}']").wait_for()
            visitor.page.locator(".fg-strip button").nth(1).wait_for()

        def reload() -> None:
            visitor.page.reload(wait_until="commit")
            is_back()

        def new_tab() -> None:
            visitor.page.close()
            visitor.page = visitor.context.new_page()
            visitor.page.goto(server.url, wait_until="commit")
            is_back()

        def drawn_again() -> None:
            wait_parts(visitor.page, lambda parts: parts["at"] != written)
            is_back()

        for name, way in (("reload", reload), ("closed tab", new_tab)):
            print(name, *(f"{timed(visitor, way):.2f} s" for _ in range(ROUNDS)))
        for _ in range(ROUNDS):
            wait_kept(visitor.page)
            written = visitor.page.evaluate(OWN_RECORD)["at"]
            server.process.kill()
            server.process.wait()
            server = Server(script, log, server.port)
            print(f"kill -9: {timed(visitor, drawn_again):.2f} s")
        print(f"load at the end {os.getloadavg()[0]:.1f}")
        browser.close()
        server.stop()


def timed(visitor: Visitor, way: Callable[[], None]) -> float:
    """The seconds that it took; then the page rests."""
    wait_kept(visitor.page)
    begun = time.perf_counter()
    way()
    seconds = time.perf_counter() - begun
    visitor.page.wait_for_timeout(REST_MS)
    return seconds


if __name__ == "__main__":
    main()
