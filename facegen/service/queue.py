"""A fair queue in front of one network: first come, first served, and what waits goes together.

Requests arrive on threads of many sessions. Whoever finds the network free draws; whoever comes
meanwhile waits. When the network is free again, the request that waited longest takes with it what
is waiting for the same kind of picture, up to the engine's batch: a GPU draws these in little more
than the time of one. Nobody waits for company.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Draw = Callable[[object, list[np.ndarray]], list[np.ndarray]]
"""(kind, latents) -> as many pictures."""


@dataclass
class _Request:
    kind: object
    key: object
    w_plus: np.ndarray
    is_needed: Callable[[], bool]
    turn: threading.Event = field(default_factory=threading.Event)
    is_done: bool = False
    image: np.ndarray | None = None
    seconds: float = 0.0
    error: Exception | None = None


class RenderQueue:
    """Draws for many threads with one network.

    Args:
        draw: Draws one or more latents of the same kind; never called twice at a time.
        max_batch: Tells how many latents `draw` should get at most.
    """

    def __init__(self, draw: Draw, max_batch: Callable[[], int] = lambda: 1) -> None:
        self._draw = draw
        self._max_batch = max_batch
        self._guard = threading.Lock()
        self._requests: deque[_Request] = deque()
        self._is_busy = False
        self._ended = -math.inf

    @property
    def quiet_seconds(self) -> float:
        """For how long nothing has been drawn; 0 while something is."""
        return 0.0 if self._is_busy else time.monotonic() - self._ended

    @property
    def waiting(self) -> int:
        """How many requests are in the queue, those being drawn left out."""
        return len(self._requests)

    def ask(
        self,
        kind: object,
        w_plus: np.ndarray,
        *,
        key: object = None,
        is_needed: Callable[[], bool] = lambda: True,
    ) -> tuple[np.ndarray | None, float]:
        """Draw a latent when its turn has come.

        Args:
            kind: Requests of equal kind may be drawn together.
            w_plus: The latent.
            key: Requests of equal key and kind in one batch are drawn once.
            is_needed: Asked when the turn has come; if not, nothing is drawn.

        Returns:
            (picture, seconds the network needed), or (None, 0) if it was not needed any more.

        Raises:
            Exception: whatever `draw` raised for this latent.
        """
        request = _Request(kind, key if key is not None else object(), w_plus, is_needed)
        with self._guard:
            is_first = not self._is_busy
            self._is_busy = True
            self._requests.append(request)
        if not is_first:
            request.turn.wait()
        if not request.is_done:
            self._serve()
        if request.error is not None:
            raise request.error
        return request.image, request.seconds

    def _serve(self) -> None:
        """Serve the longest waiting request and those that go with it; wake the next."""
        batch: list[_Request] = []
        try:
            batch = self._take()
            self._make([request for request in batch if not request.is_done])
        finally:
            with self._guard:
                if self._requests:
                    self._requests[0].turn.set()
                else:
                    self._is_busy, self._ended = False, time.monotonic()
            for request in batch:
                request.is_done = True
                request.turn.set()

    def _take(self) -> list[_Request]:
        """Take the first request and all that can be drawn with it or need not be drawn."""
        most = max(1, self._max_batch())
        with self._guard:
            kind = self._requests[0].kind
            keys: set[object] = set()
            taken: list[_Request] = []
            left: deque[_Request] = deque()
            for request in self._requests:
                if taken and request.kind != kind:
                    left.append(request)
                elif not request.is_needed():
                    request.is_done = True
                    taken.append(request)
                elif request.key in keys or len(keys) < most:
                    keys.add(request.key)
                    taken.append(request)
                else:
                    left.append(request)
            self._requests = left
        return taken

    def _make(self, batch: list[_Request]) -> None:
        """Draw what a batch asks for; equal requests share a picture."""
        first: dict[object, _Request] = {}
        for request in batch:
            first.setdefault(request.key, request)
        groups = [list(first.values())] if first else []
        while groups:
            group = groups.pop()
            start = time.perf_counter()
            try:
                images = self._draw(group[0].kind, [request.w_plus for request in group])
                for request, image in zip(group, images, strict=True):
                    request.image = image
                    request.seconds = time.perf_counter() - start
            except Exception as err:
                if len(group) > 1:  # one bad latent must not spoil the others' pictures
                    groups += [[request] for request in group]
                else:
                    group[0].error = err
        for request in batch:
            made = first[request.key]
            request.image, request.seconds = made.image, made.seconds
            request.error = made.error
