"""A crowd of generated faces and what the instruments saw in each, kept on disk as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from facegen.directions.regressor import ROW_GROUPS, spread_groups
from facegen.directions.store import npz_bytes
from facegen.files import write_atomic
from facegen.measure.detector import MEASURE_PX, Sight, load_instruments
from facegen.measure.hog import appearance

Progress = Callable[[int, int], None]
MIXED_SEED = 1_000_000
MOST_MIXED_DEG = 60.0
NATURAL_PSI, WIDE_PSI = 0.8, 1.0
NATURAL_SHARE = 0.7


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


def mixed_latent(generator: Renders, index: int) -> np.ndarray:
    """A w_plus whose groups of rows come partly from different people, [18, 512].

    Each group turns away from a common w by the same random angle toward a w of its own, so every
    row stays as natural as a seed's while the rows' effects can be told apart. Three in ten are
    wider than natural.

    Args:
        generator: Maps.
        index: Equal numbers give equal latents.
    """
    rng = np.random.RandomState(MIXED_SEED + index)
    z = rng.randn(len(ROW_GROUPS) + 1, 512).astype(np.float32)
    angle = np.radians(rng.uniform(0, MOST_MIXED_DEG))
    psi = NATURAL_PSI if rng.uniform() < NATURAL_SHARE else WIDE_PSI
    w = generator.map(z) - generator.w_avg
    groups = generator.w_avg + psi * (np.cos(angle) * w[0] + np.sin(angle) * w[1:])
    return spread_groups(groups.astype(np.float32))


def scan(
    generator: Renders,
    seeds: Iterable[int],
    latent: Callable[[int], np.ndarray],
    *,
    cache: Path,
    progress: Progress | None = None,
) -> dict[int, Glimpse]:
    """Render and look at faces; continues where an earlier call stopped.

    Args:
        generator: Draws the faces.
        seeds: Which.
        latent: Seed -> w_plus, [18, 512].
        cache: Folder with one small file a face; a damaged one is made anew.
        progress: Called with (done, in all).
    """
    seeds = list(seeds)
    faces = {}
    for done, seed in enumerate(seeds):
        path = cache / f"{seed}.npz"
        face = read_glimpse(path)
        if face is None:
            face = glimpse(generator.render(latent(seed), size=MEASURE_PX))
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
