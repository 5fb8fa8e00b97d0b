"""`dataset`: many pictures of saved or new people, with a manifest."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.shared import (
    count_progress,
    json_option,
    load_generator,
    model_option,
    print_json,
)
from facegen.cli.sweep import MOST_STEPS, confirm_many
from facegen.errors import UsageError
from facegen.latents import DEFAULT_PSI, MAX_SEED

if TYPE_CHECKING:
    from facegen.datasets.job import Plan, Task
    from facegen.face import Face

RAY = "ray"


@click.command()
@click.argument("faces", nargs=-1, type=click.Path(path_type=Path))
@click.option("--people", type=click.IntRange(1), help="So many new people instead of FACES.")
@click.option(
    "--balance",
    default="",
    metavar="LIST",
    help="Of age,gender,skin,pose: as many people of each kind, with --people.",
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
    help="Draws the people and the random combinations; the same again, the same dataset.",
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
    "--hold-person",
    "person_steps",
    type=click.IntRange(0, MOST_STEPS),
    default=0,
    show_default=True,
    metavar="STEPS",
    help="Bring each turned picture back to the person: 5 is good, and some thirty times "
    "slower on a CPU.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the dataset; the same folder goes on where it stopped.",
)
@click.option("--yes", is_flag=True, help="Do not ask before making very many pictures.")
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
    person_steps: int,
    out: Path,
    yes: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Make a dataset: a grid of poses, then random combinations, for every person.

    Cut off at any moment, the same command goes on where it stopped.

    \b
    python -m facegen dataset face.png --max-angle 40 --step 10 --random 100 --out data
    python -m facegen dataset --people 1000 --balance age,gender --random 20 --out crowd
    """
    from facegen.datasets.job import Plan, finish, is_finished, open_folder
    from facegen.datasets.people import new_people, open_people

    if bool(faces) == bool(people):
        raise UsageError("Name faces or give --people N, one of the two.")
    if address and engine != RAY:
        raise UsageError("--address is of a Ray cluster; give --engine ray with it.")
    if balance and not people:
        raise UsageError("--balance chooses among new people; give --people N with it.")
    plan = Plan(
        max_angle, step, random_count, seed, int(size), upscale, measure=measure,
        person_steps=person_steps, batch=batch,
    )  # fmt: skip
    each = len(plan.cells(0))
    if people:
        confirm_many(people * each, yes=yes, size=int(size))
    generator = load_generator(model, engine="auto" if engine == RAY else engine)
    if people:
        kinds = [word.strip() for word in balance.split(",") if word.strip()]
        crowd = new_people(generator, people, seed=seed, psi=truncation, balance=kinds)
    else:
        crowd = open_people(faces, generator.space, warn=lambda text: click.echo(text, err=True))
        confirm_many(len(crowd) * each, yes=yes, size=int(size))
    open_folder(out, plan, crowd, generator.model)
    count = len(crowd) * each
    if not is_finished(out):
        _make(out, plan, crowd, generator, workers, model=model, engine=engine, address=address)
        count = finish(out, plan, crowd)
    if as_json:
        print_json({"folder": str(out), "people": len(crowd), "pictures": count})
    else:
        click.echo(out)


def _make(
    out: Path,
    plan: Plan,
    crowd: list[tuple[str, Face]],
    generator: Any,
    workers: int,
    *,
    model: str,
    engine: str,
    address: str | None,
) -> None:
    from facegen.datasets.job import make_person, tasks
    from facegen.measure.measurer import load_watcher

    total = len(crowd) * len(plan.cells(0))
    finished = 0
    with count_progress("Making pictures") as progress:

        def done(more: int) -> None:
            nonlocal finished
            finished += more
            progress(finished, total)

        if engine == RAY:
            from facegen.datasets.ray_runner import make_on_ray

            make_on_ray(out, plan, crowd, model=model, address=address, workers=workers, done=done)
            return
        if workers == 1:
            for number, (name, face) in enumerate(crowd):
                make_person(out, plan, name, face, number, generator=generator,
                            looks=load_watcher(), done=done)  # fmt: skip
            return
        most = -(-len(plan.cells(0)) * len(crowd) // workers) if len(crowd) < workers else None
        waiting = tasks(out, plan, crowd, most=most)
        done(total - sum(len(task.indices) for task in waiting))
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            max(min(workers, len(waiting)), 1),
            mp_context=context,
            initializer=_start,
            initargs=(model, engine),
        ) as pool:
            jobs = {pool.submit(_do, out, plan, task): task for task in waiting}
            for job in as_completed(jobs):
                job.result()
                done(len(jobs[job].indices))


_WORKER: dict[str, Any] = {}


def _start(model: str, engine: str) -> None:
    _WORKER["generator"] = load_generator(model, engine=engine)


def _do(out: Path, plan: Plan, task: Task) -> None:
    from facegen.datasets.job import draw_task, keep
    from facegen.measure.measurer import load_watcher

    for made in draw_task(plan, task, generator=_WORKER["generator"], looks=load_watcher()):
        keep(out, made)
