"""The library: people with names, tags and favourites, and each one's history as a tree.

One SQLite file in the data folder; two programs may use it at once. Every step of a person is a
node that holds the whole face, so that any of them opens without the others.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from facegen.errors import UsageError
from facegen.face import Face, clean_name
from facegen.library.schema import now, open_file, told
from facegen.library.search import Search
from facegen.paths import data_dir

FILE = "library.sqlite"
MAX_NODES = 500
MAX_TAGS = 30
MAX_TAG = 40
MAX_THUMB = 200_000
MAX_FOUND = 1000
NO_ONE = "The library has nobody of number {}; `library list` shows who is there."


@dataclass(frozen=True)
class Person:
    """Somebody of the library.

    Attributes:
        id: Number in the library.
        key: Of the face they began with; see `key_of`.
        name: As their user named them.
        is_favourite: Whether they have a star.
        tags: In the order of the alphabet.
        head: The node that stands for them: the newest, or the one that was gone back to.
        steps: How many nodes there are.
        changed: UTC time, ISO 8601.
    """

    id: int
    key: str
    name: str
    is_favourite: bool
    tags: tuple[str, ...]
    head: int
    steps: int
    changed: str


@dataclass(frozen=True)
class Node:
    """A step of somebody's history.

    Attributes:
        id: Number in the library.
        parent: The step it was made from; None for the first.
        digest: Of the face; see `digest_of`.
        what: What was done, in words.
        created: UTC time, ISO 8601.
    """

    id: int
    parent: int | None
    digest: str
    what: str
    created: str


def key_of(face: Face) -> str:
    """What makes two faces one person of the library: the latent before any dial, and the space."""
    return hashlib.sha256(face.space.encode() + face.base.tobytes()).hexdigest()[:32]


def digest_of(face: Face) -> str:
    """What makes two faces one step: the latent, and what is done in the picture."""
    done = repr(face.pixel_operations).encode()
    return hashlib.sha256(face.w_plus.tobytes() + done).hexdigest()[:32]


class Library:
    """The people of one machine.

    Args:
        path: The file; None for the one in the data folder.

    Attributes:
        path: The file.
        notice: What happened while it was opened, as a sentence; empty for nothing.

    Raises:
        SaveError: it cannot be written.
        LibraryError: another program holds it, or a newer version made it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or data_dir() / FILE
        self._lock = threading.RLock()
        self._database, self.notice = open_file(self.path)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    # -- keeping ----------------------------------------------------------------------------------

    def add(
        self,
        face: Face,
        *,
        thumb: bytes | None = None,
        readings: Mapping[str, float] | None = None,
        what: str = "",
        parent: Face | None = None,
        tags: Iterable[str] = (),
    ) -> Person:
        """Keep a face: as somebody new, or as a step of the person it belongs to.

        Args:
            face: What to keep; a person that is there keeps their name.
            thumb: A small JPEG.
            readings: Dial -> number, to search by.
            what: What was done, in words.
            parent: The face it was made from; else the step that stands for the person.
            tags: To be added.

        Raises:
            UsageError: the person has too many steps or tags.
            SaveError, LibraryError: as for the class; nothing is changed.
        """
        if thumb is not None and len(thumb) > MAX_THUMB:
            raise UsageError(f"A thumbnail has at most {MAX_THUMB >> 10} KB.")
        key, digest, time = key_of(face), digest_of(face), now()
        with self._change() as run:
            name = clean_name(face.name) or "Unnamed"
            run(
                "INSERT INTO people (key, name, created, changed) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET changed = excluded.changed, removed = NULL",
                (key, name, time, time),
            )
            person, head = run("SELECT id, head FROM people WHERE key = ?", (key,)).fetchone()
            step = self._step(person, digest)
            if step is None:
                self._require_room(person)
                (step,) = run(
                    "INSERT INTO nodes (person, parent, digest, what, face, thumb, created) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                    (person, self._parent(person, parent, head), digest, what[:200],
                     face.to_npz(), thumb, time),
                ).fetchone()  # fmt: skip
            run("UPDATE people SET head = ? WHERE id = ?", (step, person))
            self._read(step, readings or {})
            self._tag(person, tags)
        return self.person(person)

    def _parent(self, person: int, parent: Face | None, head: int | None) -> int | None:
        if parent is None:
            return head
        step = self._step(person, digest_of(parent))
        return head if step is None else step

    def _require_room(self, person: int) -> None:
        count = self._database.execute("SELECT count(*) FROM nodes WHERE person = ?", (person,))
        if count.fetchone()[0] >= MAX_NODES:
            raise UsageError(
                f"This person has {MAX_NODES} steps in the library, which is the most; save the "
                "face as a file and begin with it anew."
            )

    # -- looking ----------------------------------------------------------------------------------

    def people(
        self, search: Search | None = None, *, favourites: bool = False, limit: int = MAX_FOUND
    ) -> list[Person]:
        """Who meets a search, newest first.

        Args:
            search: Words and values; None for everybody.
            favourites: Only those with a star.
            limit: So many at most.

        Raises:
            UsageError: nobody has a number of a dial that is searched by.
        """
        wanted = search or Search()
        conditions, values = wanted.sql()
        if favourites:
            conditions.append("favourite")
        where = " AND ".join(["removed IS NULL", "head IS NOT NULL", *conditions])
        with self._lock, told(self.path):
            self._require_dials(wanted.ranges)
            rows = self._database.execute(
                f"SELECT * FROM people WHERE {where} ORDER BY changed DESC, id DESC LIMIT ?",
                (*values, min(max(limit, 0), MAX_FOUND)),
            ).fetchall()
            return [self._person(row) for row in rows]

    def _require_dials(self, names: Iterable[str]) -> None:
        rows = self._database.execute("SELECT DISTINCT dial FROM readings").fetchall()
        known = [name for (name,) in rows]
        for name in names:
            if name not in known:
                near = "".join(f" Perhaps '{one}'?" for one in get_close_matches(name, known, n=1))
                raise UsageError(f"Nobody here has a number called '{name[:40]}'.{near}")

    def person(self, number: int) -> Person:
        """One person, also one that was removed and can come back.

        Raises:
            UsageError: there is nobody of this number.
        """
        with self._lock, told(self.path):
            rows = self._database.execute("SELECT * FROM people WHERE id = ?", (number,)).fetchall()
            if not rows:
                raise UsageError(NO_ONE.format(number))
            return self._person(rows[0])

    def find(self, face: Face) -> Person | None:
        """The person whom a face belongs to; None if they are not there."""
        with self._lock, told(self.path):
            row = self._database.execute(
                "SELECT * FROM people WHERE key = ? AND removed IS NULL", (key_of(face),)
            ).fetchone()
            return None if row is None else self._person(row)

    def _person(self, row: sqlite3.Row) -> Person:
        run = self._database.execute
        tags = run("SELECT tag FROM tags WHERE person = ? ORDER BY tag", (row["id"],)).fetchall()
        steps = run("SELECT count(*) FROM nodes WHERE person = ?", (row["id"],)).fetchone()[0]
        return Person(
            row["id"], row["key"], row["name"], bool(row["favourite"]),
            tuple(tag for (tag,) in tags), row["head"], steps, row["changed"],
        )  # fmt: skip

    def history(self, number: int) -> list[Node]:
        """All steps of a person, parents before what was made from them."""
        with self._lock, told(self.path):
            rows = self._database.execute(
                "SELECT id, parent, digest, what, created FROM nodes WHERE person = ? ORDER BY id",
                (number,),
            ).fetchall()
        return [Node(*row) for row in rows]

    def face(self, node: int) -> Face:
        """The face of a step, with the name its person has now.

        Raises:
            UsageError: there is no such step.
            BadFileError: it is damaged.
        """
        with self._lock, told(self.path):
            row = self._database.execute(
                "SELECT face, name FROM nodes JOIN people ON people.id = person WHERE nodes.id = ?",
                (node,),
            ).fetchone()
        if row is None:
            raise UsageError(f"The library has no step of number {node}.")
        face = Face.from_bytes(row["face"], name=f"step {node} of the library.npz")
        return face.named(row["name"])

    def thumb(self, node: int) -> bytes | None:
        """The small picture of a step, a JPEG; None if it has none."""
        with self._lock, told(self.path):
            row = self._database.execute("SELECT thumb FROM nodes WHERE id = ?", (node,)).fetchone()
            return None if row is None else row[0]

    def readings(self, node: int) -> dict[str, float]:
        """Dial -> number of a step."""
        with self._lock, told(self.path):
            return dict(
                self._database.execute(
                    "SELECT dial, value FROM readings WHERE node = ?", (node,)
                ).fetchall()
            )

    # -- changing ---------------------------------------------------------------------------------

    def mend(
        self, old: Face, face: Face, *, thumb: bytes | None, readings: Mapping[str, float]
    ) -> None:
        """Put a face that was corrected on its picture in the place of the step that it was.

        Args:
            old: What is kept; of anybody who is not, nothing is.
            face: What it became; it may be the same.
            thumb: Its small JPEG; None keeps the one there is.
            readings: As for `add`.

        Raises:
            SaveError, LibraryError: as for the class; nothing is changed.
        """
        with self._change() as run:
            row = run("SELECT id FROM people WHERE key = ?", (key_of(old),)).fetchone()
            step = None if row is None else self._step(row[0], digest_of(old))
            if step is None:
                return
            known = self._step(row[0], digest_of(face))
            if known is None:
                run(
                    "UPDATE nodes SET digest = ?, face = ?, thumb = coalesce(?, thumb) "
                    "WHERE id = ?",
                    (digest_of(face), face.to_npz(), thumb, step),
                )
            self._read(step if known is None else known, readings)

    def _step(self, person: int, digest: str) -> int | None:
        row = self._database.execute(
            "SELECT id FROM nodes WHERE person = ? AND digest = ?", (person, digest)
        ).fetchone()
        return None if row is None else int(row[0])

    def _read(self, node: int, readings: Mapping[str, float]) -> None:
        for dial, value in readings.items():
            self._database.execute(
                "INSERT OR REPLACE INTO readings VALUES (?, ?, ?)",
                (node, str(dial)[:80], float(value)),
            )

    def rename(self, number: int, name: str) -> None:
        """Name a person; an empty name changes nothing."""
        cleaned = clean_name(name)
        if cleaned:
            self._update(number, "name = ?", cleaned)

    def star(self, number: int, on: bool) -> None:
        """Make somebody a favourite, or not."""
        self._update(number, "favourite = ?", int(on))

    def go_to(self, number: int, node: int) -> None:
        """Let a step stand for its person: what is kept next is made from it.

        Raises:
            UsageError: it is no step of this person.
        """
        if node not in {step.id for step in self.history(number)}:
            raise UsageError(f"Step {node} is none of person {number}.")
        self._update(number, "head = ?", node)

    def set_tags(self, number: int, tags: Sequence[str]) -> None:
        """Give a person exactly these tags."""
        with self._change() as run:
            self._require(number)
            run("DELETE FROM tags WHERE person = ?", (number,))
            self._tag(number, tags)

    def _tag(self, number: int, tags: Iterable[str]) -> None:
        wanted = {" ".join(clean_name(tag).split())[:MAX_TAG].lower() for tag in tags} - {""}
        for tag in sorted(wanted):
            self._database.execute("INSERT OR IGNORE INTO tags VALUES (?, ?)", (number, tag))
        count = self._database.execute("SELECT count(*) FROM tags WHERE person = ?", (number,))
        if count.fetchone()[0] > MAX_TAGS:
            raise UsageError(f"A person has at most {MAX_TAGS} tags.")

    def remove(self, number: int) -> None:
        """Take a person out of sight; `put_back` undoes it, `forget_removed` makes it last."""
        self._update(number, "removed = ?", now())

    def put_back(self, number: int) -> None:
        """Undo `remove`."""
        self._update(number, "removed = ?", None)

    def forget_removed(self) -> int:
        """Delete everybody who was removed, for good; gives how many."""
        with self._change() as run:
            return run("DELETE FROM people WHERE removed IS NOT NULL").rowcount

    def _update(self, number: int, what: str, value: object) -> None:
        with self._change() as run:
            self._require(number)
            run(f"UPDATE people SET {what}, changed = ? WHERE id = ?", (value, now(), number))

    def _require(self, number: int) -> None:
        if (
            self._database.execute("SELECT 1 FROM people WHERE id = ?", (number,)).fetchone()
            is None
        ):
            raise UsageError(NO_ONE.format(number))

    @contextmanager
    def _change(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """A transaction: all of it or nothing."""
        with self._lock, told(self.path):
            run = self._database.execute
            run("BEGIN IMMEDIATE")
            try:
                yield run
                run("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    run("ROLLBACK")
                raise
