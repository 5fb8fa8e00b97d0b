"""Measure how quickly the app answers, in a real browser.

    python scripts/measure_ui.py            # the bundled network, and the page alone
    python scripts/measure_ui.py --moves 30 --json

Two servers are started one after the other: the app with faces that are drawn in a few
milliseconds (what the page itself costs), and the app with the bundled network. In each a slider
is dragged (previews) and released or jumped (full pictures). Times run from the moment the browser
sends a position to the second animation frame after the new picture was put on the page.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
DIAL = "yaw"

RECORD = """
window.__log = [];
const note = (kind, detail) => window.__log.push({kind, at: performance.now(), ...detail});
addEventListener('keydown', e => note('key', {key: e.key}), true);
addEventListener('facegen:sent', e => note('sent', {n: e.detail.n, final: e.detail.final}));
addEventListener('facegen:painted', e => requestAnimationFrame(() => requestAnimationFrame(() =>
  note('painted', {n: e.detail.n, size: e.detail.kind, seconds: e.detail.seconds}))));
"""


def start_server(arguments: list[str]) -> tuple[subprocess.Popen[bytes], str]:
    """Start a Streamlit server on a free port and wait until it answers."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    options = ["--server.port", str(port), "--server.headless", "true"]
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", arguments[0], *options, *arguments[1:]],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            with urllib.request.urlopen(url + "/_stcore/health", timeout=1):
                return process, url
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The server did not start; run `streamlit run app.py` to see why.")


def drag(page: Page, seconds: float) -> list[dict[str, Any]]:
    """Drag the dial to and fro; gives one row per preview."""
    box = page.locator(f"[data-dial={DIAL}] input[type=range]").bounding_box()
    assert box is not None
    y, middle, reach = box["y"] + box["height"] / 2, box["x"] + box["width"] / 2, box["width"] * 0.4
    page.evaluate("window.__log.length = 0")
    page.mouse.move(middle, y)
    page.mouse.down()
    start, step = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step += 1
        page.mouse.move(middle + reach * math.sin(step * 0.0977), y)
        page.wait_for_timeout(16)
    log = page.evaluate("window.__log")
    page.mouse.up()
    page.wait_for_timeout(1500)
    sent = {item["n"]: item["at"] for item in log if item["kind"] == "sent"}
    painted = [item for item in log if item["kind"] == "painted" and item["n"] in sent]
    return [{"ms": p["at"] - sent[p["n"]], "generator_ms": 1000 * p["seconds"]} for p in painted]


def jump(page: Page, moves: int) -> list[dict[str, Any]]:
    """Set the dial to new values; gives one row per full picture."""
    rows = []
    field = page.locator(f"[data-dial={DIAL}] input[type=range]")
    low, high = float(field.get_attribute("min") or 0), float(field.get_attribute("max") or 1)
    for move in range(moves):
        page.evaluate("window.__log.length = 0")
        place = ((move * 37) % 101) / 101
        field.fill(f"{low + (high - low) * place:.3f}")
        page.wait_for_function("window.__log.some(i => i.kind == 'painted' && i.size == 'full')")
        log = page.evaluate("window.__log")
        first = next(item for item in log if item["kind"] == "sent")
        last = next(i for i in log if i["kind"] == "painted" and i["size"] == "full")
        rows.append({"ms": last["at"] - first["at"], "generator_ms": 1000 * last["seconds"]})
        page.wait_for_timeout(250)
    return rows


def meet(page: Page, people: int) -> list[dict[str, Any]]:
    """Press N for new people; gives one row per first full picture of somebody."""
    rows = []
    for _ in range(people):
        page.evaluate("window.__log.length = 0")
        page.keyboard.press("n")
        page.wait_for_function("window.__log.some(i => i.kind == 'painted' && i.size == 'full')")
        log = page.evaluate("window.__log")
        first = next(item for item in log if item["kind"] == "key")
        last = next(i for i in log if i["kind"] == "painted" and i["size"] == "full")
        rows.append({"ms": last["at"] - first["at"], "generator_ms": 1000 * last["seconds"]})
        page.wait_for_timeout(250)
    return rows


def summary(what: str, rows: list[dict[str, Any]], seconds: float | None = None) -> dict[str, Any]:
    """Median and 90th percentile of the rows, with and without the generator."""
    ms = sorted(row["ms"] for row in rows)
    rest = sorted(row["ms"] - row["generator_ms"] for row in rows)
    return {
        "what": what,
        "count": len(rows),
        "median_ms": round(statistics.median(ms), 1),
        "p90_ms": round(ms[int(0.9 * (len(ms) - 1))], 1),
        "generator_ms": round(statistics.median(row["generator_ms"] for row in rows), 1),
        "rest_median_ms": round(statistics.median(rest), 1),
        "rest_p90_ms": round(rest[int(0.9 * (len(rest) - 1))], 1),
        "frames_per_s": round(len(rows) / seconds, 1) if seconds else None,
    }


def measure(name: str, arguments: list[str], *, seconds: float, moves: int) -> list[dict[str, Any]]:
    """Start one server, open the app, drag and jump."""
    process, url = start_server(arguments)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.add_init_script(RECORD)
            page.goto(url + "/?seed=7")
            page.locator(".fg-img[data-kind=full]").wait_for(timeout=120_000)
            page.wait_for_timeout(1500)
            drag(page, 1.0)  # Warm.
            rows = [summary(f"{name}: drag, preview", drag(page, seconds), seconds)]
            rows.append(summary(f"{name}: release, full picture", jump(page, moves)))
            rows.append(summary(f"{name}: new person, full picture", meet(page, moves)))
            browser.close()
    finally:
        process.terminate()
        process.wait(10)
    return rows


def main() -> None:
    """Run both servers and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=6, help="length of the drag")
    parser.add_argument("--moves", type=int, default=15, help="released positions")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure(
        "page alone",
        ["tests/fake_app.py", "--", "0", "0"],
        seconds=options.seconds,
        moves=options.moves,
    )
    rows += measure("bundled network", ["app.py"], seconds=options.seconds, moves=options.moves)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}\n")
    print("| what | n | input → picture ms (p90) | generator ms | without it ms (p90) | frames/s |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['what']} | {row['count']} | {row['median_ms']} ({row['p90_ms']}) | "
            f"{row['generator_ms']} | {row['rest_median_ms']} ({row['rest_p90_ms']}) | "
            f"{row['frames_per_s'] or ''} |"
        )


if __name__ == "__main__":
    main()
