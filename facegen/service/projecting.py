"""Finding somebody of a photograph in the latent space, in the background, for one visitor.

First comes the encoder's answer, then steps that make it more alike (`facegen.invert`). Between two
steps a job lets others go first: those who wait for pictures, and the jobs of other visitors, one
step each in turn. One core is left to pictures where there are several. Knows nothing of Streamlit.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from facegen.errors import FacegenError, UsageError
from facegen.images import encode_jpeg, shrunk
from facegen.service.render import RenderService
from facegen.service.turns import Turns
from facegen.threads import usable_cores

if TYPE_CHECKING:
    from facegen.invert.project import Projector, Step

_log = logging.getLogger(__name__)

STEPS_VARIABLE = "FACEGEN_PHOTO_STEPS"
"""Environment: how many steps are made, whatever was chosen."""
SHOWN_PX = 512
AT_ONCE = max(1, min(usable_cores() - 1, 4))
QUIET_SECONDS = 0.3
"""After the last picture of anybody: a hand that drags asks for the next one sooner."""
MOST_PAUSE_SECONDS = 4.0
"""A step is made so often even while others draw without a pause."""
STOPPED_EARLY = "Stopped before anything was found."
UNEXPECTED = "This person could not be looked for. Try again; what happened is in the terminal."

Judge = Callable[[np.ndarray, np.ndarray], Mapping[str, float]]
"""A crop and a picture, uint8 [S, S, 3], -> numbers by name."""

_turns = Turns(AT_ONCE)


def load_projector(generator: Any) -> Projector:
    """What finds people with a network; tests replace it.

    Raises:
        FacegenError: it needs what is not here.
    """
    from facegen.invert.project import load_projector  # with PyTorch

    return load_projector(generator)


def steps_for(wanted: int) -> int:
    """How many steps to make.

    Raises:
        UsageError: the environment asks for what is no number.
    """
    text = os.environ.get(STEPS_VARIABLE, "")
    if text and not (text.isascii() and text.isdigit()):
        raise UsageError(f"{STEPS_VARIABLE} is a number of steps, got '{text[:20]}'.")
    return int(text) if text else wanted


@dataclass(frozen=True, eq=False)
class Found:
    """Somebody of a photograph, as the network draws them.

    Attributes:
        w_plus: float32 [18, 512], read-only.
        image: uint8 [S, S, 3]: their picture.
        numbers: How near that is to the crop, see `facegen.invert.project.Projected`.
        steps: How many were made.
        seconds: How long it took.
        stopped: Whether it was ended early.
    """

    w_plus: np.ndarray
    image: np.ndarray
    numbers: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    stopped: bool = False


class ProjectionJob:
    """One person being found. Make it, `start` it, look at its attributes.

    Attributes:
        jpeg: The best picture so far, at most 512 px; None before there is one.
        step: How many steps were made.
        of: How many are wanted.
        found: What came of it, once it is done; None where nothing did.
        error: A sentence if it ended badly.
        is_done: Whether it ended, well or not.
        is_stopped: Whether it is to end.
        is_waiting: Whether others have their turn first.

    Args:
        service: Draws.
        crop: uint8 [S, S, 3], aligned.
        steps: How many to make.
        judge: Tells how near the result comes to the crop; None for what the steps tell alone.
    """

    def __init__(
        self, service: RenderService, crop: np.ndarray, *, steps: int, judge: Judge | None = None
    ) -> None:
        self.jpeg: bytes | None = None
        self.step, self.of = 0, steps
        self.found: Found | None = None
        self.error: str | None = None
        self.is_done = False
        self.is_stopped = False
        self.is_waiting = False
        self._service, self._crop, self._judge = service, crop, judge
        self._left = self._told = 0.0
        self._has_turn = False
        self._thread = threading.Thread(target=self._run, name="projection", daemon=True)

    def start(self) -> ProjectionJob:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End after the step under way; the best so far stays."""
        self.is_stopped = True

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        self._thread.join(seconds)

    @property
    def seconds_left(self) -> float | None:
        """How long it will still take, as it went so far; None before the second step."""
        if self.step < 2:
            return None
        return max(self._left - (time.monotonic() - self._told), 0.0)

    def _run(self) -> None:
        try:
            self._take_turn()
            self._find()
        except FacegenError as err:
            self.error = str(err)
        except Exception:
            _log.exception("A person of a photograph could not be found.")
            self.error = UNEXPECTED
        finally:
            self._give_turn()
            self._crop = np.zeros((1, 1, 3), np.uint8)
            self.is_done = True

    def _find(self) -> None:
        start = time.monotonic()
        if self.is_stopped:
            self.error = STOPPED_EARLY
            return
        projector = load_projector(self._service.generator)
        first = np.asarray(projector.encode(self._crop), np.float32)
        self._show(self._draw(first))
        if self.is_stopped:
            self.found = self._as_found(first, {}, 0, start)
            return
        # No turn is held on the way in: a projector may let one projection in at a time.
        self._give_turn()
        self.is_waiting = True
        made = projector.project(self._crop, steps=self.of, done=self._go_on)
        self.found = self._as_found(made.w_plus, made.numbers, made.steps, start)
        self._show(self.found.image)

    def _as_found(
        self, w_plus: np.ndarray, numbers: Mapping[str, float], steps: int, start: float
    ) -> Found:
        w_plus = np.array(w_plus, np.float32)
        w_plus.setflags(write=False)
        image = self._draw(w_plus)
        told = self._judged(image)
        seconds = time.monotonic() - start
        return Found(w_plus, image, {**numbers, **told}, steps, seconds, stopped=self.is_stopped)

    def _judged(self, image: np.ndarray) -> Mapping[str, float]:
        try:
            return {} if self._judge is None else self._judge(self._crop, image)
        except Exception:
            _log.exception("A likeness could not be judged.")
            return {}

    def _go_on(self, step: Step) -> bool:
        """Take what a step gave, and let others go first; whether to make another."""
        self.is_waiting = False
        self.step, self.of = int(step.number), int(step.of)
        self._left, self._told = float(step.seconds_left), time.monotonic()
        if step.picture is not None:
            self._show(step.picture)
        if self.is_stopped or self.step >= self.of:
            return not self.is_stopped
        self._give_turn()
        self._let_others_draw()
        self._take_turn()
        return not self.is_stopped

    def _let_others_draw(self) -> None:
        until = time.monotonic() + MOST_PAUSE_SECONDS
        while (
            self._service.quiet_seconds < QUIET_SECONDS
            and time.monotonic() < until
            and not self.is_stopped
        ):
            time.sleep(QUIET_SECONDS / 6)

    def _draw(self, w_plus: np.ndarray) -> np.ndarray:
        """The full picture, in the turn of the service's queue."""
        return self._service.image(self._service.request(w_plus))

    def _show(self, image: np.ndarray) -> None:
        self.jpeg = encode_jpeg(shrunk(image, SHOWN_PX), quality=85)

    def _take_turn(self) -> None:
        self.is_waiting = True
        self._has_turn = _turns.take(is_over=lambda: self.is_stopped)
        self.is_waiting = False

    def _give_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            _turns.give()
