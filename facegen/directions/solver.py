"""Find the change of a latent that moves what is asked for, and as little else as can be.

What is asked for is a change of some readings; what is held is every other dial's reading, the
face's descriptor, the colours around the face, and the average size of the change. With y(c) the
regressor's standard scores after adding sum_k c_k v_k (v_k: one standard deviation of dial k),
the change minimises

    OWN |asked miss|^2 + |other readings' change|^2 + identity |descriptor's change|^2
        + scene |colours' change|^2
        + sum_k caution_k c_k^2

over all dials' c by Levenberg and Marquardt's method: a few steps of a small linear system, some
milliseconds. The regressor's keepers (changes that move the person, or one colour around the face,
and no reading) take part beside the dials, to take back what an edit does to these. Readings that
are the same thing as what is asked for (see `facegen.directions.recipes`) are hardly held.

The answer may not leave the region where faces are: its distance from the average w is limited.
Without that, "even less glasses" on a bare face is pressed for until the face breaks; of 30 edits
looked at, those that broke ended 1.5 or more natural distances away, and no other did.
The caution keeps the answer near the plain directions: without it the solver exploits the
errors of the regressor, and on pictures the asked change falls short by a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
from threadpoolctl import threadpool_limits

from facegen.directions.recipes import KEEPS_PERSON, RECIPES, TWINS, same_things
from facegen.directions.regressor import ROW_GROUPS, Regressor, spread_groups
from facegen.latents import W_DIM
from facegen.measure.face import SCENE

IDENTITY = "identity"
"""Not a dial: asked for with 0, it holds the face's descriptor firmly."""
OWN = 1000.0
HELD = 1.0
SAME = 0.02
ARTIFACT = "artifact"
ARTIFACT_WEIGHT = 0.3
HELD_SCENE = 0.4
KEEP_PERSON = 40.0
KEEP_OTHERWISE = 8.0  # Shapes are the person: held as firmly, they push side effects elsewhere.
LOCK_PERSON = 200.0
CAUTION = 0.5
CAUTION_ASKED = 0.05
CAUTION_KEEPERS = 0.5
FURTHEST = 1.42
FURTHEST_OF_OWN = 1.12
ROUNDS = 12
FIRST_DAMPING = 3.0
GOOD_ENOUGH = 0.05
LONGEST_STEP = 1.5


@cache
def _single_threaded() -> None:
    """Let BLAS use one thread from now on, in this process.

    How many threads it would take depends on what else runs, and with it the last bits of the
    answer: the same request would not give the same pixels. It is also faster, since threads that
    wait for one another beside a busy network turn 4 ms into 100 (measured; docs/notes/app.md).
    """
    threadpool_limits(limits=1, user_api="blas")


class Settler:
    """Solves for one space; holds what does not depend on the face.

    Args:
        regressor: Of the space.
        names: Dials that may move, K of them.
        steps: What one standard deviation of each adds to a w_plus, [K, 18, 512].
    """

    def __init__(self, regressor: Regressor, names: Sequence[str], steps: np.ndarray) -> None:
        self._regressor = regressor
        self._names = tuple(names)
        _single_threaded()
        keepers = spread_groups(regressor.keepers.reshape(-1, len(ROW_GROUPS), W_DIM))
        self._steps = np.concatenate([steps, keepers]).astype(np.float32)
        self._shares = regressor.shares(self._steps).astype(np.float32)
        self._entry = self._shares @ regressor.w1
        channel = {name: index for index, name in enumerate(regressor.names)}
        self._channels = [channel[RECIPES[name].channel] for name in self._names]
        self._index = {name: index for index, name in enumerate(self._names)}
        self._artifact = channel.get(ARTIFACT)
        self._scene = {name: channel[name] for name in SCENE if name in channel}

    def settle(
        self, w_plus: np.ndarray, asked: Mapping[str, float], *, person: np.ndarray | None = None
    ) -> np.ndarray:
        """The change to make.

        Args:
            w_plus: The face, [18, 512].
            asked: Dial -> change of its reading in standard deviations; 0 holds it firmly.
                IDENTITY -> 0 holds the person firmly.
            person: Who is to be held, [18, 512], if not the face itself.

        Returns:
            What to add to the w_plus, float64 [18, 512].
        """
        wanted = {name: change for name, change in asked.items() if name in self._index}
        start = self._regressor.contributions(np.asarray(w_plus)[None])[0]
        before = self._regressor.scores(start[None])[0]
        goal, weight = before.astype(np.float64), self._weights(wanted, IDENTITY in asked)
        if person is not None:
            theirs = self._regressor.contributions(np.asarray(person)[None])
            known = len(self._regressor.names)
            goal[known:] = self._regressor.scores(theirs)[0, known:]
        caution = np.full(len(self._steps), CAUTION)
        caution[len(self._names) :] = CAUTION_KEEPERS
        steps = np.zeros(len(self._steps))
        for name, change in wanted.items():
            k = self._index[name]
            goal[self._channels[k]] += change
            steps[k] = change
            caution[k] = CAUTION_ASKED
        best, damping = np.inf, 0.0
        tried = steps
        for _ in range(ROUNDS):
            here = start + tried.astype(np.float32) @ self._shares
            scores, slopes = self._regressor.linearised(here, self._shares, self._entry)
            cost = float(weight @ (goal - scores) ** 2 + caution @ tried**2)
            if cost < best:
                close = best - cost < GOOD_ENOUGH
                best, steps, damping = cost, tried, damping / 5
                if close:
                    break
                weighted = weight[:, None].astype(np.float32) * slopes
                system = (slopes.T @ weighted).astype(np.float64) + np.diag(caution)
                push = weighted.T @ (goal - scores) - caution * steps
            else:  # a threshold was overrun: a shorter step from the best so far
                damping = max(damping * 5, FIRST_DAMPING)
            step = np.linalg.solve(system + damping * np.eye(len(steps)), push)
            tried = steps + np.clip(step, -LONGEST_STEP, LONGEST_STEP)
        shift: np.ndarray = np.tensordot(steps, self._steps.astype(np.float64), axes=1)
        return shift * self._room(np.asarray(w_plus, np.float64), shift)

    def _room(self, w_plus: np.ndarray, change: np.ndarray) -> float:
        """The share of a change, at most 1, that stays within the region of faces."""
        start = w_plus - self._regressor.origin
        limit = max(
            FURTHEST * float(self._regressor.radius[0]),
            FURTHEST_OF_OWN * float(np.linalg.norm(start)),
        )
        if np.linalg.norm(start + change) <= limit:
            return 1.0
        along, size = float(np.vdot(start, change)), float(np.vdot(change, change))
        inside = limit**2 - float(np.vdot(start, start))
        return (-along + np.sqrt(along**2 + size * inside)) / size

    def _weights(self, wanted: Mapping[str, float], same_person: bool) -> np.ndarray:
        weight = np.zeros(self._regressor.size)
        weight[self._channels] = HELD
        moving = [name for name, change in wanted.items() if change]
        for name in moving:  # a lock frees nothing: a locked sex grows no beard
            for other in same_things(name):
                if other in self._index:
                    weight[self._channels[self._index[other]]] = SAME
        freed = {other for name in moving for other in TWINS.get(name, ())}
        for name, index in self._scene.items():
            weight[index] = SAME if name in freed else HELD_SCENE
        if self._artifact is not None:
            weight[self._artifact] = ARTIFACT_WEIGHT
        for name in wanted:
            weight[self._channels[self._index[name]]] = OWN
        known = len(self._regressor.names)
        keep = KEEP_PERSON if KEEPS_PERSON.issuperset(moving) else KEEP_OTHERWISE
        if same_person:
            keep = LOCK_PERSON
        weight[known:] = keep * self._regressor.spread[known:] ** 2
        return weight
