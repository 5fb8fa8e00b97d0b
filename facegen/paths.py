"""Where the program's own files lie, beside the package in the checkout."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIRECTIONS_DIR = ROOT / "directions"
MODELS_DIR = ROOT / "models"


def weights_dir() -> Path:
    """Folder of fetched weights: $FACEGEN_WEIGHTS, else `models/weights` in the checkout."""
    return Path(os.environ.get("FACEGEN_WEIGHTS") or MODELS_DIR / "weights")
