"""Makes the pictures of the README: `make pictures`.

A grid of faces, and strips of some dials (low, as it is, high) on faces of the documentation; all
dials are in docs/results/dials.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facegen import DialSet, Face, Generator
from facegen.evaluation.report import within
from facegen.images import resized

OUT = Path(__file__).resolve().parent.parent / "docs" / "pictures"
GRID_SEEDS = range(2000, 2012)
DIAL_NAMES = (
    "yaw", "smile", "age", "gender", "skin", "chubby", "eye_blue", "bangs", "hair_blond", "beard",
    "makeup", "glasses",
)  # fmt: skip
DIAL_SEEDS = (2001, 2007)
STEPS_SD = (-2.0, 0.0, 2.0)
TILE_PX = 256
DIAL_TILE_PX = 144
LABEL_PX = 22
JPEG_QUALITY = 82


def main() -> None:
    """Write docs/pictures/faces.jpg and dials.jpg."""
    generator = Generator.load()
    OUT.mkdir(parents=True, exist_ok=True)
    tiles = [_tile(generator, generator.w_from_seed(seed, 0.7), TILE_PX) for seed in GRID_SEEDS]
    _save(_sheet(tiles, columns=6), OUT / "faces.jpg")
    dials = DialSet.load(generator.space)
    cells = []
    for name in DIAL_NAMES:
        label = dials.entry(name).label
        cells += [_strip(generator, dials, name, label, seed) for seed in DIAL_SEEDS]
    _save(_sheet(cells, columns=4), OUT / "dials.jpg")


def _strip(generator: Generator, dials: DialSet, name: str, label: str, seed: int) -> np.ndarray:
    """One face at low, own and high position of a dial, with the dial's label above."""
    face = Face.from_seed(generator, seed)
    tiles = [
        _tile(generator, dials.apply(face.base, {name: change}), DIAL_TILE_PX)
        for change in (within(dials, name, face.base, step) for step in STEPS_SD)
    ]
    row = np.concatenate(tiles, axis=1)
    canvas = Image.new("RGB", (row.shape[1] + 8, row.shape[0] + LABEL_PX), "white")
    canvas.paste(Image.fromarray(row), (4, LABEL_PX))
    draw = ImageDraw.Draw(canvas)
    title = f"{label}  -2 · 0 · +2 steps at most"
    draw.text((6, 3), title, fill="black", font=ImageFont.load_default(14))
    return np.asarray(canvas)


def _tile(generator: Generator, w_plus: np.ndarray, size: int) -> np.ndarray:
    return resized(generator.render(w_plus), size)


def _sheet(tiles: list[np.ndarray], *, columns: int) -> np.ndarray:
    blank = np.full_like(tiles[0], 255)
    padded = tiles + [blank] * (-len(tiles) % columns)
    rows = [np.concatenate(padded[i : i + columns], axis=1) for i in range(0, len(padded), columns)]
    return np.concatenate(rows)


def _save(sheet: np.ndarray, path: Path) -> None:
    Image.fromarray(sheet).save(path, quality=JPEG_QUALITY)
    print(path)


if __name__ == "__main__":
    main()
