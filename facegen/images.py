"""Pictures: between networks, arrays and files.

Two pixel formats cross function borders: `img`, float [N, 3, H, W] RGB in [-1, 1], and `image`,
uint8 [H, W, 3] RGB.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from facegen.errors import BadFileError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

MAX_PIXELS = 40_000_000
MAX_FILE_BYTES = 64 << 20
READABLE_FORMATS = ("PNG", "JPEG", "WEBP")
"""As Pillow calls them."""
FORMAT_NAMES = {"PNG": "PNG", "JPEG": "JPEG", "WEBP": "WebP", "AVIF": "AVIF", "HEIF": "HEIC"}
PictureKind = Literal["PNG", "JPEG", "WEBP"]
PICTURE_KINDS: dict[str, PictureKind] = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP",
}  # fmt: skip
"""Endings of the files in which faces are saved."""
PICTURE_SIZES = (256, 512, 1024)
"""Edges, in pixels, in which pictures are handed out besides their own."""
DECODING_ERRORS = (OSError, ValueError, SyntaxError, EOFError, RuntimeError)
"""What Pillow raises at a damaged picture; RuntimeError, the decoder of AVIF."""
WHITE = 255
DISPLAY_QUALITY = 90
CHEQUERS = (255, 236)
"""Greys of the chequerboard that stands for transparency."""
CELLS = 48
PNG_COMPRESS_LEVEL = 3  # a fifth of the time of the default for 8 % more bytes

SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
DIGITAL_SOURCE_TYPE = SOURCE_TYPES + "trainedAlgorithmicMedia"
"""What IPTC calls a picture that a network made."""
EDITED_SOURCE_TYPE = SOURCE_TYPES + "compositeWithTrainedAlgorithmicMedia"
"""And a photograph in which something made by a network was put."""


def to_uint8(img: Tensor) -> np.ndarray:
    """[N, 3, H, W] in [-1, 1] -> [N, H, W, 3] uint8, values outside clipped."""
    scaled = (img.detach() * 127.5 + 127.5).round_().clamp_(0, 255)
    return scaled.permute(0, 2, 3, 1).contiguous().to("cpu").byte().numpy()


def area_downscale(images: np.ndarray, size: int) -> np.ndarray:
    """Average [N, H, H, 3] uint8 down to [N, size, size, 3]; H must be a multiple of size."""
    n, height = images.shape[:2]
    if height == size:
        return images
    k = height // size
    blocks = images.reshape(n, size, k, size, k, 3).astype(np.uint32)
    return ((blocks.sum(axis=(2, 4)) + k * k // 2) // (k * k)).astype(np.uint8)


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """A square picture, uint8 [H, H, 3], at another size: averaged when it shrinks, else bicubic.

    For looking at and measuring. What the generator gives at a fraction of its size is
    `area_downscale`'s, whose rounding is the same everywhere.
    """
    import cv2  # here: reading a face's file should not cost it

    if image.shape[:2] == (size, size):
        return np.ascontiguousarray(image)
    shrinks = image.shape[0] > size
    return cv2.resize(
        image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )


def shrunk(image: np.ndarray, edge: int) -> np.ndarray:
    """A square picture of at most `edge` pixels."""
    return resized(image, min(edge, len(image)))


def flattened(image: np.ndarray) -> np.ndarray:
    """A picture without transparency, uint8 [H, W, 3]: what shows through is a chequerboard.

    Args:
        image: uint8 [H, W, 3], given back as it is, or [H, W, 4] with alpha.
    """
    if image.shape[2] == 3:
        return image
    height, width = image.shape[:2]
    cell = max(width // CELLS, 1)
    odd = (np.arange(height)[:, None] // cell + np.arange(width) // cell) % 2
    behind = np.where(odd, *CHEQUERS).astype(np.float32)[..., None]
    share = image[..., 3:].astype(np.float32) / np.float32(255)
    mixed: np.ndarray = (behind + share * (image[..., :3] - behind) + 0.5).astype(np.uint8)
    return mixed


def encode_jpeg(image: np.ndarray, *, quality: int = DISPLAY_QUALITY) -> bytes:
    """JPEG bytes for display, of what is transparent as `flattened`; faces are saved as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(flattened(image)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_png(
    image: np.ndarray,
    *,
    texts: dict[str, str] | None = None,
    source_type: str | None = DIGITAL_SOURCE_TYPE,
    exif: bytes | None = None,
) -> bytes:
    """PNG bytes with iTXt chunks and the mark of synthetic media.

    Args:
        image: uint8 [H, W, 3], or [H, W, 4] with alpha; or grey, uint16 [H, W].
        texts: Keyword -> text, written compressed.
        source_type: `DIGITAL_SOURCE_TYPE`, `EDITED_SOURCE_TYPE`, or None for a photograph as
            it was taken.
        exif: A block of EXIF.
    """
    info = PngImagePlugin.PngInfo()
    if source_type is not None:
        info.add_itxt("XML:com.adobe.xmp", synthetic_xmp(source_type))
    for key, text in (texts or {}).items():
        info.add_itxt(key, text, zip=True)
    buffer = io.BytesIO()
    options: dict[str, Any] = {} if exif is None else {"exif": exif}
    Image.fromarray(image).save(
        buffer, "PNG", pnginfo=info, compress_level=PNG_COMPRESS_LEVEL, **options
    )
    return buffer.getvalue()


def picture_kind(path: Path) -> PictureKind:
    """The format that a file's ending asks for, as Pillow calls it.

    Raises:
        UsageError: faces are not saved in it.
    """
    if (kind := PICTURE_KINDS.get(path.suffix.lower())) is None:
        raise UsageError(
            f"A face is saved as .png, .jpg or .webp, got {path.name}; name it {path.stem}.png."
        )
    return kind


def at_edge(image: np.ndarray, edge: int | None) -> np.ndarray:
    """A square picture, averaged down to be handed out.

    Args:
        image: uint8 [H, H, 3], or [H, H, 4] with alpha.
        edge: In pixels; None for the picture as it is.

    Raises:
        UsageError: the picture is smaller.
    """
    if edge is None or edge == len(image):
        return image
    if edge > len(image):
        raise UsageError(
            f"The picture has {len(image)} px, fewer than {edge}; ask for {len(image)} or less."
        )
    # Pillow weighs colours by alpha: no fringe of what is hidden.
    return np.asarray(Image.fromarray(image).resize((edge, edge), Image.Resampling.BOX))


def synthetic_xmp(source_type: str = DIGITAL_SOURCE_TYPE, *, more: str = "") -> str:
    """XMP packet that declares the picture AI-generated, or edited, by IPTC's source type.

    Args:
        source_type: One of those above.
        more: Further attributes, with their namespaces.
    """
    mark = (
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{source_type}"'
    )
    return xmp_packet(f"{mark} {more}" if more else mark)


def xmp_packet(attributes: str, *, wrapped: bool = True) -> str:
    """XMP with these attributes, in the wrapper by which programs find it unless told not to be."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {attributes}/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    if not wrapped:
        return packet
    return f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{packet}<?xpacket end="w"?>'


def open_image(
    data: bytes,
    *,
    name: str,
    formats: tuple[str, ...] = READABLE_FORMATS,
    max_pixels: int = MAX_PIXELS,
) -> Image.Image:
    """Open untrusted bytes as a picture without decoding its pixels.

    Args:
        data: A file's bytes.
        name: As its user knows it.
        formats: Which may be opened, as Pillow calls them.
        max_pixels: Width times height at most.

    Raises:
        BadFileError: of another format, damaged, or too large.
    """
    require_bytes(len(data), name=name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, whose size is checked, and of EXIF
            picture = Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as err:
        raise _too_large(name, "far more", max_pixels) from err
    except (UnidentifiedImageError, *DECODING_ERRORS) as err:
        *others, last = (FORMAT_NAMES[one] for one in formats)
        raise BadFileError(
            f"{name} is not a picture that can be read, or is cut off; open a whole "
            f"{', '.join(others)} or {last}."
        ) from err
    width, height = picture.size
    if width * height > max_pixels:
        raise _too_large(name, f"{width}×{height}", max_pixels)
    return picture


def require_bytes(count: int, *, name: str) -> None:
    """Refuse a file that is larger than any picture to be opened.

    Raises:
        BadFileError: it is.
    """
    if count > MAX_FILE_BYTES:
        raise BadFileError(
            f"{name} has {count / 1e6:.0f} MB; pictures of up to {MAX_FILE_BYTES / 1e6:.0f} MB "
            "can be opened."
        )


def decode_image(data: bytes, *, name: str, alpha: bool = False) -> np.ndarray:
    """Decode untrusted bytes to uint8 RGB [H, W, 3], upright.

    What is transparent becomes white; 16 bits become 8.

    Args:
        data: Of a file.
        name: Of the file, for errors.
        alpha: Give [H, W, 4] for pictures that are transparent somewhere.

    Raises:
        BadFileError: as `open_image`, or the pixels are cut off.
    """
    picture = open_image(data, name=name)
    try:
        upright = ImageOps.exif_transpose(picture)
        if alpha and upright.has_transparency_data:
            return np.asarray(upright.convert("RGBA"))
        return np.asarray(_as_rgb(upright))
    except DECODING_ERRORS as err:
        raise damaged(name) from err


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return eight_bits(picture).convert("RGB")
    if picture.has_transparency_data:
        return on_backdrop(picture, WHITE)
    return picture.convert("RGB")


def eight_bits(picture: Image.Image) -> Image.Image:
    """A grey picture of 16 bits in 8: Pillow's own conversion would cut at 255."""
    grey = np.asarray(picture).astype(np.float32) * np.float32(255 / 65535)
    return Image.fromarray(grey.round().clip(0, 255).astype(np.uint8))


def on_backdrop(picture: Image.Image, grey: int) -> Image.Image:
    """A picture with transparent parts, as RGB on plain grey, 0 to 255."""
    clear = picture.convert("RGBA")
    backdrop = Image.new("RGBA", clear.size, (grey, grey, grey, 255))
    return Image.alpha_composite(backdrop, clear).convert("RGB")


def damaged(name: str) -> BadFileError:
    """What to raise where a picture's pixels cannot be decoded."""
    return BadFileError(f"{name} is cut off or damaged; open another copy of it.")


def _too_large(name: str, size: str, limit: int) -> BadFileError:
    return BadFileError(
        f"{name} has {size} pixels; pictures of up to {limit / 1e6:.0f} megapixels can be "
        "opened. Make it smaller first."
    )
