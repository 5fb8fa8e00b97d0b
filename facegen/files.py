"""Writing files so that a failure leaves what stood there before untouched."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facegen.errors import SaveError


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


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
