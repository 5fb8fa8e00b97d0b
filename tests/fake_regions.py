"""Regions of drawn faces, found without any instrument."""

from __future__ import annotations

import numpy as np

from facegen.masks import MASK_PX, Mask
from facegen.service.mattes import Mattes
from facegen.service.render import RenderService

REGIONS = frozenset({"smile", "glasses"})


class FakeRegions:
    """Smiles lie in the lower half of a picture, glasses in a band above."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], bool]] = []
        self.is_faceless = False

    def mask(self, names: object, rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        self.asked.append((tuple(names), np.array_equal(rest, w_plus)))
        inside = np.zeros((MASK_PX, MASK_PX), bool)
        if not self.is_faceless:
            inside[128:] = "smile" in names
            inside[90:120] = "glasses" in names
        return Mask.of(inside)

    def place(self, name: str, rest: np.ndarray, w_plus: np.ndarray) -> Mask:
        """Faces are the left half of a picture, all else the right one."""
        inside = np.zeros((MASK_PX, MASK_PX), bool)
        inside[:, :128] = name == "face"
        inside[:, 128:] = name != "face"
        return Mask.of(inside)


class FakeSegments:
    """Of drawn faces: the person stands in the middle half of a picture, dressed at its end."""

    def mask(self, *names: str) -> np.ndarray:
        inside = np.zeros((MASK_PX, MASK_PX), np.float32)
        inside[:, 64:192] = 1
        if "background" in names:
            return 1 - inside
        if "clothes" in names:
            inside[:208] = 0
            return inside
        return inside if "hair" in names else np.zeros_like(inside)


def fake_mattes(service: RenderService) -> Mattes:
    """Finds people in drawn pictures."""
    see = lambda _: FakeSegments()  # noqa: E731
    return Mattes(
        lambda: (see, see),
        lambda w_plus, keep: service.image(service.request(w_plus).at(256)),
    )
