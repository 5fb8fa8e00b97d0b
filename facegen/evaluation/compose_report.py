"""A run of `facegen.evaluation.compose` as a document with its sheets."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facegen.directions.recipes import RECIPES
from facegen.editing.targets import MISS_SD, MISS_UNITS
from facegen.evaluation.cached_judges import CachedJudges
from facegen.evaluation.compose import (
    ALIGNED,
    NATURAL_FROM,
    SEEDS_PER_DESCRIPTION,
    STAGES,
    STARTS_FROM,
    Composed,
    Outcome,
)
from facegen.evaluation.compose_summary import (
    Summary,
    as_data,
    by_attribute,
    groups_of,
    share_of,
    summarise,
)
from facegen.evaluation.descriptions import ANSWERS, Description
from facegen.evaluation.packages import FACERES, FR_POSE, LITE0
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_jpeg
from facegen.latents import DEFAULT_PSI
from facegen.measure.probabilities import load_probabilities
from facegen.paths import ROOT

DOCS_DIR = ROOT / "docs" / "results"
WORDS = {"first": "first look", "after": "after the loop"}
TILE_PX, CAPTION_PX, SHEET_ROWS, SHEET_STARTS = 112, 34, 12, 4
MARK_PX = 4
GOOD, BAD, GONE = (40, 150, 70), (200, 50, 40), (225, 225, 225)


def write_report(
    generator: Generator,
    run: Composed,
    descriptions: Sequence[Description],
    looks: CachedJudges,
    *,
    command: str,
    docs: Path = DOCS_DIR,
) -> Path:
    """Write compose.md, compose.json and the sheets; gives the document's path."""
    pictures = write_sheets(run, descriptions, looks, docs / "pictures")
    data = as_data(run)
    brief = {key: data[key] for key in ("summary", "attributes")}
    write_atomic(docs / "compose.json", (json.dumps(brief, indent=1) + "\n").encode())
    text = document(generator, run, descriptions, [p.name for p in pictures], command)
    path = docs / "compose.md"
    write_atomic(path, text.encode())
    return path


def document(
    generator: Generator,
    run: Composed,
    descriptions: Sequence[Description],
    pictures: Sequence[str],
    command: str,
) -> str:
    """The document as Markdown."""
    reference = run.reference
    strangers = reference.strangers
    groups = groups_of(run.outcomes)
    starts = len(run.outcomes) // max(len(groups) * len(descriptions), 1)
    scales = reference.scales
    lines = [
        "# Several things at once",
        "",
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d} ({platform.machine()}, "
        f"{platform.system()}; `{generator.model}`).",
        "",
        f"{len(descriptions)} descriptions, {starts} times each, from random faces (seeds "
        f"{STARTS_FROM} and up, {SEEDS_PER_DESCRIPTION} numbers a description; truncation "
        f"{DEFAULT_PSI:g}; nothing was tuned on them but, on the first, fourth and fifth of each "
        "description, the loop: `--skip 5` leaves those out), by targets alone, as `edit --target` "
        "does it. *First look* is the first picture that is made once the face itself was "
        "measured, *after the loop* what the corrections end with. A refused edit makes no "
        "picture; what it was asked for counts as missed.",
        "",
        "| | " + " | ".join(f"{solver}, {WORDS[stage]}" for solver, stage in groups) + " |",
        "| --- |" + " ---: |" * len(groups),
        *_summary_rows([summarise(group, strangers[1]) for group in groups.values()]),
        "",
        f"**Met** is what the instruments say that the loop itself uses: within {MISS_SD} "
        f"standard deviations, {MISS_UNITS['years']:g} years or {MISS_UNITS['deg']:g}°; what is "
        "there or not (a hat, a beard, a sex), by the classifier's answer at its threshold "
        "([measure.md](measure.md)). **Natural** is not about latents: features of the picture by "
        f"EfficientNet-Lite0 (package `{LITE0.name}`), Mahalanobis distance from unedited faces, "
        f"within what holds 99 % of other unedited faces ({reference.faces} faces, seeds "
        f"{NATURAL_FROM} and up, a third of them for the limit). People who are rare among "
        "unedited faces lie farther out too, so not every picture beyond is broken; the sheets "
        "below tell.",
        "",
        "**Judges that nothing steers by**, brought to our zero and scale by the mean and spread "
        f"of {ALIGNED} natural faces: `faceres` (package `{FACERES.name}`, {FACERES.licence}) for "
        f"age (correlation with ours {scales['age'].correlation:.2f}), sex and identity; `fr_pose` "
        f"(package `{FR_POSE.name}`, {FR_POSE.licence}) for yaw "
        f"({scales['yaw'].correlation:.2f}) and pitch ({scales['pitch'].correlation:.2f}). The "
        "likeness of two strangers among the natural faces is "
        f"{strangers[0]:.2f} in the median, and above {strangers[1]:.2f} for one pair in a "
        "hundred: *same person* counts faces above that. Where another sex or age is asked, "
        "nobody is the same, and the figure is for comparing solvers only.",
        "",
        *(f"![Before, and what each solver ends with](pictures/{name})" for name in pictures),
        "",
        "Pairs, or triples with two solvers: the random face, then each solver's result after the "
        "loop. Green bar: all met and natural; red: not; grey: refused.",
        "",
        "## By description",
        "",
        *_description_table(groups, descriptions),
        "",
        "## By attribute",
        "",
        *_attribute_table(groups),
        "",
        "A yes or no is asked as the value at which labelled people with it, or without it, stand "
        f"in the mean: {_answers(descriptions)}.",
        "",
    ]  # fmt: skip
    refusals = _refusals(run.outcomes)
    if refusals:
        lines += ["## Refused", "", *refusals, ""]
    return "\n".join(lines)


def _summary_rows(columns: Sequence[Summary]) -> list[str]:
    def percent(key: str) -> list[str]:
        values = [getattr(column, key) for column in columns]
        return ["–" if value is None else f"{value:.0%}" for value in values]

    def number(key: str, digits: int, unit: str = "") -> list[str]:
        values = [getattr(column, key) for column in columns]
        return ["–" if value is None else f"{value:.{digits}f}{unit}" for value in values]

    rows = {
        "edits": number("edits", 0),
        "refused": percent("refused"),
        "attributes met": percent("attributes_met"),
        "**all met**": percent("all_met"),
        "**face seen**": percent("seen"),
        "**natural**, of pictures": percent("natural"),
        "all met, and natural": percent("good"),
        "age by faceres, median miss": number("age_miss", 1, " years"),
        "sex as asked, by faceres": percent("sex_asked"),
        "sex kept where only age is asked, by faceres": percent("sex_kept"),
        "yaw by fr_pose, median miss": number("yaw_miss", 1, "°"),
        "pitch by fr_pose, median miss": number("pitch_miss", 1, "°"),
        "likeness to the start, by faceres, median": number("likeness", 2),
        "same person, by faceres": percent("same_person"),
        "descriptor distance (dlib), median": number("distance", 2),
    }
    return [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]


def _description_table(
    groups: Mapping[tuple[str, str], Sequence[Outcome]], descriptions: Sequence[Description]
) -> list[str]:
    heads = [f"{solver}, {WORDS[stage]}" for solver, stage in groups]
    lines = [
        "All met / attributes met / natural, in percent.",
        "",
        "| description | things asked | " + " | ".join(heads) + " |",
        "| --- | ---: |" + " ---: |" * len(heads),
    ]
    for description in descriptions:
        cells = []
        for group in groups.values():
            ones = [one for one in group if one.description == description.name]
            attributes = [one.met for outcome in ones for one in outcome.attributes]
            pictures = [one.natural for one in ones if one.percentile is not None]
            shares = map(share_of, ([one.all_met for one in ones], attributes, pictures))
            cells.append(" / ".join("–" if s is None else f"{100 * s:.0f}" for s in shares))
        lines.append(f"| {description.text} | {len(description.wants)} | {' | '.join(cells)} |")
    return lines


def _attribute_table(groups: Mapping[tuple[str, str], Sequence[Outcome]]) -> list[str]:
    tables = [by_attribute(group) for group in groups.values()]
    names = list(tables[-1])
    heads = [f"{solver}, {WORDS[stage]}" for solver, stage in groups]
    lines = [
        "| dial | asked | " + " | ".join(heads) + " |",
        "| --- | ---: |" + " ---: |" * len(heads),
    ]
    for name in names:
        cells = [f"{table[name][1]:.0%}" for table in tables]
        lines.append(f"| {name} | {tables[-1][name][0]} | {' | '.join(cells)} |")
    return lines


def _answers(descriptions: Sequence[Description]) -> str:
    asked = dict.fromkeys(
        (name, wanted)
        for description in descriptions
        for name, wanted in description.wants.items()
        if isinstance(wanted, bool)
    )
    return ", ".join(
        f"{'' if yes else 'no '}{name} {ANSWERS[name][yes]:+.1f} sd "
        f"({load_probabilities()[RECIPES[name].channel].question})"
        for name, yes in sorted(asked)
    )


def _refusals(outcomes: Iterable[Outcome]) -> list[str]:
    counts: dict[tuple[str, str, str], int] = {}
    for one in outcomes:
        if one.refusal:
            key = (one.solver, WORDS[one.stage], one.refusal)
            counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda row: -row[1])
    return [
        f"* {solver}, {stage}, {count} times: {text}" for (solver, stage, text), count in ordered
    ]


def write_sheets(
    run: Composed, descriptions: Sequence[Description], looks: CachedJudges, folder: Path
) -> list[Path]:
    """Write sheets of SHEET_ROWS descriptions each: before and after, for the eye."""
    by_key = {(o.description, o.seed, o.solver, o.stage): o for o in run.outcomes}
    solvers = list(dict.fromkeys(one.solver for one in run.outcomes))
    paths = []
    for number, place in enumerate(range(0, len(descriptions), SHEET_ROWS), start=1):
        rows = [
            _sheet_row(run, description, by_key, solvers, looks)
            for description in descriptions[place : place + SHEET_ROWS]
        ]
        path = folder / f"compose_{number}.jpg"
        write_atomic(path, encode_jpeg(np.concatenate(rows), quality=85))
        paths.append(path)
    return paths


def _sheet_row(
    run: Composed,
    description: Description,
    by_key: Mapping[tuple[str, int, str, str], Outcome],
    solvers: Sequence[str],
    looks: CachedJudges,
) -> np.ndarray:
    """A sentence, and under it SHEET_STARTS faces with what each solver made of them."""
    seeds = list(dict.fromkeys(key[1] for key in by_key if key[0] == description.name))
    width = max(min(len(seeds), SHEET_STARTS), 2) * (len(solvers) + 1) * TILE_PX
    row = np.full((CAPTION_PX + TILE_PX + MARK_PX, width, 3), 255, np.uint8)
    caption = Image.fromarray(row[:CAPTION_PX])
    ImageDraw.Draw(caption).text(
        (6, 12), description.text, fill="black", font=ImageFont.load_default(14)
    )
    row[:CAPTION_PX] = np.asarray(caption)
    for column, seed in enumerate(seeds[:SHEET_STARTS]):
        x = column * (len(solvers) + 1) * TILE_PX
        before = looks.generator.w_from_seed(seed, DEFAULT_PSI)
        _put(row, x, tile(looks.picture(before)), None)
        for solver in solvers:
            x += TILE_PX
            outcome = by_key[description.name, seed, solver, STAGES[-1]]
            w_plus = run.latents.get((description.name, seed, solver, STAGES[-1]))
            picture = None if w_plus is None else tile(looks.picture(w_plus))
            _put(row, x, picture, outcome.all_met and outcome.natural)
    return row


def _put(row: np.ndarray, x: int, picture: np.ndarray | None, good: bool | None) -> None:
    """Lay a tile into a row, with a bar under it that says whether it is good."""
    place = row[CAPTION_PX:, x : x + TILE_PX]
    place[:TILE_PX] = GONE if picture is None else picture
    if picture is not None and good is not None:
        place[TILE_PX:] = GOOD if good else BAD


def tile(picture: np.ndarray) -> np.ndarray:
    """A picture as small as the sheet wants it."""
    small = Image.fromarray(picture).resize((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
    return np.asarray(small)
