"""`project`: people on photographs as faces that dials move; and edited ones back into photos."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.shared import (
    count_progress,
    engine_option,
    json_option,
    load_generator,
    model_option,
    print_json,
    size_option,
)
from facegen.errors import FacegenError, UsageError

if TYPE_CHECKING:
    import numpy as np

    from facegen.invert.photos import ProjectedFace
    from facegen.invert.project import Step

MOST_STEPS = 1000
"""As `facegen.invert.project.MOST_STEPS`, which takes PyTorch to import."""


@click.command()
@click.argument(
    "photos", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PHOTO..."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the faces; an unfinished one is continued.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, MOST_STEPS),
    default=None,
    help="More come nearer to the photo, and take longer. [40]",
)
@click.option(
    "--face",
    type=click.IntRange(1),
    default=None,
    help="Only this face of each photo; 1 is the largest. Otherwise all.",
)
@size_option
@model_option
@engine_option
@json_option
def project(
    photos: tuple[Path, ...],
    *,
    out: Path,
    steps: int | None,
    face: int | None,
    size: int | None,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Find the people of photographs as faces of the generator, which dials can move.

    PHOTO is a JPEG, PNG, WebP, AVIF or HEIC, or a folder of them. Each face becomes a face file and
    a small JSON: where in the photo it lies, and how near the result came. The result is a
    likeness drawn anew, marked as made with AI. Ctrl-C keeps the best so far of a face and ends.

    Use photographs of real people only with their consent. They stay on this machine.

    \b
    python -m facegen project holiday.jpg --out people
    python -m facegen project holidays --face 1 --steps 80 --out people
    python -m facegen edit people/holiday-1.png --set age=+20y --paste-back holiday.jpg --out x.jpg
    """
    from facegen.evaluation.projection import load_judge
    from facegen.invert.photos import project_photo
    from facegen.invert.project import DEFAULT_STEPS, load_projector
    from facegen.photos.crops import photos_in

    def tell(text: str) -> None:
        click.echo(text, err=True)

    named = photos_in(photos, warn=tell)
    generator = load_generator(model, engine=engine)
    projector = load_projector(generator, judge=load_judge())
    rows: list[dict[str, object]] = []
    failures: list[FacegenError] = []
    with count_progress("Projecting") as progress, _stop_key() as is_stopped:
        for count, (name, path) in enumerate(named.items()):

            def seen(number: int, total: int, step: Step, count: int = count) -> bool:
                share = 1 if face is not None else total
                before = (count * share + (0 if face is not None else number - 1)) * step.of
                progress(before + step.number, len(named) * share * step.of)
                return not is_stopped()

            try:
                for found in project_photo(
                    path, name, out, projector, generator,
                    face=face, steps=steps or DEFAULT_STEPS, size=size, tell=seen,
                ):  # fmt: skip
                    rows.append(_row(path, found))
                    if not as_json:
                        click.echo(f"{found.path}  {_numbers(found)}")
                    for warning in found.record.warnings:
                        tell(f"{path.name}, face {found.record.face}: {warning}")
            except FacegenError as err:
                failures.append(err)
            if is_stopped():
                tell("Stopped; what was found so far is kept.")
                break
    if as_json:
        print_json(rows)
    for failure in failures[:-1]:
        tell(f"Error: {failure}")
    if failures:
        raise failures[-1]


def require_paste(face: Path, photo: Path, out: Path, *, is_small: bool, npz: bool) -> None:
    """Refuse what cannot be pasted, before minutes of work.

    Raises:
        BadFileError: nothing tells where in the photo the face lies.
        UsageError: another ending, the photo itself, or what does not go together.
    """
    from facegen.photos.crops import read_record
    from facegen.photos.save import output_format

    output_format(out)
    if is_small or npz:
        raise UsageError("--paste-back writes a photo; leave --size and --npz out.")
    for taken in (face, photo):
        if out.exists() and taken.exists() and out.samefile(taken):
            raise UsageError(f"{out} would be written over {taken.name}; choose another --out.")
    read_record(face.with_suffix(".json"))


def paste_edited(
    face: Path, photo: Path, out: Path, picture: np.ndarray, reconstruction: np.ndarray
) -> None:
    """Put what an edit changed back into the photo that the face was found on.

    Args:
        face: The face file, beside its record.
        photo: The photo.
        out: The photo to write.
        picture: Of the edited face, uint8 [S, S, 3 or 4].
        reconstruction: uint8 [S, S, 3], of the face before all edits.

    Raises:
        BadFileError, UsageError: as `facegen.photos.crops.paste_crop`.
        SaveError: it cannot be written.
    """
    from facegen.files import write_atomic
    from facegen.photos.crops import paste_picture
    from facegen.photos.intake import open_photo
    from facegen.photos.save import encode_photo, output_format

    if picture.shape[2] == 4:
        raise UsageError("A transparent background cannot be put into a photo; choose another.")
    opened = open_photo(photo)
    done = paste_picture(
        opened, photo, picture, face.with_suffix(".json"), reconstruction=reconstruction,
        warn=lambda text: click.echo(text, err=True),
    )  # fmt: skip
    if not done.mask.any():
        click.echo("Nothing is changed in that face, so the photo stays as it is.", err=True)
    write_atomic(out, encode_photo(done.image, opened, output_format(out)))


@contextmanager
def _stop_key() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed; pressed again, it ends the program as ever."""
    pressed = False

    def press(*_: Any) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    try:
        before = signal.signal(signal.SIGINT, press)
    except ValueError:  # not in the main thread: somebody else listens
        yield lambda: False
        return
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _row(path: Path, found: ProjectedFace) -> dict[str, object]:
    told = found.told
    return {
        "file": str(found.path), "photo": str(path), "face": found.record.face,
        "faces": found.record.faces, "steps": told.steps, "seconds": told.seconds,
        "stopped": told.stopped, "numbers": told.numbers, "warnings": list(found.record.warnings),
    }  # fmt: skip


def _numbers(found: ProjectedFace) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in found.told.numbers.items())
