"""`sample`: people found by words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.shared import (
    count_progress,
    engine_option,
    folder_option,
    json_option,
    load_generator,
    model_option,
    print_json,
)
from facegen.errors import UsageError
from facegen.files import make_folder
from facegen.latents import DEFAULT_MODEL, DEFAULT_PSI, MAX_SEED

if TYPE_CHECKING:
    from facegen.editing.dial_set import DialSet
    from facegen.explore.find import Found, Search
    from facegen.explore.query import Query

MOST = 10_000
MOST_PEOPLE = 4_194_304


@click.command()
@click.option(
    "--where",
    required=True,
    metavar="SENTENCE",
    help='What they are like, as in "woman, 50-65, glasses" or "age>=50 and glasses>1".',
)
@click.option(
    "--count", type=click.IntRange(1, MOST), default=16, show_default=True,
    help="How many people.",
)  # fmt: skip
@click.option(
    "--diverse", is_flag=True,
    help="Leave out people whom dlib's descriptor takes for one of the others (nearer than 0.6).",
)  # fmt: skip
@folder_option
@click.option(
    "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True,
    help="Each number looks at other people, up to 262,144 each; the same number at the same ones.",
)  # fmt: skip
@click.option(
    "--truncation", type=click.FloatRange(0, 1.5), default=DEFAULT_PSI, show_default=True,
    help="psi of the people looked at: 0 the average face, 1 the full variety.",
)  # fmt: skip
@click.option(
    "--people", type=click.IntRange(1, MOST_PEOPLE), default=None,
    help="Look at no more people than that. [default: 65536, more for more than 16 people]",
)  # fmt: skip
@click.option(
    "--only-seeds", is_flag=True,
    help="Make nobody: only people whom the network draws from a seed as they are.",
)  # fmt: skip
@model_option
@engine_option
@json_option
def sample(
    *,
    where: str,
    count: int,
    diverse: bool,
    out: Path,
    seed: int,
    truncation: float,
    people: int | None,
    only_seeds: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Find people who are as you say, and write a face file of each.

    Many seeds are read without a picture; those who fit most surely are drawn and measured, and
    only people whose pictures fit are written: OUT/seed0000123.png. Where too few fit, people who
    come near are led there with the dials: OUT/seed0000123-made.png, to be edited further. What
    was read is kept in the program's cache, so a second search begins at once.

    \b
    python -m facegen sample --where "woman, 50-65, glasses" --count 100 --diverse --out found
    python -m facegen sample --where "gender<-0.5 and 50<=age<=65 and glasses>1" --out found
    python -m facegen sample --where "man, no beard, looking left" --count 4 --out found --json

    \b
    The middle of two people with glasses:
    python -m facegen sample --where glasses --count 2 --only-seeds --out found
    python -m facegen combine found/*.png --out between.png
    """
    from facegen.editing.dial_set import DialSet
    from facegen.explore.bank import Bank
    from facegen.explore.find import find
    from facegen.explore.screening import Screener
    from facegen.measure.detector import load_instruments
    from facegen.measure.measurer import load_measurer

    if model == DEFAULT_MODEL:
        parsed(where, DialSet.load(own=False))  # a wrong word shows at once
    generator = load_generator(model, engine=engine)
    dials = DialSet.load(generator.space, own=False)
    query = parsed(where, dials)
    load_instruments()
    make_folder(out)
    written: list[dict[str, Any]] = []
    asked = [one.dial for one in query.conditions]
    with count_progress("Finding") as progress:
        search = find(
            query,
            Bank(Screener(generator, dials, psi=truncation)),
            picture=generator.render,
            measure=lambda picture: load_measurer().measure(picture, details=False),
            count=count,
            diverse=diverse,
            make=not only_seeds,
            seed=seed,
            people=people,
            progress=progress,
        )
        for one in search:
            path = out / file_name(one)
            one.face.save(path, one.picture)
            written.append({
                "file": str(path), "seed": one.seed, "psi": one.face.psi, "origin": one.origin,
                "measured": {name: round(one.values[name], 3) for name in asked},
            })  # fmt: skip
            if not as_json:
                click.echo(path)
    if as_json:
        print_json(report(query, search, written, dials))
    else:
        click.echo(told(search), err=True)
    if not written:
        raise UsageError(
            f"Nobody was found: {search.odds} is so, as far as {search.drawn} pictures tell. Ask "
            "for less, or look at more people with --people."
        )


def parsed(text: str, dials: DialSet) -> Query:
    """The sentence as a query.

    Raises:
        ClickException: it cannot be understood or met; shows the place.
    """
    from facegen.explore.query import QueryError, parse

    try:
        return parse(text, dials)
    except QueryError as err:
        line = "".join(c if c.isprintable() else " " for c in text)
        if len(line) > 100 or err.end <= err.start:
            raise
        mark = " " * err.start + "^" * (err.end - err.start)
        raise click.ClickException(f"{err}\n  {line}\n  {mark}") from err


def file_name(one: Found) -> str:
    """Of somebody found."""
    return f"seed{one.seed:07d}{'-made' if one.origin == 'made' else ''}.png"


def told(search: Search) -> str:
    """What a search came to, in one or two sentences."""
    text = (
        f"{search.odds} is so, by {search.looked_at:,} people looked at; {search.drawn:,} pictures "
        "drawn."
    )
    if search.found < search.count:
        text += (
            f" {search.found} of {search.count} people were found"
            + (" who are that different" if search.diverse else "")
            + "; ask for less, or look at more people with --people."
        )
    return text


def report(
    query: Query, search: Search, written: list[dict[str, Any]], dials: DialSet
) -> dict[str, Any]:
    """The search for programs."""
    return {
        "where": str(query),
        "conditions": [
            {
                "dial": one.dial, "low": one.low, "high": one.high,
                "unit": dials.spec(one.dial).unit, "text": one.text,
            }
            for one in query.conditions
        ],
        "odds": str(search.odds),
        "one_in": None if search.odds.one_in is None else round(search.odds.one_in),
        "looked_at": search.looked_at,
        "drawn": search.drawn,
        "people": written,
    }  # fmt: skip
