"""A folder of faces found for the people on photographs.

`holiday-1.png` is the face file of the largest face of `holiday.jpg`; beside it `holiday-1.json`
says where in the photo that face lies, as the record of a crop does (`facegen.photos.crops`), and
how near the result came. The record is written last, so a folder that was cut off is continued.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from facegen.errors import BadFileError, UsageError
from facegen.face import PHOTOGRAPH, Face
from facegen.files import make_folder, write_atomic
from facegen.generator import Generator
from facegen.images import at_edge
from facegen.invert.project import DEFAULT_STEPS, Projected, Projector, Step
from facegen.photos.align import CROP_PX
from facegen.photos.crops import (
    CropRecord,
    finished_faces,
    record_json,
    record_of,
    record_path,
    require_faces,
)
from facegen.photos.intake import photo_bytes, read_photo
from facegen.records import RecordError, parse_record

Tell = Callable[[int, int, Step], bool]
"""Called with the face's number, how many there are, and the step; False stops."""


@dataclass(frozen=True)
class ProjectionNumbers:
    """What a record tells of a projection.

    Attributes:
        steps: Done.
        seconds: They took.
        stopped: Whether somebody stopped it.
        numbers: As in `facegen.invert.project.Projected`.
    """

    steps: int
    seconds: float
    stopped: bool
    numbers: dict[str, float]


@dataclass(frozen=True)
class ProjectedFace:
    """One face of a photograph.

    Attributes:
        path: Its face file.
        record: Where in the photo it lies.
        told: How near it came.
        is_new: Whether it was made now.
    """

    path: Path
    record: CropRecord
    told: ProjectionNumbers
    is_new: bool


@dataclass(frozen=True)
class _Record:
    projection: ProjectionNumbers


def project_photo(
    path: Path,
    name: str,
    out: Path,
    projector: Projector,
    generator: Generator,
    *,
    face: int | None = None,
    steps: int = DEFAULT_STEPS,
    size: int | None = None,
    tell: Tell = lambda number, total, step: True,
) -> Iterator[ProjectedFace]:
    """Project the faces of a photo, or one of them, unless that was done already.

    Args:
        path: The photo.
        name: What the faces are called: `name-1.png`.
        out: Folder for them.
        projector: Of the generator.
        generator: Draws the results.
        face: The number of one face, 1 for the largest; None for all.
        steps: For each face.
        size: Edge of the pictures; their own unless given.
        tell: Called after each step; False keeps the best so far of this face, and ends.

    Raises:
        BadFileError: no photograph, or no such face in it.
        UsageError: other files are under these names, or a wrong number of steps.
        SaveError: the folder cannot be written.
    """
    make_folder(out)
    data = photo_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    done = {
        number: ProjectedFace(out / f"{name}-{number}.png", record, _told(out, name, number), False)
        for number, record in finished_faces(out, name, digest, CROP_PX).items()
    }
    total = next((one.record.faces for one in done.values()), 0)
    wanted = range(1, total + 1) if face is None else (face,)
    if total and all(number in done for number in wanted):
        yield from (done[number] for number in wanted)
        return
    photo = read_photo(data, name=path.name)
    faces = require_faces(photo)
    total = len(faces)
    if face is not None and face > total:
        raise BadFileError(
            f"{path.name} has {'one face' if total == 1 else f'{total} faces'}; there is no "
            f"face {face}."
        )
    for number in range(1, total + 1) if face is None else (face,):
        if number in done:
            yield done[number]
            continue
        found = projector.project(
            faces[number - 1].crop, steps=steps, done=partial(tell, number, total)
        )
        record = record_of(photo, digest, faces[number - 1], number, total)
        yield _written(out, name, record, found, generator, size)
        if found.stopped:
            return


def face_of(w_plus: np.ndarray, generator: Generator, *, name: str = "") -> Face:
    """The face of somebody who was found on a photograph, which its files tell.

    Args:
        w_plus: [18, 512].
        generator: It was found with.
        name: Of the person.
    """
    return Face(
        w_plus, w_plus, space=generator.space, model=generator.model, source=PHOTOGRAPH, name=name
    )


def _written(
    out: Path,
    name: str,
    record: CropRecord,
    found: Projected,
    generator: Generator,
    size: int | None,
) -> ProjectedFace:
    face = face_of(found.w_plus, generator)
    path = out / f"{name}-{record.face}.png"
    face.save(path, at_edge(generator.render(face.w_plus), size))
    numbers = {key: round(value, 4) for key, value in found.numbers.items()}
    told = ProjectionNumbers(found.steps, round(found.seconds, 1), found.stopped, numbers)
    write_atomic(record_path(out, name, record.face), record_json(record, projection=asdict(told)))
    return ProjectedFace(path, record, told, True)


def _told(out: Path, name: str, number: int) -> ProjectionNumbers:
    path = record_path(out, name, number)
    try:
        return parse_record(path.read_bytes(), _Record).projection
    except (OSError, RecordError) as err:
        raise UsageError(
            f"{path.name} in {out} belongs to a crop that `align` wrote, not to a projected face; "
            "choose another --out."
        ) from err
