"""The pictures of a dataset: cut into tasks, drawn and measured in any order and place.

What is missing is told by the folder (`facegen.datasets.folder`), so a job that was cut off goes on
where it stopped and ends with the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from facegen.datasets.folder import (
    depth_place,
    files_of,
    folder_of,
    latent_digest,
    missing_of,
    record_path,
)
from facegen.datasets.plan import NATIVE, Plan
from facegen.editing.dial_set import DialSet
from facegen.errors import LatentError
from facegen.face import Face
from facegen.files import write_atomic
from facegen.operations import ResizePicture
from facegen.optimise.identity import AT_ONCE, optimiser_of
from facegen.protocols import Measures, Renders
from facegen.retouch.apply import apply
from facegen.sweeps.export import frame_record, json_line
from facegen.sweeps.sweep import Frame, Sweep


@dataclass(frozen=True, eq=False)
class Tools:
    """What pictures are made with.

    Attributes:
        generator: Draws.
        dials: Of its space.
        measurer: Measures; None measures nothing.
        held_at_once: See `Sweep`.
    """

    generator: Renders
    dials: DialSet
    measurer: Measures | None
    held_at_once: int = AT_ONCE


@lru_cache(maxsize=1)
def load_tools(model: str, engine: str = "auto") -> Tools:
    """The tools of one of several processes that make pictures; loaded once.

    The user's own dials are left out: they may choose people, and turn nobody. Processes side by
    side hold one person each.

    Args:
        model: A registered or imported model; fetched if it must be.
        engine: How to run it.
    """
    from facegen.generator import Generator  # PyTorch: seconds
    from facegen.measure.measurer import load_measurer

    generator = Generator.load(model, engine=engine)
    dials = DialSet.load(generator.space, own=False)
    return Tools(generator, dials, load_measurer(), held_at_once=1)


@dataclass(frozen=True, eq=False)
class Task:
    """Pictures of one person to make in one go.

    Attributes:
        name: The person's, as in the manifest.
        person: Number in the dataset.
        face: The person.
        indices: Which of the person's cells.
    """

    name: str
    person: int
    face: Face
    indices: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Made:
    """A finished picture on its way to the folder.

    Attributes:
        file: Its place in the folder.
        record: Where its record goes.
        png: A face file.
        line: The record, one line of JSON.
        others: Further files: place in the folder and bytes of each.
    """

    file: str
    record: str
    png: bytes
    line: bytes
    others: tuple[tuple[str, bytes], ...] = ()


def tasks(
    out: Path, plan: Plan, people: Sequence[tuple[str, Face]], *, most: int | None = None
) -> list[Task]:
    """What is missing in the folder, cut into tasks that can be done in any order and place.

    Args:
        out: The dataset's folder.
        plan: What to make.
        people: Of whom.
        most: Pictures of a task; all that are missing of a person unless given.
    """
    found = []
    for person, (name, face) in enumerate(people):
        missing = missing_of(out, plan, name, person)
        size = most or max(len(missing), 1)
        found += [
            Task(name, person, face, tuple(missing[k : k + size]))
            for k in range(0, len(missing), size)
        ]
    return found


def draw_task(plan: Plan, task: Task, tools: Tools) -> Iterator[Made]:
    """Make the pictures of a task; nothing is written."""
    cells = plan.cells(task.person)
    files = files_of(plan, task.name, task.person)
    sweep = Sweep(
        tools.generator, task.face, tools.dials, tools.measurer, size=min(plan.size, NATIVE),
        measure=plan.measure, batch=plan.batch,
        optimiser=optimiser_of(tools.generator, plan.person_steps), held_at_once=tools.held_at_once,
    )  # fmt: skip
    wanted = [cells[index] for index in task.indices]
    for frame in sweep.frames(wanted, indices=task.indices):
        png = _png(frame, plan)
        file = files[frame.index]
        facts = {
            "person": task.name,
            "person_number": task.person,
            "part": "random" if frame.index >= len(cells) - plan.random else "grid",
            "seed": task.face.seed,
            "latent": file,
            "latent_sha256": latent_digest(frame.face.w_plus),
            "file_sha256": hashlib.sha256(png).hexdigest(),
        }
        others = _depth(frame, file, plan, facts) if plan.depth else ()
        record = frame_record(frame, file_name=file, **facts)
        place = record_path(Path(), folder_of(task.name, task.person), frame.index)
        yield Made(file, place.as_posix(), png, json_line(record), others)


def write_made(out: Path, made: Made) -> None:
    """Write a picture and what lies beside it, then its record."""
    write_atomic(out / made.file, made.png)
    for file, data in made.others:
        write_atomic(out / file, data)
    write_atomic(out / made.record, made.line)


def make_person(
    out: Path,
    plan: Plan,
    name: str,
    face: Face,
    person: int,
    tools: Tools,
    *,
    done: Callable[[int], None] = lambda _: None,
) -> None:
    """Make what is missing of one person.

    Args:
        out: The dataset's folder.
        plan: What to make.
        name: The person's folder under images/.
        face: The person.
        person: Number in the dataset.
        tools: What to make it with.
        done: Called with a number of finished pictures, those found finished included.

    Raises:
        FacegenError: what was finished stays; the same call goes on.
    """
    missing = tuple(missing_of(out, plan, name, person))
    done(len(plan.cells(person)) - len(missing))
    if missing:
        task = Task(name, person, face, missing)
        for made in draw_task(plan, task, tools):
            write_made(out, made)
            done(1)


def _depth(
    frame: Frame, file: str, plan: Plan, facts: dict[str, Any]
) -> tuple[tuple[str, bytes], ...]:
    """The picture of a frame's depth, which `facts` then name; none where no face is seen."""
    from facegen.local.depth import of_picture

    facts |= {"depth_file": None, "depth_sha256": None}
    try:
        png = of_picture(frame.image, size=min(plan.size, NATIVE)).to_png()
    except LatentError:
        return ()
    place = depth_place(file)
    facts |= {"depth_file": place, "depth_sha256": hashlib.sha256(png).hexdigest()}
    return ((place, png),)


def _png(frame: Frame, plan: Plan) -> bytes:
    if plan.size <= frame.image.shape[0]:
        return frame.face.to_png(frame.saved)
    enlarge = ResizePicture(plan.size, plan.upscale)
    image = apply([enlarge], frame.saved, alpha=True)
    return frame.face.finished((*frame.face.pixel_operations, enlarge)).to_png(image)
