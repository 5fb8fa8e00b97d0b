"""Identity held along a sweep: a face turned, brought back, and put at the angles asked for.

The steps that bring a latent back are `facegen.optimise.identity`'s; here is when they are made and
what is corrected between them. What it gives and costs: docs/results/pose.md, docs/notes/pose.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from facegen.cache import BoundedCache
from facegen.editing.dial_set import DialSet
from facegen.face import Face
from facegen.measure.measurer import Measurement
from facegen.optimise.identity import IdentityOptimiser
from facegen.pose.head_pose import KEPT_DIALS, LAST_KEPT
from facegen.pose.loop import REACH_DEG, put_right

LAST_SHARE = 0.6  # of the steps, after the angles were corrected once
LAST_ROUNDS = 3  # corrections of the angles in the full picture
MAX_DONE = 500  # held faces remembered, 80 kB each


See = Callable[[np.ndarray], Measurement | None]
"""Measures the picture of a latent, [18, 512]; None if no face is seen."""
_Held = tuple[Face, bool] | None
"""What `IdentityHolder.hold` gives."""
_Put = tuple[np.ndarray | None, float]
"""What `put_right` gives."""


@dataclass(frozen=True, eq=False)
class _Reference:
    """The face looking ahead: its latent, [18, 512], descriptor, [128], and readings."""

    w_plus: np.ndarray
    descriptor: np.ndarray
    readings: Mapping[str, float]


class IdentityHolder:
    """Holds one person along a sweep; several threads may ask at the same time.

    Args:
        optimiser: Brings latents back.
        dials: Of the face's space.
        see_preview: Measures a latent's preview.
        see_whole: Measures its full picture, by which the angles are corrected at the end.
        front: Makes the face looking ahead; asked once, when first needed.
    """

    def __init__(
        self,
        optimiser: IdentityOptimiser,
        dials: DialSet,
        see_preview: See,
        see_whole: See,
        front: Callable[[], Face],
    ) -> None:
        self._optimiser, self._dials, self._front = optimiser, dials, front
        self._see_preview, self._see_whole = see_preview, see_whole
        self._reference: _Reference | None = None
        self._is_known = False
        self._done: BoundedCache[Future[_Held]] = BoundedCache(MAX_DONE)
        self._guard = threading.Lock()

    def hold(
        self, face: Face, *, yaw: float | None, pitch: float | None, free: Collection[str] = ()
    ) -> _Held:
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
        mine: Future[_Held] = Future()
        first = self._done.get_or_make(key, lambda: mine)
        if first is mine:  # others who ask for the same wait
            try:
                mine.set_result(self._held(face, yaw, pitch, free))
            except BaseException as err:
                mine.set_exception(err)
        return first.result()

    def _held(
        self, face: Face, yaw: float | None, pitch: float | None, free: Collection[str]
    ) -> _Held:
        reference = self._known()
        if reference is None:
            return None
        asked = {"yaw": yaw, "pitch": pitch}
        angles = {n: reference.readings[n] if v is None else v for n, v in asked.items()}
        goal = angles | {n: reference.readings[n] for n in KEPT_DIALS if n not in free}
        last_goal = angles | {n: goal[n] for n in LAST_KEPT if n in goal}
        usual = self._optimiser.toward_average(reference.w_plus, angles["yaw"], angles["pitch"])
        back_to = reference.w_plus + usual

        def right(w_plus: np.ndarray, goal: Mapping[str, float], see: See, rounds: int = 2) -> _Put:
            return put_right(
                w_plus, goal, lambda w: self._readings(see(w)), dials=self._dials, back_to=back_to,
                rounds=rounds,
            )  # fmt: skip

        turned, _ = right(face.w_plus + usual, goal, self._see_preview)
        # Correcting the angles half-way too changes the person less than all at the end
        # (docs/notes/pose.md).
        last = max(round(LAST_SHARE * self._optimiser.steps), 1)
        for steps in (self._optimiser.steps - last, last):
            seen = None if turned is None else self._see_preview(turned)
            if turned is None or seen is None:
                return None
            if steps:
                kept = self._optimiser.bring_back(
                    turned, seen.landmarks, reference.descriptor, steps
                )
                turned, _ = right(kept, last_goal, self._see_preview)
        if turned is None:
            return None
        turned, miss = right(turned, last_goal, self._see_whole, LAST_ROUNDS)
        if turned is None:
            return None
        return face.edited(turned, ()).rebased(), miss <= REACH_DEG

    def _known(self) -> _Reference | None:
        with self._guard:
            if not self._is_known:
                face = self._front()
                seen = self._see_preview(face.w_plus)
                if seen is not None:
                    descriptor = self._optimiser.describe(face.w_plus, seen.landmarks)
                    self._reference = _Reference(
                        face.w_plus, descriptor, self._dials.in_units(seen.values)
                    )
                self._is_known = True
            return self._reference

    def _readings(self, seen: Measurement | None) -> Mapping[str, float] | None:
        return None if seen is None else self._dials.in_units(seen.values)
