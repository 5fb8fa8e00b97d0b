"""An edited crop goes back into its photo, at the photo's own resolution.

What is drawn into the photo is, place by place, the edited crop and as much of the photo's own
detail as still fits it: out = photo + weight · (edited + keep · (photo - base) - photo). `base` is
the crop before the edit, as the photo shows it or as a network redrew it. Where the edit changed
nothing, keep is 1 and edited is base: the photo stays. Where it put something else, keep is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np

from facegen.errors import UsageError
from facegen.measure.align import warp
from facegen.measure.detector import MIN_PX, require_picture
from facegen.measure.segments import of_picture
from facegen.photos import blending
from facegen.photos.align import crop_at, edge_strength, moved
from facegen.photos.grain import Grain, missing_grain

Where = Literal["changed", "face", "head"]
STRIP_ROWS = 256  # at a time: memory is bounded whatever the photo's size
LEAST_WEIGHT = 1 / 512  # less changes no level
GRAIN_WINDOW_PX = 768


@dataclass(frozen=True, eq=False)
class PutBack:
    """A photo with an edited face.

    Attributes:
        image: uint8 [H, W, 3]; outside of the mask it is the photo to the last bit.
        mask: uint8 [h, w]: how much of the edit is shown, 0 to 255 (above 0 where anything is),
            inside of `box`; nothing was touched elsewhere.
        box: Left, top, right, bottom in pixels of the photo.
    """

    image: np.ndarray
    mask: np.ndarray
    box: tuple[int, int, int, int]


def put_back(
    photo: np.ndarray,
    edited: np.ndarray,
    matrix: np.ndarray,
    *,
    size: int | None = None,
    reconstruction: np.ndarray | None = None,
    where: Where = "changed",
    grain: bool = True,
) -> PutBack:
    """Put an edited crop back into its photo.

    Args:
        photo: uint8 [H, W, 3] RGB, upright, as it was aligned.
        edited: uint8 [S, S, 3]: the crop after the edit.
        matrix: [2, 3], of `facegen.photos.align.AlignedFace`.
        size: Edge of the crop that the matrix leads to, if `edited` has another.
        reconstruction: uint8 [S, S, 3]: the crop as a network redrew it, before the edit. Then only
            what differs from that counts as edited, and only the person; colours and contrast in
            which it misses the photo are corrected.
        where: "changed": where the edit changed something. "face" or "head": all of these, for a
            crop that was made anew; its colours are then matched along the rim.
        grain: Whether what is drawn gets the photo's grain.

    Raises:
        UsageError: sizes that do not belong together, or another `where`.
        LatentError: no uint8 RGB pictures of at least 64 px.
    """
    _require(photo, edited, reconstruction, where)
    matrix = np.asarray(matrix, np.float64) * (len(edited) / (size or len(edited)))
    layers = _layers(photo, edited, matrix, reconstruction, where)
    box = _box(layers.weight, matrix, photo.shape[:2])
    left, top, right, bottom = box
    out = photo.copy()
    mask = np.zeros((bottom - top, right - left), np.uint8)
    noise = _grain(photo, layers, matrix, box) if grain and mask.size else None
    for first in range(top, bottom, STRIP_ROWS):
        last = min(first + STRIP_ROWS, bottom)
        weight, change = _change(photo, layers, matrix, (left, first, right, last), noise)
        part = out[first:last, left:right]
        part[:] = cv2.add(part, weight[..., None] * change, dtype=cv2.CV_8U)  # rounds and clips
        mask[first - top : last - top] = np.ceil(255 * weight)
    return PutBack(out, mask, box)


@dataclass(frozen=True, eq=False)
class _Layers:
    """What is drawn, on the crop, float32.

    Attributes:
        weight: [S, S], how much of it is shown.
        keep: [S, S], how much of the photo's detail stays.
        content: [S, S, 3]: edited - keep · base, with their colours matched.
    """

    weight: np.ndarray
    keep: np.ndarray
    content: np.ndarray


def _layers(
    photo: np.ndarray,
    edited: np.ndarray,
    matrix: np.ndarray,
    reconstruction: np.ndarray | None,
    where: Where,
) -> _Layers:
    size = len(edited)
    shown = crop_at(photo, matrix, warp(photo, matrix, size, size))
    base = shown if reconstruction is None else reconstruction
    new, old, before = (one.astype(np.float32) for one in (edited, base, shown))
    strength = edge_strength(matrix, photo.shape[:2], size)
    inside = blending.frame(size) * (1 - (3 * strength + 1).clip(0, 1))
    keep = blending.same_detail(new, old)
    if where == "changed":
        weight = blending.changed(new, old)
        if reconstruction is not None:
            both = [of_picture(crop) for crop in (edited, base)]
            weight *= blending.around(both, blending.PERSON, size)
            match = blending.ColourMatch.of(before, old, inside)
            new, old = match(new), match(old)
    else:
        names = blending.FACE if where == "face" else blending.HEAD
        after, there = of_picture(edited), of_picture(shown)
        weight = blending.region([after, there], names, new)
        new = new + blending.membrane(before, new, weight, blending.alike(after, there, size))
    weight = weight * inside
    weight[weight < LEAST_WEIGHT] = 0
    content = new - keep[..., None] * old
    return _Layers(weight, keep, content)


def _box(
    weight: np.ndarray, matrix: np.ndarray, shape: tuple[int, int]
) -> tuple[int, int, int, int]:
    """What of a photo the weights can reach: left, top, right, bottom; empty if nothing."""
    rows, columns = (np.flatnonzero(weight.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return 0, 0, 0, 0
    ends = [(x, y) for x in (columns[0] - 2, columns[-1] + 3) for y in (rows[0] - 2, rows[-1] + 3)]
    corners = moved(np.array(ends, np.float64), cv2.invertAffineTransform(matrix))
    low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    limits = [shape[1], shape[0]]
    left, top = np.clip(low, 0, limits).astype(int)
    right, bottom = np.clip(high, 0, limits).astype(int)
    return int(left), int(top), int(right), int(bottom)


def _change(
    photo: np.ndarray,
    layers: _Layers,
    matrix: np.ndarray,
    box: tuple[int, int, int, int],
    noise: Grain | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Of a part of the photo: the weights, float32 [h, w], and what to add there, [h, w, 3]."""
    left, top, right, bottom = box
    back = cv2.invertAffineTransform(matrix)
    back[:, 2] -= [left, top]

    def placed(layer: np.ndarray) -> np.ndarray:
        return warp(layer, back, right - left, bottom - top, mirror=False)

    weight = placed(layers.weight).clip(0, 1)
    weight[weight < LEAST_WEIGHT] = 0
    keep = placed(layers.keep).clip(0, 1)[..., None]
    change = placed(layers.content)
    change -= (1 - keep) * photo[top:bottom, left:right]
    if noise is not None:  # so much that its variance and that of what is kept add up
        change += np.sqrt(1 - keep * keep) * noise.at(top, left, *weight.shape)
    return weight, change


def _grain(
    photo: np.ndarray, layers: _Layers, matrix: np.ndarray, box: tuple[int, int, int, int]
) -> Grain | None:
    """The grain that the drawn content lacks, as seen in the middle of what is drawn."""
    size = len(layers.weight)
    fresh = layers.weight * (1 - layers.keep)
    if fresh.max() < 0.1:
        return None
    middle = moved(np.array([[size / 2, size / 2]]), cv2.invertAffineTransform(matrix))[0]
    half = GRAIN_WINDOW_PX // 2
    left, top, right, bottom = box
    x, y = (int(np.clip(at, low, high)) for at, low, high in zip(
        middle, (left, top), (right, bottom), strict=True))  # fmt: skip
    window = (max(left, x - half), max(top, y - half), min(right, x + half), min(bottom, y + half))
    part = photo[window[1] : window[3], window[0] : window[2]]
    plain = _Layers(np.ones_like(layers.weight), np.zeros_like(layers.keep), layers.content)
    _, change = _change(photo, plain, matrix, window, None)
    return missing_grain(part, part + change)


def _require(
    photo: np.ndarray, edited: np.ndarray, reconstruction: np.ndarray | None, where: str
) -> None:
    for picture in (photo, edited, *(() if reconstruction is None else (reconstruction,))):
        require_picture(np.asarray(picture))
    if edited.shape[0] != edited.shape[1]:
        height, width = edited.shape[:2]
        raise UsageError(
            f"An edited crop is square, at least {MIN_PX} pixels; got {width}×{height}. Give the "
            "crop as `align` wrote it, not trimmed."
        )
    if reconstruction is not None and reconstruction.shape != edited.shape:
        raise UsageError(
            f"The reconstruction is {reconstruction.shape[1]} pixels wide and the edited crop "
            f"{len(edited)}; give both at one size."
        )
    if where not in get_args(Where):
        raise UsageError(f"where is one of {', '.join(get_args(Where))}, got {where!r}.")
