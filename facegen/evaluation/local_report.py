"""A run of `facegen.evaluation.local` as a document with its sheet."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facegen.directions.recipes import same_things
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import edit_face
from facegen.evaluation.judge import (
    CLEAN_LEAK_SD,
    CLEAN_SUCCESS,
    IDENTITY_SHARE,
    SUCCESS_SD,
    person_limit,
)
from facegen.evaluation.local import FACES_FROM, OWN_SCENE, Shown, Tried
from facegen.face import Face
from facegen.files import write_atomic
from facegen.images import encode_jpeg, resized
from facegen.latents import LABELS_PSI
from facegen.local.edit import LocalEditor
from facegen.local.regions import GLOBAL
from facegen.protocols import Maps

SCENE_LEAK = 5.0
"""In CIE Lab: a mean change of colour that nobody misses side by side."""
COLOURS = frozenset(
    {"skin", "rosy_cheeks", "eye_blue", "hair_blond", "hair_black", "hair_red", "hair_gray",
     "makeup", "lipstick", "light_side", "bg_light"}
)  # fmt: skip
"""Dials that change a colour: their movement is compared in the region's own pixels."""
SHEET_PX, SHEET_SD, SHEET_BLOCKS, TINT = 120, 1.8, 2, 90
PICTURE = "pictures/local.jpg"


@dataclass(frozen=True)
class Row:
    """One dial, over all faces.

    Attributes:
        dial: Its name.
        region: Of the table.
        share: Mean share of the picture.
        outside: Mean change outside of the region, of 255: without a region, and with.
        most_outside: The largest with a region.
        kept: Movement kept as it is asked (`RegionTable.gains`): by the change of colour inside
            of the region for COLOURS, else by the dial's own instrument.
        same: Likewise, of the very latent that the whole picture was drawn of.
        seam: Median gradient energy at the region's edge, likewise.
        distance: Mean descriptor distance, likewise.
        moved: Median, in standard deviations, likewise.
        leak: The largest mean side effect and its dial, likewise.
        scene: The largest mean change of a part of the scene, in CIE Lab, likewise.
        clean: Likewise.
    """

    dial: str
    region: str
    share: float
    outside: tuple[float, float]
    most_outside: float
    kept: float
    same: float
    seam: tuple[float, float]
    distance: tuple[float, float]
    moved: tuple[float, float]
    leak: tuple[tuple[float, str], tuple[float, str]]
    scene: tuple[float, float]
    clean: tuple[bool, bool]


def rows_of(tried: Sequence[Tried]) -> list[Row]:
    """One row for each dial, in the order in which they were tried."""
    return [
        _row(name, [one for one in tried if one.dial == name])
        for name in dict.fromkeys(one.dial for one in tried)
    ]


def _row(name: str, tried: Sequence[Tried]) -> Row:
    region = tried[0].region
    whole = [one.whole for one in tried if one.whole]
    local = [one.local for one in tried if one.local]
    pairs = [(one.whole, one.local, one.same) for one in tried if one.whole]

    def both(number: Callable[[Sequence[Shown]], float]) -> tuple[float, float]:
        return number(whole), number(local)

    return Row(
        name, region, float(np.mean([one.share for one in tried])),
        both(lambda s: float(np.mean([x.outside for x in s]))),
        max((x.most_outside for x in local), default=0.0),
        _kept(name, [(whole, local) for whole, local, _ in pairs if local]),
        _kept(name, [(whole, same) for whole, _, same in pairs if same]),
        both(lambda s: float(np.median([x.seam for x in s]))),
        both(lambda s: float(np.mean([x.distance for x in s]))),
        both(lambda s: float(np.median([x.moved[name] for x in s]))),
        (_leak(name, whole), _leak(name, local)),
        both(lambda s: _scene(region, s)),
        (_is_clean(name, region, whole), _is_clean(name, region, local)),
    )  # fmt: skip


def _kept(name: str, pairs: Sequence[tuple[Shown, Shown]]) -> float:
    """How much of a movement is there with the rest kept."""
    if name in COLOURS:
        return float(np.mean([kept.inside for _, kept in pairs])) if pairs else float("nan")
    went = sum(whole.moved[name] for whole, _ in pairs)
    return sum(kept.moved[name] for _, kept in pairs) / went if went else float("nan")


def _leak(name: str, shown: Sequence[Shown]) -> tuple[float, str]:
    same = same_things(name)
    means = {
        other: float(np.mean([one.moved[other] for one in shown]))
        for other in shown[0].moved
        if other != name and other not in same
    }
    worst = max(means, key=lambda other: abs(means[other]))
    return means[worst], worst


def _scene(region: str, shown: Sequence[Shown]) -> float:
    own = OWN_SCENE.get(region)
    parts = {part for one in shown for part in one.scene if part != own}
    means = [np.mean([one.scene[part] for one in shown if part in one.scene]) for part in parts]
    return float(max(means, default=0.0))


def _is_clean(name: str, region: str, shown: Sequence[Shown]) -> bool:
    moved = np.array([one.moved[name] for one in shown])
    near = np.array([one.distance < person_limit(name) for one in shown])
    return bool(
        (moved >= SUCCESS_SD).mean() >= CLEAN_SUCCESS
        and abs(_leak(name, shown)[0]) <= CLEAN_LEAK_SD
        and near.mean() >= IDENTITY_SHARE
        and _scene(region, shown) <= SCENE_LEAK
    )


def write_report(
    tried: Sequence[Tried],
    generator: Maps,
    editor: LocalEditor,
    dials: DialSet,
    *,
    rounds: int,
    command: str,
    docs: Path,
) -> Path:
    """Write local.md and its sheet into a folder; gives the document's path."""
    write_atomic(docs / PICTURE, encode_jpeg(sheet(tried, generator, editor, dials), quality=72))
    path = docs / "local.md"
    write_atomic(path, document(tried, rounds=rounds, command=command).encode())
    return path


def document(tried: Sequence[Tried], *, rounds: int, command: str) -> str:
    """The document as Markdown."""
    rows = rows_of(tried)
    local = [row for row in rows if row.region != GLOBAL]
    faces = len({one.seed for one in tried})
    lines = [
        "# Dials with the rest of the picture kept",
        "",
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d} ({platform.machine()}, "
        f"{platform.system()}).",
        "",
        f"{len(rows)} dials on {faces} faces that nothing was tuned on (seeds {FACES_FROM} and up, "
        f"truncation {LABELS_PSI}), each moved by one standard deviation, up where the face stands "
        f"below the average, else down, {_corrections(rounds)}. *Before* is the dial on the whole "
        f"picture, *local* with the rest kept. {len(rows) - len(local)} dials are global: they "
        "change everything and are in both columns the same.",
        "",
        f"![Every dial on one face: its region, before, the whole picture, local]({PICTURE})",
        "",
        f"The sheet shows steps of {SHEET_SD:g} standard deviations without correction: the face "
        "with the dial's region in green, the face, the dial on the whole picture, local.",
        "",
        *_summary(local, rows),
        "",
        "**Outside**: mean change outside of the region, of 255; the largest of all pixels in "
        "brackets. **Kept**: how much of the movement on the whole picture is there with the rest "
        "kept, as the program asks for it (more of dials whose region shows only a part: "
        "[regions.md](../notes/regions.md)), and in brackets without that, drawn of the very "
        "latent of *before*; by the dial's own instrument, or, for dials of colour, by the change "
        "of colour inside of the region. **Seam**: gradient energy along "
        "the region's soft edge, 1 as in the unedited picture. **Identity**: mean distance of "
        f"dlib's descriptors. **Clean**: {CLEAN_SUCCESS:.0%} of the faces make at least half the "
        f"step, no other measurement moves by more than {CLEAN_LEAK_SD} of its standard deviation "
        f"in the mean, {IDENTITY_SHARE:.0%} stay the same person, and the mean colour of hair, "
        f"clothes and background moves by at most {SCENE_LEAK:g} in CIE Lab (but for what the dial "
        f"is there to change). Of so many side effects on {faces} faces the largest is partly "
        "noise, in both columns alike.",
        "",
        "| dial | region | of the picture | outside | kept | seam | identity | moved | worst side "
        "effect | scene | clean |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | --- |",
        *(_line(row) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _corrections(rounds: int) -> str:
    if not rounds:
        return "as predicted: the picture is measured and nothing corrected"
    return f"with {rounds} corrections at most, on the picture, *local* on that with the rest kept"


def _line(row: Row) -> str:
    leaks = " → ".join(f"{name} {value:+.2f}" for value, name in row.leak)
    marks = " → ".join("yes" if clean else "no" for clean in row.clean)
    return (
        f"| `{row.dial}` | {row.region} | {row.share:.0%} | {row.outside[0]:.1f} → "
        f"{row.outside[1]:.2f} ({row.most_outside:.0f}) | {row.kept:.0%} ({row.same:.0%}) | "
        f"{row.seam[0]:.2f} → {row.seam[1]:.2f} | {row.distance[0]:.2f} → {row.distance[1]:.2f} | "
        f"{row.moved[0]:.2f} → {row.moved[1]:.2f} | {leaks} | {row.scene[0]:.1f} → "
        f"{row.scene[1]:.1f} | {marks} |"
    )


def _summary(local: Sequence[Row], rows: Sequence[Row]) -> list[str]:
    def mean(get: Callable[[Row], tuple[float, float]], digits: int = 2) -> list[str]:
        return [f"{np.mean([get(row)[side] for row in local]):.{digits}f}" for side in (0, 1)]

    near = sum(row.distance[1] <= row.distance[0] + 0.005 for row in local)
    before, after = (float(np.mean([row.distance[side] for row in local])) for side in (0, 1))
    share = after / max(before, 1e-6)
    steady = [sum(abs(row.seam[side] - 1) <= 0.05 for row in local) for side in (0, 1)]
    kept = np.array([row.kept for row in local])
    most = max(row.most_outside for row in local)
    clean = [sum(row.clean[side] for row in rows) for side in (0, 1)]
    table = [
        ("change outside, of 255", *mean(lambda r: r.outside), f"largest of all pixels {most:.0f}"),
        ("movement kept", "–", f"{kept.mean():.0%}",
         f"{(kept >= 0.85).sum()} of {len(local)} dials at least 85 %"),
        ("seam within 5 % of the unedited picture's", *map(str, steady), f"of {len(local)} dials"),
        ("descriptor distance", *mean(lambda r: r.distance, 3),
         f"{share:.2f} of before; at most before on {near} of {len(local)} dials"),
        ("worst side effect, sd", *mean(lambda r: (abs(r.leak[0][0]), abs(r.leak[1][0]))), ""),
        ("colour of the scene, CIE Lab", *mean(lambda r: r.scene, 1), ""),
        ("moved, sd", *mean(lambda r: r.moved), ""),
        ("clean dials", *map(str, clean), f"of {len(rows)}, global ones too"),
    ]  # fmt: skip
    return [
        "| dials with a region, mean | before | local | |",
        "| --- | ---: | ---: | --- |",
        *(f"| {' | '.join(cells)} |" for cells in table),
    ]


def sheet(
    tried: Sequence[Tried], generator: Maps, editor: LocalEditor, dials: DialSet
) -> np.ndarray:
    """Every dial on one face, in turn: region, before, whole, local; uint8 [H, W, 3]."""
    names = list(dict.fromkeys(one.dial for one in tried))
    seeds = list(dict.fromkeys(one.seed for one in tried))
    per = -(-len(names) // SHEET_BLOCKS)
    canvas = Image.new("RGB", (SHEET_BLOCKS * 4 * SHEET_PX + 8, per * SHEET_PX), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    for k, name in enumerate(names):
        face = Face.from_w_plus(generator.w_from_seed(seeds[k % len(seeds)], LABELS_PSI))
        spec = dials.spec(name)
        sign = next(o.sign for o in tried if o.dial == name and o.seed == seeds[k % len(seeds)])
        edited = edit_face(dials, face, {name: sign * SHEET_SD * spec.unit_per_sd})
        kept = editor.keep(face, edited, [name])
        before = editor.picture(face)
        tiles = [_tinted(before, kept), before, editor.picture(edited), editor.picture(kept)]
        x, y = k // per * (4 * SHEET_PX + 8), k % per * SHEET_PX
        for place, tile in enumerate(tiles):
            canvas.paste(Image.fromarray(resized(tile, SHEET_PX)), (x + place * SHEET_PX, y))
        text = f"{name} {sign * SHEET_SD:+.1f}"
        pen.rectangle((x, y, x + pen.textlength(text, font) + 6, y + 15), fill="white")
        pen.text((x + 3, y + 1), text, fill="black", font=font)
    return np.asarray(canvas)


def _tinted(picture: np.ndarray, face: Face) -> np.ndarray:
    keep = face.keep
    if keep is None:
        return picture
    mask = cv2.resize(keep.region.at(256), picture.shape[:2])
    tinted = picture.astype(np.float32)
    tinted[..., 1] += TINT * mask
    return np.clip(tinted, 0, 255).astype(np.uint8)
