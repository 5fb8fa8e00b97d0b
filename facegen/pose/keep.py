"""Bring turned frames back to the person by gradient descent through the generator.

At a few angles of a face the coarse rows of its turned latents are moved until the descriptor of
the preview comes near that of the frontal one (dlib's network in PyTorch; its chips are cut by the
landmarks of the plainly turned previews, which stay fixed). Changes are measured in natural
standard deviations, so that what is rare among faces is dear, and hold the readings of pose,
smile, eyes and age to first order. Between the angles a polynomial in yaw and pitch goes through
the changes: a sweep of any length pays for them once. What it gives and costs: docs/pose.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from facegen.directions.population import population_of
from facegen.directions.regressor import ROW_GROUPS, read_regressor
from facegen.generator import Generator
from facegen.measure.descriptor import descriptor_torch
from facegen.networks import load_head
from facegen.pose.loop import Angles, fit_terms, terms
from facegen.pose.turn import GEOMETRY_ROWS

KEEP_DESIGN: tuple[Angles, ...] = (
    (0, 0), (-20, 0), (20, 0), (-40, 0), (40, 0), (0, -15), (0, 15),
    (-35, -14), (35, -14), (-35, 14), (35, 14),
)  # fmt: skip
"""Where a face is brought back; the first is the person to keep."""
KEEP_STEPS = 2  # two give most of what twenty-five do
HELD = ("yaw", "pitch", "smile", "eye_open", "age")
HOLD = 0.5  # beside the squared distance: squared changes of the held readings, in sd
SIZE_PENALTY = 0.002
RATE = 0.05
BETAS = (0.8, 0.95)


@dataclass(frozen=True, eq=False)
class Turned:
    """One preview: its angles, its latent, [18, 512], and landmarks in fractions of its edge."""

    angles: Angles
    w_plus: np.ndarray
    landmarks: np.ndarray


@dataclass(frozen=True, eq=False)
class KeptPerson:
    """What to add to a face's coarse rows at given angles.

    Attributes:
        weights: [terms, GEOMETRY_ROWS * 512].
    """

    weights: np.ndarray

    def apply(self, w_plus: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
        """The latent, [18, 512], turned to these angles, brought back to the person."""
        kept = np.array(w_plus, np.float32)
        change = terms(yaw, pitch) @ self.weights
        kept[:GEOMETRY_ROWS] += change.reshape(GEOMETRY_ROWS, -1).astype(np.float32)
        return kept


class Keeper:
    """Changes turned latents until their previews show the frontal person.

    Args:
        generator: Of a space that has dials, and a model that has a preview head.
    """

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._device = generator.device
        self._head = load_head(generator.model).to(self._device)
        self._groups = [(a, b) for a, b in ROW_GROUPS if b <= GEOMETRY_ROWS]
        half = np.linalg.cholesky(population_of(generator).covariance)
        regressor = read_regressor(generator.space)
        columns = [regressor.names.index(name) for name in HELD]
        blocks = regressor.linear.reshape(len(ROW_GROUPS), generator.w_dim, -1)
        slopes = blocks[: len(self._groups), :, columns].astype(np.float64)
        self._half = self._tensor(half)
        self._slopes = self._tensor(np.einsum("ij,gik->gjk", half, slopes))

    def keep(self, front: Turned, frames: Sequence[Turned], steps: int = KEEP_STEPS) -> np.ndarray:
        """Corrected latents of the frames, [N, 18, 512].

        Args:
            front: The person to keep.
            frames: At least one.
            steps: Of Adam (Kingma & Ba 2015).
        """
        start = self._tensor(np.stack([frame.w_plus for frame in frames]))
        places = np.stack([frame.landmarks for frame in frames]) * self._head.size_px
        with torch.no_grad():
            ahead = front.landmarks[None] * self._head.size_px
            goal = self._describe(self._tensor(front.w_plus[None]), ahead)
        shape = (len(frames), len(self._groups), len(self._half))
        amounts = torch.zeros(shape, device=self._device).requires_grad_(True)
        optimiser = torch.optim.Adam([amounts], lr=RATE, betas=BETAS)
        for _ in range(steps):
            miss = (self._describe(self._moved(start, amounts), places) - goal).square().sum()
            held = torch.einsum("ngj,gjk->nk", amounts, self._slopes).square().sum()
            loss = miss + HOLD * held + SIZE_PENALTY * amounts.square().sum()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        kept: np.ndarray = self._moved(start, amounts.detach()).cpu().numpy()
        return kept

    def learn(self, front: Turned, frames: Sequence[Turned], steps: int = KEEP_STEPS) -> KeptPerson:
        """What brings this person back at any angles; nothing at the front."""
        change = self.keep(front, frames, steps) - np.stack([one.w_plus for one in frames])
        flat = change[:, :GEOMETRY_ROWS].reshape(len(frames), -1)
        still = np.zeros((1, flat.shape[1]))
        places = [(0.0, 0.0), *(one.angles for one in frames)]
        weights = fit_terms(places, np.concatenate([still, flat]))
        weights[0] = 0.0
        return KeptPerson(weights.astype(np.float32))

    def _moved(self, start: Tensor, amounts: Tensor) -> Tensor:
        change = amounts @ self._half.T
        sizes = torch.tensor([b - a for a, b in self._groups], device=self._device)
        rows = change.repeat_interleave(sizes, dim=1)
        return torch.cat([start[:, :GEOMETRY_ROWS] + rows, start[:, GEOMETRY_ROWS:]], dim=1)

    def _describe(self, w_plus: Tensor, landmarks: np.ndarray) -> Tensor:
        return descriptor_torch(self._head(self._generator.synthesis, w_plus), landmarks)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.tensor(np.asarray(values, np.float32), device=self._device)
