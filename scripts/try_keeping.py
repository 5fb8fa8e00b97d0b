"""How far gradient descent through the generator brings a turned face back to the person.

`python -m scripts.try_keeping [--faces 3] [--steps 25] [--device cuda] [--sheet FILE.png]`
Prints dlib's distance to the frontal frame in pictures of 512 px, before and after, and the time.
What it gave stands in docs/pose.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from facegen.datasets.frames import Seen
from facegen.datasets.watch import load_watcher
from facegen.face import Face
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_png
from facegen.pose.keep import KEEP_DESIGN, Keeper, Turned
from facegen.pose.turn import pose_face

FIRST_SEED = 700_000  # not the judged faces
SIZE = 512


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=3)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--sheet", type=Path)
    chosen = parser.parse_args()
    generator = Generator.load(device=chosen.device)
    keeper = Keeper(generator)
    sheets: list[np.ndarray] = []
    found: dict[tuple[float, float], list[tuple[float, float]]] = {}
    seconds, count = 0.0, 0
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.faces):
        face = Face.from_seed(generator, seed)
        front, *frames = (turned(generator, face, angles) for angles in KEEP_DESIGN)
        known = [frame for frame in frames if frame is not None]
        first = None if front is None else look(generator, front.w_plus)[0]
        if front is None or first is None or not known:
            print(f"seed {seed}: no face is seen from the front")
            continue
        begin = time.perf_counter()
        kept = keeper.keep(front, known, chosen.steps)
        seconds, count = seconds + time.perf_counter() - begin, count + len(known)
        rows: list[list[np.ndarray]] = [[], []]
        for frame, latent in zip(known, kept, strict=True):
            pair = [look(generator, w_plus) for w_plus in (frame.w_plus, latent)]
            for row, (_, image) in zip(rows, pair, strict=True):
                row.append(image[::2, ::2])
            before, after = (distance(first, seen) for seen, _ in pair)
            found.setdefault(frame.angles, []).append((before, after))
            print(f"seed {seed} {frame.angles}: {before:.2f} -> {after:.2f}", flush=True)
        sheets += [np.concatenate(row, axis=1) for row in rows]
    for angles, pairs in found.items():
        before, after = np.nanmedian(np.array(pairs), axis=0)
        print(f"{angles}: median {before:.2f} -> {after:.2f} of {len(pairs)}")
    print(f"{seconds / max(count * chosen.steps, 1):.3f} s a frame and step on {chosen.device}")
    if chosen.sheet and sheets:
        width = min(sheet.shape[1] for sheet in sheets)
        picture = np.concatenate([sheet[:, :width] for sheet in sheets])
        write_atomic(chosen.sheet, encode_png(picture))


def turned(generator: Generator, face: Face, angles: tuple[float, float]) -> Turned | None:
    """The face at these angles by the plain path; None if no face is seen."""
    w_plus = pose_face(face, yaw=angles[0], pitch=angles[1]).w_plus
    seen = load_watcher().angles(generator.preview(w_plus))
    if seen is None:
        return None
    return Turned(angles, w_plus, seen.landmarks)


def look(generator: Generator, w_plus: np.ndarray) -> tuple[Seen | None, np.ndarray]:
    """What is measured in the picture of a latent, and the picture."""
    image = generator.render(w_plus, size=SIZE)
    return load_watcher().all(image), image


def distance(a: Seen, b: Seen | None) -> float:
    """Distance of two descriptors; NaN if no face was seen."""
    if b is None or a.descriptor is None or b.descriptor is None:
        return float("nan")
    return float(np.linalg.norm(a.descriptor - b.descriptor))


if __name__ == "__main__":
    main()
