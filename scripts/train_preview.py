"""Trains the preview head of a generator: `python -m scripts.train_preview`.

The target is the full picture averaged down to 256 px. The head starts from the network's own
block at 128 px, of which it keeps the channels that carry most of the signal. Four in ten of the
training latents mix two people (structure of one, colours of the other) so that the head learns
to follow the late rows of w_plus, which dials of colour move. Judged on seeds that training never
saw. Needs about 5 GB of memory, and some fifteen minutes on two cores.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from typing import NamedTuple

import numpy as np
import openvino as ov
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.engines.openvino_engine import CONFIG
from facegen.generator import Generator
from facegen.images import area_downscale
from facegen.latents import DEFAULT_MODEL
from facegen.nets.haar import haar_upsample
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.mobilestylegan_openvino import HAAR, SLOPE, features_graph
from facegen.nets.mobilestylegan_preview import (
    CONV2_ROW,
    HEAD_PX,
    KEPT_CHANNELS,
    LAST_CHANNELS,
    LATE_ROWS,
    MID_CHANNELS,
    NUM_BLOCKS,
    PreviewHead,
    block_at,
)
from facegen.paths import MODELS_DIR

TEST_SEEDS = range(800_000, 800_024)
FIRST_TRAIN_SEED = 1_000_000
CROP = HEAD_PX // 2
CROPS_PER_SAMPLE = 2
BATCH = 8
LEARNING_RATE = 1.5e-3
STYLE_RATE = 0.15  # of the learning rate, for layers with 512 inputs and more
STYLE_DECAY = 2.0  # few people are seen: styles must not learn them by heart
MARGIN = 6  # pixels at a crop's cut edge that lack their neighbours and are not judged
AVERAGE = 0.998  # of the running mean of the weights that is kept


class Sample(NamedTuple):
    """One training latent."""

    w_plus: Tensor  # [18, 512]
    corners: list[tuple[int, int]]  # top left of each crop, at 128 px
    features: Tensor  # [crops, KEPT_CHANNELS, CROP, CROP], half precision
    target: Tensor  # [crops, 3, 2 * CROP, 2 * CROP], bytes


def main() -> None:
    """Draw pictures, train, report, write models/heads/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2200)
    parser.add_argument("--steps", type=int, default=3000)
    args = parser.parse_args()
    generator = Generator.load(DEFAULT_MODEL)
    net = generator.synthesis
    assert isinstance(net, MobileSynthesis)
    w_test = np.stack([generator.w_from_seed(seed) for seed in TEST_SEEDS])
    head = first_head(net, torch.from_numpy(w_test[:8]))
    compiled = ov.Core().compile_model(features_graph(net, head), "CPU", CONFIG)
    request = compiled.create_infer_request()
    samples = [draw(generator, request, FIRST_TRAIN_SEED + i) for i in range(args.samples)]
    average = copy.deepcopy(head)
    styles = [head.conv3.modulation.weight, head.to_img.modulation.weight, head.tone.weight]
    slow = [head.conv2.modulation.weight]
    fast = [p for p in head.parameters() if all(p is not q for q in (*styles, *slow))]
    optimizer = torch.optim.AdamW(
        [
            {"params": fast, "rate": 1.0, "weight_decay": 0.0},
            {"params": slow, "rate": STYLE_RATE, "weight_decay": 0.0},
            {"params": styles, "rate": STYLE_RATE, "weight_decay": STYLE_DECAY},
        ],
        betas=(0.9, 0.99),
    )
    noise = block_at(net, NUM_BLOCKS).conv1.noise
    random = np.random.RandomState(0)
    start = time.time()
    for step in range(1, args.steps + 1):
        rate = LEARNING_RATE * min(1, step / 100) * 0.5
        rate *= 1 + math.cos(math.pi * step / args.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate * group["rate"]
        loss = crop_loss(head, samples, noise, random)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        keep = min(AVERAGE, step / (step + 10))
        with torch.no_grad():
            for mean, now in zip(average.parameters(), head.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        if step % 500 == 0 or step == args.steps:
            mae, psnr = judge(average, generator, w_test)
            print(
                f"step {step:5d}  loss {loss.item():.4f}  test: mean |difference| {mae:.2f}/255, "
                f"PSNR {psnr:.2f} dB  {time.time() - start:.0f} s",
                flush=True,
            )
            folder = MODELS_DIR / "heads"
            folder.mkdir(exist_ok=True)
            tensors = {key: value.half() for key, value in average.state_dict().items()}
            save_file(tensors, folder / f"{DEFAULT_MODEL}.safetensors")


@torch.no_grad()
def first_head(net: MobileSynthesis, w_plus: Tensor) -> PreviewHead:
    """A head that copies the network as far as its width allows.

    Channels are ranked by the mean square of what they send on through the next 1x1 convolution,
    over the faces of `w_plus`, and scaled to a mean square of 1.
    """
    rng = torch.Generator().manual_seed(0)
    head = PreviewHead()
    for value in head.tone.parameters():  # as PyTorch begins a linear layer
        bound = head.tone.in_features**-0.5
        nn.init.uniform_(value, -bound, bound, generator=rng)
    block, after = block_at(net, NUM_BLOCKS), block_at(net, NUM_BLOCKS + 1)
    head.kept = torch.arange(block.conv1.pointwise.shape[1])
    head.input_scale = torch.ones(len(head.kept))
    x = head.features(net, w_plus)
    head.kept = _best(x, block.conv1.pointwise, KEPT_CHANNELS)
    x = x[:, head.kept]
    rms = _rms(x)
    head.input_scale = 1 / rms
    pointwise = block.conv1.pointwise[:, head.kept]
    x = F.conv2d(x, pointwise) + block.conv1.noise + block.conv1.bias[:, None, None]
    x = F.leaky_relu(x, SLOPE)
    style = block.conv2.modulation
    y = x * style(w_plus[:, CONV2_ROW])[:, :, None, None]
    y = F.conv2d(y, block.conv2.depthwise, padding=1, groups=y.shape[1])
    mid = _best(y, block.conv2.pointwise, MID_CHANNELS)
    mid_rms = _rms(x[:, mid])
    head.pointwise1.copy_(pointwise[mid] * rms[:, None, None] / mid_rms[:, None, None, None])
    head.bias1.copy_(block.conv1.bias[mid] / mid_rms)
    head.noise1.copy_(1 / mid_rms)
    head.conv2.modulation.weight.copy_(style.weight[mid])
    head.conv2.modulation.bias.copy_(style.bias[mid])
    head.conv2.depthwise.copy_(block.conv2.depthwise[mid])
    y = F.conv2d(y, block.conv2.pointwise) + block.conv2.noise
    y = F.leaky_relu(y + block.conv2.bias[:, None, None], SLOPE)
    row = 2 * NUM_BLOCKS + 3
    up_style = after.up(w_plus[:, row])
    y = haar_upsample(y * up_style[:, :, None, None])
    y = y * after.conv1.modulation(w_plus[:, row])[:, :, None, None]
    y = F.conv2d(y, after.conv1.depthwise, padding=1, groups=y.shape[1])
    last = _best(y, after.conv1.pointwise, LAST_CHANNELS)
    bands = torch.stack([last, *(y.shape[1] + 3 * last + i for i in range(3))], dim=1)
    gain = up_style.mean(dim=0)[bands]  # [LAST_CHANNELS, subband]
    kernel = block.conv2.pointwise[:, mid, 0, 0][bands] * gain[:, :, None] * mid_rms
    to_pixels = torch.from_numpy(HAAR)
    kernel = torch.einsum("pb,cbk->cpk", to_pixels, kernel).flatten(0, 1)
    bias = torch.einsum("pb,cb->cp", to_pixels, block.conv2.bias[bands] * gain).flatten()
    x = x[:, mid] / mid_rms[:, None, None]
    x = x * head.conv2.modulation(w_plus[:, CONV2_ROW])[:, :, None, None]
    x = F.conv2d(x, head.conv2.depthwise, padding=1, groups=x.shape[1])
    x = F.pixel_shuffle(F.conv2d(x, kernel[:, :, None, None], bias), 2)
    scale = _rms(x).repeat_interleave(4)
    head.conv2.pointwise.copy_((kernel / scale[:, None])[:, :, None, None])
    nn.init.normal_(head.conv2.shift.weight, std=0.001, generator=rng)
    head.conv2.shift.bias.copy_(bias / scale)
    for conv, gain_out in ((head.conv3, 1.0), (head.to_img, 0.3)):
        nn.init.normal_(conv.modulation.weight, std=0.004, generator=rng)
        nn.init.ones_(conv.modulation.bias)
        nn.init.normal_(conv.depthwise, std=0.05, generator=rng)
        conv.depthwise[:, :, 1, 1] += 1.0
        std = gain_out * conv.pointwise.shape[1] ** -0.5
        nn.init.normal_(conv.pointwise, std=std, generator=rng)
        nn.init.normal_(conv.shift.weight, std=0.001, generator=rng)
        nn.init.zeros_(conv.shift.bias)
    return head


def _rms(x: Tensor) -> Tensor:
    """Root mean square of each channel, [C]."""
    return x.square().mean(dim=(0, 2, 3)).sqrt()


def _best(x: Tensor, kernel: Tensor, count: int) -> Tensor:
    """Channels of x that send most through the 1x1 `kernel`, in rising order."""
    power = _rms(x).square() * kernel[:, :, 0, 0].square().sum(dim=0)
    return power.argsort(descending=True)[:count].sort().values


def draw(generator: Generator, request: ov.InferRequest, seed: int) -> Sample:
    """Features and target picture of one latent."""
    random = np.random.RandomState(seed)
    w_plus = generator.w_from_seed(seed, random.uniform(0.4, 1.0))
    if random.rand() < 0.4:
        other = generator.w_from_seed(seed + 500_000, random.uniform(0.4, 1.0))
        w_plus[random.randint(LATE_ROWS[0] - 3, LATE_ROWS[-1] - 2) :] = other[0]
    x = torch.from_numpy(request.infer(w_plus[None])[0][0])
    picture = generator.render(w_plus)[None]
    target = torch.from_numpy(area_downscale(picture, PreviewHead.size_px)[0]).permute(2, 0, 1)
    corners = [tuple(random.randint(0, 9, 2) * 8) for _ in range(CROPS_PER_SAMPLE)]
    return Sample(
        torch.from_numpy(w_plus),
        corners,
        torch.stack([x[:, top : top + CROP, left : left + CROP] for top, left in corners]).half(),
        torch.stack([
            target[:, 2 * top : 2 * (top + CROP), 2 * left : 2 * (left + CROP)]
            for top, left in corners
        ]),
    )  # fmt: skip


def crop_loss(
    head: PreviewHead, samples: list[Sample], noise: Tensor, random: np.random.RandomState
) -> Tensor:
    """L1 of a random batch of crops and of the differences between neighbouring pixels."""
    picked = [
        (samples[i], k)
        for i, k in zip(
            random.randint(0, len(samples), BATCH),
            random.randint(0, CROPS_PER_SAMPLE, BATCH),
            strict=True,
        )
    ]
    corners = [sample.corners[k] for sample, k in picked]
    drawn = head.from_features(
        torch.stack([sample.features[k] for sample, k in picked]).float(),
        torch.stack([sample.w_plus for sample, _ in picked]),
        torch.cat([noise[:, :, i : i + CROP, j : j + CROP] for i, j in corners]),
    )
    target = torch.stack([sample.target[k] for sample, k in picked]).float() / 127.5 - 1.0
    mask = torch.ones(BATCH, 1, 2 * CROP, 2 * CROP)
    for i, (top, left) in enumerate(corners):
        mask[i, :, : MARGIN if top > 0 else 0] = 0
        mask[i, :, :, : MARGIN if left > 0 else 0] = 0
        mask[i, :, 2 * CROP - (MARGIN if top < HEAD_PX - CROP else 0) :] = 0
        mask[i, :, :, 2 * CROP - (MARGIN if left < HEAD_PX - CROP else 0) :] = 0
    error = drawn - target
    across = (error.diff(dim=-1) * mask[..., 1:]).abs().mean()
    down = (error.diff(dim=-2) * mask[:, :, 1:]).abs().mean()
    return (error * mask).abs().mean() + 0.5 * (across + down)


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
