"""A dataset made on Ray: one machine's processes, or a cluster of machines.

Ray (https://ray.io, Apache-2.0) is installed by whoever wants it. Tasks are what the local way
does too (`facegen.datasets.job.tasks`): pictures of one person. A worker draws and measures them
and sends files back; this process alone writes, so no folder is shared, a job that was cut off
goes on as any other, and the bytes are those of the local way on machines of one kind.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from facegen.datasets.job import Made, Task, Tools, draw_task, load_tools, tasks, write_made
from facegen.datasets.plan import Plan
from facegen.errors import FacegenError, UsageError
from facegen.face import Face
from facegen.paths import ROOT

PICTURES_A_TASK = 40
"""Each task measures its face first, some 30 small pictures; and sends its files at once."""
TASKS_WAITING = 2
KNOCK_SECONDS = 5.0
Load = Callable[[str], Tools]


def make_on_ray(
    out: Path,
    plan: Plan,
    people: Sequence[tuple[str, Face]],
    *,
    model: str,
    address: str | None = None,
    workers: int = 1,
    load: Load = load_tools,
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Make what is missing of a dataset.

    Args:
        out: The dataset's folder, on this machine.
        plan: What to make.
        people: Of whom.
        model: A registered model; workers fetch it if they must.
        address: Of a running cluster ("auto", "ray://host:10001"); None starts `workers`
            processes here.
        workers: Used without an address.
        load: Gives a worker its tools.
        done: Called with a number of finished pictures, those found finished included.

    Raises:
        UsageError: Ray is not installed, or no cluster is at the address.
        FacegenError: a worker failed; what was finished stays.
    """
    ray = _ray()
    waiting = tasks(out, plan, people, most=PICTURES_A_TASK)
    done(len(people) * len(plan.cells(0)) - sum(len(task.indices) for task in waiting))
    if not waiting:
        return
    with _cluster(ray, address, workers):
        work = ray.remote(num_cpus=1, max_retries=2)(_work)
        room = TASKS_WAITING * max(int(ray.cluster_resources().get("CPU", 1)), 1)
        running: list[Any] = []
        while waiting or running:
            while waiting and len(running) < room:
                running.append(work.remote(plan, waiting.pop(0), model, load))
            ready, running = ray.wait(running)
            for made in _answer(ray, ready[0]):
                write_made(out, made)
                done(1)


def _work(plan: Plan, task: Task, model: str, load: Load) -> list[Made]:
    return list(draw_task(plan, task, load(model)))


def _answer(ray: Any, one: Any) -> list[Made]:
    try:
        made: list[Made] = ray.get(one)
    except ray.exceptions.RayTaskError as err:
        cause = err.cause
        if isinstance(cause, FacegenError):
            raise cause from None
        raise FacegenError(
            f"A worker on the cluster failed ({type(cause).__name__}: {cause}). What was finished "
            "stays; give the same command to go on."
        ) from err
    except ray.exceptions.RayError as err:
        raise FacegenError(
            f"The cluster lost a worker ({type(err).__name__}). What was finished stays; give the "
            "same command to go on."
        ) from err
    return made


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise UsageError(
            "Ray is not installed; `pip install ray` brings it, or leave --engine ray out and "
            "use --workers."
        ) from None
    return ray


@contextmanager
def _cluster(ray: Any, address: str | None, workers: int) -> Iterator[None]:
    """Connect to a cluster, or start one of processes; this one leaves it at the end."""
    # Workers elsewhere find facegen at the same place, or installed.
    places = os.pathsep.join([str(ROOT), *(place for place in sys.path if place)])
    where: dict[str, Any] = {"env_vars": {"PYTHONPATH": places}}
    here = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        if address:
            _knock(address)
        ray.init(
            address=address or "local", runtime_env=where, log_to_driver=False,
            logging_level="ERROR", **here,
        )  # fmt: skip
    except (OSError, ValueError, RuntimeError) as err:
        words = str(err).strip().splitlines() or [type(err).__name__]
        raise UsageError(
            f"No Ray cluster answers at '{address}' ({words[0]}). Start one with `ray start "
            "--head`, or leave --address out."
        ) from err
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError if nobody listens at host:port; Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=KNOCK_SECONDS).close()
