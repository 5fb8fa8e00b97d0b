"""Judges previews on faces that training did not use: `python -m scripts.judge_preview`.

A preview is compared with the full picture averaged down to its size, byte by byte: mean absolute
difference and largest difference in 1/255, the mean absolute difference of averages over squares
of 32 px of the full picture, and peak signal-to-noise ratio in dB. `--sheet` writes the worst
faces: full picture, preview, and their difference times four around grey.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.generator import Generator
from facegen.images import area_downscale, encode_jpeg, encode_png
from facegen.latents import DEFAULT_MODEL
from facegen.service.preview_match import Beginning, is_near
from facegen.service.render import FULL_QUALITY

PLAIN_SEED = 910_000
STRUCTURE_SEED, COLOUR_SEED = 920_000, 930_000
MIXED_PSI = 0.7
EDITED_SEED = 940_000
EDITED_DIALS, EDITED_SD = 3, (0.5, 1.0, 2.0)
DRAGGED_SEED, DRAGGED_SD = 975_000, (0.0, 0.25, 0.5, 1.0, 2.0)
AVERAGED_PX = 32
WORST = 6  # faces on a sheet
COLOUR_ROW = 8  # rows from here on are the other person's in the mixed set


def mixed(generator: Generator, index: int) -> np.ndarray:
    """The structure of one person with the later rows of another, [18, 512]."""
    w_plus = generator.w_from_seed(STRUCTURE_SEED + index, MIXED_PSI).copy()
    w_plus[COLOUR_ROW:] = generator.w_from_seed(COLOUR_SEED + index, MIXED_PSI)[COLOUR_ROW:]
    return w_plus


def edited(generator: Generator, dials: DialSet, index: int) -> np.ndarray:
    """A face with three dials moved, by half a standard deviation, one, and two, [18, 512]."""
    random = np.random.RandomState(EDITED_SEED + index)
    names = random.choice(dials.names, EDITED_DIALS, replace=False)
    signs = random.choice((-1.0, 1.0), EDITED_DIALS)
    moves = {
        str(name): sign * sd * dials.spec(str(name)).unit_per_sd
        for name, sign, sd in zip(names, signs, EDITED_SD, strict=True)
    }
    return dials.apply(generator.w_from_seed(EDITED_SEED + index, MIXED_PSI), moves)


def dragged(generator: Generator, dials: DialSet, index: int, sd: float) -> list[np.ndarray]:
    """A face, and the face with one dial moved by so many standard deviations, [18, 512]."""
    random = np.random.RandomState(DRAGGED_SEED + index)
    name, sign = str(random.choice(dials.names)), float(random.choice((-1.0, 1.0)))
    start = generator.w_from_seed(DRAGGED_SEED + index, MIXED_PSI)
    return [start, dials.apply(start, {name: sign * sd * dials.spec(name).unit_per_sd})]


def shown(generator: Generator, start: np.ndarray, w_plus: np.ndarray) -> np.ndarray:
    """The preview of a drag that began at the full picture of `start`, as the app shows it."""
    preview = generator.preview(w_plus)
    if not is_near(start, w_plus):
        return preview
    full = encode_jpeg(generator.render(start), quality=FULL_QUALITY)
    return Beginning.of(full, generator.preview(start)).mend(preview)


def compare(preview: np.ndarray, full: np.ndarray) -> tuple[float, float, float, float]:
    """Of two pictures, uint8 [256, 256, 3], the full one averaged from 1024 px.

    Returns:
        Mean absolute and largest difference, mean absolute difference of averages of 32 px (all in
        1/255), PSNR in dB.
    """
    difference = preview.astype(np.float64) - full
    square = float((difference**2).mean())
    psnr = 10 * math.log10(255**2 / square) if square else math.inf
    size = len(full)
    edge = AVERAGED_PX * size // 1024
    cells = size // edge
    averages = difference.reshape(cells, edge, cells, edge, 3).mean(axis=(1, 3))
    return (
        float(np.abs(difference).mean()),
        float(np.abs(difference).max()),
        float(np.abs(averages).mean()),
        psnr,
    )


def sheet(pairs: list[tuple[np.ndarray, np.ndarray]]) -> bytes:
    """PNG of (preview, full) pairs, one a row: full picture, preview, difference times four."""
    rows = []
    for preview, full in pairs:
        difference = 4 * (preview.astype(np.int32) - full) + 128
        rows.append(np.concatenate([full, preview, difference.clip(0, 255)], axis=1))
    return encode_png(np.concatenate(rows).astype(np.uint8))


def main() -> None:
    """Print one row per set of faces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--faces", type=int, default=32, help="of each set")
    parser.add_argument("--sheet", type=Path, help="folder for a sheet of each set's worst faces")
    args = parser.parse_args()
    generator = Generator.load(args.model)
    dials = DialSet.load(generator.space, own=False)
    sets: dict[str, Callable[[int], np.ndarray]] = {
        "truncation 0.7": lambda i: generator.w_from_seed(PLAIN_SEED + i, 0.7),
        "truncation 1.0": lambda i: generator.w_from_seed(PLAIN_SEED + i, 1.0),
        "mixed rows": lambda i: mixed(generator, i),
        "three dials moved": lambda i: edited(generator, dials, i),
    }
    print(f"{args.faces} faces each, {generator.engine_name}, {generator.preview_size} px")
    print("| faces | mean diff (worst) | 32 px averages (worst) | largest diff | PSNR (worst) |")
    print("| --- | ---: | ---: | ---: | ---: |")
    previews: dict[str, Callable[[int], list[np.ndarray]]] = {
        name: lambda i, latent=latent: [(w := latent(i)), generator.preview(w)]
        for name, latent in sets.items()
    }
    for sd in DRAGGED_SD:
        previews[f"one dial dragged by {sd:g} sd, as drawn"] = lambda i, sd=sd: [
            (w := dragged(generator, dials, i, sd)[1]), generator.preview(w)
        ]  # fmt: skip
        previews[f"one dial dragged by {sd:g} sd, as shown"] = lambda i, sd=sd: [
            (pair := dragged(generator, dials, i, sd))[1], shown(generator, *pair)
        ]  # fmt: skip
    for name, make in previews.items():
        rows, pairs = [], []
        for i in range(args.faces):
            w_plus, preview = make(i)
            full = area_downscale(generator.render(w_plus)[None], len(preview))[0]
            rows.append(compare(preview, full))
            pairs.append((preview, full))
        mean, largest, averages, psnr = np.array(rows).T
        print(
            f"| {name} | {mean.mean():.1f} ({mean.max():.1f}) "
            f"| {averages.mean():.1f} ({averages.max():.1f}) | {largest.max():.0f} "
            f"| {psnr.mean():.1f} dB ({psnr.min():.1f}) |",
            flush=True,
        )
        if args.sheet:
            args.sheet.mkdir(parents=True, exist_ok=True)
            worst = [pairs[i] for i in np.argsort(-mean)[:WORST]]
            (args.sheet / f"{name.replace(' ', '-')}.png").write_bytes(sheet(worst))


if __name__ == "__main__":
    main()
