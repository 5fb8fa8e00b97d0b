"""What the instruments would say of many people, predicted from their seeds thousands a second.

The regressor of the dials (`facegen.directions.regressor`) reads six groups of rows. Where all rows
are one w, its first layers are one matrix each: what takes the app a millisecond a latent is two
small matrix products here. Seeds, truncation and mapping come before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.special import log_ndtr, ndtr
from torch import Tensor
from torch.nn.functional import gelu

from facegen.directions.regressor import DESCRIPTOR_DIM, ROW_GROUPS, Regressor
from facegen.editing.dial_set import DialSet
from facegen.errors import UsageError
from facegen.explore.query import Query
from facegen.latents import DEFAULT_PSI, MAX_SEED, W_DIM, Z_DIM, truncate
from facegen.protocols import Maps

MAPPED_AT_ONCE = 1024
READ_AT_ONCE = 2048


@dataclass(frozen=True, eq=False)
class Readings:
    """What is predicted of N people, as small as it is kept: 372 bytes a person.

    Attributes:
        seeds: int64 [N].
        names: The dials, D of them.
        scores: float16 [N, D + 128]: standard scores of the dials and of dlib's descriptor.
        scale, offset: float32 [D + 128]: from a score to its unit.
    """

    seeds: np.ndarray
    names: tuple[str, ...]
    scores: np.ndarray
    scale: np.ndarray
    offset: np.ndarray

    def __len__(self) -> int:
        return len(self.seeds)

    def of(self, name: str) -> np.ndarray:
        """One dial's predicted values in its unit, float32 [N]."""
        at = self.names.index(name)
        value: np.ndarray = self.scores[:, at].astype(np.float32) * self.scale[at] + self.offset[at]
        return value

    @property
    def values(self) -> np.ndarray:
        """All dials' predicted values in their units, float32 [N, D]."""
        return self._in_units(slice(0, len(self.names)))

    @property
    def descriptors(self) -> np.ndarray:
        """Dlib's descriptors as predicted, float32 [N, 128]; people lie nearer to each other in
        them than on their pictures.
        """
        return self._in_units(slice(len(self.names), None))

    def person(self, index: int) -> dict[str, float]:
        """Dial -> predicted value in its unit, of one of them."""
        row = self.take([index]).values[0]
        return dict(zip(self.names, row.tolist(), strict=True))

    def take(self, indices: np.ndarray | Sequence[int]) -> Readings:
        """Some of them."""
        rows = np.asarray(indices, np.intp)
        return replace(self, seeds=self.seeds[rows], scores=self.scores[rows])

    @classmethod
    def joined(cls, parts: Sequence[Readings]) -> Readings:
        """All of several, at least one."""
        return replace(
            parts[0],
            seeds=np.concatenate([part.seeds for part in parts]),
            scores=np.concatenate([part.scores for part in parts]),
        )

    def _in_units(self, columns: slice) -> np.ndarray:
        wide: np.ndarray = self.scores[:, columns].astype(np.float32)
        return wide * self.scale[columns] + self.offset[columns]


class Prediction:
    """What the regressor reads where all rows are one w, with slopes.

    Args:
        reading: The regressor.
        columns: Which of its numbers.
    """

    def __init__(self, reading: Regressor, columns: Sequence[int]) -> None:
        kept = list(columns)
        groups = reading.linear.reshape(len(ROW_GROUPS), W_DIM, -1)
        first = reading.w1.reshape(len(ROW_GROUPS), -1, reading.w1.shape[1])
        into = sum(group @ rows for group, rows in zip(groups, first, strict=True))
        straight = groups.sum(axis=0)[:, kept]
        self._into = _tensor(np.concatenate([into, straight], axis=1))
        bias = np.concatenate([reading.b1, reading.b3[kept]])
        self._bias = _tensor(bias - reading.origin @ self._into.numpy())
        self._w2, self._b2 = _tensor(reading.w2), _tensor(reading.b2)
        self._w3 = _tensor(reading.w3[:, kept])

    def __call__(self, w: Tensor) -> Tensor:
        """Standard scores of w [N, 512]: [N, columns]."""
        x = torch.addmm(self._bias, w, self._into)
        hidden = self._w2.shape[0]
        second = gelu(torch.addmm(self._b2, gelu(x[:, :hidden]), self._w2))
        return torch.addmm(x[:, hidden:], second, self._w3)


class Screener:
    """Reads people from their seeds.

    Args:
        generator: Maps z to w.
        dials: Of its space; the user's own are left out.
        psi: Truncation of everybody; readings belong to one.

    Attributes:
        names: The dials that are read.
        errors: Dial -> standard deviation of a prediction's miss on the picture, in its unit.
        width: Numbers a person: the dials, and 128 of the descriptor.
    """

    def __init__(self, generator: Maps, dials: DialSet, *, psi: float = DEFAULT_PSI) -> None:
        self.generator, self.dials, self.psi = generator, dials, float(psi)
        self.names = tuple(name for name in dials.names if name not in dials.own)
        self.width = len(self.names) + DESCRIPTOR_DIM
        reading, columns = dials.regressor, [dials.column(name) for name in self.names]
        specs = [dials.spec(name) for name in self.names]
        tail = slice(reading.size - DESCRIPTOR_DIM, reading.size)
        self._scale, self._offset = (
            np.concatenate([of_dials, of_descriptor]).astype(np.float32)
            for of_dials, of_descriptor in (
                ([spec.unit_per_sd for spec in specs], reading.spread[tail]),
                ([spec.mean for spec in specs], reading.mean[tail]),
            )
        )
        self.errors: Mapping[str, float] = {
            name: float(reading.error[column]) * spec.unit_per_sd
            for name, column, spec in zip(self.names, columns, specs, strict=True)
        }
        self._predict = Prediction(reading, [*columns, *range(len(reading.names), reading.size)])
        self._to_units, self._from_zero = _tensor(self._scale), _tensor(self._offset)

    def w(self, seeds: Sequence[int] | np.ndarray) -> np.ndarray:
        """The truncated w of seeds, float32 [N, 512]: equal to `Generator.w_from_seed` row by row
        but for the last bits.

        Raises:
            UsageError: a seed is out of range.
        """
        z = z_of_seeds(seeds)
        parts = [
            truncate(
                self.generator.map(z[at : at + MAPPED_AT_ONCE]), self.generator.w_avg, self.psi
            )
            for at in range(0, len(z), MAPPED_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, W_DIM), np.float32)

    def scores(self, w: np.ndarray) -> np.ndarray:
        """Standard scores of w [N, 512]: float16 [N, D + 128], the dials and the descriptor."""
        with torch.inference_mode():
            parts = [
                self._scores(_tensor(w[at : at + READ_AT_ONCE]))
                for at in range(0, len(w), READ_AT_ONCE)
            ]
        return np.concatenate(parts) if parts else np.zeros((0, self.width), np.float16)

    def units(self, w: Tensor) -> Tensor:
        """As `readings`, from w [N, 512] and with slopes: [N, D + 128] in units."""
        return self._predict(w) * self._to_units + self._from_zero

    def _scores(self, w: Tensor) -> np.ndarray:
        found: np.ndarray = self._predict(w).half().numpy()
        return found

    def readings(self, seeds: Sequence[int] | np.ndarray, scores: np.ndarray) -> Readings:
        """Scores with the seeds that they are of."""
        return Readings(np.asarray(seeds, np.int64), self.names, scores, self._scale, self._offset)

    def read(self, seeds: Sequence[int] | np.ndarray) -> Readings:
        """What is predicted of the people of some seeds."""
        return self.readings(seeds, self.scores(self.w(seeds)))


def chances(query: Query, readings: Readings, errors: Mapping[str, float]) -> np.ndarray:
    """How surely each picture will meet all conditions, 0 to 1, [N].

    A measured value is taken to be normal around its prediction, the dials' misses as unrelated.

    Args:
        query: Conditions.
        readings: What is predicted.
        errors: Dial -> standard deviation of a prediction's miss, in its unit.
    """
    found = np.ones(len(readings))
    for one in query.conditions:
        value, error = readings.of(one.dial), errors[one.dial]
        above = 1.0 if one.high is None else ndtr((one.high - value) / error)
        below = 0.0 if one.low is None else ndtr((one.low - value) / error)
        found *= np.clip(above - below, 0.0, 1.0)
    return found


def shortfalls(query: Query, readings: Readings, errors: Mapping[str, float]) -> np.ndarray:
    """How far each is from meeting all conditions: minus the logarithm of a chance, [N].

    Unlike `chances` it tells far from further: of a condition with two bounds the nearer counts.
    """
    found = np.zeros(len(readings))
    for one in query.conditions:
        value, error = readings.of(one.dial), errors[one.dial]
        sides = []
        if one.high is not None:
            sides.append(log_ndtr((one.high - value) / error))
        if one.low is not None:
            sides.append(log_ndtr((value - one.low) / error))
        found -= np.min(sides, axis=0)
    return found


def z_of_seeds(seeds: Sequence[int] | np.ndarray) -> np.ndarray:
    """The z of many seeds, float32 [N, 512]: row by row that of `facegen.latents.z_from_seed`.

    Raises:
        UsageError: a seed is out of range.
    """
    given = np.asarray(seeds, np.int64)
    if len(given) and not (given.min() >= 0 and given.max() <= MAX_SEED):
        raise UsageError(f"Seeds must be whole numbers from 0 to {MAX_SEED}.")
    z = np.empty((len(given), Z_DIM), np.float32)
    state = np.random.RandomState(0)  # seeding one anew is seven times quicker than making many
    for row, seed in zip(z, given.tolist(), strict=True):
        state.seed(seed)
        row[:] = state.randn(Z_DIM)
    return z


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
