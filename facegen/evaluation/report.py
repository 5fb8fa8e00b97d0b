"""Write docs/results/dials.md: every dial with its numbers, its side effects and pictures."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facegen.controls import DIALS, GROUPS, UNIT_WORDS, dial
from facegen.directions.recipes import same_things
from facegen.directions.store import Direction, read_direction
from facegen.editing.dial_set import DialSet
from facegen.evaluation.celeba import FOLDED
from facegen.evaluation.judge import (
    CLEAN_LEAK_SD,
    CLEAN_SUCCESS,
    FACES_FROM,
    LOCK_FACES,
    SAME_PERSON_STRICT,
    SUCCESS_SD,
    TARGET_SEED,
    DialResult,
    Verdict,
)
from facegen.images import resized
from facegen.latents import LABELS_PSI
from facegen.measure.classifiers import load_classifiers
from facegen.measure.measurer import SAME_PERSON
from facegen.paths import DIRECTIONS_DIR, ROOT
from facegen.protocols import Generates

RESULTS_DIR = ROOT / "docs" / "results"
STRIP_SEEDS = (900_003, 900_007)
STRIP_STEPS_SD = (-2.0, 0.0, 2.0)
LOCK_FROM_SD = 0.2
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
    generator: Generates,
    verdict: Verdict,
    dials: DialSet,
    *,
    folder: Path = DIRECTIONS_DIR,
    docs: Path = RESULTS_DIR,
) -> Path:
    """Write the document and its pictures; returns the document's path."""
    order = {entry.name: index for index, entry in enumerate(DIALS)}
    results = sorted(verdict.after, key=lambda result: order[result.name])
    first = {result.name: result for result in verdict.first}
    directions = {
        result.name: read_direction(generator.space, result.name, folder=folder)
        for result in results
    }
    (docs / "dials").mkdir(parents=True, exist_ok=True)
    _matrix(results).save(docs / "dials" / "leakage.png")
    for group in GROUPS:
        members = [r.name for r in results if dial(r.name).group == group]
        if members:
            strips = _strips(generator, dials, members)
            strips.save(docs / "dials" / _picture_name(group), quality=85)
    text = "\n".join(
        [*_head(verdict, results, directions), *_table(results, first, directions),
         *_targets(verdict), *_locks(verdict), *_celeba(), *_classifier_table(),
         *_pictures(results)]
    )  # fmt: skip
    path = docs / "dials.md"
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _head(
    verdict: Verdict, results: Sequence[DialResult], directions: dict[str, Direction]
) -> list[str]:
    clean = sum(result.is_clean for result in results)
    blind = sum(result.is_clean for result in verdict.first)
    one = next(iter(directions.values())).meta
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return [
        "# Dials, measured",
        "",
        f"Made by `{COMMAND}` on {date} ({platform.machine()}, {platform.system()}, Python "
        f"{platform.python_version()}).",
        "",
        f"{len(results)} dials, learned from {one.samples} generated pictures (seeds {one.seeds}; "
        f"truncation {LABELS_PSI}, some mixed ones wider), judged on "
        f"{max(r.faces for r in results)} other faces (seeds {FACES_FROM} and up). "
        f"**{clean} are clean**: moving one by a standard deviation succeeds on "
        f"{CLEAN_SUCCESS:.0%} of faces, changes no other measurement by more than {CLEAN_LEAK_SD} "
        "of its standard deviation on average, and keeps the descriptor distance under "
        f"{SAME_PERSON} for 95 % of faces (under {SAME_PERSON_STRICT} for dials of pose, "
        "expression, make-up, light, scene and hair colour, which should not change the person). "
        f"Without correction, {blind} are.",
        "",
        "How it is judged: each face is moved by one standard deviation of the dial's natural "
        "spread, up if it is below the average face, else down; the picture is rendered and "
        "measured. Where the dial's own measurement missed, the request is corrected and the "
        f"picture measured again ({verdict.looks:.1f} pictures an edit on average, eight at most), "
        "as `edit --target` does. Correction and judgement use the same measuring models, so "
        "success after correction says only that these models agree; side effects are not "
        "corrected.",
        "",
        "- *moved*: the median change of the dial's own measurement; 1 is right.",
        f"- *success*: the share of faces that moved at least {SUCCESS_SD} in the right direction.",
        "- *worst side effect*: the mean change, along the dial's direction, of the measurement "
        "that changes most, in its own standard deviations. Measurements of nearly the same thing "
        "(listed below) are left out.",
        "- *mean leak*: the mean size of all these changes. *scatter*: the mean size of the change "
        "on a single face, which contains the noise of the measurements.",
        "- *distance*: the median distance of the face descriptors. *same person*: the share of "
        "faces below the limit in brackets.",
        "",
        "Limits of this test: classifiers and dials were learned from the same labelled faces, so "
        "an error of the annotators is invisible; a measurement that a classifier reads badly (see "
        "below) counts its own noise as failure. Dials for earrings and a necklace were learned "
        "and dropped after looking at 27 of the faces that are judged here; nothing else was "
        "chosen on these faces.",
        "",
    ]


def _table(
    results: Sequence[DialResult],
    first: dict[str, DialResult],
    directions: dict[str, Direction],
) -> list[str]:
    lines = [
        "| dial | | unit | natural range | rows | reading r | uncorrected: moved | success | "
        "worst side effect | corrected: moved | success | worst side effect | mean leak | "
        "scatter | distance | same person | clean |",
        "|" + " --- |" * 17,
    ]
    for r in results:
        meta, one = directions[r.name].meta, first[r.name]
        lines.append(
            f"| `{r.name}` | {meta.title} | {UNIT_WORDS[meta.unit]} | "
            f"{meta.natural[0]:.3g} … {meta.natural[1]:.3g} | {meta.rows[0]}–{meta.rows[1] - 1} | "
            f"{meta.score:.2f} | {one.moved:.2f} | {one.success:.0%} | {one.worst} "
            f"{one.worst_leak:+.2f} | {r.moved:.2f} | {r.success:.0%} | {r.worst} "
            f"{r.worst_leak:+.2f} | {r.mean_leak:.2f} | {r.scatter:.2f} | {r.distance:.2f} | "
            f"{r.same_person:.0%} ({r.limit}) | {'yes' if r.is_clean else ''} |"
        )
    lines += ["", "What counts as nearly the same thing, and not as a side effect:", ""]
    for r in results:
        same = sorted(name for name in same_things(r.name) if name in directions)
        if same:
            lines.append(f"- `{r.name}`: {', '.join(same)}")
    return [*lines, ""]


def _targets(verdict: Verdict) -> list[str]:
    lines = [
        "## Absolute targets",
        "",
        f"One random target for each face and dial (seed {TARGET_SEED} on); median distance of the "
        "measured value from it.",
        "",
        "| dial | targets | uncorrected | corrected | faces |",
        "| --- | --- | --- | --- | --- |",
    ]
    for t in verdict.targets:
        unit = UNIT_WORDS[dial(t.name).unit]
        lines.append(
            f"| `{t.name}` | {t.low:g} … {t.high:g} {unit} | {t.first:.1f} | {t.after:.1f} | "
            f"{t.faces} |"
        )
    misses = {"first": verdict.first, "after": verdict.after}
    median = {key: float(np.median([r.miss for r in value])) for key, value in misses.items()}
    within = sum(r.miss <= 0.25 for r in verdict.after)
    lines += [
        "",
        "Over all dials, asked for one standard deviation, the median miss is "
        f"{median['first']:.2f} standard deviations uncorrected and {median['after']:.2f} "
        f"corrected; {within} of {len(verdict.after)} dials have a median miss of at most 0.25 "
        "after correction.",
        "",
    ]
    return lines


def _locks(verdict: Verdict) -> list[str]:
    counted = [lock for lock in verdict.locks if abs(lock.free) >= LOCK_FROM_SD]
    if not counted:
        return []
    held = sum(abs(lock.held) < abs(lock.free) / 3 for lock in counted)
    left = sum(abs(lock.held) for lock in counted) / sum(abs(lock.free) for lock in counted)
    lines = [
        "## Locks",
        "",
        "For each dial, the measurement that changes most along with it (nearly the same thing or "
        f"not), with and without a lock on it; mean change on {LOCK_FACES} pictures, uncorrected, "
        f"in standard deviations. Only pairs that change by {LOCK_FROM_SD} or more without the "
        "lock are shown: "
        f"{held} of {len(counted)} are held to less than a third, and over all of them "
        f"{left:.0%} of the change is left. `edit --target` corrects locks on the picture too.",
        "",
        "| dial moved | locked | without the lock | with it |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{lock.name}` | {lock.locked} | {lock.free:+.2f} | {lock.held:+.2f} |"
        for lock in counted
    ]
    return [*lines, ""]


def _celeba() -> list[str]:
    lines = [
        "## The 40 attributes of CelebA",
        "",
        "| attribute | dial | remark |",
        "| --- | --- | --- |",
    ]
    for attribute, names, remark in FOLDED:
        lines.append(f"| {attribute} | {', '.join(f'`{n}`' for n in names)} | {remark} |")
    return [*lines, ""]


def _classifier_table() -> list[str]:
    fitted = load_classifiers()
    lines = [
        "## Classifiers of pictures",
        "",
        "Five-fold cross-validation on the labelled faces; r is the correlation with the label, "
        "balanced accuracy (each fold at the threshold that is best on the others) and area under "
        "the curve are for above against below the mean label. "
        "The last column is the annotators' exact agreement on faces that were judged twice, where "
        "it is known.",
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
        f"Steps of {', '.join(f'{step:+.0f}' for step in STRIP_STEPS_SD)} standard deviations, or "
        f"as far as the dial goes, on the seeds {', '.join(map(str, STRIP_SEEDS))}.",
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


def _strips(generator: Generates, dials: DialSet, names: Sequence[str]) -> Image.Image:
    """One row a dial: low, plain and high on each face of the strips."""
    bases = [generator.w_from_seed(seed, 0.7) for seed in STRIP_SEEDS]
    plain = [_tile(generator, base) for base in bases]
    rows = []
    for name in names:
        tiles = [np.full((TILE_PX, NAME_PX, 3), 255, np.uint8)]
        for base, middle in zip(bases, plain, strict=True):
            for step in STRIP_STEPS_SD:
                moved = dials.apply(base, {name: within(dials, name, base, step)})
                tiles.append(_tile(generator, moved) if step else middle)
        row = Image.fromarray(np.concatenate(tiles, axis=1))
        font = ImageFont.load_default(13)
        ImageDraw.Draw(row).text((6, TILE_PX // 2 - 8), dial(name).label, fill="black", font=font)
        rows.append(np.asarray(row))
    return Image.fromarray(np.concatenate(rows))


def within(dials: DialSet, name: str, base: np.ndarray, step: float) -> float:
    """A change of so many standard deviations, in units, cut where the dial ends."""
    spec, now = dials.spec(name), dials.read(base)[name]
    goal = now + step * spec.unit_per_sd
    return float(np.clip(goal, min(spec.safe[0], now), max(spec.safe[1], now)) - now)


def _tile(generator: Generates, w_plus: np.ndarray) -> np.ndarray:
    return resized(generator.render(w_plus, size=512), TILE_PX)
