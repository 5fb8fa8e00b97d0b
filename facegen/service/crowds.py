"""People to choose from: a gallery without end, or those that a thread finds or makes.

A crowd only grows. The gallery of seeds makes its members when they are looked at; the others are
filled by a thread of their own, which ends when it is told to or when nobody has looked
at the crowd for a while. Knows nothing of Streamlit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from facegen.cache import BoundedCache
from facegen.errors import FacegenError
from facegen.face import Face
from facegen.images import encode_jpeg, shrunk
from facegen.latents import DEFAULT_PSI, MAX_SEED
from facegen.service.render import RenderService

_log = logging.getLogger(__name__)

TILE_PX = 256
TILE_QUALITY = 82
MAX_TILES = 1024  # 12 KB each
MAX_MEMBERS = 2048
FORGOTTEN_SECONDS = 20.0
AT_ONCE = 2
STOPPING_SECONDS = 2.0
"""Until what was told to stop has ended: a picture is finished first."""
UNEXPECTED = "Something went wrong while looking. Try again; what happened is in the terminal."


@dataclass(frozen=True, eq=False)
class Member:
    """Somebody in a crowd.

    Attributes:
        face: Who.
        words: What is said of them under their picture.
        jpeg: Their small picture where it is known; None has it made when it is looked at.
        name: What they are called here, where neither their face nor a seed names them.
        values: Dial -> value in its unit, where their picture was measured.
    """

    face: Face
    words: str = ""
    jpeg: bytes | None = None
    name: str = ""
    values: Mapping[str, float] | None = None


def tile_of(image: Any) -> bytes:
    """A picture, uint8 [H, H, 3], as the JPEG of a tile."""
    return encode_jpeg(shrunk(image, TILE_PX), quality=TILE_QUALITY)


class Tiles:
    """Small pictures of faces for all visitors, the newest kept."""

    def __init__(self) -> None:
        self._known: BoundedCache[bytes] = BoundedCache(MAX_TILES)

    def known(self, service: RenderService, member: Member) -> bytes | None:
        """The JPEG if it takes no work."""
        return member.jpeg or self._known.get(_request(service, member.face).digest)

    def jpeg(self, service: RenderService, member: Member) -> bytes | None:
        """The JPEG, made in the turn of the service's queue; None where it cannot be made."""
        known = self.known(service, member)
        if known is not None:
            return known
        request = _request(service, member.face)
        try:
            made = tile_of(service.image(request.at(service.generator.preview_size)))
        except Exception:
            _log.exception("No picture of a tile.")
            return None
        self._known.put(request.digest, made)
        return made


def _request(service: RenderService, face: Face) -> Any:
    return service.request(face.w_plus, operations=face.pixel_operations, weights=face.weights)


class Gallery:
    """New people without end: the seeds from one on.

    Args:
        generator: Makes latents of seeds.
        first: The first seed.
        psi: Truncation.
    """

    title = ""
    count: int | None = None
    is_busy = False
    error: str | None = None

    def __init__(self, generator: Any, first: int, psi: float = DEFAULT_PSI) -> None:
        self.generator, self.first, self.psi = generator, first, psi
        self._known: BoundedCache[Member] = BoundedCache(MAX_MEMBERS)

    def member(self, index: int) -> Member | None:
        """Somebody; None where the seeds end."""
        seed = self.first + index
        if not 0 <= index <= MAX_SEED - self.first:
            return None
        return self._known.get_or_make(index, lambda: self._make(seed))

    def _make(self, seed: int) -> Member:
        return Member(Face.from_seed(self.generator, seed, self.psi))

    def touch(self) -> None:
        """Nothing waits here."""

    def stop(self) -> None:
        """Nothing runs here."""


@dataclass
class Told:
    """What a search says of itself while it runs.

    Attributes:
        looked_at: How many people it has looked at so far.
        odds: "1 in 430"; empty as long as nothing is known.
    """

    looked_at: int = 0
    odds: str = ""


Fill = Callable[[Told, Callable[[], bool]], Iterator[Member]]
"""What it says of itself, and whether it is to stop -> people."""

_running = threading.Semaphore(AT_ONCE)


@dataclass(eq=False)
class Gathering:
    """People whom a thread finds or makes.

    Attributes:
        title: What is said of them.
        fill: Gives them one by one.
        most: So many are waited for; `more` asks for others.
        told: What the search says of itself.
        error: A sentence if it ended badly.
        is_busy: Whether more are coming.
        is_over: Whether there are no more to come, ever.
    """

    title: str
    fill: Fill
    most: int = 1000
    told: Told = field(default_factory=Told)
    error: str | None = None
    is_busy: bool = False
    is_over: bool = False

    def __post_init__(self) -> None:
        self._members: list[Member] = []
        self._source: Iterator[Member] | None = None
        self._stopped = threading.Event()
        self._touched = time.monotonic()
        self._thread: threading.Thread | None = None

    @property
    def count(self) -> int:
        """How many there are so far."""
        return len(self._members)

    def member(self, index: int) -> Member | None:
        """Somebody; None where nobody is yet."""
        return self._members[index] if 0 <= index < len(self._members) else None

    def start(self) -> Gathering:
        """Begin, or go on."""
        if self.is_busy and self._stopped.is_set():
            self.wait(STOPPING_SECONDS)
        if not self.is_busy and not self.is_over:
            self.is_busy, self.error = True, None
            self._stopped.clear()
            self.touch()
            self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)
            self._thread.start()
        return self

    def more(self, count: int) -> None:
        """Go on until there are so many more."""
        self.most = self.count + count
        self.start()

    def touch(self) -> None:
        """Somebody looks: a search that nobody looks at ends."""
        self._touched = time.monotonic()

    def stop(self) -> None:
        """End soon; who is there stays."""
        self._stopped.set()

    def wait(self, seconds: float) -> None:
        """Wait for the end, at most so long."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _is_to_stop(self) -> bool:
        forgotten = time.monotonic() - self._touched > FORGOTTEN_SECONDS
        return self._stopped.is_set() or forgotten

    def _run(self) -> None:
        try:
            while not _running.acquire(timeout=0.1):  # others' searches go first
                if self._is_to_stop():
                    return
            try:
                self._gather()
            finally:
                _running.release()
        except FacegenError as err:
            self.error, self.is_over = str(err), True
        except Exception:
            _log.exception("People could not be gathered.")
            self.error, self.is_over = UNEXPECTED, True
        finally:
            self.is_busy = False

    def _gather(self) -> None:
        if self._source is None:
            self._source = self.fill(self.told, self._is_to_stop)
        while not self._is_to_stop() and self.count < self.most:
            member = next(self._source, None)
            if member is None:
                self.is_over = not self._is_to_stop()
                if not self.is_over:
                    self._source = None
                return
            self._members.append(member)
