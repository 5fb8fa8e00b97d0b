"""A dial of the user's own from examples: faces that have it, and faces that have it not."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegen.directions.examples import learn_from_examples
from facegen.directions.user_dials import OwnDial, checked_name, from_learned
from facegen.latents import NUM_WS
from facegen.paths import DIRECTIONS_DIR
from facegen.protocols import Maps, Progress


def make_own(
    generator: Maps,
    has: list[np.ndarray],
    has_not: list[np.ndarray],
    *,
    name: str,
    title: str = "",
    rows: tuple[int, int] = (0, NUM_WS),
    folder: Path = DIRECTIONS_DIR,
    progress: Progress | None = None,
) -> OwnDial:
    """Make a dial from examples; nothing is rendered and nothing is written.

    Args:
        generator: Its mapping network tells what faces are like.
        has: Faces that have it, w_plus [18, 512] each; about 20.
        has_not: Faces that have it not.
        name: See NAME_RULE.
        title: What the user reads; the name if empty.
        rows: Rows to act on: first, and one past the last.
        folder: Where the named dials are, which the new one shall not move.
        progress: Called with (steps done, steps in all).

    Raises:
        UsageError: the name cannot be used, or the examples are too few or the same.
        LatentError: a latent of another shape.
    """
    name = checked_name(name)
    learned = learn_from_examples(
        generator, has, has_not, rows=rows, folder=folder, progress=progress
    )
    return from_learned(
        learned, name=name, title=title, space=generator.space, kind="examples",
        source=f"{len(has)} faces with it and {len(has_not)} without",
    )  # fmt: skip
