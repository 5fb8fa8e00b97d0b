"""Write the document of `evaluate segments`: overlaps, times and a sheet to look at."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facegen.evaluation.segments import GROUPS, Judged
from facegen.files import write_atomic
from facegen.images import encode_jpeg
from facegen.measure.segment_files import overlay
from facegen.measure.segments import SEGMENTS

ASKED = {
    "hair": 0.85, "skin": 0.85, "clothes": 0.85, "background": 0.85, "eyes with iris": 0.75,
    "brows": 0.75, "lips": 0.75, "any glasses": 0.75, "hat": 0.75,
}  # fmt: skip
ASKED_MS = {"beyond the picture": 30, "picture": 150}
SHEET_COLUMNS, SHEET_ROWS = 3, 8
WAYS = {"latent": "from the features", "picture": "from the picture"}


def write_report(judged: Judged, *, command: str, docs: Path) -> Path:
    """Write the document and its sheet into a folder; returns the document's path."""
    path = docs / "segments.md"
    (docs / "pictures").mkdir(parents=True, exist_ok=True)
    write_atomic(docs / "pictures" / "segments.jpg", encode_jpeg(sheet(judged), quality=82))
    write_atomic(path, document(judged, command=command).encode())
    return path


def document(judged: Judged, *, command: str) -> str:
    """The document as Markdown."""
    latent, picture = judged.scores["latent"], judged.scores["picture"]
    lines = [
        "# Segments: what each pixel shows",
        "",
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d} ({platform.machine()}, "
        f"{platform.system()}).",
        "",
        f"{len(judged.looks)} faces that nothing was learned from, with labels checked by hand "
        "([how](../../directions/labels/segments/README.md)): half of them as they came, half "
        "chosen for glasses, hats, beards, curls, children, dark skin, turned heads. *Overlap* is "
        "the intersection over the union of all pictures' pixels together: one missed hat counts "
        "as many pixels as it has.",
        "",
        "| segment | aimed at | " + " | ".join(WAYS.values()) + " |",
        "| --- | ---: | ---: | ---: |",
    ]
    for group in GROUPS:
        aim = f"{ASKED[group]:.2f}" if group in ASKED else "–"
        cells = [f"{judged.scores[way].overlap(group):.3f}" for way in WAYS]
        lines.append(f"| {group} | {aim} | " + " | ".join(cells) + " |")
    of_all = [
        f"{np.nanmean([judged.scores[way].overlap(name) for name in SEGMENTS]):.3f}" for way in WAYS
    ]
    right = [f"{np.mean(judged.scores[way].right):.1%}" for way in WAYS]
    lines += [
        f"| mean of the {len(SEGMENTS)} | – | " + " | ".join(of_all) + " |",
        f"| pixels right | – | {' | '.join(right)} |",
        "",
        "Processor time, medians (all threads together; a waiting machine adds none): a picture "
        f"alone takes {judged.picture_ms:.0f} ms, and its segments {judged.beyond_ms:.0f} ms more "
        f"where both are drawn together (aimed at: {ASKED_MS['beyond the picture']}); segments of "
        f"a latent without its picture take {latent.milliseconds:.0f} ms, and of a picture "
        f"{picture.milliseconds:.0f} ms (aimed at: {ASKED_MS['picture']}).",
        "",
        "Each face: the labels, what the features say, what the picture says.",
        "",
        "![Faces with their segments: checked labels, from the features, from the picture]"
        "(pictures/segments.jpg)",
    ]
    return "\n".join(lines) + "\n"


def sheet(judged: Judged) -> np.ndarray:
    """Faces in columns, each as a strip: the labels, and what each way read."""
    looks = judged.looks
    count = min(SHEET_COLUMNS * SHEET_ROWS, len(looks))
    chosen = [looks[round(i * (len(looks) - 1) / max(count - 1, 1))] for i in range(count)]
    strips = [
        np.concatenate(
            [overlay(look.image, labels) for labels in (look.truth, *look.read.values())], axis=1
        )
        for look in chosen
    ]
    while len(strips) % SHEET_COLUMNS:
        strips.append(np.zeros_like(strips[0]))
    rows = [
        np.concatenate(strips[i : i + SHEET_COLUMNS], axis=1)
        for i in range(0, len(strips), SHEET_COLUMNS)
    ]
    return np.concatenate(rows, axis=0)
