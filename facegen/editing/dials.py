"""The dials of a latent space: where a face stands, and how to move it.

A dial adds `delta * vector` to the rows it acts on (see `facegen.directions.learn`), so edits
add up and their order does not matter. Readings are linear in w and cost microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from facegen.checks import require_finite, require_shape
from facegen.controls import DIALS, unknown_dial
from facegen.directions.store import (
    Direction,
    Regressor,
    direction_names,
    read_direction,
    read_regressor,
)
from facegen.errors import BadFileError, UsageError
from facegen.latents import BUNDLED_SPACE, NUM_WS, W_DIM
from facegen.paths import DIRECTIONS_DIR


@dataclass(frozen=True)
class DialSpec:
    """The numbers of one dial, in its unit; see `facegen.directions.store.DirectionMeta`."""

    unit: str
    unit_per_sd: float
    mean: float
    natural: tuple[float, float]
    safe: tuple[float, float]
    rows: tuple[int, int]
    score: float


class DialSet:
    """All dials of a space. Use `DialSet.load`.

    Attributes:
        space: The latent space they belong to.
        names: In the order of `facegen.controls.DIALS`.
    """

    def __init__(self, space: str, directions: Mapping[str, Direction], reading: Regressor):
        order = {entry.name: index for index, entry in enumerate(DIALS)}
        self.space = space
        self.names = tuple(
            sorted(directions, key=lambda name: (order.get(name, len(order)), name))
        )
        self._specs = {}
        self._vectors = {}
        columns = {name: index for index, name in enumerate(reading.names)}
        for name in self.names:
            if name not in columns:
                raise BadFileError(
                    f"The regressor of '{space}' does not read {name}. "
                    "Learn all dials together with `python -m facegen directions learn`."
                )
            meta = directions[name].meta
            self._specs[name] = DialSpec(
                meta.unit,
                meta.unit_per_sd,
                meta.mean,
                meta.natural,
                meta.safe,
                meta.rows,
                meta.score,
            )
            self._vectors[name] = directions[name].vector
        order_read = [columns[name] for name in self.names]
        self._weights = np.ascontiguousarray(reading.weights[:, order_read].T)  # [K, 512]
        self._bias = reading.bias[order_read]
        spans = [directions[name].meta.read_rows for name in self.names]
        kinds = sorted(set(spans))
        self._spans = np.array([kinds.index(span) for span in spans])
        self._means = np.zeros((len(kinds), NUM_WS), np.float32)
        for index, (first, last) in enumerate(kinds):
            self._means[index, first:last] = 1.0 / (last - first)

    @classmethod
    def load(cls, space: str = BUNDLED_SPACE, *, folder: Path = DIRECTIONS_DIR) -> DialSet:
        """The dials learned for a space; read once, then remembered.

        Raises:
            BadFileError: no dials for this space, or a damaged file.
            SpaceMismatchError: a file of another space lies in this one's folder.
        """
        return _load(space, folder)

    def spec(self, name: str) -> DialSpec:
        """The numbers of a dial.

        Raises:
            UnknownDialError: no such dial; names near matches.
        """
        self._require(name)
        return self._specs[name]

    def vector(self, name: str) -> np.ndarray:
        """What one unit of the dial adds to a w_plus, [18, 512], read-only."""
        self._require(name)
        return self._vectors[name]

    def read(self, w_plus: np.ndarray) -> dict[str, float]:
        """Where a face stands on each dial, in the dial's unit, predicted from its latent.

        Args:
            w_plus: [18, 512].

        Raises:
            LatentError: another shape.
        """
        _require_w_plus(w_plus)
        # Averages over the few spans of rows that dials read, then one dot product a dial.
        means = self._means @ np.asarray(w_plus, np.float32)
        values = np.einsum("kd,kd->k", means[self._spans], self._weights) + self._bias
        return dict(zip(self.names, values.tolist(), strict=True))

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """Move dials.

        Args:
            base: [18, 512]; not changed.
            deltas: Dial -> change in the dial's unit.

        Returns:
            [18, 512] float32; with nothing to move, bit for bit the base.

        Raises:
            UnknownDialError: no such dial.
            UsageError: a change that is not a finite number.
            LatentError: base has another shape or is not finite.
        """
        _require_w_plus(base)
        for name, delta in deltas.items():
            self._require(name)
            if not np.isfinite(delta):
                raise UsageError(f"The change of {name} must be a finite number, got {delta}.")
        moved = [name for name in self.names if deltas.get(name)]  # one order: order-free sums
        if not moved:
            return np.array(base, np.float32)
        require_finite(base, what="w_plus", advice="Open another copy of the face.")
        shift = np.zeros((NUM_WS, W_DIM), np.float64)
        for name in moved:
            shift += float(deltas[name]) * self._vectors[name]
        return (base + shift).astype(np.float32)

    def _require(self, name: str) -> None:
        if name not in self._specs:
            raise unknown_dial(name, self.names)


@lru_cache(maxsize=8)
def _load(space: str, folder: Path) -> DialSet:
    names = direction_names(space, folder=folder)
    if not names:
        raise BadFileError(
            f"There are no dials for the latent space '{space}'. "
            "Learn them with `python -m facegen directions learn`."
        )
    directions = {name: read_direction(space, name, folder=folder) for name in names}
    for direction in directions.values():
        direction.vector.flags.writeable = False
    return DialSet(space, directions, read_regressor(space, folder=folder))


def _require_w_plus(w_plus: np.ndarray) -> None:
    advice = "Use Face.load or Generator.w_from_seed to get one."
    require_shape(np.asarray(w_plus), (NUM_WS, W_DIM), what="w_plus", advice=advice)
