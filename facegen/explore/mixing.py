"""Latents between latents: mixed so that the result is as distinct, and as natural, as they are.

Latents are mixed where those of faces lie close to a Gaussian (`facegen.directions.natural`; Wulff
& Torralba 2020, arXiv 2009.06529). The mean of people who have nothing to do with each other comes
to lie near the middle there, where everybody looks alike: of ten it is a third as far out as they
are. So its way from the middle is made as long as theirs is, row by row; a Gaussian is as dense in
one direction as in another, so the result is as natural as they are.

Alone, that would exaggerate what all of them share: of ten women of about 48 it makes one of 63
(docs/results/family.md). So the readings of the named dials (`facegen.directions.regressor`) are
kept within limits, by the shortest way in the Gaussian, and what that costs of the distance is made
up for by everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from facegen.cache import BoundedCache
from facegen.directions.natural import Natural, bent, learn_natural, read_natural, steepness
from facegen.directions.population import NamedReadings, named_readings, population_of
from facegen.directions.regressor import ROW_GROUPS, Regressor, group_means
from facegen.latents import LABELS_PSI, W_DIM
from facegen.protocols import Maps
from facegen.threads import one_blas_thread

ROUNDS = 8
CLOSE_ENOUGH = 0.05
"""Standard deviations by which a reading may miss its limits."""
RIDGE = 1e-3
MOST_AT_ONCE = 1.3
SHORTEST = 1e-6
LONGEST = np.sqrt(W_DIM) / LABELS_PSI
"""As far out as faces without truncation: nothing is made longer than that, or turned by more.
Latents of photographs lie further out, each in a way of its own that no other face shares."""

Limits = tuple[np.ndarray, np.ndarray]
"""Lowest and highest readings of the named dials, in standard scores, [K] each."""

_mixers: BoundedCache[Mixer] = BoundedCache(3)  # 15 MB each


def mixer_of(generator: Maps) -> Mixer:
    """What mixes latents of a generator's space; made once (a second at most), then remembered.

    Where no dials were learned, the space is known by its mapping network alone, and no readings
    are kept within limits.

    Raises:
        BadFileError: the files of the dials are damaged.
    """
    key = (generator.space, np.asarray(generator.w_avg, np.float32).tobytes())
    return _mixers.get_or_make(key, lambda: _mixer(generator))


@dataclass(frozen=True, eq=False)
class Mixer:
    """Mixes latents of one space. Use `mixer_of`.

    Attributes:
        natural: Where its faces lie.
        named: What the named dials read; of none where none were learned.
    """

    natural: Natural
    named: NamedReadings

    def mix(
        self, latents: np.ndarray, shares: np.ndarray, limits: Limits | None = None
    ) -> np.ndarray:
        """A weighted mean that is as far from the middle as the latents are.

        Args:
            latents: [N, 18, 512].
            shares: How much of each row comes from each, [N, 18]: 0 or more, a row's add up to 1.
            limits: Of the result's readings; None sets none.

        Returns:
            float32 [18, 512].
        """
        v = self.natural.whitened(latents)
        mean = np.einsum("nr,nrd->rd", shares, v)
        reach = np.einsum("nr,nr->r", shares, np.linalg.norm(v, axis=2))
        reach = np.maximum(np.minimum(reach, LONGEST), np.linalg.norm(mean, axis=1))
        # Of people who have nothing to do with each other the mean is too short by this much. What
        # is shorter still came out of opposites, and its direction says little.
        most = 1 / np.sqrt(np.square(shares).sum(axis=0))
        mixed = _lengthened(mean, reach, most)
        if limits is not None:
            mixed = self._within(mixed, reach, limits)
        return self._latent(mixed)

    def vary(
        self, w_plus: np.ndarray, amount: float, rng: np.random.RandomState
    ) -> np.ndarray:  # fmt: skip
        """A latent turned toward a random person, about as far from the middle as before.

        Args:
            w_plus: [18, 512].
            amount: 0 leaves it, 1 gives the random person.
            rng: Draws the person.

        Returns:
            float32 [18, 512].
        """
        v = self.natural.whitened(np.asarray(w_plus, np.float32))
        toward = rng.standard_normal(W_DIM)
        toward /= np.linalg.norm(toward)
        reach = np.minimum(np.linalg.norm(v, axis=1, keepdims=True), LONGEST)
        return self._latent(np.sqrt(1 - amount**2) * v + amount * reach * toward)

    def readings(self, latents: np.ndarray) -> np.ndarray:
        """Standard scores of the named dials, [N, K], of latents [N, 18, 512]."""
        regressor = self.named.regressor
        if regressor is None:
            return np.zeros((len(latents), 0))
        found = regressor.scores(regressor.contributions(latents))[:, self.named.columns]
        return found.astype(np.float64)

    def _latent(self, v: np.ndarray) -> np.ndarray:
        straight = self.natural.mean + v @ self.natural.axes.T
        return np.asarray(bent(straight.astype(np.float32)), np.float32)

    def _within(self, v: np.ndarray, reach: np.ndarray, limits: Limits) -> np.ndarray:
        """Rows [18, 512] moved alike until no reading is beyond its limits.

        A reading that was beyond is led back as far inside, at most to the middle: the further it
        went, the surer it is that all of them share it.
        """
        low, high = limits
        goal = np.full(len(low), np.nan)  # of readings that were beyond once
        for _ in range(ROUNDS if len(low) else 0):
            w_plus = self._latent(v)
            now = self.readings(w_plus[None])[0]
            inside = np.clip(now, low, high)
            if np.abs(inside - now).max() <= CLOSE_ENOUGH:
                break
            new = np.isnan(goal) & (inside != now)
            middle = (low + high) / 2
            back = np.minimum(np.abs(inside - now), np.abs(middle - inside))
            goal[new] = (inside + np.sign(middle - inside) * back)[new]
            met = np.flatnonzero(~np.isnan(goal))
            slopes = self._slopes(w_plus, met)
            square = slopes.T @ slopes
            square += RIDGE * np.trace(square) / len(square) * np.eye(len(square))
            v = v + slopes @ np.linalg.solve(square, (goal - now)[met])
            axes = np.linalg.qr(slopes)[0]
            held = (v @ axes) @ axes.T
            rest = np.sqrt(np.maximum(np.square(reach) - np.square(held).sum(axis=1), 0))
            v = held + _lengthened(v - held, rest, MOST_AT_ONCE)
        return v

    def _slopes(self, w_plus: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Change of readings per change of all rows alike in the Gaussian, [512, R]."""
        regressor = self.named.regressor
        assert regressor is not None  # else nothing would be read
        columns = self.named.columns[which]
        last = regressor.output_slopes(
            regressor.contributions(w_plus[None])[0], regressor.w3[:, columns]
        )
        linear = regressor.linear.reshape(len(ROW_GROUPS), W_DIM, -1)
        by_group = linear[:, :, columns] + self._inner @ last.T
        bend = group_means(1 / steepness(w_plus)[None])[0]
        whole = np.einsum("gd,gdk->dk", bend, by_group)
        return np.asarray(self.natural.axes.T @ whole, np.float64)

    @cached_property
    def _inner(self) -> np.ndarray:
        """Change of what enters the regressor's network per change of a group, [6, 512, hidden]."""
        regressor: Regressor | None = self.named.regressor
        assert regressor is not None
        linear = regressor.linear.reshape(len(ROW_GROUPS), W_DIM, -1)
        return linear @ regressor.w1.reshape(len(ROW_GROUPS), linear.shape[2], -1)


def _lengthened(
    v: np.ndarray, length: np.ndarray, most: np.ndarray | float
) -> np.ndarray:  # fmt: skip
    """Rows brought to a length, by a factor of `most` at most."""
    now = np.maximum(np.linalg.norm(v, axis=1), SHORTEST)
    return np.asarray(v * np.minimum(length / now, most)[:, None])


def _mixer(generator: Maps) -> Mixer:
    one_blas_thread()
    named = named_readings(generator.space)
    if named.regressor is not None:
        return Mixer(read_natural(generator.space, named.regressor), named)
    some = population_of(generator).w
    whole = generator.w_avg + (some - generator.w_avg) / np.float32(LABELS_PSI)
    return Mixer(learn_natural(some, whole), named)
