"""Photographs as cameras, phones and programs leave them -> upright sRGB pixels.

`facegen.images` reads what this program writes; here come the formats of phones, colour profiles,
print colours and files that are not what their names say. What had to be done is told in notes.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, JpegImagePlugin

from facegen.errors import BadFileError
from facegen.images import (
    DECODING_ERRORS,
    READABLE_FORMATS,
    damaged,
    eight_bits,
    on_backdrop,
    open_image,
    require_bytes,
)

MAX_PHOTO_PIXELS = 64_000_000
"""Phones take 48 to 50 million. 64 are 192 MB in memory, and three times that while being read."""
MIN_PHOTO_PX = 64
BACKDROP = 128  # grey, behind what is transparent: neither a light nor a dark rim shows
ANIMATED_FORMATS = ("PNG", "WEBP", "AVIF")
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"avc1", b"M4V ", b"3gp4", b"3gp5")
NOT_PHOTOGRAPHS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"GIF8", "a GIF"),
    (b"BM", "a bitmap (BMP)"),
    (b"II*\0", "a TIFF or a camera's raw file"),
    (b"MM\0*", "a TIFF or a camera's raw file"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (b"PK\x03\x04", "an archive"),
)
"""How files begin that are often taken for photographs."""
EXPORT_ADVICE = "export the photo as JPEG, PNG, WebP, AVIF or HEIC"


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph, ready to be looked at.

    Attributes:
        image: uint8 [H, W, 3] RGB in sRGB, upright; not to be written to.
        name: The file's name.
        format: As Pillow calls it: JPEG, PNG, WEBP, AVIF or HEIF.
        notes: What was done on the way, one sentence each.
        exif: EXIF without the orientation, which `image` obeys already; empty if there is none.
        jpeg_tables: Quantisation tables of a JPEG, with which it can be written again.
        jpeg_sampling: Of its colours, as Pillow numbers them.
    """

    image: np.ndarray
    name: str
    format: str
    notes: tuple[str, ...] = ()
    exif: bytes = b""
    jpeg_tables: tuple[tuple[int, ...], ...] = ()
    jpeg_sampling: int = 0


def open_photo(path: Path) -> Photo:
    """The photograph in a file.

    Raises:
        BadFileError: it is missing, too large, damaged, or no photograph.
    """
    return read_photo(photo_bytes(path), name=path.name)


def photo_bytes(path: Path) -> bytes:
    """A file's bytes, unless they are too many for a photograph.

    Raises:
        BadFileError: it cannot be read, or is too large.
    """
    try:
        if not path.is_file() and path.exists():
            raise BadFileError(f"{path} is no file; name a photo.")
        require_bytes(path.stat().st_size, name=path.name)
        return path.read_bytes()
    except OSError as err:
        raise BadFileError(f"{path} cannot be opened ({err.strerror}).") from err


def read_photo(data: bytes, *, name: str) -> Photo:
    """Decode a photograph from untrusted bytes.

    JPEG, PNG, WebP, AVIF and HEIC of up to 64 MiB and 64 megapixels. EXIF's orientation and
    embedded colour profiles are obeyed; print colours (CMYK), grey, palettes and 16 bits become 8
    bits of sRGB; what is transparent becomes grey.

    Args:
        data: The file's bytes.
        name: As its user knows it.

    Raises:
        BadFileError: damaged, too large, too small, or no photograph; says what it is where that
            can be told.
    """
    if not data:
        raise BadFileError(f"{name} is empty; open another copy of it.")
    _require_photograph(data, name)
    picture = open_image(data, name=name, formats=_formats(data), max_pixels=MAX_PHOTO_PIXELS)
    kind = "JPEG" if picture.format == "MPO" else str(picture.format)
    if min(picture.size) < MIN_PHOTO_PX:
        raise BadFileError(
            f"{name} is {picture.width}×{picture.height}; a photo needs at least {MIN_PHOTO_PX} "
            "pixels each way. Take a larger one."
        )
    notes: list[str] = []
    if kind in ANIMATED_FORMATS and getattr(picture, "n_frames", 1) > 1:
        notes.append("It is animated; its first frame is used.")
    tables, sampling = _jpeg_coding(picture)
    profile = picture.info.get("icc_profile")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged EXIF, which is told in a note
            picture.load()
            exif = _turn_upright(picture, notes)
            image = np.asarray(_in_srgb(picture, profile, notes))
    except DECODING_ERRORS as err:
        raise damaged(name) from err
    image.setflags(write=False)
    return Photo(image, name, kind, tuple(notes), exif, tables, sampling)


def _require_photograph(data: bytes, name: str) -> None:
    """Say what a file is that is no photograph.

    Raises:
        BadFileError: it is known to be something else.
    """
    noun = next((noun for start, noun in NOT_PHOTOGRAPHS if data.startswith(start)), None)
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg")) and b"<svg" in data[:65536].lower():
        noun = "a drawing (SVG)"
    elif text.startswith((b"<!doctype html", b"<html")):
        noun = "a web page"
    elif data[4:8] == b"ftyp" and data[8:12] in VIDEO_BRANDS:
        noun = "a video"
    elif data[4:12] == b"ftypcrx ":
        noun = "a camera's raw file"
    if noun is not None:
        raise BadFileError(f"{name} is {noun}, not a photo that can be read; {EXPORT_ADVICE}.")


def _formats(data: bytes) -> tuple[str, ...]:
    """What the file may be; the decoder of HEIC is loaded only for one."""
    if data[4:8] != b"ftyp" or data[8:12] not in HEIC_BRANDS:
        return (*READABLE_FORMATS, "AVIF")
    if data[8:12] in (b"mif1", b"msf1") and b"avif" in data[12:64]:
        return ("AVIF",)
    try:
        import pi_heif
    except ImportError as err:
        raise BadFileError(
            "HEIC needs the package pi-heif, which is not installed here; install it, or export "
            "the photo as JPEG."
        ) from err
    pi_heif.register_heif_opener(thumbnails=False)
    return ("HEIF",)


def _jpeg_coding(picture: Image.Image) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Quantisation tables and sampling of a JPEG; of anything else none, and 0."""
    if not isinstance(picture, JpegImagePlugin.JpegImageFile) or picture.mode not in ("RGB", "L"):
        return (), 0
    sampling = JpegImagePlugin.get_sampling(picture) if picture.mode == "RGB" else 0
    tables = [tuple(picture.quantization[key]) for key in sorted(picture.quantization)]
    if sampling < 0 or not 1 <= len(tables) <= 2 or max(map(max, tables)) > 255:
        return (), 0
    return tuple(tables), sampling


def _turn_upright(picture: Image.Image, notes: list[str]) -> bytes:
    """Turn a picture as its orientation says; returns the EXIF that stays."""
    try:
        ImageOps.exif_transpose(picture, in_place=True)  # no copy of what stands upright already
        exif = picture.getexif()
        return exif.tobytes() if len(exif) else b""
    except Exception:  # Pillow's reader of EXIF raises anything on damaged tags
        notes.append("Its EXIF is damaged and was left out.")
        return b""


def _in_srgb(picture: Image.Image, profile: bytes | None, notes: list[str]) -> Image.Image:
    if picture.mode.startswith("I"):
        notes.append("Its 16 bits became 8.")
        picture = eight_bits(picture)
    alpha = None
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        alpha = picture.getchannel("A")
        if alpha.getextrema() == (255, 255):
            alpha = None
        picture = picture.convert("RGB")
    elif picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("RGB")
    converted = _by_profile(picture, profile, notes)
    if converted is None:
        if picture.mode == "CMYK":
            notes.append("Its print colours have no profile, so they are approximate.")
        converted = picture if picture.mode == "RGB" else picture.convert("RGB")
    if alpha is not None:
        notes.append("What is transparent is shown on grey.")
        converted.putalpha(alpha)
        converted = on_backdrop(converted, BACKDROP)
    return converted


def _by_profile(
    picture: Image.Image, profile: bytes | None, notes: list[str]
) -> Image.Image | None:  # fmt: skip
    """The picture in sRGB by its colour profile; None where there is none of use."""
    if not profile:
        return None
    wanted = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}[picture.mode]
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space != wanted:
            raise ImageCms.PyCMSError("made for other colours")
        title = ImageCms.getProfileDescription(source).strip()[:60]
        title = "".join(c for c in title if c.isprintable()) or "an unnamed profile"
        if "srgb" in title.lower() and picture.mode == "RGB":
            return picture
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )  # fmt: skip
    except (ImageCms.PyCMSError, *DECODING_ERRORS, TypeError):
        notes.append("Its colour profile cannot be used and was left out.")
        return None
    notes.append(f"Its colours were converted from {title} to sRGB.")
    return converted
