"""What the instruments would say of a latent, in a millisecond and with its slope.

A ridge regression reads each measurement from the mean w of six groups of rows; a small network
on the groups' contributions adds what is not linear (a beard that shows only beyond a threshold,
a hat that hides the hair). It predicts the numbers of `facegen.measure` and dlib's descriptor
without an image, so a target is reached by a few Gauss-Newton steps (`facegen.directions.solver`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.special import erf

from facegen.directions.store import npz_bytes, read_npz
from facegen.errors import BadFileError
from facegen.files import write_atomic
from facegen.latents import NUM_WS, W_DIM
from facegen.paths import DIRECTIONS_DIR
from facegen.threads import one_blas_thread

ROW_GROUPS: tuple[tuple[int, int], ...] = ((0, 2), (2, 4), (4, 6), (6, 8), (8, 11), (11, 18))
"""Rows that are read and moved together: first, and one past the last."""
DESCRIPTOR_DIM = 128
REGRESSOR_FILE = "regressor.npz"
_ROWS_PER_GROUP = np.array([last - first for first, last in ROW_GROUPS])


@dataclass(frozen=True, eq=False)
class Regressor:
    """Predicts K measurements and the descriptor from a w_plus.

    All of it works in standard scores: (measurement - mean) / spread over natural faces.

    Attributes:
        names: The K measurements; 128 numbers of the descriptor follow them in every array.
        origin: The w that reads all zeros before the network's part, [512].
        linear: [6 * 512, K + 128], one block of 512 rows a group.
        w1, b1, w2, b2, w3, b3: The network: 6 (K + 128) contributions in, K + 128 corrections out.
        mean, spread: Of the natural faces, [K + 128].
        score: Correlation with what was measured on pictures not learned from, [K + 128].
        error: Standard deviation of the miss there, [K + 128].
        keepers: Changes of the groups that move the descriptor and no measurement, [M, 6 * 512];
            with them the solver takes back what an edit does to the person.
        radius: Root mean square distance of a natural w_plus from `origin`, [1].
    """

    names: tuple[str, ...]
    origin: np.ndarray
    linear: np.ndarray
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    w3: np.ndarray
    b3: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    score: np.ndarray
    error: np.ndarray
    keepers: np.ndarray
    radius: np.ndarray

    @property
    def size(self) -> int:
        """Numbers predicted: K + 128."""
        return len(self.mean)

    def contributions(self, w_plus: np.ndarray) -> np.ndarray:
        """What each group of rows adds to each prediction.

        Args:
            w_plus: [N, 18, 512].

        Returns:
            [N, 6 * (K + 128)].
        """
        return self.shares(np.asarray(w_plus, np.float32) - self.origin)

    def shares(self, change: np.ndarray) -> np.ndarray:
        """`contributions` of a change of w_plus, [N, 18, 512]: no origin is taken off."""
        means = group_means(change).transpose(1, 0, 2)
        parts = means @ self.linear.reshape(len(ROW_GROUPS), W_DIM, -1)  # [6, N, K + 128]
        return parts.transpose(1, 0, 2).reshape(len(change), -1)

    def scores(self, contributions: np.ndarray) -> np.ndarray:
        """Standard scores, [N, K + 128], from `contributions`."""
        return self.hidden(contributions) @ self.w3 + self.b3 + self.total(contributions)

    def hidden(self, contributions: np.ndarray) -> np.ndarray:
        """What enters the network's last layer, [..., hidden], from `contributions`."""
        first, _ = gelu(contributions @ self.w1 + self.b1)
        second, _ = gelu(first @ self.w2 + self.b2)
        return second

    def output_slopes(self, contributions: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Slopes of some outputs of the network against what enters it, [R, hidden].

        A step whose `shares @ w1` is e moves these outputs by `output_slopes @ e`, beside the sum
        of its shares over the groups.

        Args:
            contributions: Of a latent, [6 (K + 128)].
            last: The last layer, `w3` or a part or mixture of it, [hidden, R].
        """
        first, slope1 = gelu(contributions @ self.w1 + self.b1)
        _, slope2 = gelu(first @ self.w2 + self.b2)
        slopes: np.ndarray = (last.T * slope2) @ self.w2.T * slope1
        return slopes

    def values(self, w_plus: np.ndarray) -> dict[str, float]:
        """Every measurement of one w_plus, [18, 512], in its own unit."""
        scores = self.scores(self.contributions(w_plus[None]))[0]
        known = (scores * self.spread + self.mean)[: len(self.names)]
        return dict(zip(self.names, known.tolist(), strict=True))

    def total(self, contributions: np.ndarray) -> np.ndarray:
        """Contributions summed over the groups: [N, 6 (K + 128)] -> [N, K + 128]."""
        return contributions.reshape(len(contributions), len(ROW_GROUPS), -1).sum(axis=1)


def group_means(w_plus: np.ndarray) -> np.ndarray:
    """The mean row of each group: [N, 18, 512] -> [N, 6, 512]."""
    first = [start for start, _ in ROW_GROUPS]
    return np.add.reduceat(w_plus, first, axis=1) / _ROWS_PER_GROUP[:, None].astype(np.float32)


def spread_groups(groups: np.ndarray) -> np.ndarray:
    """Every row of a group alike: [..., 6, 512] -> [..., 18, 512]."""
    return np.repeat(groups, _ROWS_PER_GROUP, axis=-2)


def write_regressor(regressor: Regressor, space: str, *, folder: Path = DIRECTIONS_DIR) -> None:
    """Write the regressor of a space, in half precision; equal ones give equal bytes."""
    arrays = {"names": np.array(regressor.names)}
    for entry in fields(Regressor)[1:]:
        value = getattr(regressor, entry.name)
        small = entry.name in ("linear", "w1", "w2", "w3", "keepers")
        arrays[entry.name] = np.asarray(value, np.float16 if small else np.float32)
    write_atomic(folder / space / REGRESSOR_FILE, npz_bytes(arrays))


def read_regressor(space: str, *, folder: Path = DIRECTIONS_DIR) -> Regressor:
    """Read the regressor of a space.

    Raises:
        BadFileError: the file is missing, damaged, or holds something else than it should.
    """
    one_blas_thread()
    path = folder / space / REGRESSOR_FILE
    arrays = read_npz(path)
    wanted = {entry.name for entry in fields(Regressor)}
    if set(arrays) != wanted or arrays["names"].dtype.kind != "U":
        raise _bad(path, "it must hold " + ", ".join(sorted(wanted)))
    names = tuple(str(name) for name in arrays.pop("names"))
    numbers = {key: np.ascontiguousarray(value, np.float32) for key, value in arrays.items()}
    if not all(np.isfinite(value).all() for value in numbers.values()):
        raise _bad(path, "it holds NaN or infinite numbers")
    out, hidden = len(names) + DESCRIPTOR_DIM, numbers["b1"].shape[-1]
    groups, second = len(ROW_GROUPS), numbers["b2"].shape[-1]
    shapes = {
        "origin": (W_DIM,), "linear": (groups * W_DIM, out), "w1": (groups * out, hidden),
        "b1": (hidden,), "w2": (hidden, second), "b2": (second,), "w3": (second, out),
        "b3": (out,), "keepers": (len(numbers["keepers"]), groups * W_DIM),
        "radius": (1,), "mean": (out,), "spread": (out,), "score": (out,), "error": (out,),
    }  # fmt: skip
    for key, shape in shapes.items():
        if numbers[key].shape != shape:
            raise _bad(path, f"{key} must be {shape}, got {numbers[key].shape}")
    if numbers["spread"].min() <= 0:
        raise _bad(path, "every spread must be more than zero")
    return Regressor(names, **numbers)


def gelu(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """GELU (Hendrycks & Gimpel 2016) and its slope."""
    below = 0.5 * (1.0 + erf(x * np.float32(np.sqrt(0.5))))
    bell = np.exp(-0.5 * x * x) * np.float32(1.0 / np.sqrt(2.0 * np.pi))
    return x * below, below + x * bell


def _bad(path: Path, why: str) -> BadFileError:
    return BadFileError(
        f"The regressor {path.name} cannot be used: {why}. "
        "Restore it or learn it anew with `python -m facegen directions learn`."
    )


assert sum(_ROWS_PER_GROUP) == NUM_WS
