"""One person held along a sweep: turned, brought back, and put at the angles asked for.

The steps that bring a latent back are `facegen.optimise.identity`'s; here is when they are made and
what is put right between them. What it gives and costs: docs/pose.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from facegen.cache import BoundedCache
from facegen.face import Face
from facegen.optimise.identity import Keeper
from facegen.pose.head_pose import KEPT_DIALS, LAST_KEPT
from facegen.pose.loop import REACH_DEG, put_right

LAST_SHARE = 0.6  # of the steps, after the angles were put right once
LAST_ROUNDS = 3  # of putting the angles right in the whole picture
MAX_DONE = 500  # held faces remembered, 80 kB each


@dataclass(frozen=True, eq=False)
class Glance:
    """What the preview of a latent shows.

    Attributes:
        landmarks: [68, 2] in fractions of its edge.
        readings: Dial -> reading in its unit.
    """

    landmarks: np.ndarray
    readings: Mapping[str, float]


See = Callable[[np.ndarray], Glance | None]
"""Looks at a latent, [18, 512]; None if no face is seen."""
_Put = tuple[np.ndarray | None, float]
"""What `put_right` gives."""


@dataclass(frozen=True, eq=False)
class _Person:
    """The face looking ahead: its latent, [18, 512], descriptor, [128], and readings."""

    w_plus: np.ndarray
    descriptor: np.ndarray
    readings: Mapping[str, float]


class HeldPerson:
    """Holds one person along a sweep.

    Args:
        keeper: Brings latents back.
        glance: Looks at a latent's preview; None if no face is seen.
        look: Looks at its whole picture, by which the angles are put right at the end.
        front: Makes the face looking ahead; asked once, when first needed.
    """

    def __init__(self, keeper: Keeper, glance: See, look: See, front: Callable[[], Face]) -> None:
        self._keeper, self._glance, self._look, self._front = keeper, glance, look, front
        self._person: _Person | None = None
        self._is_known = False
        self._done: BoundedCache[tuple[Face, bool] | None] = BoundedCache(MAX_DONE)
        self._guard = threading.Lock()

    def hold(
        self, face: Face, *, yaw: float | None, pitch: float | None, free: Collection[str] = ()
    ) -> tuple[Face, bool] | None:
        """A turned face brought back to the person and put at its angles.

        Args:
            face: Plainly turned.
            yaw: Wanted degrees; None wants those of the face looking ahead.
            pitch: Likewise.
            free: Of `KEPT_DIALS`, those that may differ from the face looking ahead.

        Returns:
            The face, and whether its picture shows the angles; None where no face is seen. What
            was held before is given again: gaze and motions in the plane need no other latent.
        """
        key = (face.w_plus.tobytes(), yaw, pitch, *free)
        return self._done.get_or_make(key, lambda: self._held(face, yaw, pitch, free))

    def _held(
        self, face: Face, yaw: float | None, pitch: float | None, free: Collection[str]
    ) -> tuple[Face, bool] | None:
        person = self._known()
        if person is None:
            return None
        asked = {"yaw": yaw, "pitch": pitch}
        angles = {n: person.readings[n] if v is None else v for n, v in asked.items()}
        goal = angles | {n: person.readings[n] for n in KEPT_DIALS if n not in free}
        last_goal = angles | {n: goal[n] for n in LAST_KEPT if n in goal}
        usual = self._keeper.toward_average(person.w_plus, angles["yaw"], angles["pitch"])
        back_to = person.w_plus + usual

        def right(w_plus: np.ndarray, goal: Mapping[str, float], see: See, rounds: int = 2) -> _Put:
            return put_right(
                w_plus, goal, lambda w: _readings(see(w)), space=face.space, back_to=back_to,
                rounds=rounds,
            )  # fmt: skip

        turned, _ = right(face.w_plus + usual, goal, self._glance)
        # Angles put right half-way take less of the person away than all at the end (docs/pose.md).
        last = max(round(LAST_SHARE * self._keeper.steps), 1)
        for steps in (self._keeper.steps - last, last):
            seen = None if turned is None else self._glance(turned)
            if turned is None or seen is None:
                return None
            if steps:
                kept = self._keeper.keep(turned, seen.landmarks, person.descriptor, steps)
                turned, _ = right(kept, last_goal, self._glance)
        if turned is None:
            return None
        turned, miss = right(turned, last_goal, self._look, LAST_ROUNDS)
        if turned is None:
            return None
        return face.edited(turned, ()).rebased(), miss <= REACH_DEG

    def _known(self) -> _Person | None:
        with self._guard:
            if not self._is_known:
                face = self._front()
                seen = self._glance(face.w_plus)
                if seen is not None:
                    descriptor = self._keeper.describe(face.w_plus, seen.landmarks)
                    self._person = _Person(face.w_plus, descriptor, seen.readings)
                self._is_known = True
            return self._person


def _readings(seen: Glance | None) -> Mapping[str, float] | None:
    return None if seen is None else seen.readings
