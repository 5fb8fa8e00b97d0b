"""The dials that the users of this machine made, found or brought: between files and pages.

The pages call only this; tests put something quick in its place.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from facegen.service.loading import Backend
from facegen.session.session import Session

Progress = Callable[[int, int], None]
MAX_NAME = 32


def refresh(backend: Backend, session: Session) -> None:
    """Give the session the dials that lie on the shelf now."""
    version = backend.version()
    if version != session.dials_version:
        dials, table = backend.dials_now()
        session.use_dials(dials, table)
        session.dials_version = version


def listed(space: str) -> dict[str, Any]:
    """The dials on the shelf by name (`facegen.directions.user_dials.OwnDial`)."""
    from facegen.directions.user_dials import list_own

    return list_own(space)


def damaged(space: str) -> dict[str, str]:
    """File name -> why it is not used."""
    from facegen.directions.user_dials import damaged_own

    return damaged_own(space)


def make(
    generator: Any,
    has: list[np.ndarray],
    has_not: list[np.ndarray],
    title: str,
    progress: Progress,
) -> Any:
    """A dial from examples, w_plus [18, 512] each; raises FacegenError."""
    from facegen.directions.make_user_dial import make_own

    return make_own(generator, has, has_not, name=name_of(title), title=title, progress=progress)


def keep(dial: Any) -> None:
    """Put a dial on the shelf; raises FacegenError."""
    from facegen.directions.user_dials import save_own

    save_own(dial)


def remove(name: str, space: str) -> None:
    """Take a dial off the shelf for good; raises FacegenError."""
    from facegen.directions.user_dials import remove_own

    remove_own(name, space)


def to_bytes(dial: Any) -> bytes:
    """The file of a dial."""
    from facegen.directions.user_dials import own_bytes

    return own_bytes(dial)


def is_dial(data: bytes) -> bool:
    """Whether the bytes look like a dial's file."""
    from facegen.directions.user_dials import is_own

    return is_own(data)


def name_of(title: str) -> str:
    """A dial's name out of what the user calls it: small letters, digits and _."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    name = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if not name or not name[0].isalpha() or len(name) < 2:
        name = f"my_{name}".rstrip("_")
    return name[:MAX_NAME].strip("_")


def search(generator: Any, method: str, rows: tuple[int, int], count: int) -> list[Any]:
    """Directions found in the network (`facegen.directions.discover.Candidate`).

    Raises:
        FacegenError: The network does not tell.
    """
    from facegen.directions.discover import candidates

    return candidates(generator, method=method, count=count, rows=rows)


def from_found(candidate: Any, title: str, space: str) -> Any:
    """A dial out of a found direction; raises FacegenError."""
    return candidate.keep(space, name=name_of(title), title=title)


def from_file(generator: Any, data: bytes, file_name: str, title: str) -> Any:
    """A dial out of a dial's file or another program's direction.

    Args:
        generator: Tells where faces lie.
        data: The file.
        file_name: As the user knows it.
        title: What to call the dial; made from the file if empty.

    Raises:
        FacegenError: It is no such file.
    """
    from facegen.directions.foreign import import_direction
    from facegen.directions.user_dials import is_own, read_own

    if is_own(data) and not title:
        known = read_own(data, name=file_name)
        return from_file(generator, data, file_name, known.title)
    title = title or Path(file_name).stem.replace("_", " ")
    with tempfile.TemporaryDirectory() as folder:
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(file_name).name).lstrip(".-")[-80:]
        path = Path(folder) / (safe or "file")
        path.write_bytes(data)
        return import_direction(generator, path, name=name_of(title), title=title)
