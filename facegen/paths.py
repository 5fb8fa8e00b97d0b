"""Where files lie: the program's own, which are only read, and the user's, which are written.

The program's own data are `models/` and `directions/` at the top of a checkout; a wheel carries
them inside the package, as `facegen/_data/`. What users fetch, import or make goes to their data
folder, never into the package.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from facegen.errors import InstallationError, UsageError

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
"""The folder that holds the package: the top of a checkout, or `site-packages`."""
IN_CHECKOUT = (ROOT / "pyproject.toml").is_file()
DATA = ROOT if IN_CHECKOUT else PACKAGE / "_data"
DIRECTIONS_DIR = DATA / "directions"
MODELS_DIR = DATA / "models"

DATA_VARIABLE = "FACEGEN_DATA"
WEIGHTS_VARIABLE = "FACEGEN_WEIGHTS"
VARIABLES = {
    DATA_VARIABLE: "Folder for all that is fetched, imported or made.",
    WEIGHTS_VARIABLE: "Folder for weights alone.",
    "FACEGEN_MODEL": "Network that the app starts with.",
}
"""The environment variables that the program reads."""


def data_dir() -> Path:
    """The user's data folder: $FACEGEN_DATA, else what the system has for such data.

    Raises:
        UsageError: the variable names no folder.
    """
    return _named(DATA_VARIABLE) or platformdirs.user_data_path("facegen", appauthor=False)


def weights_dir() -> Path:
    """Folder of weights: $FACEGEN_WEIGHTS, else `weights` in the data folder.

    Weights that earlier versions fetched into a checkout's `models/weights` stay in use there.

    Raises:
        UsageError: the variable names no folder.
    """
    return (
        _named(WEIGHTS_VARIABLE)
        or _in_checkout(Path("models", "weights"), "*")
        or data_dir() / "weights"
    )


def own_dials_dir(space: str) -> Path:
    """Folder of the user's own dials of a latent space.

    Dials that earlier versions kept in a checkout's `directions/<space>/own` stay in use there.

    Raises:
        UsageError: $FACEGEN_DATA names no folder.
    """
    place = Path("directions", space, "own")
    return _in_checkout(place, "*.npz") or data_dir() / place


def cache_dir() -> Path:
    """Folder for what can be computed again: `.cache` of a checkout, or in the data folder."""
    return ROOT / ".cache" if IN_CHECKOUT else data_dir() / "cache"


def is_in_checkout(path: Path) -> bool:
    """Whether a user's file or folder lies where earlier versions kept it."""
    return IN_CHECKOUT and path.is_relative_to(ROOT)


def shipped(path: Path) -> Path:
    """A file or folder of the program's own, if it is there.

    Raises:
        InstallationError: it is not.
    """
    if not path.exists():
        raise InstallationError(
            f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path} belongs to facegen "
            f"and is missing in {ROOT}; "
            + ("restore it with git." if IN_CHECKOUT else "install facegen again.")
        )
    return path


def _named(variable: str) -> Path | None:
    """The folder that an environment variable names; None if it is unset or empty."""
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        path = Path(text).expanduser().absolute()
        is_wrong = path.exists() and not path.is_dir()
    except (OSError, RuntimeError, ValueError):  # too long, nobody's ~, unprintable
        is_wrong = True
    if is_wrong:
        raise UsageError(
            f"{variable} should name a folder, got '{text[:200]}'; set it to another or unset it."
        )
    return path


def _in_checkout(place: Path, pattern: str) -> Path | None:
    """Where a checkout keeps a user's files from earlier versions, if there are any."""
    if not IN_CHECKOUT or os.environ.get(DATA_VARIABLE, "").strip():
        return None
    old = ROOT / place
    return old if any(old.glob(pattern)) else None
