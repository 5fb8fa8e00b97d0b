"""Dials that remember what was asked of them for each latent they gave.

Loops that try latents look at pictures; where the picture of a latent depends on which dials led to
it (what of the rest is kept), whoever draws it asks here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facegen.protocols import Dials


class RememberingDials:
    """A `DialSet` (or what stands in for one) whose `apply` is remembered.

    Args:
        dials: Move.
    """

    def __init__(self, dials: Dials) -> None:
        self._dials = dials
        self._asked: dict[bytes, dict[str, float]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dials, name)

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """As `facegen.editing.dial_set.DialSet.apply`."""
        w_plus = self._dials.apply(base, deltas)
        self._asked[_key(w_plus)] = dict(deltas)
        return w_plus

    def asked(self, w_plus: np.ndarray) -> dict[str, float]:
        """What led to a latent; nothing if these dials did not make it."""
        return self._asked.get(_key(w_plus), {})


def _key(w_plus: np.ndarray) -> bytes:
    return np.ascontiguousarray(w_plus, "<f4").tobytes()
