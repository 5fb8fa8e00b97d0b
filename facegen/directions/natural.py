"""Where the faces are: the shape of W, and how natural a latent is in it.

The mapping network ends in a leaky ReLU, so w itself is bent: with that undone (negative numbers
times five) the latents of faces lie close to a Gaussian, and its Mahalanobis distance tells the
usual from the unusual (Wulff & Torralba 2020, arXiv 2009.06529, who call it the Gaussianised
space). The cloud is fitted to faces truncated as those that the regressor learned from; how far
faces without truncation reach in it is what a distance is judged by.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from facegen.directions.regressor import ROW_GROUPS, Regressor, group_means
from facegen.directions.store import npz_bytes, read_npz
from facegen.errors import BadFileError
from facegen.files import write_atomic
from facegen.latents import NUM_WS, W_DIM
from facegen.paths import DIRECTIONS_DIR

NUM_GROUPS = len(ROW_GROUPS)
NATURAL_FILE = "natural.npz"
KINK = 0.3
SMALLEST_VARIANCE = 1e-3
PERCENTILES = 101
# Used where nobody measured: how much longer w gets when it is straightened, and how far faces
# reach without truncation.
STRAIGHT_GROWTH = 1.7
USUAL_REACH = (0.8, 3.5)


@dataclass(frozen=True, eq=False)
class Natural:
    """The cloud of faces in straightened w.

    Attributes:
        mean: [512].
        axes: [512, 512], from the shortest to the longest; mean + axes @ v is a straightened w, v
            standard normal for faces.
        reach: Distances of faces without truncation: percentiles 0 to 100, [101], rising.
    """

    mean: np.ndarray
    axes: np.ndarray
    reach: np.ndarray

    @cached_property
    def is_round(self) -> bool:
        """Whether faces vary alike in all directions, as far as is known."""
        lengths = np.square(self.axes, dtype=np.float64).sum(axis=0)
        return bool(np.allclose(lengths, lengths[0], rtol=1e-3))

    @cached_property
    def inverse(self) -> np.ndarray:
        """[512, 512], from straightened w to v."""
        lengths = np.square(self.axes, dtype=np.float64).sum(axis=0)
        return np.ascontiguousarray((self.axes / lengths).T, np.float32)

    def whitened(self, groups: np.ndarray) -> np.ndarray:
        """The v of rows of w: [..., 512] -> [..., 512]."""
        return (straightened(groups) - self.mean) @ self.inverse.T

    def distance(self, w_plus: np.ndarray) -> float:
        """Mean square of v over the groups of rows of a w_plus, [18, 512]; about 1 is usual."""
        groups = group_means(np.asarray(w_plus, np.float32)[None])[0]
        return float(np.square(self.whitened(groups)).mean(dtype=np.float64))

    def naturalness(self, w_plus: np.ndarray) -> float:
        """Per cent of the generator's faces without truncation that are less natural than this."""
        at = np.interp(self.distance(w_plus), self.reach, np.arange(PERCENTILES))
        return float(100.0 - at)


def straightened(w: np.ndarray) -> np.ndarray:
    """Undo the leaky ReLU at the end of the mapping network, its kink rounded.

    The slope goes from 5 to 1 over a width of about KINK: with a sharp kink the solver's steps
    overrun it again and again.
    """
    return 3 * w - 2 * (np.sqrt(w * w + np.float32(KINK**2)) - np.float32(KINK))


def steepness(w: np.ndarray) -> np.ndarray:
    """The slope of `straightened`, 5 to 1."""
    return 3 - 2 * w / np.sqrt(w * w + np.float32(KINK**2))


def bent(straight: np.ndarray) -> np.ndarray:
    """From straightened w to w."""
    shifted = np.float32(2 * KINK) - straight
    return (np.sqrt(4 * shifted * shifted + np.float32(20 * KINK**2)) - 3 * shifted) / 5


def learn_natural(truncated: np.ndarray, whole: np.ndarray) -> Natural:
    """Fit the cloud.

    Args:
        truncated: Faces that set the unit, w, [N, 512].
        whole: Faces without truncation, w, [M, 512].
    """
    straight = straightened(truncated).astype(np.float64)
    variances, directions = np.linalg.eigh(np.cov(straight, rowvar=False))
    lengths = np.sqrt(np.maximum(variances, SMALLEST_VARIANCE * variances.max()))
    cloud = Natural(
        straight.mean(axis=0).astype(np.float32),
        (directions * lengths).astype(np.float32),
        np.linspace(*USUAL_REACH, PERCENTILES),
    )
    distances = np.square(cloud.whitened(np.asarray(whole, np.float32))).mean(axis=1)
    reach = np.percentile(distances, np.arange(PERCENTILES))
    return Natural(cloud.mean, cloud.axes, np.maximum.accumulate(reach).astype(np.float32))


def guessed(regressor: Regressor) -> Natural:
    """A round cloud, for spaces whose dials were learned before clouds were."""
    length = STRAIGHT_GROWTH * float(regressor.radius[0]) / np.sqrt(NUM_WS * W_DIM)
    return Natural(
        straightened(regressor.origin),
        (length * np.eye(W_DIM)).astype(np.float32),
        np.linspace(*USUAL_REACH, PERCENTILES, dtype=np.float32),
    )


def write_natural(natural: Natural, space: str, *, folder: Path = DIRECTIONS_DIR) -> None:
    """Write the cloud of a space, its axes in half precision; equal ones give equal bytes."""
    arrays: dict[str, np.ndarray] = {
        "mean": natural.mean.astype(np.float32),
        "axes": natural.axes.astype(np.float16),
        "reach": natural.reach.astype(np.float32),
    }
    write_atomic(folder / space / NATURAL_FILE, npz_bytes(arrays))


def read_natural(space: str, regressor: Regressor, *, folder: Path = DIRECTIONS_DIR) -> Natural:
    """Read the cloud of a space; without a file it is `guessed`.

    Raises:
        BadFileError: the file is damaged, or holds something else than it should.
    """
    path = folder / space / NATURAL_FILE
    if not path.exists():
        return guessed(regressor)
    arrays = read_npz(path)
    shapes = {"mean": (W_DIM,), "axes": (W_DIM, W_DIM), "reach": (PERCENTILES,)}
    if {key: value.shape for key, value in arrays.items()} != shapes:
        raise _bad(path, "it must hold mean [512], axes [512, 512] and reach [101]")
    if any(value.dtype.kind != "f" or not np.isfinite(value).all() for value in arrays.values()):
        raise _bad(path, "its numbers must be finite floats")
    numbers = {key: np.ascontiguousarray(value, np.float32) for key, value in arrays.items()}
    if not np.square(numbers["axes"]).sum(axis=0).all() or (np.diff(numbers["reach"]) < 0).any():
        raise _bad(path, "every axis must have a length, and reach must rise")
    return Natural(**numbers)


def _bad(path: Path, why: str) -> BadFileError:
    return BadFileError(
        f"The file {path.name} of natural faces cannot be used: {why}. "
        "Restore it or learn it anew with `python -m facegen directions learn`."
    )
