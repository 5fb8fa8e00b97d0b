"""How right the depth of portraits is: order of a head's parts, and parallax when a head turns.

Measured on generated faces, by nothing that the depth is made of: dlib's landmarks say where parts
are, and the network itself turns the head by its dial. Between a picture and the turned one each
place moves by what its depth says: the flow (Farnebäck), free of what any affine motion explains,
is compared with the depth, freed likewise.

    python -m scripts.measure_depth --faces 64 --turned 24
    python -m scripts.measure_depth --sheet docs/results/pictures/depth.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.errors import LatentError
from facegen.face import Face
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_jpeg, resized
from facegen.local import depth
from facegen.measure import segments as networks
from facegen.measure.measurer import load_measurer
from facegen.measure.mesh import load_mesh_reader

FIRST_SEED, TURN_DEG, PX = 3000, 10.0, 256
NOSE, CHIN, JAW_ENDS, EYES, CHEEKS = 30, 8, (0, 16), (36, 45), (4, 12)
SAME_PLACES = {36: 33, 39: 133, 42: 362, 45: 263, 48: 61, 54: 291, 27: 168, 30: 4, 8: 152}
SHEET_SEEDS = (7, 24, 29, 40, 42, 90, 95, 11, 80, 139, 163, 171)
TILE_PX = 192
LIGHT = np.array([-0.4, -0.5, 0.77])
REGIONS = {
    "face": ("skin", "brows", "eyes", "lips"),
    "hair and ears": ("hair", "ears"),
    "neck and clothes": ("neck", "clothes"),
}


def order(generator: Generator, count: int) -> None:
    """Print how often parts of heads lie in the order that they have."""
    found: dict[str, list[bool]] = {}
    unseen = 0
    for seed in range(FIRST_SEED, FIRST_SEED + count):
        face = Face.from_seed(generator, seed, 0.8)
        seen = load_measurer().angles(generator.render(face.w_plus, size=512))
        try:
            cm = depth.of_face(face, generator, size=PX).cm
        except LatentError:
            unseen += 1
            continue
        if seen is None:
            unseen += 1
            continue

        def at(k: int, down: float = 0.0) -> float:
            x, y = seen.landmarks[k] * PX  # noqa: B023
            return float(cm[min(int(y + down * PX), PX - 1), int(np.clip(x, 0, PX - 1))])  # noqa: B023

        nose = at(NOSE)
        told = {
            "nose before both eyes": all(nose > at(k) for k in EYES),
            "nose before the jaw at the ears": all(nose > at(k) for k in JAW_ENDS),
            "eyes before the jaw at the ears": min(at(k) for k in EYES) > min(
                at(k) for k in JAW_ENDS
            ),
            "chin before what is below it": at(CHIN, -0.01) > at(CHIN, 0.06),
            "the side turned to us is nearer": abs(seen.values["yaw"]) < 10
            # The left cheek comes nearer when the face looks to the right.
            or (at(CHEEKS[0]) > at(CHEEKS[1])) == (seen.values["yaw"] > 0),
        }  # fmt: skip
        for name, is_so in told.items():
            found.setdefault(name, []).append(is_so)
    print(f"{count} faces, {unseen} without a face seen")
    for name, values in found.items():
        print(f"| {name} | {sum(values)} of {len(values)} |")


def parallax(generator: Generator, count: int) -> None:
    """Print how well depth explains how the network's own turned pictures move."""
    dials = DialSet.load(generator.space, own=False)
    found: dict[str, list[float]] = {name: [] for name in REGIONS}
    for seed in range(FIRST_SEED + 500, FIRST_SEED + 500 + count):
        face = Face.from_seed(generator, seed, 0.7)
        image, seen = networks.with_picture(generator, face.w_plus)
        cm = depth.of_picture(image, seen, size=PX).cm
        moved = dials.apply(face.w_plus, {"yaw": TURN_DEG, "identity": 0})
        before, after = (
            cv2.cvtColor(
                cv2.resize(one, (PX, PX), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY
            )
            for one in (image, generator.render(moved, size=512))
        )
        flow = cv2.calcOpticalFlowFarneback(before, after, None, 0.5, 5, 21, 5, 7, 1.5, 0)
        back = cv2.calcOpticalFlowFarneback(after, before, None, 0.5, 5, 21, 5, 7, 1.5, 0)
        rows, columns = np.indices((PX, PX)).astype(np.float32)
        there = [columns + flow[..., 0], rows + flow[..., 1]]
        undone = cv2.remap(back, there[0], there[1], cv2.INTER_LINEAR)
        sure = (np.linalg.norm(flow + undone, axis=2) < 1.5) & (cm > depth.PLANE_CM)
        plain = np.column_stack([np.ones(PX * PX), columns.ravel(), rows.ravel()])
        for name, parts in REGIONS.items():
            where = (sure & (seen.mask(*parts) > 0.5)).ravel()
            if where.sum() < 800:
                continue
            motion, near = (
                one.ravel()[where] - plain[where] @ np.linalg.lstsq(
                    plain[where], one.ravel()[where], rcond=None
                )[0]
                for one in (flow[..., 0], cm)
            )  # fmt: skip
            found[name].append(float(np.corrcoef(motion, near)[0, 1]))
    for name, values in found.items():
        if values:
            low = np.percentile(values, 10)
            print(f"| {name} | {np.median(values):.2f} | {low:.2f} | {len(values)} |")


def mesh(generator: Generator, count: int) -> None:
    """Print how far the mesh's points lie from those of dlib, and its angles from ours."""
    apart, angles = [], []
    for seed in range(FIRST_SEED + 1000, FIRST_SEED + 1000 + count):
        image = generator.render(Face.from_seed(generator, seed, 0.8).w_plus, size=512)
        found, seen = load_mesh_reader().read(image), load_measurer().angles(image)
        if found is None or seen is None:
            continue
        eyes = np.linalg.norm(seen.landmarks[36] - seen.landmarks[45])
        for theirs, ours in SAME_PLACES.items():
            off = found.points[ours, :2] - seen.landmarks[theirs]
            apart.append(np.linalg.norm(off) / eyes)
        yaw, pitch, roll = found.placement.angles
        angles.append([yaw - seen.values["yaw"], pitch - seen.values["pitch"],
                       roll - seen.values["roll"]])  # fmt: skip
    off = np.array(angles)
    spread = np.abs(off - off.mean(axis=0)).mean(axis=0)
    print(f"mesh of {len(off)} of {count} faces: {100 * np.mean(apart):.1f} % of the eyes' width")
    print("yaw, pitch, roll apart in the mean", off.mean(axis=0).round(1), "and around that",
          spread.round(1))  # fmt: skip


def sheet(generator: Generator) -> bytes:
    """Varied people, their depth, and that lit from the upper left."""
    columns = []
    for seed in SHEET_SEEDS:
        face = Face.from_seed(generator, seed, 0.8)
        image = resized(generator.render(face.w_plus, size=512), TILE_PX)
        found = depth.of_face(face, generator, size=512)
        grey = cv2.resize((found.picture() >> 8).astype(np.uint8), (TILE_PX, TILE_PX),
                          interpolation=cv2.INTER_AREA)  # fmt: skip
        cm = cv2.resize(found.cm, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
        down, right = np.gradient(cm, 1 / (TILE_PX * found.mesh.placement.scale))
        normal = np.dstack([-right, -down, np.ones_like(cm)])
        normal /= np.linalg.norm(normal, axis=2, keepdims=True)
        lit = (255 * (normal @ LIGHT).clip(0, 1)).astype(np.uint8)
        columns.append(np.vstack([image, *(np.dstack([one] * 3) for one in (grey, lit))]))
    half = len(columns) // 2
    return encode_jpeg(
        np.vstack([np.hstack(columns[:half]), np.hstack(columns[half:])]), quality=85
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=64)
    parser.add_argument("--turned", type=int, default=24)
    parser.add_argument("--only", choices=("mesh", "order", "parallax"))
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    generator = Generator.load()
    if args.sheet:
        write_atomic(args.sheet, sheet(generator))
        return
    for name, of in {"mesh": mesh, "order": order, "parallax": parallax}.items():
        if args.only in (None, name):
            of(generator, args.turned if name == "parallax" else args.faces)


if __name__ == "__main__":
    main()
