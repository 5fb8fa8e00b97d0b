"""Judges a folder of translations (`facegen.datasets.translate`): what came, and what came along.

Whether the target is met and what else moved is what the manifest says, by the instruments that
also steer; whether the picture still looks like a photograph of somebody is judged by a network
that steers nothing (`facegen.evaluation.realism`).
"""

from __future__ import annotations

import datetime
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facegen.datasets.spec import Spec
from facegen.datasets.translate import FACELESS, HAS, LEFT_OUT, MADE
from facegen.datasets.translation_sheet import sheet
from facegen.evaluation.realism import LIMIT, Realism
from facegen.face import Face
from facegen.files import write_atomic
from facegen.images import decode_image
from facegen.local.edit import LocalEditor

FIRST_SEED = 7_400_004
COLUMNS = 10  # of one sheet: four for forty values
MOST_OTHERS = 0.9
"""Of the other dials: a pair keeps the rest where so many stay within 0.35 standard deviations."""


@dataclass(frozen=True)
class JudgedValue:
    """What came of one value.

    Attributes:
        characteristic, value: Which.
        made, had, left_out: Pictures made; faces that had it already; those it was not asked of,
            or on which no face was seen.
        met: Of those made, how many show what was asked.
        kept: On how many nearly all other dials stayed (MOST_OTHERS).
        others: Mean share of other dials that stayed.
        natural: How many look natural; of as many faces as they are, unedited: `natural_before`.
        identity: Median distance of the descriptors.
    """

    characteristic: str
    value: str
    made: int
    had: int
    left_out: int
    met: int
    kept: int
    others: float
    natural: int
    natural_before: int
    identity: float


def judge_translations(
    out: Path,
    rows: Sequence[Mapping[str, Any]],
    spec: Spec,
    people: Sequence[tuple[str, Face]],
    editor: LocalEditor,
    realism: Realism,
    features: Callable[[np.ndarray], np.ndarray],
) -> list[JudgedValue]:
    """Judge all values of a folder.

    Args:
        out: The folder.
        rows: Its manifest's.
        spec: What was asked.
        people: Names and faces, as they were translated.
        editor: Draws the faces as they were.
        realism: What natural pictures look like.
        features: Of a picture, uint8 [H, H, 3], for `realism`.
    """
    unedited = [realism.is_natural(features(editor.picture(face))) for _, face in people]
    judged = []
    for one in spec.translations:
        key = one.characteristic, one.value
        own = [row for row in rows if (row["characteristic"], row["to"]) == key]
        made = [row for row in own if row["outcome"] == MADE]
        pictures = [
            decode_image((out / row["file_name"]).read_bytes(), name=row["file_name"])
            for row in made
        ]
        judged.append(
            JudgedValue(
                *key,
                made=len(made),
                had=sum(row["outcome"] == HAS for row in own),
                left_out=sum(row["outcome"] in (LEFT_OUT, FACELESS) for row in own),
                met=sum(row["met"] for row in made),
                kept=sum(row["others_kept"] >= MOST_OTHERS for row in made),
                others=_middle(np.mean, [row["others_kept"] for row in made]),
                natural=sum(realism.is_natural(features(picture)) for picture in pictures),
                natural_before=sum(unedited[row["person_number"]] for row in made),
                identity=_middle(np.median, [row["identity_distance"] for row in made]),
            )
        )
    return judged


def _middle(of: Callable[[Any], Any], values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(of(known)) if known else float("nan")


def write_report(
    judged: Sequence[JudgedValue],
    out: Path,
    rows: Sequence[Mapping[str, Any]],
    spec: Spec,
    people: Sequence[tuple[str, Face]],
    editor: LocalEditor,
    *,
    command: str,
    docs: Path,
) -> Path:
    """Write translations.md and its sheets into a folder; gives the page."""
    names = []
    for first in range(0, len(spec.translations), COLUMNS):
        part = replace(spec, translations=spec.translations[first : first + COLUMNS])
        names.append(f"translations_{first // COLUMNS + 1}.jpg")
        write_atomic(docs / "pictures" / names[-1], sheet(out, rows, part, people, editor))
    path = docs / "translations.md"
    write_atomic(path, as_markdown(judged, len(people), names, command).encode())
    return path


def as_markdown(
    judged: Sequence[JudgedValue], people: int, sheets: Sequence[str], command: str
) -> str:
    """The page."""
    made = max(sum(one.made for one in judged), 1)

    def share(name: str) -> str:
        return f"{sum(getattr(one, name) for one in judged) / made:.0%}"

    lines = [
        "# Translations, all else equal",
        "",
        f"Made by `{command}` on {datetime.datetime.now(datetime.UTC).date()} "
        f"({platform.machine()}, {platform.system()}).",
        "",
        f"{people} faces that nothing was tuned on (seeds {FIRST_SEED} and up), {len(judged)} "
        f"values each, {made} pictures made; what a face has already is not made. *Met*: the "
        "target is there, by the instruments that the loop itself uses and as it counts: where the "
        "same latent drawn without keeping anything shows more of it, that counts, for many "
        "instruments look at the whole picture and miss what is confined to its place (why: "
        "[regions.md](../notes/regions.md)). *Rest kept*: at least "
        f"{MOST_OTHERS:.0%} of the dials that are not about the same thing stay within 0.35 "
        "standard deviations, by the same instruments, which look at the whole picture. "
        f"*Natural*: within the {LIMIT:.0%} limit of unedited faces by EfficientNet-Lite0, which "
        "steers nothing; beside it, the same faces unedited.",
        "",
        "| all pictures made | | wanted |",
        "| --- | ---: | ---: |",
        f"| met | {share('met')} | 90% |",
        f"| rest kept | {share('kept')} | 90% |",
        f"| natural | {share('natural')} (unedited {share('natural_before')}) | 98% |",
        "",
        *(f"![Each line a face, then what was asked](pictures/{name})" for name in sheets),
        "",
        "Grey: the face has it already. A red line under a picture: it misses what was asked.",
        "",
        "| characteristic | made | has it | met | rest kept | other dials kept | natural | "
        "identity distance |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {one.characteristic}: {one.value} | {one.made} | {one.had} | {one.met} | {one.kept} | "
        f"{one.others:.0%} | {one.natural} ({one.natural_before}) | {one.identity:.2f} |"
        if one.made
        else f"| {one.characteristic}: {one.value} | 0 | {one.had} | – | – | – | – | – |"
        for one in judged
    ]
    return "\n".join([*lines, ""])
