"""Bring turned faces back to the person by gradient descent through the generator.

The coarse rows of a turned latent are moved until the descriptor of its picture comes near that
of the frontal one (dlib's network in PyTorch; the chip is cut by the landmarks of the preview
before these steps). Changes are measured in natural standard deviations, so that
what is rare among faces is dear, and hold the readings of pose, expression and age to first
order. The loss looks at the exact network's picture, of which only the part around the face is
drawn where the architecture can do that (`Synthesis.picture_part`): going by the preview network,
half of what was won there was lost in the whole picture. What it gives and costs:
docs/notes/pose.md.
"""

from __future__ import annotations

import ctypes
import threading
from functools import cache
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor

from facegen.directions.population import population_of
from facegen.directions.regressor import ROW_GROUPS, read_regressor
from facegen.errors import ModelError, UsageError
from facegen.generator import Generator
from facegen.latents import GEOMETRY_ROWS
from facegen.measure.descriptor import chip_corners, descriptor_torch
from facegen.measure.detector import MEASURE_PX
from facegen.nets.synthesis import Synthesis
from facegen.nets.window import Box
from facegen.threads import one_torch_thread, usable_cores

GOOD_STEPS = 5
MOST_STEPS = 40
# How far the coarse rows of a turned face go toward the average face before the person is brought
# back, at so many degrees of yaw and pitch and more; nearer the front less, by the square.
TOWARD_AVERAGE = 0.5
AVERAGE_AT_DEG = (40.0, 25.0)
HELD = ("yaw", "pitch", "smile", "mouth_open", "eye_open", "brow_height", "age")
HOLD = 0.5  # beside the squared distance: squared changes of the held readings, in sd
SIZE_PENALTY = 0.002
RATE = 0.05
BETAS = (0.8, 0.95)
CHIP_BORDER = 0.012  # of the picture's edge: what halving and sampling reach beyond the chip
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_MOST_KEPT_BYTES = 2_000_000_000

AT_ONCE = min(usable_cores(), 4)
"""So many gradients at a time in a process, on one thread and with about half a GB each."""
_TURN = threading.BoundedSemaphore(AT_ONCE)


@cache
def reuse_memory() -> None:
    """Let glibc keep what is freed, in this process.

    It gives large blocks back to the system at once and asks for them anew: page faults made a
    gradient through the picture three times as slow (1.55 s and 0.52 s). Elsewhere than on glibc
    nothing happens.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _MOST_KEPT_BYTES)


def can_optimise(generator: object) -> TypeGuard[Generator]:
    """Whether a generator's turned faces can be brought back to the person."""
    return isinstance(generator, Generator) and isinstance(generator.synthesis, Synthesis)


def optimiser_of(generator: object, steps: int) -> IdentityOptimiser | None:
    """What brings a generator's turned faces back to the person; None for no steps.

    Raises:
        UsageError: too many steps.
        ModelError: a generator that it does not work with.
    """
    return IdentityOptimiser(generator, steps) if steps else None


class IdentityOptimiser:
    """Changes turned latents until their pictures show the person.

    Args:
        generator: Of a space that has dials, and one that `can_optimise` allows.
        steps: Of Adam (Kingma & Ba 2015), for each picture.

    Attributes:
        steps: As given.

    Raises:
        UsageError: too few or too many steps.
        ModelError: another kind of network.
    """

    def __init__(self, generator: object, steps: int = GOOD_STEPS) -> None:
        if not 1 <= steps <= MOST_STEPS:
            raise UsageError(f"The person is held in 1 to {MOST_STEPS} steps, got {steps}.")
        if not can_optimise(generator):
            raise ModelError(
                "The person can be held with a network that gradients pass through, and this is "
                f"a {type(generator).__name__}. Sweep without holding."
            )
        reuse_memory()
        self.steps = steps
        self._net, self._device = generator.synthesis, generator.device
        population = population_of(generator)
        self._average = np.asarray(population.mean, np.float32)
        self._groups = [(a, b) for a, b in ROW_GROUPS if b <= GEOMETRY_ROWS]
        half = np.linalg.cholesky(population.covariance)
        regressor = read_regressor(generator.space)
        columns = [regressor.names.index(name) for name in HELD]
        blocks = regressor.linear.reshape(len(ROW_GROUPS), generator.w_dim, -1)
        slopes = blocks[: len(self._groups), :, columns].astype(np.float64)
        self._half = self._tensor(half)
        self._slopes = self._tensor(np.einsum("ij,gik->gjk", half, slopes))

    def toward_average(self, w_plus: np.ndarray, yaw: float, pitch: float) -> np.ndarray:
        """What to add to a turned person's coarse rows, [18, 512], so that they draw a whole face.

        Unusual features resist the turn: faces fall apart before the angle is reached. Moved
        towards the average they turn further and stay whole, and `bring_back` comes as near to the
        person as without (docs/notes/pose.md): a truncation (Karras et al. 2019, section B) that
        grows with the angles.

        Args:
            w_plus: The person looking ahead, [18, 512].
            yaw: Wanted degrees.
            pitch: Wanted degrees.
        """
        far = np.hypot(yaw / AVERAGE_AT_DEG[0], pitch / AVERAGE_AT_DEG[1])
        move = np.zeros_like(w_plus, np.float32)
        rows = slice(0, GEOMETRY_ROWS)
        move[rows] = TOWARD_AVERAGE * min(far * far, 1.0) * (self._average - w_plus[rows])
        return move

    def describe(self, w_plus: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The descriptor of a latent's picture, float32 [128].

        Args:
            w_plus: [18, 512].
            landmarks: [68, 2] in fractions of the picture's edge.
        """
        with _TURN, one_torch_thread(), torch.no_grad():
            found: np.ndarray = self._describe(self._tensor(w_plus[None]), landmarks).cpu().numpy()
        return found[0]

    def bring_back(
        self, w_plus: np.ndarray, landmarks: np.ndarray, goal: np.ndarray, steps: int | None = None
    ) -> np.ndarray:
        """The latent, brought back to the person; rows from GEOMETRY_ROWS on stay.

        Args:
            w_plus: Of a turned face, [18, 512].
            landmarks: Of its picture, [68, 2] in fractions of the edge.
            goal: The person's descriptor, as `describe` gives it.
            steps: All of them unless given.

        Returns:
            float32 [18, 512].
        """
        with _TURN, one_torch_thread():
            start, wanted = self._tensor(w_plus[None]), self._tensor(goal[None])
            shape = (len(self._groups), len(self._half))
            amounts = torch.zeros(shape, device=self._device).requires_grad_(True)
            optimiser = torch.optim.Adam([amounts], lr=RATE, betas=BETAS)
            for _ in range(self.steps if steps is None else steps):
                miss = self._describe(self._moved(start, amounts), landmarks) - wanted
                held = torch.einsum("gj,gjk->k", amounts, self._slopes)
                loss = miss.square().sum() + HOLD * held.square().sum()
                loss = loss + SIZE_PENALTY * amounts.square().sum()
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            kept: np.ndarray = self._moved(start, amounts.detach()).cpu().numpy()
        return kept[0]

    def _moved(self, start: Tensor, amounts: Tensor) -> Tensor:
        sizes = torch.tensor([b - a for a, b in self._groups], device=self._device)
        rows = (amounts @ self._half.T).repeat_interleave(sizes, dim=0)
        return torch.cat([start[:, :GEOMETRY_ROWS] + rows, start[:, GEOMETRY_ROWS:]], dim=1)

    def _describe(self, w_plus: Tensor, landmarks: np.ndarray) -> Tensor:
        corner, right, below = chip_corners(landmarks * MEASURE_PX) / MEASURE_PX
        corners = np.array([corner, right, below, right + below - corner])
        (left, top), (far, low) = corners.min(axis=0), corners.max(axis=0)
        border = CHIP_BORDER
        box = Box(top - border, low + border, left - border, far + border)
        part = self._net.picture_part(w_plus, box)
        origin = np.array([part.left, part.top])
        return descriptor_torch(part.picture, landmarks[None] * part.edge - origin)

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.tensor(np.asarray(values, np.float32), device=self._device)
