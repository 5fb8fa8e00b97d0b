"""What came of a folder of translations: numbers by value, and a sheet to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facegen.datasets.spec import Spec
from facegen.datasets.translate import HAS, MADE
from facegen.face import Face
from facegen.images import decode_image, encode_jpeg, resized
from facegen.local.edit import LocalEditor

TILE_PX, TITLE_PX, MAX_FACES, MAX_VALUES = 160, 18, 24, 48
GREY, MISSED = (236, 236, 236), (200, 50, 40)


def by_value(rows: Sequence[Mapping[str, Any]], spec: Spec) -> list[dict[str, Any]]:
    """For each value: how many faces had it, how many pictures were made, and how they came out.

    Args:
        rows: The manifest's.
        spec: What was asked.
    """
    found = []
    for one in spec.translations:
        key = one.characteristic, one.value
        own = [row for row in rows if (row["characteristic"], row["to"]) == key]
        made = [row for row in own if row["outcome"] == MADE]
        found.append({
            "characteristic": one.characteristic,
            "value": one.value,
            HAS: sum(row["outcome"] == HAS for row in own),
            MADE: len(made),
            "met": sum(row["met"] for row in made),
            "others_kept": _mean(made, "others_kept"),
            "identity_distance": _mean(made, "identity_distance"),
            "region_share": _mean(made, "region_share"),
        })  # fmt: skip
    return found


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return round(float(np.mean(values)), 3) if values else None


def _bytes_of(out: Path, file_name: str | None) -> bytes | None:
    try:
        return None if file_name is None else (out / file_name).read_bytes()
    except OSError:
        return None


def sheet(
    out: Path,
    rows: Sequence[Mapping[str, Any]],
    spec: Spec,
    people: Sequence[tuple[str, Face]],
    editor: LocalEditor,
) -> bytes:
    """A JPEG with a line for each face: as it is, then every value; grey where it had it already.

    A red line under a picture says that it misses what was asked. At most MAX_FACES and MAX_VALUES
    are shown.

    Args:
        out: The folder of the translations.
        rows: The manifest's.
        spec: What was asked.
        people: Names and faces.
        editor: Draws the faces as they are.
    """
    values, faces = spec.translations[:MAX_VALUES], people[:MAX_FACES]
    size = ((len(values) + 1) * TILE_PX, TITLE_PX + len(faces) * TILE_PX)
    canvas = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for column, one in enumerate(values, 1):
        title = f"{one.characteristic}: {one.value}"
        pen.text((column * TILE_PX + 3, 2), title, fill="black", font=font)
    places = {(one.characteristic, one.value): k for k, one in enumerate(values, 1)}
    for line, (_, face) in enumerate(faces):
        top = TITLE_PX + line * TILE_PX
        canvas.paste(Image.fromarray(resized(editor.picture(face), TILE_PX)), (0, top))
        for row in rows:
            place = places.get((row["characteristic"], row["to"]))
            if row["person_number"] != line or place is None:
                continue
            left = place * TILE_PX
            data = _bytes_of(out, row["file_name"])
            if data is None:
                told = row["outcome"] if row["file_name"] is None else "the file is gone"
                box = (left + 1, top + 1, left + TILE_PX - 2, top + TILE_PX - 2)
                pen.rectangle(box, fill=GREY)
                pen.text((left + 8, top + TILE_PX // 2 - 8), told, "black", font)
                continue
            picture = resized(decode_image(data, name=row["file_name"]), TILE_PX)
            canvas.paste(Image.fromarray(picture), (left, top))
            if not row["met"]:
                bottom = top + TILE_PX - 3
                pen.line((left, bottom, left + TILE_PX, bottom), fill=MISSED, width=4)
    return encode_jpeg(np.asarray(canvas), quality=85)
