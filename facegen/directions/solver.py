"""Find the change of a latent that moves what is asked for, as little else as can be, and keeps
a face a face.

What is asked for is a change of some readings; what is held is every other dial's reading, the
face's descriptor, the colours around the face, and how natural the latent is. Two things move: the
plain directions of all dials (c_k, one standard deviation of dial k each) and the regressor's
keepers, as offsets of the rows; and x, a change of all rows alike in straightened w along the
longest axes in which faces vary (`facegen.directions.natural`). With y the regressor's standard
scores and d_g the Mahalanobis distance of a group of rows from natural faces, the change minimises

    OWN |asked miss|^2 + |other readings' change|^2 + identity |descriptor's change|^2
        + scene |colours' change|^2
        + sum_k caution_k c_k^2 + ALIKE |x|^2 + UNNATURAL sum_g beyond(d_g^2)

over all c and x by Levenberg and Marquardt's method: a few steps of a small linear system.
Small edits are made by the plain directions, nearly free of the last term: clean, because each
acts on its own rows only. Sums of many, and large ones, would leave the region where faces are;
`beyond` (nothing up to NATURAL, then a parabola, then a straight line) makes their offsets dear,
and x, which leads from face to face, takes over. The share of each follows from what is asked.
Where much is asked at once there are many nearly equal answers, and neighbouring requests can get
different ones. What else was tried, and what falls short: docs/notes/natural.md.

The caution keeps the answer near the plain directions: without it the solver exploits the
errors of the regressor, and on pictures the asked change falls short by a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from facegen.cache import BoundedCache
from facegen.directions.linear_system import LONGEST_STEP, Point, System, eased
from facegen.directions.natural import NUM_GROUPS, Natural, bent, steepness, straightened
from facegen.directions.recipes import KEEPS_PERSON, RECIPES, TWINS, same_things
from facegen.directions.regressor import ROW_GROUPS, Regressor, group_means, spread_groups
from facegen.latents import W_DIM
from facegen.measure.face import SCENE
from facegen.threads import one_blas_thread

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
ALIKE = 0.5
NATURAL = 2.0  # See `Natural.distance`; a face that is further out already may stay there.
SOFT = 0.5
UNNATURAL = 0.05
FURTHEST = 2.5
FURTHEST_OF_OWN = 1.12
ROUNDS = 16
GOOD_ENOUGH = 0.01, 0.05  # The least that a step must win: a share of the cost, and in all.
FIRST_DAMPING = 0.5
HALVINGS = 12
DESCRIPTOR_AXES = 64
FACE_AXES = 128  # Of x: the longest. All 512 are slower, and the same rounds get less far.
FACES_REMEMBERED = 8


class Settler:
    """Solves for one space; holds what does not depend on the face.

    Args:
        regressor: Of the space.
        names: Dials that may move, K of them.
        steps: What one standard deviation of each adds to a w_plus, [K, 18, 512].
        natural: Where the faces of the space are.
    """

    def __init__(
        self, regressor: Regressor, names: Sequence[str], steps: np.ndarray, natural: Natural
    ) -> None:
        self._regressor = regressor
        self._names = tuple(names)
        self._natural = natural
        self._lead = slice(0 if natural.is_round else W_DIM - FACE_AXES, None)
        self._axes = np.ascontiguousarray(natural.axes[:, self._lead])
        one_blas_thread()
        keepers = spread_groups(regressor.keepers.reshape(-1, len(ROW_GROUPS), W_DIM))
        self._steps = np.concatenate([steps, keepers]).astype(np.float32)
        self._shares = regressor.shares(self._steps).astype(np.float32)
        self._entry = self._shares @ regressor.w1
        # [6, S, 512] and [6, 512, K + 128]
        self._by_group = np.ascontiguousarray(group_means(self._steps).transpose(1, 0, 2))
        self._linear = regressor.linear.reshape(NUM_GROUPS, W_DIM, -1)
        inner = regressor.w1.reshape(NUM_GROUPS, self._linear.shape[2], -1)
        self._inner = np.ascontiguousarray((self._linear @ inner).transpose(0, 2, 1))
        self._inner_sum = self._inner.sum(axis=0)
        # Everything below reads the descriptor through its main axes: half the numbers.
        self._readout = _readout(regressor, natural)
        self._last_layer = np.ascontiguousarray(regressor.w3 @ self._readout)
        self._last_bias = regressor.b3 @ self._readout
        self._straight_line = np.ascontiguousarray(
            (self._linear @ self._readout).transpose(0, 2, 1)
        )  # [6, R, 512]
        self._line_sum = self._straight_line.sum(axis=0)
        shares = self._shares.reshape(len(self._steps), NUM_GROUPS, -1).sum(axis=1)
        self._total = np.ascontiguousarray((shares @ self._readout).T)
        channel = {name: index for index, name in enumerate(regressor.names)}
        self._channels = [channel[RECIPES[name].channel] for name in self._names]
        self._index = {name: index for index, name in enumerate(self._names)}
        self._steepness: BoundedCache[_Steepness] = BoundedCache(FACES_REMEMBERED)
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
        task = self._task(np.asarray(w_plus, np.float32), wanted, IDENTITY in asked, person)
        here = Point(np.zeros(self._axes.shape[1]), task.first)
        there = self._at(task, here)
        best, damping, growth, promised = np.inf, 0.0, 2.0, 0.0
        for _ in range(ROUNDS):
            won = best - there.cost
            if won > 0:
                share, least = GOOD_ENOUGH
                if damping < LONGEST_STEP and won < max(share * there.cost, least):
                    here, best = there.point, there.cost
                    break
                if promised:
                    damping = eased(damping, won / promised)
                growth = 2.0
                here, best = there.point, there.cost
                system = self._linearised(task, there)
            else:  # a threshold was overrun: a shorter step from the best so far
                damping = max(damping * growth * 1.5, FIRST_DAMPING)
                growth *= 2
            step, promised = system.step(damping)
            there = self._at(task, Point(here.x + step.x, here.c + step.c))
        else:
            if there.cost < best:
                here = there.point
        return self._within(np.asarray(w_plus, np.float64), self._change(task, here))

    def _task(
        self,
        w_plus: np.ndarray,
        wanted: Mapping[str, float],
        same_person: bool,
        person: np.ndarray | None,
    ) -> _Task:
        start = self._regressor.contributions(w_plus[None])[0]
        goal = self._scores(start).astype(np.float64)
        if person is not None:
            theirs = self._regressor.contributions(np.asarray(person)[None])[0]
            known = len(self._regressor.names)
            goal[known:] = self._scores(theirs)[known:]
        caution = np.full(len(self._steps), CAUTION)
        first = np.zeros(len(self._steps))
        for name, change in wanted.items():
            k = self._index[name]
            goal[self._channels[k]] += change
            caution[k] = CAUTION_ASKED
            first[k] = change
        weight = self._weights(wanted, same_person)
        rows = np.flatnonzero(weight)
        groups = group_means(w_plus[None])[0]
        own = np.square(self._natural.whitened(groups), dtype=np.float64).sum(axis=1)
        return _Task(
            start, groups, straightened(groups), np.maximum(own, NATURAL * W_DIM),
            goal[rows], weight[rows], rows, caution, first,
            self._total[rows], bool((groups == groups[0]).all()), self._steep(groups),
        )  # fmt: skip

    def _at(self, task: _Task, point: Point) -> _Found:
        """Readings, distances and cost of a change."""
        x, c = point.x.astype(np.float32), point.c.astype(np.float32)
        straight = task.straight + self._axes @ x
        alike = bent(straight) - task.groups
        groups = task.groups + alike + np.einsum("s,gsw->gw", c, self._by_group)
        parts = np.einsum("gw,gwk->gk", alike, self._linear).reshape(-1)
        contributions = task.start + parts + c @ self._shares
        miss = task.goal - self._scores(contributions)[task.rows]
        v = self._natural.whitened(groups).astype(np.float64)
        over = np.maximum(np.square(v).sum(axis=1) - task.limit, 0.0)
        soft = SOFT * W_DIM
        beyond = np.where(over < soft, over**2 / (2 * soft), over - soft / 2)
        cost = task.weight @ miss**2 + ALIKE * point.x @ point.x + task.caution @ point.c**2
        return _Found(
            point, straight, groups, contributions, miss, v,
            UNNATURAL * np.minimum(over / soft, 1.0), float(cost + UNNATURAL * beyond.sum()),
        )  # fmt: skip

    def _scores(self, contributions: np.ndarray) -> np.ndarray:
        """Readings, and the descriptor along its main axes."""
        straight = contributions.reshape(NUM_GROUPS, -1).sum(axis=0) @ self._readout
        last = self._regressor.hidden(contributions)
        scores: np.ndarray = last @ self._last_layer + self._last_bias + straight
        return scores

    def _steep(self, groups: np.ndarray) -> _Steepness:
        """How the steps move v around a face; remembered while its dials are dragged."""
        key = groups.tobytes()
        known = self._steepness.get(key)
        if known is None:
            scale = steepness(groups)
            moved = np.stack(
                [
                    self._natural.inverse @ (self._by_group[g] * scale[g]).T
                    for g in range(NUM_GROUPS)
                ]
            )
            squares = np.stack([one.T @ one for one in moved])
            known = _Steepness(np.ascontiguousarray(moved[:, self._lead]), squares)
            self._steepness.put(key, known)
        return known

    def _linearised(self, task: _Task, found: _Found) -> System:
        """The linear system around a change."""
        back = self._regressor.output_slopes(found.contributions, self._last_layer[:, task.rows])
        by_steps = task.total + back @ self._entry.T
        slopes = 1 / steepness(bent(found.straight))
        if task.rows_alike:  # as in every face from a seed: one product for all groups
            through = (self._line_sum[task.rows] + back @ self._inner_sum) * slopes[0]
        else:
            through = np.zeros((len(task.rows), W_DIM), np.float32)
            for g in range(NUM_GROUPS):
                through += (self._straight_line[g][task.rows] + back @ self._inner[g]) * slopes[g]
        by_x = through @ self._axes
        # How it pushes is exact; how steep it is, is taken from where the face started.
        hold = found.hold.astype(np.float32)
        both = np.tensordot(hold, task.steep.moved, axes=1)
        own = np.tensordot(hold, task.steep.squares, axes=1)
        pull = (hold[:, None] * found.v.astype(np.float32)) @ self._natural.inverse
        pull *= steepness(found.groups)
        push_c = -task.caution * found.point.c - np.einsum("gsw,gw->s", self._by_group, pull)
        push_x = -ALIKE * found.point.x - found.hold @ found.v[:, self._lead]
        return System(
            by_x, by_steps, ALIKE + float(found.hold.sum()), both,
            np.diag(task.caution) + own, push_x, push_c, found.miss, task.weight,
        )  # fmt: skip

    def _change(self, task: _Task, point: Point) -> np.ndarray:
        straight = task.straight + self._axes @ point.x.astype(np.float32)
        alike = spread_groups(bent(straight) - task.groups).astype(np.float64)
        offset: np.ndarray = np.tensordot(point.c, self._steps.astype(np.float64), axes=1)
        return alike + offset

    def _within(self, w_plus: np.ndarray, change: np.ndarray) -> np.ndarray:
        """A change, or the largest share of it that does not go further than any face."""
        limit = max(FURTHEST, FURTHEST_OF_OWN * self._natural.distance(w_plus))
        if self._natural.distance(w_plus + change) <= limit:
            return change
        inside, outside = 0.0, 1.0
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            if self._natural.distance(w_plus + middle * change) <= limit:
                inside = middle
            else:
                outside = middle
        return inside * change

    def _weights(self, wanted: Mapping[str, float], same_person: bool) -> np.ndarray:
        weight = np.zeros(self._readout.shape[1])
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
        weight[known:] = keep
        return weight


@dataclass(frozen=True, eq=False)
class _Steepness:
    """Slopes of v's leading part along the steps, [6, FACE_AXES, S], and all their products,
    [6, S, S].
    """

    moved: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True, eq=False)
class _Task:
    """What is asked of one face; rows are the readings that count."""

    start: np.ndarray
    groups: np.ndarray
    straight: np.ndarray
    limit: np.ndarray
    goal: np.ndarray
    weight: np.ndarray
    rows: np.ndarray
    caution: np.ndarray
    first: np.ndarray
    total: np.ndarray
    rows_alike: bool
    steep: _Steepness


@dataclass(frozen=True, eq=False)
class _Found:
    """Where a change leads. `hold` is the slope of `beyond` for each group, times UNNATURAL."""

    point: Point
    straight: np.ndarray
    groups: np.ndarray
    contributions: np.ndarray
    miss: np.ndarray
    v: np.ndarray
    hold: np.ndarray
    cost: float


def _readout(regressor: Regressor, natural: Natural) -> np.ndarray:
    """From the regressor's scores to readings and descriptor: [K + 128, K + DESCRIPTOR_AXES].

    The descriptor comes in its own unit, along the axes in which it varies most between faces.
    """
    known = len(regressor.names)
    linear = regressor.linear.reshape(NUM_GROUPS, W_DIM, -1).sum(axis=0)[:, known:]
    person = natural.axes.T @ (linear * regressor.spread[known:])
    _, _, axes = np.linalg.svd(person.astype(np.float64), full_matrices=False)
    main = axes[:DESCRIPTOR_AXES].T
    readout = np.zeros((regressor.size, known + main.shape[1]), np.float32)
    readout[:known, :known] = np.eye(known)
    readout[known:, known:] = regressor.spread[known:, None] * main
    return readout
