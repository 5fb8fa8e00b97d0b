"""Targets and locks: set dials to absolute values while others stay where they are.

Readings and dials are both linear in w_plus, so what each dial does to each reading is a matrix,
and "yaw 20 degrees, age 60, smile as it is" is a small linear system. Locked dials are moved just
enough to cancel what the wanted ones do to them. The system is solved in standard deviations
with a little ridge, so that two dials that are nearly the same thing do not fight with huge steps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from facegen.editing.dials import DialSet
from facegen.errors import OutOfRangeError, UsageError
from facegen.latents import NUM_WS, W_DIM

RIDGE = 1e-3
MISS_SD = 0.1
MAX_STEP_SD = 6.0


@dataclass(frozen=True)
class Solution:
    """What to add to the dials, and where that is predicted to lead.

    Attributes:
        deltas: Dial -> change in its unit, wanted and locked dials only.
        predicted: Dial -> reading afterwards, in its unit, all dials.
    """

    deltas: dict[str, float]
    predicted: dict[str, float]


@lru_cache(maxsize=4)
def effects(dials: DialSet) -> np.ndarray:
    """[K, K]: change of reading i per step of dial j, both in standard deviations; read-only."""
    nothing = np.zeros((NUM_WS, W_DIM), np.float32)
    zero = dials.read(nothing)
    spread = {name: dials.spec(name).unit_per_sd for name in dials.names}
    columns = []
    for name in dials.names:
        moved = dials.read(dials.vector(name) * spread[name])
        columns.append([(moved[other] - zero[other]) / spread[other] for other in dials.names])
    matrix = np.array(columns).T
    matrix.setflags(write=False)
    return matrix


def solve_targets(
    dials: DialSet,
    w_plus: np.ndarray,
    targets: Mapping[str, float],
    locks: Collection[str] = (),
    *,
    keep: Mapping[str, float] | None = None,
) -> Solution:
    """Find the dial changes that bring readings to `targets` and keep those of `locks`.

    Args:
        dials: The dials of the face's space.
        w_plus: The face as it is, [18, 512].
        targets: Dial -> wanted reading, in the dial's unit.
        locks: Dials whose reading must not move.
        keep: Reading at which a lock holds its dial, if not the present one.

    Raises:
        UnknownDialError: no such dial.
        UsageError: a dial is both wanted and locked, or a target is not a finite number.
        OutOfRangeError: a target lies outside the safe range, or the locks leave no way there.
    """
    for name, value in targets.items():
        low, high = dials.spec(name).safe
        if name in locks:
            raise UsageError(f"{name} is locked and asked to move; drop the lock or the target.")
        if not np.isfinite(value):
            raise UsageError(f"The target of {name} must be a finite number, got {value}.")
        if not low <= value <= high:
            raise OutOfRangeError(
                f"{name} can be set from {low:.1f} to {high:.1f} ({dials.spec(name).unit}), got "
                f"{value:g}."
            )
    used = [*targets, *(name for name in dict.fromkeys(locks) if dials.spec(name))]
    now = dials.read(w_plus)
    index = [dials.names.index(name) for name in used]
    spread = np.array([dials.spec(name).unit_per_sd for name in used])
    goal = {**now, **(keep or {}), **targets}
    wanted = np.array([goal[name] - now[name] for name in used]) / spread
    matrix = effects(dials)[np.ix_(index, index)]
    steps = np.linalg.solve(
        matrix.T @ matrix + RIDGE * np.eye(len(used)), matrix.T @ wanted
    )  # in standard deviations
    missed = matrix @ steps - wanted
    if used and (np.abs(missed).max() > MISS_SD or np.abs(steps).max() > MAX_STEP_SD):
        worst = used[int(np.argmax(np.abs(missed) + (np.abs(steps) > MAX_STEP_SD)))]
        raise OutOfRangeError(
            f"The targets and locks contradict each other (at {worst}): on this face they cannot "
            "all be met. Drop a lock, or ask for less."
        )
    deltas = {n: float(s * u) for n, s, u in zip(used, steps, spread, strict=True) if s}
    return Solution(deltas, dials.read(dials.apply(w_plus, deltas)))
