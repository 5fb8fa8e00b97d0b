"""One network for everybody: queue, caches and errors between a user interface and the generator.

`RenderService` owns the only `Generator` of a process. Requests go through one queue, first come
first served, those that wait together drawn together where the engine gains by it; a request that
waited asks whether its session still wants it; finished pictures stay in bounded caches; whatever
goes wrong comes back as a sentence, never as an exception.

Nothing here knows Streamlit.
"""

from __future__ import annotations

import hashlib
import io
import logging
import math
import threading
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from facegen.cache import BoundedCache
from facegen.errors import FacegenError
from facegen.images import encode_jpeg
from facegen.service.queue import RenderQueue

_log = logging.getLogger(__name__)

FULL_QUALITY = 90
PREVIEW_QUALITY = 85
THUMB_PX = 128
PREVIEW = "preview"
UNEXPECTED = "This picture could not be made. Undo the last change, or start a new person."


class Renderer(Protocol):
    """What the service needs of a generator (`facegen.generator.Generator` has it).

    If it has a `max_batch` above one, `render` and `preview` are given [N, 18, 512] as well. If it
    has a `notice`, users are shown it.
    """

    model: str
    engine_name: str
    img_resolution: int
    preview_size: int

    def render(self, w_plus: np.ndarray, *, size: int = 1024) -> np.ndarray:
        """The picture of [18, 512], uint8 [size, size, 3]."""

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """The same, small and quick."""


@dataclass(frozen=True)
class RenderResult:
    """A picture, or the reason why there is none.

    Attributes:
        jpeg: The encoded picture; None when `error` is set or the request was dropped.
        size: Width and height of the picture in pixels.
        seconds: Time the network needed for it (also when it came from the cache).
        cached: The picture was made earlier.
        error: One sentence for the user; None when all went well.
        stale: A newer request of the same session made this one unnecessary.
    """

    jpeg: bytes | None
    size: int
    seconds: float
    cached: bool = False
    error: str | None = None
    stale: bool = False


def latent_key(w_plus: np.ndarray) -> str:
    """Name a latent by its content (16 hex digits); equal latents have equal names."""
    data = np.ascontiguousarray(w_plus, dtype=np.float32)
    return hashlib.sha256(data.tobytes()).hexdigest()[:16]


def make_thumb(image: np.ndarray, size: int = THUMB_PX) -> bytes:
    """Shrink a picture [H, W, 3] to a small JPEG of `size` pixels."""
    factor = max(1, image.shape[0] // size)
    small = Image.fromarray(image).reduce(factor).resize((size, size), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=82)
    return buffer.getvalue()


class RenderService:
    """Makes pictures for any number of sessions with one network.

    Args:
        generator: The network to use.
        max_pictures: Encoded pictures to keep (about 170 KB each at 1024 px).
        max_images: Raw pictures to keep for saving (3 MB each).
        max_sessions: Sessions whose newest request is remembered.
    """

    def __init__(
        self,
        generator: Renderer,
        *,
        max_pictures: int = 192,
        max_images: int = 6,
        max_sessions: int = 512,
    ) -> None:
        self.generator = generator
        self._pictures: BoundedCache[RenderResult] = BoundedCache(max_pictures)
        self._previews: BoundedCache[RenderResult] = BoundedCache(max_pictures)
        self._images: BoundedCache[np.ndarray] = BoundedCache(max_images)
        self._thumbs: BoundedCache[bytes] = BoundedCache(4 * max_pictures)
        self._newest: BoundedCache[int] = BoundedCache(max_sessions)
        self._count = 0
        self._tickets = threading.Lock()
        self._queue = RenderQueue(self._draw, lambda: getattr(generator, "max_batch", 1))
        self._full_seconds = math.inf

    @property
    def waiting(self) -> int:
        """How many requests wait for the network."""
        return self._queue.waiting

    @property
    def notice(self) -> str | None:
        """What users should know of the engine (a GPU that failed); None while all is well."""
        return getattr(self.generator, "notice", None)

    @property
    def full_seconds(self) -> float:
        """How long the newest full picture took; infinite before the first."""
        return self._full_seconds

    def has_picture(self, w_plus: np.ndarray) -> bool:
        """Whether the full picture is there without any work."""
        return self._pictures.get(self._key(w_plus, self.generator.img_resolution)) is not None

    def render(self, w_plus: np.ndarray, *, session: str, size: int | None = None) -> RenderResult:
        """Make the full picture of a latent [18, 512] as JPEG of `size` pixels (None: all)."""
        size = size or self.generator.img_resolution
        return self._answer(session, w_plus, size, self._pictures, FULL_QUALITY)

    def preview(self, w_plus: np.ndarray, *, session: str) -> RenderResult:
        """Make a small picture of a latent [18, 512] quickly.

        A full picture that is already known is given instead.
        """
        full = self._pictures.get(self._key(w_plus, self.generator.img_resolution))
        if full is not None:
            self._take_ticket(session)
            return _from_cache(full)
        return self._answer(session, w_plus, PREVIEW, self._previews, PREVIEW_QUALITY)

    def image(self, w_plus: np.ndarray, *, size: int | None = None) -> np.ndarray:
        """Make the raw picture of a latent, uint8 [size, size, 3], for saving.

        Raises:
            FacegenError: The network refused the latent.
        """
        size = size or self.generator.img_resolution
        key = self._key(w_plus, size)
        known = self._images.get(key)
        if known is not None:
            return known
        image, _ = self._queue.ask(size, w_plus, key=key)
        assert image is not None
        return image

    def has_thumb(self, w_plus: np.ndarray) -> bool:
        """Whether the small JPEG is there without any work."""
        return self._thumbs.get((self.generator.model, latent_key(w_plus))) is not None

    def thumb(self, w_plus: np.ndarray) -> bytes | None:
        """Give a 128 px JPEG of a latent; from the newest full picture if there is one.

        None when it cannot be made.
        """
        key = (self.generator.model, latent_key(w_plus))
        known = self._thumbs.get(key)
        if known is None:
            try:
                self._queue.ask(PREVIEW, w_plus, key=self._key(w_plus, PREVIEW))
            except Exception:
                _log.exception("No thumbnail.")
                return None
            known = self._thumbs.get(key)
        return known

    def _key(self, w_plus: np.ndarray, kind: int | str) -> tuple[object, ...]:
        return (self.generator.model, latent_key(w_plus), kind)

    def _draw(self, kind: object, w_pluses: list[np.ndarray]) -> list[np.ndarray]:
        """Draw latents of one kind: a size in pixels, or PREVIEW."""
        given = np.stack(w_pluses) if len(w_pluses) > 1 else w_pluses[0]
        start = time.perf_counter()
        if isinstance(kind, int):
            images = np.asarray(self.generator.render(given, size=kind))
            if kind == self.generator.img_resolution:  # smaller ones may be the small network's
                self._full_seconds = time.perf_counter() - start
        else:
            images = np.asarray(self.generator.preview(given))
        images = images[None] if images.ndim == 3 else images
        for w_plus, image in zip(w_pluses, images, strict=True):
            thumb_key = (self.generator.model, latent_key(w_plus))
            if isinstance(kind, int):
                self._images.put(self._key(w_plus, kind), image)
                self._thumbs.put(thumb_key, make_thumb(image))
            elif self._thumbs.get(thumb_key) is None:
                self._thumbs.put(thumb_key, make_thumb(image))
        return list(images)

    def _take_ticket(self, session: str) -> int:
        with self._tickets:
            self._count += 1
            self._newest.put(session, self._count)
            return self._count

    def _is_wanted(self, session: str, ticket: int) -> bool:
        newest = self._newest.get(session)
        return newest is None or newest <= ticket

    def _answer(
        self,
        session: str,
        w_plus: np.ndarray,
        kind: int | str,
        cache: BoundedCache[RenderResult],
        quality: int,
    ) -> RenderResult:
        ticket = self._take_ticket(session)
        key = self._key(w_plus, kind)
        known = cache.get(key)
        if known is not None:
            return _from_cache(known)
        size = kind if isinstance(kind, int) else self.generator.preview_size

        def is_needed() -> bool:
            return cache.get(key) is None and self._is_wanted(session, ticket)

        try:
            image, seconds = self._queue.ask(kind, w_plus, key=key, is_needed=is_needed)
            if image is None:
                known = cache.get(key)  # Somebody else may have made it while we waited.
                if known is not None:
                    return _from_cache(known)
                return RenderResult(None, size, 0.0, stale=True)
            jpeg = encode_jpeg(image, quality=quality)
        except FacegenError as err:
            return RenderResult(None, size, 0.0, error=str(err))
        except Exception:
            _log.exception("A picture could not be made.")
            return RenderResult(None, size, 0.0, error=UNEXPECTED)
        result = RenderResult(jpeg, int(image.shape[0]), seconds)
        cache.put(key, result)
        return result


def _from_cache(result: RenderResult) -> RenderResult:
    return RenderResult(result.jpeg, result.size, result.seconds, cached=True)
