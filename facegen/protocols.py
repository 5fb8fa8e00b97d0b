"""What one part of the program asks of another: any object with these attributes will do.

`facegen.generator.Generator` is a `Maps`, a `Renders` and a `Generates`,
`facegen.editing.dial_set.DialSet` a `Moves` and a `Dials`, `facegen.measure.measurer.Measurer` a
`Measures`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from facegen.measure.measurer import Measurement
    from facegen.operations import KeepRest

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
    img_resolution: int

    @property
    def preview_size(self) -> int:
        """Edge of a preview in pixels."""

    def render(
        self, w_plus: np.ndarray, *, size: int | None = None, keep: KeepRest | None = None
    ) -> np.ndarray:
        """The picture of [18, 512], uint8 [size, size, 3]; of [N, 18, 512], N of them.

        At `preview_size` a smaller network may draw, quickly; the default is `img_resolution`.
        `keep` says what stays as the picture of another latent.
        """

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """The same at `preview_size`."""


class Generates(Maps, Renders, Protocol):
    """Makes latents and draws them."""


class Moves(Protocol):
    """Moves the dials of a space."""

    def spec(self, name: str) -> Any:
        """The numbers of a dial (`facegen.editing.dial_set.DialSpec`)."""

    def apply(self, base: np.ndarray, deltas: Mapping[str, float]) -> np.ndarray:
        """The latent, [18, 512], moved by changes in the dials' units."""


class Dials(Moves, Protocol):
    """Moves and reads the dials of a space."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the dials."""

    def read(self, w_plus: np.ndarray) -> dict[str, float]:
        """Where each dial stands on a latent, [18, 512], in its unit."""

    def naturalness(self, w_plus: np.ndarray) -> float:
        """How natural a latent, [18, 512], is: 0 to 100."""


class Measures(Protocol):
    """Measures the largest face of a picture, uint8 [H, H, 3]; None where no face is seen."""

    def angles(self, image: np.ndarray) -> Measurement | None:
        """Pose, shape and gaze: quick."""

    def measure(self, image: np.ndarray, *, details: bool = True) -> Measurement | None:
        """Every number there is, and the descriptor; without details a little quicker."""
