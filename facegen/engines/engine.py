"""What every engine can do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from facegen.masks import Mask


class Engine(Protocol):
    """Turns w_plus into pictures. Safe to share between threads; one batch at a time.

    Attributes:
        name: For people.
        preview_size: Edge of a preview in pixels.
        max_batch: How many pictures are drawn faster together than one by one.
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def preview_size(self) -> int:
        """See above."""
        ...

    @property
    def max_batch(self) -> int:
        """See above."""
        ...

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """[N, num_ws, w_dim] float32 -> [N, S, S, 3] uint8 RGB."""
        ...

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """[N, num_ws, w_dim] float32 -> [N, preview_size, preview_size, 3] uint8 RGB."""
        ...

    def blend(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """The picture of `w_base` with that of `w_plus` inside of a mask.

        Where the mask is 0 every pixel is that of `render(w_base)`.

        Args:
            w_plus: [N, num_ws, w_dim] float32.
            w_base: [1, num_ws, w_dim] float32.
            mask: For all N.

        Returns:
            [N, S, S, 3] uint8 RGB.

        Raises:
            ModelError: the network cannot do it.
        """
        ...

    def blend_preview(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """The same for `preview`, [N, preview_size, preview_size, 3]."""
        ...
