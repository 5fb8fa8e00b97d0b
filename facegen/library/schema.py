"""The file of the library: opening it, and what is done when it cannot be opened."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from facegen.errors import FacegenError, SaveError
from facegen.files import make_folder

VERSION = 1
BUSY_SECONDS = 10.0
SIDE_FILES = ("-wal", "-shm")

_TABLES = """
CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    favourite INTEGER NOT NULL DEFAULT 0,
    head INTEGER,
    created TEXT NOT NULL,
    changed TEXT NOT NULL,
    removed TEXT
);
CREATE TABLE nodes (
    id INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    parent INTEGER REFERENCES nodes (id) ON DELETE SET NULL,
    digest TEXT NOT NULL,
    what TEXT NOT NULL,
    face BLOB NOT NULL,
    thumb BLOB,
    created TEXT NOT NULL,
    UNIQUE (person, digest)
);
CREATE TABLE tags (
    person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (person, tag)
) WITHOUT ROWID;
CREATE TABLE readings (
    node INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    dial TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (node, dial)
) WITHOUT ROWID;
CREATE INDEX readings_by_value ON readings (dial, value);
"""


class LibraryError(FacegenError):
    """The library's file cannot be used as it is."""


def open_file(path: Path) -> tuple[sqlite3.Connection, str]:
    """Open the library's file, or make it.

    A file that is damaged, or no library at all, is put aside under another name and a new one is
    begun: it is never written over.

    Returns:
        The connection, and what was put aside as a sentence ("" for nothing).

    Raises:
        SaveError: the folder or the file cannot be written.
        LibraryError: another program holds it, or a newer version made it.
    """
    make_folder(path.parent, advice="Set FACEGEN_DATA to a folder that can be written.")
    try:
        return _opened(path), ""
    except sqlite3.DatabaseError as err:
        if isinstance(err, sqlite3.OperationalError) and not _is_damage(err):
            raise sentence(err, path) from err
    aside = _put_aside(path)
    said = (
        f"The library {path.name} is damaged; it was put aside as {aside.name} and a new one begun."
    )
    with told(path):
        return _opened(path), said


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors inside into sentences."""
    try:
        yield
    except sqlite3.Error as err:
        raise sentence(err, path) from err


def sentence(err: sqlite3.Error, path: Path) -> FacegenError:
    """The error of this program for one of SQLite's."""
    text = str(err)
    if "locked" in text or "busy" in text:
        return LibraryError(
            f"The library {path} is in use by another program; nothing was changed. Try again in "
            "a moment."
        )
    if "full" in text:
        return SaveError(
            f"The disk of the library {path} is full; nothing was changed. Free some space."
        )
    if "readonly" in text or "unable to open" in text:
        return SaveError(
            f"The library {path} cannot be written; nothing was changed. Set FACEGEN_DATA to a "
            "folder that can be."
        )
    return LibraryError(f"The library {path} cannot be used ({text}); nothing was changed.")


def now() -> str:
    """The time in UTC, ISO 8601, to the microsecond: it orders what came in one second."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _opened(path: Path) -> sqlite3.Connection:
    found = sqlite3.connect(
        path, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None
    )
    try:
        found.row_factory = sqlite3.Row
        found.create_function("casefold", 1, str.casefold, deterministic=True)
        found.execute("PRAGMA foreign_keys = ON")
        if found.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("malformed")
        found.execute("PRAGMA journal_mode = WAL")
        found.execute("BEGIN IMMEDIATE")
        version = found.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise LibraryError(
                f"The library {path} was made by a newer facegen; update the program. Nothing was "
                "changed."
            )
        if version == 0:
            if found.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("this is another program's file, not malformed")
            for statement in _TABLES.split(";"):
                found.execute(statement)
            found.execute(f"PRAGMA user_version = {VERSION}")
        found.execute("COMMIT")
    except BaseException:
        found.close()
        raise
    return found


def _is_damage(err: sqlite3.Error) -> bool:
    return any(word in str(err) for word in ("malformed", "not a database", "corrupt"))


def _put_aside(path: Path) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
    aside = path.with_name(f"{path.stem}-damaged-{stamp}{path.suffix}")
    try:
        path.rename(aside)
        for ending in SIDE_FILES:
            beside = path.with_name(path.name + ending)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + ending))
    except OSError as err:
        raise SaveError(
            f"The library {path} is damaged and cannot be put aside ({err.strerror}); move it."
        ) from err
    return aside
