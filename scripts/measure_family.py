"""Averages and children, judged on pictures: `python -m scripts.measure_family`.

Parents are random faces. Of every result: whether the instruments see a face; whether the picture
is as natural as unedited ones, by a network that nothing here steers by
(`facegen.evaluation.realism`); how far dlib's descriptor puts it from its parents, and from the
other results of its kind. The parents are judged beside. Writes docs/results/family.md and its
sheet; what was looked at is kept, so that a second run goes on from there.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facegen import DialSet, Face, Generator
from facegen.cli.shared import count_progress
from facegen.evaluation.cached_judges import CachedJudges
from facegen.evaluation.compose import CACHE_DIR, NATURAL_FROM
from facegen.evaluation.realism import Realism, learn_realism
from facegen.explore.family import average, children
from facegen.explore.mixing import mixer_of
from facegen.explore.screening import Readings, Screener
from facegen.files import write_atomic
from facegen.images import encode_jpeg, resized
from facegen.latents import DEFAULT_PSI, NUM_WS
from facegen.measure.measurer import Measurement
from facegen.protocols import Progress

DOCS = Path(__file__).resolve().parent.parent / "docs" / "results"
PARENTS_FROM, PARENTS = 6_100_000, 100  # No other command, and no earlier version, drew these.
KINDS_FROM, LOOKED_AT, TENS = 6_200_000, 12_000, 3
NATURAL, HELD_OUT = 300, 120
PICKS_SEED = 13
KIN = 8
TILE_PX, GAP_PX = 112, 8
SHEET_ROWS = 5
SHEET_CHILDREN = 7
KINDS: tuple[tuple[str, str, Callable[[Readings], np.ndarray]], ...] = (
    ("women over 45", "age", lambda r: (r.of("gender") < -0.5) & (r.of("age") > 45)),
    ("people under 12", "age", lambda r: r.of("age") < 12),
    ("grey people", "hair_gray", lambda r: r.of("hair_gray") > 1.5),
    ("people with dark skin", "skin", lambda r: r.of("skin") > 1.5),
    ("laughing people", "smile", lambda r: r.of("smile") > 1.2),
)
"""Who, the dial that they share, and who counts."""


@dataclass(frozen=True, eq=False)
class Made:
    """A face, and of whom it was made."""

    face: Face
    parents: tuple[Face, ...]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parents", type=int, default=PARENTS, help="random faces to begin with")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder to write to")
    chosen = parser.parse_args()
    generator = Generator.load()
    dials = DialSet.load(generator.space, own=False)
    looks = CachedJudges(generator, dials, CACHE_DIR / generator.model)
    with count_progress("Unedited faces") as progress:
        realism = natural_faces(generator, looks, progress)
    seeds = range(PARENTS_FROM, PARENTS_FROM + chosen.parents)
    parents = [Face.from_seed(generator, seed, DEFAULT_PSI) for seed in seeds]
    cases = {"unedited faces: the parents": [Made(one, ()) for one in parents]}
    cases |= make_cases(generator, parents)
    with count_progress("Looking") as progress:
        table = judge_cases(cases, parents, looks, realism, progress)
    with count_progress("Tens of a kind") as progress:
        kinds = judge_kinds(generator, dials, looks, progress)
    picture = chosen.docs / "pictures" / "family.jpg"
    write_atomic(picture, encode_jpeg(sheet(generator, parents, looks), quality=85))
    page = chosen.docs / "family.md"
    write_atomic(page, report(table, kinds, chosen.parents, generator.model).encode())
    print(page.read_text())


def natural_faces(generator: Generator, looks: CachedJudges, progress: Progress) -> Realism:
    """Learn what unedited pictures look like."""
    features = []
    for k in range(NATURAL):
        features.append(looks.features(generator.w_from_seed(NATURAL_FROM + k, DEFAULT_PSI)))
        progress(k + 1, NATURAL)
    return learn_realism(np.array(features[:-HELD_OUT]), np.array(features[-HELD_OUT:]))


def make_cases(generator: Generator, parents: Sequence[Face]) -> dict[str, list[Made]]:
    """Averages and children of parents picked at random."""
    rng = np.random.RandomState(PICKS_SEED)

    def picks(size: int, times: int) -> list[tuple[Face, ...]]:
        chosen = (rng.choice(len(parents), size, replace=False) for _ in range(times))
        return [tuple(parents[k] for k in some) for some in chosen]

    def averages(
        some: list[tuple[Face, ...]], weights: list[float] | None, plain: bool
    ) -> list[Made]:
        return [Made(average(few, weights, generator=generator, plain=plain), few) for few in some]

    pairs, threes, tens = picks(2, 30), picks(3, 20), picks(10, 25)
    kin = [
        Made(child, (a, b))
        for number, (a, b) in enumerate(pairs[:KIN])
        for child in children(a, b, generator=generator, count=8, seed=number)
    ]
    distinct = {
        "average of 2": averages(pairs, None, False),
        "average of 2, weights 3 and 1": averages(pairs[:20], [3, 1], False),
        "average of 3": averages(threes, None, False),
        "average of 10": averages(tens, None, False),
        f"children: 8 of each of {KIN} pairs": kin,
    }
    together = [made for some in distinct.values() for made in some]
    return distinct | {
        "all of these": together,
        "plain mean of 10": averages(tens, None, True),
    }


def judge_cases(
    cases: dict[str, list[Made]],
    parents: Sequence[Face],
    looks: CachedJudges,
    realism: Realism,
    progress: Progress,
) -> list[dict[str, str]]:
    """One row of the table for each case."""
    total, done = sum(len(some) for some in cases.values()), 0
    known = {one.w_plus.tobytes(): looks.measured(one.w_plus) for one in parents}
    strangers = median_distance([m for m in known.values() if m is not None])
    rows = []
    for name, some in cases.items():
        seen: list[Measurement] = []
        natural, percentiles, to_parents = [], [], []
        for made in some:
            features = looks.features(made.face.w_plus)
            natural.append(realism.is_natural(features))
            percentiles.append(realism.percentile(features))
            found = looks.measured(made.face.w_plus)
            if found is not None:
                seen.append(found)
                for parent in made.parents:
                    if (other := known[parent.w_plus.tobytes()]) is not None:
                        to_parents.append(found.distance(other))
            done += 1
            progress(done, total)
        near = np.array(to_parents)
        rows.append({
            "": name,
            "pictures": str(len(some)),
            "face seen": f"{len(seen) / len(some):.0%}",
            "natural": f"{np.mean(natural):.1%}",
            "farther out than": f"{np.median(percentiles):.0%}",
            "to a parent": f"{np.median(near):.2f}" if len(near) else "–",
            "nearer than strangers": f"{(near < strangers).mean():.0%}" if len(near) else "–",
            "to each other": f"{median_distance(seen):.2f}",
        })  # fmt: skip
    return rows


def judge_kinds(
    generator: Generator, dials: DialSet, looks: CachedJudges, progress: Progress
) -> list[dict[str, str]]:
    """What averages of ten of a kind come to, by their pictures."""
    mixer = mixer_of(generator)
    everybody = Screener(generator, dials).read(range(KINDS_FROM, KINDS_FROM + LOOKED_AT))
    rows = []
    for number, (name, dial, who) in enumerate(KINDS):
        seeds = everybody.seeds[who(everybody)][: 10 * TENS].tolist()
        some = [Face.from_seed(generator, seed, DEFAULT_PSI) for seed in seeds]
        tens = [some[k : k + 10] for k in range(0, len(some) - 9, 10)]
        even = np.full((10, NUM_WS), 0.1)
        ways = {
            "parents": some,
            "average": [average(ten, generator=generator) for ten in tens],
            "without limits": [
                Face.from_w_plus(mixer.mix(np.stack([face.w_plus for face in ten]), even))
                for ten in tens
            ],
            "plain mean": [average(ten, generator=generator, plain=True) for ten in tens],
        }
        unit = {"years": " years", "sd": ""}[dials.spec(dial).unit]
        row = {"tens": f"{len(tens)} of {name}", "dial": dial}
        rows.append(
            row | {way: f"{seen_on(looks, made, dial)}{unit}" for way, made in ways.items()}
        )
        progress(number + 1, len(KINDS))
    return rows


def seen_on(looks: CachedJudges, faces: Sequence[Face], dial: str) -> str:
    """The mean of a dial on pictures, in its unit."""
    seen = [found[dial] for face in faces if (found := looks.see(face.w_plus))]
    return f"{np.mean(seen):.1f}" if seen else "no face"


def median_distance(seen: Sequence[Measurement]) -> float:
    """Of descriptors, over all pairs."""
    pairs = [a.distance(b) for k, a in enumerate(seen) for b in seen[k + 1 :]]
    return float(np.median(pairs)) if pairs else float("nan")


def sheet(generator: Generator, parents: Sequence[Face], looks: CachedJudges) -> np.ndarray:
    """Pairs with their average and children; then ten people with both their averages."""

    def tiles(faces: Sequence[Face]) -> np.ndarray:
        pictures = [resized(looks.picture(face.w_plus), TILE_PX) for face in faces]
        return np.concatenate(pictures, axis=1)

    gap = np.full((TILE_PX, GAP_PX, 3), 255, np.uint8)
    rows = []
    for k in range(SHEET_ROWS):
        a, b = parents[2 * k : 2 * k + 2]
        kin = children(a, b, generator=generator, count=SHEET_CHILDREN, seed=k)
        between = average([a, b], generator=generator)
        rows.append([tiles([a, b]), gap, tiles([between]), gap, tiles(kin), gap[:, :0]])
    for k in range(2):
        ten = parents[10 + 10 * k : 20 + 10 * k]
        made = [average(ten, generator=generator), average(ten, generator=generator, plain=True)]
        rows.append([tiles(ten[:8]), gap, tiles(made[:1]), gap, tiles(made[1:])])
    lines = [np.concatenate(row, axis=1) for row in rows]
    width = max(line.shape[1] for line in lines)
    return np.concatenate([
        np.pad(line, ((0, GAP_PX), (0, width - line.shape[1]), (0, 0)), constant_values=255)
        for line in lines
    ])  # fmt: skip


def report(
    table: list[dict[str, str]], kinds: list[dict[str, str]], parents: int, model: str
) -> str:
    """The page, Markdown."""
    option = "" if parents == PARENTS else f" --parents {parents}"
    return f"""# Averages and children

Made by `python -m scripts.measure_family{option}` on {datetime.now(UTC):%Y-%m-%d}
({os.cpu_count()} cores of {platform.machine()}, {platform.system()}; `{model}`). Parents are random
faces (seeds {PARENTS_FROM} and up, truncation {DEFAULT_PSI}) that nobody had looked at before:
nothing was chosen on them.

{markdown(table)}

- **Face seen**: by the instruments that measure pictures.
- **Natural**: features of the picture by EfficientNet-Lite0 lie no farther from those of unedited
  faces than 99 % of other unedited faces do ({NATURAL} faces, seeds {NATURAL_FROM} and up,
  {HELD_OUT} of them for the limit). **Farther out than** so many of the unedited faces, in the
  median: 50 % is as usual as they are, less is more ordinary.
- **To a parent**: distance of dlib's descriptors, median; **nearer than strangers**: the share that
  is nearer to a parent than two random parents are to each other, in the median.
- **To each other**: the same distance between results of a row, median. It tells how distinct they
  are: the nearer it is to that of the parents, the less do all results look alike. Children of a
  pair are siblings, and those of one parent in two pairs half siblings.

## Ten of a kind

What all parents share must not be exaggerated. Tens of people who have something in common (seeds
{KINDS_FROM} and up), and what is measured of it on the pictures, on average: years, or standard
deviations. "Without limits" is the same mixture before its readings are kept near the parents',
"plain mean" the mean of the latents.

{markdown(kinds)}

![Pairs with their average and children, and tens with both averages](pictures/family.jpg)

Upper rows: two parents, their average, seven children. Lower rows: eight of ten parents, the
average of all ten, and their plain mean.
"""


def markdown(rows: list[dict[str, str]]) -> str:
    """Rows as a table, the first column to the left."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "| --- |" + " ---: |" * (len(names) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row.values()) + " |" for row in rows)])


if __name__ == "__main__":
    main()
