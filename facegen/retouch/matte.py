"""How much of each pixel is the person: soft edges, and the person's own colours along them.

A mask of 256 x 256 cells says where the person surely is, where surely not, and what lies between.
There the colours decide, by a guided filter [1] whose coefficients are found on the mask's own grid
and applied to the picture's own pixels [2], so that single hairs come out at every size. What
shines through from the old background is taken out of the edge with averages of the colours on
both of its sides [3].

[1] He, Sun and Tang, Guided image filtering, TPAMI 2013. [2] He and Sun, Fast guided filter, 2015.
[3] Forte, Approximate fast foreground colour estimation, ICIP 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facegen.masks import INSIDE, MASK_PX, Mask

RADIUS = 6
"""Of the windows in which colours tell the person from what is behind, in cells of the mask."""
EPSILON = 2e-4
"""Variance of colours, from 0 to 1, up to which a window counts as one colour."""
LOW, HIGH = 0.2, 0.88
"""Less is nothing, more is all: a filter of averages seldom reaches either."""
NEAR, FAR = 2.5, 10.0
"""Standard deviations of the averages of colours, in cells."""
FAR_SHARE = 0.02
"""What colours from further away count beside those from near by."""
SURENESS = 8
"""Power of the weights of colours: what is mixed of both sides tells little of either."""
DEEP = 0.9
"""From how surely the person is there on no background is looked for in their colours."""
HALF = 128
ROW = 4096
"""OpenCV looks up so many places at a time."""
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Cutout:
    """A person without their background.

    Attributes:
        alpha: float32 [H, H]: how much of each pixel is the person, 0 to 1.
        colours: uint8 [H, H, 3]: the person's; those of the picture where alpha is 0 or 1.
        edge: int [N]: where else alpha may lie, as places in the flattened picture.
    """

    alpha: np.ndarray
    colours: np.ndarray
    edge: np.ndarray

    def over(self, backdrop: np.ndarray) -> np.ndarray:
        """The person before something else, uint8 [H, H, 3] both."""
        inside = (self.alpha >= 1).view(np.uint8)
        mixed: np.ndarray = cv2.copyTo(self.colours, inside, backdrop.copy())
        there = backdrop.reshape(-1, 3)[self.edge].astype(np.float32)
        own, share = self.colours.reshape(-1, 3)[self.edge], self.alpha.reshape(-1, 1)[self.edge]
        mixed.reshape(-1, 3)[self.edge] = (there + share * (own - there) + 0.5).astype(np.uint8)
        return mixed

    def with_alpha(self) -> np.ndarray:
        """The person alone, uint8 [H, H, 4]; black where nothing of them is."""
        alpha = (self.alpha * 255 + 0.5).astype(np.uint8)
        shown = (self.alpha > 0).view(np.uint8)
        return np.dstack([cv2.copyTo(self.colours, shown), alpha])


def cut_out(image: np.ndarray, person: Mask) -> Cutout:
    """Cut a person out of a picture.

    Args:
        image: uint8 [H, H, 3].
        person: 255 where the person surely is, 0 where surely not; between them colours decide,
            beginning with a person where it is 128 and more.
    """
    cells, size = person.values, image.shape[0]
    small = at_size(image, MASK_PX).astype(np.float32) / np.float32(255)
    inside = (cells >= HALF).astype(np.uint8)
    lines = _guided(small, inside.astype(np.float32))
    unsure = ((cells > 0) & (cells < INSIDE)).astype(np.uint8)
    edge = np.flatnonzero(cv2.resize(unsure, (size, size), interpolation=cv2.INTER_LINEAR_EXACT))
    colours = image.reshape(-1, 3)[edge].astype(np.float32) / np.float32(255)
    found, sure = _at(lines, size, edge), 2 * _at(_sureness(cells), size, edge)[:, 0]
    share = _stretched(np.einsum("nc,nc->n", colours, found[:, :3]) + found[:, 3])
    # Towards what is sure it fades, so that the ends of the unsure edge do not show.
    share = np.clip(np.minimum(np.maximum(share, sure - 1), sure), 0, 1)
    alpha = cv2.resize(inside, (size, size), interpolation=cv2.INTER_NEAREST).astype(np.float32)
    alpha.reshape(-1)[edge] = share
    is_near = (share < 1) | (sure < 2 * DEEP)
    edge, share, sure = edge[is_near], share[is_near, None], sure[is_near, None]
    rough = _stretched((small * lines[..., :3]).sum(axis=2) + lines[..., 3])
    rough = np.where(cells == INSIDE, 1, np.where(cells == 0, 0, rough)).astype(np.float32)
    front, back = (_at(_around(small, w), size, edge) for w in (rough, 1 - rough))
    own = _cleaned(colours[is_near], share, sure, front, back)
    clean = image.copy()
    clean.reshape(-1, 3)[edge] = (np.clip(own, 0, 1) * 255 + 0.5).astype(np.uint8)
    return Cutout(alpha, clean, edge)


def _cleaned(
    colours: np.ndarray, share: np.ndarray, sure: np.ndarray, front: np.ndarray, back: np.ndarray
) -> np.ndarray:
    """The person's own colours, [N, 3], of what is mixed with what is behind.

    Args:
        colours: As they are, [N, 3].
        share: Of the person, [N, 1].
        sure: 2 where the person surely is, 0 where surely not, [N, 1].
        front: Colours of the person around, [N, 3].
        back: Colours behind them around, [N, 3].
    """
    other = colours - share * front - (1 - share) * back
    # What looks more like the background than it should was not unmixed all the way.
    toward = back - front
    spill = (other * toward).sum(axis=1, keepdims=True)
    spill /= np.maximum((toward * toward).sum(axis=1, keepdims=True), TINY)
    other -= np.clip(2 * (DEEP - sure / 2) / DEEP, 0, 1) * np.maximum(spill, 0) * toward
    # The less of the person is there, the more their colours are those around.
    return front + share * share * other


def at_size(image: np.ndarray, edge: int) -> np.ndarray:
    """A square picture or grid at another size: averaged when it shrinks, else interpolated."""
    if image.shape[0] == edge:
        return image
    how = cv2.INTER_AREA if image.shape[0] > edge else cv2.INTER_LINEAR
    return cv2.resize(image, (edge, edge), interpolation=how)


def _stretched(alpha: np.ndarray) -> np.ndarray:
    return np.clip((alpha - LOW) / (HIGH - LOW), 0, 1)


def _sureness(cells: np.ndarray) -> np.ndarray:
    """1 where the person surely is, 0 where surely not, in proportion between them."""
    inner = cv2.distanceTransform((cells < INSIDE).astype(np.uint8), cv2.DIST_L2, 3)
    outer = cv2.distanceTransform((cells > 0).astype(np.uint8), cv2.DIST_L2, 3)
    return (outer / np.maximum(inner + outer, 1)).astype(np.float32)


def _around(small: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Colours averaged by weight: from near by where there is any, else from further away."""
    weight = weight**SURENESS
    weighed = np.dstack([small * weight[..., None], weight])
    coarse = at_size(weighed, MASK_PX // 4)
    far = at_size(_blurred(coarse, FAR / 4), MASK_PX)
    sums = _blurred(weighed, NEAR) + np.float32(FAR_SHARE) * far
    return sums[..., :3] / np.maximum(sums[..., 3:], TINY)


def _blurred(array: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(array, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def _guided(guide: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """What a guided filter finds: [S, S, 4], three slopes over colours and an offset."""
    mean, wanted_mean = _box(guide), _box(wanted)
    r, g, b = cv2.split(guide)
    mr, mg, mb = cv2.split(mean)
    rr, rg, rb = _box(r * r) - mr * mr, _box(r * g) - mr * mg, _box(r * b) - mr * mb
    gg, gb, bb = _box(g * g) - mg * mg, _box(g * b) - mg * mb, _box(b * b) - mb * mb
    x, y, z = cv2.split(_box(guide * wanted[..., None]) - mean * wanted_mean[..., None])
    rr, gg, bb = rr + EPSILON, gg + EPSILON, bb + EPSILON
    # The inverse of a symmetric matrix of three rows, written out.
    c00, c01, c02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c11, c12, c22 = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c00 + rg * c01 + rb * c02)
    sr = (c00 * x + c01 * y + c02 * z) * scale
    sg = (c01 * x + c11 * y + c12 * z) * scale
    sb = (c02 * x + c12 * y + c22 * z) * scale
    offset = wanted_mean - (sr * mr + sg * mg + sb * mb)
    return _box(cv2.merge([sr, sg, sb, offset]))


def _box(array: np.ndarray) -> np.ndarray:
    edge = (2 * RADIUS + 1, 2 * RADIUS + 1)
    return cv2.boxFilter(array, -1, edge, borderType=cv2.BORDER_REFLECT)


def _at(small: np.ndarray, size: int, edge: np.ndarray) -> np.ndarray:
    """A grid of cells [S, S, C] at some pixels of the picture, interpolated: [N, C]."""
    rows = -(-len(edge) // ROW) or 1
    places = np.zeros(rows * ROW, np.int64)
    places[: len(edge)] = edge
    scale = np.float32(len(small) / size)
    y, x = ((p.astype(np.float32) + 0.5) * scale - 0.5 for p in divmod(places, size))
    found = cv2.remap(
        small, x.reshape(rows, ROW), y.reshape(rows, ROW), cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    values: np.ndarray = found.reshape(rows * ROW, -1)[: len(edge)]
    return values
