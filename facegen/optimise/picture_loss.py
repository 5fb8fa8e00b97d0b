"""How far a generated picture is from a photograph, differentiable.

Absolute differences and those of gradients at several sizes; differences of what dlib's network
sees over the whole picture (a perceptual loss after Zhang et al. 2018, arXiv 1801.03924: unit
vectors over the channels, compared place by place); the squared distance of descriptors. The face
counts most, hair and clothes less, the background least. The network is the one behind dlib's
descriptor: it was taught on faces and is here anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from facegen.measure.descriptor import descriptor_torch, load_descriptor_net
from facegen.measure.detector import at_size
from facegen.measure.measurer import load_measurer
from facegen.measure.segments import Segments, of_picture

LOSS_PX = 256
SIZES = (256, 128, 64, 32)
FACE = ("skin", "beard", "glasses", "sunglasses")
FEATURES = ("brows", "eyes", "iris", "lips", "mouth")
REST = ("hair", "hat", "ears", "neck")
PLACE_WEIGHTS = ((("background",), 0.15), (("clothes",), 0.3), (REST, 0.6), (FACE, 1.0),
                 (FEATURES, 2.0))  # fmt: skip
SOFT = 1 / 64  # of the edge, at the borders of segments
MAP_BLOCKS = (2, 6, 9)  # of the descriptor's network: 32, 64 and 128 channels
EPS = 1e-4


@dataclass(frozen=True)
class LossWeights:
    """How much each term counts.

    Attributes:
        pixels: Mean absolute difference, of each size.
        edges: Mean absolute difference of gradients, of each size.
        maps: Mean squared difference of unit vectors, of each depth.
        identity: Squared distance of descriptors.
    """

    pixels: float = 1.0
    edges: float = 1.0
    maps: float = 1.0
    identity: float = 1.5


class PictureLoss:
    """The distance from one photograph.

    Args:
        crop: uint8 [S, S, 3] RGB, aligned as FFHQ is.
        weights: Of the terms.
        device: Where pictures will be.

    Raises:
        LatentError: no such picture.
    """

    def __init__(
        self,
        crop: np.ndarray,
        weights: LossWeights | None = None,
        *,
        device: torch.device | str = "cpu",
    ) -> None:
        self._weights = weights or LossWeights()
        small = at_size(crop, LOSS_PX)
        places = place_weights(of_picture(crop))
        self._goals = pyramid(as_img(small).to(device))
        self._places = pyramid(torch.from_numpy(places)[None, None].to(device))
        seen = load_measurer().angles(crop)
        self._landmarks = None if seen is None else seen.landmarks
        with torch.no_grad():
            self._maps = _maps(self._goals[0])
            self._map_places = [
                functional.interpolate(self._places[0], m.shape[-1], mode="area")
                for m in self._maps
            ]
            large = as_img(at_size(crop, 2 * LOSS_PX)).to(device)
            self._descriptor = self._describe(large)

    def terms(self, img: Tensor) -> dict[str, Tensor]:
        """Each term, not weighted, of [1, 3, 256 or 512, likewise] RGB in about [-1, 1]."""
        small = img if img.shape[-1] == LOSS_PX else functional.avg_pool2d(img, 2)
        levels = pyramid(small)
        pixels = edges = img.new_zeros(())
        for ours, goal, places in zip(levels, self._goals, self._places, strict=True):
            miss = ours - goal
            pixels = pixels + _mean(miss.abs(), places)
            right, down = miss.diff(dim=3), miss.diff(dim=2)
            edges = (
                edges + _mean(right.abs(), places[..., 1:]) + _mean(down.abs(), places[:, :, 1:])
            )
        maps = img.new_zeros(())
        for ours, goal, places in zip(_maps(small), self._maps, self._map_places, strict=True):
            maps = maps + _mean((ours - goal).square().sum(dim=1, keepdim=True), places)
        found = {"pixels": pixels, "edges": edges, "maps": maps}
        ours_is = self._describe(img)
        if ours_is is not None and self._descriptor is not None:
            found["identity"] = (ours_is - self._descriptor).square().sum()
        return found

    def __call__(self, img: Tensor) -> Tensor:
        """The loss of a picture, as `terms` takes it."""
        total = img.new_zeros(())
        for name, value in self.terms(img).items():
            total = total + getattr(self._weights, name) * value
        return total

    def _describe(self, img: Tensor) -> Tensor | None:
        if self._landmarks is None:
            return None
        return descriptor_torch(img, self._landmarks[None] * img.shape[-1])


def place_weights(segments: Segments) -> np.ndarray:
    """How much each place counts: float32 [256, 256], with mean 1."""
    total = sum(weight * segments.mask(*names) for names, weight in PLACE_WEIGHTS)
    soft = cv2.GaussianBlur(np.asarray(total, np.float32), (0, 0), SOFT * LOSS_PX)
    return soft / soft.mean()


def as_img(image: np.ndarray) -> Tensor:
    """A picture, uint8 [H, W, 3], as networks draw it: [1, 3, H, W] in [-1, 1]."""
    planes = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
    return torch.from_numpy(planes) / 127.5 - 1


def pyramid(img: Tensor, sizes: Sequence[int] = SIZES) -> list[Tensor]:
    """A picture of the first size, averaged down to each."""
    levels = [img]
    for before, after in pairwise(sizes):
        levels.append(functional.avg_pool2d(levels[-1], before // after))
    return levels


def _maps(img: Tensor) -> list[Tensor]:
    """What dlib's network sees, as unit vectors over the channels."""
    found = load_descriptor_net(str(img.device)).maps(img * 127.5 + 127.5, MAP_BLOCKS)
    return [x / (x.square().sum(dim=1, keepdim=True) + EPS).sqrt() for x in found]


def _mean(values: Tensor, places: Tensor) -> Tensor:
    return (values * places).mean()
