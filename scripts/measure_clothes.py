"""What other clothes change: `python -m scripts.measure_clothes [--sheet FILE] [--picture FILE]`.

On faces that nothing was tuned on, in another's clothes and in a colour: what changes outside of
them, how steep the picture is along their edge beside the unedited one, how far the face moves for
dlib (distance) and for MobileFaceNet (cosine), and the time of one core without the network's.
`--sheet` writes all of them, `--picture` the first four.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np

from facegen.clothing import Clothing
from facegen.errors import UsageError
from facegen.evaluation.mobilefacenet import MobileFaceNet
from facegen.face import Face
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_jpeg, resized
from facegen.local.background import SegmentsOf, segments_finder
from facegen.local.clothes import wearing
from facegen.masks import MASK_PX, Mask
from facegen.measure.detector import MEASURE_PX, load_instruments
from facegen.operations import clothes_among
from facegen.retouch.apply import draw
from facegen.retouch.clothes import put_clothes

SEEDS, OTHER, PSI = range(930_000, 930_024), 500, 0.7
CLOTHES = (Clothing("face"), Clothing("colour", "#203050"), Clothing("colour", "#b03040"))
SHOWN, TILE_PX, QUALITY = 4, 200, 84
Row = tuple[list[np.ndarray], list[tuple[float, ...]]]


def main() -> None:
    """Print medians and the largest; write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--sheet", type=Path, help="a JPEG of all faces")
    parser.add_argument("--picture", type=Path, help="a JPEG of the first four")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    generator, judge = Generator.load(), MobileFaceNet()
    segments_of = segments_finder(generator)
    sheet, found, refused = [], [], 0
    for seed in SEEDS:
        try:
            tiles, numbers = one(generator, judge, segments_of, seed)
        except UsageError as err:
            print(f"{seed}: {err}")
            refused += 1
            continue
        sheet.append(np.concatenate(tiles, axis=1))
        found.append(numbers)
    print(f"dressed {len(found)} of {len(SEEDS)}, refused {refused}")
    print("clothes | outside | seam, of the unedited | dlib | MobileFaceNet | ms 1024 | ms 256")
    for k, clothing in enumerate(CLOTHES):
        table = np.array([numbers[k] for numbers in found])
        middle, largest = np.nanmedian(table, axis=0), np.nanmax(table, axis=0)
        told = " | ".join(f"{m:.3g} (most {x:.3g})" for m, x in zip(middle, largest, strict=True))
        print(f"{clothing.text} | {told} | least MobileFaceNet {np.nanmin(table[:, 3]):.3f}")
    for path, rows in ((wanted.sheet, sheet), (wanted.picture, sheet[:SHOWN])):
        if path is not None:
            write_atomic(path, encode_jpeg(np.concatenate(rows), quality=QUALITY))


def one(generator: Generator, judge: MobileFaceNet, segments_of: SegmentsOf, seed: int) -> Row:
    """The tiles of a face (itself, the other, dressed), and the numbers of each of its clothes."""
    face = Face.from_seed(generator, seed, PSI)
    other = generator.w_from_seed(seed + OTHER, PSI)
    plain = generator.render(face.w_plus)
    tiles, numbers = [plain, generator.render(other)], []
    for clothing in CLOTHES:
        whose = other if clothing.kind == "face" else None
        dressed = wearing(face, clothing, segments_of, other=whose)
        image = draw(dressed.request(model=generator.model, size=len(plain)), generator)
        put = clothes_among(dressed.operations)
        assert put is not None
        worn, drawn = Mask(put.worn), None if whose is None else image
        small = None if drawn is None else resized(drawn, MASK_PX)
        times = (
            timed(plain, clothing, worn, drawn),
            timed(resized(plain, MASK_PX), clothing, worn, small),
        )
        numbers.append((outside(plain, image, worn), seam(image, worn) / seam(plain, worn),
                        *moved(judge, plain, image), *times))  # fmt: skip
        tiles.append(image)
    return [resized(tile, TILE_PX) for tile in tiles], numbers


def outside(plain: np.ndarray, image: np.ndarray, worn: Mask) -> float:
    """The largest change of a pixel in a cell that is surely no clothes."""
    cells = (worn.values == 0).astype(np.uint8)
    free = cv2.resize(cells, plain.shape[:2], interpolation=cv2.INTER_NEAREST) > 0
    return float(np.abs(plain[free].astype(int) - image[free]).max())


def seam(image: np.ndarray, worn: Mask) -> float:
    """Mean steepness of the luma along the unsure edge of clothes."""
    cells = ((worn.values > 0) & (worn.values < 255)).astype(np.uint8)
    edge = cv2.resize(cells, image.shape[:2], interpolation=cv2.INTER_NEAREST) > 0
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    return float(np.hypot(across, down)[edge].mean())


def moved(judge: MobileFaceNet, plain: np.ndarray, image: np.ndarray) -> tuple[float, float]:
    """How far the face moved: dlib's distance, and the cosine of MobileFaceNet."""
    told = []
    for picture in (resized(plain, MEASURE_PX), resized(image, MEASURE_PX)):
        found = load_instruments().detect(picture)
        if found is None:
            return float("nan"), float("nan")
        told.append((found.descriptor, judge.identity(picture, found.landmarks)))
    (was, one_), (now, two) = told
    cosine = np.dot(one_, two) / (np.linalg.norm(one_) * np.linalg.norm(two))
    return float(np.linalg.norm(was - now)), float(cosine)


def timed(image: np.ndarray, clothing: Clothing, worn: Mask, drawn: np.ndarray | None) -> float:
    """Milliseconds of one core that the clothes take in a picture, the least of three."""
    least = np.inf
    for _ in range(3):
        start = time.process_time()
        put_clothes(image, clothing, worn, drawn)
        least = min(least, time.process_time() - start)
    return 1e3 * float(least)


if __name__ == "__main__":
    main()
