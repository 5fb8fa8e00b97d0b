"""Numbers of the hair, read inside its segment: colour, texture, and how it lies about the face.

They depend on no fixed places, and a picture and its mirror image give the same ones but for
rounding. What they tell is in docs/notes/segments.md.
"""

from __future__ import annotations

import cv2
import numpy as np

from facegen.measure.detector import at_size
from facegen.measure.segments import SEGMENTS_PX, Segments

HAIR_PX = 512
MIN_HAIR_PIXELS = 400  # of 512 x 512: with fewer there is no hair to speak of
EDGE_PX = 2  # kept clear at the segment's border, at 256 px
PERCENTILES = (5, 25, 50, 75, 95)
SCALES_PX = (1.0, 2.0, 4.0, 8.0)
FOREHEAD = 0.5  # of the way from brows to lips: so far above the brows a fringe lies


def hair_statistics(image: np.ndarray, segments: Segments) -> dict[str, float]:
    """Numbers of the hair of an aligned face.

    Args:
        image: uint8 [H, H, 3] RGB.
        segments: What its pixels show.

    Returns:
        Nothing where there is hardly any hair, else, with L*, a*, b* of CIE Lab:
            hair_share: Of the picture.
            hair_l_5 to hair_l_95: Percentiles of L*.
            hair_a, hair_b, hair_chroma, hair_chroma_95: Means, and the 95th percentile.
            hair_hue_x, hair_hue_y: a* and b* of all pixels in their ratio to the mean chroma.
            hair_texture_1 to hair_texture_8: Spread of L* between neighbouring scales, pixels of
                512, in shares of L*'s own spread.
            hair_strands_1 to hair_strands_8: How much the edges of a scale run one way about each
                pixel, 0 (curls, foam) to 1 (combed).
            hair_below: Share of the hair that lies below the lips.
            hair_forehead: How much of the forehead between the brows' ends it covers.

    Raises:
        LatentError: no uint8 RGB picture of at least 64 px.
    """
    picture = at_size(image, HAIR_PX)
    mask = segments.mask("hair")
    inner = cv2.erode(mask, np.ones((2 * EDGE_PX + 1,) * 2, np.uint8))
    inside = cv2.resize(inner, (HAIR_PX, HAIR_PX), interpolation=cv2.INTER_NEAREST) > 0
    if inside.sum() < MIN_HAIR_PIXELS:
        return {}
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light, a, b = (lab[..., i][inside] for i in range(3))
    chroma = np.hypot(a, b)
    values = {f"hair_l_{p}": float(np.percentile(light, p)) for p in PERCENTILES}
    mean_chroma = max(float(chroma.mean()), 1e-3)
    values |= {
        "hair_share": float(mask.mean()),
        "hair_a": float(a.mean()),
        "hair_b": float(b.mean()),
        "hair_chroma": mean_chroma,
        "hair_chroma_95": float(np.percentile(chroma, 95)),
        "hair_hue_x": float(a.mean()) / mean_chroma,
        "hair_hue_y": float(b.mean()) / mean_chroma,
    }
    return values | _texture(lab[..., 0], inside) | _lie(segments, mask)


def _texture(light: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    spread = max(float(light[inside].std()), 1e-3)
    values, finer = {}, light
    for scale in SCALES_PX:
        coarser = cv2.GaussianBlur(light, (0, 0), scale)
        values[f"hair_texture_{scale:g}"] = float((finer - coarser)[inside].std()) / spread
        x = cv2.Sobel(coarser, cv2.CV_32F, 1, 0)
        y = cv2.Sobel(coarser, cv2.CV_32F, 0, 1)
        xx, yy, xy = (cv2.GaussianBlur(v, (0, 0), 3 * scale) for v in (x * x, y * y, x * y))
        energy, along = xx + yy, np.hypot(xx - yy, 2 * xy)
        total = max(float(energy[inside].sum()), 1e-6)
        values[f"hair_strands_{scale:g}"] = float(along[inside].sum()) / total
        finer = coarser
    return values


def _lie(segments: Segments, mask: np.ndarray) -> dict[str, float]:
    values = {"hair_below": 0.0, "hair_forehead": 0.0}
    lips, brows = segments.mask("lips") > 0, segments.mask("brows", "eyes", "iris") > 0
    if not lips.any() or not brows.any():
        return values
    lips_row = int(np.nonzero(lips.any(axis=1))[0].mean())
    values["hair_below"] = float(mask[lips_row:].sum() / mask.sum())
    rows, columns = np.nonzero(brows.any(axis=1))[0], np.nonzero(brows.any(axis=0))[0]
    top = int(rows[0])
    height = max(round(FOREHEAD * (lips_row - top)), 1)
    forehead = mask[max(top - height, 0) : top, columns[0] : min(columns[-1] + 1, SEGMENTS_PX)]
    if forehead.size:
        values["hair_forehead"] = float(forehead.mean())
    return values
