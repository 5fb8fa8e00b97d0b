"""Learn the regressor (see `facegen.directions.regressor`) from measured faces.

The network is trained on what ridge regressions predict of faces that they did not see (four
folds), so that it corrects the misses that the ridge really makes, not those left on its own
training faces (stacking: Wolpert 1992). That raised the mean correlation over all measurements
on unseen faces from 0.76 to 0.83, where a network on the latent itself gained nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from facegen.directions.regressor import ROW_GROUPS, Regressor
from facegen.latents import NUM_WS, W_DIM

PENALTY = 0.5
FOLDS = 4
HIDDEN = 384
DROPOUT = 0.4
EPOCHS = 40
BATCH = 128
PEAK_RATE = 3e-3
DECAY = 0.1
FIRST_OUTPUT_GAIN = 0.1
HELD_OUT = 400
SEED = 0


def fit_regressor(
    groups: np.ndarray,
    channels: Mapping[str, np.ndarray],
    descriptors: np.ndarray,
    natural: np.ndarray,
    origin: np.ndarray,
    *,
    epochs: int = EPOCHS,
) -> Regressor:
    """Learn to predict measurements from latents.

    Args:
        groups: Mean rows of the six groups of each face, [N, 6, 512].
        channels: Name -> [N], finite.
        descriptors: [N, 128].
        natural: Which faces come straight from a seed, [N] bool; they define mean and spread.
        origin: The average w, [512].
        epochs: Rounds of the network's training.

    Returns:
        The regressor; its score and error are of HELD_OUT natural faces that nothing was fitted
        on. It has no keepers yet; see `facegen.learning.learn`.
    """
    names = tuple(channels)
    measured = np.concatenate([np.stack(list(channels.values()), axis=1), descriptors], axis=1)
    mean, spread = measured[natural].mean(axis=0), measured[natural].std(axis=0)
    # One spread for the whole descriptor: its distances keep their meaning.
    spread[len(names) :] = spread[len(names) :].mean()
    y = ((measured - mean) / spread).astype(np.float64)
    x = (groups - origin).reshape(len(groups), -1).astype(np.float64)
    rng = np.random.RandomState(SEED)
    straight = rng.permutation(np.flatnonzero(natural))
    test = straight[: min(HELD_OUT, len(straight) // 4)]
    train = np.setdiff1d(np.arange(len(x)), test)
    folds = rng.randint(0, FOLDS, len(x))
    level = y[train].mean(axis=0)
    linear = _ridge(x[train], y[train] - level)
    parts = np.empty((len(x), len(ROW_GROUPS) * y.shape[1]), np.float32)
    parts[test] = _parts(x[test], linear)
    for fold in range(FOLDS):
        inside, outside = train[folds[train] == fold], train[folds[train] != fold]
        parts[inside] = _parts(x[inside], _ridge(x[outside], y[outside] - level))
    net = _train_network(parts[train], (y - level)[train].astype(np.float32), epochs)
    layers = [layer for layer in net if isinstance(layer, nn.Linear)]
    arrays = {}
    for index, layer in enumerate(layers, start=1):
        arrays[f"w{index}"] = layer.weight.detach().numpy().T.copy()
        arrays[f"b{index}"] = layer.bias.detach().numpy().copy()
    arrays["b3"] = arrays["b3"] + level.astype(np.float32)
    blank = np.zeros(y.shape[1], np.float32)
    fitted = Regressor(
        names, origin.astype(np.float32), linear.astype(np.float32),
        mean=mean.astype(np.float32), spread=spread.astype(np.float32),
        radius=np.sqrt([NUM_WS / len(ROW_GROUPS) * np.square(x[natural]).sum(axis=1).mean()]),
        score=blank, error=blank, keepers=np.zeros((0, x.shape[1]), np.float32), **arrays,
    )  # fmt: skip
    predicted = fitted.scores(parts[test])
    score = [np.corrcoef(predicted[:, k], y[test, k])[0, 1] for k in range(y.shape[1])]
    error = (predicted - y[test]).std(axis=0)
    return Regressor(**{**vars(fitted), "score": np.array(score, np.float32),
                        "error": error.astype(np.float32)})  # fmt: skip


def _ridge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Weights [D, K]; the penalty is in units of the mean eigenvalue of x'x."""
    n, d = x.shape
    penalty = PENALTY * float(np.square(x).sum()) / d
    if n < d:  # the same weights from the smaller of the two systems
        return x.T @ np.linalg.solve(x @ x.T + penalty * np.eye(n), y)
    return np.linalg.solve(x.T @ x + penalty * np.eye(d), x.T @ y)


def _parts(x: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Contributions of the groups, [N, 6 K], float32."""
    means = x.reshape(len(x), len(ROW_GROUPS), W_DIM)
    blocks = linear.reshape(len(ROW_GROUPS), W_DIM, -1)
    return np.einsum("ngd,gdk->ngk", means, blocks).reshape(len(x), -1).astype(np.float32)


def _train_network(parts: np.ndarray, goal: np.ndarray, epochs: int) -> nn.Sequential:
    inputs, targets = torch.from_numpy(parts), torch.from_numpy(goal)
    total = inputs.reshape(len(inputs), len(ROW_GROUPS), -1).sum(dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        net = nn.Sequential(
            nn.Linear(inputs.shape[1], HIDDEN), nn.GELU(), nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, HIDDEN), nn.GELU(), nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, targets.shape[1]),
        )  # fmt: skip
        with torch.no_grad():
            last = net[-1]
            assert isinstance(last, nn.Linear)
            last.weight.mul_(FIRST_OUTPUT_GAIN)
        optimiser = torch.optim.AdamW(net.parameters(), lr=PEAK_RATE, weight_decay=DECAY)
        batches = max(1, len(inputs) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, PEAK_RATE, total_steps=epochs * batches
        )
        for _ in range(epochs):
            order = torch.randperm(len(inputs))
            for k in range(batches):
                pick = order[k * BATCH : (k + 1) * BATCH]
                miss = net(inputs[pick]) + total[pick] - targets[pick]
                loss = miss.square().mean()
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
    return net.eval()
