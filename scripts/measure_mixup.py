"""What edits uncover: the edited latent's background, or that of the picture, drawn on.

For people of whom a dial changes its region alone, with and without the mixup
(`facegen.local.mixup`):

- *colour*: how far (CIELAB) what is uncovered, person before and background after, lies from the
  mean colour of the background around it in the picture before;
- *kept*: the share of other dials within 0.35 standard deviations of the face before, and the
  distance of the descriptors, by the program's own instruments;
- *rim*: how steep the colours are along the region's edge, where both pictures show background; in
  the picture before for comparison.

    python -m scripts.measure_mixup --faces 12
    python -m scripts.measure_mixup --faces 6 --sheet docs/results/pictures/mixup.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from facegen.directions.recipes import same_things
from facegen.editing.dial_set import DialSet
from facegen.editing.faces import edit_face
from facegen.editing.targets import MISS_SD
from facegen.face import Face
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_jpeg, resized
from facegen.local.background import standing
from facegen.local.edit import LocalEditor, load_local_editor

FIRST_SEED, PSI, PX, TILE_PX = 5200, 0.75, 512, 192
EDITS = {"hair_length": -1.5, "hair_volume": -1.5, "chubby": -1.5, "age": 25.0}
"""In standard deviations; the age in years."""
LEAST_CELLS = 60
AROUND = 0.06
"""Standard deviation of the average of the colours around, of the edge."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=12)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    generator = Generator.load()
    editor = load_local_editor(generator, DialSet.load(generator.space, own=False))
    rows, lines = [], []
    for seed in range(args.first, args.first + args.faces):
        face = Face.from_seed(generator, seed, PSI)
        line = [resized(editor.picture(face, size=PX), TILE_PX)]
        for dial, step in EDITS.items():
            found = _pair(editor, face, dial, step)
            pictures = [np.full((PX, PX, 3), 255, np.uint8)] * 2
            if found is not None:
                numbers, pictures = found
                if numbers is not None:
                    rows.append((dial, *numbers))
            line += [resized(one, TILE_PX) for one in pictures]
        lines.append(np.hstack(line))
    if args.sheet:
        write_atomic(args.sheet, encode_jpeg(np.vstack(lines), quality=85))
    print(
        "dial, pictures, cells; colour without, with; rim before, without, with; "
        "others kept without, with; identity without, with"
    )
    for dial in (*EDITS, "all"):
        own = np.array([row[1:] for row in rows if dial in ("all", row[0])])
        if len(own):
            print(dial, len(own), *np.nanmean(own, axis=0).round(3))


def _pair(
    editor: LocalEditor, face: Face, dial: str, step: float
) -> tuple[tuple[float, ...] | None, list[np.ndarray]] | None:
    """Numbers and the two pictures of an edit; None where nothing of it is kept."""
    size = step if dial == "age" else step * editor.dials.spec(dial).unit_per_sd
    kept = editor.keep(face, edit_face(editor.dials, face, {dial: size}), [dial])
    if kept.keep is None:
        return None
    faces = kept, editor.mixed(kept)
    both = [editor.picture(one, size=PX) for one in faces]
    before = editor.picture(face, size=PX)
    was = standing(kept.keep.w_plus, None, editor.segments_of).at(PX)
    now = standing(kept.w_plus, kept.keep, editor.segments_of).at(PX)
    region = kept.keep.region.at(PX)
    uncovered = (was > 0.6) & (now < 0.2) & (region > 0.5)
    if uncovered.sum() < LEAST_CELLS * (PX // 256) ** 2:
        return None, both
    behind = (was == 0).astype(np.float32)
    lab = [_lab(one) for one in (before, *both)]
    weight = cv2.GaussianBlur(behind, (0, 0), AROUND * PX)[..., None]
    around = cv2.GaussianBlur(lab[0] * behind[..., None], (0, 0), AROUND * PX) / (weight + 1e-6)
    told = uncovered & (weight[..., 0] > 1e-3)
    if not told.any():
        return None, both
    colours = [float(np.linalg.norm(one - around, axis=2)[told].mean()) for one in lab[1:]]
    inside = (region > 0).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25))
    edge = (cv2.dilate(inside, disc) != cv2.erode(inside, disc)) & (was == 0) & (now == 0)
    rims = [float(_steepness(one)[edge].mean()) if edge.any() else 0.0 for one in lab]
    cells = float(told.sum()) / (PX // 256) ** 2
    others, identity = zip(*(_kept(editor, face, one, dial) for one in faces), strict=True)
    return (cells, *colours, *rims, *others, *identity), both


def _kept(editor: LocalEditor, before: Face, after: Face, dial: str) -> tuple[float, float]:
    """The share of other dials that stay, and the distance of the descriptors."""
    was, now = editor.measured(before), editor.measured(after)
    if was is None or now is None:
        return np.nan, np.nan
    a, b = (editor.dials.in_units(one.values) for one in (was, now))
    others = [name for name in a if name not in (dial, *same_things(dial))]
    off = [abs(b[name] - a[name]) / editor.dials.spec(name).unit_per_sd for name in others]
    return float(np.mean(np.array(off) <= MISS_SD)), was.distance(now)


def _lab(image: np.ndarray) -> np.ndarray:
    lab: np.ndarray = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return lab


def _steepness(lab: np.ndarray) -> np.ndarray:
    soft = cv2.GaussianBlur(lab, (0, 0), 2.0)
    down, right = (cv2.Sobel(soft, cv2.CV_32F, *d, ksize=3) / 8 for d in ((0, 1), (1, 0)))
    steep: np.ndarray = np.sqrt((down**2 + right**2).sum(axis=2))
    return steep


if __name__ == "__main__":
    main()
