"""Stands in for `facegen.invert.project`: a projection in a few milliseconds, or as slow as asked.

What it finds depends on the crop's colours alone; every step goes a part of the way from the
average to it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from fakes import FakeGenerator

from facegen.errors import ModelError
from facegen.images import resized
from facegen.invert.project import Projected, Step
from facegen.photos.align import AlignedFace

SHOWN_EVERY = 2


class FakeProjector:
    """As `facegen.invert.project.Projector`.

    Args:
        generator: Draws.
        step_s: How long a step takes.
        breaks_at: The step at which it fails.
    """

    def __init__(
        self, generator: FakeGenerator, *, step_s: float = 0.0, breaks_at: int = 0
    ) -> None:
        self._generator, self._step_s, self._breaks_at = generator, step_s, breaks_at
        self.steps_made = 0

    def encode(self, crop: np.ndarray) -> np.ndarray:
        return 0.5 * (self._goal(crop) + self._generator.w_avg)

    def _tell(self) -> None:
        """Let a test in another process count the steps."""
        path = os.environ.get("FACEGEN_TEST_STEPS")
        if path:
            with Path(path).open("a") as file:
                file.write(".")

    def _goal(self, crop: np.ndarray) -> np.ndarray:
        seed = int(np.asarray(crop, np.int64).sum()) % 100_000
        return self._generator.w_from_seed(seed)

    def project(
        self, crop: np.ndarray, *, steps: int = 40, done: Callable[[Step], bool] = lambda _: True
    ) -> Projected:
        start, goal = self.encode(crop), self._goal(crop)
        began = time.perf_counter()
        w_plus, count = start, 0
        for count in range(1, steps + 1):
            time.sleep(self._step_s)
            if count == self._breaks_at:
                raise ModelError("The network is gone; choose another one.")
            self.steps_made += 1
            self._tell()
            w_plus = start + (goal - start) * (count / steps)
            shows = count % SHOWN_EVERY == 0
            left = (time.perf_counter() - began) / count * (steps - count)
            picture = resized(self._generator.preview(w_plus), 256) if shows else None
            if not done(Step(count, steps, w_plus, picture, 1 / count, left)):
                break
        seconds = time.perf_counter() - began
        numbers = {"identity": 0.91, "structure": 0.62, "perceptual": 0.3, "pixels": 9.4}
        return Projected(w_plus, count, seconds, count < steps, numbers)


def fake_faces(places: list[tuple[float, float, float]], **more: Any) -> Callable[..., Any]:
    """Stands in for `facegen.photos.align.find_faces`: faces at these places of every photo.

    Args:
        places: Middle x and y, and edge of the square, in shares of the photo's width and height.
        more: Of each face.
    """

    def find(image: np.ndarray, *, size: int = 1024) -> list[AlignedFace]:
        found = []
        for x, y, edge in places:
            height, width = image.shape[:2]
            side = edge * min(width, height)
            left, top = x * width - side / 2, y * height - side / 2
            matrix = np.array([[1, 0, -left], [0, 1, -top]]) * (size / side)
            from facegen.measure.align import warp

            crop = warp(image, matrix, size, size)
            third = side / 3
            box = (left + third, top + third, left + 2 * third, top + 2 * third)
            landmarks = np.full((68, 2), [x * width, y * height])
            kept = {"warnings": (), "is_sure": True} | more
            found.append(AlignedFace(crop, matrix, box, landmarks, side / 4, **kept))
        return found

    return find
