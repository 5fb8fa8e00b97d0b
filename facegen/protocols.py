"""What one part of the program asks of another: any object with these attributes will do.

`facegen.generator.Generator` is a `Maps`, a `Renders` and a `Generates`;
`facegen.measure.measurer.Measurer` is a `Measures`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from facegen.measure.measurer import Measurement

Progress = Callable[[int, int], None]
"""Called with (done, in all)."""


class Maps(Protocol):
    """Makes latents: the mapping network of a model."""

    model: str
    space: str
    w_avg: np.ndarray

    def map(self, z: np.ndarray) -> np.ndarray:
        """Z [N, 512] -> w [N, 512]."""

    def w_from_seed(self, seed: int, psi: float = 0.7) -> np.ndarray:
        """The w_plus of a seed, [18, 512], truncated toward the average face by psi."""


class Renders(Protocol):
    """Draws latents: the synthesis network of a model."""

    model: str
    space: str

    def render(self, w_plus: np.ndarray, *, size: int | None = None) -> np.ndarray:
        """The picture of [18, 512], uint8 [size, size, 3]; of [N, 18, 512], N of them."""

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """The same, small and quick."""


class Generates(Maps, Renders, Protocol):
    """Makes latents and draws them."""


class Measures(Protocol):
    """Measures the largest face of a picture, uint8 [H, H, 3]; None where no face is seen."""

    def angles(self, image: np.ndarray) -> Measurement | None:
        """Pose, shape and gaze: quick."""

    def measure(self, image: np.ndarray, *, details: bool = True) -> Measurement | None:
        """Every number there is, and the descriptor; without details a little quicker."""
