"""Parts of a face as masks, drawn from its 68 landmarks.

Sizes are told in *heights*: the distance from the middle of the eyes to the middle of the mouth,
about a fifth of a picture that is aligned as FFHQ is. "Up" is the face's own up, so that shapes
tilt with a head. The numbering of the landmarks is iBUG's (Sagonas et al. 2013).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

EVERYWHERE = "everywhere"
SHIFT = 4
"""Bits after the point with which OpenCV places corners."""
JAW, NOSE_BASE, BROWS = slice(0, 17), (31, 32, 33, 34, 35), range(17, 27)
EYES = {"left": range(36, 42), "right": range(42, 48)}
BROW = {"left": range(17, 22), "right": range(22, 27)}
OUTER_LIPS, INNER_LIPS = range(48, 60), range(60, 68)


class Landmarks:
    """68 landmarks on a square of `px` pixels, with the face's own measures.

    Attributes:
        points: float64 [68, 2], x and y in pixels.
        height: From the middle of the eyes to the middle of the mouth, in pixels.
        up: Unit vector from the mouth to the eyes, x and y.
        px: Edge of the square.
    """

    def __init__(self, landmarks: np.ndarray, px: int) -> None:
        self.points = np.asarray(landmarks, np.float64) * px
        rise = self.points[36:48].mean(axis=0) - self.points[48:68].mean(axis=0)
        self.height = max(float(np.linalg.norm(rise)), 1.0)
        self.up = rise / self.height
        self.px = px

    def at(self, *indices: int, up: float = 0.0) -> np.ndarray:
        """Some points, moved up by so many heights, [N, 2]."""
        return self.points[list(indices)] + up * self.height * self.up

    def hull(self, *parts: np.ndarray) -> np.ndarray:
        """The convex hull of points as a mask, uint8 [px, px], 255 inside."""
        return self._filled(cv2.convexHull(np.concatenate(parts).astype(np.float32))[:, 0])

    def polygon(self, *parts: np.ndarray) -> np.ndarray:
        """Corners in order as a mask, uint8 [px, px]."""
        return self._filled(np.concatenate(parts))

    def disc(self, centre: np.ndarray, radius: float) -> np.ndarray:
        """A disc as a mask, uint8 [px, px]; the radius in pixels."""
        mask = np.zeros((self.px, self.px), np.uint8)
        x, y = (round(float(v) * 2**SHIFT) for v in centre)
        cv2.circle(mask, (x, y), round(radius * 2**SHIFT), 255, -1, cv2.LINE_AA, SHIFT)
        return mask

    def above(self, line: np.ndarray) -> np.ndarray:
        """All that lies above a point, uint8 [px, px]; `line` is x and y."""
        rows, columns = np.mgrid[: self.px, : self.px]
        over = (columns - line[0]) * self.up[0] + (rows - line[1]) * self.up[1]
        return np.where(over > 0, 255, 0).astype(np.uint8)

    def _filled(self, corners: np.ndarray) -> np.ndarray:
        mask = np.zeros((self.px, self.px), np.uint8)
        fixed = np.round(np.clip(corners, -4 * self.px, 4 * self.px) * 2**SHIFT).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, SHIFT)
        return mask


def _union(*masks: np.ndarray) -> np.ndarray:
    return np.maximum.reduce(masks)


def _face(face: Landmarks) -> np.ndarray:
    forehead = face.at(*reversed(BROWS), up=0.9)
    return face.polygon(face.points[JAW], forehead)


def _lower_face(face: Landmarks) -> np.ndarray:
    return face.polygon(face.points[2:15], face.at(*reversed(NOSE_BASE)))


def _mouth(face: Landmarks) -> np.ndarray:
    return face.hull(face.at(*OUTER_LIPS), face.at(*NOSE_BASE))


def _lips(face: Landmarks) -> np.ndarray:
    return face.polygon(face.at(*OUTER_LIPS))


def _inner_mouth(face: Landmarks) -> np.ndarray:
    return face.polygon(face.at(*INNER_LIPS))


def _nose(face: Landmarks) -> np.ndarray:
    return face.hull(face.at(27, 39, 42, *NOSE_BASE), face.at(*NOSE_BASE, up=-0.1))


def _mid_face(face: Landmarks) -> np.ndarray:
    return face.hull(face.at(27, 36, 45, 48, 54, 51, *NOSE_BASE))


def _eye(side: str) -> Callable[[Landmarks], np.ndarray]:
    return lambda face: face.polygon(face.at(*EYES[side]))


def _eyes(face: Landmarks) -> np.ndarray:
    return _union(_eye("left")(face), _eye("right")(face))


def _under_eyes(face: Landmarks) -> np.ndarray:
    lids = ((36, 41, 40, 39), (42, 47, 46, 45))
    return _union(*(face.hull(face.at(*lid), face.at(*lid, up=-0.32)) for lid in lids))


def _irises(face: Landmarks) -> np.ndarray:
    discs = []
    for outer, inner, *lids in ((36, 39, 37, 38, 40, 41), (45, 42, 43, 44, 46, 47)):
        wide = float(np.linalg.norm(face.points[inner] - face.points[outer]))
        discs.append(face.disc(face.at(*lids).mean(axis=0), 0.24 * wide))
    return np.minimum(_union(*discs), _eyes(face))


def _brow(side: str) -> Callable[[Landmarks], np.ndarray]:
    lids = {"left": (36, 37, 38, 39), "right": (42, 43, 44, 45)}[side]
    return lambda face: face.hull(
        face.at(*BROW[side]), face.at(*BROW[side], up=0.2), face.at(*lids, up=0.03)
    )


def _brows(face: Landmarks) -> np.ndarray:
    return _union(_brow("left")(face), _brow("right")(face))


def _eye_band(face: Landmarks) -> np.ndarray:
    lids = face.at(36, 41, 40, 39, 42, 47, 46, 45, up=-0.3)
    return face.hull(face.at(*BROWS), face.at(*BROWS, up=0.2), lids)


def _glasses(face: Landmarks) -> np.ndarray:
    rims = face.at(36, 41, 40, 47, 46, 45, up=-0.42)
    return face.hull(face.at(*BROWS, up=0.02), face.at(0, 16, 29), rims)


def _beard(face: Landmarks) -> np.ndarray:
    jaw = face.points[1:16]
    return _union(
        face.polygon(jaw, face.at(*reversed(NOSE_BASE))),
        face.polygon(jaw, (jaw + 0.25 * face.height * face.up)[::-1]),
    )


def _moustache(face: Landmarks) -> np.ndarray:
    return face.hull(face.at(*NOSE_BASE), face.at(48, 50, 51, 52, 54))


def _goatee(face: Landmarks) -> np.ndarray:
    return face.hull(face.at(*OUTER_LIPS), face.at(6, 7, 8, 9, 10), face.at(31, 35))


def _sideburns(face: Landmarks) -> np.ndarray:
    sides = []
    for jaw, inward in (((0, 1, 2, 3, 4), 1.0), ((16, 15, 14, 13, 12), -1.0)):
        across = inward * 0.3 * face.height * np.array([-face.up[1], face.up[0]])
        line = np.concatenate([face.at(jaw[0], up=0.4), face.at(*jaw)])
        sides.append(face.polygon(line - 0.3 * across, (line + across)[::-1]))
    return _union(*sides)


def _cheeks(face: Landmarks) -> np.ndarray:
    left = face.hull(face.at(1, 2, 3, 4, 48, 31, 36, 41, 40))
    right = face.hull(face.at(15, 14, 13, 12, 54, 35, 45, 46, 47))
    return _union(left, right)


def _forehead(face: Landmarks) -> np.ndarray:
    return face.hull(face.at(*BROWS), face.at(*BROWS, up=1.0))


def _above_eyes(face: Landmarks) -> np.ndarray:
    return face.above(face.points[36:48].mean(axis=0))


def _everywhere(face: Landmarks) -> np.ndarray:
    return np.full((face.px, face.px), 255, np.uint8)


SHAPES: Mapping[str, Callable[[Landmarks], np.ndarray]] = MappingProxyType({
    EVERYWHERE: _everywhere, "face": _face, "lower_face": _lower_face, "mouth": _mouth,
    "lips": _lips, "inner_mouth": _inner_mouth, "nose": _nose, "mid_face": _mid_face,
    "eyes": _eyes, "eye_left": _eye("left"), "eye_right": _eye("right"),
    "under_eyes": _under_eyes, "irises": _irises, "brows": _brows, "brow_left": _brow("left"),
    "brow_right": _brow("right"), "eye_band": _eye_band, "glasses": _glasses, "beard": _beard,
    "moustache": _moustache, "goatee": _goatee, "sideburns": _sideburns, "cheeks": _cheeks,
    "forehead": _forehead, "above_eyes": _above_eyes,
})  # fmt: skip
"""Name -> draws that part of a face: uint8 [px, px], 255 inside."""
