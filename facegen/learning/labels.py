"""The labels judged by eye, as numbers per face: see `directions/labels/README.md`.

A *channel* is one number per face that a dial can be learned from; NaN where an annotator could
not tell. Channels of instruments (`facegen.measure`) have other names and join these in
`facegen.learning.learn`.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from facegen.errors import BadFileError
from facegen.paths import DIRECTIONS_DIR

LABELS_FILE = DIRECTIONS_DIR / "labels" / "faces_v1.csv"
UNKNOWN = ("x", "")

# Channel -> (column, words that are numbers themselves?). None: the column's numbers as they are.
_CODES: dict[str, tuple[str, dict[str, float] | None]] = {
    "gender": ("male", None),
    "age": ("age", None),
    "hat": ("hat", None),
    "glasses": ("glasses", {"0": 0, "1": 1, "2": 1}),
    # Against clear glasses and none alike: the dial changes the tint as well as the frame.
    "sunglasses": ("glasses", {"0": 0, "1": 0, "2": 1}),
    "skin": ("skin", None),
    "hair_blond": ("hair_color", {"blond": 1, "black": 0, "brown": 0, "gray": 0, "red": 0}),
    "hair_black": ("hair_color", {"black": 1, "blond": 0, "brown": 0, "gray": 0, "red": 0}),
    "hair_gray": ("hair_color", {"gray": 1, "blond": 0, "brown": 0, "black": 0, "red": 0}),
    "hair_red": ("hair_color", {"red": 1, "blond": 0, "brown": 0, "black": 0, "gray": 0}),
    "hair_length": ("hair_length", None),
    "hair_volume": ("hair_volume", None),
    "curls": ("hair_curl", None),
    "bangs": ("bangs", None),
    "receding": ("receding", None),
    "beard": ("beard", None),
    "mustache": ("mustache", None),
    "goatee": ("goatee", None),
    "sideburns": ("sideburns", None),
    "stubble": ("shadow", None),
    "makeup": ("makeup", None),
    "lipstick": ("lipstick", None),
    "smile": ("smile", None),
    "frown": ("smile", {"-1": 1, "0": 0, "1": 0, "2": 0}),
    "mouth_label": ("mouth_open", None),
    "teeth": ("teeth", None),
    "eyes_label": ("eyes_open", None),
    "narrow_eyes": ("narrow_eyes", None),
    "eye_blue": ("eye_color", {"blue": 1, "brown": 0, "green": 0.5}),
    "eye_bags": ("eye_bags", None),
    "brows": ("brows", None),
    "arched_brows": ("arched_brows", None),
    "nose_size": ("nose_size", None),
    "pointy_nose": ("pointy_nose", None),
    "lips": ("lips", None),
    "chubby": ("chubby", None),
    "double_chin": ("double_chin", None),
    "cheekbones": ("cheekbones", None),
    "rosy_cheeks": ("rosy_cheeks", None),
    "oval_face": ("oval_face", None),
    "wrinkles": ("wrinkles", None),
    "earrings": ("earrings", None),
    "necklace": ("necklace", None),
    "collar": ("collar", None),
    "gaze": ("gaze", {"l": -1, "c": 0, "r": 1}),
    "light_label": ("light", {"l": -1, "f": 0, "t": 0, "b": 0, "r": 1}),
    "bg_busy": ("bg_busy", None),
    "outdoors": ("scene", {"o": 1, "i": 0, "s": 0}),
    "studio": ("scene", {"s": 1, "i": 0, "o": 0}),
    "artifact": ("artifact", None),
}


def read_labels(path: Path = LABELS_FILE) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Read the labels.

    Args:
        path: CSV with a column `seed` and the columns described in the README beside it.

    Returns:
        Seeds, int64 [N], and channel -> float64 [N] with NaN where nobody could tell.

    Raises:
        BadFileError: not such a table.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        seeds = np.array([int(row["seed"]) for row in rows])
        channels = {name: _column(rows, *code) for name, code in _CODES.items()}
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as err:
        raise BadFileError(
            f"The labels {path.name} cannot be read ({err}). Restore the file from the repository."
        ) from err
    if len(seeds) == 0 or len(set(seeds.tolist())) != len(seeds) or seeds.min() < 0:
        raise BadFileError(f"The labels {path.name} must name each seed once, and at least one.")
    return seeds, channels


def _column(rows: list[dict[str, str]], column: str, codes: dict[str, float] | None) -> np.ndarray:
    def number(word: str) -> float:
        if word in UNKNOWN:
            return np.nan
        return float(word) if codes is None else float(codes.get(word, np.nan))

    return np.array([number(row[column]) for row in rows], np.float64)
