"""Generated faces and what the instruments found in each, kept on disk as it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from facegen.directions.regressor import ROW_GROUPS, spread_groups
from facegen.directions.store import npz_bytes
from facegen.files import write_atomic
from facegen.measure.appearance import LENGTH, appearance
from facegen.measure.classifiers import features, mirrored_features
from facegen.measure.detector import MEASURE_PX, Detection, load_instruments
from facegen.measure.segments import of_picture
from facegen.protocols import Generates, Progress

MIXED_SEED = 1_000_000
MOST_MIXED_DEG = 60.0
NATURAL_PSI, WIDE_PSI = 0.8, 1.0
NATURAL_SHARE = 0.7


@dataclass(frozen=True, eq=False)
class Sample:
    """One picture before any classifier is applied: what classifiers are learned from.

    Attributes:
        appearance: Its features, as `facegen.measure.appearance.appearance` gives them.
        detection: What the instruments found; None if no face was.
    """

    appearance: np.ndarray
    detection: Detection | None


def sample_of(image: np.ndarray) -> Sample:
    """The sample of a picture, uint8 [H, H, 3]."""
    return Sample(appearance(image, of_picture(image)), load_instruments().detect(image))


def both_features(faces: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """What classifiers read of faces that were seen, and of their mirror images: [N, D] each."""
    seen = [(face.appearance, face.detection) for face in faces if face.detection is not None]
    plain = np.stack([features(*pair) for pair in seen])
    return plain, np.stack([mirrored_features(*pair) for pair in seen])


def mixed_latent(generator: Generates, index: int) -> np.ndarray:
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
    generator: Generates,
    seeds: Iterable[int],
    latent: Callable[[int], np.ndarray],
    *,
    cache: Path,
    progress: Progress | None = None,
) -> dict[int, Sample]:
    """Render faces and find them in their pictures; continues where an earlier call stopped.

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
        face = read_sample(path)
        if face is None:
            face = sample_of(generator.render(latent(seed), size=MEASURE_PX))
            write_sample(path, face)
        faces[seed] = face
        if progress:
            progress(done + 1, len(seeds))
    return faces


def write_sample(path: Path, face: Sample) -> None:
    """Keep one sample."""
    arrays = {"a": face.appearance}
    if face.detection is not None:
        arrays |= {
            "lm": face.detection.landmarks,
            "d": face.detection.descriptor,
            "age": np.array(face.detection.age),
            "male": np.array(face.detection.male),
        }
    write_atomic(path, npz_bytes(arrays))


def read_sample(path: Path) -> Sample | None:
    """What was kept; None if nothing was, or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            if len(data["a"]) != LENGTH:
                return None  # of another version
            if "lm" not in data:
                return Sample(data["a"], None)
            detection = Detection(
                data["lm"], data["d"], float(data["age"].item()), float(data["male"].item())
            )
            return Sample(data["a"], detection)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
