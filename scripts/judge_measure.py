"""Judges the measuring: `python -m scripts.judge_measure [descriptor] [placing] …`.

descriptor: the fast descriptor beside dlib's own, numbers and time. placing: the same faces
shrunk, turned and pasted into a larger picture. details: what is read from pixels beside labels.
turned: how much the angles of one picture differ when it is enlarged a little, by one look and by
several.
"""

from __future__ import annotations

import argparse
import time

import cv2
import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.face import Face
from facegen.generator import Generator
from facegen.latents import LABELS_PSI
from facegen.learning.labels import read_labels
from facegen.measure.descriptor import FastDescriptor
from facegen.measure.details import detail_values, learn_gaze, save_gaze
from facegen.measure.detector import MEASURE_PX, load_instruments
from facegen.measure.measurer import load_measurer
from facegen.measure.pose import fit_pose, load_shape
from facegen.measure.segments import of_picture
from facegen.pose.head_pose import pose_face
from facegen.weights import ensure_files

FIRST_SEED = 910_000
ZOOMS = (0.96, 0.98, 1.0, 1.02, 1.04)
SCENE_PX = (1300, 900)
PLACES = {
    "512 px": (0, 512),
    "512 px, 15°": (15, 512),
    "220 px": (0, 220),
    "300 px, -25°": (-25, 300),
}
PAIRS = (
    ("gaze_side", "gaze"), ("skin_ita", "skin"), ("hair_lightness", "hair_black"),
    ("hair_lightness", "hair_blond"), ("hair_redness", "hair_red"), ("upper_lip", "lips"),
    ("lower_lip", "lips"), ("mouth_corner_left", "smile"), ("mouth_corner_right", "smile"),
)  # fmt: skip


def judge_descriptor(generator: Generator, faces: int = 20) -> None:
    """Largest differences to dlib, and the time of each."""
    import dlib

    slow = dlib.face_recognition_model_v1(str(ensure_files("dlib-face")["descriptor"]))
    fast = {"one thread": FastDescriptor(threads=1), "all threads": FastDescriptor()}
    differences, times = [], []
    for seed in range(FIRST_SEED, FIRST_SEED + faces):
        picture = generator.render(generator.w_from_seed(seed), size=MEASURE_PX)
        detection = load_instruments().detect(picture)
        if detection is None:
            continue
        points = dlib.points()
        for x, y in detection.landmarks.astype(int):
            points.append(dlib.point(int(x), int(y)))
        shape = dlib.full_object_detection(dlib.rectangle(0, 0, 1, 1), points)
        stamps = [time.perf_counter()]
        theirs = np.array(slow.compute_face_descriptor(picture, shape))
        stamps.append(time.perf_counter())
        chip = dlib.get_face_chip(picture, shape, 150, 0.25)
        for network in fast.values():
            stamp = time.perf_counter()
            ours = network.describe(chip)
            stamps.append(stamps[-1] + time.perf_counter() - stamp)
            differences.append([np.abs(ours - theirs).max(), np.linalg.norm(ours - theirs)])
        times.append(1e3 * np.diff(stamps))
    number, distance = np.max(differences, axis=0)
    print(f"largest difference of a number {number:.1e}, of a face {distance:.1e}")
    for name, ms in zip(("dlib", *fast), np.transpose(times), strict=True):
        print(f"{name}: median {np.median(ms):.1f} ms, min {ms.min():.1f} ms")


def judge_placing(generator: Generator, faces: int = 24) -> None:
    """Median change of each value in its standard deviation between the faces."""
    plain: list[dict[str, float]] = []
    changes: dict[str, list[dict[str, float]]] = {name: [] for name in PLACES}
    for seed in range(FIRST_SEED, FIRST_SEED + faces):
        picture = generator.render(generator.w_from_seed(seed))
        before = load_measurer().measure(picture)
        if before is None:
            continue
        plain.append(before.values)
        for name, (turn, px) in PLACES.items():
            matrix = np.array(cv2.getRotationMatrix2D((px / 2, px / 2), turn, 1), np.float64)
            matrix[:, 2] += np.array(SCENE_PX) / 2 - px / 2
            small = cv2.resize(picture, (px, px), interpolation=cv2.INTER_AREA)
            scene = cv2.warpAffine(small, matrix, SCENE_PX, borderValue=(120, 130, 110))
            for face in load_measurer().measure_all(scene)[:1]:
                values = face.measurement.values | {"roll": face.measurement.values["roll"] + turn}
                distance = float(np.linalg.norm(face.measurement.descriptor - before.descriptor))
                change = {n: v - before.values[n] for n, v in values.items() if n in before.values}
                changes[name].append(change | {"descriptor": distance})
    names = sorted(set.intersection(*[set(one) for one in plain]))
    spread = {name: np.std([one[name] for one in plain]) for name in names}
    for place, rows in changes.items():
        median = {n: np.median([abs(r[n]) for r in rows if n in r]) for n in (*names, "descriptor")}
        shares = sorted(((median[n] / spread[n], n) for n in names), reverse=True)
        print(f"{place}: {len(rows)} of {len(plain)} found; descriptor {median['descriptor']:.3f}")
        print(f"  median value {np.median([s for s, _ in shares]):.2f} sd; most: ", end="")
        print(", ".join(f"{n} {s:.2f}" for s, n in shares[:6]))
        print("  " + ", ".join(f"{n} {median[n]:.2f}" for n in ("yaw", "pitch", "roll", "age")))


def judge_details(generator: Generator, faces: int = 300, *, learn: bool = False) -> None:
    """Correlation of what pixels and landmarks say with the labels, on the first labelled faces."""
    seeds, labels = read_labels()
    seen, pictures, landmarks = [], [], []
    for index in range(faces):
        w_plus = generator.w_from_seed(int(seeds[index]), LABELS_PSI)
        picture = generator.render(w_plus, size=MEASURE_PX)
        detection = load_instruments().detect(picture, describe=False)
        if detection is None:
            continue
        seen.append(index)
        pictures.append(picture)
        landmarks.append(detection.landmarks)
    if learn:
        source = f"{len(seen)} generated faces, truncation {LABELS_PSI}"
        save_gaze(learn_gaze(np.stack(pictures), np.stack(landmarks)), source=source)
    values = [
        detail_values(picture, points, of_picture(picture))
        for picture, points in zip(pictures, landmarks, strict=True)
    ]
    for name, label in PAIRS:
        pair = np.array([[one.get(name, np.nan) for one in values], labels[label][seen]])
        pair = pair[:, np.isfinite(pair).all(axis=0)]
        print(f"{name} ~ {label}: {np.corrcoef(pair)[0, 1]:.2f} on {pair.shape[1]} faces")


def judge_turned(generator: Generator, faces: int = 16) -> None:
    """Standard deviation of the angles between enlargements, by one look and by the median."""
    print("asked yaw: one look, median of looks (yaw, pitch)")
    dials = DialSet.load(generator.space, own=False)
    for yaw in (0, 20, 30, 40):
        spreads = []
        for seed in range(FIRST_SEED, FIRST_SEED + faces):
            face = pose_face(Face.from_seed(generator, seed), dials, yaw=yaw, pitch=0)
            picture = generator.render(face.w_plus, size=MEASURE_PX)
            seen = [_angles_by(_enlarged(picture, zoom)) for zoom in ZOOMS]
            found = np.array([angles for angles in seen if angles is not None])
            spreads += [found.std(axis=0)] if len(found) > 1 else []
        once, several = np.mean(spreads, axis=0)
        print(f"{yaw}: {once[0]:.2f} {once[1]:.2f}, {several[0]:.2f} {several[1]:.2f}")


def _enlarged(picture: np.ndarray, zoom: float) -> np.ndarray:
    middle = (MEASURE_PX - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), 0, zoom)
    return cv2.warpAffine(
        picture, matrix, (MEASURE_PX, MEASURE_PX), flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip


def _angles_by(picture: np.ndarray) -> list[tuple[float, float]] | None:
    """Yaw and pitch by one look, and by the median of several; None if no face is seen."""
    detection = load_instruments().detect(picture, describe=False)
    if detection is None:
        return None
    several = np.median(load_instruments().landmarks_again(picture, detection), axis=0)
    poses = [fit_pose(points, load_shape())[0] for points in (detection.landmarks, several)]
    return [(pose.yaw, pose.pitch) for pose in poses]


def main() -> None:
    """Run what was asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    judges = {
        "descriptor": judge_descriptor, "placing": judge_placing, "details": judge_details,
        "turned": judge_turned,
    }  # fmt: skip
    parser.add_argument("what", nargs="*", help=", ".join(judges))
    parser.add_argument("--learn-gaze", action="store_true", help="Fit gaze_correction.json anew.")
    args = parser.parse_args()
    if unknown := set(args.what) - set(judges):
        parser.error(f"unknown: {', '.join(unknown)}")
    generator = Generator.load()
    for name in args.what or judges:
        print(f"[{name}]")
        if name == "details":
            judge_details(generator, learn=args.learn_gaze)
        else:
            judges[name](generator)


if __name__ == "__main__":
    main()
