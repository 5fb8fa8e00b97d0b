"""Checks at the doors of the package: shapes, finiteness, colours, with sentences for errors."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from facegen.errors import LatentError

_COLOUR = re.compile("#[0-9a-f]{6}")


def require_shape(
    array: np.ndarray, shape: Sequence[int | None], *, what: str, advice: str
) -> None:
    """Raise unless `array.shape` matches `shape`; None matches any length.

    Args:
        array: The array to check.
        shape: Expected length per axis, None where any length will do.
        what: Name of the array in the error, e.g. "w_plus".
        advice: What the user should do, as a sentence.

    Raises:
        LatentError: the number of axes or a length differs.
    """
    fits = array.ndim == len(shape) and all(
        want is None or got == want for got, want in zip(array.shape, shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in shape)
        got = ", ".join(str(length) for length in array.shape)
        raise LatentError(f"{what} must have the shape ({wanted}), got ({got}). {advice}")


def require_finite(array: np.ndarray, *, what: str, advice: str) -> None:
    """Raise if `array` holds a NaN or an infinity.

    Raises:
        LatentError: with the number of values that are not finite.
    """
    bad = int(np.size(array) - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise LatentError(f"{what} must hold finite numbers, got {bad} NaN or infinite. {advice}")


def is_colour(text: str) -> bool:
    """Whether a text is a colour, "#rrggbb" in lower case."""
    return _COLOUR.fullmatch(text) is not None


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255 each, of "#rrggbb"."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue
