"""Write docs/dials.md: every dial with its numbers, the leakage matrix and a strip of pictures."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facegen.controls import DIALS, GROUPS, UNIT_WORDS, dial
from facegen.directions.crowd import Renders
from facegen.directions.evaluate import (
    CLEAN_LEAK_SD,
    CLEAN_SUCCESS,
    FACES_FROM,
    SAME_PERSON,
    SUCCESS_SD,
    DialResult,
)
from facegen.directions.labels import LABELS_PSI
from facegen.directions.recipes import same_things
from facegen.directions.store import Direction, read_direction
from facegen.measure.classifiers import load_classifiers
from facegen.paths import DIRECTIONS_DIR, ROOT

DOCS_DIR = ROOT / "docs"
STRIP_SEEDS = (900_003, 900_007)
STRIP_STEPS_SD = (-2.0, 0.0, 2.0)
TILE_PX = 144
NAME_PX = 110
CELL_PX = 14
COMMAND = "python -m facegen directions evaluate"
# Exact agreement of the annotators on 24 faces judged again; see directions/labels/README.md.
AGREEMENT = {
    "hat": 1.0, "glasses": 1.0, "beard": 1.0, "mustache": 1.0, "gender": 0.99, "bangs": 0.95,
    "receding": 0.95, "earrings": 0.95, "hair_blond": 0.94, "hair_black": 0.94, "hair_red": 0.94,
    "hair_gray": 0.94, "smile": 0.94, "mouth_label": 0.93, "hair_length": 0.90, "eyes_label": 0.90,
    "curls": 0.88, "makeup": 0.88, "gaze": 0.84, "bg_busy": 0.84, "skin": 0.61,
}  # fmt: skip


def write_report(
    generator: Renders,
    results: Sequence[DialResult],
    *,
    folder: Path = DIRECTIONS_DIR,
    docs: Path = DOCS_DIR,
) -> Path:
    """Write the document and its pictures; returns the document's path."""
    order = {entry.name: index for index, entry in enumerate(DIALS)}
    results = sorted(results, key=lambda result: order[result.name])
    directions = {
        result.name: read_direction(generator.space, result.name, folder=folder)
        for result in results
    }
    (docs / "dials").mkdir(parents=True, exist_ok=True)
    _matrix(results).save(docs / "dials" / "leakage.png")
    for group in GROUPS:
        members = [directions[r.name] for r in results if dial(r.name).group == group]
        if members:
            _strips(generator, members).save(docs / "dials" / _picture_name(group), quality=85)
    text = "\n".join(
        [*_head(results, directions), *_table(results, directions), *_classifier_table(),
         *_pictures(results)]
    )  # fmt: skip
    path = docs / "dials.md"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _head(results: Sequence[DialResult], directions: dict[str, Direction]) -> list[str]:
    clean = sum(result.is_clean for result in results)
    one = next(iter(directions.values())).meta
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return [
        "# Dials",
        "",
        f"Made by `{COMMAND}` on {date} ({platform.machine()}, {platform.system()}, Python "
        f"{platform.python_version()}).",
        "",
        f"{len(results)} dials, learned from {one.samples} generated faces (seeds {one.seeds}, "
        f"truncation {LABELS_PSI}), judged on {max(r.faces for r in results)} others (seeds "
        f"{FACES_FROM} and up) that no learning or tuning has seen. {clean} are clean: one "
        f"standard deviation succeeds on {CLEAN_SUCCESS:.0%} of faces, moves no other "
        f"measurement by more than {CLEAN_LEAK_SD} of its standard deviation on average, and "
        f"keeps the descriptor distance under {SAME_PERSON} for 95 %.",
        "",
        "How it is judged: each face is moved by one standard deviation of the dial's natural "
        "spread, up if it stands below the average face, else down; the picture is rendered and "
        f"measured. *moved* is the median change of the dial's own measurement (1 is right); "
        f"*success* is the share of faces that moved at least {SUCCESS_SD} the right way; *worst "
        "side effect* is the mean change of the measurement that moves most, in its own standard "
        "deviations, leaving out what is the same thing (next column); *distance* is the median "
        "distance of the face descriptors (below 0.6: the same person).",
        "",
        "Traits that are there or not (glasses, hat, beard, moustache and their kin) have a "
        "threshold: one standard deviation of their natural spread is less than most faces need "
        "to cross it, so their success at one step is low; two to three steps put them on, as the "
        "pictures show.",
        "",
        "What this does not say: classifiers and dials were learned from the same labelled faces, "
        "so an error that the annotators made is invisible; a measurement that a classifier "
        "reads badly (see below) counts its own noise as failure.",
        "",
    ]


def _table(results: Sequence[DialResult], directions: dict[str, Direction]) -> list[str]:
    lines = [
        "| dial | | unit | natural range | rows | reading r | moved | success | worst side effect "
        "| same thing | mean leak | distance | same person | clean |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for r in results:
        meta = directions[r.name].meta
        same = ", ".join(sorted(name for name in same_things(r.name) if name in directions))
        lines.append(
            f"| `{r.name}` | {meta.title} | {UNIT_WORDS[meta.unit]} | "
            f"{meta.natural[0]:.3g} … {meta.natural[1]:.3g} | {meta.rows[0]}–{meta.rows[1] - 1} | "
            f"{meta.score:.2f} | {r.moved:.2f} | {r.success:.0%} | {r.worst} {r.worst_leak:+.2f} | "
            f"{same} | {r.mean_leak:.2f} | {r.distance:.2f} | {r.same_person:.0%} | "
            f"{'yes' if r.is_clean else ''} |"
        )
    return [*lines, ""]


def _classifier_table() -> list[str]:
    fitted = load_classifiers()
    lines = [
        "## Classifiers of pictures",
        "",
        "Five-fold cross-validation on the labelled faces; r is the correlation with the label, "
        "balanced accuracy and area under the curve are for above against below the mean label. "
        "Beside it the annotators' exact agreement on faces judged again, where it is known.",
        "",
        "| label | r | balanced accuracy | area under the curve | annotators agree |",
        "| --- | --- | --- | --- | --- |",
    ]
    for index, name in enumerate(fitted.names):
        agreement = f"{AGREEMENT[name]:.2f}" if name in AGREEMENT else ""
        lines.append(
            f"| {name} | {fitted.scores[index]:.2f} | {fitted.balanced[index]:.2f} | "
            f"{fitted.auc[index]:.2f} | {agreement} |"
        )
    return [*lines, ""]


def _pictures(results: Sequence[DialResult]) -> list[str]:
    lines = [
        "## Side effects",
        "",
        "Row: the dial moved by one standard deviation. Column: the measurement. Red rises, blue "
        "falls; full colour is one standard deviation.",
        "",
        "![Leakage matrix](dials/leakage.png)",
        "",
        "## Pictures",
        "",
        f"Steps of {', '.join(f'{step:+.0f}' for step in STRIP_STEPS_SD)} standard deviations on "
        f"the seeds {', '.join(map(str, STRIP_SEEDS))}.",
        "",
    ]
    groups = {dial(result.name).group for result in results}
    for group in GROUPS:
        if group in groups:
            lines += [f"### {group}", "", f"![{group}](dials/{_picture_name(group)})", ""]
    return lines


def _picture_name(group: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in group.lower()).split()
    return "_".join(words) + ".jpg"


def _matrix(results: Sequence[DialResult]) -> Image.Image:
    """Heat map, dials down and measurements across."""
    n = len(results)
    canvas = Image.new("RGB", (NAME_PX + n * CELL_PX, NAME_PX + n * CELL_PX), "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(10)
    for i, row in enumerate(results):
        draw.text((4, NAME_PX + i * CELL_PX + 1), row.name, fill="black", font=font)
        label = Image.new("RGB", (NAME_PX, CELL_PX), "white")
        ImageDraw.Draw(label).text((2, 1), row.name, fill="black", font=font)
        canvas.paste(label.rotate(90, expand=True), (NAME_PX + i * CELL_PX, 0))
        for j, column in enumerate(results):
            value = row.moved if i == j else row.leaks[column.name]
            fade = int(255 * (1 - min(abs(value), 1.0)))
            color = (255, fade, fade) if value > 0 else (fade, fade, 255)
            x, y = NAME_PX + j * CELL_PX, NAME_PX + i * CELL_PX
            draw.rectangle((x, y, x + CELL_PX - 2, y + CELL_PX - 2), fill=color)
    return canvas


def _strips(generator: Renders, directions: Sequence[Direction]) -> Image.Image:
    """One row a dial: low, plain and high on each face of the strips."""
    bases = [generator.w_from_seed(seed, 0.7) for seed in STRIP_SEEDS]
    plain = [_tile(generator, base) for base in bases]
    rows = []
    for direction in directions:
        tiles = [np.full((TILE_PX, NAME_PX, 3), 255, np.uint8)]
        for base, middle in zip(bases, plain, strict=True):
            for step in STRIP_STEPS_SD:
                shift = np.float32(step * direction.meta.unit_per_sd) * direction.vector
                tiles.append(_tile(generator, base + shift) if step else middle)
        row = Image.fromarray(np.concatenate(tiles, axis=1))
        text = direction.meta.title
        font = ImageFont.load_default(13)
        ImageDraw.Draw(row).text((6, TILE_PX // 2 - 8), text, fill="black", font=font)
        rows.append(np.asarray(row))
    return Image.fromarray(np.concatenate(rows))


def _tile(generator: Renders, w_plus: np.ndarray) -> np.ndarray:
    image = Image.fromarray(generator.render(w_plus, size=512))
    return np.asarray(image.resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS))
