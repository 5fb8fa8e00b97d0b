"""Expressions that no latent draws, drawn by pulling at landmarks of the picture.

The generator was trained on portraits: hardly anybody grieves, purses the lips or lowers one corner
of the mouth in them, and dials that try draw another person (docs/notes/pose.md). A muscle moves a
small piece of skin; so does a pull: the piece around a landmark is moved, and the further away the
less, by a Gaussian. Nothing is painted: skin, hair and light stay the picture's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from facegen.measure.details import EYE_LEVER
from facegen.measure.pose import load_shape
from facegen.measure.shape import EYES

OUTER_CORNERS = (36, 45)  # of the eyes
EYE_WIDTH = 0.29  # of the mean face
MOST_LOOK_UP = 12.0
"""Degrees up and down within which raised eyes were looked at and believed."""
EYE_REACH = (0.15, 0.11)
IRIS_SHARE = {"up": 0.44, "down": 0.75}
"""By how much an iris moves more than its eye's corners, in pulls as `looking_up` makes them."""
NOSE = (27, 33)  # from between the eyes to under the tip
ROOM = 0.35
"""What is pulled ends so far beyond the landmarks, in distances of the eyes."""
CORNER_RISE = 1.8
"""The cheek above a lifted corner of the mouth goes along so much further than the chin below."""


@dataclass(frozen=True)
class Pull:
    """One pull, at a place in the middle of the face or at both sides alike.

    Lengths are in units of the mean face, where the outer corners of the eyes are 1 apart; they
    follow the face as it turns and nods.

    Attributes:
        left: Landmarks on the picture's left, or in the middle; their mean is pulled at.
        right: Their mirror images; empty if only `left` is pulled.
        push: Outward from the face's middle (to the right, if only `left` is pulled) and up.
        reach: Across and up: where the Gaussian has fallen to 1/e.
        rise: The reach above is so many times that below.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    push: tuple[float, float]
    reach: tuple[float, float]
    rise: float = 1.0


def brows(inner: float, outer: float = 0.0, apart: float = 0.0) -> tuple[Pull, ...]:
    """Raise the inner and outer ends of the brows, and draw them apart."""
    reach = (0.13, 0.12)
    return (
        Pull((21,), (22,), (apart, inner), reach),
        Pull((17, 18), (25, 26), (0.0, outer), reach),
    )


def corners(up: float, out: float = 0.02) -> tuple[Pull, ...]:
    """Raise and spread both corners of the mouth."""
    return (Pull((48,), (54,), (out, up), (0.16, 0.15)),)


def purse(narrow: float, part: float) -> tuple[Pull, ...]:
    """Narrow the mouth, and part the lips or make them full."""
    return (
        Pull((48,), (54,), (-narrow, 0.0), (0.22, 0.2)),
        Pull((51,), (), (0.0, part), (0.12, 0.07)),
        Pull((57,), (), (0.0, -part), (0.12, 0.09)),
    )


def part_lips(by: float) -> tuple[Pull, ...]:
    """Bare the teeth."""
    return (
        Pull((51,), (), (0.0, by), (0.15, 0.07)),
        Pull((57,), (), (0.0, -by), (0.15, 0.08)),
    )


def upper_lids(up: float) -> tuple[Pull, ...]:
    """Open the eyes wider."""
    return (Pull((37, 38), (43, 44), (0.0, up), (0.09, 0.05)),)


def looking_up(degrees: float) -> tuple[Pull, ...]:
    """Raise or lower the eyes: irises with the lids that follow them, the corners less.

    Degrees are those of an eyeball whose radius is `EYE_LEVER`. Upward the lower lid follows less
    than the iris, downward the upper lid a little more.
    """
    move = EYE_LEVER * np.sin(np.radians(degrees)) * EYE_WIDTH
    shift = float(move / IRIS_SHARE["up" if degrees > 0 else "down"])
    eyes = Pull(EYES["left"], EYES["right"], (0.0, shift), EYE_REACH)
    if shift > 0:
        return eyes, Pull((40, 41), (46, 47), (0.0, -0.4 * shift), (0.13, 0.05))
    return eyes, Pull((37, 38), (43, 44), (0.0, 0.35 * shift), (0.13, 0.06))


def drop_jaw(down: float) -> tuple[Pull, ...]:
    """Lower the chin and the lower lip."""
    return (Pull((8, 57), (), (0.0, -down), (0.3, 0.2)),)


def lifted_corner(side: str) -> tuple[Pull, ...]:
    """Lift one corner of the mouth, "left" or "right" in the picture."""
    landmark, out = ((54,), 0.02) if side == "right" else ((48,), -0.02)
    return (Pull(landmark, (), (out, 0.1), (0.22, 0.14), rise=CORNER_RISE),)


def pull_at(
    image: np.ndarray, landmarks: np.ndarray, pulls: Iterable[Pull], strength: float = 1.0
) -> np.ndarray:
    """A picture of a face with some places pulled.

    Args:
        image: uint8 [H, H, 3].
        landmarks: [68, 2] in fractions of the edge.
        pulls: All done at once.
        strength: 0 to 1: the share of every push.

    Returns:
        uint8 [H, H, 3]; pixels far beyond the landmarks are the image's.
    """
    points = landmarks * image.shape[0]
    across = points[OUTER_CORNERS[1]] - points[OUTER_CORNERS[0]]
    wide = float(np.linalg.norm(across))
    along = across / wide
    above = np.array([along[1], -along[0]])
    mean = load_shape()[list(NOSE), :2]
    tall = float(np.linalg.norm(np.diff(points[list(NOSE)], axis=0)))
    tall /= float(np.linalg.norm(np.diff(mean, axis=0)))
    low = np.floor(points.min(axis=0) - ROOM * wide).astype(int).clip(0)
    high = np.ceil(points.max(axis=0) + ROOM * wide).astype(int).clip(0, image.shape[0])
    cut = image[low[1] : high[1], low[0] : high[0]]
    y, x = np.mgrid[: cut.shape[0], : cut.shape[1]].astype(np.float64)
    places = np.stack([x, y], axis=-1) + low
    push = np.zeros_like(places)
    for pull in pulls:
        sides = ((pull.left, -1.0), (pull.right, 1.0)) if pull.right else ((pull.left, 1.0),)
        for landmark, outward in sides:
            away = places - points[list(landmark)].mean(axis=0)
            u, v = away @ along / wide, away @ above / tall
            reach = np.where(v > 0, pull.rise, 1.0) * pull.reach[1]
            share = np.exp(-((u / pull.reach[0]) ** 2) - (v / reach) ** 2)
            out, up = pull.push
            push += share[..., None] * (outward * out * wide * along + up * tall * above)
    done = image.copy()
    done[low[1] : high[1], low[0] : high[0]] = pushed(cut, strength * push)
    return done


def pushed(image: np.ndarray, push: np.ndarray) -> np.ndarray:
    """A picture whose pixels moved by `push`, [H, W, 2]."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float64)
    source = (np.stack([x, y], axis=-1) - push).astype(np.float32)
    moved: np.ndarray = cv2.remap(
        image, source[..., 0], source[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved
