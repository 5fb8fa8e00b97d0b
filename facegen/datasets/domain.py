"""The domain of a picture: an edited face back in the photograph that it was found in.

A photograph has what a network's picture of the same person lacks: its colours, its grain, details
and surroundings. Where there is an aligned crop of a photograph beside a face, only what the edit
changed goes into it (`facegen.photos.put_back`, with the face's own picture as reconstruction). For
a face that a network made, this step is the identity.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facegen.errors import UsageError
from facegen.images import resized
from facegen.local.person import person_mask
from facegen.masks import Mask
from facegen.measure.segments import of_picture
from facegen.operations import ContinueBackground
from facegen.photos.intake import photo_bytes, read_photo
from facegen.photos.put_back import put_back
from facegen.retouch.backdrop import continue_background

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".heic")
PHOTOGRAPH, GENERATED = "photograph", "generated"
"""What a manifest's row says of a picture's domain."""


@dataclass(frozen=True)
class Originals:
    """Aligned crops of photographs, by the names of faces.

    Attributes:
        files: Name of a face -> its crop.
        digests: Name -> SHA-256 of the crop.
    """

    files: Mapping[str, Path]
    digests: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path | None, names: Iterable[str]) -> Originals:
        """The crops in a folder that are called as faces are.

        Args:
            folder: As `facegen align` writes it; None for no photographs.
            names: Of the faces; those without a crop are taken for generated.

        Raises:
            UsageError: there is no such folder, or no crop in it is called as a face is.
            BadFileError: a crop cannot be read.
        """
        if folder is None:
            return cls({}, {})
        if not folder.is_dir():
            raise UsageError(f"{folder} is no folder of crops; make one with `facegen align`.")
        names = list(names)
        files = {}
        for name in names:
            places = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
            found = next((place for place in places if place.is_file()), None)
            if found is not None:
                files[name] = found
        if not files:
            raise UsageError(
                f"No crop in {folder} is called as a face is, such as {names[0]}.png; call them so."
            )
        digests = {
            name: hashlib.sha256(photo_bytes(path)).hexdigest() for name, path in files.items()
        }
        return cls(files, digests)

    def open(self, name: str) -> np.ndarray | None:
        """The crop of a face, uint8 [S, S, 3]; None if there is none.

        Raises:
            UsageError: it is not square.
            BadFileError: it cannot be read, or is another one by now.
        """
        if name not in self.files:
            return None
        path = self.files[name]
        data = photo_bytes(path)
        if hashlib.sha256(data).hexdigest() != self.digests[name]:
            raise UsageError(f"{path} has changed since this began; begin again.")
        image = read_photo(data, name=path.name).image
        if image.shape[0] != image.shape[1]:
            height, width = image.shape[:2]
            raise UsageError(
                f"{path.name} is {width}×{height}; a crop is square, as `facegen align` writes it."
            )
        return image


PROBABLY = 128
UNCOVERS = 0.01
"""Of the picture: where an edit uncovers so much, the photograph's own background is drawn on."""


def into_photograph(
    crop: np.ndarray,
    edited: np.ndarray,
    before: np.ndarray,
    mixing: ContinueBackground | None = None,
) -> np.ndarray:
    """The crop of a photograph with what an edit changed.

    Args:
        crop: uint8 [S, S, 3] of any size.
        edited: uint8 [H, H, 3]: the network's picture after the edit.
        before: Likewise, before it.
        mixing: What was mixed with the network's own background, if anything: the photograph's
            outline is another one than its reconstruction's, so it is mixed again with its own.

    Returns:
        uint8 [H, H, 3].
    """
    photo = resized(crop, len(edited))
    identity = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    made = put_back(photo, edited, identity, reconstruction=before).image
    if mixing is None:
        return made
    after, was = Mask(mixing.person), Mask(mixing.latent_person)
    gone = (was.values >= PROBABLY) & (after.values < PROBABLY) & (Mask(mixing.mask).values > 0)
    if gone.mean() < UNCOVERS:
        return made
    seen = of_picture(photo)
    # Hair of the photograph that its reconstruction lacks is uncovered with the rest.
    region = Mask(mixing.mask).union(Mask.of(seen.mask("hair", "hat")).soft(2))
    made = continue_background(made, photo, after, person_mask(seen), region)
    # Clothes of the photograph stay where the edited person does not stand before them.
    worn = Mask.of(seen.mask("clothes")).minus(after).soft(1).at(len(photo))
    return cv2.blendLinear(photo, made, worn, 1 - worn)
