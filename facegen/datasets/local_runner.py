"""A dataset made on this machine: in this process, or in several that share the people."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from facegen.datasets.job import (
    Task,
    Tools,
    draw_task,
    load_tools,
    make_person,
    tasks,
    write_made,
)
from facegen.datasets.plan import Plan
from facegen.face import Face

Done = Callable[[int], None]
"""Called with a number of finished pictures, those found finished included."""


def make_here(
    out: Path,
    plan: Plan,
    people: Sequence[tuple[str, Face]],
    tools: Tools,
    *,
    done: Done = lambda _: None,
) -> None:
    """Make what is missing of a dataset, one person after the other.

    Args:
        out: The dataset's folder.
        plan: What to make.
        people: Of whom.
        tools: What to make it with.
        done: As `Done`.

    Raises:
        FacegenError: what was finished stays; the same call goes on.
    """
    for number, (name, face) in enumerate(people):
        make_person(out, plan, name, face, number, tools, done=done)


def make_in_processes(
    out: Path,
    plan: Plan,
    people: Sequence[tuple[str, Face]],
    *,
    model: str,
    engine: str = "auto",
    workers: int,
    done: Done = lambda _: None,
) -> None:
    """The same in several processes; each takes whole people, or a share of one if they are few.

    Args:
        out: The dataset's folder.
        plan: What to make.
        people: Of whom.
        model: Each process loads it.
        engine: How to run it.
        workers: Processes.
        done: As `Done`.

    Raises:
        FacegenError: what was finished stays; the same call goes on.
    """
    total = len(people) * len(plan.cells(0))
    most = -(-total // workers) if len(people) < workers else None
    waiting = tasks(out, plan, people, most=most)
    done(total - sum(len(task.indices) for task in waiting))
    with ProcessPoolExecutor(
        max(min(workers, len(waiting)), 1), mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        jobs = {pool.submit(_make, out, plan, task, model, engine): task for task in waiting}
        for job in as_completed(jobs):
            job.result()
            done(len(jobs[job].indices))


def _make(out: Path, plan: Plan, task: Task, model: str, engine: str) -> None:
    for made in draw_task(plan, task, load_tools(model, engine)):
        write_made(out, made)
