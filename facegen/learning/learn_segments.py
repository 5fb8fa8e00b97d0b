"""Learns to read segments from a generator's features: pictures of labels in, `SegmentHead` out.

A small perceptron on enlarged features, taught on some hundred labelled faces (Zhang et al. 2021,
"DatasetGAN", arXiv 2104.06490). The features of each size are first reduced to their principal
directions over all pixels, which keeps it small and keeps it from learning single faces by heart;
in the end they are folded into its first layer. Pixels are drawn so that small segments and borders
are seen as often as large ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.errors import UsageError
from facegen.files import write_atomic
from facegen.generator import Generator
from facegen.measure.segment_files import UNTOLD, read_labels
from facegen.measure.segments import SEGMENTS
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.mobilestylegan_segments import (
    HIDDEN,
    REDUCED,
    WIDE,
    SegmentHead,
    doubled,
    segment_features,
)
from facegen.paths import DIRECTIONS_DIR, MODELS_DIR
from facegen.protocols import Progress
from facegen.threads import one_torch_thread

LABELS_DIR = DIRECTIONS_DIR / "labels" / "segments"
TAUGHT_DIR = LABELS_DIR / "taught"
HELD_OUT_DIR = LABELS_DIR / "held_out"
DIRECTIONS_KEPT = (64, 64, 64, REDUCED)
FACES_FOR_DIRECTIONS = 24
PIXELS_FOR_DIRECTIONS = 1500
PIXELS = 1600  # of each face
LEAST_COMMON = 40.0  # pixels: rarer segments are not drawn more often than these
BORDER_WEIGHT = 3.0
COUNTED = 0.9
"""How far pixels count by how rarely their kind was drawn: at 1 as in the picture, at 0 all alike,
which makes small segments too large."""
STEPS, BATCH, RATE, DECAY = 2200, 4096, 4e-3, 2e-3
SMOOTHING, JITTER = 0.02, 0.08
SEED = 0


@dataclass(frozen=True)
class Labelled:
    """A face whose pixels are labelled.

    Attributes:
        path: The picture of labels.
        seed, psi: Which face.
    """

    path: Path
    seed: int
    psi: float

    def labels(self) -> np.ndarray:
        """Places in `SEGMENTS`, or `UNTOLD`: uint8 [256, 256]."""
        return read_labels(self.path)


def labelled_faces(folder: Path) -> list[Labelled]:
    """The labelled faces of a folder, named `SEED_PSI.png`, by seed.

    Raises:
        UsageError: there are none, or one is named otherwise.
    """
    faces = []
    for path in folder.glob("*.png"):
        try:
            seed, psi = path.stem.split("_")
            faces.append(Labelled(path, int(seed), float(psi)))
        except ValueError:
            raise UsageError(f"{path} should be named SEED_PSI.png, as 7_0.8.png.") from None
    if not faces:
        raise UsageError(f"There are no labels in {folder}; restore them with git.")
    return sorted(faces, key=lambda face: (face.seed, face.psi))


def learn_segments(
    generator: Generator,
    faces: Sequence[Labelled],
    *,
    steps: int = STEPS,
    progress: Progress | None = None,
) -> SegmentHead:
    """Learn the head of a network from labelled faces of it.

    Args:
        generator: Its network must be a MobileStyleGAN.
        faces: From `labelled_faces`.
        steps: Of the optimiser.
        progress: Called with (faces drawn, in all).

    Raises:
        UsageError: another kind of network.
    """
    net = generator.synthesis
    if not isinstance(net, MobileSynthesis):
        raise UsageError(f"Segments are learned for MobileStyleGAN alone; {generator.model} is no.")
    rng = np.random.RandomState(SEED)
    x, y, weights = [], [], []
    with one_torch_thread(), torch.inference_mode():
        chosen = rng.permutation(len(faces))[:FACES_FOR_DIRECTIONS]
        directions = _directions([_features(generator, net, faces[i]) for i in chosen], rng)
        for done, face in enumerate(faces, start=1):
            labels = face.labels().ravel()
            places, weight = _drawn_pixels(labels, rng)
            reduced = [
                F.conv2d(feature, matrix[:, :, None, None], shift)
                for feature, (matrix, shift) in zip(
                    _features(generator, net, face), directions, strict=True
                )
            ]
            x.append(_enlarged(reduced)[:, places].T.half())
            y.append(labels[places])
            weights.append(weight)
            if progress is not None:
                progress(done, len(faces))
    with one_torch_thread():
        targets = torch.from_numpy(np.concatenate(y).astype(np.int64))
        counts = torch.from_numpy(np.concatenate(weights) ** COUNTED).float()
        layers = _fit(torch.cat(x), targets, counts / counts.mean(), steps)
    return _folded(layers, directions)


def save_head(head: SegmentHead, model: str, *, facts: dict[str, str]) -> Path:
    """Write a head, in half precision but for biases, to models/segments/."""
    path = MODELS_DIR / "segments" / f"{model}.safetensors"
    state = {
        key: (value.half() if value.ndim > 1 else value).contiguous()
        for key, value in head.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, save(state, metadata=facts))
    return path


def _features(generator: Generator, net: MobileSynthesis, face: Labelled) -> list[Tensor]:
    w_plus = torch.from_numpy(generator.w_from_seed(face.seed, face.psi)[None])
    return segment_features(net, w_plus[:, : net.num_ws].to(net.device))


def _directions(
    faces: Sequence[Sequence[Tensor]], rng: np.random.RandomState
) -> list[tuple[Tensor, Tensor]]:
    """For each size a matrix and a shift that whiten its features' principal directions."""
    found = []
    for size, kept in enumerate(DIRECTIONS_KEPT):
        rows = []
        for features in faces:
            flat = features[size][0].flatten(1).T.cpu().numpy()
            count = min(PIXELS_FOR_DIRECTIONS, len(flat))
            rows.append(flat[rng.choice(len(flat), count, replace=False)])
        pixels = np.concatenate(rows).astype(np.float64)
        mean, scale = pixels.mean(axis=0), pixels.std(axis=0) + 1e-6
        z = (pixels - mean) / scale
        values, vectors = np.linalg.eigh(z.T @ z / len(z))
        matrix = (vectors[:, -kept:] / np.sqrt(values[-kept:])).T[::-1] / scale
        found.append(
            (torch.from_numpy(matrix.copy()).float(), torch.from_numpy(-matrix @ mean).float())
        )
    return found


def _enlarged(reduced: Sequence[Tensor]) -> Tensor:
    """Features of all sizes at 256 px, [channels, 256 * 256]."""
    x = reduced[0]
    for larger in reduced[1:]:
        x = torch.cat([doubled(x), larger], dim=1)
    return x[0].flatten(1)


def _drawn_pixels(labels: np.ndarray, rng: np.random.RandomState) -> tuple[np.ndarray, np.ndarray]:
    """Places of the pixels to learn from, without repetition, and how many each stands for."""
    told = np.flatnonzero(labels != UNTOLD)
    count = np.bincount(labels[told], minlength=len(SEGMENTS))
    weight = 1 / np.sqrt(np.maximum(count, LEAST_COMMON))[labels[told]]
    square = labels.reshape(int(np.sqrt(labels.size)), -1)
    window = np.ones((5, 5), np.uint8)
    border = (cv2.dilate(square, window) != cv2.erode(square, window)).ravel()[told]
    weight *= np.where(border, BORDER_WEIGHT, 1.0)
    share = weight / weight.sum()
    chosen = rng.choice(len(told), min(PIXELS, len(told)), replace=False, p=share)
    return told[chosen], 1 / (share[chosen] * len(told))


def _fit(x: Tensor, y: Tensor, weights: Tensor, steps: int) -> nn.Sequential:
    torch.manual_seed(SEED)
    layers = nn.Sequential(
        nn.Linear(x.shape[1], WIDE), nn.ReLU(), nn.Linear(WIDE, HIDDEN), nn.ReLU(),
        nn.Linear(HIDDEN, len(SEGMENTS)),
    )  # fmt: skip
    optimiser = torch.optim.AdamW(layers.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    draw = torch.Generator().manual_seed(SEED)
    for _ in range(steps):
        rows = torch.randint(len(x), (BATCH,), generator=draw)
        batch = x[rows].float()
        batch = batch + JITTER * torch.randn(batch.shape, generator=draw)
        losses = F.cross_entropy(
            layers(batch), y[rows], label_smoothing=SMOOTHING, reduction="none"
        )
        loss = (losses * weights[rows]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return layers


def _folded(layers: nn.Sequential, directions: list[tuple[Tensor, Tensor]]) -> SegmentHead:
    """The head of a perceptron over reduced features."""
    first, _, hidden, _, out = layers
    assert isinstance(first, nn.Linear)
    parts = first.weight.detach().double().split(list(DIRECTIONS_KEPT), dim=1)
    bias = first.bias.detach().double()
    state: dict[str, Tensor] = {}
    names = ("from_32", "from_64", "from_128", "from_256")
    for name, part, (matrix, shift) in zip(names, parts, directions, strict=True):
        bias = bias + part @ shift.double()
        folded = part if name == "from_256" else part @ matrix.double()
        state[name] = folded[:, :, None, None].float()
    state["reduce_256"] = directions[-1][0][:, :, None, None]
    state["bias"] = bias.float()
    for name, layer in (("hidden", hidden), ("out", out)):
        assert isinstance(layer, nn.Linear)
        state[f"{name}.weight"] = layer.weight.detach()[:, :, None, None]
        state[f"{name}.bias"] = layer.bias.detach()
    head = SegmentHead(len(SEGMENTS))
    head.load_state_dict(state)
    return head.requires_grad_(False).eval()
