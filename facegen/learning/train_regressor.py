"""Learn the regressor (see `facegen.directions.regressor`) from measured faces.

The network is trained on what ridge regressions predict of faces that they did not see (four
folds), so that it corrects the misses that the ridge really makes, not those left on its own
training faces (stacking: Wolpert 1992). That raised the mean correlation over all measurements
on unseen faces from 0.76 to 0.83, where a network on the latent itself gained nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from facegen.directions.linear import ridge
from facegen.directions.regressor import ROW_GROUPS, Regressor
from facegen.latents import NUM_WS, W_DIM
from facegen.threads import one_torch_thread

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
    from sklearn.model_selection import PredefinedSplit

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
    for known, unseen in PredefinedSplit(folds[train]).split():
        inside, outside = train[unseen], train[known]
        parts[inside] = _parts(x[inside], _ridge(x[outside], y[outside] - level))
    with one_torch_thread():
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
    return ridge(x, y, PENALTY * float(np.square(x).sum()) / x.shape[1])


def _parts(x: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """Contributions of the groups, [N, 6 K], float32."""
    means = x.reshape(len(x), len(ROW_GROUPS), W_DIM)
    blocks = linear.reshape(len(ROW_GROUPS), W_DIM, -1)
    return np.einsum("ngd,gdk->ngk", means, blocks).reshape(len(x), -1).astype(np.float32)


class _Dropout(nn.Module):
    """Dropout whose draws come from a generator of its own."""

    def __init__(self, rng: torch.Generator) -> None:
        super().__init__()
        self._rng = rng

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[N, D] -> [N, D]; leaves x alone once trained."""
        if not self.training:
            return x
        keep = 1 - DROPOUT
        return x * torch.empty_like(x).bernoulli_(keep, generator=self._rng).div_(keep)


def _linear(inputs: int, outputs: int, rng: torch.Generator) -> nn.Linear:
    """A layer with PyTorch's usual first weights, drawn from a generator."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    bound = 1 / math.sqrt(inputs)
    nn.init.uniform_(layer.weight, -bound, bound, generator=rng)
    nn.init.uniform_(layer.bias, -bound, bound, generator=rng)
    return layer


def _train_network(parts: np.ndarray, goal: np.ndarray, epochs: int) -> nn.Sequential:
    inputs, targets = torch.from_numpy(parts), torch.from_numpy(goal)
    total = inputs.reshape(len(inputs), len(ROW_GROUPS), -1).sum(dim=1)
    rng = torch.Generator().manual_seed(SEED)
    net = nn.Sequential(
        _linear(inputs.shape[1], HIDDEN, rng), nn.GELU(), _Dropout(rng),
        _linear(HIDDEN, HIDDEN, rng), nn.GELU(), _Dropout(rng),
        _linear(HIDDEN, targets.shape[1], rng),
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
        order = torch.randperm(len(inputs), generator=rng)
        for k in range(batches):
            pick = order[k * BATCH : (k + 1) * BATCH]
            miss = net(inputs[pick]) + total[pick] - targets[pick]
            loss = miss.square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()
