"""Finding people by words, judged on pictures: `python -m scripts.measure_explore`.

How fast people are screened; whether the odds that readings tell are those of pictures; and for
sentences that one face in a hundred, in thousands and in hundreds of thousands meets, how long
sixteen people take, how different they are, and whether judges that nothing steers by agree. Every
search begins with an empty bank, on people that nothing was chosen on. Writes
docs/results/explore.md and its sheet.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from facegen import DialSet, Generator
from facegen.cli.shared import count_progress
from facegen.evaluation.cached_judges import CachedJudges
from facegen.evaluation.compose import CACHE_DIR, NATURAL_FROM
from facegen.evaluation.judges import Alignment, align
from facegen.evaluation.realism import Realism, learn_realism
from facegen.explore.bank import BLOCK, Bank
from facegen.explore.choosing import distances
from facegen.explore.find import Found, Search
from facegen.explore.query import Query, parse
from facegen.explore.screening import Screener, chances, z_of_seeds
from facegen.files import write_atomic
from facegen.images import encode_jpeg, resized
from facegen.latents import DEFAULT_PSI
from facegen.measure.measurer import load_measurer

DOCS = Path(__file__).resolve().parent.parent / "docs" / "results"
FIRST_SEARCH = 11
"""Searches take numbers from here on, one each: people that nobody looked at before."""
NATURAL, HELD_OUT = 240, 80
AGE_TOLERANCE = 5.0
"""Years by which faceres may differ: about its own error on natural faces."""
TILE_PX = 96
SENTENCES = (
    "woman, 50-65, glasses",
    "man, beard, glasses, smiling",
    "girl, blond hair, not smiling",
    "woman, dark skin, curly hair, glasses",
    "woman, 55-65, grey curly hair, glasses, slight smile, looking left",
    "man, dark skin, beard, glasses, smiling, looking right, hat",
    "woman in her thirties, red hair, glasses, looking left, mouth open",
    "man over 60, moustache, hat, looking right, not smiling",
)
OFTEN = ("woman", "over 40", "glasses", "smiling, woman", "man, beard", "black hair, under 30")
"""Met often enough to be counted on pictures drawn at random."""


@dataclass(frozen=True, eq=False)
class Result:
    """One search.

    Attributes:
        search: As it ended.
        found: Whom it gave.
        first, seconds: When the first and the last came.
    """

    search: Search
    found: list[Found]
    first: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Natural:
    """Unedited people.

    Attributes:
        values: Dial -> value, of each.
        apart: Mean distance between their descriptors.
        realism: What their pictures look like.
        age: Brings the judge's age to our scale.
    """

    values: list[dict[str, float]]
    apart: float
    realism: Realism
    age: Alignment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=16, help="people of each sentence")
    parser.add_argument("--quick", action="store_true", help="two sentences, to try it out")
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder to write to")
    chosen = parser.parse_args()
    begun, busy = time.perf_counter(), os.getloadavg()[0]
    generator = Generator.load()
    dials = DialSet.load(generator.space, own=False)
    looks = CachedJudges(generator, dials, CACHE_DIR / generator.model)
    screener = Screener(generator, dials)
    with tempfile.TemporaryDirectory() as folder:
        speed = speeds(screener, Path(folder) / "speed")
        sentences = SENTENCES[::4] if chosen.quick else SENTENCES
        results = []
        with count_progress("Finding") as progress:
            for k, text in enumerate(sentences):
                bank = Bank(screener, Path(folder) / str(k))
                results.append(look_for(parse(text, dials), bank, FIRST_SEARCH + k, chosen.count))
                progress(k + 1, len(sentences))
    with count_progress("Unedited people") as progress:
        natural = natural_people(generator, dials, looks, progress)
    rows = [row_of(one, natural, looks) for one in results]
    picture = chosen.docs / "pictures" / "explore.jpg"
    write_atomic(picture, encode_jpeg(sheet(results), quality=85))
    spent = time.perf_counter() - begun
    page = chosen.docs / "explore.md"
    often = odds_rows(screener, dials, natural)
    write_atomic(
        page, report(generator.model, speed, rows, results, often, natural, spent, busy).encode()
    )
    print(page.read_text())


def speeds(screener: Screener, folder: Path) -> dict[str, float]:
    """People a second of each step, and of reading what a bank keeps."""
    seeds = np.arange(BLOCK) + 7_000_000
    screener.read(seeds[:64])
    start = time.perf_counter()
    z_of_seeds(seeds)
    z = time.perf_counter() - start
    w = screener.w(seeds)
    mapped = time.perf_counter() - start - z
    start = time.perf_counter()
    for _ in range(4):
        screener.scores(w)
    read = (time.perf_counter() - start) / 4
    bank = Bank(screener, folder)
    bank.grow(4)
    kept = Bank(screener, folder)
    query = parse(
        "woman, 55-65, grey curly hair, glasses, slight smile, looking left", screener.dials
    )
    start = time.perf_counter()
    for index in range(4):
        chances(query, kept.block(index), screener.errors)
    asked = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(4):
        for index in range(4):
            chances(query, kept.block(index), screener.errors)
    again = (time.perf_counter() - start) / 4
    return {
        "seed to z": BLOCK / z,
        "seed to w (z again, mapping)": BLOCK / mapped,
        "w to all readings and the descriptor": BLOCK / read,
        "bank on disk, opened and asked": 4 * BLOCK / asked,
        "bank in memory, asked": 4 * BLOCK / again,
    }


def look_for(query: Query, bank: Bank, seed: int, count: int) -> Result:
    """One search, timed."""
    measurer = load_measurer()
    start = time.perf_counter()
    search = Search(
        query, bank, bank.screener.generator.render,
        lambda picture: measurer.measure(picture, details=False), count=count, seed=seed,
    )  # fmt: skip
    found, first = [], 0.0
    for one in search:
        first = first or time.perf_counter() - start
        found.append(replace(one, picture=resized(one.picture, 2 * TILE_PX)))
    return Result(search, found, first, time.perf_counter() - start)


def natural_people(generator: Generator, dials: DialSet, looks: CachedJudges, progress) -> Natural:  # type: ignore[no-untyped-def]
    """Look at unedited people; what was looked at is kept."""
    features, values, descriptors, ours, theirs = [], [], [], [], []
    for k in range(NATURAL):
        w_plus = generator.w_from_seed(NATURAL_FROM + k, DEFAULT_PSI)
        judged, measured = looks.judged(w_plus), looks.measured(w_plus)
        features.append(judged.features)
        if measured is not None and judged.judgement is not None:
            values.append(dials.in_units(measured.values))
            descriptors.append(measured.descriptor)
            ours.append(values[-1]["age"])
            theirs.append(judged.judgement.age)
        progress(k + 1, NATURAL)
    return Natural(
        values,
        mean_apart(np.array(descriptors)),
        learn_realism(np.array(features[:-HELD_OUT]), np.array(features[-HELD_OUT:])),
        align(np.array(ours), np.array(theirs)),
    )


def row_of(one: Result, natural: Natural, looks: CachedJudges) -> dict[str, float | str]:
    """What a search came to, by instruments and judges."""
    spans = {condition.dial: condition for condition in one.search.query.conditions}
    again, sexes, ages, real = [], [], [], []
    for person in one.found:
        w_plus = person.face.w_plus
        seen, judged = looks.see(w_plus), looks.judged(w_plus)
        again.append(seen is not None and one.search.query.meets(seen))
        real.append(natural.realism.is_natural(judged.features))
        if judged.judgement is None:
            continue
        if "gender" in spans:
            is_man = spans["gender"].low is not None
            sexes.append((judged.judgement.male > 0.5) == is_man)
        if "age" in spans:
            age, span = natural.age(judged.judgement.age), spans["age"]
            low = -np.inf if span.low is None else span.low - AGE_TOLERANCE
            high = np.inf if span.high is None else span.high + AGE_TOLERANCE
            ages.append(low <= age <= high)
    made = sum(person.origin == "made" for person in one.found)
    apart = mean_apart(np.array([person.descriptor for person in one.found]))
    return {
        "sentence": str(one.search.query), "odds": str(one.search.odds),
        "found": len(one.found), "made": made, "drawn": one.search.drawn, "first": one.first,
        "seconds": one.seconds, "apart": apart / natural.apart, "again": share(again),
        "sex": share(sexes), "age": share(ages), "real": share(real),
    }  # fmt: skip


def odds_rows(
    screener: Screener, dials: DialSet, natural: Natural
) -> list[tuple[str, float, float]]:
    """Sentence, and the shares that readings tell and pictures show."""
    readings = screener.read(range(NATURAL_FROM, NATURAL_FROM + NATURAL))
    rows = []
    for text in OFTEN:
        query = parse(text, dials)
        told = float(chances(query, readings, screener.errors).mean())
        rows.append((text, told, share([query.meets(values) for values in natural.values])))
    return rows


def mean_apart(descriptors: np.ndarray) -> float:
    """Mean distance between any two."""
    if len(descriptors) < 2:
        return float("nan")
    apart = distances(descriptors, descriptors)
    return float(apart[np.triu_indices(len(descriptors), 1)].mean())


def share(answers: Sequence[bool]) -> float:
    """How many are so; NaN where nobody was asked."""
    return float(np.mean(answers)) if answers else float("nan")


def sheet(results: Sequence[Result]) -> np.ndarray:
    """A row for each sentence."""
    most = max(len(one.found) for one in results)
    rows = []
    for one in results:
        tiles = [resized(person.picture, TILE_PX) for person in one.found]
        blank = np.full((TILE_PX, TILE_PX, 3), 255, np.uint8)
        rows.append(np.concatenate([*tiles, *[blank] * (most - len(tiles))], axis=1))
    return np.concatenate(rows, axis=0)


def per_cent(value: float | str) -> str:
    return "–" if isinstance(value, str) or np.isnan(value) else f"{100 * value:.0f}%"


def report(
    model: str,
    speed: dict[str, float],
    rows: Sequence[dict[str, float | str]],
    results: Sequence[Result],
    often: Sequence[tuple[str, float, float]],
    natural: Natural,
    spent: float,
    busy: float,
) -> str:
    """The page."""
    total = sum(len(one.found) for one in results)

    def overall(key: str) -> str:
        known = [(float(r[key]), int(r["found"])) for r in rows if not np.isnan(float(r[key]))]
        weight = sum(count for _, count in known)
        return per_cent(sum(value * count for value, count in known) / weight if weight else np.nan)

    means = " | ".join(overall(key) for key in ("again", "sex", "age", "real"))
    found = "\n".join(
        f"| {r['sentence']} | {r['odds']} | {r['found']} | {r['made']} | {r['drawn']} | "
        f"{r['first']:.1f} s | {r['seconds']:.1f} s | {per_cent(r['apart'])} | "
        f"{per_cent(r['again'])} | {per_cent(r['sex'])} | {per_cent(r['age'])} | "
        f"{per_cent(r['real'])} |"
        for r in rows
    )
    speeds_table = "\n".join(f"| {what} | {rate:,.0f} |" for what, rate in speed.items())
    odds_table = "\n".join(
        f"| {text} | {per_cent(told)} | {per_cent(shown)} |" for text, told, shown in often
    )
    return f"""# Finding people by words

Made by `python -m scripts.measure_explore` on {datetime.now(UTC):%Y-%m-%d} ({os.cpu_count()} cores
of {platform.machine()}, {platform.system()}, load {busy:.1f} at the start; `{model}`;
{spent:.0f} s, with the unedited people that earlier runs had looked at). Truncation {DEFAULT_PSI};
nothing was chosen on these people.

## Sixteen people of a sentence

Every search begins with an empty bank: its time holds screening, drawing, measuring and making.

| sentence | odds | found | made | drawn | first | all | apart | again | sex | age | natural |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{found}
| all {total} | | | | | | | | {means} |

- **Made**: no seed gives them; the others are seeds as they are. **Drawn**: full pictures.
- **Apart**: mean distance between their descriptors, of that between {NATURAL} unedited people
  ({natural.apart:.2f}). People who share sex, age and glasses are nearer by nature.
- **Again**: drawn and measured anew, the sentence is met.
- **Sex**, **age**: faceres, which nothing steers by, agrees; the age within the span and
  {AGE_TOLERANCE:.0f} years, on our scale by the unedited people (correlation
  {natural.age.correlation:.2f}).
- **Natural**: features of the picture lie no farther from those of unedited people than 99 % of
  theirs do (EfficientNet-Lite0).

![A row of sixteen for each sentence](pictures/explore.jpg)

## Screening

| step | people a second |
| --- | ---: |
{speeds_table}

A seed's w is what costs, so a bank keeps readings by seed, 372 bytes a person.

## Odds

What readings tell of {NATURAL} people drawn at random, and what their pictures show.

| sentence | told | shown |
| --- | ---: | ---: |
{odds_table}
"""


if __name__ == "__main__":
    main()
