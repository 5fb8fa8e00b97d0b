"""Closing the loop: what the picture shows decides, not what the latent promised.

Two ways. `put_right` moves a latent along the plain directions by what is missing.
`learn_pose_map` measures small previews of a face twice (at plain angles, then at those that the
first fit asks for) and fits which angles come out for which are asked, so that a sweep of any
length asks for the right ones at once: its cost does not grow with the sweep. The same previews
show how smile and eyes drift while the head turns, and where no face is seen any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.errors import FacegenError
from facegen.face import Face
from facegen.pose.head_pose import HELD_DIALS, POSE_DIALS, shifted

Angles = tuple[float, float]
Move = Callable[[float, float], Face]
"""(yaw, pitch) in degrees -> face."""
Nudge = Callable[[Face, Mapping[str, float]], Face]
"""(face, dial -> change in its unit) -> face."""

TOLERANCE_DEG = 0.5
REACH_DEG = 3.0
# Where a face is measured: to the ends of what sweeps ask for, level and nodding. Degrees.
FULL_DESIGN: tuple[Angles, ...] = (
    (0, 0), (-20, 0), (20, 0), (-40, 0), (40, 0), (0, -15), (0, 15),
    (-40, -15), (40, -15), (-40, 15), (40, 15), (-20, -15), (20, -15), (-20, 15), (20, 15),
)  # fmt: skip
FULL_ROUNDS = 2
WORKERS = 2
FEW_DESIGN: tuple[Angles, ...] = ((0, 0), (-28, 0), (28, 0), (0, -14), (0, 14))
PENALTY = 0.01
SCALE = (40.0, 16.0)
NUM_TERMS = 10  # of the polynomial in yaw and pitch
HOLD_GAIN = 0.8
FURTHEST_HOLD_SD = 1.5  # pressed further, faces at the ends of a turn were seen to break
FURTHEST_STEP_DEG = 8.0
FURTHEST_STEP_SD = 1.0
SD_IN_DEG = 2.0  # so many degrees weigh as much as a standard deviation of a held reading
SMALLEST_HOLD_SD = 0.5  # of hats and glasses less is the classifier's noise
BACK_OFF = 0.85
MOST_LOSSES = 4
LOST_NEAR = 0.3  # of SCALE: so near a place where no face was seen none is promised


def put_right(
    w_plus: np.ndarray,
    goal: Mapping[str, float],
    see: Callable[[np.ndarray], Mapping[str, float] | None],
    *,
    dials: DialSet,
    back_to: np.ndarray,
    rounds: int = 2,
) -> tuple[np.ndarray | None, float]:
    """Move a latent along the plain directions until its picture reads as wanted.

    Args:
        w_plus: [18, 512]; not changed.
        goal: Dial -> reading in its unit; all of `POSE_DIALS` among them.
        see: Reads a latent's picture, dial -> reading; None if no face is seen.
        dials: Of the latent's space.
        back_to: Toward this latent is gone where no face is seen, [18, 512].
        rounds: Corrections at most; going back where no face is seen is not counted as one.

    Returns:
        The best latent seen, and by how much its angles miss at most, in degrees; None if no face
        was seen in any.
    """
    sd = {name: dials.spec(name).unit_per_sd for name in goal if name not in POSE_DIALS}
    best: np.ndarray | None = None
    least = least_angle = np.inf
    corrections = losses = 0
    while losses <= MOST_LOSSES:
        seen = see(w_plus)
        if seen is None:
            losses += 1
            w_plus = back_to + BACK_OFF * (w_plus - back_to)
            continue
        misses = {name: goal[name] - seen[name] for name in POSE_DIALS}
        drifts = {name: (goal[name] - seen[name]) / sd[name] for name in sd}
        drifts = {name: d for name, d in drifts.items() if abs(d) > SMALLEST_HOLD_SD}
        angle = max(abs(miss) for miss in misses.values())
        error = angle + SD_IN_DEG * sum(abs(drift) for drift in drifts.values())
        if error < least:
            best, least, least_angle = w_plus, error, angle
        if error <= TOLERANCE_DEG or corrections == rounds:
            break
        corrections += 1
        steps = _steps_within(dials, w_plus, misses)
        for name, drift in drifts.items():
            step = float(np.clip(HOLD_GAIN * drift, -FURTHEST_STEP_SD, FURTHEST_STEP_SD))
            steps[name] = step * sd[name]
        w_plus = shifted(w_plus, steps, dials=dials)
    return best, float(least_angle)


def _steps_within(
    dials: DialSet, w_plus: np.ndarray, misses: Mapping[str, float]
) -> dict[str, float]:
    """Turns by what is missing that leave the latent where faces are.

    A face that shows less than its latent reads is pushed on until it breaks otherwise.
    """
    stands = dials.read(w_plus)
    steps = {}
    for name, miss in misses.items():
        low, high = dials.spec(name).safe
        least = max(min(low - stands[name], 0.0), -FURTHEST_STEP_DEG)
        most = min(max(high - stands[name], 0.0), FURTHEST_STEP_DEG)
        steps[name] = float(np.clip(miss, least, most))
    return steps


@dataclass(frozen=True, eq=False)
class PoseMap:
    """Which angles come out of which are asked, for one face and expression.

    Attributes:
        weights: [terms, 2]: seen minus asked, in degrees, for yaw and pitch.
        limits: Asked yaw and pitch stay in these ranges.
        points: What it was fitted on: (asked, seen) pairs.
        hold_weights: [terms, held dials]: what to add to each of `HELD_DIALS`, in its unit, at
            wanted angles, so that it reads as it does from the front.
        lost: Wanted angles at which no face was seen.
    """

    weights: np.ndarray
    limits: tuple[Angles, Angles]
    points: tuple[tuple[Angles, Angles], ...] = field(default=())
    hold_weights: np.ndarray = field(default_factory=lambda: np.zeros((NUM_TERMS, len(HELD_DIALS))))
    lost: tuple[Angles, ...] = ()

    @classmethod
    def identity(cls, limits: tuple[Angles, Angles]) -> PoseMap:
        """What is asked comes out: the map of a face that was not measured."""
        return cls(np.zeros((NUM_TERMS, 2)), limits)

    def predict(self, yaw: float, pitch: float) -> Angles:
        """The angles that come out."""
        seen = np.array([yaw, pitch]) + terms(yaw, pitch) @ self.weights
        return float(seen[0]), float(seen[1])

    def ask(self, yaw: float, pitch: float) -> Angles:
        """What to ask for so that these angles come out, as far as the limits allow."""
        want = np.array([yaw, pitch], np.float64)
        low, high = np.array(self.limits).T
        asked = np.clip(want, low, high)
        for _ in range(12):
            asked = np.clip(asked + 0.7 * (want - self.predict(*asked)), low, high)
        return float(asked[0]), float(asked[1])

    def holds(self, yaw: float, pitch: float) -> dict[str, float]:
        """What to add to held dials, in standard deviations, at these angles; empty if nothing."""
        amounts = terms(yaw, pitch) @ self.hold_weights
        amounts = np.clip(amounts, -FURTHEST_HOLD_SD, FURTHEST_HOLD_SD)
        return {
            name: float(amount) for name, amount in zip(HELD_DIALS, amounts, strict=True) if amount
        }

    def is_reachable(self, yaw: float, pitch: float) -> bool:
        """Whether these angles are predicted to come out closely enough, and with a face."""
        seen = self.predict(*self.ask(yaw, pitch))
        if max(abs(seen[0] - yaw), abs(seen[1] - pitch)) > REACH_DEG:
            return False
        return not any(
            np.hypot((yaw - y) / SCALE[0], (pitch - p) / SCALE[1]) < LOST_NEAR for y, p in self.lost
        )


def learn_pose_map(
    move: Move,
    see: Callable[[Face], Mapping[str, float] | None],
    limits: tuple[Angles, Angles],
    *,
    design: tuple[Angles, ...] = FULL_DESIGN,
    rounds: int = 1,
    prior: PoseMap | None = None,
    nudge: Nudge | None = None,
) -> PoseMap:
    """Measure a few small pictures of a face and fit what comes out.

    Args:
        move: Makes the face at asked angles.
        see: Measures a face's picture: "yaw" and "pitch" in degrees, `HELD_DIALS` in standard
            deviations if they are to be held; None where none is seen (the point is left out).
        limits: Safe ranges of asked yaw and pitch.
        design: Angles to ask for.
        rounds: How often; from the second on the design's angles are wanted, not asked for.
        prior: Map of the same face with another expression: only the difference is fitted.
        nudge: Moves held dials; None holds none.
    """
    start = found = prior or PoseMap.identity(limits)
    points: list[tuple[Angles, Angles]] = []

    def measured_at(wish: Angles, turn: int) -> tuple[Angles, Mapping[str, float] | None] | None:
        wanted = found.ask(*wish) if turn else wish
        yaw, pitch = (float(np.clip(v, *limit)) for v, limit in zip(wanted, limits, strict=True))
        try:
            face = move(yaw, pitch)
            if nudge is not None and turn:
                face = nudge(face, found.holds(*wish))
            return (yaw, pitch), see(face)
        except FacegenError:
            return None

    for turn in range(rounds):
        lost: list[Angles] = []
        drifts: dict[Angles, np.ndarray] = {}
        with ThreadPoolExecutor(WORKERS) as pool:  # one is drawn while another is measured
            answers = list(pool.map(measured_at, design, [turn] * len(design)))
        for wish, answer in zip(design, answers, strict=True):
            if answer is None:
                continue
            asked, seen = answer
            if seen is None:
                lost.append(wish)
                continue
            points.append((asked, (seen["yaw"], seen["pitch"])))
            if all(name in seen for name in HELD_DIALS):
                drifts[wish] = np.array([seen[name] for name in HELD_DIALS])
        if not points:
            return start
        hold_weights = found.hold_weights
        if nudge is not None and (0, 0) in drifts:
            hold_weights = hold_weights - HOLD_GAIN * _fitted_drift(drifts)
        miss = np.array([seen for _, seen in points])
        miss = miss - np.array([start.predict(*asked) for asked, _ in points])
        weights = start.weights + fit_terms([asked for asked, _ in points], miss)
        found = PoseMap(weights, limits, tuple(points), hold_weights, tuple(lost))
    return found


def fit_terms(places: Sequence[Angles], values: np.ndarray) -> np.ndarray:
    """Ridge regression of values, [N, K], on the terms at N places: [terms, K]."""
    x = np.array([terms(*place) for place in places])
    penalty = PENALTY * len(places) * np.eye(x.shape[1])
    penalty[0, 0] = 1e-6  # the offset is always free
    fitted: np.ndarray = np.linalg.solve(x.T @ x + penalty, x.T @ values)
    return fitted


def _fitted_drift(readings: Mapping[Angles, np.ndarray]) -> np.ndarray:
    """How readings differ from the frontal one, [terms, held dials]; nothing at the front."""
    front = readings[0, 0]
    places = list(readings)
    fitted = fit_terms(places, np.array([readings[place] - front for place in places]))
    fitted[0] = 0.0
    return fitted


def terms(yaw: float, pitch: float) -> np.ndarray:
    """The polynomial's terms at these angles, [NUM_TERMS]."""
    y, p = yaw / SCALE[0], pitch / SCALE[1]
    return np.array([1.0, y, p, y * y, y * p, p * p, y**3, y * y * p, y * p * p, p**3])
