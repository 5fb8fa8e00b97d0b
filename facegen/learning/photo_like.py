"""Makes generated pictures as imperfect as photographs are, before the encoder learns from them.

Crops that sit a little off, side light, exposure, white balance, blur, sharpening, noise, JPEG and
things in front of the face. Colours change little: the encoder is to copy a photograph's colours,
not to guess the ones that it would have had.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

SMALL_PX = (72, 200)
JPEG_QUALITY = (30, 92)


def photo_like(image: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """A degraded copy of a picture, uint8 [H, H, 3] RGB."""
    x = image
    if random.rand() < 0.6:
        x = _moved(x, random)
    if random.rand() < 0.2:
        x = _covered(x, random)
    return _degraded(x.astype(np.float32), random)


def _degraded(x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """What a camera and a file do, to float32 [H, H, 3]."""
    if random.rand() < 0.4:
        x = _lit_from_a_side(x, random)
    if random.rand() < 0.5:
        x = _recoloured(x, random)
    x = _softened(x, random)
    if random.rand() < 0.4:
        grain: np.ndarray = random.randn(*x.shape).astype(np.float32)
        if random.rand() < 0.5:  # as large as a pixel of a photo that was enlarged
            grain = cv2.GaussianBlur(grain, (0, 0), random.uniform(0.5, 1.0)) * 2
        x = x + random.uniform(1.5, 10) * grain
    found = x.round().clip(0, 255).astype(np.uint8)
    return _through_jpeg(found, random) if random.rand() < 0.5 else found


def _moved(x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """As landmarks that miss a little would cut it."""
    edge = len(x)
    scale = np.exp(0.025 * random.randn())
    matrix = cv2.getRotationMatrix2D((edge / 2, edge / 2), 1.5 * random.randn(), scale)
    matrix[:, 2] = matrix[:, 2] + 0.009 * edge * random.randn(2)
    return cv2.warpAffine(
        x, matrix, (edge, edge), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def _covered(x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """A hand, a microphone, somebody's shoulder: an ellipse or a bar of one colour, or texture."""
    edge = len(x)
    mask = np.zeros((edge, edge), np.uint8)
    middle = tuple(int(v) for v in random.uniform(0.05, 0.95, 2) * edge)
    axes = tuple(int(v) for v in random.uniform(0.04, 0.2, 2) * edge)
    cv2.ellipse(mask, middle, axes, random.uniform(0, 180), 0, 360, 1, -1)
    if random.rand() < 0.5:
        other = np.broadcast_to(random.randint(0, 256, 3).astype(np.uint8), x.shape)
    else:
        other = np.roll(x, tuple(random.randint(edge // 4, edge, 2)), (0, 1))
    return np.where(mask[..., None] > 0, other, x)


def _lit_from_a_side(x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    edge = len(x)
    angle = random.uniform(0, 2 * np.pi)
    places = np.linspace(-1, 1, edge, dtype=np.float32)
    slope = np.cos(angle) * places[None] + np.sin(angle) * places[:, None]
    return x * np.exp(np.float32(0.2 * random.randn()) * slope)[..., None]


def _recoloured(x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    gain = np.exp(0.1 * random.randn() + 0.04 * random.randn(3)).astype(np.float32)
    x = 255 * (np.clip(x * gain, 0, 255) / 255) ** np.float32(np.exp(0.12 * random.randn()))
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * np.float32(np.exp(0.12 * random.randn()))
    return 128 + (x - 128) * np.float32(np.exp(0.08 * random.randn()))


def _softened(x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    kind = random.rand()
    if kind < 0.25:
        return cv2.GaussianBlur(x, (0, 0), random.uniform(0.4, 1.8))
    if kind < 0.45:
        small = random.randint(*SMALL_PX)
        less = cv2.resize(x, (small, small), interpolation=cv2.INTER_AREA)
        return cv2.resize(less, x.shape[:2], interpolation=cv2.INTER_CUBIC)
    if kind < 0.6:
        return x + random.uniform(0.2, 0.8) * (x - cv2.GaussianBlur(x, (0, 0), 1.2))
    return x


def _through_jpeg(x: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.randint(*JPEG_QUALITY))]
    _, stream = cv2.imencode(".jpg", np.ascontiguousarray(x[..., ::-1]), quality)
    return decoded(stream)


def decoded(stream: np.ndarray) -> np.ndarray:
    """A picture that OpenCV packed just before, uint8 [H, W, 3] RGB."""
    found: Any = cv2.imdecode(stream, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(found[..., ::-1])
