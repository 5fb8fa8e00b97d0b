"""Face files that commands read, draw and write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facegen.cli.shared import count_progress, load_generator, print_json
from facegen.errors import ModelError
from facegen.files import make_folder

if TYPE_CHECKING:
    import numpy as np

    from facegen.face import Face
    from facegen.generator import Generator

Piece = tuple[Path, "Face", "np.ndarray", Mapping[str, object]]
"""Where to write a face, the face, its picture, and what JSON tells of it besides."""


def generator_for(
    face: Face, *, model: str, engine: str, draws_faces: bool = True
) -> Generator:  # fmt: skip
    """The generator that draws a face.

    Args:
        face: From a file.
        model: Registered or imported model.
        engine: How to run it.
        draws_faces: Whether it must draw faces: dials mean nothing where it does not.

    Raises:
        SpaceMismatchError: it has another latent space.
        ModelError: it draws no faces.
    """
    generator = load_generator(model, engine=engine)
    face.require_space(generator.space)
    if draws_faces and generator.why_not_face:
        raise ModelError(generator.why_not_face)
    return generator


def drawn(face: Face, generator: Generator) -> np.ndarray:
    """The picture of a face in full size, with all that is done in it, and alpha if it has any."""
    from facegen.retouch.apply import draw

    request = face.request(model=generator.model, size=generator.img_resolution)
    return draw(request, generator, alpha=True)


def edits_of(face: Face) -> dict[str, object]:
    """The dials that were moved, as JSON tells of them."""
    return {"edits": [{"dial": one.dial, "delta": one.delta} for one in face.edits]}


def write_faces(
    pieces: Iterable[Piece], folder: Path, label: str, total: int, *, npz: bool, as_json: bool
) -> int:
    """Write faces one by one, as they come: the path of each on stdout, or JSON of all at the end.

    Args:
        pieces: What to write; drawn on the way.
        folder: Where all of it goes; made before the first is drawn.
        label: Of the progress bar.
        total: How many there will be, at most.
        npz: Whether the latent is written beside each picture.
        as_json: Whether to print JSON.

    Returns:
        How many there were.

    Raises:
        SaveError: the folder or a file cannot be written.
    """
    make_folder(folder)
    rows: list[dict[str, object]] = []
    with count_progress(label) as progress:
        for path, face, picture, facts in pieces:
            face.save(path, picture, npz=npz)
            rows.append({"file": str(path), **facts})
            progress(len(rows), total)
            if not as_json:
                click.echo(path)
    if as_json:
        print_json(rows)
    return len(rows)
