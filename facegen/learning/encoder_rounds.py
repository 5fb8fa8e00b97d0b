"""All of the encoder's teaching, from seeds to weights; what was drawn and seen is kept on disk.

The first guess learns from the first samples, the rounds of feedback from those after them: on the
samples that it learned from the first guess is better than it will ever be again, and rounds taught
on these would count on that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from facegen.directions.encoder_weights import LARGEST_INPUT, EncoderWeights
from facegen.directions.natural import NUM_GROUPS, Natural, bent, read_natural
from facegen.directions.regressor import group_means, read_regressor, spread_groups
from facegen.errors import UsageError
from facegen.generator import Generator
from facegen.latents import W_DIM
from facegen.learning.encoder_samples import FIRST_SEED, SHARD, draw_samples, read_shard, shard_path
from facegen.learning.photo_like import photo_like
from facegen.learning.train_encoder import (
    learn_reduction,
    linear_head,
    low_rank,
    reduced,
    ridge,
    tune_code,
)
from facegen.measure.picture_maps import load_picture_maps
from facegen.nets.encoder_head import Head, Reduction

FOR_REDUCTION = 2_500
FOR_RANK = 4_000
"""So many samples tell which directions of the predictions show most."""
VISIBLE_POWER = 0.75
"""Directions of w in which faces differ much show more in the picture; to this power they count."""
SMALLEST_SPREAD = 0.05

Say = Callable[[str], None]


@dataclass(frozen=True)
class TeachingPlan:
    """How much to draw and to learn.

    Attributes:
        first: Samples for the first guess.
        feedback: Samples after these, for the rounds.
        held_out: Of each of the two, the last ones, which choose penalties and epochs.
        rank: Of the first guess.
        rounds: Ranks of the rounds of feedback.
    """

    first: int = 11_000
    feedback: int = 4_000
    held_out: int = 500
    rank: int = 192
    rounds: tuple[int, ...] = (128,)

    def __post_init__(self) -> None:
        if self.first % SHARD or self.feedback % SHARD:
            raise UsageError(f"Samples are drawn {SHARD} at a time; ask for a multiple of that.")
        if min(self.first, self.feedback or self.first) <= self.held_out:
            raise UsageError(f"More samples than the {self.held_out} that are held out are needed.")


def teach_encoder(
    generator: Generator, folder: Path, plan: TeachingPlan, say: Say = print
) -> EncoderWeights:
    """Draw what is missing, look at it, and learn.

    Args:
        generator: Of a space that has natural faces learned (`facegen directions learn`).
        folder: Keeps samples and what was seen in them.
        plan: How much.
        say: Told each step.
    """
    draw_samples(
        generator, folder, plan.first + plan.feedback,
        lambda done, count: say(f"{done} of {count} samples drawn"),
    )  # fmt: skip
    natural = read_natural(generator.space, read_regressor(generator.space))
    shards = range(plan.first // SHARD)
    wanted = np.concatenate([whitened_groups(natural, folder, k) for k in shards])
    flat = np.concatenate([seen_in_photos(folder, k) for k in shards])
    reduction = learn_reduction(flat[:FOR_REDUCTION])
    numbers = _numbers(reduction, flat)
    del flat
    first = _first_guess(numbers, wanted, natural, plan, say)
    rounds: list[Head] = []
    later = range(plan.first // SHARD, (plan.first + plan.feedback) // SHARD)
    if plan.rounds:
        wanted = np.concatenate([whitened_groups(natural, folder, k) for k in later])
        numbers = np.concatenate([_numbers(reduction, seen_in_photos(folder, k)) for k in later])
        found = _applied(first, numbers)
        for rank in plan.rounds:
            shown = _seen_in_renditions(generator, natural, reduction, found)
            rounds.append(_round(numbers - shown, wanted - found, natural, rank, plan, say))
            found = found + _applied(rounds[-1], numbers - shown)
    return EncoderWeights(reduction, first, tuple(rounds))


def whitened_groups(natural: Natural, folder: Path, number: int) -> np.ndarray:
    """What is to be found for the samples of a shard, float32 [N, 6 * 512]."""
    shard = read_shard(shard_path(folder, number))
    if shard is None:
        raise UsageError(f"{shard_path(folder, number)} is damaged; delete it and start again.")
    groups = group_means(shard.w_plus.astype(np.float32))
    return natural.whitened(groups).reshape(len(groups), -1).astype(np.float32)


def seen_in_photos(folder: Path, number: int) -> np.ndarray:
    """The maps of a shard's pictures, degraded as photographs are, float16 [N, L]; kept."""
    path = folder / f"maps-{number:04d}.npy"
    if path.exists():
        kept: np.ndarray = np.load(path, allow_pickle=False)
        return kept
    shard = read_shard(shard_path(folder, number))
    if shard is None:
        raise UsageError(f"{shard_path(folder, number)} is damaged; delete it and start again.")
    rows = []
    for index in range(len(shard.jpegs)):
        random = np.random.RandomState((FIRST_SEED + number * SHARD + index) % 2**32)
        rows.append(_flat_maps(photo_like(shard.picture(index), random)))
    found = np.stack(rows).astype(np.float16)
    np.save(path, found, allow_pickle=False)
    return found


def _seen_in_renditions(
    generator: Generator, natural: Natural, reduction: Reduction, whitened: np.ndarray
) -> np.ndarray:
    """Standardised numbers of the pictures of whitened groups [N, 6 * 512]."""
    parts = []
    for start in range(0, len(whitened), SHARD):
        some = whitened[start : start + SHARD].reshape(-1, NUM_GROUPS, W_DIM)
        latents = spread_groups(bent(some @ natural.axes.T + natural.mean)).astype(np.float32)
        flat = np.stack([_flat_maps(generator.preview(w_plus)) for w_plus in latents])
        parts.append(_numbers(reduction, flat))
    return np.concatenate(parts)


def _flat_maps(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([found.ravel() for found in load_picture_maps().of(picture)])


def _numbers(reduction: Reduction, flat: np.ndarray) -> np.ndarray:
    return np.clip(reduced(reduction, flat), -LARGEST_INPUT, LARGEST_INPUT)


def _applied(head: Head, numbers: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        found: np.ndarray = head(torch.from_numpy(numbers)).numpy()
    return found


def _visible(natural: Natural) -> np.ndarray:
    """How much each whitened number shows, float32 [6 * 512]."""
    lengths = np.sqrt(np.square(natural.axes, dtype=np.float64).sum(axis=0))
    return np.tile((lengths / lengths.mean()) ** VISIBLE_POWER, NUM_GROUPS).astype(np.float32)


def _first_guess(
    numbers: np.ndarray, wanted: np.ndarray, natural: Natural, plan: TeachingPlan, say: Say
) -> Head:
    taught, held = slice(None, -plan.held_out), slice(-plan.held_out, None)
    mean, weights = wanted[taught].mean(axis=0), _visible(natural)
    centred = wanted - mean
    matrix = ridge(numbers[taught], centred[taught], numbers[held], centred[held])
    first, second = low_rank(matrix, numbers[:FOR_RANK], weights, plan.rank)
    head = linear_head(first, second, mean)
    codes = (centred * weights) @ (second * weights).T
    tune_code(head, numbers[taught], codes[taught], numbers[held], codes[held], say=say)
    say(_told("first guess", wanted[held] - _applied(head, numbers[held]), centred[held], weights))
    return head


def _round(
    differences: np.ndarray, missing: np.ndarray, natural: Natural, rank: int,
    plan: TeachingPlan, say: Say,
) -> Head:  # fmt: skip
    """One round of feedback: what a difference in numbers says about what the latent lacks."""
    taught, held = slice(None, -plan.held_out), slice(-plan.held_out, None)
    spread = differences[taught].std(axis=0) + SMALLEST_SPREAD
    x, weights = differences / spread, _visible(natural)
    matrix = ridge(x[taught], missing[taught], x[held], missing[held])
    first, second = low_rank(matrix, x[:FOR_RANK], weights, rank)
    zero = np.zeros(missing.shape[1], np.float32)
    head = linear_head(first / spread[:, None], second, zero)
    left = missing[held] - _applied(head, differences[held])
    say(_told("round", left, missing[held], weights))
    return head


def _told(what: str, left: np.ndarray, before: np.ndarray, weights: np.ndarray) -> str:
    share = np.square(left * weights).sum() / np.square(before * weights).sum()
    return f"{what}: {share:.3f} of the squared miss is left on samples held out"
