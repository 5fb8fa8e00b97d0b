"""Which pictures to make: ranges of angles, cells of a grid, random combinations."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from facegen.errors import UsageError
from facegen.retouch.eyes import MOST_GAZE
from facegen.retouch.transform import Motion
from facegen.retouch.warp import MOST_LOOK_UP

MANY = 20_000
"""Pictures beyond which the command line asks first."""
MAX_VALUES = 1_000
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*(?::\s*({_NUMBER})\s*(?::\s*({_NUMBER})\s*)?)?")
DEFAULT_STEP = 10.0


STILL = Motion()


@dataclass(frozen=True)
class Cell:
    """One picture to make.

    Attributes:
        yaw, pitch: Degrees; None keeps the face's own angle.
        expression: Of `facegen.pose.expressions.AVAILABLE`; None keeps the face's own.
        strength: Of the expression, 0 to 1.
        motion: In the picture's plane.
        gaze: Degrees the eyes look to the picture's right of the camera; None leaves them.
        gaze_up: Degrees the eyes look further up; None leaves them.
    """

    yaw: float | None = None
    pitch: float | None = None
    expression: str | None = None
    strength: float = 1.0
    motion: Motion = STILL
    gaze: float | None = None
    gaze_up: float | None = None

    def to_record(self) -> dict[str, float | str | None]:
        """The requested values as flat fields."""
        fields: dict[str, float | str | None] = {
            "yaw": self.yaw,
            "pitch": self.pitch,
            "expression": self.expression,
            "strength": self.strength if self.expression else None,
            "gaze": self.gaze,
            "gaze_up": self.gaze_up,
        }
        return fields | asdict(self.motion)

    def stem(self, index: int) -> str:
        """A file name without ending: the place in the grid, then what is asked."""
        parts = [f"{index:04d}"]
        parts += [f"yaw{self.yaw:+g}"] if self.yaw is not None else []
        parts += [f"pitch{self.pitch:+g}"] if self.pitch is not None else []
        parts += [self.expression] if self.expression else []
        parts += [f"gaze{self.gaze:+g}"] if self.gaze is not None else []
        parts += [f"up{self.gaze_up:+g}"] if self.gaze_up is not None else []
        return "_".join(parts)


def parse_range(text: str, *, what: str = "A range") -> list[float]:
    """Angles from a text: "-40:40:10" (both ends count), "-40:40" (steps of 10), "15", "-20,0,20".

    Raises:
        UsageError: another form, a step of 0 or of the wrong sign, or an absurd count.

    >>> parse_range("-20:20:10")
    [-20.0, -10.0, 0.0, 10.0, 20.0]
    >>> parse_range("20:-20:-20")
    [20.0, 0.0, -20.0]
    """
    values: list[float] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            raise UsageError(
                f"{what} looks like -40:40:10 (from, to, step) or -20,0,20, got '{text}'."
            )
        first = float(match[1])
        last = float(match[2]) if match[2] is not None else first
        step = float(match[3]) if match[3] is not None else DEFAULT_STEP
        if match[2] is None:
            values.append(first)
        else:
            values += _steps(first, last, step, text=part, what=what)
        if len(values) > MAX_VALUES:
            raise _too_many(what, text)
    return list(dict.fromkeys(values))


def _steps(first: float, last: float, step: float, *, text: str, what: str) -> list[float]:
    if step == 0:
        raise UsageError(f"{what} needs a step that is not 0, got '{text}'. Write -40:40:10.")
    if (last - first) * step < 0:
        raise UsageError(
            f"{what} '{text}' is empty: a step of {step:g} never leads from {first:g} to "
            f"{last:g}. Turn its sign, or swap the ends."
        )
    count = math.floor((last - first) / step + 1e-9) + 1
    if count > MAX_VALUES:
        raise _too_many(what, text)
    return [round(first + index * step, 6) + 0.0 for index in range(count)]


def _too_many(what: str, text: str) -> UsageError:
    return UsageError(f"{what} '{text}' has more than {MAX_VALUES} values; take a larger step.")


def make_cells(
    yaws: Iterable[float | None],
    pitches: Iterable[float | None],
    expressions: Sequence[tuple[str | None, float]] = ((None, 1.0),),
    gazes: Sequence[float | None] = (None,),
    gazes_up: Sequence[float | None] = (None,),
) -> list[Cell]:
    """All combinations; expressions outermost, then gaze, gaze up, pitch, yaw: rows of a sheet."""
    yaws, pitches = list(yaws), list(pitches)
    return [
        Cell(yaw, pitch, name, strength, gaze=gaze, gaze_up=gaze_up)
        for name, strength in expressions
        for gaze in gazes
        for gaze_up in gazes_up
        for pitch in pitches
        for yaw in yaws
    ]


def parse_expression(text: str) -> tuple[str, float]:
    """Read "happy" or "happy:0.5".

    Raises:
        UsageError: no such expression, or a strength outside 0 to 1.
    """
    from facegen.pose.expressions import expression

    name, _, amount = text.partition(":")
    try:
        strength = float(amount) if amount else 1.0
    except ValueError:
        strength = math.nan
    if not 0 <= strength <= 1:
        raise UsageError(f"An expression looks like happy or happy:0.5 (0 to 1), got '{text}'.")
    return expression(name.strip()).name, strength


def dataset_grid(max_angle: float, step: float) -> list[Cell]:
    """Yaw and pitch from -max_angle to max_angle, pitch as far as heads nod.

    Raises:
        UsageError: a step that is 0 or negative, or an angle that is negative.
    """
    if not (step > 0 and math.isfinite(step)):
        raise UsageError(f"--step must be above 0 degrees, got {step:g}.")
    if not (max_angle >= 0 and math.isfinite(max_angle)):
        raise UsageError(f"--max-angle must be 0 degrees or more, got {max_angle:g}.")
    yaws = _centred(max_angle, step)
    pitches = _centred(min(max_angle, MAX_PITCH), step)
    return make_cells(yaws, pitches)


MAX_PITCH = 15.0
"""Pitch up to which faces were measured to stay faces; the grid of a dataset ends there."""


def _centred(limit: float, step: float) -> list[float]:
    count = math.floor(limit / step + 1e-9)
    if 2 * count + 1 > MAX_VALUES:
        raise _too_many("The grid", f"±{limit:g} in steps of {step:g}")
    return [round(index * step, 6) + 0.0 for index in range(-count, count + 1)]


def random_cells(
    count: int, *, max_angle: float, expressions: Sequence[str], seed: int, person: int
) -> list[Cell]:
    """Random combinations of rotation, gaze, expression, roll; the same seed gives the same ones.

    Args:
        count: How many.
        max_angle: Bound of yaw in degrees; pitch and roll within what fits a head.
        expressions: Names to draw from; half of the pictures keep the face's own. So do half
            of them with where the eyes look.
        seed: Of the dataset.
        person: Number of the person in it: each has their own combinations.
    """
    rng = np.random.RandomState([seed & 0xFFFFFFFF, person & 0xFFFFFFFF, 41])
    limit = min(max_angle, MAX_PITCH)
    cells = []
    for _ in range(count):
        yaw = round(float(rng.uniform(-max_angle, max_angle)), 2)
        pitch = round(float(rng.uniform(-limit, limit)), 2)
        roll = round(float(rng.uniform(-10, 10)), 2)
        wears = rng.rand() < 0.5
        name = expressions[rng.randint(len(expressions))] if wears and expressions else None
        strength = round(float(rng.uniform(0.4, 1.0)), 2)
        looks = rng.rand() < 0.5 and name != "eyes_closed"
        gaze = round(float(rng.uniform(-MOST_GAZE, MOST_GAZE)), 2)
        gaze_up = round(float(rng.uniform(-MOST_LOOK_UP, MOST_LOOK_UP)), 2)
        cells.append(
            Cell(
                yaw, pitch, name, strength if name else 1.0, Motion(roll=roll),
                gaze if looks else None, gaze_up if looks else None,
            )
        )  # fmt: skip
    return cells
