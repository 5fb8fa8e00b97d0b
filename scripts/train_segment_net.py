"""Trains the network that reads segments from pictures: `python -m scripts.train_segment_net`.

It learns from generated faces: those with labels (directions/labels/segments/taught), and more
whose segments the head reads from the features (`facegen directions segments`). Pictures are
turned, moved, scaled, mirrored, recoloured, blurred, compressed, and three in ten are put before
something else, so that photographs are no surprise. `--minutes` ends it early with what there is.
How the bundled file was made is in docs/notes/segments.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from facegen.generator import Generator
from facegen.images import resized
from facegen.learning.learn_segments import TAUGHT_DIR, labelled_faces
from facegen.measure.segment_files import UNTOLD
from facegen.measure.segments import (
    PICTURE_NET_FILE,
    SEGMENTS,
    SEGMENTS_PX,
    segment_id,
    with_picture,
)
from facegen.nets.segment_net import SegmentNet, folded
from facegen.threads import one_torch_thread

KEPT_PX = 320  # pictures are kept a little larger than they are read, for cuts
MORE_FROM = 6_000_000
MORE_PSI = (0.7, 0.8, 0.9, 1.0)
BATCH, RATE, DECAY, SMOOTHING = 8, 3e-3, 1e-3, 0.02
SMALL = {"brows": 1.2, "eyes": 1.6, "iris": 1.6, "lips": 1.3, "mouth": 1.3, "glasses": 1.3,
         "sunglasses": 1.3, "hat": 1.2, "ears": 1.2}  # fmt: skip
BACKGROUNDS = 16


def main() -> None:
    """Draw pictures, train, write models/segments/picture.safetensors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--more", type=int, default=700, help="faces without labels")
    parser.add_argument("--taught", type=int, help="labelled faces; all by default")
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--begin", type=Path, help="checkpoint to go on from")
    parser.add_argument("--out", type=Path, default=PICTURE_NET_FILE)
    options = parser.parse_args()
    images, labels = pictures(Generator.load(), options.taught, options.more)
    print(f"{len(images)} pictures")
    with one_torch_thread():
        net = train(images, labels, options)
    state = {
        key: (value.half() if value.ndim > 1 else value).contiguous()
        for key, value in folded(net).items()
    }
    save_file(state, options.out)
    print(options.out)


def pictures(
    generator: Generator, taught: int | None, more: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Faces, uint8 [KEPT_PX, KEPT_PX, 3], and their labels, uint8 [256, 256]."""
    images, labels = [], []
    for face in labelled_faces(TAUGHT_DIR)[:taught]:
        images.append(generator.render(generator.w_from_seed(face.seed, face.psi)))
        labels.append(face.labels())
    for i in range(more):
        psi = MORE_PSI[i % len(MORE_PSI)]
        image, segments = with_picture(generator, generator.w_from_seed(MORE_FROM + i, psi))
        images.append(image)
        labels.append(segments.labels)
    return [resized(image, KEPT_PX) for image in images], labels


def train(
    images: list[np.ndarray], labels: list[np.ndarray], options: argparse.Namespace
) -> SegmentNet:
    """Cross-entropy, rare segments counting a little more; AdamW with one cycle of its rate."""
    torch.manual_seed(0)
    rng = np.random.RandomState(0)
    net = SegmentNet(len(SEGMENTS))
    if options.begin is not None:
        net.load_state_dict(torch.load(options.begin, weights_only=True))
    counts = torch.tensor([SMALL.get(name, 1.0) for name in SEGMENTS])
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=options.steps + 1, pct_start=0.08
    )
    grounds = [
        cv2.GaussianBlur(images[i][::-1], (0, 0), rng.uniform(2, 12)).astype(np.float32)
        for i in rng.randint(len(images), size=BACKGROUNDS)
    ]
    wearing = [
        np.isin(one, [segment_id(n) for n in ("glasses", "sunglasses", "hat")]) for one in labels
    ]
    share = np.array([1 + 1.2 * (one.mean() > 0.005) for one in wearing])
    ends = time.monotonic() + 60 * options.minutes
    net.train()
    for step in range(options.steps):
        chosen = rng.choice(len(images), BATCH, p=share / share.sum())
        pairs = [changed(images[i], labels[i], grounds, rng) for i in chosen]
        x = torch.from_numpy(np.stack([image for image, _ in pairs])).permute(0, 3, 1, 2)
        y = torch.from_numpy(np.stack([told for _, told in pairs]).astype(np.int64))
        loss = F.cross_entropy(
            net(x / 127.5 - 1), y, weight=counts, ignore_index=UNTOLD, label_smoothing=SMOOTHING
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            print(step, round(loss.item(), 3), flush=True)
        if time.monotonic() > ends:
            break
    return net.eval()


def changed(
    image: np.ndarray, labels: np.ndarray, grounds: list[np.ndarray], rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """A picture as a camera or a careless user might have it, with its labels, at 256 px."""
    picture = image.astype(np.float32)
    if rng.uniform() < 0.3:
        person = cv2.resize((labels != 0).astype(np.float32), (KEPT_PX, KEPT_PX))
        person = cv2.GaussianBlur(person, (0, 0), 1.2)[..., None]
        picture = picture * person + grounds[rng.randint(len(grounds))] * (1 - person)
    angle, scale = np.radians(8 * rng.normal()), np.exp(0.13 * rng.normal()) * SEGMENTS_PX / KEPT_PX
    if rng.uniform() < 0.15:
        scale *= rng.uniform(0.5, 0.9)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.uniform() < 0.5:
        turn[:, 0] *= -1
    turn[0] *= np.exp(0.05 * rng.normal())
    middle = SEGMENTS_PX / 2 - 0.5 + 10 * rng.normal(size=2)
    size = (SEGMENTS_PX, SEGMENTS_PX)
    move = np.column_stack([turn, middle - turn @ np.full(2, KEPT_PX / 2 - 0.5)])
    picture = cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REFLECT_101)
    turn = turn * KEPT_PX / SEGMENTS_PX
    move = np.column_stack([turn, middle - turn @ np.full(2, SEGMENTS_PX / 2 - 0.5)])
    told = cv2.warpAffine(
        labels, move, size, flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT, borderValue=UNTOLD,
    )  # fmt: skip
    return recoloured(picture, rng), told


def recoloured(picture: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Other light, colours, sharpness, noise and compression; float in, bytes out."""
    if rng.uniform() < 0.8:
        picture = picture * np.exp(0.08 * rng.normal(size=3)) * np.exp(0.2 * rng.normal())
        picture = 255 * np.clip(picture / 255, 0, 1) ** np.exp(0.2 * rng.normal())
        grey = picture.mean(axis=2, keepdims=True)
        picture = grey + (picture - grey) * np.clip(1 + 0.35 * rng.normal(), 0, 2)
    if rng.uniform() < 0.06:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.uniform() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 2.0))
    if rng.uniform() < 0.3:
        picture = picture + rng.uniform(1, 12) * rng.normal(size=picture.shape)
    image = picture.clip(0, 255).astype(np.uint8)
    if rng.uniform() < 0.3:
        quality = int(rng.randint(25, 90))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return image


if __name__ == "__main__":
    main()
