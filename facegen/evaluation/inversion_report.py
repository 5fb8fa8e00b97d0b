"""A run of `facegen.evaluation.inversion` as a section of a page, with its sheet of pictures."""

from __future__ import annotations

import platform
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facegen.evaluation.inversion import (
    FACES_FROM,
    PIXELS_PX,
    STRANGERS_FROM,
    Crowd,
    Inverted,
    Original,
    between_strangers,
    same_people,
)
from facegen.evaluation.likeness import JUDGES, NEARER_THAN
from facegen.files import write_atomic
from facegen.images import encode_jpeg, resized

BEGIN, END = "<!-- encoder: begin -->", "<!-- encoder: end -->"
PAGE, PICTURE = "photos.md", "pictures/encoder.jpg"
TILE_PX, COLUMNS, GAP_PX = 176, 8, 4
MOST_SHOWN = 16
SUREST = 95


def section(
    judged: Sequence[Inverted], originals: Sequence[Original], strangers: Crowd,
    *, command: str, pictured: bool,
) -> str:  # fmt: skip
    """The section in Markdown, without its markers."""
    count = len(strangers.identities)
    parts = [
        "## The first guess: the encoder\n",
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d} ({platform.machine()}, "
        f"{platform.system()}).\n",
        "Each way is given the same aligned crops: generated faces (seeds "
        f"{FACES_FROM} and up, used for nothing else) and photographs. A result counts as the "
        f"**same person** when it is nearer to its original than {NEARER_THAN:.0%} of {count} "
        f"strangers (seeds {STRANGERS_FROM} and up), by each of two judges that nothing learns "
        "from or steers by. *Distance*: 1 - cosine, mean, beside the first way's. *Pixels*: mean "
        f"difference at {PIXELS_PX} px, of 255. *Natural*: per cent of faces without truncation "
        "whose latents are less natural (median, least), and the share of pictures within what "
        "holds 99 % of generated faces by EfficientNet-Lite0.\n",
    ]
    for is_photo, title in ((False, "Generated faces"), (True, "Photographs")):
        some = [one for one in judged if one.original.is_photo == is_photo]
        if some:
            parts += [f"### {title}\n", table(some), ""]
    parts += ["### What cosines mean\n", *_distributions(originals, strangers), ""]
    if pictured:
        parts.append(
            f"![Originals above, the results of the ways below]({PICTURE})\n\n*Originals in the "
            "first row of each block, below them what each way of the table found.*\n"
        )
    return "\n".join(parts)


def table(judged: Sequence[Inverted]) -> str:
    """Rows of Markdown, one for each way."""
    ways = list(dict.fromkeys(one.way for one in judged))
    titles = [f"{judge}: same / cosine / distance" for judge in JUDGES]
    lines = [
        f"| way | pictures | {' | '.join(titles)} | pixels | natural | seconds |",
        "| --- | ---: |" + " ---: |" * (len(JUDGES) + 3),
    ]
    first = {judge: _distance(judged, ways[0], judge) for judge in JUDGES}
    for way in ways:
        some = [one for one in judged if one.way == way]
        cells = []
        for judge in JUDGES:
            same = np.mean([one.likeness[judge].is_same for one in some])
            cosine = np.mean([one.likeness[judge].cosine for one in some])
            less = _distance(judged, way, judge) / first[judge] - 1
            cells.append(f"{same:.0%} / {cosine:.2f} / {less:+.0%}")
        usual = [one.naturalness for one in some]
        cells += [
            f"{np.nanmean([one.pixels for one in some]):.1f}",
            f"{np.nanmedian(usual):.0f}, {np.nanmin(usual):.0f}; "
            f"{np.mean([one.is_natural for one in some]):.0%}",
            f"{np.median([one.seconds for one in some]):.2f}",
        ]
        lines.append(f"| {way} | {len(some)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_section(text: str, docs: Path) -> Path:
    """Put the section into the page, in place of an earlier one."""
    path = docs / PAGE
    page = path.read_text(encoding="utf-8") if path.exists() else "# Photographs brought in\n"
    marked = f"{BEGIN}\n\n{text.strip()}\n\n{END}"
    if BEGIN in page:
        page = re.sub(
            f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: marked, page, flags=re.DOTALL
        )
    else:
        page = f"{page.rstrip()}\n\n{marked}\n"
    write_atomic(path, page.encode())
    return path


def write_sheet(judged: Sequence[Inverted], shown: Collection[str], docs: Path) -> None:
    """Pictures of the first generated faces and of the photographs that may be shown."""
    ways = list(dict.fromkeys(one.way for one in judged))
    known = {(one.way, one.original.name): one for one in judged}
    faces = list({one.original.name: one.original for one in judged}.values())
    photos = [one for one in faces if one.is_photo and one.name in shown]
    made = [one for one in faces if not one.is_photo][: MOST_SHOWN - len(photos)]
    rows = []
    for start in range(0, len(photos + made), COLUMNS):
        some = (photos + made)[start : start + COLUMNS]
        pictures = [[_tile(one.crop) for one in some]]
        pictures += [[_tile(known[way, one.name].picture) for one in some] for way in ways]
        for line in pictures:
            line += [_tile(None)] * (COLUMNS - len(line))
            rows.append(np.hstack(line))
        rows.append(np.full((3 * GAP_PX, rows[0].shape[1], 3), 255, np.uint8))
    sheet = np.vstack(rows[:-1])
    path = docs / PICTURE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, encode_jpeg(sheet))


def _tile(picture: np.ndarray | None) -> np.ndarray:
    if picture is None:
        return np.full((TILE_PX + GAP_PX, TILE_PX + GAP_PX, 3), 255, np.uint8)
    small = resized(picture, TILE_PX)
    return np.pad(small, ((0, GAP_PX), (0, GAP_PX), (0, 0)), constant_values=255)


def _distance(judged: Sequence[Inverted], way: str, judge: str) -> float:
    return float(np.mean([1 - one.likeness[judge].cosine for one in judged if one.way == way]))


def _distributions(originals: Sequence[Original], strangers: Crowd) -> list[str]:
    lines = []
    for judge in JUDGES:
        apart = between_strangers(strangers, judge)
        told = (
            f"- {judge}: strangers {apart.mean():.2f} ± {apart.std():.2f}, of 100 pairs 95 below "
            f"{np.percentile(apart, SUREST):.2f}"
        )
        pairs = same_people(originals, judge)
        if len(pairs):
            told += (
                f"; {len(pairs)} pairs of photographs of one person {pairs.mean():.2f} "
                f"({pairs.min():.2f} to {pairs.max():.2f})"
            )
        lines.append(f"{told}.")
    return lines
