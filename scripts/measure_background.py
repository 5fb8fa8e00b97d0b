"""What it costs to put somebody before another background: `python -m scripts.measure_background`.

Times are of the processor on one thread, medians over faces that nothing was tuned on, without the
network's own. With `--picture` a sheet of some faces before each kind of background is written.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from facegen.backdrops import Backdrop
from facegen.cli.face_files import drawn
from facegen.face import Face
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_jpeg, flattened, resized
from facegen.local.background import SegmentsOf, before, segments_finder
from facegen.operations import background_among
from facegen.retouch.apply import apply

BACKDROPS = (
    Backdrop("blur", 0.6),
    Backdrop("blur", 0.1),
    Backdrop("colour", colour="#8090a0"),
    Backdrop.of_another(),
    Backdrop("transparent"),
)
SIZES = (1024, 256)
TIMED = range(910_000, 910_012)
SHOWN, PSI = (7, 42, 23, 101), 0.8
OTHERS = {7: 42, 42: 1234, 23: 900, 101: 4711}
"""Whose background somebody of the sheet is put before."""
TILE_PX, QUALITY = 200, 84


def main() -> None:
    """Print the times; write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--picture", type=Path, help="the JPEG to write")
    wanted = parser.parse_args().picture
    cv2.setNumThreads(1)
    generator = Generator.load()
    segments_of = segments_finder(generator)
    if wanted is not None:
        write_atomic(wanted, encode_jpeg(sheet(generator, segments_of), quality=QUALITY))
        return
    print("background | " + " | ".join(f"{size} px, ms" for size in SIZES))
    for backdrop in BACKDROPS:
        found = [
            1e3 * np.median([timed(generator, segments_of, backdrop, s, size) for s in TIMED])
            for size in SIZES
        ]
        print(f"{backdrop.text} | " + " | ".join(f"{ms:.0f}" for ms in found))


def timed(
    generator: Generator, segments_of: SegmentsOf, backdrop: Backdrop, seed: int, size: int
) -> float:
    """Seconds of the processor that one background takes, the least of three."""
    face = Face.from_seed(generator, seed)
    other = generator.w_from_seed(seed + 1) if backdrop.kind == "face" else None
    put = background_among(before(face, backdrop, segments_of, other=other).operations)
    assert put is not None
    image = generator.render(face.w_plus, size=size)
    there = None if other is None else generator.render(other, size=size)
    least = np.inf
    for _ in range(3):
        start = time.process_time()
        apply([put], image, lambda _: there, alpha=True)  # type: ignore[arg-type,return-value]
        least = min(least, time.process_time() - start)
    return float(least)


def sheet(generator: Generator, segments_of: SegmentsOf) -> np.ndarray:
    """A row of pictures for each face: as it is, and before each background."""
    rows = []
    for seed in SHOWN:
        face = Face.from_seed(generator, seed, PSI)
        row = [face]
        for backdrop in BACKDROPS:
            if backdrop.text == "blur=0.1":
                continue
            whose = OTHERS[seed] if backdrop.kind == "face" else None
            other = None if whose is None else generator.w_from_seed(whose, PSI)
            row.append(before(face, backdrop, segments_of, other=other))
        tiles = [resized(flattened(drawn(one, generator)), TILE_PX) for one in row]
        rows.append(np.concatenate(tiles, axis=1))
    return np.concatenate(rows)


if __name__ == "__main__":
    main()
