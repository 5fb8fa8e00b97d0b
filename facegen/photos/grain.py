"""A photo's grain, for what a network drew: its strength, colours and size of speckles.

Grain is read where nothing else is: in the flattest tiles of the photo. What it has more of than
the drawn content is added as noise of the same spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

TILE_PX = 16
FLATTEST = 0.1  # of the tiles
COARSE_SIGMA = 2.0  # what is coarser is no grain
CLIPPED = (8, 247)  # levels beyond which noise is cut off
KERNEL_PX = 9
TEXTURE_PX = 512
LEAST_TILES = 4


@dataclass(frozen=True, eq=False)
class Grain:
    """Noise that tiles without a seam.

    Attributes:
        texture: float32 [512, 512, 3], in levels of 0 to 255.
    """

    texture: np.ndarray

    def at(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        """The noise of a part of the photo: float32 [height, width, 3]."""
        turned = np.roll(self.texture, (-top, -left), axis=(0, 1))
        below, beside = (max(0, n - TEXTURE_PX) for n in (height, width))
        wide = cv2.copyMakeBorder(turned, 0, below, 0, beside, cv2.BORDER_WRAP)
        return wide[:height, :width]


def missing_grain(photo: np.ndarray, content: np.ndarray, *, seed: int = 0) -> Grain | None:
    """The grain that a photo has and the content to be put in it lacks; None if it lacks none.

    Args:
        photo: float32 or uint8 [H, W, 3]: around the place.
        content: Likewise, in the photo's pixels.
        seed: Of the noise.
    """
    tiles, wanted = _flattest(photo)
    _, present = _flattest(content)
    if wanted is None or tiles is None:
        return None
    lacking = wanted - (present if present is not None else 0)
    values, vectors = np.linalg.eigh(lacking)
    if values.max() < 0.05:  # of a level squared
        return None
    mixing = vectors * np.sqrt(values.clip(0))
    white = np.random.RandomState(seed).randn(TEXTURE_PX, TEXTURE_PX, 3).astype(np.float32)
    kernel = _kernel(tiles)
    half = KERNEL_PX // 2
    padded = np.pad(white, ((half, half), (half, half), (0, 0)), mode="wrap")
    drawn = cv2.filter2D(padded, -1, kernel)[half:-half, half:-half]
    return Grain((drawn @ mixing.T.astype(np.float32)).astype(np.float32))


def _flattest(image: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The residuals of the flattest tiles, [N, 16, 16, 3], and the covariance of their colours."""
    image = image.astype(np.float32)
    residual = image - cv2.GaussianBlur(image, (0, 0), COARSE_SIGMA)
    rows, columns = (n // TILE_PX for n in image.shape[:2])
    if not rows or not columns:
        return None, None
    tiles, levels = (_tiled(part, rows, columns) for part in (residual, image))
    means = levels.mean(axis=(1, 2, 3))
    tiles = tiles[(means > CLIPPED[0]) & (means < CLIPPED[1])]
    if len(tiles) < LEAST_TILES:
        return None, None
    count = max(LEAST_TILES, int(FLATTEST * len(tiles)))
    spread = tiles.var(axis=(1, 2)).mean(axis=1)
    tiles = tiles[np.argsort(spread, kind="stable")[:count]]
    return tiles, np.cov(tiles.reshape(-1, 3).T)


def _tiled(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """[N, 16, 16, 3]."""
    cut = image[: rows * TILE_PX, : columns * TILE_PX]
    blocks = cut.reshape(rows, TILE_PX, columns, TILE_PX, 3).swapaxes(1, 2)
    return blocks.reshape(-1, TILE_PX, TILE_PX, 3)


def _kernel(tiles: np.ndarray) -> np.ndarray:
    """The filter that gives white noise the spectrum of these tiles; it keeps the variance."""
    grey = tiles.mean(axis=3)
    window = np.hanning(TILE_PX)[:, None] * np.hanning(TILE_PX)
    power = np.mean(np.abs(np.fft.fft2(grey * window)) ** 2, axis=0)
    kernel = np.fft.fftshift(np.fft.ifft2(np.sqrt(power)).real)
    middle, half = TILE_PX // 2, KERNEL_PX // 2
    kernel = kernel[middle - half : middle + half + 1, middle - half : middle + half + 1]
    return (kernel / max(np.sqrt((kernel**2).sum()), 1e-9)).astype(np.float32)
