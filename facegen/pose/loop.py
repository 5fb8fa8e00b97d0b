"""Closing the loop: what the picture shows decides, not what the latent promised.

Two ways. `close_loop` corrects one picture: render, measure, ask for the difference more (a secant
step once two measurements are there). `learn_pose_map` measures a dozen small previews of a face
and fits which angles come out for which are asked, so that a sweep of any length asks for the
right ones at once: its cost does not grow with the sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from facegen.errors import FacegenError
from facegen.face import Face
from facegen.pose.turn import POSE_DIALS, pose_face, safe_range

Angles = tuple[float, float]
Render = Callable[[np.ndarray], np.ndarray]
"""[18, 512] -> uint8 picture."""
Measure = Callable[[np.ndarray], Mapping[str, float] | None]
"""Picture -> at least "yaw" and "pitch" in degrees; None if no face is seen."""
Move = Callable[[float, float], Face]
"""(yaw, pitch) in degrees -> face."""

TOLERANCE_DEG = 0.5
SLOPE_RANGE = (0.5, 2.0)
REACH_DEG = 3.0
# Where a face is measured: along the turn, and nodding at three turns. Degrees.
FULL_DESIGN: tuple[Angles, ...] = (
    (0, 0), (-14, 0), (14, 0), (-28, 0), (28, 0), (-41, 0), (41, 0),
    (0, -16), (0, 16), (-30, -16), (30, -16), (-30, 16), (30, 16),
)  # fmt: skip
FEW_DESIGN: tuple[Angles, ...] = ((0, 0), (-28, 0), (28, 0), (0, -14), (0, 14))
PENALTY = 0.02
SCALE = (40.0, 16.0)


@dataclass(frozen=True, eq=False)
class Closed:
    """What closing the loop on one picture gave.

    Attributes:
        face: The best found.
        image: Its picture.
        asked: Dial -> reading last asked for.
        measured: Numbers seen in the picture; empty if no face was seen.
        error: Largest difference of a measured angle to its target, degrees; infinite if none
            was seen.
    """

    face: Face
    image: np.ndarray
    asked: dict[str, float]
    measured: dict[str, float]
    error: float

    @property
    def is_reached(self) -> bool:
        """Whether the targets were met closely enough to call it so."""
        return self.error <= REACH_DEG


def close_loop(
    render: Render,
    measure: Measure,
    face: Face,
    targets: Mapping[str, float],
    rounds: int = 2,
    *,
    move: Callable[[Mapping[str, float]], Face] | None = None,
) -> Closed:
    """Correct yaw and pitch until the picture shows them.

    Args:
        render: Draws a latent.
        measure: Sees angles in a picture.
        face: Not changed.
        targets: Readings asked for; "yaw" and "pitch" among them are corrected.
        rounds: Corrections at most; 0 gives the open-loop picture.
        move: Makes the face for readings; `pose_face` unless given.

    Returns:
        The best of the pictures tried.

    Raises:
        OutOfRangeError: a target outside what its dial can do.
    """
    make = move or (lambda asked: pose_face(face, targets=asked))
    angles = [name for name in POSE_DIALS if name in targets]
    asked = {name: float(value) for name, value in targets.items()}
    slopes = dict.fromkeys(angles, 1.0)
    best: Closed | None = None
    last: tuple[dict[str, float], dict[str, float]] | None = None
    for _ in range(rounds + 1):
        try:
            moved = make(asked)
        except FacegenError:
            if best is None:
                raise
            break  # a corrected request can leave the range: the picture before it stands
        image = render(moved.w_plus)
        seen = dict(measure(image) or {})
        error = max((abs(seen[n] - targets[n]) for n in angles), default=0.0) if seen else np.inf
        if best is None or error < best.error:
            best = Closed(moved, image, dict(asked), seen, float(error))
        if not seen or error <= TOLERANCE_DEG:
            break
        if last is not None:
            slopes = {n: _slope(asked[n] - last[0][n], seen[n] - last[1][n]) for n in angles}
        last = (dict(asked), seen)
        for name in angles:
            low, high = safe_range(face, name)
            step = (targets[name] - seen[name]) / slopes[name]
            asked[name] = float(np.clip(asked[name] + step, low, high))
    assert best is not None
    return best


def _slope(asked: float, seen: float) -> float:
    """Degrees seen per degree asked, kept from running away."""
    if abs(asked) < 0.5:
        return 1.0
    return float(np.clip(seen / asked, *SLOPE_RANGE))


@dataclass(frozen=True, eq=False)
class PoseMap:
    """Which angles come out of which are asked, for one face and expression.

    Attributes:
        weights: [terms, 2]: seen minus asked, in degrees, for yaw and pitch.
        limits: Asked yaw and pitch stay in these ranges.
        points: What it was fitted on: (asked, seen) pairs.
    """

    weights: np.ndarray
    limits: tuple[Angles, Angles]
    points: tuple[tuple[Angles, Angles], ...] = field(default=())

    @classmethod
    def identity(cls, limits: tuple[Angles, Angles]) -> PoseMap:
        """What is asked comes out: the map of a face that was not measured."""
        return cls(np.zeros((len(_terms(0, 0)), 2)), limits)

    def predict(self, yaw: float, pitch: float) -> Angles:
        """The angles that come out."""
        seen = np.array([yaw, pitch]) + _terms(yaw, pitch) @ self.weights
        return float(seen[0]), float(seen[1])

    def ask(self, yaw: float, pitch: float) -> Angles:
        """What to ask for so that these angles come out, as far as the limits allow."""
        want = np.array([yaw, pitch], np.float64)
        low, high = np.array(self.limits).T
        asked = np.clip(want, low, high)
        for _ in range(12):
            asked = np.clip(asked + 0.7 * (want - self.predict(*asked)), low, high)
        return float(asked[0]), float(asked[1])

    def is_reachable(self, yaw: float, pitch: float) -> bool:
        """Whether these angles are predicted to come out closely enough to call it so."""
        seen = self.predict(*self.ask(yaw, pitch))
        return max(abs(seen[0] - yaw), abs(seen[1] - pitch)) <= REACH_DEG


def learn_pose_map(
    move: Move,
    see: Callable[[Face], Mapping[str, float] | None],
    limits: tuple[Angles, Angles],
    *,
    design: tuple[Angles, ...] = FULL_DESIGN,
    prior: PoseMap | None = None,
) -> PoseMap:
    """Measure a few small pictures of a face and fit what comes out.

    Args:
        move: Makes the face at asked angles.
        see: Measures a face's picture; None where none is seen (the point is left out).
        limits: Safe ranges of asked yaw and pitch.
        design: Angles to ask for.
        prior: Map of the same face with another expression: only the difference is fitted.
    """
    start = prior or PoseMap.identity(limits)
    points: list[tuple[Angles, Angles]] = []
    for yaw, pitch in design:
        inside = tuple(
            float(np.clip(value, *limit)) for value, limit in zip((yaw, pitch), limits, strict=True)
        )
        try:
            seen = see(move(*inside))
        except FacegenError:
            continue
        if seen is not None:
            points.append(((inside[0], inside[1]), (seen["yaw"], seen["pitch"])))
    if not points:
        return start
    x = np.array([_terms(*asked) for asked, _ in points])
    y = np.array([seen for _, seen in points]) - np.array([start.predict(*a) for a, _ in points])
    penalty = PENALTY * len(points) * np.eye(x.shape[1])
    penalty[0, 0] = 1e-6  # the offset is always free
    weights = np.linalg.solve(x.T @ x + penalty, x.T @ y)
    return PoseMap(start.weights + weights, limits, tuple(points))


def _terms(yaw: float, pitch: float) -> np.ndarray:
    y, p = yaw / SCALE[0], pitch / SCALE[1]
    return np.array([1.0, y, p, y * y, y * p, p * p, y**3, y * y * p, p**3])
