"""A crowd of generated faces and what the instruments saw in each, kept on disk as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from facegen.directions.store import npz_bytes
from facegen.files import write_atomic
from facegen.measure.appearance import appearance
from facegen.measure.instruments import MEASURE_PX, Sight, load_instruments

Progress = Callable[[int, int], None]


class Renders(Protocol):
    """What rendering a crowd needs of a generator."""

    space: str
    w_avg: np.ndarray

    def map(self, z: np.ndarray) -> np.ndarray:
        """Z [N, 512] -> w [N, 512]."""

    def w_from_seed(self, seed: int, psi: float = 0.7) -> np.ndarray:
        """The w_plus, [18, 512]."""

    def render(self, w_plus: np.ndarray, *, size: int | None = None) -> np.ndarray:
        """The picture, uint8."""


@dataclass(frozen=True, eq=False)
class Glimpse:
    """One face: its picture features, and what was seen; `sight` is None if nobody was."""

    look: np.ndarray
    sight: Sight | None


def glimpse(image: np.ndarray) -> Glimpse:
    """Look at a picture, uint8 [H, H, 3]."""
    return Glimpse(appearance(image), load_instruments().look(image))


def scan(
    generator: Renders,
    seeds: Iterable[int],
    *,
    psi: float,
    cache: Path,
    progress: Progress | None = None,
) -> dict[int, Glimpse]:
    """Render and look at the faces of `seeds`; continues where an earlier call stopped.

    Args:
        generator: Draws the faces.
        seeds: Which.
        psi: Truncation.
        cache: Folder with one small file a face; a damaged one is made anew.
        progress: Called with (done, in all).
    """
    seeds = list(seeds)
    faces = {}
    for done, seed in enumerate(seeds):
        path = cache / f"{seed}.npz"
        face = read_glimpse(path)
        if face is None:
            face = glimpse(generator.render(generator.w_from_seed(seed, psi), size=MEASURE_PX))
            write_glimpse(path, face)
        faces[seed] = face
        if progress:
            progress(done + 1, len(seeds))
    return faces


def write_glimpse(path: Path, face: Glimpse) -> None:
    """Keep what was seen of one face."""
    arrays = {"a": face.look}
    if face.sight is not None:
        arrays |= {
            "lm": face.sight.landmarks,
            "d": face.sight.descriptor,
            "age": np.array(face.sight.age),
            "male": np.array(face.sight.male),
        }
    write_atomic(path, npz_bytes(arrays))


def read_glimpse(path: Path) -> Glimpse | None:
    """What was kept; None if nothing was, or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            if "lm" not in data:
                return Glimpse(data["a"], None)
            sight = Sight(
                data["lm"], data["d"], float(data["age"].item()), float(data["male"].item())
            )
            return Glimpse(data["a"], sight)
    except (OSError, ValueError, KeyError, EOFError):
        return None
