"""`--clothes`: faces dressed in a terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegen.cli.backgrounds import draws_the_same
from facegen.cli.face_files import generator_for
from facegen.cli.shared import open_face
from facegen.clothing import FACE, Clothing
from facegen.errors import UsageError
from facegen.face import Face
from facegen.operations import clothes_among, with_clothes

SEED = "seed:"
Wanted = tuple[Clothing | None, np.ndarray | int | None]
"""Clothes, None for the face's own; and whose they are: a latent, [18, 512], or a seed."""


def wanted_clothes(text: str, face: Face) -> Wanted:
    """What `--clothes` asks for; an unknown word is the file of another face."""
    word = text.strip().lower()
    if word == "none":
        return None, None
    clothing = Clothing.parse(text)
    if clothing is not None:
        return clothing, None
    if word.startswith(SEED):
        number = word.removeprefix(SEED)
        if not (number.isascii() and number.isdigit()):
            raise UsageError(f"--clothes seed:42 takes a whole number, got '{number[:40]}'.")
        return Clothing(FACE), int(number)
    path = Path(text)
    if not path.exists():
        raise UsageError(
            f"--clothes takes seed:42, a face file, a colour such as #203040, or none; there is no "
            f"file {text}."
        )
    return Clothing(FACE), open_face(path).require_space(face.space).w_plus


def in_clothes(
    before: Face, after: Face, wanted: Wanted | None, *, model: str, engine: str
) -> Face:
    """`after` in the wanted clothes; unless some are wanted, in those of `before`.

    Raises:
        UsageError: no clothes are seen, on the face or on the other.
        ModelError: the network cannot draw the clothes of another.
    """
    had = clothes_among(before.operations)
    if wanted is None and (had is None or draws_the_same(before, after)):
        return after.finished(with_clothes(after.pixel_operations, had))
    if wanted is not None and wanted[0] is None:
        return after.finished(with_clothes(after.pixel_operations, None))
    from facegen.local import clothes
    from facegen.local.background import segments_finder

    generator = generator_for(after, model=model, engine=engine)
    segments_of = segments_finder(generator)
    if wanted is None:
        return clothes.again(after, had, segments_of)
    whose = generator.w_from_seed(wanted[1]) if isinstance(wanted[1], int) else wanted[1]
    return clothes.wearing(after, wanted[0], segments_of, other=whose)
