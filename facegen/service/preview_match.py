"""Previews that agree with the full picture they start from.

A small network's preview differs from the full picture in colours and details, so a drag would
flash when it begins. What it got wrong on the picture last shown is known, and is mended in the
previews near it: wherever the preview itself shows that nothing has moved, as it is, and less
where something has.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

STILL = 24.0
"""Levels of 255: where a preview changed by this, a third of what was wrong before is mended."""
SOFT_PX = 2.0
FURTHEST_RMS = 0.3
"""Of a latent's numbers; further off (another person) what was wrong before says nothing."""


@dataclass(frozen=True, eq=False)
class Beginning:
    """A picture that is known in full, and what the small network makes of it.

    Attributes:
        wrong: The full picture, shrunk, less its preview, float32 [size, size, 3].
        preview: Its preview, float32 [size, size, 3].
    """

    wrong: np.ndarray
    preview: np.ndarray

    @classmethod
    def of(cls, full: bytes, preview: np.ndarray) -> Beginning:
        """From the full picture as JPEG and its preview, uint8 [size, size, 3]."""
        size = preview.shape[0]
        with Image.open(io.BytesIO(full)) as picture:
            picture.draft("RGB", (size, size))  # the decoder shrinks it, at a fraction of the cost
            shrunk = picture.convert("RGB").resize((size, size), Image.Resampling.BOX)
        now = preview.astype(np.float32)
        return cls(np.asarray(shrunk, np.float32) - now, now)

    def mend(self, preview: np.ndarray) -> np.ndarray:
        """A preview nearby, uint8 [size, size, 3], with what is known to be wrong put right."""
        import cv2

        now = preview.astype(np.float32)
        moved = cv2.GaussianBlur(np.abs(now - self.preview).mean(axis=2), (0, 0), SOFT_PX)
        still = np.exp(-np.square(moved / STILL))[:, :, None]
        mended: np.ndarray = np.clip(np.rint(now + still * self.wrong), 0, 255).astype(np.uint8)
        return mended


def is_near(w_plus: np.ndarray, other: np.ndarray) -> bool:
    """Whether two latents, [18, 512], are near enough for one to tell about the other."""
    return bool(np.sqrt(np.mean(np.square(w_plus - other))) <= FURTHEST_RMS)
