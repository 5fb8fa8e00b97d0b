"""Conditional sampling: the nearest person of a seed of whom a query is predicted to be met.

A start is moved in Z, through the mapping network, down the slope of the query's shortfall: the
shortest way there, so what makes the start somebody of their own stays. Whoever is reached is a
person as the network makes them, truncated as all others; in the cloud of W+ alone, or with rows
apart, a query is met more easily, and more often by a picture that is none. What was not asked for
must stay ordinary (`facegen.explore.ordinary`): without that, red hair comes with a red room. The
descriptors of those found already push away. What the picture contradicts is put right by solving
again with the prediction's miss taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facegen.explore.ordinary import unasked
from facegen.explore.query import Query
from facegen.explore.screening import Prediction, Screener
from facegen.latents import Z_DIM, broadcast_w, z_from_seed

STEPS, STEPS_APART = 64, 24
"""Steps at most, and those after which it does not matter whether others are near."""
LONGEST = 0.7
"""Of a step in Z, where people lie on a sphere of radius 22.6."""
SHORT_ENOUGH = 0.25
"""Shortfall at which a query counts as met: a chance of 0.78."""
PUSH = 5.0
PUSHED_TO = 0.5
"""Predicted distance up to which people push each other away."""
PUSHING = 4
USUAL_SD, UNUSUAL = 1.6, 1.0
"""From so many standard deviations on, anything that was not asked for is held back."""
SURER = 0.6
"""Once a picture was seen, predictions miss by so much less."""
ROUNDS = 4
"""Pictures of one start at most."""
HALF = 0.5


class Solver:
    """Solves for one network and truncation.

    Args:
        screener: Predicts what is measured.
    """

    def __init__(self, screener: Screener) -> None:
        self.screener = screener
        reading = screener.dials.regressor
        self._all = Prediction(reading, range(len(reading.names)))
        average = np.asarray(screener.generator.w_avg, np.float32).reshape(1, -1)
        self._average = torch.from_numpy(average)

    def place(self, seed: int) -> np.ndarray:
        """Where the person of a seed lies in Z, [512]."""
        return _on_sphere(z_from_seed(seed)[0])

    def w(self, place: np.ndarray) -> np.ndarray:
        """The truncated w, [512], of a place."""
        with torch.inference_mode():
            found: np.ndarray = self._w(torch.from_numpy(place)[None])[0].numpy()
        return found

    def predict(self, place: np.ndarray) -> dict[str, float]:
        """Dial -> value in its unit, predicted of a place."""
        names = self.screener.names
        with torch.inference_mode():
            row = self.screener.units(self._w(torch.from_numpy(place)[None]))[0, : len(names)]
        return dict(zip(names, row.tolist(), strict=True))

    def solve(
        self,
        query: Query,
        place: np.ndarray,
        *,
        others: np.ndarray,
        misses: Mapping[str, float] | None = None,
    ) -> np.ndarray:
        """Move a place until the query is met.

        Args:
            query: What is wanted.
            place: From where, [512].
            others: Predicted descriptors of those found, [N, 128].
            misses: Dial -> what a picture showed more than was predicted there; None before.

        Returns:
            The place, [512]; where the query cannot be met, as near as it gets.
        """
        crowd = torch.from_numpy(np.asarray(others, np.float32))
        besides = unasked(query, self.screener.dials.regressor)
        v = torch.from_numpy(place)[None]
        for step in range(STEPS):
            v = v.detach().requires_grad_(True)
            w = self._w(v)
            known = self.screener.units(w)
            short = self._shortfall(query, known, misses)
            unusual = torch.relu(self._all(w)[0, besides].abs() - USUAL_SD)
            push = self._push(known, crowd)
            is_apart = step >= STEPS_APART or float(push.detach()) <= 0.0
            if is_apart and float(short.detach()) <= SHORT_ENOUGH:
                break
            cost = short + push + UNUSUAL * unusual.square().sum()
            (slope,) = torch.autograd.grad(cost, v)
            steep = float(slope.square().sum())
            if steep < 1e-12:
                break
            # Polyak's step: as far as a straight line would have to go.
            length = max(float(cost.detach()) - HALF * SHORT_ENOUGH, 0.0) / steep
            length = min(length, LONGEST / steep**0.5)
            v = v.detach() - length * slope
        return _on_sphere(v.detach()[0].numpy())

    def _w(self, z: Tensor) -> Tensor:
        """From Z to truncated w, with slopes."""
        generator: Any = self.screener.generator
        w: Tensor = generator.map(z).cpu()
        return self._average + self.screener.psi * (w - self._average)

    def _shortfall(self, query: Query, known: Tensor, misses: Mapping[str, float] | None) -> Tensor:
        short = torch.zeros(())
        for one in query.conditions:
            value = known[0, self.screener.names.index(one.dial)]
            error = self.screener.errors[one.dial]
            if misses is not None:
                value, error = value + misses.get(one.dial, 0.0), SURER * error
            if one.low is not None:
                short = short - torch.special.log_ndtr((value - one.low) / error)
            if one.high is not None:
                short = short - torch.special.log_ndtr((one.high - value) / error)
        return short

    def _push(self, known: Tensor, crowd: Tensor) -> Tensor:
        if not len(crowd):
            return torch.zeros(())
        apart = torch.cdist(known[:, len(self.screener.names) :], crowd)[0]
        near = apart.topk(min(PUSHING, len(crowd)), largest=False).values
        return PUSH * torch.relu(PUSHED_TO - near).sum()


class Sampled:
    """One start on its way: draw and measure `w_plus`, tell it with `saw`, until `done`.

    Args:
        solver: Of the network.
        query: What is wanted.
        seed: Of the start.
        others: Predicted descriptors of those found, [N, 128].
    """

    def __init__(self, solver: Solver, query: Query, seed: int, others: np.ndarray) -> None:
        self._solver, self._query, self._others = solver, query, others
        self._start = solver.place(seed)
        self._place = solver.solve(query, self._start, others=others)
        self._misses: dict[str, float] = {}
        self._looks = 0

    @property
    def w_plus(self) -> np.ndarray:
        """What to draw next, [18, 512]."""
        return broadcast_w(self._solver.w(self._place)[None])[0]

    @property
    def done(self) -> bool:
        """Whether it leads no further."""
        return self._looks >= ROUNDS

    def saw(self, values: Mapping[str, float] | None) -> None:
        """Tell what was measured; where no face was seen, half of the way is tried."""
        self._looks += 1
        if self.done:
            return
        if values is None:
            self._place = _on_sphere(self._place + self._start)
            return
        predicted = self._solver.predict(self._place)
        for one in self._query.conditions:
            miss = values[one.dial] - predicted[one.dial]
            known = self._misses.get(one.dial)
            self._misses[one.dial] = miss if known is None else HALF * (miss + known)
        self._place = self._solver.solve(
            self._query, self._place, others=self._others, misses=self._misses
        )


def _on_sphere(z: np.ndarray) -> np.ndarray:
    """The mapping network looks at the direction of z alone."""
    length = np.sqrt(np.square(z, dtype=np.float64).sum() / Z_DIM)
    return np.asarray(z / max(length, 1e-9), np.float32)
