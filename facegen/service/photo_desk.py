"""The photographs that visitors have open, in memory alone, until their visitors are gone.

Each is known by a number that nobody can guess, which its visitor's browser keeps: so a reloaded
page finds it again. What runs for it ends `STOP_SECONDS` after its visitor was seen last, and it is
forgotten after `FORGET_SECONDS`. Knows nothing of Streamlit.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from facegen.errors import BadFileError
from facegen.images import encode_jpeg
from facegen.photos.align import AlignedFace, find_faces, lies_on_its_side
from facegen.photos.intake import Photo, read_photo
from facegen.photos.put_back import put_back
from facegen.service.presence import Presence
from facegen.service.projecting import Found, Judge, ProjectionJob
from facegen.service.render import RenderService

STOP_SECONDS = 15.0
"""A reload takes two or three."""
FORGET_SECONDS = 120.0
"""A telephone that was put away for a moment comes back to its photo."""
LOOK_SECONDS = 2.0
MAX_PIXELS_KEPT = 200_000_000
"""Of all photos together, 600 MB; the one not looked at for the longest time goes first."""
SHOWN_EDGE = 1600
SHOWN_QUALITY = 88
NO_FACE = (
    "No face was found on this photo. Take one on which a face looks toward the camera, with the "
    "eyes free and at least 40 pixels between them."
)
ON_ITS_SIDE = "No face was found, but one would be if the photo were turned upright. Turn it first."

reading = threading.Lock()
"""One photo at a time is read, looked at or written: each may take a gigabyte for a moment."""


@dataclass(frozen=True, eq=False)
class Edit:
    """Somebody of a photo, edited.

    Attributes:
        face: The number of their face on the photo, from 0.
        picture: uint8 [S, S, 3], after the edit.
        before: uint8 [S, S, 3], as the network drew them before it.
        key: Tells edits apart.
    """

    face: int
    picture: np.ndarray
    before: np.ndarray
    key: Hashable


@dataclass(frozen=True, eq=False)
class Edited:
    """A photo with edited faces: the pixels, and what is shown of them."""

    key: Hashable
    image: np.ndarray
    jpeg: bytes


@dataclass(eq=False)
class OpenPhoto:
    """A photograph that a visitor has open.

    Attributes:
        photo: As it was read.
        jpeg: What is shown of it, at most `SHOWN_EDGE` px.
        faces: Its faces, the largest first; None as long as nobody has looked for them.
        problem: Why there is no face; None where there is one.
        chosen: Number of the face that is worked on, from 0.
        jobs: Number of a face -> the newest job that looked for that person.
        edited: The newest that was put back; None as long as nothing was.
        presence: Of its visitor.
    """

    photo: Photo
    jpeg: bytes
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    faces: list[AlignedFace] | None = None
    problem: str | None = None
    chosen: int = 0
    jobs: dict[int, ProjectionJob] = field(default_factory=dict)
    edited: Edited | None = None
    presence: Presence = field(default_factory=Presence)
    _earlier: dict[int, Found] = field(default_factory=dict)

    @property
    def face(self) -> AlignedFace | None:
        """The chosen face."""
        return self.faces[self.chosen] if self.faces else None

    @property
    def job(self) -> ProjectionJob | None:
        """The newest job of the chosen face."""
        return self.jobs.get(self.chosen)

    @property
    def running(self) -> ProjectionJob | None:
        """The job that is under way, if any."""
        return next((job for job in self.jobs.values() if not job.is_done), None)

    @property
    def found(self) -> dict[int, Found]:
        """Number of a face -> who was found for it; a job under way leaves who was found before."""
        newest = {n: job.found for n, job in self.jobs.items() if job.found is not None}
        return self._earlier | newest

    def look(self) -> None:
        """Look for its faces, once."""
        with reading:
            if self.faces is not None:
                return
            image = self.photo.image
            found = find_faces(image)
            if not found:
                self.problem = ON_ITS_SIDE if lies_on_its_side(image) else NO_FACE
            self.faces = found

    def choose(self, number: int) -> None:
        """Work on another face."""
        if self.faces and 0 <= number < len(self.faces):
            self.chosen = number

    def find(self, service: RenderService, *, steps: int, judge: Judge | None = None) -> None:
        """Begin to find the person of the chosen face; one job at a time.

        Args: as for `ProjectionJob`.
        """
        face = self.face
        if face is not None and self.running is None:
            self._earlier = self.found
            self.jobs[self.chosen] = ProjectionJob(
                service, face.crop, steps=steps, judge=judge
            ).start()

    def put_back(self, edits: Sequence[Edit]) -> Edited:
        """The photo with edited faces, one after the other; the newest is kept.

        Raises:
            UsageError: a picture of another size than the one before it.
        """
        key = tuple((edit.face, edit.key) for edit in edits)
        with reading:
            if self.edited is None or self.edited.key != key:
                assert self.faces is not None
                self.edited = None  # Its pixels are not needed beside the new ones.
                image = self.photo.image
                for edit in edits:
                    face = self.faces[edit.face]
                    image = put_back(
                        image, edit.picture, face.matrix, size=len(face.crop),
                        reconstruction=edit.before,
                    ).image  # fmt: skip
                self.edited = Edited(key, image, shown(image))
            return self.edited

    def close(self) -> None:
        """End what runs for it."""
        for job in list(self.jobs.values()):
            job.stop()


def shown(image: np.ndarray) -> bytes:
    """What a page shows of a photo, uint8 [H, W, 3]: a JPEG of at most `SHOWN_EDGE` px."""
    factor = SHOWN_EDGE / max(image.shape[:2])
    if factor < 1:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return encode_jpeg(image, quality=SHOWN_QUALITY)


class PhotoDesk:
    """All photographs that are open in this process."""

    def __init__(self) -> None:
        self._photos: dict[str, OpenPhoto] = {}
        self._guard = threading.Lock()
        self._watch: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._photos)

    def open(self, data: bytes, name: str) -> OpenPhoto:
        """Read a photograph and keep it.

        Args:
            data: The file.
            name: As its user knows it.

        Raises:
            BadFileError: no photograph, see `facegen.photos.intake`.
        """
        with reading:
            try:
                photo = read_photo(data, name=name)
                made = OpenPhoto(photo, shown(photo.image))
            except MemoryError as err:
                raise BadFileError(
                    f"{name} is too large for this machine now; take a smaller copy of it."
                ) from err
        with self._guard:
            self._photos[made.id] = made
            self._make_room(made)
            if self._watch is None:
                self._watch = threading.Thread(target=self._run, name="photos", daemon=True)
                self._watch.start()
        return made

    def find(self, photo_id: str) -> OpenPhoto | None:
        """A photo by its id; None if it is gone."""
        return self._photos.get(photo_id)

    def forget(self, photo_id: str) -> None:
        """End what runs for a photo, and forget it with all that came of it."""
        with self._guard:
            gone = self._photos.pop(photo_id, None)
        if gone is not None:
            gone.close()

    def tidy(self) -> None:
        """End and forget what nobody looks at any more."""
        for one in list(self._photos.values()):
            seconds = one.presence.gone_seconds
            if seconds > STOP_SECONDS:
                one.close()
            if seconds > FORGET_SECONDS:
                self.forget(one.id)

    def _make_room(self, newest: OpenPhoto) -> None:
        by_absence = sorted(self._photos.values(), key=lambda one: -one.presence.gone_seconds)
        pixels = sum(_pixels(one) for one in by_absence)
        for one in by_absence:
            if pixels <= MAX_PIXELS_KEPT:
                return
            if one is not newest:
                pixels -= _pixels(one)
                del self._photos[one.id]
                one.close()

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.tidy()
            with self._guard:
                if not self._photos:
                    self._watch = None
                    return


def _pixels(one: OpenPhoto) -> int:
    height, width = one.photo.image.shape[:2]
    return int(height * width)
