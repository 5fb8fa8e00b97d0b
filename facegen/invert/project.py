"""From a picture of a face to its latent, step by step.

The encoder's guess, or the average face, is improved by gradient descent through the generator
until its picture shows the photograph.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional

from facegen.directions.natural import read_natural
from facegen.directions.regressor import read_regressor
from facegen.errors import LatentError, ModelError, UsageError
from facegen.generator import Generator
from facegen.invert.encoder import load_encoder
from facegen.latents import BUNDLED_SPACE, broadcast_w
from facegen.measure.detector import at_size, require_picture
from facegen.nets.synthesis import Preview
from facegen.optimise.identity import can_optimise

DEFAULT_STEPS = 40
MOST_STEPS = 1000
SHOWN_PX = 256
SHOWN_EVERY = 4
RATE = 0.08
BETAS = (0.9, 0.95)


class Encodes(Protocol):
    """Finds latents of aligned pictures, roughly: `facegen.invert.encoder.Encoder` for one."""

    def encode(self, crop: np.ndarray) -> np.ndarray:
        """The w_plus, [18, 512], of uint8 [S, S, 3]."""


@dataclass(frozen=True, eq=False)
class Step:
    """Where a projection stands.

    Attributes:
        number: Steps done.
        of: Steps in all.
        w_plus: float32 [18, 512].
        picture: uint8 [256, 256, 3] of it; None where none was drawn for this step.
        loss: What is made small; comparable within one projection alone.
        seconds_left: As the steps so far promise.
    """

    number: int
    of: int
    w_plus: np.ndarray
    picture: np.ndarray | None
    loss: float
    seconds_left: float


@dataclass(frozen=True, eq=False)
class Projected:
    """What a projection found.

    Attributes:
        w_plus: float32 [18, 512].
        steps: Steps done.
        seconds: What they took, with measuring.
        stopped: Whether somebody stopped it.
        numbers: How near the picture comes to the photograph; name -> value.
    """

    w_plus: np.ndarray
    steps: int
    seconds: float
    stopped: bool
    numbers: Mapping[str, float]


def _go_on(step: Step) -> bool:
    return True


class Projector:
    """Finds latents of pictures. Use `load_projector`.

    Args:
        generator: One that `facegen.optimise.identity.can_optimise` allows, of a space that has
            dials.
        encoder: Gives the start; without one it is the average face.

    Raises:
        ModelError: another generator.
    """

    def __init__(self, generator: Generator, encoder: Encodes | None = None) -> None:
        if not can_optimise(generator) or generator.space != BUNDLED_SPACE:
            raise ModelError(
                f"Photographs can be found in the space {BUNDLED_SPACE} by a network that "
                f"gradients pass through, and {getattr(generator, 'model', 'this')} is not one. "
                "Choose a network of that space."
            )
        self._generator, self._encoder = generator, encoder
        self._natural = read_natural(generator.space, read_regressor(generator.space))

    def encode(self, crop: np.ndarray) -> np.ndarray:
        """The latent to start from: float32 [18, 512].

        Args:
            crop: uint8 [S, S, 3] RGB, aligned as FFHQ is.

        Raises:
            LatentError: no such picture.
        """
        _require_square(crop)
        if self._encoder is not None:
            return np.asarray(self._encoder.encode(crop), np.float32)
        return broadcast_w(np.asarray(self._generator.w_avg, np.float32)[None])[0]

    def project(
        self, crop: np.ndarray, *, steps: int = DEFAULT_STEPS, done: Callable[[Step], bool] = _go_on
    ) -> Projected:
        """The latent whose picture shows the photograph.

        Args:
            crop: uint8 [S, S, 3] RGB, aligned as FFHQ is.
            steps: Of gradient descent.
            done: Called after each; False stops, and the best so far comes back.

        Raises:
            LatentError: no such picture.
            UsageError: too few or too many steps.
        """
        if not 1 <= steps <= MOST_STEPS:
            raise UsageError(f"A projection takes 1 to {MOST_STEPS} steps, got {steps}.")
        began = time.perf_counter()
        start = self.encode(crop)
        goal = torch.from_numpy(at_size(crop, SHOWN_PX).copy()).permute(2, 0, 1)[None] / 127.5 - 1
        net, head = self._generator.synthesis, self._generator.head
        v = torch.tensor(self._natural.whitened(start), requires_grad=True)
        mean, axes = torch.tensor(self._natural.mean), torch.tensor(self._natural.axes)
        offset = torch.tensor(start - _bent(mean + v.detach() @ axes.T).numpy())
        optimiser = torch.optim.Adam([v], lr=RATE, betas=BETAS)
        best, best_loss = start, np.inf
        count = 0
        for count in range(1, steps + 1):
            w_plus = _bent(mean + v @ axes.T) + offset
            rows = w_plus[None, : self._generator.num_ws]
            img = head(net, rows) if isinstance(head, Preview) else net(rows)
            loss = functional.l1_loss(functional.interpolate(img, SHOWN_PX, mode="area"), goal)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            now = w_plus.detach().numpy().astype(np.float32)
            if float(loss) < best_loss:
                best, best_loss = now, float(loss)
            shows = count % SHOWN_EVERY == 0 or count == steps
            left = (time.perf_counter() - began) / count * (steps - count)
            picture = self._generator.render(now, size=SHOWN_PX) if shows else None
            if not done(Step(count, steps, now, picture, float(loss), left)):
                break
        seconds = time.perf_counter() - began
        return Projected(best, count, seconds, count < steps, {"pixels": best_loss})


def load_projector(generator: Generator) -> Projector:
    """The projector of a generator.

    Raises:
        ModelError: networks that it cannot do.
    """
    return Projector(generator, load_encoder(generator))


def _bent(straight: torch.Tensor) -> torch.Tensor:
    """As `facegen.directions.natural.bent`, for gradients."""
    shifted = 0.6 - straight
    return (torch.sqrt(4 * shifted * shifted + 20 * 0.09) - 3 * shifted) / 5


def _require_square(crop: np.ndarray) -> None:
    require_picture(np.asarray(crop))
    if crop.shape[0] != crop.shape[1]:
        height, width = crop.shape[:2]
        raise LatentError(
            f"A face to project is square and aligned as FFHQ is, got {width}×{height}; use "
            "`python -m facegen align` or `facegen.photos.align.find_faces`."
        )
