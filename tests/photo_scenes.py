"""Photographs for tests: drawn or generated, with what is known of them."""

from __future__ import annotations

import io
import zlib
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from PIL import Image


def encoded(image: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def textured(height: int, width: int, *, noise: float = 0.0, seed: int = 0) -> np.ndarray:
    """Something with coarse and fine structure and no edges: uint8 [height, width, 3]."""
    return _textured(height, width, noise, seed).copy()


@lru_cache(maxsize=8)
def _textured(height: int, width: int, noise: float, seed: int) -> np.ndarray:
    rng = np.random.RandomState(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [30 * np.sin(x / (40 + 9 * c)) + 25 * np.cos(y / (55 - 7 * c)) for c in range(3)]
    image = 120 + np.stack(waves, axis=2).astype(np.float32)
    fine = rng.randn(height, width, 1).astype(np.float32)
    image = image + 20 * cv2.GaussianBlur(fine, (0, 0), 1.5)[..., None]
    if noise:
        image = image + noise * rng.randn(height, width, 3).astype(np.float32)
    return image.round().clip(0, 255).astype(np.uint8)


def similarity(degrees: float, scale: float, middle: tuple[float, float], size: int) -> np.ndarray:
    """The matrix [2, 3] that puts the middle of a square of `size` at a place of a scene."""
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, np.array(middle) - turn @ [size / 2, size / 2]])


def with_face(scene: np.ndarray, face: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A scene with a picture of a face drawn into it, feathered along its border."""
    size, (height, width) = len(face), scene.shape[:2]
    half = np.array([0.5, 0.5])
    drawn = matrix.copy()
    drawn[:, 2] += drawn[:, :2] @ half - half  # OpenCV counts from the middles of pixels
    rim = np.zeros((size, size), np.float32)
    rim[8:-8, 8:-8] = 1
    moved, mask = (
        cv2.warpAffine(one.astype(np.float32), drawn, (width, height), flags=cv2.INTER_CUBIC)
        for one in (face, cv2.GaussianBlur(rim, (0, 0), 4))
    )
    mask = mask.clip(0, 1)[..., None]
    return (scene * (1 - mask) + moved * mask).round().clip(0, 255).astype(np.uint8)


def whole(matrix: np.ndarray) -> np.ndarray:
    """[2, 3] -> [3, 3]."""
    return np.vstack([matrix, [0, 0, 1]])


def huge_png() -> bytes:
    """A PNG that says it is 30,000 x 30,000 and is only some hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return len(data).to_bytes(4, "big") + kind + data + crc.to_bytes(4, "big")

    size = (30_000).to_bytes(4, "big")
    header = size + size + bytes([8, 2, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
