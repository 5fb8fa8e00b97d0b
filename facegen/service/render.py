"""One network for everybody: queue, caches and errors between a user interface and the generator.

`RenderService` owns the only `Generator` of a process. Requests go through one queue, first come
first served, those that wait together drawn together where the engine gains by it; a request that
waited asks whether its session still wants it; finished pictures stay in bounded caches; whatever
goes wrong comes back as a sentence, never as an exception.

Nothing here knows Streamlit.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from facegen.backdrops import TRANSPARENT
from facegen.cache import BoundedCache
from facegen.errors import FacegenError
from facegen.images import encode_jpeg, resized
from facegen.latents import W_DIM
from facegen.operations import Background, Clothes, KeepRest, PixelOperation, background_among
from facegen.protocols import Renders
from facegen.render_request import RenderRequest
from facegen.retouch.apply import apply
from facegen.service.preview_match import Beginning, is_near
from facegen.service.queue import RenderQueue

_log = logging.getLogger(__name__)

FULL_QUALITY = 90
PREVIEW_QUALITY = 85
THUMB_PX = 128
THUMB_QUALITY = 82
MAX_BEGINNINGS = 32  # 1.5 MB each
MAX_SMALL = 8  # of 200 KB: a preview is looked at, and then worked on
UNEXPECTED = "This picture could not be made. Undo the last change, or start a new person."


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


def make_thumb(image: np.ndarray, size: int = THUMB_PX) -> bytes:
    """Shrink a picture [H, W, 3] to a small JPEG of `size` pixels."""
    return encode_jpeg(resized(image, size), quality=THUMB_QUALITY)


class RenderService:
    """Makes pictures for any number of sessions with one network.

    Args:
        generator: The network to use. If it has a `max_batch` above one, several latents are
            drawn at once; if it has a `notice`, users are shown it.
        max_pictures: Encoded pictures to keep (about 170 KB each at 1024 px).
        max_images: Raw pictures to keep for saving (3 MB each).
        max_sessions: Sessions whose newest request is remembered.
    """

    def __init__(
        self,
        generator: Renders,
        *,
        max_pictures: int = 192,
        max_images: int = 6,
        max_sessions: int = 512,
    ) -> None:
        self.generator = generator
        self._pictures: BoundedCache[RenderResult] = BoundedCache(max_pictures)
        self._previews: BoundedCache[RenderResult] = BoundedCache(max_pictures)
        self._images: BoundedCache[np.ndarray] = BoundedCache(max_images)
        self._small: BoundedCache[np.ndarray] = BoundedCache(MAX_SMALL)
        self._thumbs: BoundedCache[bytes] = BoundedCache(4 * max_pictures)
        self._newest: BoundedCache[int] = BoundedCache(max_sessions)
        self._shown: BoundedCache[RenderRequest] = BoundedCache(max_sessions)
        self._beginnings: BoundedCache[Beginning] = BoundedCache(MAX_BEGINNINGS)
        self._count = 0
        self._tickets = threading.Lock()
        self._queue = RenderQueue(self._draw, lambda: getattr(generator, "max_batch", 1))
        self._full_seconds = math.inf

    @property
    def waiting(self) -> int:
        """How many requests wait for the network."""
        return self._queue.waiting

    @property
    def quiet_seconds(self) -> float:
        """For how long the network has drawn nothing; 0 while it draws."""
        return self._queue.quiet_seconds

    @property
    def notice(self) -> str | None:
        """What users should know of the engine (a GPU that failed); None while all is well."""
        return getattr(self.generator, "notice", None)

    @property
    def full_seconds(self) -> float:
        """How long the newest full picture took; infinite before the first."""
        return self._full_seconds

    def request(
        self,
        w_plus: np.ndarray,
        *,
        operations: tuple[PixelOperation, ...] = (),
        weights: str | None = None,
    ) -> RenderRequest:
        """The full picture of a latent, as the methods below take it.

        Raises:
            LatentError: another shape, or numbers that are not finite.
        """
        return RenderRequest.of(
            w_plus,
            model=self.generator.model,
            size=self.generator.img_resolution,
            operations=operations,
            weights=weights,
        )

    def has_picture(self, request: RenderRequest) -> bool:
        """Whether a picture is there without any work."""
        return self._pictures.get(request) is not None

    def render(self, request: RenderRequest, *, session: str) -> RenderResult:
        """Make a picture as JPEG."""
        result = self._answer(session, request, self._pictures, FULL_QUALITY)
        if result.jpeg is not None:
            self._shown.put(session, request)
        return result

    def preview(self, request: RenderRequest, *, session: str) -> RenderResult:
        """Make a small picture quickly; a full one that is already known is given instead.

        It agrees with the full picture that the session was given last, where that is near.
        """
        full = self._pictures.get(request)
        if full is not None:
            self._take_ticket(session)
            self._shown.put(session, request)
            return _from_cache(full)
        small = request.at(self.generator.preview_size)
        shown = self._shown.get(session)
        if shown is None or not self._tells_about(shown, request):
            return self._answer(session, small, self._previews, PREVIEW_QUALITY)

        def mend(image: np.ndarray) -> np.ndarray:
            beginning = self._beginning(shown)
            return image if beginning is None else beginning.mend(image)

        return self._answer(
            session, small, self._previews, PREVIEW_QUALITY, key=(small, shown), finish=mend
        )

    def _tells_about(self, shown: RenderRequest, request: RenderRequest) -> bool:
        return (
            (shown.model, _retouched(shown), shown.weights)
            == (request.model, _retouched(request), request.weights)
            and self.generator.preview_size < self.generator.img_resolution
            and is_near(_around(shown), _around(request))
        )

    def _beginning(self, shown: RenderRequest) -> Beginning | None:
        """The small network's mistakes on a full picture; None where that is forgotten."""
        known, full = self._beginnings.get(shown), self._pictures.get(shown)
        if known is None and full is not None and full.jpeg is not None:
            small, _ = self._made(shown.at(self.generator.preview_size), lambda: True)
            assert small is not None
            known = Beginning.of(full.jpeg, small)
            self._beginnings.put(shown, known)
        return known

    def image(self, request: RenderRequest) -> np.ndarray:
        """Make a raw picture, uint8 [size, size, 3], for saving and measuring.

        Raises:
            FacegenError: The network refused the latent, or the request needs what is not here.
        """
        image, _ = self._made(request, lambda: True)
        assert image is not None
        return image

    def with_alpha(self, request: RenderRequest) -> np.ndarray:
        """As `image`, for saving: [size, size, 4] where the background is transparent.

        Raises:
            FacegenError: as `image`.
        """
        background = background_among(request.operations)
        if background is None or background.backdrop.kind != TRANSPARENT:
            return self.image(request)
        drawn = self.image(request.drawn_only())
        return self._applied(request, drawn, alpha=True)

    def has_thumb(self, request: RenderRequest) -> bool:
        """Whether the small JPEG is there without any work."""
        return self._thumbs.get(request.digest) is not None

    def thumb(self, request: RenderRequest) -> bytes | None:
        """Give a 128 px JPEG; from the newest full picture if there is one.

        None when it cannot be made.
        """
        known = self._thumbs.get(request.digest)
        if known is None:
            try:
                image = self.image(request.at(self.generator.preview_size))
            except Exception:
                _log.exception("No thumbnail.")
                return None
            known = self._thumbs.get_or_make(request.digest, lambda: make_thumb(image))
        return known

    def _made(
        self, request: RenderRequest, is_needed: Callable[[], bool]
    ) -> tuple[np.ndarray | None, float]:
        """The picture and the seconds it took the network; None if it was not needed any more."""
        request.require_known()
        for images in (self._images, self._small):
            known = images.get(request)
            if known is not None:
                return known, 0.0
        if request.is_drawn_only:
            kind = (request.size, request.keep)
            return self._queue.ask(kind, request.w_plus, key=request, is_needed=is_needed)
        drawn, seconds = self._made(request.drawn_only(), is_needed)
        if drawn is None:
            return None, 0.0
        # Worked on by the thread that asks: the network is free for others meanwhile.
        image = self._applied(request, drawn)
        self._remember(request, image)
        return image, seconds

    def _applied(
        self, request: RenderRequest, drawn: np.ndarray, *, alpha: bool = False
    ) -> np.ndarray:
        """What is done in the picture that the network drew for a request."""
        return apply(
            request.retouching,
            drawn,
            lambda latent: self.image(request.with_latent(latent)),
            lambda clothes: self.image(request.dressed(clothes)),
            alpha=alpha,
        )

    def _draw(self, kind: object, w_pluses: list[np.ndarray]) -> list[np.ndarray]:
        """Draw latents of one size in pixels, which all keep the same outside of the same mask."""
        size, keep = cast(tuple[int, KeepRest | None], kind)
        given = np.stack(w_pluses) if len(w_pluses) > 1 else w_pluses[0]
        start = time.perf_counter()
        if keep is None:
            images = np.asarray(self.generator.render(given, size=size))
        else:
            images = np.asarray(self.generator.render(given, size=size, keep=keep))
        if size == self.generator.img_resolution:  # smaller ones may be the small network's
            self._full_seconds = time.perf_counter() - start
        images = images[None] if images.ndim == 3 else images
        operations = () if keep is None else (keep,)
        for w_plus, image in zip(w_pluses, images, strict=True):
            self._remember(self.request(w_plus, operations=operations).at(size), image)
        return list(images)

    def _remember(self, request: RenderRequest, image: np.ndarray) -> None:
        """Keep a raw picture and its thumbnail."""
        full, small = self.generator.img_resolution, self.generator.preview_size
        if request.size != small or small == full:
            self._images.put(request, image)
            self._thumbs.put(request.digest, make_thumb(image))
        else:  # previews of a drag would push out what is worth keeping
            self._small.put(request, image)
            self._thumbs.get_or_make(request.digest, lambda: make_thumb(image))

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
        request: RenderRequest,
        cache: BoundedCache[RenderResult],
        quality: int,
        *,
        key: Hashable | None = None,
        finish: Callable[[np.ndarray], np.ndarray] = lambda image: image,
    ) -> RenderResult:
        """A picture as JPEG, kept under its request or `key`, `finish` being done in it last."""
        ticket, key = self._take_ticket(session), key or request
        known = cache.get(key)
        if known is not None:
            return _from_cache(known)

        def is_needed() -> bool:
            return cache.get(key) is None and self._is_wanted(session, ticket)

        try:
            image, seconds = self._made(request, is_needed)
            if image is None:
                known = cache.get(key)  # Somebody else may have made it while we waited.
                if known is not None:
                    return _from_cache(known)
                return RenderResult(None, request.size, 0.0, stale=True)
            jpeg = encode_jpeg(finish(image), quality=quality)
        except FacegenError as err:
            return RenderResult(None, request.size, 0.0, error=str(err))
        except Exception:
            _log.exception("A picture could not be made.")
            return RenderResult(None, request.size, 0.0, error=UNEXPECTED)
        result = RenderResult(jpeg, int(image.shape[0]), seconds)
        cache.put(key, result)
        return result


def _around(request: RenderRequest) -> np.ndarray:
    """The latent that draws most of a picture: what is kept, if anything is."""
    return request.w_plus if request.keep is None else request.keep.w_plus


def _retouched(request: RenderRequest) -> tuple[PixelOperation, ...]:
    """What is done in a picture, wherever its person stands."""
    told: list[PixelOperation] = []
    for one in request.retouching:
        if isinstance(one, Background):
            one = replace(one, person=b"")
        elif isinstance(one, Clothes):
            one = replace(one, worn=b"", latent=one.latent[-4 * W_DIM :])
        told.append(one)
    return tuple(told)


def _from_cache(result: RenderResult) -> RenderResult:
    return RenderResult(result.jpeg, result.size, result.seconds, cached=True)
