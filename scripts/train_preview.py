"""Trains the preview head of a generator: `python -m scripts.train_preview`.

The target is the full picture averaged down to 256 px. Half of the training latents mix two
people (structure of one, colours of the other) so that the head learns to follow the late rows of
w_plus, which dials of colour move. Judged on seeds that training never saw.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import openvino as ov
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from facegen.engines.openvino_graph import _arrays, _Builder
from facegen.generator import DEFAULT_MODEL, Generator
from facegen.nets.preview_head import NUM_BLOCKS, PreviewHead
from facegen.paths import MODELS_DIR

TEST_SEEDS = range(800_000, 800_032)
FIRST_TRAIN_SEED = 1_000_000
CROP = 32  # of the 64 px features
LEARNING_RATE = 2e-3


def main() -> None:
    """Draw pictures, train, report, write models/heads/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=3500)
    args = parser.parse_args()
    torch.manual_seed(0)
    generator = Generator.load(DEFAULT_MODEL)
    features = feature_request(generator)
    train = [draw(generator, features, FIRST_TRAIN_SEED + i) for i in range(args.samples)]
    test = [draw(generator, features, seed, plain=True) for seed in TEST_SEEDS]
    head = PreviewHead()
    optimizer = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, args.steps)
    random = np.random.RandomState(0)
    start = time.time()
    for step in range(args.steps):
        x, w_plus, target = crop_batch(train, random, size=8)
        drawn = head.from_features(x, w_plus)
        loss = F.l1_loss(drawn, target) + 0.5 * edge_loss(drawn, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 250 == 0 or step == args.steps - 1:
            mae, psnr = judge(head, test)
            print(
                f"step {step:5d}  loss {loss.item():.4f}  test: mean |difference| {mae:.2f}/255, "
                f"PSNR {psnr:.2f} dB  {time.time() - start:.0f} s",
                flush=True,
            )
            folder = MODELS_DIR / "heads"
            folder.mkdir(exist_ok=True)
            tensors = {key: value.half() for key, value in head.state_dict().items()}
            save_file(tensors, folder / f"{DEFAULT_MODEL}.safetensors")


def feature_request(generator: Generator) -> ov.InferRequest:
    """The network up to the features that the head reads."""
    net = generator.synthesis
    graph = _Builder(_arrays(net), num_ws=net.num_ws, w_dim=net.w_dim)
    model = ov.Model([graph.trunk(NUM_BLOCKS)], [graph.w_plus], "features")
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    return ov.Core().compile_model(model, "CPU", config).create_infer_request()


def draw(
    generator: Generator, features: ov.InferRequest, seed: int, *, plain: bool = False
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features (half precision), w_plus and target picture of one latent."""
    random = np.random.RandomState(seed)
    w_plus = generator.w_from_seed(seed, 0.7 if plain else random.uniform(0.4, 1.0))
    if not plain and random.rand() < 0.5:
        other = generator.w_from_seed(seed + 500_000, random.uniform(0.4, 1.0))
        w_plus[random.randint(7, 12) :] = other[0]
    x = features.infer(w_plus[None])[0]
    target = generator.render(w_plus, size=PreviewHead.size_px * 2)
    target = torch.from_numpy(target).permute(2, 0, 1).float()[None]
    target = F.avg_pool2d(target, 2)[0] / 127.5 - 1.0
    return torch.from_numpy(x[0]).half(), torch.from_numpy(w_plus), target.half()


def crop_batch(
    samples: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]],
    random: np.random.RandomState,
    *,
    size: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random crops of random samples."""
    xs, ws, targets = [], [], []
    for i in random.randint(0, len(samples), size):
        x, w_plus, target = samples[i]
        k = target.shape[-1] // x.shape[-1]
        top, left = random.randint(0, x.shape[-1] - CROP + 1, 2)
        xs.append(x[:, top : top + CROP, left : left + CROP])
        ws.append(w_plus)
        rows = slice(k * top, k * (top + CROP))
        targets.append(target[:, rows, k * left : k * (left + CROP)])
    return torch.stack(xs).float(), torch.stack(ws), torch.stack(targets).float()


def edge_loss(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """L1 of the differences between neighbours: keeps edges sharp."""
    return F.l1_loss(a.diff(dim=-1), b.diff(dim=-1)) + F.l1_loss(a.diff(dim=-2), b.diff(dim=-2))


@torch.inference_mode()
def judge(
    head: PreviewHead, samples: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]
) -> tuple[float, float]:
    """Mean absolute difference in 1/255 and PSNR in dB over whole pictures."""
    absolute, square = [], []
    for x, w_plus, target in samples:
        drawn = head.from_features(x[None].float(), w_plus[None]).clamp(-1, 1)
        error = (drawn[0] - target.float()) * 127.5
        absolute.append(error.abs().mean().item())
        square.append(error.square().mean().item())
    psnr = float(np.mean([10 * np.log10(255**2 / value) for value in square]))
    return float(np.mean(absolute)), psnr


if __name__ == "__main__":
    main()
