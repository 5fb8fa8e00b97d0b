"""Trains the preview head of a generator: `python -m scripts.train_preview`.

The target is the full picture averaged down to 256 px. The head begins as much of the network
as its width allows (`scripts.preview_beginning`). First its chain of colours learns the picture's
32 px averages, then the narrow layers learn what is finer, each on latents of which three in ten
mix two people (structure of one, colours of the other) and a third have dials moved, so that the
late rows of w_plus, which dials of colour move, are followed. Judged on seeds that training never
saw. Needs about 9 GB of memory; on one core of a shared machine it takes an hour.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import openvino as ov
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.editing.dial_set import DialSet
from facegen.engines.openvino_engine import CONFIG
from facegen.generator import Generator
from facegen.images import area_downscale
from facegen.latents import DEFAULT_MODEL
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.mobilestylegan_colours import COLOUR_PX, with_colours
from facegen.nets.mobilestylegan_openvino import features_graph
from facegen.nets.mobilestylegan_preview import HEAD_PX, NUM_BLOCKS, PreviewHead, block_at
from facegen.paths import MODELS_DIR
from scripts.preview_beginning import begin_chain, first_head, fit_trunk

TEST_SEEDS = range(800_000, 800_024)
FIRST_TRAIN_SEED = 1_000_000
FITTED = 160  # latents that the trunk is fitted to
CROP = HEAD_PX // 2
CROPS_PER_SAMPLE = 2
COLOUR_BATCH, COLOUR_RATE = 8, 2e-3
BATCH = 6
LEARNING_RATE = 1.2e-3
STYLE_RATE = 0.15  # of the learning rate, for layers with 512 inputs and more
STYLE_DECAY = 2.0  # few people are seen: styles must not learn them by heart
MARGIN = 8  # pixels at a crop's cut edge that lack their neighbours and are not judged
AVERAGE = 0.99  # of the running mean of the weights that is kept


class Sample(NamedTuple):
    """One training latent."""

    w_plus: Tensor  # [18, 512]
    averages: Tensor  # of what the head reads, [KEPT_CHANNELS, 32, 32], half precision
    left_out: Tensor  # [LEFT_OUT_CHANNELS, 32, 32], half precision
    corners: list[tuple[int, int]]  # top left of each crop, at 128 px
    features: Tensor  # [crops, KEPT_CHANNELS, CROP, CROP], half precision
    target: Tensor  # [3, 256, 256], bytes


def main() -> None:
    """Draw pictures, train, report, write models/heads/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1600)
    parser.add_argument("--colour-steps", type=int, default=1200)
    parser.add_argument("--steps", type=int, default=3000)
    args = parser.parse_args()
    generator = Generator.load(DEFAULT_MODEL)
    net = generator.synthesis
    assert isinstance(net, MobileSynthesis)
    dials = DialSet.load(generator.space, own=False)
    seeds = range(FIRST_TRAIN_SEED, FIRST_TRAIN_SEED + args.samples)
    latents = [training_latent(generator, dials, seed) for seed in seeds]
    w_test = np.stack([generator.w_from_seed(seed) for seed in TEST_SEEDS])
    head = first_head(net, torch.from_numpy(w_test))
    fit_trunk(head, net, torch.from_numpy(np.stack(latents[:FITTED])))
    begin_chain(head, net)
    compiled = ov.Core().compile_model(features_graph(net, head), "CPU", CONFIG)
    request = compiled.create_infer_request()
    samples = [draw(generator, request, w, np.random.RandomState(i)) for i, w in enumerate(latents)]

    def report(step: int, head: PreviewHead) -> None:
        mae, psnr = judge(head, generator, w_test)
        print(f"step {step}: mean |difference| {mae:.2f}/255, PSNR {psnr:.2f} dB", flush=True)
        folder = MODELS_DIR / "heads"
        folder.mkdir(exist_ok=True)
        tensors = {k: v.detach().half().contiguous() for k, v in head.state_dict().items()}
        save_file(tensors, folder / f"{DEFAULT_MODEL}.safetensors")

    start = time.time()
    learn_colours(head, net, samples, args.colour_steps)
    report(0, head)
    learn_drawing(head, net, samples, args.steps, report)
    print(f"{time.time() - start:.0f} s")


def training_latent(generator: Generator, dials: DialSet, seed: int) -> np.ndarray:
    """A latent of a seed, [18, 512], perhaps with another's late rows or with moved dials."""
    random = np.random.RandomState(seed)
    w_plus = generator.w_from_seed(seed, random.uniform(0.4, 1.0)).copy()
    kind = random.rand()
    if kind < 0.3:
        row = random.randint(7, 14)
        w_plus[row:] = generator.w_from_seed(seed + 500_000, random.uniform(0.4, 1.0))[0]
    elif kind < 0.65:
        names = random.choice(dials.names, random.randint(1, 5), replace=False)
        moves = {
            str(name): 1.3 * random.randn() * dials.spec(str(name)).unit_per_sd for name in names
        }
        w_plus = dials.apply(w_plus, moves)
    return w_plus


def draw(
    generator: Generator,
    request: ov.InferRequest,
    w_plus: np.ndarray,
    random: np.random.RandomState,
) -> Sample:
    """What the head reads, and the target picture, of one latent."""
    outputs = request.infer(w_plus[None])
    x, left_out = (torch.from_numpy(outputs[i].copy()) for i in range(2))
    picture = generator.render(w_plus)[None]
    target = torch.from_numpy(area_downscale(picture, PreviewHead.size_px)[0]).permute(2, 0, 1)
    corners = [tuple(random.randint(0, 9, 2) * 8) for _ in range(CROPS_PER_SAMPLE)]
    crops = [x[0, :, top : top + CROP, left : left + CROP] for top, left in corners]
    return Sample(
        torch.from_numpy(w_plus),
        F.adaptive_avg_pool2d(x, COLOUR_PX)[0].half(),
        F.adaptive_avg_pool2d(left_out, COLOUR_PX)[0].half(),
        corners,
        torch.stack(crops).half(),
        target.contiguous(),
    )


def learn_colours(
    head: PreviewHead, net: MobileSynthesis, samples: list[Sample], steps: int
) -> None:
    """Train the chain of colours on whole pictures: L1 of 32 px averages."""
    chain = head.colours
    # Adam's steps do not grow with the weights: the first layer's are larger, since it undoes
    # `input_scale`.
    first = float(chain.pointwise[0].detach().std() / chain.pointwise[1].detach().std())
    groups = [
        {"params": [p], "rate": first if p is chain.pointwise[0] else 1.0}
        for p in chain.parameters()
    ]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99))
    random = np.random.RandomState(0)
    for step in range(1, steps + 1):
        _set_rate(optimizer, COLOUR_RATE * min(1, step / 50), step / steps)
        picked = [samples[i] for i in random.randint(0, len(samples), COLOUR_BATCH)]
        target = torch.stack([sample.target for sample in picked]).float() / 127.5 - 1.0
        wanted = F.adaptive_avg_pool2d(target, COLOUR_PX)
        loss = (colours_of(head, net, picked) - wanted).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def colours_of(head: PreviewHead, net: MobileSynthesis, samples: list[Sample]) -> Tensor:
    """What the chain of colours gives, [N, 3, 32, 32]."""
    return head.colours.from_averages(
        net,
        torch.stack([sample.averages for sample in samples]).float(),
        torch.stack([sample.left_out for sample in samples]).float(),
        torch.stack([sample.w_plus for sample in samples]),
    )


def learn_drawing(
    head: PreviewHead,
    net: MobileSynthesis,
    samples: list[Sample],
    steps: int,
    report: Callable[[int, PreviewHead], None],
) -> None:
    """Train the layers that draw, with the colours of the chain, on crops."""
    fixed = {id(p) for p in (head.trunk, head.trunk_left_out, *head.colours.parameters())}
    styles, slow = [head.style3.weight, head.tone.weight], [head.style2.weight]
    named = {id(p) for p in (*styles, *slow)}
    fast = [p for p in head.parameters() if id(p) not in fixed | named]
    optimizer = torch.optim.AdamW(
        [
            {"params": fast, "rate": 1.0, "weight_decay": 0.0},
            {"params": slow, "rate": STYLE_RATE, "weight_decay": 0.0},
            {"params": styles, "rate": STYLE_RATE, "weight_decay": STYLE_DECAY},
        ],
        betas=(0.9, 0.99),
    )
    with torch.no_grad():
        colours = torch.cat([colours_of(head, net, [sample]) for sample in samples])
    average = copy.deepcopy(head)
    noise = block_at(net, NUM_BLOCKS).conv1.noise
    random = np.random.RandomState(1)
    for step in range(1, steps + 1):
        _set_rate(optimizer, LEARNING_RATE * min(1, step / 60), step / steps)
        loss = crop_loss(head, samples, colours, noise, random)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        keep = min(AVERAGE, step / (step + 10))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), head.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        if step % 500 == 0 or step == steps:
            report(step, average)


def crop_loss(
    head: PreviewHead,
    samples: list[Sample],
    colours: Tensor,
    noise: Tensor,
    random: np.random.RandomState,
) -> Tensor:
    """Of a random batch of crops: L1, squares, and L1 of neighbouring pixels' differences."""
    places = list(
        zip(
            random.randint(0, len(samples), BATCH),
            random.randint(0, CROPS_PER_SAMPLE, BATCH),
            strict=True,
        )
    )
    corners = [samples[i].corners[k] for i, k in places]
    drawn = head.from_features(
        torch.stack([samples[i].features[k] for i, k in places]).float(),
        torch.stack([samples[i].w_plus for i, _ in places]),
        torch.cat([noise[:, :, a : a + CROP, b : b + CROP] for a, b in corners]),
    )
    part = CROP * COLOUR_PX // HEAD_PX
    tones, targets = [], []
    for (i, _), (top, left) in zip(places, corners, strict=True):
        a, b = (place * COLOUR_PX // HEAD_PX for place in (top, left))
        tones.append(colours[i, :, a : a + part, b : b + part])
        a, b = 2 * top, 2 * left
        targets.append(samples[i].target[:, a : a + 2 * CROP, b : b + 2 * CROP])
    mask = torch.ones(BATCH, 1, 2 * CROP, 2 * CROP)
    for i, (top, left) in enumerate(corners):
        mask[i, :, : MARGIN if top > 0 else 0] = 0
        mask[i, :, :, : MARGIN if left > 0 else 0] = 0
        mask[i, :, 2 * CROP - (MARGIN if top < HEAD_PX - CROP else 0) :] = 0
        mask[i, :, :, 2 * CROP - (MARGIN if left < HEAD_PX - CROP else 0) :] = 0
    error = with_colours(drawn, torch.stack(tones)) - (torch.stack(targets).float() / 127.5 - 1.0)
    across = (error.diff(dim=-1) * mask[..., 1:]).abs().mean()
    down = (error.diff(dim=-2) * mask[:, :, 1:]).abs().mean()
    error = error * mask
    return error.abs().mean() + 2 * error.square().mean() + 0.25 * (across + down)


def _set_rate(optimizer: torch.optim.Optimizer, rate: float, done: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = group["rate"] * rate * 0.5 * (1 + math.cos(math.pi * done))


@torch.inference_mode()
def judge(head: PreviewHead, generator: Generator, w_pluses: np.ndarray) -> tuple[float, float]:
    """Mean absolute difference in 1/255 and PSNR in dB over whole pictures."""
    absolute, psnr = [], []
    for w_plus in w_pluses:
        drawn = head(generator.synthesis, torch.from_numpy(w_plus[None])).clamp(-1, 1)
        drawn = (drawn[0] * 127.5 + 127.5).permute(1, 2, 0).numpy()
        wanted = area_downscale(generator.render(w_plus)[None], head.size_px)[0]
        error = drawn - wanted.astype(np.float32)
        absolute.append(np.abs(error).mean())
        psnr.append(10 * np.log10(255**2 / np.square(error).mean()))
    return float(np.mean(absolute)), float(np.mean(psnr))


if __name__ == "__main__":
    main()
