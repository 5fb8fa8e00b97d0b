"""How like their originals the pictures of found latents are: generated ones, and photographs.

Every way of finding a latent is given the same crops, and judged by `facegen.evaluation.likeness`
against the same strangers, by pixels, and by how natural the latents and their pictures are. What
is drawn from seeds was used for nothing else; photographs are read from where the user has them,
and never written.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import inference_mode

from facegen.directions.natural import Natural
from facegen.errors import UsageError
from facegen.evaluation.likeness import (
    Identity,
    IdentityJudges,
    Likeness,
    likeness,
)
from facegen.evaluation.lite0 import load_lite0
from facegen.evaluation.realism import Realism, learn_realism, picture_features
from facegen.images import area_downscale
from facegen.latents import LABELS_PSI
from facegen.measure.detector import MEASURE_PX, at_size
from facegen.photos.align import find_faces
from facegen.photos.intake import open_photo
from facegen.protocols import Generates, Progress

FACES_FROM = 66_000_000
STRANGERS_FROM = 67_000_000
PIXELS_PX = 256
REALISM_HELD_OUT = 3  # one in so many strangers tells what a distance means

Way = Callable[[np.ndarray], np.ndarray | None]
"""An aligned crop, uint8 [S, S, 3] -> w_plus [18, 512]; None where it finds no face."""


@dataclass(frozen=True, eq=False)
class Original:
    """A picture whose latent is to be found.

    Attributes:
        name: Of the photograph, or of the seed.
        person: Photographs of one person share it.
        crop: uint8 [1024, 1024, 3], aligned as FFHQ is.
        identity: Who it shows.
        is_photo: Not generated.
    """

    name: str
    person: str
    crop: np.ndarray
    identity: Identity
    is_photo: bool


@dataclass(frozen=True, eq=False)
class Crowd:
    """People that originals are told from.

    Attributes:
        identities: Of generated faces.
        realism: Learned from their pictures.
    """

    identities: tuple[Identity, ...]
    realism: Realism


@dataclass(frozen=True, eq=False)
class Inverted:
    """What one way made of one original.

    Attributes:
        way: Its name.
        original: The original.
        picture: uint8 [256, 256, 3], the result's; None if the way found no face.
        likeness: By each judge.
        pixels: Mean absolute difference of the pictures at 256 px, of 255.
        naturalness: Of the latent, per cent of faces without truncation that are less natural.
        is_natural: Whether the picture lies within what holds 99 % of generated faces.
        seconds: It took.
    """

    way: str
    original: Original
    picture: np.ndarray | None
    likeness: Mapping[str, Likeness]
    pixels: float
    naturalness: float
    is_natural: bool
    seconds: float


def generated_originals(
    generator: Generates, judges: IdentityJudges, count: int, progress: Progress
) -> list[Original]:
    """Faces of seeds that nothing else uses, at the labels' truncation."""
    found = []
    for index in range(count):
        crop = generator.render(generator.w_from_seed(FACES_FROM + index, LABELS_PSI))
        identity = judges.identity(crop)
        if identity is not None:
            name = str(FACES_FROM + index)
            found.append(Original(name, name, crop, identity, is_photo=False))
        progress(index + 1, count)
    return found


def photographs(paths: Sequence[Path], judges: IdentityJudges) -> list[Original]:
    """The largest face of each photo; "anna2.jpg" counts as another photo of "anna.jpg".

    Raises:
        BadFileError: a file is no photo.
        UsageError: no face is found in one.
    """
    found = []
    for path in paths:
        faces = find_faces(open_photo(path).image)
        identity = judges.identity(faces[0].crop) if faces else None
        if identity is None:
            raise UsageError(f"No face is found in {path.name}; leave it out.")
        person = path.stem.split("_partial")[0].rstrip("0123456789")
        found.append(Original(path.stem, person, faces[0].crop, identity, is_photo=True))
    return found


def crowd(generator: Generates, judges: IdentityJudges, count: int, progress: Progress) -> Crowd:
    """Strangers, and what natural pictures look like."""
    net = load_lite0()
    identities, features = [], []
    for index in range(count):
        w_plus = generator.w_from_seed(STRANGERS_FROM + index, LABELS_PSI)
        picture = generator.render(w_plus, size=MEASURE_PX)
        identity = judges.identity(picture)
        if identity is not None:
            identities.append(identity)
        with inference_mode():
            features.append(picture_features(net, picture))
        progress(index + 1, count)
    rows = np.stack(features)
    held = np.arange(count) % REALISM_HELD_OUT == 0
    return Crowd(tuple(identities), learn_realism(rows[~held], rows[held]))


def judge_inversions(
    generator: Generates,
    ways: Mapping[str, Way],
    originals: Sequence[Original],
    strangers: Crowd,
    natural: Natural,
    judges: IdentityJudges,
    progress: Progress,
) -> list[Inverted]:
    """Let every way find every original."""
    net, found = load_lite0(), []
    for done, original in enumerate(originals):
        others = [*strangers.identities]
        for name, way in ways.items():
            begun = time.perf_counter()
            w_plus = way(original.crop)
            took = time.perf_counter() - begun
            if w_plus is None:
                nobody = likeness(original.identity, None, others)
                found.append(Inverted(name, original, None, nobody, np.nan, np.nan, False, took))
                continue
            picture = generator.render(w_plus)
            small, before = (
                area_downscale(one[None], PIXELS_PX)[0] for one in (picture, original.crop)
            )
            with inference_mode():
                features = picture_features(net, at_size(picture, MEASURE_PX))
            found.append(
                Inverted(
                    name, original, small,
                    likeness(original.identity, judges.identity(picture), others),
                    float(np.abs(small.astype(float) - before).mean()),
                    natural.naturalness(w_plus),
                    strangers.realism.is_natural(features),
                    took,
                )
            )  # fmt: skip
        progress(done + 1, len(originals))
    return found


def same_people(originals: Sequence[Original], judge: str) -> np.ndarray:
    """Cosines of all pairs of photographs of one person."""
    photos = [one for one in originals if one.is_photo]
    return np.array(
        [
            a.identity[judge] @ b.identity[judge]
            for k, a in enumerate(photos)
            for b in photos[:k]
            if a.person == b.person
        ]
    )


def between_strangers(strangers: Crowd, judge: str) -> np.ndarray:
    """Cosines of all pairs of strangers."""
    rows = np.stack([one[judge] for one in strangers.identities])
    found: np.ndarray = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return found
