"""`--background`: faces put before another background in a terminal."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegen.backdrops import Backdrop
from facegen.cli.face_files import generator_for
from facegen.cli.shared import open_face
from facegen.errors import UsageError
from facegen.face import Face
from facegen.operations import background_among, with_background

Wanted = tuple[Backdrop | None, np.ndarray | None]
"""A background, None for the face's own; and the latent, [18, 512], if it is another's."""


def wanted_background(text: str, face: Face) -> Wanted:
    """What `--background` asks for; an unknown word is the file of another face."""
    if text.strip().lower() == "none":
        return None, None
    backdrop = Backdrop.parse(text)
    if backdrop is not None:
        return backdrop, None
    path = Path(text)
    if not path.exists():
        raise UsageError(
            f"--background takes blur, blur=0.6, a colour such as #8090a0, transparent, none, or "
            f"a face file; there is no file {text}."
        )
    return Backdrop.of_another(), open_face(path).require_space(face.space).w_plus


def before_background(
    before: Face, after: Face, wanted: Wanted | None, *, model: str, engine: str
) -> Face:
    """`after` before the wanted background; unless one is wanted, before that of `before`."""
    had = background_among(before.operations)
    if wanted is None and (had is None or draws_the_same(before, after)):
        return after.finished(with_background(after.pixel_operations, had))
    if wanted is not None and wanted[0] is None:
        return after.finished(with_background(after.pixel_operations, None))
    from facegen.local import background

    generator = generator_for(after, model=model, engine=engine)
    segments_of = background.segments_finder(generator)
    if wanted is None:
        return background.again(after, had, segments_of)
    return background.before(after, wanted[0], segments_of, other=wanted[1])


def draws_the_same(before: Face, after: Face) -> bool:
    """Whether the network draws the same picture of both."""
    return before.keep == after.keep and np.array_equal(before.w_plus, after.w_plus)
