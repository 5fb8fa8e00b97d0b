"""The service's generator for work behind the page: one picture a turn of the queue."""

from __future__ import annotations

from typing import Any

import numpy as np

from facegen.operations import KeepRest
from facegen.service.render import RenderService


class QueuedGenerator:
    """Draws through the queue of a service, so that visitors wait for one picture at most.

    Args:
        service: Owns the network.
        space: Of the latents; the network's own by default.
    """

    def __init__(self, service: RenderService, space: str | None = None) -> None:
        self._service = service
        self.generator = service.generator
        self.model = service.generator.model
        self.img_resolution = service.generator.img_resolution
        self.preview_size = service.generator.preview_size
        self.w_avg: Any = getattr(service.generator, "w_avg", None)
        self.space = space or service.generator.space

    def map(self, z: np.ndarray) -> np.ndarray:
        """Z [N, 512] -> w [N, 512]; that does not queue."""
        w: np.ndarray = self.generator.map(z)  # type: ignore[attr-defined]
        return w

    def w_from_seed(self, seed: int, psi: float = 0.7) -> np.ndarray:
        """The w_plus of a seed, [18, 512]."""
        w_plus: np.ndarray = self.generator.w_from_seed(seed, psi)  # type: ignore[attr-defined]
        return w_plus

    def render(
        self, w_plus: np.ndarray, *, size: int | None = None, keep: KeepRest | None = None
    ) -> np.ndarray:
        """The picture of [18, 512], uint8 [size, size, 3]; of [N, 18, 512], N of them."""
        if np.ndim(w_plus) == 3:
            return np.stack([self.render(one, size=size, keep=keep) for one in w_plus])
        request = self._service.request(w_plus, operations=() if keep is None else (keep,))
        return self._service.image(request if size is None else request.at(size))

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """The same at `preview_size`."""
        return self.render(w_plus, size=self.preview_size)
