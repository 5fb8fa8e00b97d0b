"""A library as a folder of face files, and back.

Each person is a PNG that opens by itself anywhere; `library.json` beside them tells names' stars
and tags. A file that is there is never written over.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facegen.errors import BadFileError, FacegenError
from facegen.face import Face
from facegen.files import file_stem, make_folder, write_atomic
from facegen.images import PICTURE_KINDS, decode_image, encode_jpeg, shrunk
from facegen.library.store import Library, Person
from facegen.records import RecordError, parse_record

INDEX = "library.json"
MAX_INDEX_BYTES = 8 << 20
FACES = (*PICTURE_KINDS, ".npz")
THUMB_EDGE = 256
THUMB_QUALITY = 85

Draw = Callable[[Face], np.ndarray]
"""A face -> its picture, uint8 [H, W, 3]."""
Read = Callable[[Face], dict[str, float]]
"""A face -> dial, number."""


@dataclass
class _Entry:
    file: str
    favourite: bool = False
    tags: list[str] = field(default_factory=list)


@dataclass
class _Index:
    facegen_library: int
    people: list[_Entry] = field(default_factory=list)


def export_people(
    library: Library, people: Sequence[Person], folder: Path, draw: Draw
) -> Iterator[Path]:
    """Write people as face files into a folder, one after the other.

    Raises:
        BadFileError: there is a `library.json` that is none of this program's.
        SaveError: the folder cannot be written; what is written stays.
    """
    make_folder(folder)
    entries = _told(folder)
    for person in people:
        face = library.face(person.head)
        path = _free(folder, person)
        face.save(path, draw(face))
        entries.append(_Entry(path.name, person.is_favourite, list(person.tags)))
        index = {"facegen_library": 1, "people": [vars(entry) for entry in entries]}
        write_atomic(folder / INDEX, json.dumps(index, indent=1, ensure_ascii=False).encode())
        yield path


def import_people(
    library: Library,
    folder: Path,
    *,
    draw: Draw | None = None,
    read: Read | None = None,
) -> Iterator[tuple[Path, Person | FacegenError]]:
    """Keep every face file of a folder; a file that is none is told and the others come.

    Args:
        library: Where to.
        folder: With face files.
        draw: Draws those that have no picture; None leaves them without.
        read: Gives what to search by; None for nothing.

    Raises:
        BadFileError: the folder cannot be read.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in FACES)
    except OSError as err:
        raise BadFileError(f"{folder} is no folder that can be read ({err.strerror}).") from err
    told: dict[str, _Entry] = {}
    with contextlib.suppress(BadFileError):  # The faces come without stars and tags.
        told = {entry.file: entry for entry in _told(folder)}
    for path in files:
        entry = told.get(path.name, _Entry(path.name))
        try:
            person = add_file(library, path, draw=draw, read=read, tags=entry.tags)
            if entry.favourite:
                library.star(person.id, True)
            yield path, person
        except FacegenError as err:
            yield path, err


def add_file(
    library: Library,
    path: Path,
    *,
    draw: Draw | None = None,
    read: Read | None = None,
    tags: Sequence[str] = (),
) -> Person:
    """Keep the face of a file.

    Raises:
        BadFileError: there is none in it.
    """
    face = Face.load(path)
    picture = decode_image(path.read_bytes(), name=path.name) if has_picture(path) else None
    if picture is None and draw is not None:
        picture = draw(face)
    thumb = None if picture is None else thumb_of(picture)
    return library.add(
        face, thumb=thumb, readings=read(face) if read else None, what="from a file", tags=tags
    )


def thumb_of(picture: np.ndarray) -> bytes:
    """The small JPEG of a square picture."""
    return encode_jpeg(shrunk(picture, THUMB_EDGE), quality=THUMB_QUALITY)


def has_picture(path: Path) -> bool:
    """Whether a file's name says that there is a picture in it."""
    return path.suffix.lower() in PICTURE_KINDS


def _free(folder: Path, person: Person) -> Path:
    """A file name after a person that is not taken."""
    stem = file_stem(person.name, otherwise="person")
    for number in range(1, 10_000):
        path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
        if not path.exists():
            return path
    raise BadFileError(f"{folder} is full of files called {stem}; choose another folder.")


def _told(folder: Path) -> list[_Entry]:
    """What a folder tells beside its files.

    Raises:
        BadFileError: it tells what this program does not understand.
    """
    path = folder / INDEX
    try:
        if not path.exists():
            return []
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise RecordError(f"it has more than {MAX_INDEX_BYTES >> 20} MB")
        return parse_record(path.read_bytes(), _Index).people
    except (OSError, RecordError) as err:
        raise BadFileError(f"{path} is not from a library ({err}); choose another folder.") from err
