"""Measure sweeps on faces that were not used for learning, and write docs/results/pose.md.

`python -m scripts.measure_sweep [--faces 32] [--steps 5] [--out docs/results/pose.md]`
Every face is swept twice: plainly, and with the person held.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.face import Face
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import encode_jpeg
from facegen.measure.measurer import Measurer, load_measurer
from facegen.optimise.identity import IdentityOptimiser
from facegen.sweeps.export import contact_sheet
from facegen.sweeps.grid import make_cells, parse_range
from facegen.sweeps.sweep import Frame, Sweep

FIRST_SEED = 950_000  # learning and judging dials never go there
SIZE = 512
YAWS = "-40:40:10"
PITCHES = "-15:15:15"
DRIFTS = (("age", "years"), ("smile", "sd"), ("eye_open", "sd"))
SPREAD_SEEDS = 48
COST_YAWS, COST_PITCHES, COST_FRAMES = "-40:40:5", "-10:10:10", 51
PICTURE_FACES = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=int, default=32)
    parser.add_argument("--steps", type=int, default=5, help="that hold the person")
    parser.add_argument("--out", type=Path, default=Path("docs/results/pose.md"))
    chosen = parser.parse_args()
    generator, measurer = Generator.load(), load_measurer()
    dials = DialSet.load(generator.space, own=False)
    seeds = range(FIRST_SEED, FIRST_SEED + chosen.faces)
    spread = natural_spread(generator)
    optimiser = IdentityOptimiser(generator, chosen.steps)
    turned: list[Frame] = []
    held: list[Frame] = []
    held_seconds = 0.0
    sheets: list[np.ndarray] = []
    grid = make_cells(parse_range(YAWS), parse_range(PITCHES))
    for seed in seeds:
        face = Face.from_seed(generator, seed)
        turned += Sweep(generator, face, dials, measurer, SIZE).frames(grid)
        start = time.perf_counter()
        frames = list(
            Sweep(generator, face, dials, measurer, SIZE, optimiser=optimiser).frames(grid)
        )
        held_seconds += time.perf_counter() - start
        held += frames
        if len(sheets) < PICTURE_FACES:
            sheets.append(contact_sheet(frames, edge=128))
        print(f"seed {seed} done", flush=True)
    pictures = chosen.out.parent / "pictures" / "pose.jpg"
    write_atomic(pictures, encode_jpeg(np.concatenate(sheets), quality=85))
    tables = report(turned, held, spread, len(seeds), chosen.steps, held_seconds / len(held))
    text = tables + cost_section(cost(generator, dials, measurer))
    write_atomic(chosen.out, text.encode())
    print(chosen.out)


def natural_spread(generator: Generator) -> dict[str, float]:
    """Standard deviation of each measure between people."""
    seen = []
    for seed in range(FIRST_SEED + 10_000, FIRST_SEED + 10_000 + SPREAD_SEEDS):
        found = load_measurer().measure(generator.render(generator.w_from_seed(seed), size=SIZE))
        seen += [found.values] if found else []
    return {name: float(np.std([values[name] for values in seen])) for name, _ in DRIFTS}


def cost(
    generator: Generator, dials: DialSet, measurer: Measurer
) -> tuple[float, float, float, float]:
    """Seconds of bare pictures, of an unmeasured sweep, with angles, and with everything."""
    face = Face.from_seed(generator, FIRST_SEED)
    cells = make_cells(parse_range(COST_YAWS), parse_range(COST_PITCHES))
    latents = [Sweep(generator, face, dials).face_of(cell)[0].w_plus for cell in cells]
    start = time.perf_counter()
    for w_plus in latents:
        generator.render(w_plus)
    times = [time.perf_counter() - start]
    for how in ("none", "angles", "all"):
        start = time.perf_counter()
        for _ in Sweep(generator, face, dials, measurer, measure=how).frames(cells):
            pass
        times.append(time.perf_counter() - start)
    return times[0], times[1], times[2], times[3]


def errors(frames: Iterable[Frame], name: str) -> np.ndarray:
    """Measured minus requested, degrees; frames without a face left out."""
    return np.array(
        [
            f.measurement.values[name] - ((f.cell.yaw if name == "yaw" else f.cell.pitch) or 0.0)
            for f in frames
            if f.measurement is not None
        ]
    )


def cross_talk(frames: list[Frame], *, still: str, marked: bool = True) -> tuple[float, float]:
    """How far one angle strays from its mean while the other is swept, degrees.

    Returns:
        The mean over all frames, and the mean over sweeps of the largest.
    """
    lines: dict[tuple[int, object], list[float]] = {}
    per_face = len(make_cells(parse_range(YAWS), parse_range(PITCHES)))
    for place, frame in enumerate(frames):
        if frame.measurement is not None and (marked or frame.is_reachable):
            key = (place // per_face, getattr(frame.cell, still))
            lines.setdefault(key, []).append(frame.measurement.values[still])
    strays = [np.abs(np.array(line) - np.mean(line)) for line in lines.values()]
    return float(np.concatenate(strays).mean()), float(np.mean([s.max() for s in strays]))


def drift(frames: list[Frame], name: str) -> float:
    """Mean change of a measure from the frontal frame along level sweeps, in its own unit."""
    changes: list[float] = []
    front: float | None = None
    per_face = len(make_cells(parse_range(YAWS), parse_range(PITCHES)))
    for first in range(0, len(frames), per_face):
        level = [f for f in frames[first : first + per_face] if f.cell.pitch == 0 and f.measurement]
        front = next(
            (f.measurement.values[name] for f in level if f.cell.yaw == 0 and f.measurement), None
        )
        if front is not None:
            changes += [
                abs(f.measurement.values[name] - front)
                for f in level
                if f.cell.yaw and f.measurement
            ]
    return float(np.mean(changes))


def numbers(turned: list[Frame], spread: dict[str, float]) -> list[tuple[str, float, str, str]]:
    """What is measured, how much, its unit, and what is wanted."""
    reached = [f for f in turned if f.is_reachable]
    lost = sum(f.measurement is None for f in turned)
    near = [f.identity for f in turned if f.identity is not None and abs(f.cell.yaw or 0) <= 20]
    level = [f.identity for f in turned if f.identity is not None and f.cell.pitch == 0]
    every = [f.identity for f in turned if f.identity is not None]
    unmarked = [f.identity for f in reached if f.identity is not None]
    pitch_strays, yaw_strays = (cross_talk(turned, still=name) for name in ("pitch", "yaw"))
    return [
        ("yaw error, mean absolute", np.abs(errors(turned, "yaw")).mean(), "°", "2°"),
        ("… pictures not marked as missed", np.abs(errors(reached, "yaw")).mean(), "°", ""),
        ("pitch error, mean absolute", np.abs(errors(turned, "pitch")).mean(), "°", "2.5°"),
        ("… pictures not marked as missed", np.abs(errors(reached, "pitch")).mean(), "°", ""),
        ("pitch deviation in a yaw sweep, mean", pitch_strays[0], "°", ""),
        ("… largest, mean over sweeps", pitch_strays[1], "°", "2.5°"),
        ("… largest, pictures not marked as missed",
         cross_talk(turned, still="pitch", marked=False)[1], "°", ""),
        ("yaw deviation in a pitch sweep, mean", yaw_strays[0], "°", ""),
        ("… largest, mean over sweeps", yaw_strays[1], "°", "2.5°"),
        ("identity, median within ±20° yaw", np.median(near), "", "0.30"),
        ("identity, median within ±40° yaw", np.median(every), "", "0.42"),
        ("… at pitch 0 alone", np.median(level), "", ""),
        ("pictures under 0.60", 100 * np.mean(np.array(every) < 0.6), " %", "95 %"),
        ("… pictures not marked as missed", 100 * np.mean(np.array(unmarked) < 0.6), " %", ""),
        ("age change in a yaw sweep", drift(turned, "age"), " years", "3 years"),
        ("smile change", drift(turned, "smile") / spread["smile"], " sd", "0.35 sd"),
        ("eye opening change", drift(turned, "eye_open") / spread["eye_open"], " sd", "0.35 sd"),
        ("pictures marked as missed", 100 * (1 - len(reached) / len(turned)), " %", ""),
        ("pictures without a detected face", 100 * lost / len(turned), " %", "0 %"),
    ]  # fmt: skip


def report(
    turned: list[Frame],
    held: list[Frame],
    spread: dict[str, float],
    faces: int,
    steps: int,
    seconds: float,
) -> str:
    """The document up to its section on cost."""
    machine = f"{os.cpu_count()} cores of {platform.machine()}"
    both = zip(numbers(turned, spread), numbers(held, spread), strict=True)
    table = "\n".join(
        f"| {name} | {plain:.2f}{unit} | {kept:.2f}{unit} | {goal} |"
        for (name, plain, unit, goal), (_, kept, _, _) in both
    )
    return f"""# Turned faces

Made by `python -m scripts.measure_sweep --faces {faces}` on {datetime.now(UTC):%Y-%m-%d},
{machine}.

{faces} faces that were not used for learning (seeds {FIRST_SEED} on), yaw {YAWS}, pitch {PITCHES},
pictures of {SIZE} px, measured with 68 landmarks (a model trained on iBUG 300-W: non-commercial)
and dlib's face descriptor. *Identity* is the descriptor distance to the frontal picture of the same
face; dlib takes two pictures closer than 0.6 for one person. *Plain* is `sweep` without further
options; *held* is `--hold-person {steps}`, in the app "Hold the person closely", which took
{seconds:.1f} s a picture ([what it costs](performance.md#gradients)).

![Faces turned and nodding, with the person held, generated](pictures/pose.jpg)

| | plain | held | wanted |
| --- | ---: | ---: | ---: |
{table}

The models that measure here also steer the sweep: small previews of each face decide which angles
are asked for, and held pictures are corrected with the same descriptor. So these are not the
numbers of an independent measurement. A picture is marked as missed (`is_reachable: false`) if its
angles were predicted to be off by 3° or more (with the person held: are off by that much), if no
face was found in it or in a preview near its angles, or if its landmarks were not reliable. Latents
stay in the region where the network draws faces: a face that would fall apart before the angle is
reached is drawn at a smaller angle, and marked.

"""


def cost_section(seconds: tuple[float, float, float, float]) -> str:
    """What a sweep takes beside its bare pictures."""
    bare, none, angles, everything = seconds
    return f"""## Cost

A sweep of {COST_FRAMES} pictures of 1024 px takes {none:.1f} s without measuring the pictures
({none / bare:.2f} times the {bare:.1f} s of drawing alone), {angles:.1f} s with angles
({angles / bare:.2f} times) and {everything:.1f} s with everything ({everything / bare:.2f} times).
Wanted: 1.15 times and 2 s, here {1.15 * bare + 2:.1f} s. Drawing alone took
{1000 * bare / COST_FRAMES:.0f} ms a picture; more than the 67 ms of
[performance.md](performance.md) means that the machine did other work at the time.
"""


if __name__ == "__main__":
    main()
