"""A dataset on disk: made picture by picture, resumable after a kill at any moment.

Layout: `images/<person>/<cell>.png` (face files, their latents inside), `metadata.jsonl` (one line
a picture, what an image-folder loader reads), `manifest.parquet` (the same as a table),
`dataset.json` (the job). While it is made, each finished picture leaves a small record under
`.records/`, written after the picture and both written whole: a picture without a record is made
anew, so nothing is ever torn, doubled, or missing. The tables are put together from the records at
the end, in the job's order, so that a job that was cut off ends with the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.errors import SaveError, UsageError
from facegen.face import Face
from facegen.files import write_atomic
from facegen.operations import ResizePicture
from facegen.optimise.identity import AT_ONCE, optimiser_of
from facegen.pose.expressions import AVAILABLE
from facegen.protocols import Measures, Renders
from facegen.records import RecordError, parse_record
from facegen.retouch.apply import UPSCALERS, apply
from facegen.sweeps.export import frame_record, json_line, json_lines, one_schema
from facegen.sweeps.grid import Cell, dataset_grid, random_cells
from facegen.sweeps.sweep import Frame, Sweep

FORMAT = 3
"""Of dataset.json and of the manifest's rows. 1: random pictures did not raise the eyes, and had
fewer expressions. 2: what the landmarks say of the gaze was called `measured_gaze`."""
RECORDS = ".records"
NATIVE = 1024
SIZES = (256, 512, 1024, 2048)


@dataclass(frozen=True)
class Plan:
    """What a dataset holds for each person.

    Attributes:
        max_angle: Bound of yaw in degrees; pitch ends at 15.
        step: Of the grid in degrees.
        random: Random combinations after the grid.
        seed: Of those.
        size: Edge of the pictures: one of SIZES.
        upscale: "bilinear" or "lanczos"; used above 1024 px.
        expressions: What random combinations may wear.
        measure: "all", "angles" or "none".
        person_steps: Steps that bring each turned picture back to the person; 0 for none.
        batch: Pictures drawn at once. It is no part of the job: on a CPU they are the same.
    """

    max_angle: float = 40.0
    step: float = 5.0
    random: int = 100
    seed: int = 0
    size: int = 1024
    upscale: str = "lanczos"
    expressions: tuple[str, ...] = AVAILABLE
    measure: str = "all"
    person_steps: int = 0
    batch: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be made."""
        if self.upscale == "sr":
            raise UsageError(
                "No super-resolution model is installed or known to this version; use --upscale "
                "lanczos."
            )
        if self.upscale not in UPSCALERS:
            raise UsageError(f"--upscale is bilinear, lanczos or sr, got '{self.upscale}'.")
        if self.size not in SIZES:
            raise UsageError(f"A size is one of {', '.join(map(str, SIZES))}, got {self.size}.")
        if self.random < 0:
            raise UsageError(f"--random must be 0 or more, got {self.random}.")

    def to_record(self) -> dict[str, Any]:
        """What decides the pictures, for dataset.json."""
        facts = {k: v for k, v in self.__dict__.items() if k != "batch"}
        return facts | {"expressions": list(self.expressions)}

    def cells(self, person: int) -> list[Cell]:
        """The grid, then the random combinations of a person."""
        grid = dataset_grid(self.max_angle, self.step)
        return grid + random_cells(
            self.random,
            max_angle=self.max_angle,
            expressions=self.expressions,
            seed=self.seed,
            person=person,
        )


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


def open_folder(
    out: Path,
    plan: Plan,
    people: Sequence[tuple[str, Face]],
    model: str,
    *,
    own_dials: Mapping[str, str] | None = None,
) -> None:
    """Make the folder, or take up a job that was cut off.

    Args:
        out: The dataset's folder.
        plan: What to make.
        people: Of whom.
        model: Name of the model that draws them.
        own_dials: The user's own dials by which people were chosen -> SHA-256 of the dial's file.

    Raises:
        UsageError: the folder holds another dataset, or other things.
        SaveError: it cannot be written.
    """
    job = {
        "format": FORMAT,
        "model": model,
        "synthetic": True,
        "plan": plan.to_record(),
        "people": [[name, _digest(face.w_plus)] for name, face in people],
        "own_dials": dict(own_dials or {}),
    }
    text = json.dumps(job, indent=1, sort_keys=True).encode() + b"\n"
    path = out / "dataset.json"
    if path.exists():
        if (begun := path.read_bytes()) != text:
            if _format_of(begun) != FORMAT:
                raise UsageError(
                    f"{out} holds a dataset begun by another version of the program, whose "
                    "pictures would differ; finish it with that version, or give another --out."
                )
            raise UsageError(
                f"{out} holds a dataset of other people or settings; give the same ones to go on "
                "with it, or another --out."
            )
        for torn in out.rglob(".*.part"):
            torn.unlink(missing_ok=True)
        return
    try:
        is_empty = not out.exists() or not any(
            entry for entry in out.iterdir() if not entry.name.endswith(".part")
        )
    except OSError as err:
        raise SaveError(f"{out} cannot be used as a folder ({err.strerror}).") from err
    if not is_empty:
        raise UsageError(f"{out} is not empty and holds no dataset; choose another --out.")
    write_atomic(path, text)


@dataclass(frozen=True)
class _Begun:
    """What a dataset's settings begin with."""

    format: int


def _format_of(text: bytes) -> int | None:
    try:
        return parse_record(text, _Begun).format
    except RecordError:
        return None


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
    """

    file: str
    record: str
    png: bytes
    line: bytes


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
        missing = _missing(out, plan, name, person)
        size = most or max(len(missing), 1)
        found += [
            Task(name, person, face, tuple(missing[k : k + size]))
            for k in range(0, len(missing), size)
        ]
    return found


def draw_task(plan: Plan, task: Task, tools: Tools) -> Iterator[Made]:
    """Make the pictures of a task; nothing is written."""
    cells = plan.cells(task.person)
    files = _files(plan, task.name, task.person)
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
            "latent_sha256": _digest(frame.face.w_plus),
            "file_sha256": hashlib.sha256(png).hexdigest(),
        }
        record = frame_record(frame, file_name=file, **facts)
        place = _record_path(Path(), _folder(task.name, task.person), frame.index)
        yield Made(file, place.as_posix(), png, json_line(record))


def write_made(out: Path, made: Made) -> None:
    """Write a picture, then its record."""
    write_atomic(out / made.file, made.png)
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
    missing = tuple(_missing(out, plan, name, person))
    done(len(plan.cells(person)) - len(missing))
    if missing:
        task = Task(name, person, face, missing)
        for made in draw_task(plan, task, tools):
            write_made(out, made)
            done(1)


def finish(out: Path, plan: Plan, people: Sequence[tuple[str, Face]]) -> int:
    """Put the tables together and drop the records.

    Returns:
        How many pictures the dataset has.

    Raises:
        SaveError: a table cannot be written; the records stay.
    """
    lines: list[bytes] = []
    for person, (name, _) in enumerate(people):
        folder = _folder(name, person)
        count = len(plan.cells(person))
        lines += [_record_path(out, folder, index).read_bytes() for index in range(count)]
    rows = one_schema([json.loads(line) for line in lines])
    _write_parquet(out / "manifest.parquet", rows)
    write_atomic(out / "metadata.jsonl", json_lines(rows))
    shutil.rmtree(out / RECORDS, ignore_errors=True)
    return len(rows)


def is_finished(out: Path) -> bool:
    """Whether the dataset in a folder is complete: its last table is there."""
    return (out / "metadata.jsonl").exists()


def _write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:  # it comes with Streamlit; the JSON lines hold the same
        return
    import io

    columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    write_atomic(path, buffer.getvalue())


def _files(plan: Plan, name: str, person: int) -> list[str]:
    """Where the pictures of a person go."""
    folder = _folder(name, person)
    return [f"images/{folder}/{c.stem(k)}.png" for k, c in enumerate(plan.cells(person))]


def _missing(out: Path, plan: Plan, name: str, person: int) -> list[int]:
    """Which pictures of a person are not there yet."""
    folder = _folder(name, person)
    files = _files(plan, name, person)
    return [k for k, file in enumerate(files) if not _is_finished(out, folder, k, file)]


def _png(frame: Frame, plan: Plan) -> bytes:
    if plan.size <= frame.image.shape[0]:
        return frame.face.to_png(frame.image)
    enlarge = ResizePicture(plan.size, plan.upscale)
    image = apply([enlarge], frame.image)
    return frame.face.finished((*frame.face.pixel_operations, enlarge)).to_png(image)


def _is_finished(out: Path, folder: str, index: int, file: str) -> bool:
    """Whether a picture and its record are both there and belong together."""
    record = _record_path(out, folder, index)
    try:
        known = json.loads(record.read_bytes())["file_sha256"]
        return bool(hashlib.sha256((out / file).read_bytes()).hexdigest() == known)
    except (OSError, ValueError, KeyError):
        return False


def _record_path(out: Path, folder: str, index: int) -> Path:
    return out / RECORDS / folder / f"{index:06d}.json"


def _folder(name: str, person: int) -> str:
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60]
    return f"{person:05d}-{safe}"


def _digest(w_plus: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(w_plus, "<f4").tobytes()).hexdigest()
