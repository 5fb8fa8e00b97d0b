"""Depth of a portrait: how far each pixel lies in front of or behind the eyes.

The face is the surface of the mesh (`facegen.measure.mesh`). All else is a model, fitted to it and
to what the segments show: hair, hats and ears bulge between the face and their outline as a ball
does, a neck stands behind the jaw as a cylinder, shoulders fall off to both sides, and behind them
all is a plane. Seen by a distant camera: no perspective.

How a shape bulges: the square u of the height over its outline solves Poisson's equation with a
constant right side, u = 0 on the outline, and the square of the face's own height where the face
begins. On a disc that is exactly a ball; on a lock of hair, a bar that is as thick as wide.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from facegen.errors import LatentError, UsageError
from facegen.face import Face
from facegen.images import DIGITAL_SOURCE_TYPE, encode_png
from facegen.local.background import LOOK_PX, seen_on, segments_finder
from facegen.local.person import person_mask
from facegen.local.regions import HasMasks
from facegen.masks import MASK_PX
from facegen.measure.align import align, ffhq_quad
from facegen.measure.detector import require_picture
from facegen.measure.measurer import load_measurer
from facegen.measure.mesh import (
    LEFT_EYE,
    NUM_SURFACE,
    RIGHT_EYE,
    FaceMesh,
    load_geometry,
    load_mesh_reader,
)
from facegen.measure.surface import drawn
from facegen.operations import Background, Clothes, ContinueBackground, KeepRest
from facegen.protocols import Renders
from facegen.retouch.apply import draw
from facegen.retouch.matte import at_size, cut_out

UNMOVED = (KeepRest, ContinueBackground, Clothes, Background)
"""What may be done in a picture without moving anybody in it."""
PLANE_CM = -25.0
"""Of the plane behind everybody."""
NEAREST_CM = 10.0
SIZES = (256, 512, 1024)
LEVELS = 65535
UNSEEN = (
    "No face is seen on this picture, so it has no depth; give a picture of somebody who looks at "
    "the camera by more than half."
)
HEAD = ("hair", "hat", "ears", "skin", "beard", "brows", "glasses", "sunglasses")
IN_FRONT = {"hair": 0.8, "hat": 1.6, "glasses": 0.8, "sunglasses": 1.0}
"""By so many centimetres these lie before the face that they cover."""
# Of the head at rest, in centimetres: x to the right, y down, z to the viewer.
SKULL = (0.0, -3.0, -5.0)
"""The middle of the skull: where the outline of a head lies."""
NECK = (0.0, 10.5, -6.5)
"""The axis of a neck behind the chin."""
CHIN = (0.0, 9.0, 4.0)
NECK_RADIUS = 6.0
SHOULDERS = 22.0
CHEST = 8.5
"""Half of the width of shoulders, and by how much a chest lies before their middle."""
LEAN = 0.25
"""By so much a chest comes forward for each centimetre down from the chin."""
ROUND_CM = 4.0
"""Within so much of their outline clothes and necks fall off to its depth."""
GRID = 128
"""Cells of the grid on which hair is solved."""
HOLE = 0.002
"""Holes of less than this share of the picture are none."""
PULL, EVEN = 0.003, 6.0
THICKEST_CM = 14.0
"""Of what bulges, over its outline."""
SOFT = 1.2
TINY = 1e-6


@dataclass(frozen=True, eq=False)
class Depth:
    """Depth of a picture.

    Attributes:
        cm: float32 [S, S], centimetres toward the viewer, as a head of average size has them: 0 at
            the corners of the eyes, above 0 before them; `PLANE_CM` where nobody is.
        mesh: The face's surface in the picture.
    """

    cm: np.ndarray
    mesh: FaceMesh

    def to_png(self, *, source_type: str | None = DIGITAL_SOURCE_TYPE) -> bytes:
        """`picture` as a file: a grey PNG of 16 bits.

        Args:
            source_type: As for `facegen.images.encode_png`.
        """
        return encode_png(self.picture(), source_type=source_type)

    def picture(self) -> np.ndarray:
        """As a picture, uint16 [S, S]: near is bright; (cm - PLANE_CM) over 35 cm is white."""
        share = (self.cm - PLANE_CM) / (NEAREST_CM - PLANE_CM)
        return np.rint(share.clip(0, 1) * LEVELS).astype(np.uint16)


def of_picture(image: np.ndarray, segments: HasMasks | None = None, *, size: int = 256) -> Depth:
    """The depth of a portrait.

    Args:
        image: uint8 [H, H, 3] RGB, aligned as FFHQ is.
        segments: What it shows; found by the network for pictures unless given.
        size: Edge of the result: 256, 512 or 1024.

    Raises:
        LatentError: no such picture, or no face is seen on it.
        UsageError: another size.
        ModelError: the networks are not installed.
    """
    require_picture(np.asarray(image))
    if size not in SIZES:
        raise UsageError(f"A depth has an edge of {', '.join(map(str, SIZES))}, got {size}.")
    if segments is None:
        from facegen.measure import segments as networks  # PyTorch: seconds

        segments = networks.of_picture(image)
    mesh = load_mesh_reader().read(image)
    if mesh is None:
        raise LatentError(UNSEEN)
    person = person_mask(segments)
    shown = cut_out(at_size(np.ascontiguousarray(image), size), person).alpha >= 0.5
    near = at_size(person_depth(mesh, segments), size)
    cm = np.where(_without_holes(shown), near, np.float32(PLANE_CM)).astype(np.float32)
    return Depth(cm, mesh)


def of_face(face: Face, generator: Renders, *, size: int = 256) -> Depth:
    """The depth of a face's picture, with all that is done in it.

    Args:
        face: Whose.
        generator: Draws it.
        size: Edge of the result: 256, 512 or 1024.

    Raises:
        LatentError: no face is seen on it.
        ModelError: the networks are not installed.
    """
    edge = min(max(size, LOOK_PX), generator.img_resolution)
    image = draw(face.request(model=generator.model, size=edge), generator)
    segments = None
    if all(isinstance(one, UNMOVED) for one in face.pixel_operations):
        # What the network drew is where its features say, more surely than its pixels do.
        segments = seen_on(face.w_plus, face.keep, segments_finder(generator))
    return of_picture(image, segments, size=size)


def of_photograph(picture: np.ndarray, *, size: int = 256) -> Depth:
    """The depth of the largest face of any picture, as `facegen align` would cut it out.

    Args:
        picture: uint8 [H, W, 3] RGB of any shape; taken as it is where it is aligned already.
        size: Edge of the result: 256, 512 or 1024.

    Raises:
        LatentError: no such picture, or no face is seen on it.
        ModelError: the networks are not installed.
    """
    found = load_measurer().measure_all(picture)
    if not found:
        raise LatentError(UNSEEN)
    if found[0].is_aligned:
        return of_picture(picture, size=size)
    crop, _ = align(picture, ffhq_quad(found[0].landmarks), max(size, LOOK_PX))
    return of_picture(crop, size=size)


def person_depth(mesh: FaceMesh, segments: HasMasks) -> np.ndarray:
    """Depth of a person, drawn on beyond their outline: float32 [256, 256], centimetres.

    Args:
        mesh: Of their face.
        segments: What the picture shows.
    """
    person = person_mask(segments).values >= 128
    body = _Body(mesh, segments, person)
    face = body.face()
    head = body.head(face)
    depth = np.where(np.isfinite(face), face, np.nan).astype(np.float32)
    for layer in (head, body.trunk()):
        depth = np.where(np.isnan(depth), layer, depth)
    known = person & ~np.isnan(depth)
    if not known.any():
        known = np.isfinite(face)
    filled = _drawn_on(np.where(known, depth, 0), known)
    soft = cv2.GaussianBlur(filled, (0, 0), SOFT)
    return np.where(np.isfinite(face), filled, soft).astype(np.float32)


class _Body:
    """The parts of a person in one picture, each float32 [256, 256], NaN where it is not."""

    def __init__(self, mesh: FaceMesh, segments: HasMasks, person: np.ndarray) -> None:
        self._mesh, self._segments, self._person = mesh, segments, person
        self._place = mesh.placement
        corners = mesh.points[[*RIGHT_EYE, *LEFT_EYE]]
        self._eyes = float(corners[:, 2].mean())
        self._cell_cm = 1 / (MASK_PX * self._place.scale)
        self.limb = self._at(SKULL)[2]

    def _at(self, point: tuple[float, float, float]) -> np.ndarray:
        """A place of the head at rest: column and row in cells, centimetres before the eyes."""
        x, y, z = self._place.in_picture(np.array([point]))[0]
        return np.array([x * MASK_PX, y * MASK_PX, (z - self._eyes) / self._place.scale])

    def face(self) -> np.ndarray:
        """The mesh, with what covers it before it; minus infinity where it is not."""
        points = self._mesh.points[:NUM_SURFACE].copy()
        points[:, 2] = (points[:, 2] - self._eyes) / self._place.scale
        depth = drawn(points, load_geometry().triangles, MASK_PX)
        depth[~self._person] = -np.inf
        inside = np.isfinite(depth)
        for name, cm in IN_FRONT.items():
            cover = self._segments.mask(name) > 0.5
            if "glasses" in name:  # with the eyes seen through them
                cover = cv2.morphologyEx(cover.view(np.uint8), cv2.MORPH_CLOSE, _disc(7)) > 0
            lift = cm * cv2.GaussianBlur((cover & inside).astype(np.float32), (0, 0), SOFT)
            depth = depth + lift
        return depth

    def head(self, face: np.ndarray) -> np.ndarray:
        """Hair, hats and ears: they bulge from their outline to the face."""
        others = self._person & ~np.isfinite(face)
        where = others & (self._segments.mask(*HEAD) > 0.5)
        # What is taken for clothes and lies above the chin alone belongs to a hat.
        count, pieces = cv2.connectedComponents((others & ~where).view(np.uint8), connectivity=4)
        low = set(np.unique(pieces[max(int(self._at(CHIN)[1]), 0) :]).tolist())
        where |= np.isin(pieces, [k for k in range(1, count) if k not in low])
        if not where.any():
            return np.full(face.shape, np.nan, np.float32)
        height = np.where(np.isfinite(face), np.maximum(face - self.limb, 0), 0)
        bulge = _bulged(where, np.isfinite(face), height, ~self._person, self._cell_cm)
        return np.where(where, self.limb + bulge, np.nan).astype(np.float32)

    def trunk(self) -> np.ndarray:
        """Neck, shoulders and whatever else is the person's."""
        column, row, axis = self._at(NECK)
        rows, columns = np.indices((MASK_PX, MASK_PX))
        across = (columns + 0.5 - column) * self._cell_cm
        down = np.maximum((rows + 0.5 - row) * self._cell_cm, 0)
        neck = NECK_RADIUS * np.sqrt(np.clip(1 - (across / NECK_RADIUS) ** 2, 0, 1))
        chest = (CHEST + LEAN * down) * np.sqrt(np.clip(1 - (across / SHOULDERS) ** 2, 0, 1))
        clothes = self._segments.mask("clothes") > 0.5
        apart = cv2.distanceTransform(self._person.view(np.uint8), cv2.DIST_L2, 5)
        near = np.clip(apart * self._cell_cm / ROUND_CM, 0, 1)
        bulge = np.sqrt(1 - (1 - near) ** 2)
        return (axis + np.where(clothes, chest, neck) * bulge).astype(np.float32)


def _bulged(
    where: np.ndarray, face: np.ndarray, height: np.ndarray, outside: np.ndarray, cell_cm: float
) -> np.ndarray:
    """Heights over the outline, float32 [256, 256]: the square root of Poisson's equation.

    Args:
        where: Cells that bulge.
        face: Cells where the height is given.
        height: The given heights in centimetres.
        outside: Cells where nobody is: the outline lies there, at height 0.
        cell_cm: Edge of a cell.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.linalg import spsolve

    step = MASK_PX // GRID
    wanted, given, free = (
        at_size(one.astype(np.float32), GRID) > 0.25 for one in (where, face, outside)
    )
    wanted &= ~(at_size(face.astype(np.float32), GRID) > 0.5)
    known = at_size(height.astype(np.float32), GRID) / np.maximum(
        at_size(face.astype(np.float32), GRID), TINY
    )
    given &= ~wanted
    free = at_size(outside.astype(np.float32), GRID) > 0.5
    number = np.full((GRID, GRID), -1)
    number[wanted] = np.arange(wanted.sum())
    count = int(wanted.sum())
    # Where there is no outline near, heights draw toward that of the face next to them.
    near = cv2.GaussianBlur(_drawn_on(np.where(given, known**2, 0), given), (0, 0), EVEN)[wanted]
    pull = PULL if given.any() else TINY
    main = np.full(count, pull)
    right = 4 * (step * cell_cm) ** 2 + pull * near
    rows, columns = [], []
    ys, xs = np.nonzero(wanted)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = ys + dy, xs + dx
        ok = (y >= 0) & (y < GRID) & (x >= 0) & (x < GRID)
        y, x = y.clip(0, GRID - 1), x.clip(0, GRID - 1)
        own = ok & wanted[y, x]
        rows.append(np.flatnonzero(own))
        columns.append(number[y[own], x[own]])
        bound = ok & (given | free)[y, x] & ~wanted[y, x]
        main += own + bound
        right += np.where(bound & given[y, x], known[y, x] ** 2, 0)
    r, c = np.concatenate(rows), np.concatenate(columns)
    matrix = coo_matrix((np.full(len(r), -1.0), (r, c)), shape=(count, count)).tocsr()
    matrix.setdiag(main)
    u = np.zeros((GRID, GRID), np.float32)
    u[wanted] = np.clip(spsolve(matrix.tocsc(), right), 0, THICKEST_CM**2)
    u[given] = known[given] ** 2
    filled = _drawn_on(u, wanted | given | free)
    return np.sqrt(np.maximum(at_size(filled, MASK_PX), 0))


def _drawn_on(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values [S, S], where they are not known those of the nearest place that is."""
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(nearest.max() + 1, np.float32)
    table[nearest[known]] = values[known]
    return table[nearest]


def _without_holes(shown: np.ndarray) -> np.ndarray:
    """A person without small holes: patterns on clothes that look like what is behind."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(
        (~shown).astype(np.uint8), connectivity=4
    )
    rim = set(np.unique(np.r_[pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]).tolist())
    small = [
        k
        for k in range(1, count)
        if k not in rim and stats[k, cv2.CC_STAT_AREA] < HOLE * shown.size
    ]
    return shown | np.isin(pieces, small)


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
