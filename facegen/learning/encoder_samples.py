"""Pictures with their latents, for teaching the encoder: drawn once, kept on disk as they grow.

Most are of one w, as seeds give them, less truncated than the app's; the others mix two people by
rows or shift groups of rows apart, so that the encoder does not learn that all rows are alike.
One in `FULL_EVERY` is drawn in full and averaged down, the rest by the preview network.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from facegen.directions.regressor import ROW_GROUPS
from facegen.directions.store import npz_bytes
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.images import area_downscale
from facegen.latents import NUM_WS, W_DIM
from facegen.learning.photo_like import decoded
from facegen.protocols import Progress

FIRST_SEED = 60_000_000
OTHER_SEED = 500_000_000
"""What is added to a seed for the person that it is mixed with."""
PICTURE_PX = 256
SHARD = 250
FULL_EVERY = 9
PSI = (0.7, 1.0)
CROSSED, SHIFTED = 0.25, 0.2  # shares of latents
CROSSING_ROWS = (4, 14)
MOST_SHIFT = 0.45
JPEG_QUALITY = 97


@dataclass(frozen=True, eq=False)
class Shard:
    """Samples that are kept in one file.

    Attributes:
        w_plus: float16 [N, 18, 512].
        jpegs: N pictures of `PICTURE_PX`, as JPEG.
    """

    w_plus: np.ndarray
    jpegs: tuple[np.ndarray, ...]

    def picture(self, index: int) -> np.ndarray:
        """A picture, uint8 [256, 256, 3] RGB."""
        return decoded(self.jpegs[index])


def training_latent(generator: Generator, seed: int) -> np.ndarray:
    """The latent of a sample, float32 [18, 512]."""
    random = np.random.RandomState(seed % 2**32)
    w_plus = generator.w_from_seed(seed, random.uniform(*PSI)).copy()
    kind = random.rand()
    if kind > CROSSED + SHIFTED:
        return w_plus
    if kind < CROSSED:
        row = random.randint(*CROSSING_ROWS)
        w_plus[row:] = generator.w_from_seed(seed + OTHER_SEED, random.uniform(*PSI))[0]
        return w_plus
    share = random.uniform(0.1, MOST_SHIFT)
    for number, (first, last) in enumerate(ROW_GROUPS):
        other = generator.w_from_seed(seed + (number + 2) * OTHER_SEED, random.uniform(*PSI))[0]
        w_plus[first:last] = generator.w_avg + (
            np.sqrt(1 - share**2) * (w_plus[first:last] - generator.w_avg)
            + share * (other - generator.w_avg)
        )
    return w_plus


def draw_samples(
    generator: Generator, folder: Path, count: int, progress: Progress | None = None
) -> None:
    """Draw samples until there are `count`; what is there already is not drawn again."""
    for start in range(0, count, SHARD):
        path = shard_path(folder, start // SHARD)
        if not path.exists():
            _draw_shard(generator, path, FIRST_SEED + start)
        if progress is not None:
            progress(start + SHARD, count)


def shard_path(folder: Path, number: int) -> Path:
    """Where a shard is kept."""
    return folder / f"pictures-{number:04d}.npz"


def _draw_shard(generator: Generator, path: Path, first: int) -> None:
    latents, streams = [], []
    for seed in range(first, first + SHARD):
        w_plus = training_latent(generator, seed).astype(np.float16)
        whole = w_plus.astype(np.float32)
        if seed % FULL_EVERY == 0:
            picture = area_downscale(generator.render(whole)[None], PICTURE_PX)[0]
        else:
            picture = generator.preview(whole)
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        _, stream = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), quality)
        latents.append(w_plus)
        streams.append(stream.ravel())
    arrays: dict[str, np.ndarray] = {
        "w_plus": np.stack(latents),
        "bytes": np.concatenate(streams),
        "ends": np.cumsum([len(stream) for stream in streams]),
    }
    write_atomic(path, npz_bytes(arrays))


def read_shard(path: Path) -> Shard | None:
    """What was kept; None if nothing was, or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            latents, ends = data["w_plus"], data["ends"]
            jpegs = np.split(data["bytes"], ends[:-1])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    if latents.shape[1:] != (NUM_WS, W_DIM) or len(jpegs) != len(latents):
        return None
    return Shard(latents, tuple(jpegs))
