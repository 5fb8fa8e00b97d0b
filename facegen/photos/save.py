"""An edited photograph as a file: marked as edited, and telling no more than was chosen.

Whatever is chosen, the small preview inside EXIF goes, since it shows the photo before the edit,
and so do the notes of the camera's maker, which cannot be read and may tell anything.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from PIL.ExifTags import IFD, Base

from facegen.errors import UsageError
from facegen.images import EDITED_SOURCE_TYPE, PICTURE_KINDS, encode_png, synthetic_xmp
from facegen.photos.intake import Photo

Metadata = Literal["no-location", "all", "none"]
METADATA: tuple[Metadata, ...] = ("no-location", "all", "none")
FORMATS = {**PICTURE_KINDS, ".avif": "AVIF"}
QUALITY = 95
AVIF_QUALITY = 85
WHERE_AND_WHOSE = (
    Base.BodySerialNumber, Base.LensSerialNumber, Base.CameraOwnerName, Base.ImageUniqueID,
    Base.CameraSerialNumber,
)  # fmt: skip
"""Tags that lead to a person as a place does."""


def output_format(path: Path) -> str:
    """The format that a file's ending asks for, as Pillow calls it.

    Raises:
        UsageError: it cannot be written.
    """
    if (kind := FORMATS.get(path.suffix.lower())) is None:
        raise UsageError(f"{path.name} must end in {', '.join(FORMATS)}; choose one of these.")
    return kind


def encode_photo(
    image: np.ndarray, photo: Photo, kind: str, *, metadata: Metadata = "no-location"
) -> bytes:
    """An edited photo as a file, marked as edited by IPTC's digital source type.

    PNG holds the very pixels. A JPEG that was a JPEG is written with the same quantisation tables,
    so that what was not edited changes least; other lossy files have a high quality.

    Args:
        image: uint8 [H, W, 3], sRGB.
        photo: Where it comes from.
        kind: JPEG, PNG, WEBP or AVIF.
        metadata: What stays of the photo's EXIF: all but its place and owner, all, or nothing.
    """
    exif = kept_exif(photo.exif, (image.shape[1], image.shape[0]), metadata)
    if kind == "PNG":
        return encode_png(image, source_type=EDITED_SOURCE_TYPE, exif=exif)
    options: dict[str, Any] = {"xmp": synthetic_xmp(EDITED_SOURCE_TYPE).encode()}
    if exif is not None:
        options["exif"] = exif
    if kind == "JPEG" and photo.jpeg_tables:
        options |= {"qtables": photo.jpeg_tables, "subsampling": photo.jpeg_sampling}
    elif kind == "JPEG":
        options |= {"quality": QUALITY, "subsampling": 0}
    else:
        options["quality"] = AVIF_QUALITY if kind == "AVIF" else QUALITY
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def kept_exif(exif: bytes, size: tuple[int, int], metadata: Metadata) -> bytes | None:
    """What stays of a photo's EXIF; None if that is nothing.

    Args:
        exif: Of the photo.
        size: Width and height that the tags are to tell.
        metadata: See `encode_photo`.
    """
    if not exif or metadata == "none":
        return None
    old, new = Image.Exif(), Image.Exif()
    old.load(exif)
    dropped = {IFD.Exif, IFD.GPSInfo, IFD.Interop, IFD.MakerNote}
    owner = set() if metadata == "all" else {int(tag) for tag in WHERE_AND_WHOSE}
    for tag, value in old.items():
        if tag not in dropped | owner and tag != Base.Orientation:
            new[tag] = value
    details = new.get_ifd(IFD.Exif)
    for tag, value in old.get_ifd(IFD.Exif).items():
        if tag not in dropped | owner:
            details[tag] = value
    for tag, length in zip((Base.ExifImageWidth, Base.ExifImageHeight), size, strict=True):
        if tag in details:
            details[tag] = length
    if metadata == "all":
        new.get_ifd(IFD.GPSInfo).update(old.get_ifd(IFD.GPSInfo))
    return new.tobytes() if len(new) or details else None
