"""What the encoder is measured beside: a ridge regression from simple features to w.

A thumbnail of 32 px, dlib's descriptor and the landmarks, taught on 2,100 generated faces: the
start that a first trial of inversion had (docs/notes/encoder.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np

from facegen.directions.store import npz_bytes
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.latents import LABELS_PSI, NUM_WS
from facegen.learning.train_encoder import ridge
from facegen.measure.detector import MEASURE_PX, Detection, at_size, load_instruments
from facegen.protocols import Progress

FIRST_SEED = 65_000_000
FACES, HELD_OUT = 2_100, 200
THUMBNAIL_PX = 32


@dataclass(frozen=True, eq=False)
class LinearStart:
    """The regression.

    Attributes:
        mean: Of the features, [D].
        scale: Of these, [D].
        matrix: [D, 512].
        w_mean: [512].
    """

    mean: np.ndarray
    scale: np.ndarray
    matrix: np.ndarray
    w_mean: np.ndarray

    def encode(self, crop: np.ndarray) -> np.ndarray | None:
        """The w_plus of an aligned picture, float32 [18, 512]; None if no face is found."""
        found = features(crop)
        if found is None:
            return None
        w = (found - self.mean) * self.scale @ self.matrix + self.w_mean
        return np.repeat(w[None], NUM_WS, axis=0).astype(np.float32)


def features(image: np.ndarray) -> np.ndarray | None:
    """Thumbnail, descriptor and landmarks of a picture, float32 [D]; None if no face is found."""
    seen = load_instruments().detect(at_size(image, MEASURE_PX))
    return None if seen is None else _joined(image, seen)


def _joined(image: np.ndarray, seen: Detection) -> np.ndarray:
    small = cv2.resize(image, (THUMBNAIL_PX,) * 2, interpolation=cv2.INTER_AREA)
    parts = (small.ravel() / 255, seen.descriptor, seen.landmarks.ravel() / MEASURE_PX)
    return np.concatenate(parts).astype(np.float32)


def linear_start(generator: Generator, path: Path, progress: Progress | None = None) -> LinearStart:
    """Learn it, or read it where it was kept.

    Args:
        generator: Draws the faces it learns from.
        path: Where it is kept.
        progress: Called with (faces drawn, in all).
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            return LinearStart(*(kept[key] for key in ("mean", "scale", "matrix", "w_mean")))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        pass
    rows, latents = [], []
    for index in range(FACES + HELD_OUT):
        w_plus = generator.w_from_seed(FIRST_SEED + index, LABELS_PSI)
        found = features(generator.render(w_plus, size=MEASURE_PX))
        if found is not None:
            rows.append(found)
            latents.append(w_plus[0])
        if progress is not None:
            progress(index + 1, FACES + HELD_OUT)
    x, w = np.stack(rows), np.stack(latents)
    taught, held = slice(None, -HELD_OUT), slice(-HELD_OUT, None)
    mean, scale, w_mean = x[taught].mean(axis=0), 1 / (x[taught].std(axis=0) + 1e-3), w.mean(axis=0)
    z = (x - mean) * scale
    matrix = ridge(z[taught], w[taught] - w_mean, z[held], w[held] - w_mean)
    arrays = {"mean": mean, "scale": scale, "matrix": matrix, "w_mean": w_mean}
    write_atomic(path, npz_bytes(arrays))
    return LinearStart(**arrays)
