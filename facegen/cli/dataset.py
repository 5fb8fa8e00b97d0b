"""`dataset`: many pictures of saved or new people, with a manifest."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facegen.cli.config import (
    ConfiguredCommand,
    Listed,
    NeededOption,
    config_text,
    is_from_file,
)
from facegen.cli.shared import (
    count_progress,
    hold_person_option,
    json_option,
    load_generator,
    model_option,
    print_json,
    yes_option,
)
from facegen.cli.sweep import confirm_many
from facegen.errors import UsageError
from facegen.latents import DEFAULT_PSI, MAX_SEED

if TYPE_CHECKING:
    from facegen.datasets.plan import Plan
    from facegen.editing.dial_set import DialSet
    from facegen.face import Face
    from facegen.generator import Generator

RAY = "ray"
CONFIG_FILE = "dataset.toml"


@click.command(cls=ConfiguredCommand)
@click.argument("faces", nargs=-1, type=click.Path(path_type=Path))
@click.option("--people", type=click.IntRange(1), help="Number of new people, instead of FACES.")
@click.option(
    "--balance",
    type=Listed(str),
    default="",
    metavar="LIST",
    help="With --people: the same number of each kind, by age,gender,skin,pose.",
)
@click.option(
    "--own-dials/--no-own-dials",
    help="Let --balance name your own dials, too; dataset.json then names them.",
)
@click.option(
    "--truncation",
    type=click.FloatRange(0, 1.2),
    default=DEFAULT_PSI,
    show_default=True,
    help="psi of new people.",
)
@click.option(
    "--max-angle",
    type=float,
    default=40.0,
    show_default=True,
    help="Yaw from minus to plus this, in degrees; pitch ends at 15.",
)
@click.option("--step", type=float, default=5.0, show_default=True, help="Of the grid, degrees.")
@click.option(
    "--random",
    "random_count",
    type=int,
    default=100,
    show_default=True,
    help="Random combinations of rotation, gaze, expression and roll after the grid.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, MAX_SEED),
    default=0,
    show_default=True,
    help="Decides the people and the random combinations; the same seed gives the same dataset.",
)
@click.option(
    "--size",
    type=click.Choice(["256", "512", "1024", "2048"]),
    default="1024",
    show_default=True,
    help="Edge of the pictures, pixels.",
)
@click.option(
    "--upscale",
    type=click.Choice(["bilinear", "lanczos", "sr"]),
    default="lanczos",
    show_default=True,
    help="How pictures above 1024 px are made.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes; each takes whole people, or a share of one.",
)
@click.option(
    "--batch",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Pictures drawn at once: faster on a GPU, the same on a CPU.",
)
@click.option(
    "--address",
    help="With --engine ray: a running cluster, auto or ray://HOST:PORT. "
    "[this machine, --workers processes]",
)
@click.option(
    "--measure",
    type=click.Choice(["all", "angles", "none"]),
    default="all",
    show_default=True,
    help="What each picture's record says of it.",
)
@click.option(
    "--depth/--no-depth",
    help="Beside each picture its depth, depth/PERSON/CELL.png: 16 bits of grey, near is bright.",
)
@hold_person_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    cls=NeededOption,
    help="Folder of the dataset; an unfinished one is continued.",
)
@yes_option
@model_option
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    help="How to run the network (see `bench`), or `ray` for a cluster.",
)
@json_option
def dataset(
    faces: tuple[Path, ...],
    *,
    people: int | None,
    balance: str,
    own_dials: bool,
    truncation: float,
    max_angle: float,
    step: float,
    random_count: int,
    seed: int,
    size: str,
    upscale: str,
    workers: int,
    batch: int,
    address: str | None,
    measure: str,
    depth: bool,
    person_steps: int,
    out: Path,
    yes: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Make a dataset: a grid of poses, then random combinations, for every person.

    If it is interrupted, the same command continues where it stopped.

    \b
    python -m facegen dataset face.png --max-angle 40 --step 10 --random 100 --out data
    python -m facegen dataset --people 1000 --balance age,gender --random 20 --out people
    python -m facegen dataset --config people/dataset.toml --seed 1 --out others
    """
    from facegen.datasets.folder import finish, is_finished, open_folder
    from facegen.datasets.people import new_people, open_people
    from facegen.datasets.plan import Plan
    from facegen.editing.dial_set import DialSet
    from facegen.files import write_atomic

    if faces and is_from_file("people"):
        people = None
    if faces and is_from_file("balance"):
        balance, own_dials = "", False
    if bool(faces) == bool(people):
        raise UsageError("Name faces or give --people N, one of the two.")
    if address and engine != RAY:
        raise UsageError("--address is of a Ray cluster; give --engine ray with it.")
    if own_dials and not balance:
        raise UsageError("--own-dials is for --balance; name there the dials to balance by.")
    if balance and not people:
        raise UsageError("--balance chooses among new people; give --people N with it.")
    plan = Plan(
        max_angle, step, random_count, seed, int(size), upscale, measure=measure,
        person_steps=person_steps, batch=batch, depth=depth,
    )  # fmt: skip
    each = len(plan.cells(0))
    if people:
        confirm_many(people * each, yes=yes, size=int(size))
    generator = load_generator(model, engine="auto" if engine == RAY else engine)
    own: dict[str, str] = {}
    if people:
        kinds = [word.strip() for word in balance.split(",") if word.strip()]
        dials = DialSet.load(generator.space, own=own_dials) if kinds else None
        chosen = new_people(
            generator, people, seed=seed, psi=truncation, balance=kinds, dials=dials
        )
        own = {} if dials is None else _own_dials(dials, kinds)
    else:
        chosen = open_people(faces, generator.space, warn=lambda text: click.echo(text, err=True))
        confirm_many(len(chosen) * each, yes=yes, size=int(size))
    open_folder(out, plan, chosen, generator.model, own_dials=own)
    if not (out / CONFIG_FILE).exists():
        config = config_text(people=people, balance=balance, own_dials=own_dials)
        write_atomic(out / CONFIG_FILE, config.encode())
    count = len(chosen) * each
    if not is_finished(out):
        _make(out, plan, chosen, generator, workers, model=model, engine=engine, address=address)
        count = finish(out, plan, chosen)
    if as_json:
        print_json({"folder": str(out), "people": len(chosen), "pictures": count})
    else:
        click.echo(out)


def _own_dials(dials: DialSet, balance: list[str]) -> dict[str, str]:
    """The own dials that choose people, with the SHA-256 of their files."""
    from facegen.directions.user_dials import own_bytes

    chosen = [name for name in balance if name in dials.own]
    return {name: hashlib.sha256(own_bytes(dials.own[name])).hexdigest() for name in chosen}


def _make(
    out: Path,
    plan: Plan,
    people: list[tuple[str, Face]],
    generator: Generator,
    workers: int,
    *,
    model: str,
    engine: str,
    address: str | None,
) -> None:
    total = len(people) * len(plan.cells(0))
    finished = 0
    with count_progress("Making pictures") as progress:

        def done(more: int) -> None:
            nonlocal finished
            finished += more
            progress(finished, total)

        if engine == RAY:
            from facegen.datasets.ray_runner import make_on_ray

            make_on_ray(out, plan, people, model=model, address=address, workers=workers, done=done)
        elif workers > 1:
            from facegen.datasets.local_runner import make_in_processes

            make_in_processes(
                out, plan, people, model=model, engine=engine, workers=workers, done=done
            )
        else:
            from facegen.datasets.job import Tools
            from facegen.datasets.local_runner import make_here
            from facegen.editing.dial_set import DialSet
            from facegen.measure.measurer import load_measurer

            dials = DialSet.load(generator.space, own=False)
            make_here(out, plan, people, Tools(generator, dials, load_measurer()), done=done)
