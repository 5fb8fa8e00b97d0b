"""A dataset on disk: made picture by picture, resumable after a kill at any moment.

Layout: `images/<person>/<cell>.png` (face files, their latents inside), `metadata.jsonl` (one line
a picture, what an image-folder loader reads), `manifest.parquet` (the same as a table),
`dataset.json` (the job); on wish `depth/<person>/<cell>.png`. While it is made, each finished
picture leaves a small record under `.records/`, written after the picture and both written whole: a
picture without a record is made anew, so nothing is ever torn, doubled, or missing. The tables are
put together from the records at the end, in the job's order, so that a job that was cut off ends
with the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facegen.datasets.plan import Plan
from facegen.errors import BadFileError, SaveError, UsageError
from facegen.face import Face
from facegen.files import file_stem, write_atomic
from facegen.records import RecordError, parse_record
from facegen.sweeps.export import json_lines, one_schema

FORMAT = 3
"""Of dataset.json and of the manifest's rows. 1: random pictures did not raise the eyes, and had
fewer expressions. 2: what the landmarks say of the gaze was called `measured_gaze`."""
RECORDS, TABLE = ".records", "metadata.jsonl"


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
        "people": [[name, latent_digest(face.w_plus)] for name, face in people],
        "own_dials": dict(own_dials or {}),
    }
    begin_job(out, "dataset.json", job)


def begin_job(out: Path, file: str, job: Mapping[str, Any]) -> None:
    """Make the folder of a job, or take up one that was cut off.

    Args:
        out: The folder.
        file: Name of the file in it that tells the job.
        job: The job as plain values, its "format" among them: equal jobs end with equal bytes.

    Raises:
        UsageError: the folder holds another job, or other things.
        SaveError: it cannot be written.
    """
    text = json.dumps(job, indent=1, sort_keys=True).encode() + b"\n"
    path = out / file
    if path.exists():
        if (begun := _read_job(path)) != text:
            if _format_of(begun) != job["format"]:
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


def _read_job(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise SaveError(f"{path} cannot be read ({err.strerror}); give another --out.") from err


@dataclass(frozen=True)
class _Begun:
    """What a dataset's settings begin with."""

    format: int


def _format_of(text: bytes) -> int | None:
    try:
        return parse_record(text, _Begun).format
    except RecordError:
        return None


def finish(out: Path, plan: Plan, people: Sequence[tuple[str, Face]]) -> int:
    """Put the tables together and drop the records.

    Returns:
        How many pictures the dataset has.

    Raises:
        SaveError: a table cannot be written; the records stay.
    """
    lines: list[bytes] = []
    for person, (name, _) in enumerate(people):
        folder = folder_of(name, person)
        count = len(plan.cells(person))
        lines += [record_path(out, folder, index).read_bytes() for index in range(count)]
    rows = one_schema([json.loads(line) for line in lines])
    write_tables(out, rows)
    return len(rows)


def write_tables(out: Path, rows: list[dict[str, Any]]) -> None:
    """Write the tables of a finished job and drop its records.

    Args:
        out: The job's folder.
        rows: The manifest's, all with the same keys.

    Raises:
        SaveError: a table cannot be written; the records stay.
    """
    _write_parquet(out / "manifest.parquet", rows)
    write_atomic(out / TABLE, json_lines(rows))
    shutil.rmtree(out / RECORDS, ignore_errors=True)


def is_finished(out: Path) -> bool:
    """Whether the dataset in a folder is complete: its last table is there."""
    return (out / TABLE).exists()


def read_rows(out: Path, count: int) -> list[dict[str, Any]]:
    """The manifest of a finished job.

    Args:
        out: The job's folder.
        count: How many rows it must have.

    Raises:
        BadFileError: it is damaged.
    """
    path = out / TABLE
    try:
        rows = [parse_record(line, dict[str, Any]) for line in path.read_bytes().splitlines()]
    except (OSError, RecordError):
        rows = []
    if len(rows) != count:
        raise BadFileError(
            f"{path} is damaged. Remove it, and the same command makes what it told of anew."
        )
    return rows


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


def files_of(plan: Plan, name: str, person: int) -> list[str]:
    """Where the pictures of a person go."""
    folder = folder_of(name, person)
    return [f"images/{folder}/{c.stem(k)}.png" for k, c in enumerate(plan.cells(person))]


def missing_of(out: Path, plan: Plan, name: str, person: int) -> list[int]:
    """Which pictures of a person are not there yet."""
    folder = folder_of(name, person)
    files = files_of(plan, name, person)
    return [k for k, file in enumerate(files) if not _is_finished(out, folder, k, file)]


def _is_finished(out: Path, folder: str, index: int, file: str) -> bool:
    """Whether a picture and its record are both there and belong together."""
    record = record_path(out, folder, index)
    try:
        known = json.loads(record.read_bytes())
        wanted = {file: known["file_sha256"]}
        if known.get("depth_file") is not None:
            wanted[depth_place(file)] = known["depth_sha256"]
        return all(
            hashlib.sha256((out / one).read_bytes()).hexdigest() == digest
            for one, digest in wanted.items()
        )
    except (OSError, ValueError, KeyError):
        return False


def depth_place(file: str) -> str:
    """Where the depth of a picture lies: under depth/ as the picture under images/."""
    return file.replace("images/", "depth/", 1)


def record_path(out: Path, folder: str, index: int) -> Path:
    """Where the record of a finished picture lies while the dataset is made."""
    return out / RECORDS / folder / f"{index:06d}.json"


def folder_of(name: str, person: int) -> str:
    """The folder of a person under images/."""
    return f"{person:05d}-{file_stem(name, otherwise='person')}"


def latent_digest(w_plus: np.ndarray) -> str:
    """SHA-256 of a latent, as manifests name it."""
    return hashlib.sha256(np.ascontiguousarray(w_plus, "<f4").tobytes()).hexdigest()
