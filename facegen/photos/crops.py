"""A folder of aligned crops, each with a record of where in which photo it lies.

`holiday-1.png` is the largest face of `holiday.jpg`, `holiday-1.json` its record. The record is
written after the crop, and both whole, so a folder that was cut off is continued; a crop that has
its record is never written again, since somebody may have edited it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from msgspec import Meta

from facegen.errors import BadFileError, UsageError
from facegen.files import file_sha256, make_folder, write_atomic
from facegen.images import encode_png
from facegen.photos.align import CROP_PX, AlignedFace, find_faces, lies_on_its_side
from facegen.photos.intake import Photo, photo_bytes, read_photo
from facegen.photos.put_back import PutBack, Where, put_back
from facegen.records import RecordError, parse_record

FORMAT = 1
PHOTO_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif", ".hif",
)  # fmt: skip
MAX_RECORD_BYTES = 64 << 10
SCALES = (1 / 64, 64.0)
"""Pixels of a crop for one of its photo: anything else is no face."""

_Row = tuple[float, float, float]


@dataclass(frozen=True)
class CropRecord:
    """Where a crop lies.

    Attributes:
        facegen_crop: Format of the record.
        photo: Name of the photo's file.
        photo_sha256: Of that file.
        photo_size: Width and height of the upright photo.
        face: Number of the face, 1 for the largest.
        faces: How many there are.
        size: Edge of the crop in pixels.
        matrix: From places in the upright photo to places in the crop, both in pixels, counted
            from the outer edge of the first pixel.
        eyes_px: Distance between the eyes in the photo, in pixels.
        warnings: What stands in the way of a good result.
    """

    facegen_crop: int
    photo: str
    photo_sha256: str
    photo_size: tuple[int, int]
    face: Annotated[int, Meta(ge=1)]
    faces: Annotated[int, Meta(ge=1)]
    size: Annotated[int, Meta(ge=64, le=8192)]
    matrix: tuple[_Row, _Row]
    eyes_px: float = 0.0
    warnings: tuple[str, ...] = ()


def photos_in(paths: Iterable[Path], *, warn: Callable[[str], None]) -> dict[str, Path]:
    """The photos in files and folders, each under the name that its crops are to have.

    The name is that of the file without its ending; where two share it, with the ending, and where
    that does not help, with the folder's name before.

    Args:
        paths: Files, or folders of them; crops in a folder are no photos.
        warn: Called with a sentence for each file of a folder that is left out.

    Raises:
        UsageError: there is none, or two cannot be told apart.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        for entry in sorted(one for one in path.iterdir() if one.is_file()):
            if entry.name.startswith(".") or _is_crop(entry):
                continue
            if entry.suffix.lower() in PHOTO_SUFFIXES:
                found.append(entry)
            else:
                warn(f"{entry.name} is left out: its ending is not that of a photo.")
    found = list(dict.fromkeys(found))
    if not found:
        raise UsageError("There is no photo in that folder; name photos, or a folder of them.")
    for named in (_stem, _stem_and_ending, _with_folder):
        names = [named(path) for path in found]
        counts = Counter(name.lower() for name in names)
        if max(counts.values()) == 1:
            return dict(zip(names, found, strict=True))
    raise UsageError("Several photos have the same name; align them into folders of their own.")


def align_photo(
    path: Path, name: str, out: Path, *, size: int = CROP_PX, face: int | None = None
) -> list[tuple[Path, CropRecord]]:
    """Write the crops of a photo, or of one of its faces, unless they are there already.

    Args:
        path: The photo.
        name: What the crops are called: `name-1.png`.
        out: Folder for them.
        size: Their edge in pixels.
        face: The number of one face, 1 for the largest; None for all.

    Returns:
        The crops with their records, the largest face first.

    Raises:
        BadFileError: no photograph, or no such face in it.
        UsageError: the folder has crops of another photo, or of another size, under these names.
        SaveError: the folder cannot be written.
    """
    make_folder(out)
    data = photo_bytes(path)
    digest = hashlib.sha256(data).hexdigest()
    done = finished_faces(out, name, digest, size)
    total = next((record.faces for record in done.values()), 0)
    wanted = range(1, total + 1) if face is None else (face,)
    if not total or any(number not in done for number in wanted):
        photo = read_photo(data, name=path.name)
        faces = require_faces(photo, size)
        total = len(faces)
        if face is not None and face > total:
            raise BadFileError(
                f"{path.name} has {'one face' if total == 1 else f'{total} faces'}; there is no "
                f"face {face}."
            )
        wanted = range(1, total + 1) if face is None else (face,)
        for number in wanted:
            if number not in done:
                found = faces[number - 1]
                record = record_of(photo, digest, found, number, total)
                write_atomic(
                    _crop_path(out, name, number), encode_png(found.crop, source_type=None)
                )
                write_atomic(record_path(out, name, number), record_json(record))
                done[number] = record
    return [(_crop_path(out, name, number), done[number]) for number in wanted]


def read_record(path: Path) -> CropRecord:
    """The record of a crop.

    Raises:
        BadFileError: it is missing, damaged, or none.
    """
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise BadFileError(f"{path.name} is too large to be the record of a crop.")
        record = parse_record(path.read_bytes(), CropRecord)
    except OSError as err:
        raise BadFileError(
            f"{path.name}, the record that `align` wrote beside the crop, cannot be opened "
            f"({err.strerror}). Put it beside the crop, or name it with --record."
        ) from err
    except RecordError as err:
        raise BadFileError(
            f"{path.name} is not the record of a crop: {err}. Name the JSON that `align` wrote."
        ) from err
    scale = float(np.sqrt(abs(np.linalg.det(np.array(record.matrix)[:, :2]))))
    if record.facegen_crop != FORMAT or not SCALES[0] <= scale <= SCALES[1]:
        raise BadFileError(
            f"{path.name} was written by another version of the program, or is damaged; run "
            "`align` again."
        )
    return record


def paste_crop(
    photo: Photo,
    path: Path,
    crop: Photo,
    record_file: Path,
    *,
    reconstruction: Photo | None = None,
    where: Where = "changed",
    grain: bool = True,
    warn: Callable[[str], None] = lambda _: None,
) -> PutBack:
    """As `paste_picture`, with an edited crop and its reconstruction that were opened."""
    return paste_picture(
        photo, path, crop.image, record_file,
        reconstruction=None if reconstruction is None else reconstruction.image,
        where=where, grain=grain, warn=warn,
    )  # fmt: skip


def paste_picture(
    photo: Photo,
    path: Path,
    crop: np.ndarray,
    record_file: Path,
    *,
    reconstruction: np.ndarray | None = None,
    where: Where = "changed",
    grain: bool = True,
    warn: Callable[[str], None] = lambda _: None,
) -> PutBack:
    """Put an edited crop back by its record.

    Args:
        photo: The photo.
        path: Its file, which is compared with the one that was aligned.
        crop: The edited crop, uint8 [S, S, 3] of any size.
        record_file: What `align_photo` wrote beside the crop.
        reconstruction: As for `facegen.photos.put_back.put_back`, as are the next two.
        where: See there.
        grain: See there.
        warn: Called with a sentence if it is not the very file.

    Raises:
        BadFileError: there is no record, or it is damaged.
        UsageError: it belongs to a photo of another size, or the crop is trimmed.
    """
    record = read_record(record_file)
    height, width = photo.image.shape[:2]
    if record.photo_size != (width, height):
        raise UsageError(
            f"That crop is of {record.photo}, {record.photo_size[0]}×{record.photo_size[1]} pixels;"
            f" {photo.name} has {width}×{height}. Name the photo that was aligned."
        )
    if file_sha256(path) != record.photo_sha256:
        warn(f"{photo.name} is not the very file that was aligned; the crop is put at its place.")
    return put_back(
        photo.image, crop, np.array(record.matrix), size=record.size,
        reconstruction=reconstruction, where=where, grain=grain,
    )  # fmt: skip


def _is_crop(path: Path) -> bool:
    """Whether `align_photo` wrote this, a crop or its record."""
    try:
        read_record(path.with_suffix(".json"))
    except BadFileError:
        return False
    return True


def require_faces(photo: Photo, size: int = CROP_PX) -> list[AlignedFace]:
    """Every face of a photo, the largest first.

    Raises:
        BadFileError: there is none.
    """
    if faces := find_faces(photo.image, size=size):
        return faces
    if lies_on_its_side(photo.image):
        raise BadFileError(
            f"{photo.name} does not stand upright: a face is seen once it is turned. Turn it first."
        )
    raise BadFileError(
        f"No face was found in {photo.name}; is it turned far away, covered, or small?"
    )


def record_of(
    photo: Photo, digest: str, face: AlignedFace, number: int, total: int
) -> CropRecord:  # fmt: skip
    """Where a face lies.

    Args:
        photo: Where it was found.
        digest: SHA-256 of the photo's file.
        face: The face.
        number: Its number, 1 for the largest.
        total: How many there are.
    """
    first, second = ((float(a), float(b), float(c)) for a, b, c in face.matrix)
    return CropRecord(
        FORMAT, photo.name, digest, (photo.image.shape[1], photo.image.shape[0]), number, total,
        len(face.crop), (first, second), round(face.eyes_px, 1), (*photo.notes, *face.warnings),
    )  # fmt: skip


def finished_faces(out: Path, name: str, digest: str, size: int) -> dict[int, CropRecord]:
    """The records of a photo's faces that are there already, by number, each with its picture.

    Raises:
        UsageError: they are of another photo or size.
    """
    done = {}
    for path in sorted(out.glob(f"{_escaped(name)}-*.json")):
        number = path.stem.removeprefix(f"{name}-")
        if not number.isdecimal():
            continue
        record = read_record(path)
        if (record.photo_sha256, record.size) != (digest, size):
            other = "another photo" if record.photo_sha256 != digest else f"{record.size} pixels"
            raise UsageError(
                f"{path.with_suffix('.png')} is a crop of {other}; choose another --out."
            )
        if _crop_path(out, name, record.face).is_file():
            done[record.face] = record
    return done


def record_json(record: CropRecord, **more: object) -> bytes:
    """The bytes of a record's file, with more beside it that `read_record` leaves out."""
    return json.dumps(asdict(record) | more, indent=1, ensure_ascii=False).encode() + b"\n"


def _crop_path(out: Path, name: str, number: int) -> Path:
    return out / f"{name}-{number}.png"


def record_path(out: Path, name: str, number: int) -> Path:
    """Where the record of a photo's face lies, beside its picture."""
    return out / f"{name}-{number}.json"


def _stem(path: Path) -> str:
    return path.stem


def _stem_and_ending(path: Path) -> str:
    return f"{path.stem}-{path.suffix[1:]}"


def _with_folder(path: Path) -> str:
    return f"{path.resolve().parent.name}-{path.stem}-{path.suffix[1:]}"


def _escaped(name: str) -> str:
    """A name for `glob`, in which brackets and stars mean themselves."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
