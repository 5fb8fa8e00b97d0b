"""The dials of a latent space: where a face stands, and how to move it.

Readings are predicted from the latent in a millisecond (`facegen.directions.regressor`). Moving
dials solves for the change of the latent that moves their readings by what is asked and leaves
the others where they are (`facegen.directions.solver`): a function of the base and of all that
is asked, so the order of edits does not matter and taking one back takes all of it back. A dial
of the user's own (`facegen.directions.user_dials`) adds `delta * vector`; what that does to the
readings asked for is taken back by the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from facegen.checks import require_finite, require_shape
from facegen.controls import DIALS, THERE_OR_NOT, Dial, dial, unknown_dial
from facegen.directions.natural import Natural, read_natural
from facegen.directions.plain_solver import PlainSettler
from facegen.directions.regressor import Regressor, read_regressor
from facegen.directions.solver import IDENTITY, Settler
from facegen.directions.store import (
    Direction,
    DirectionMeta,
    direction_names,
    read_direction,
)
from facegen.directions.user_dials import OwnDial, list_own, own_state
from facegen.errors import BadFileError, UsageError
from facegen.latents import BUNDLED_SPACE, NUM_WS, W_DIM
from facegen.measure.probabilities import load_probabilities
from facegen.paths import DIRECTIONS_DIR

OWN_ROUNDS = 2
SURE_SEX = 0.75
"""Of a natural face, the probability from which its sex is beyond doubt."""
FURTHEST_SD = 100.0
"""More of a dial is asked by mistake only, and numbers overflow: it is taken as so much."""


@dataclass(frozen=True)
class DialSpec:
    """The numbers of one dial, in its unit; see `facegen.directions.store.DirectionMeta`.

    Attributes:
        yes_from: The value from which the classifier says that the thing is there; None for what
            is a matter of degree.
        clear: Likewise: below the first the thing is surely not there, from the second on it is
            surely there; between the two is a matter of opinion.
    """

    unit: str
    unit_per_sd: float
    mean: float
    natural: tuple[float, float]
    safe: tuple[float, float]
    rows: tuple[int, int]
    score: float
    yes_from: float | None = None
    clear: tuple[float, float] | None = None


class DialSet:
    """All dials of a space. Use `DialSet.load`.

    Attributes:
        space: The latent space they belong to.
        names: In the order of `facegen.controls.DIALS`; the user's own come last.
    """

    def __init__(
        self,
        space: str,
        directions: Mapping[str, Direction],
        reading: Regressor,
        natural: Natural,
        own: Mapping[str, OwnDial] | None = None,
    ) -> None:
        order = {entry.name: index for index, entry in enumerate(DIALS)}
        self.space = space
        self._learned = tuple(
            sorted(directions, key=lambda name: (order.get(name, len(order)), name))
        )
        self._own = dict(own or {})
        self.names = (*self._learned, *self._own)
        self._specs = {}
        self._vectors = {}
        columns = {name: index for index, name in enumerate(reading.names)}
        for name in self._learned:
            meta = directions[name].meta
            if meta.channel not in columns:
                raise BadFileError(
                    f"The regressor of '{space}' does not read {name}. "
                    "Learn all dials together with `python -m facegen directions learn`."
                )
            self._specs[name] = DialSpec(
                meta.unit,
                meta.unit_per_sd,
                meta.mean,
                meta.natural,
                meta.safe,
                meta.rows,
                meta.score,
                _yes_from(meta),
                _clear(meta),
            )
            self._vectors[name] = directions[name].vector
        self._reading = reading
        self._natural = natural
        self._channels = {
            name: (meta.channel, meta.channel_mean, meta.channel_sd)
            for name, meta in ((name, directions[name].meta) for name in self._learned)
        }
        self._columns = [columns[directions[name].meta.channel] for name in self._learned]
        self._step = np.array([self._specs[name].unit_per_sd for name in self._learned])
        self._mean = np.array([self._specs[name].mean for name in self._learned])
        steps = [self._vectors[name] * self._specs[name].unit_per_sd for name in self._learned]
        self._steps = np.array(steps, np.float32)
        self._settler: Settler = Settler(reading, self._learned, self._steps, natural)
        for name, mine in self._own.items():
            self._specs[name] = DialSpec(
                "sd", 1.0, 0.0, mine.natural, mine.safe, mine.rows, mine.score or 0.0
            )
            self._vectors[name] = mine.vector

    @classmethod
    def load(
        cls, space: str = BUNDLED_SPACE, *, folder: Path = DIRECTIONS_DIR, own: bool = True
    ) -> DialSet:
        """The dials of a space; read once, then remembered until the user's own change.

        Args:
            space: Latent space.
            folder: Where direction files are.
            own: Whether the user's own dials are among them.

        Raises:
            BadFileError: no dials for this space, or a damaged file.
            SpaceMismatchError: a file of another space lies in this one's folder.
        """
        return _load(space, folder, own_state(space, folder) if own else ())

    @cached_property
    def plain(self) -> DialSet:
        """The same dials, moved by their plain directions alone (`directions.plain_solver`).

        Only the rows of a dial move, so the coarse rows can be turned by themselves; sums of large
        edits leave the region of faces.
        """
        other = copy(self)
        other._settler = PlainSettler(self._reading, self._learned, self._steps, self._natural)
        return other

    def entry(self, name: str) -> Dial:
        """The line of a dial in the table of dials, the user's own included."""
        self._require(name)
        return self._own[name].entry() if name in self._own else dial(name)

    @property
    def own(self) -> Mapping[str, OwnDial]:
        """The user's own dials among these, by name."""
        return MappingProxyType(self._own)

    @property
    def table(self) -> tuple[Dial, ...]:
        """`entry` of every dial that has one."""
        known = {entry.name for entry in DIALS} | set(self._own)
        return tuple(self.entry(name) for name in self.names if name in known)

    def spec(self, name: str) -> DialSpec:
        """The numbers of a dial.

        Raises:
            UnknownDialError: no such dial; names near matches.
        """
        self._require(name)
        return self._specs[name]

    @property
    def regressor(self) -> Regressor:
        """What reads latents, in standard scores; `column` tells where each dial stands in it."""
        return self._reading

    @property
    def natural(self) -> Natural:
        """Where the faces of the space are."""
        return self._natural

    def column(self, name: str) -> int:
        """Where the regressor's predictions hold a dial that was learned.

        Raises:
            UnknownDialError: no such dial, or the user's own.
        """
        if name not in self._learned:
            raise unknown_dial(name, self._learned)
        return self._columns[self._learned.index(name)]

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
        reading = self._reading
        scores = reading.scores(reading.contributions(np.asarray(w_plus, np.float32)[None]))[0]
        values = scores[self._columns] * self._step + self._mean
        learned = dict(zip(self._learned, values.tolist(), strict=True))
        return learned | {name: mine.read(w_plus) for name, mine in self._own.items()}

    def in_units(self, measured: Mapping[str, float]) -> dict[str, float]:
        """What was measured on a picture, as dial -> value in the dial's unit.

        Args:
            measured: Channel -> number, as `facegen.measure.measurer.Measurement.values`.
        """
        return {
            name: (measured[channel] - mean) / sd * float(self._step[k]) + float(self._mean[k])
            for k, (name, (channel, mean, sd)) in enumerate(self._channels.items())
        }

    def naturalness(self, w_plus: np.ndarray) -> float:
        """How natural a latent is, 0 to 100: per cent of the generator's faces that are less so.

        These are faces without truncation. A face from a seed with the usual truncation has
        nearly 100; one at 0 is further out than any of them, and pictures begin to melt.

        Args:
            w_plus: [18, 512].

        Raises:
            LatentError: another shape.
        """
        _require_w_plus(w_plus)
        return self._natural.naturalness(w_plus)

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """Move dials.

        Args:
            base: [18, 512]; not changed.
            deltas: Dial -> change of its reading in the dial's unit. A change of 0 beside others
                holds the dial firmly, and "identity": 0 the person.

        Returns:
            [18, 512] float32; with nothing to move, bit for bit the base.

        Raises:
            UnknownDialError: no such dial.
            UsageError: a change that is not a finite number.
            LatentError: base has another shape or is not finite.
        """
        _require_w_plus(base)
        asked = {}
        for name, delta in deltas.items():
            if not np.isfinite(delta):
                raise UsageError(f"The change of {name} must be a finite number, got {delta}.")
            if name == IDENTITY:
                asked[name] = 0.0
                continue
            self._require(name)
            change = float(delta) / self._specs[name].unit_per_sd
            asked[name] = min(max(change, -FURTHEST_SD), FURTHEST_SD)
        if not any(asked.values()):
            return np.array(base, np.float32)
        require_finite(base, what="w_plus", advice="Open another copy of the face.")
        mine = {name: asked.pop(name) for name in self._own if name in asked}
        moved, shift = self._settled(base, base, asked), np.zeros_like(base)
        for _ in range(OWN_ROUNDS if mine else 0):
            # The named dials move first, the own ones make up what is missing of theirs, and the
            # named ones take back what that did to them.
            shift = shift + self._own_steps(base, moved, mine)
            moved = self._settled(base, base + shift, asked)
        if mine:
            moved = moved + self._own_steps(base, moved, mine)
        return moved.astype(np.float32)

    def _settled(
        self, base: np.ndarray, start: np.ndarray, asked: Mapping[str, float]
    ) -> np.ndarray:
        """`start` moved until the readings differ from the base's by what is asked."""
        if not any(name in self._learned or name == IDENTITY for name in asked):
            return start
        if start is not base:
            was, now = self.read(base), self.read(start)
            asked = {
                name: change + (was[name] - now[name]) / self._specs[name].unit_per_sd
                if name in was else change
                for name, change in asked.items()
            }  # fmt: skip
        person = base if IDENTITY in asked and start is not base else None
        return start + self._settler.settle(start, asked, person=person)

    def _own_steps(
        self, base: np.ndarray, moved: np.ndarray, mine: Mapping[str, float]
    ) -> np.ndarray:
        """What brings the own dials' readings to the base's and `mine` more, [18, 512]."""
        dials = [self._own[name] for name in mine]
        effect = np.array([[np.vdot(a.weights, b.vector) for b in dials] for a in dials])
        missing = [mine[one.name] - (one.read(moved) - one.read(base)) for one in dials]
        steps = np.linalg.lstsq(effect, np.array(missing), rcond=1e-3)[0]
        return np.tensordot(steps, np.array([one.vector for one in dials]), axes=1)

    def _require(self, name: str) -> None:
        if name not in self._specs:
            raise unknown_dial(name, self.names)


def _yes_from(meta: DirectionMeta) -> float | None:
    known = load_probabilities()
    if meta.name not in THERE_OR_NOT or meta.channel not in known:
        return None
    return _in_unit(meta, known[meta.channel].threshold)


def _clear(meta: DirectionMeta) -> tuple[float, float] | None:
    """Where natural faces have something rarely, and where more often than not.

    The classifier's threshold is right equally often for faces with and without: of a rare thing,
    most faces that are just above it have it not. Scores of weak classifiers do not reach the point
    of even chances; there the mean of those who have it is enough. Both sexes keep away from even
    chances.
    """
    known = load_probabilities()
    if meta.name not in THERE_OR_NOT or meta.channel not in known:
        return None
    one = known[meta.channel]
    if meta.name == "gender":
        return _in_unit(meta, one.score(1 - SURE_SEX)), _in_unit(meta, one.score(SURE_SEX))
    there = max(min(one.score(0.5), one.yes), one.threshold)
    return _in_unit(meta, one.threshold), _in_unit(meta, there)


def _in_unit(meta: DirectionMeta, score: float) -> float:
    return (score - meta.channel_mean) / meta.channel_sd * meta.unit_per_sd + meta.mean


@lru_cache(maxsize=8)
def _load(space: str, folder: Path, own: tuple[tuple[str, int, int], ...]) -> DialSet:
    mine = list_own(space, folder=folder) if own else {}
    names = direction_names(space, folder=folder)
    if not names:
        raise BadFileError(
            f"There are no dials for the latent space '{space}'. "
            "Learn them with `python -m facegen directions learn`."
        )
    directions = {name: read_direction(space, name, folder=folder) for name in names}
    for direction in directions.values():
        direction.vector.flags.writeable = False
    reading = read_regressor(space, folder=folder)
    return DialSet(space, directions, reading, read_natural(space, reading, folder=folder), mine)


def _require_w_plus(w_plus: np.ndarray) -> None:
    advice = "Use Face.load or Generator.w_from_seed to get one."
    require_shape(np.asarray(w_plus), (NUM_WS, W_DIM), what="w_plus", advice=advice)
