"""The numbers of the current picture: measured when nothing else is asked for.

A dial's number is predicted from the latent while it moves. At rest the picture itself is
measured, and the loop of `facegen.editing.closed_loop` can correct dials that it contradicts. The
instruments are fetched and loaded behind the page; without them the predicted numbers stay.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from facegen.cache import BoundedCache
from facegen.errors import FacegenError
from facegen.render_request import RenderRequest
from facegen.service.render import RenderService

_log = logging.getLogger(__name__)

MAX_SEEN = 256
REST_SECONDS = 0.7
RETRY_SECONDS = 3.0


@dataclass(frozen=True, eq=False)
class Look:
    """What one look at a picture told.

    Attributes:
        values: Dial -> value in its unit; empty if no face was seen.
        descriptor: Of the person, [128]; None where that is not known.
    """

    values: Mapping[str, float]
    descriptor: np.ndarray | None = None


Measure = Callable[[Any, np.ndarray], Look | None]
"""Dials and a picture, uint8 [H, W, 3] -> what it shows; None if no face is seen."""


def load_measure() -> Measure:
    """Fetch and load the instruments.

    Raises:
        FacegenError: with the reason.
    """
    from facegen.measure.detector import load_instruments
    from facegen.measure.measurer import load_measurer

    load_instruments()

    def measure(dials: Any, picture: np.ndarray) -> Look | None:
        found = load_measurer().measure(picture, details=False)
        return None if found is None else Look(dials.in_units(found.values), found.descriptor)

    return measure


class MeasuringService:
    """Measures pictures for all visitors, each once."""

    def __init__(self) -> None:
        self._measure: Measure | None = None
        self._seen: BoundedCache[Look] = BoundedCache(MAX_SEEN)
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def is_ready(self) -> bool:
        """Whether pictures can be measured."""
        return self._measure is not None

    @property
    def wait(self) -> float:
        """After how many seconds of rest it is worth asking; 0 if pictures cannot be measured."""
        if self.is_ready:
            return REST_SECONDS
        return RETRY_SECONDS if self._thread is not None and self._thread.is_alive() else 0.0

    def start(self) -> None:
        """Begin to load the instruments; once a process, whatever comes of it."""
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._load, name="load-instruments", daemon=True
                )
                self._thread.start()

    def known(self, request: RenderRequest) -> Mapping[str, float] | None:
        """What was measured on a picture: None if it was not measured yet, empty if no face was
        seen on it.
        """
        look = self._seen.get(request.digest)
        return None if look is None else look.values

    def distance(self, request: RenderRequest, other: RenderRequest) -> float:
        """How far apart two pictures are as persons, see `facegen.measure.measurer.Measurement`;
        0 as long as that is not known.
        """
        looks = [self._seen.get(one.digest) for one in (request, other)]
        a, b = (None if look is None else look.descriptor for look in looks)
        return 0.0 if a is None or b is None else float(np.linalg.norm(a - b))

    def see(
        self, service: RenderService, dials: Any, request: RenderRequest
    ) -> Mapping[str, float] | None:
        """Measure a picture; None if that cannot be done or no face is seen."""
        known = self.known(request)
        if known is not None or self._measure is None:
            return known or None
        try:
            found = self._measure(dials, service.image(request))
        except Exception:
            _log.exception("A picture could not be measured.")
            found = None
        self._seen.put(request.digest, found or Look({}))
        return None if found is None else found.values

    def _load(self) -> None:
        try:
            self._measure = load_measure()
        except FacegenError as err:
            _log.warning("Pictures are not measured: %s", err)
        except Exception:
            _log.exception("Pictures are not measured.")
