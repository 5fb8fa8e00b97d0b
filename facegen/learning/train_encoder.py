"""Teaches the encoder on the generator's own pictures: their latents are known.

First a ridge regression from standardised maps to the whitened groups of rows, its penalty chosen
for every output on samples held out; of its predictions the directions that show most are kept
(reduced-rank regression), and descent goes on from there. What cannot be seen in a picture is
predicted as the mean, so that results stay where faces are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve, eigh
from torch.nn import functional as F

from facegen.measure.picture_maps import MAP_SHAPES
from facegen.nets.encoder_head import Head, Reduction

KEPT_CHANNELS = (20, 40, 48)
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Of the ridge regression, in mean squares of an input."""
CELLS_FOR_DIRECTIONS = 60_000
SEED = 0
EPOCHS, BATCH, RATE, DECAY, LEFT_OUT = 12, 256, 3e-5, 0.3, 0.2


def split_maps(flat: np.ndarray) -> list[np.ndarray]:
    """The maps of pictures, kept one after another: [N, L] -> [N, C, H, W] each, then the rest."""
    sizes = [int(np.prod(shape)) for shape in MAP_SHAPES]
    *maps, rest = np.split(flat, np.cumsum(sizes), axis=1)
    shaped = [part.reshape(-1, *shape) for part, shape in zip(maps, MAP_SHAPES, strict=True)]
    return [*shaped, rest]


def learn_reduction(flat: np.ndarray) -> Reduction:
    """The principal directions of each map's channels, and the unit of every number.

    Args:
        flat: Maps of pictures, [N, L].
    """
    random = np.random.RandomState(SEED)
    *maps, rest = split_maps(flat)
    channels = [(c, kept) for (c, _, _), kept in zip(MAP_SHAPES, KEPT_CHANNELS, strict=True)]
    length = rest.shape[1] + sum(
        kept * h * w for (_, h, w), kept in zip(MAP_SHAPES, KEPT_CHANNELS, strict=True)
    )
    reduction = Reduction(channels, length).requires_grad_(False)
    for matrix, found, kept in zip(reduction.matrices, maps, KEPT_CHANNELS, strict=True):
        cells = found.transpose(0, 2, 3, 1).reshape(-1, found.shape[1])
        chosen = random.choice(len(cells), min(CELLS_FOR_DIRECTIONS, len(cells)), replace=False)
        _, vectors = np.linalg.eigh(np.cov(cells[chosen].astype(np.float64), rowvar=False))
        matrix.copy_(torch.from_numpy(vectors[:, : -kept - 1 : -1].T.copy()))
    x = reduced(reduction, flat)
    reduction.mean.copy_(torch.from_numpy(x.mean(axis=0)))
    reduction.scale.copy_(torch.from_numpy(1 / (x.std(axis=0) + 1e-3)))
    return reduction


def reduced(reduction: Reduction, flat: np.ndarray, *, batch: int = 512) -> np.ndarray:
    """Standardised numbers of pictures, float32 [N, D]."""
    with torch.inference_mode():
        parts = [
            reduction(
                [torch.from_numpy(m) for m in split_maps(flat[k : k + batch].astype(np.float32))]
            )
            for k in range(0, len(flat), batch)
        ]
    return torch.cat(parts).numpy()


def ridge(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> np.ndarray:
    """Ridge regression with a penalty of its own for each output.

    Args:
        x: [N, D], standardised.
        y: [N, K], centred.
        x_test: Held out, [M, D].
        y_test: [M, K]; these choose the penalties.

    Returns:
        [D, K].
    """
    # Of the two square systems that give the same answer the smaller one is solved.
    few = len(x) < x.shape[1]
    gram, right, seen = (x @ x.T, y, x_test @ x.T) if few else (x.T @ x, x.T @ y, x_test)
    best = np.square(y_test).mean(axis=0)  # of no regression at all
    kept = np.zeros_like(right)
    for penalty in PENALTIES:
        factor = cho_factor(gram + penalty * len(x) * np.eye(len(gram), dtype=gram.dtype))
        found = cho_solve(factor, right)
        errors = np.square(y_test - seen @ found).mean(axis=0)
        better = errors < best
        best[better], kept[:, better] = errors[better], found[:, better]
    if few:
        kept = x.T @ kept
    return kept


def low_rank(
    matrix: np.ndarray, x: np.ndarray, weights: np.ndarray, rank: int
) -> tuple[np.ndarray, np.ndarray]:
    """The directions of a regression's predictions that show most.

    Args:
        matrix: [D, K].
        x: [N, D].
        weights: How much each output shows, [K].
        rank: How many directions.

    Returns:
        Inputs to code, [D, rank]; code to outputs, [rank, K].
    """
    predictions = (x @ matrix) * weights
    few = len(predictions) < predictions.shape[1]
    square = predictions @ predictions.T if few else predictions.T @ predictions
    last = len(square) - 1
    _, vectors = eigh(square, subset_by_index=[max(0, last - rank + 1), last])
    kept = vectors[:, ::-1]
    if few:
        kept = np.linalg.qr(predictions.T @ kept)[0]
    return (matrix * weights) @ kept, kept.T / weights


def linear_head(first: np.ndarray, second: np.ndarray, mean: np.ndarray) -> Head:
    """The head of a regression of low rank; see `low_rank`."""
    head = Head(len(first), first.shape[1], len(mean)).requires_grad_(False)
    head.code.weight.copy_(torch.from_numpy(first.T.copy()))
    head.out.weight.copy_(torch.from_numpy(second.T.copy()))
    head.out.bias.copy_(torch.from_numpy(mean))
    return head


def tune_code(
    head: Head,
    x: np.ndarray,
    codes: np.ndarray,
    x_test: np.ndarray,
    codes_test: np.ndarray,
    *,
    say: Callable[[str], None] = print,
) -> None:
    """Go on with a regression by descent, inputs left out at random: it then counts on none alone.

    The best of the epochs on held-out samples is kept.

    Args:
        head: From `linear_head`.
        x: [N, D].
        codes: What `code` is to give, [N, rank].
        x_test: Held out, [M, D].
        codes_test: Of these.
        say: Told each epoch.
    """
    inputs, wanted, test, wanted_test = map(torch.from_numpy, (x, codes, x_test, codes_test))
    scale = float(wanted_test.square().sum(dim=1).mean())
    weight = head.code.weight.clone().requires_grad_(True)
    optimiser = torch.optim.AdamW([weight], lr=RATE, weight_decay=DECAY)
    steps = EPOCHS * (len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    draw = torch.Generator().manual_seed(SEED)
    torch.manual_seed(SEED)

    def missed() -> float:
        with torch.no_grad():
            return float((test @ weight.T - wanted_test).square().sum(dim=1).mean()) / scale

    best = missed()
    say(f"ridge: {best:.4f} of the variance missed on held-out samples")
    for epoch in range(EPOCHS):
        order = torch.randperm(len(x), generator=draw)
        for k in range(len(x) // BATCH):
            rows = order[k * BATCH : (k + 1) * BATCH]
            found = F.dropout(inputs[rows], LEFT_OUT) @ weight.T
            loss = (found - wanted[rows]).square().sum(dim=1).mean() / scale
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        now = missed()
        say(f"epoch {epoch + 1}: {now:.4f}")
        if now < best:
            best = now
            head.code.weight.copy_(weight.detach())
