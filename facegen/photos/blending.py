"""Where an edited crop goes into its photo, and what of the photo stays there.

All of it is computed on the crop, float32 with levels of 0 to 255; lengths are fractions of its
edge, so that crops of every size behave alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facegen.images import resized
from facegen.measure.segments import SEGMENTS_PX, Segments

SAME_LEVELS, OTHER_LEVELS = 2.0, 6.0
"""Mean differences up to and from which a place counts as unchanged and as changed."""
LOOK = 1 / 512  # over this radius differences are averaged
SPREAD = 1 / 100  # by so much what changed is widened
FEATHER = 1 / 200
FRAME = 0.05  # along the crop's border nothing changes; over so much it fades in
ERODED = 1 / 200
DETAIL = 1 / 128  # finer structures are details
FLAT_LEVELS = 3.0
COARSE = 1 / 24  # over so much colours are matched
CONTRAST_LEVELS = 8.0  # with less, contrast is left alone
USUAL_SD = 1.5  # further from the mean colours around it, something new was put there
WIDER = 4  # times as wide the surroundings are by which that is matched
GAINS = (0.6, 1.6)
GUIDE_RADIUS, GUIDE_LEVELS = 1 / 64, 12.0
FACE = ("skin", "brows", "eyes", "iris", "lips", "mouth", "glasses", "sunglasses", "beard")
HEAD = (*FACE, "ears", "hair", "hat", "neck")
PERSON = (*HEAD, "clothes")


def changed(edited: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Where two crops differ: float32 [S, S], 1 there, exactly 0 where they are alike."""
    size = len(edited)
    apart = np.abs(edited - base).max(axis=2)
    apart = cv2.GaussianBlur(apart, (0, 0), LOOK * size)
    return feathered(_step(apart, SAME_LEVELS, OTHER_LEVELS), SPREAD, size)


def region(segments: list[Segments], names: tuple[str, ...], crop: np.ndarray) -> np.ndarray:
    """Where any of these crops shows one of these segments: float32 [S, S], a little shrunk.

    Args:
        segments: Of the crops.
        names: Of segments.
        crop: float32 [S, S, 3]; its edges are followed.
    """
    size = len(crop)
    cells = np.maximum.reduce([one.mask(*names) for one in segments])
    inside = cv2.resize(cells, (size, size), interpolation=cv2.INTER_LINEAR)
    inside = _step(_guided(inside, crop), 0.3, 0.7)
    width = 2 * round((ERODED + 2 * FEATHER) * size) + 1
    return _soft(cv2.erode(inside, _disc(width)), size)


def around(segments: list[Segments], names: tuple[str, ...], size: int) -> np.ndarray:
    """Where any of these crops shows one of these segments, and a little further."""
    cells = np.maximum.reduce([one.mask(*names) for one in segments])
    inside = cv2.resize(cells, (size, size), interpolation=cv2.INTER_LINEAR)
    return feathered(_step(inside, 0.3, 0.7), 2 * SPREAD, size)


def feathered(inside: np.ndarray, spread: float, size: int) -> np.ndarray:
    """A mask widened, then softened toward the outside, so that it is whole where it was."""
    width = 2 * round((spread + FEATHER) * size) + 1
    return _soft(cv2.dilate(inside, _disc(width)), size)


def frame(size: int) -> np.ndarray:
    """0 along the crop's border, 1 inside: float32 [size, size]."""
    edge = np.minimum(np.arange(size) + 0.5, size - np.arange(size) - 0.5) / size
    ramp = _step(edge.astype(np.float32), 0.2 * FRAME, FRAME)
    return ramp[:, None] * ramp


def same_detail(edited: np.ndarray, base: np.ndarray) -> np.ndarray:
    """How far two crops have the same fine structure: float32 [S, S], 0 to 1.

    1 where one is the other with another brightness or colour, or where both are flat: there the
    photo's own detail, finer than the crop shows it, fits the edit. 0 where something else is seen.
    """
    sigma = DETAIL * len(edited)
    a, b = (_fine(one.mean(axis=2), sigma) for one in (edited, base))
    ab, aa, bb = (cv2.GaussianBlur(x * y, (0, 0), sigma) for x, y in ((a, b), (a, a), (b, b)))
    flat = FLAT_LEVELS**2
    alike = (ab + flat) / (np.maximum(aa, bb) + flat)
    return alike.clip(0, 1) ** 2


@dataclass(frozen=True, eq=False)
class ColourMatch:
    """Gives a picture the colours and contrast of another, place by place. Make it with `of`.

    Mean and deviation of each channel are matched in surroundings that are wide against features
    (Reinhard et al. 2001, locally): dark hair and a light wall beside it are both met.

    Attributes:
        mean: float32 [S, S, 3], of what is given.
        shift: Likewise: by how much the mean of what is wanted is above it.
        wide: Likewise, in wider surroundings.
        gain: Likewise: how much more contrast is wanted.
        usual: Likewise: how far from its mean what is given usually lies. What an edit put further
            off (white hair where there was dark hair) gets no more contrast, and is shifted as its
            wider surroundings are: it would burn out, or be patched.
    """

    mean: np.ndarray
    shift: np.ndarray
    wide: np.ndarray
    gain: np.ndarray
    usual: np.ndarray

    @classmethod
    def of(cls, wanted: np.ndarray, given: np.ndarray, where: np.ndarray) -> ColourMatch:
        """Learn how one picture is made like another.

        Args:
            wanted: float32 [S, S, 3].
            given: Likewise.
            where: float32 [S, S], 0 where nothing is to be learned.
        """
        sigma = COARSE * len(wanted)
        mean, spread = _moments(given, where, sigma)
        wanted_mean, wanted_spread = _moments(wanted, where, sigma)
        gain = np.sqrt(wanted_spread / spread).clip(*GAINS)
        wide, _ = _moments(wanted - given, where, WIDER * sigma)
        return cls(mean, wanted_mean - mean, wide, gain, USUAL_SD * np.sqrt(spread))

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """A picture matched: float32 [S, S, 3]."""
        away = picture - self.mean
        near = np.clip(away, -self.usual, self.usual)
        usual = near / np.where(away == 0, 1, away) + (away == 0)
        room = np.where(self.wide > 0, 255 - picture, picture) / 128  # towards white, or black
        shift = usual * self.shift + (1 - usual) * self.wide * room.clip(0, 1)
        matched: np.ndarray = picture + shift + usual * (self.gain - 1) * near
        return matched


def _moments(picture: np.ndarray, where: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance around each place, float32 [S, S, 3] each; the second never 0."""
    total = cv2.GaussianBlur(where, (0, 0), sigma)[..., None] + 1e-3
    weighted = picture * where[..., None]
    mean = cv2.GaussianBlur(weighted, (0, 0), sigma) / total
    squares = cv2.GaussianBlur(weighted * picture, (0, 0), sigma) / total
    return mean, (squares - mean * mean).clip(0) + CONTRAST_LEVELS**2


def alike(one: Segments, other: Segments, size: int) -> np.ndarray:
    """Where two crops show the same segment: float32 [size, size], 0 or 1."""
    same = (one.labels == other.labels).astype(np.float32)
    return cv2.resize(same, (size, size), interpolation=cv2.INTER_NEAREST)


def membrane(
    wanted: np.ndarray, given: np.ndarray, mask: np.ndarray, trusted: np.ndarray
) -> np.ndarray:
    """The difference along the rim of a mask, spread smoothly over its inside: float32 [S, S, 3].

    Args:
        wanted: float32 [S, S, 3]: what lies around.
        given: Likewise: what is put inside.
        mask: float32 [S, S], 1 inside, 0 outside.
        trusted: float32 [S, S]: where the two can be compared.
    """
    rim = 4 * mask * (1 - mask) * trusted
    size = min(SEGMENTS_PX, len(mask))
    small = [resized(one, size) for one in ((wanted - given) * rim[..., None], rim)]
    filled = _filled(small[0], small[1])
    filled = cv2.GaussianBlur(filled, (0, 0), size / 64)
    return cv2.resize(filled, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _filled(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted values, and where there are none those of wider and wider surroundings."""
    own = total / np.maximum(weight, 1e-6)[..., None]
    if len(weight) <= 2:
        known = max(float(weight.sum()), 1e-6)
        return np.broadcast_to(total.sum(axis=(0, 1)) / known, own.shape).astype(np.float32)
    half = (len(weight) + 1) // 2
    smaller = [
        cv2.resize(one, (half, half), interpolation=cv2.INTER_AREA) for one in (total, weight)
    ]
    wide = cv2.resize(
        _filled(smaller[0], smaller[1]), weight.shape[::-1], interpolation=cv2.INTER_LINEAR
    )
    trust = np.minimum(4 * weight, 1)[..., None]
    return trust * own + (1 - trust) * wide


def _guided(mask: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """A mask that follows the edges of a picture (guided filter, He, Sun & Tang 2010)."""
    size = len(crop)
    guide = crop.mean(axis=2)
    box = (2 * round(GUIDE_RADIUS * size) + 1,) * 2

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, box)

    spread = mean(guide * guide) - mean(guide) ** 2
    slope = (mean(guide * mask) - mean(guide) * mean(mask)) / (spread + GUIDE_LEVELS**2)
    return mean(slope) * guide + mean(mean(mask) - slope * mean(guide))


def _fine(grey: np.ndarray, sigma: float) -> np.ndarray:
    return grey - cv2.GaussianBlur(grey, (0, 0), sigma)


def _soft(mask: np.ndarray, size: int) -> np.ndarray:
    """Blurred over a bounded distance, so that it is exactly 0 beyond."""
    sigma = FEATHER * size
    width = 2 * round(2 * sigma) + 1
    return cv2.GaussianBlur(mask, (width, width), sigma)


def _step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 up to `low`, 1 from `high` on, smooth between."""
    t = ((values - low) / (high - low)).clip(0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _disc(width: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
