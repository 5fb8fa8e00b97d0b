"""Pictures: between networks, arrays and files.

Two pixel formats cross function borders: `img`, float [N, 3, H, W] RGB in [-1, 1], and `image`,
uint8 [H, W, 3] RGB.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from facegen.errors import BadFileError

if TYPE_CHECKING:
    from torch import Tensor

MAX_PIXELS = 40_000_000
MAX_FILE_BYTES = 64 << 20
READABLE_FORMATS = ("PNG", "JPEG", "WEBP")
DISPLAY_QUALITY = 90
CHEQUERS = (255, 236)
"""Greys of the chequerboard that stands for transparency."""
CELLS = 48
PNG_COMPRESS_LEVEL = 3  # a fifth of the time of the default for 8 % more bytes

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


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
    """JPEG bytes for display; faces are saved as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def encode_png(image: np.ndarray, *, texts: dict[str, str] | None = None) -> bytes:
    """PNG bytes with iTXt chunks and the mark of synthetic media.

    Args:
        image: uint8 [H, W, 3], or [H, W, 4] with alpha.
        texts: Keyword -> text, written compressed.
    """
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", synthetic_xmp())
    for key, text in (texts or {}).items():
        info.add_itxt(key, text, zip=True)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", pnginfo=info, compress_level=PNG_COMPRESS_LEVEL)
    return buffer.getvalue()


def synthetic_xmp() -> str:
    """XMP packet that declares the picture AI-generated, by IPTC's digital source type."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/>'
        "</rdf:RDF></x:xmpmeta>"
        '<?xpacket end="w"?>'
    )


def open_image(data: bytes, *, name: str) -> Image.Image:
    """Open untrusted bytes as a picture without decoding its pixels.

    Raises:
        BadFileError: not a PNG, JPEG or WebP, damaged, or too large.
    """
    if len(data) > MAX_FILE_BYTES:
        raise BadFileError(
            f"{name} has {len(data) / 1e6:.0f} MB; pictures of up to "
            f"{MAX_FILE_BYTES / 1e6:.0f} MB can be opened."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=READABLE_FORMATS)
    except Image.DecompressionBombError as err:
        raise _too_large(name, "far more") from err
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as err:
        raise BadFileError(
            f"{name} is not a picture that can be read, or is cut off; open a whole PNG, JPEG or "
            "WebP."
        ) from err
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"{width}×{height}")
    return picture


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
    except (OSError, ValueError, SyntaxError, EOFError) as err:
        raise BadFileError(f"{name} is cut off or damaged; open another copy of it.") from err


def _as_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # Pillow's own conversion would cut 16 bits at 255
        grey = np.asarray(picture).astype(np.float64) * (255 / 65535)
        return Image.fromarray(grey.round().clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, clear).convert("RGB")
    return picture.convert("RGB")


def _too_large(name: str, size: str) -> BadFileError:
    return BadFileError(
        f"{name} has {size} pixels; pictures of up to {MAX_PIXELS / 1e6:.0f} megapixels can be "
        "opened. Make it smaller first."
    )
