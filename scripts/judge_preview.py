"""Judges previews on faces that training did not use: `python -m scripts.judge_preview`.

A preview is compared with the full picture averaged down to its size, byte by byte: mean absolute
difference and largest difference in 1/255, and peak signal-to-noise ratio in dB.
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from facegen.generator import Generator
from facegen.images import area_downscale
from facegen.latents import DEFAULT_MODEL

PLAIN_SEED = 910_000
STRUCTURE_SEED, COLOUR_SEED = 920_000, 930_000
MIXED_PSI = 0.7
COLOUR_ROW = 8  # rows from here on are the other person's in the mixed set


def mixed(generator: Generator, index: int) -> np.ndarray:
    """The structure of one person with the later rows of another, [18, 512]."""
    w_plus = generator.w_from_seed(STRUCTURE_SEED + index, MIXED_PSI).copy()
    w_plus[COLOUR_ROW:] = generator.w_from_seed(COLOUR_SEED + index, MIXED_PSI)[COLOUR_ROW:]
    return w_plus


def compare(preview: np.ndarray, full: np.ndarray) -> tuple[float, float, float]:
    """(mean, largest difference in 1/255, PSNR in dB) of two pictures, uint8 [H, H, 3]."""
    difference = preview.astype(np.float64) - full
    square = float((difference**2).mean())
    psnr = 10 * math.log10(255**2 / square) if square else math.inf
    return float(np.abs(difference).mean()), float(np.abs(difference).max()), psnr


def main() -> None:
    """Print one row per set of faces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--faces", type=int, default=32, help="of each set")
    args = parser.parse_args()
    generator = Generator.load(args.model)
    sets = {
        "truncation 0.7": lambda i: generator.w_from_seed(PLAIN_SEED + i, 0.7),
        "truncation 1.0": lambda i: generator.w_from_seed(PLAIN_SEED + i, 1.0),
        "mixed rows": lambda i: mixed(generator, i),
    }
    print(f"{args.faces} faces each, {generator.engine_name}, {generator.preview_size} px")
    print("| faces | mean diff | worst face's mean | largest diff | PSNR |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, latent in sets.items():
        rows = []
        for i in range(args.faces):
            w_plus = latent(i)
            preview = generator.preview(w_plus)
            full = area_downscale(generator.render(w_plus)[None], len(preview))[0]
            rows.append(compare(preview, full))
        mean, largest, psnr = np.array(rows).T
        print(
            f"| {name} | {mean.mean():.1f} | {mean.max():.1f} | {largest.max():.0f} "
            f"| {psnr.mean():.1f} dB |"
        )


if __name__ == "__main__":
    main()
