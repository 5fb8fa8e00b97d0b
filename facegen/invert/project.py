"""From a picture of a face to its latent, step by step.

The encoder's guess is improved by gradient descent (Adam, Kingma & Ba 2015) through the generator
until its picture shows the photograph (`facegen.optimise.picture_loss`). What is moved are the rows
of the latent in straightened, whitened w (Wulff & Torralba 2020, arXiv 2009.06529), where a unit is
as usual in every direction; their size, and how far rows lie from one another, cost something, so
that the latent stays one that dials can move. The noise of the network is left alone. What it
gives and costs: docs/results/photos.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from facegen.directions.natural import KINK, Natural, read_natural
from facegen.directions.regressor import read_regressor
from facegen.errors import LatentError, ModelError, UsageError
from facegen.generator import Generator
from facegen.invert.encoder import load_encoder
from facegen.latents import BUNDLED_SPACE, NUM_WS, broadcast_w
from facegen.measure.detector import at_size, require_picture
from facegen.measure.segments import of_picture
from facegen.nets.synthesis import Preview
from facegen.optimise.identity import can_optimise, reuse_memory
from facegen.optimise.picture_loss import FACE, FEATURES, LOSS_PX, PictureLoss
from facegen.threads import one_torch_thread

DEFAULT_STEPS = 40
MOST_STEPS = 1000
EXACT_SHARE = 0.35
"""Of the steps, the last, go by the exact picture: what the preview network draws differs, and the
more the longer it is gone by."""
EXACT_COST = 2.3  # rough steps
SHOWN_EVERY = 3
RATE = 0.12
LAST_RATE = 0.15  # of it
WARM_STEPS = 3
BETAS = (0.9, 0.95)
SIZE_PENALTY = 0.002  # of the mean square of whitened rows
SPREAD_PENALTY = 0.002  # of the mean square of their distance from their mean
SSIM_SIGMA, SSIM_PX, SSIM_C = 1.5, 11, ((0.01 * 255) ** 2, (0.03 * 255) ** 2)

Judge = Callable[[np.ndarray, np.ndarray], Mapping[str, float]]
"""Photograph and its rendition, uint8 [S, S, 3], to numbers by name."""

_one_at_a_time = threading.Lock()
"""Steps of several projections take turns: a gradient needs much memory while it lasts."""


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
        picture: uint8 [256, 256, 3] of it; None where none is shown for this step.
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
        numbers: How near its picture comes to the photograph. "structure": SSIM (Wang et al. 2004)
            inside the face at 256 px, 1 for the same. "pixels": mean absolute difference there,
            in levels. And what the judge tells: "identity", a cosine, and "perceptual", a distance.
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
        generator: One that `facegen.optimise.identity.can_optimise` allows, of the bundled space.
        encoder: Gives the start; without one it is the average face.
        judge: Tells of the result what networks say that are not in the loss
            (`facegen.evaluation.projection.load_judge`).

    Raises:
        ModelError: another generator.
    """

    def __init__(
        self, generator: Generator, encoder: Encodes | None = None, *, judge: Judge | None = None
    ) -> None:
        if not can_optimise(generator) or generator.space != BUNDLED_SPACE:
            raise ModelError(
                f"Photographs can be found in the space {BUNDLED_SPACE} by a network that "
                f"gradients pass through, and {getattr(generator, 'model', 'this')} is not one. "
                "Choose a network of that space."
            )
        reuse_memory()
        self._generator, self._encoder, self._judge = generator, encoder, judge
        self._natural = read_natural(generator.space, read_regressor(generator.space))

    def encode(self, crop: np.ndarray) -> np.ndarray:
        """The latent to start from: float32 [18, 512].

        Args:
            crop: uint8 [S, S, 3] RGB of 64 px and more, aligned as FFHQ is.

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
        """The latent whose picture shows the photograph; one step at a time in a process.

        Args:
            crop: uint8 [S, S, 3] RGB of 64 px and more, aligned as FFHQ is.
            steps: Of gradient descent; the last take longest.
            done: Called after each; False stops, and the best so far comes back.

        Raises:
            LatentError: no such picture.
            UsageError: too few or too many steps.
        """
        if not 1 <= steps <= MOST_STEPS:
            raise UsageError(f"A projection takes 1 to {MOST_STEPS} steps, got {steps}.")
        _require_square(crop)
        with one_torch_thread():
            return self._project(crop, steps, done)

    def _project(self, crop: np.ndarray, steps: int, done: Callable[[Step], bool]) -> Projected:
        began = time.perf_counter()
        loss_of = PictureLoss(crop, device=self._generator.device)
        latent = _Latent(self._natural, self.encode(crop), self._generator.device)
        optimiser = torch.optim.Adam([latent.v], lr=RATE, betas=BETAS)
        best, best_loss = latent.w_plus().detach(), np.inf
        stepping = time.perf_counter()
        rough = steps - max(1, round(EXACT_SHARE * steps))
        number, goes_on = 0, True
        while number < steps and goes_on:
            falling = LAST_RATE + (1 - LAST_RATE) * (0.5 + 0.5 * np.cos(np.pi * number / steps))
            optimiser.param_groups[0]["lr"] = RATE * falling * min(1, (number + 1) / WARM_STEPS)
            with _one_at_a_time:
                w_plus = latent.w_plus()
                img = self._drawn(w_plus[None], is_exact=number >= rough)
                loss = loss_of(img) + latent.penalty()
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
            number += 1
            value, now = float(loss.detach()), w_plus.detach()
            if value < best_loss or number == rough + 1:  # a loss of another picture before
                best, best_loss = now, value
            is_shown = number % SHOWN_EVERY == 1 or number == steps
            spent = time.perf_counter() - stepping
            left = spent / _work(number, rough) * (_work(steps, rough) - _work(number, rough))
            picture = _as_image(img) if is_shown else None
            goes_on = done(Step(number, steps, _rows(now), picture, value, left))
        found = _rows(best)
        numbers = self._numbers(crop, found)
        return Projected(found, number, time.perf_counter() - began, number < steps, numbers)

    def _drawn(self, w_plus: Tensor, *, is_exact: bool) -> Tensor:
        """The picture at 512 px, [1, 3, 512, 512], or the preview at 256 px."""
        net, head = self._generator.synthesis, self._generator.head
        if not is_exact and isinstance(head, Preview) and head.size_px == LOSS_PX:
            small: Tensor = head(net, w_plus)
            return small
        img = net.half_picture(w_plus)
        return functional.interpolate(img, size=2 * LOSS_PX, mode="area")

    def _numbers(self, crop: np.ndarray, w_plus: np.ndarray) -> dict[str, float]:
        picture = self._generator.render(w_plus)
        small, goal = at_size(picture, LOSS_PX), at_size(crop, LOSS_PX)
        inside = of_picture(goal).mask(*FACE, *FEATURES) > 0
        inside = inside if inside.any() else np.ones_like(inside)
        apart = np.abs(small.astype(np.float32) - goal)[inside]
        numbers = {"structure": _ssim(small, goal, inside), "pixels": float(apart.mean())}
        return numbers | dict({} if self._judge is None else self._judge(crop, picture))


def load_projector(generator: Generator, *, judge: Judge | None = None) -> Projector:
    """The projector of a generator, with the encoder of its space.

    Args:
        generator: Loaded.
        judge: See `Projector`.

    Raises:
        ModelError: networks that it cannot do, or the encoder is damaged.
    """
    if not can_optimise(generator):  # before the encoder says less
        return Projector(generator)
    return Projector(generator, load_encoder(generator), judge=judge)


class _Latent:
    """A w_plus as whitened rows of straightened w, and what the start has beside that."""

    def __init__(self, natural: Natural, start: np.ndarray, device: torch.device) -> None:
        self._mean = torch.tensor(natural.mean, device=device)
        self._axes = torch.tensor(natural.axes, device=device)
        self.v = torch.tensor(natural.whitened(start), device=device).requires_grad_(True)
        # Straightening and bending again miss a little: the start is to be the start.
        self._rest = torch.tensor(start, device=device) - self._bent().detach()

    def w_plus(self) -> Tensor:
        """[18, 512]."""
        return self._bent() + self._rest

    def penalty(self) -> Tensor:
        """The prior."""
        from_mean = self.v - self.v.mean(dim=0)
        return SIZE_PENALTY * self.v.square().mean() + SPREAD_PENALTY * from_mean.square().mean()

    def _bent(self) -> Tensor:
        """As `facegen.directions.natural.bent`, for gradients."""
        shifted = 2 * KINK - (self._mean + self.v @ self._axes.T)
        return (torch.sqrt(4 * shifted * shifted + 20 * KINK**2) - 3 * shifted) / 5


def _work(number: int, rough: int) -> float:
    """Work of the first so many steps, in rough ones."""
    return min(number, rough) + EXACT_COST * max(number - rough, 0)


def _rows(w_plus: Tensor) -> np.ndarray:
    """As an array; rows that no gradient reached stay as they began."""
    found = np.ascontiguousarray(w_plus.cpu().numpy(), np.float32)
    assert len(found) == NUM_WS
    return found


def _as_image(img: Tensor) -> np.ndarray:
    img = functional.interpolate(img.detach(), size=LOSS_PX, mode="area")
    levels = (img[0].clamp(-1, 1) + 1) * 127.5
    image: np.ndarray = levels.round().byte().permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(image)


def _ssim(one: np.ndarray, other: np.ndarray, inside: np.ndarray) -> float:
    """SSIM of the grey pictures (Wang et al. 2004, equation 13), averaged where `inside` holds."""

    def soft(x: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(x, (SSIM_PX, SSIM_PX), SSIM_SIGMA)

    a, b = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32) for x in (one, other))
    mean_a, mean_b = soft(a), soft(b)
    var_a, var_b = soft(a * a) - mean_a**2, soft(b * b) - mean_b**2
    both = soft(a * b) - mean_a * mean_b
    c1, c2 = SSIM_C
    similar = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    similar /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return float(similar[inside].mean())


def _require_square(crop: np.ndarray) -> None:
    require_picture(np.asarray(crop))
    if crop.shape[0] != crop.shape[1]:
        height, width = crop.shape[:2]
        raise LatentError(
            f"A face to project is square and aligned as FFHQ is, got {width}×{height}; use "
            "`python -m facegen align` or `facegen.photos.align.find_faces`."
        )
