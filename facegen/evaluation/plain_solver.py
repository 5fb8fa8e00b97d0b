"""The rival to beat: dials moved by their plain directions alone, as the program did at first.

The change c (standard deviations of each dial, and of the regressor's keepers) minimises

    OWN |asked miss|^2 + |other readings' change|^2 + identity |descriptor's change|^2
        + scene |colours' change|^2 + sum_k caution_k c_k^2

by Levenberg and Marquardt's method, under one limit on the distance from the average w. Nothing in
it knows what a face is, so sums of several edits leave the region where faces are. Kept for
`evaluate compose`, so that what came after can be set beside it on the same faces.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facegen.directions.recipes import KEEPS_PERSON, RECIPES, TWINS, same_things
from facegen.directions.regressor import ROW_GROUPS, Regressor, read_regressor, spread_groups
from facegen.editing.dial_set import DialSet, DialSpec
from facegen.latents import W_DIM
from facegen.measure.face import SCENE

OWN, HELD, SAME = 1000.0, 1.0, 0.02
HELD_SCENE = 0.4
ARTIFACT, ARTIFACT_WEIGHT = "artifact", 0.3
KEEP_PERSON, KEEP_OTHERWISE = 40.0, 8.0
CAUTION, CAUTION_ASKED = 0.5, 0.05
FURTHEST, FURTHEST_OF_OWN = 1.42, 1.12
ROUNDS = 12
FIRST_DAMPING, GOOD_ENOUGH, LONGEST_STEP = 3.0, 0.05, 1.5


class PlainDials:
    """The dials of a space, moved by their plain directions; reads as `DialSet` does.

    Args:
        dials: Their directions and units; the user's own dials are left out.
        regressor: Of the same space; None reads the one in use.
    """

    def __init__(self, dials: DialSet, regressor: Regressor | None = None) -> None:
        self._dials = dials
        self._regressor = read_regressor(dials.space) if regressor is None else regressor
        channels = {name: index for index, name in enumerate(self._regressor.names)}
        self._names = tuple(
            name for name in dials.names if name in RECIPES and RECIPES[name].channel in channels
        )
        self._channels = [channels[RECIPES[name].channel] for name in self._names]
        self._index = {name: index for index, name in enumerate(self._names)}
        self._artifact = channels.get(ARTIFACT)
        self._scene = {name: channels[name] for name in SCENE if name in channels}
        steps = [dials.vector(name) * dials.spec(name).unit_per_sd for name in self._names]
        keepers = spread_groups(self._regressor.keepers.reshape(-1, len(ROW_GROUPS), W_DIM))
        self._steps = np.concatenate([np.array(steps), keepers]).astype(np.float32)
        self._shares = self._regressor.shares(self._steps).astype(np.float32)
        self._entry = self._shares @ self._regressor.w1
        by_group = self._shares.reshape(len(self._steps), len(ROW_GROUPS), -1)
        self._total = by_group.sum(axis=1).T

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the dials."""
        return self._names

    def spec(self, name: str) -> DialSpec:
        """The numbers of a dial."""
        return self._dials.spec(name)

    def read(self, w_plus: np.ndarray) -> dict[str, float]:
        """Where each dial stands on a latent [18, 512], in its unit."""
        return self._dials.read(w_plus)

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """Move a latent [18, 512] by changes in the dials' units; 0 holds a dial."""
        asked = {name: delta / self.spec(name).unit_per_sd for name, delta in deltas.items()}
        if not any(asked.values()):
            return np.array(base, np.float32)
        shift = np.tensordot(self._solved(base, asked), self._steps.astype(np.float64), axes=1)
        room = self._room(np.asarray(base, np.float64), shift)
        moved: np.ndarray = (base + room * shift).astype(np.float32)
        return moved

    def _solved(self, base: np.ndarray, asked: Mapping[str, float]) -> np.ndarray:
        """How far to move along each step, in standard deviations."""
        regressor = self._regressor
        start = regressor.contributions(np.asarray(base, np.float32)[None])[0]
        goal = regressor.scores(start[None])[0].astype(np.float64)
        weight = self._weights(asked)
        caution = np.full(len(self._steps), CAUTION)
        steps = np.zeros(len(self._steps))
        for name, change in asked.items():
            k = self._index[name]
            goal[self._channels[k]] += change
            steps[k] = change
            caution[k] = CAUTION_ASKED
        best, damping, tried = np.inf, 0.0, steps
        for _ in range(ROUNDS):
            here = start + tried.astype(np.float32) @ self._shares
            miss = goal - regressor.scores(here[None])[0]
            cost = float(weight @ miss**2 + caution @ tried**2)
            if cost < best:
                close = best - cost < GOOD_ENOUGH
                best, steps, damping = cost, tried, damping / 5
                if close:
                    break
                slopes = self._total + regressor.output_slopes(here, regressor.w3) @ self._entry.T
                weighted = weight[:, None].astype(np.float32) * slopes
                system = (slopes.T @ weighted).astype(np.float64) + np.diag(caution)
                push = weighted.T @ miss - caution * steps
            else:  # a threshold was overrun: a shorter step from the best so far
                damping = max(damping * 5, FIRST_DAMPING)
            step = np.linalg.solve(system + damping * np.eye(len(steps)), push)
            tried = steps + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        return steps

    def _room(self, base: np.ndarray, change: np.ndarray) -> float:
        """The share of a change, at most 1, that stays within the limit."""
        start = base - self._regressor.origin
        limit = max(
            FURTHEST * float(self._regressor.radius[0]),
            FURTHEST_OF_OWN * float(np.linalg.norm(start)),
        )
        if np.linalg.norm(start + change) <= limit:
            return 1.0
        along, size = float(np.vdot(start, change)), float(np.vdot(change, change))
        inside = limit**2 - float(np.vdot(start, start))
        return (-along + float(np.sqrt(along**2 + size * inside))) / size

    def _weights(self, asked: Mapping[str, float]) -> np.ndarray:
        weight = np.zeros(self._regressor.size)
        weight[self._channels] = HELD
        moving = [name for name, change in asked.items() if change]
        for name in moving:
            for other in same_things(name):
                if other in self._index:
                    weight[self._channels[self._index[other]]] = SAME
        freed = {other for name in moving for other in TWINS.get(name, ())}
        for name, index in self._scene.items():
            weight[index] = SAME if name in freed else HELD_SCENE
        if self._artifact is not None:
            weight[self._artifact] = ARTIFACT_WEIGHT
        for name in asked:
            weight[self._channels[self._index[name]]] = OWN
        known = len(self._regressor.names)
        keep = KEEP_PERSON if KEEPS_PERSON.issuperset(moving) else KEEP_OTHERWISE
        weight[known:] = keep * self._regressor.spread[known:] ** 2
        return weight
