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
AROUND = 3.0  # scales about a pixel: so far its neighbours count for the way that edges run
FOREHEAD = 0.5  # of the way from brows to lips: so far above the brows a fringe lies
# Number -> middle and spread over 600 of the labelled faces, rounded: only a scale to count in.
HAIR_NUMBERS: dict[str, tuple[float, float]] = {
    "hair_a": (7.1, 4.4), "hair_b": (6.7, 6.9), "hair_chroma": (11.3, 6.9),
    "hair_chroma_95": (21.2, 10.1), "hair_hue_x": (0.65, 0.18), "hair_hue_y": (0.48, 0.39),
    "hair_l_5": (10.9, 9.5), "hair_l_25": (18.5, 13.5), "hair_l_50": (26.2, 16.1),
    "hair_l_75": (36.1, 17.9), "hair_l_95": (52.3, 18.4), "hair_share": (0.25, 0.14),
    "hair_below": (0.12, 0.14), "hair_forehead": (0.19, 0.26),
    "hair_strands_1": (0.77, 0.097), "hair_strands_2": (0.77, 0.097),
    "hair_strands_4": (0.78, 0.092), "hair_strands_8": (0.76, 0.097),
    "hair_texture_1": (0.22, 0.069), "hair_texture_2": (0.14, 0.039),
    "hair_texture_4": (0.16, 0.056), "hair_texture_8": (0.20, 0.097),
}  # fmt: skip
MOST = 3.0  # spreads: a few pixels of hair give odd numbers


def inner_pixels(segments: Segments, name: str) -> np.ndarray:
    """Where a segment is in a picture of HAIR_PX, kept clear of its border: bool [512, 512]."""
    inner = cv2.erode(segments.mask(name), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8))
    return cv2.resize(inner, (HAIR_PX, HAIR_PX), interpolation=cv2.INTER_NEAREST) > 0


def hair_row(image: np.ndarray, segments: Segments) -> np.ndarray:
    """The numbers of the hair as classifiers read them; the same for the mirror image.

    Args:
        image: uint8 [H, H, 3] RGB, aligned as FFHQ is.
        segments: What its pixels show.

    Returns:
        float32 [len(HAIR_NUMBERS) + 1], in spreads from the middle of `HAIR_NUMBERS`, at most
        MOST; where hardly any hair is seen all are 0 but the last, which is 1 then.

    Raises:
        LatentError: no uint8 RGB picture of at least 64 px.
    """
    known = hair_statistics(image, segments)
    row = np.zeros(len(HAIR_NUMBERS) + 1, np.float32)
    if not known:
        row[-1] = 1
        return row
    for place, (name, (middle, spread)) in enumerate(HAIR_NUMBERS.items()):
        row[place] = np.clip((known[name] - middle) / spread, -MOST, MOST)
    return row


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
    inside = inner_pixels(segments, "hair")
    if inside.sum() < MIN_HAIR_PIXELS:
        return {}
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light, a, b = (lab[..., i][inside] for i in range(3))
    chroma = np.hypot(a, b)
    levels = np.percentile(light, PERCENTILES)
    values = {f"hair_l_{p}": float(level) for p, level in zip(PERCENTILES, levels, strict=True)}
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
        values[f"hair_strands_{scale:g}"] = _alignment(coarser, inside, int(scale))
        finer = coarser
    return values


def _alignment(light: np.ndarray, inside: np.ndarray, scale: int) -> float:
    """How much edges run one way: the structure tensor's coherence (Bigun & Granlund 1987)."""
    x = cv2.Sobel(light, cv2.CV_32F, 1, 0)
    y = cv2.Sobel(light, cv2.CV_32F, 0, 1)
    # Means over neighbours, so they are taken where there are fewer pixels: 70 ms less.
    edge = HAIR_PX // scale
    tensor = cv2.resize(
        np.dstack([x * x, y * y, x * y]), (edge, edge), interpolation=cv2.INTER_AREA
    )
    xx, yy, xy = cv2.split(cv2.GaussianBlur(tensor, (0, 0), AROUND))
    share = cv2.resize(inside.astype(np.float32), (edge, edge), interpolation=cv2.INTER_AREA)
    near = share > 0.5
    total = max(float((xx + yy)[near].sum()), 1e-6)
    return float(np.hypot(xx - yy, 2 * xy)[near].sum()) / total


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
