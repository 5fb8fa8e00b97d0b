"""How well segments are read: against pictures whose labels were checked by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import TypeVar

import numpy as np

from facegen.errors import UsageError
from facegen.generator import Generator
from facegen.images import resized
from facegen.learning.learn_segments import Labelled
from facegen.measure.segment_files import UNTOLD
from facegen.measure.segments import (
    SEGMENTS,
    Segments,
    of_latent,
    of_picture,
    segment_id,
    with_picture,
)
from facegen.protocols import Progress

T = TypeVar("T")
LOOK_PX = 256

GROUPS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in SEGMENTS},
    "eyes with iris": ("eyes", "iris"),
    "any glasses": ("glasses", "sunglasses"),
    "skin with neck and ears": ("skin", "neck", "ears"),
}
"""What is scored: each segment, and some together where the line between is a matter of taste."""


@dataclass
class Score:
    """How one way of reading does over all pictures.

    Attributes:
        inside: Pixels in both, by group.
        union: Pixels in either, by group.
        seconds: Processor time of each picture, all threads together.
        right: Share of pixels with the right label, for each picture.
    """

    inside: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))
    union: dict[str, int] = field(default_factory=lambda: dict.fromkeys(GROUPS, 0))
    seconds: list[float] = field(default_factory=list)
    right: list[float] = field(default_factory=list)

    def add(self, read: Segments, truth: np.ndarray, seconds: float) -> None:
        """Count one picture; pixels that the truth leaves open do not count."""
        told = truth != UNTOLD
        for group, names in GROUPS.items():
            places = [segment_id(name) for name in names]
            ours, theirs = np.isin(read.labels, places) & told, np.isin(truth, places)
            self.inside[group] += int(np.sum(ours & theirs))
            self.union[group] += int(np.sum(ours | theirs))
        self.seconds.append(seconds)
        self.right.append(float(np.mean(read.labels[told] == truth[told])))

    def overlap(self, group: str) -> float:
        """Intersection over union of all pictures' pixels together; NaN if nothing has any."""
        return self.inside[group] / self.union[group] if self.union[group] else float("nan")

    @property
    def milliseconds(self) -> float:
        """Median processor time of a picture."""
        return 1000 * median(self.seconds)


@dataclass(frozen=True, eq=False)
class Look:
    """One judged face, to look at: picture, uint8 [256, 256, 3], what was read, what is right."""

    image: np.ndarray
    read: dict[str, np.ndarray]
    truth: np.ndarray


@dataclass
class Judged:
    """What `judge_segments` found.

    Attributes:
        scores: Way of reading ("latent", "picture") -> its score.
        looks: Every face.
        beyond_ms: Processor time of the segments beyond the picture where both are drawn together.
        picture_ms: Of the picture alone.
    """

    scores: dict[str, Score]
    looks: list[Look] = field(default_factory=list)
    beyond_ms: float = 0.0
    picture_ms: float = 0.0


def judge_segments(
    generator: Generator, faces: Sequence[Labelled], *, progress: Progress | None = None
) -> Judged:
    """Read faces from their latents and from their pictures, and compare with their labels.

    Args:
        generator: Draws them.
        faces: Labelled faces that nothing was learned from.
        progress: Called with (done, in all).

    Raises:
        UsageError: there are no faces.
    """
    if not faces:
        raise UsageError("There are no labelled faces to judge by; restore them with git.")
    scores = {"latent": Score(), "picture": Score()}
    judged = Judged(scores)
    alone, together = [], []
    for done, face in enumerate(faces, start=1):
        w_plus, truth = generator.w_from_seed(face.seed, face.psi), face.labels()
        image, seconds = _timed(partial(generator.render, w_plus))
        alone.append(seconds)
        ways = {
            "latent": partial(of_latent, generator, w_plus),
            "picture": partial(of_picture, image),
        }
        read = {}
        for name, way in ways.items():
            segments, seconds = _timed(way)
            scores[name].add(segments, truth, seconds)
            read[name] = segments.labels
        _, seconds = _timed(partial(with_picture, generator, w_plus))
        together.append(seconds)
        judged.looks.append(Look(resized(image, LOOK_PX), read, truth))
        if progress is not None:
            progress(done, len(faces))
    judged.picture_ms = 1000 * median(alone)
    judged.beyond_ms = 1000 * median(b - a for a, b in zip(alone, together, strict=True))
    return judged


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start
