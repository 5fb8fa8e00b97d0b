"""Files: named after people, written so that a failure leaves what stood there, small ones read."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facegen.errors import BadFileError, SaveError

MAX_TEXT_BYTES = 200_000
"""Of files that people write by hand."""
MAX_STEM_BYTES = 120
"""With a number and an ending it stays below the 143 that an encrypted home takes."""
DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL"}
    | {f"{kind}{digit}" for kind in ("COM", "LPT") for digit in "0123456789¹²³"}
)
"""What Windows takes for devices, whatever the ending and the case."""


def file_stem(name: str, *, otherwise: str = "face") -> str:
    """A file name without ending, out of what somebody is called: letters of any script stay.

    Letters with their marks, numbers, "-" and "_" are kept, in Unicode's form NFC; characters that
    cannot be seen vanish; each run of anything else, dots and slashes included, becomes one "-".

    >>> file_stem("Zoë (李雷)")
    'Zoë-李雷'
    >>> file_stem("../..")
    'face'

    Args:
        name: Any text.
        otherwise: The stem where nothing is left of it.

    Returns:
        At most `MAX_STEM_BYTES` bytes of UTF-8, no device of Windows.
    """
    seen = (c for c in name if unicodedata.category(c) != "Cf")
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" or c == "_" else " " for c in seen)
    stem = unicodedata.normalize("NFC", "-".join(kept.split()))
    stem = stem.encode()[:MAX_STEM_BYTES].decode(errors="ignore").strip("-")
    while stem and unicodedata.category(stem[0])[0] == "M":  # it would cling to a slash
        stem = stem[1:].lstrip("-")
    return f"{stem}_" if stem.upper() in DEVICES else stem or otherwise


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, moved onto it when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        # mkstemp makes a private file; the finished one gets the mode the user's umask asks for.
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def make_folder(path: Path, *, advice: str = "Choose another folder.") -> Path:
    """Make a folder, and those above it, unless it is there.

    Raises:
        SaveError: it cannot be made or written; ends with the advice.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as err:
        raise SaveError(f"The folder {path} cannot be written ({err.strerror}). {advice}") from err
    return path


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        SaveError: the disk is full, or the folder cannot be written.
    """
    try:
        with atomic_path(path) as part, part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # a full disk shows here at the latest, before the move
    except OSError as err:
        raise SaveError(
            f"{path} could not be written ({err.strerror or err}). Nothing was changed; free some "
            "space or choose another folder."
        ) from err


def read_text(path: Path) -> str:
    """A small text that somebody wrote.

    Raises:
        BadFileError: it cannot be read, is too large, or no text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
    except OSError as err:
        raise BadFileError(f"{path.name} cannot be read ({err.strerror}).") from err
    if len(data) > MAX_TEXT_BYTES:
        raise BadFileError(f"{path.name} has more than {MAX_TEXT_BYTES} bytes; name a smaller one.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise BadFileError(f"{path.name} is no text in UTF-8.") from err


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
