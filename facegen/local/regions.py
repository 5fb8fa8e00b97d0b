"""Where in the picture each dial acts: rules in one table, masks from landmarks and segments.

A region is a union of parts. Each part is a shape from landmarks cut with segments, of the picture
before the edit, of the one after it, or of both united; grown, with a soft edge. A dial without a
region moves the whole picture and is called *global*. The table is `directions/regions.json`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Protocol

import cv2
import numpy as np
from msgspec import Meta

from facegen.errors import BadFileError
from facegen.local.shapes import EVERYWHERE, SHAPES, Landmarks
from facegen.masks import MASK_PX, Mask
from facegen.paths import DIRECTIONS_DIR
from facegen.records import RecordError, parse_record

NOTHING = 1 / 255
"""Less of an edit does not show."""
USUAL_HEIGHT = 0.22 * MASK_PX
"""Of a face that is not seen: FFHQ's pictures are aligned by it."""
GLOBAL = "global"
FORMAT = 1


class HasMasks(Protocol):
    """Segments of a picture, as `facegen.measure.segments.Segments`."""

    def mask(self, *names: str) -> np.ndarray:
        """Where these are, float32 [256, 256], 0 to 1."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a region is made of on one picture.

    Attributes:
        landmarks: [68, 2] in fractions of the picture's edge; None where no face is seen.
        segments: What is where in it.
    """

    landmarks: np.ndarray | None
    segments: HasMasks


@dataclass(frozen=True)
class Part:
    """One part of a region.

    Attributes:
        shape: Of `facegen.local.shapes.SHAPES`.
        segments: Names of the segments within which it lies; none: everywhere.
        without: Shapes that are left out of it.
        spare: Segments of the picture before that stay as they are: a hat, when hair changes.
        pictures: Whose shape and segments: of the picture before the edit, after it, or of both.
        grow: By how much it is grown, in heights.
        close: Holes and gaps up to twice as wide are filled, in heights.
        feather: Standard deviation of its soft edge, in heights.
    """

    shape: str = EVERYWHERE
    segments: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()
    pictures: Literal["before", "after", "both"] = "both"
    grow: Annotated[float, Meta(ge=-1, le=1)] = 0.0
    close: Annotated[float, Meta(ge=0, le=1)] = 0.0
    feather: Annotated[float, Meta(ge=0, le=1)] = 0.04


@dataclass(frozen=True)
class Region:
    """A region.

    Attributes:
        label: Its name for people.
        parts: Of which it is the union.
        small: See `facegen.masks.Mask`.
    """

    label: str
    parts: Annotated[tuple[Part, ...], Meta(min_length=1)]
    small: bool = False


@dataclass(frozen=True)
class RegionTable:
    """All regions, and which dial has which.

    Attributes:
        regions: Name -> region.
        dials: Dial -> name of its region, or GLOBAL.
        segments: Names that stand for several segments.
        gains: Dial -> how much more is asked of it so that its region shows about as much as the
            whole picture would (`scripts.measure_regions --gains`); 1 for those that are not named.
    """

    format: int
    regions: dict[str, Region]
    dials: dict[str, str]
    segments: dict[str, tuple[str, ...]]
    gains: dict[str, Annotated[float, Meta(ge=1, le=2)]] = field(default_factory=dict)

    def is_global(self, dial: str) -> bool:
        """Whether a dial moves the whole picture; those that are not in the table do."""
        return self.dials.get(dial, GLOBAL) == GLOBAL

    def mask(self, name: str, before: Seen, after: Seen) -> np.ndarray:
        """The mask of a region, float32 [256, 256]: 1 where the edit shows, 0 where nothing does.

        Args:
            name: Of `regions`.
            before: The picture before the edit.
            after: The edited picture.
        """
        masks = [self._part(part, before, after) for part in self.regions[name].parts]
        return np.maximum.reduce(masks)

    def mask_of(self, dials: Collection[str], before: Seen, after: Seen) -> Mask:
        """The union of some dials' regions; the whole picture if one is global.

        Args:
            dials: Names of dials.
            before: As for `mask`.
            after: Likewise.
        """
        if any(self.is_global(name) for name in dials):
            return Mask.whole()
        names = dict.fromkeys(self.dials[name] for name in dials)
        masks = [
            Mask.of(self.mask(name, before, after), small=self.regions[name].small)
            for name in names
        ]
        return Mask.empty().union(*masks)

    def labels(self, dials: Collection[str]) -> list[str]:
        """The names of some dials' regions, for people; "everything" for global ones."""
        names = dict.fromkeys(self.dials.get(name, GLOBAL) for name in dials)
        return ["everything" if name == GLOBAL else self.regions[name].label for name in names]

    def _names(self, segments: tuple[str, ...]) -> list[str]:
        return [one for name in segments for one in self.segments.get(name, (name,))]

    def _part(self, part: Part, before: Seen, after: Seen) -> np.ndarray:
        pictures = {"before": [before], "after": [after], "both": [before, after]}[part.pictures]
        faces = _landmarks(pictures) or _landmarks([before, after])
        height = float(np.mean([face.height for face in faces])) if faces else USUAL_HEIGHT
        shape = np.full((MASK_PX, MASK_PX), float(part.shape == EVERYWHERE), np.float32)
        if faces and part.shape != EVERYWHERE:
            shape = np.maximum.reduce([SHAPES[part.shape](face) for face in faces]) / np.float32(
                255
            )
        if part.segments:
            wanted = self._names(part.segments)
            shape = shape * np.maximum.reduce([seen.segments.mask(*wanted) for seen in pictures])
        mask = _closed(shape, part.close * height)
        mask = _grown(mask, part.grow * height)
        if part.spare:
            mask = np.minimum(mask, 1 - before.segments.mask(*self._names(part.spare)))
        for name in part.without if faces else ():
            mask = np.minimum(mask, 1 - np.minimum.reduce([SHAPES[name](f) for f in faces]) / 255)
        return _feathered(mask.astype(np.float32), part.feather * height)


def _landmarks(pictures: Collection[Seen]) -> list[Landmarks]:
    return [Landmarks(p.landmarks, MASK_PX) for p in pictures if p.landmarks is not None]


def _disc(radius: float) -> np.ndarray:
    edge = 2 * max(round(radius), 0) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (edge, edge))


def _grown(mask: np.ndarray, radius: float) -> np.ndarray:
    """Grown by so many pixels, shrunk if that is below 0."""
    change = cv2.dilate if radius >= 0 else cv2.erode
    return change(mask, _disc(abs(radius))) if abs(radius) >= 0.5 else mask


def _closed(mask: np.ndarray, radius: float) -> np.ndarray:
    if radius < 0.5:
        return mask
    room = round(radius) + 1  # so that the picture's border does not eat into it
    framed = cv2.copyMakeBorder(mask, room, room, room, room, cv2.BORDER_REPLICATE)
    done = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, _disc(radius))
    return done[room:-room, room:-room]


def _feathered(mask: np.ndarray, sigma: float) -> np.ndarray:
    if sigma >= 0.3:
        mask = cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.where(mask < NOTHING, np.float32(0), np.minimum(mask, np.float32(1)))


@lru_cache(maxsize=2)
def load_regions(path: Path = DIRECTIONS_DIR / "regions.json") -> RegionTable:
    """The table of regions.

    Raises:
        BadFileError: it is missing or damaged, or names what there is not.
    """
    try:
        table = parse_record(path.read_bytes(), RegionTable)
    except (OSError, RecordError) as err:
        raise BadFileError(f"The table of regions {path.name} cannot be read ({err}).") from err
    for name, region in table.regions.items():
        shapes = {s for part in region.parts for s in (part.shape, *part.without)}
        if unknown := sorted(shapes - set(SHAPES)):
            raise BadFileError(f"The region {name} in {path.name} has no shape {unknown[0]}.")
    if unknown := sorted(set(table.dials.values()) - {GLOBAL, *table.regions}):
        raise BadFileError(f"There is no region {unknown[0]} in {path.name}.")
    return table
