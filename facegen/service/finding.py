"""Searches and relatives for the page: what fills a `facegen.service.crowds.Gathering`.

All pictures take their turn in the service's queue. Instruments and the bank of people are loaded
by the thread that needs them first, never by the page.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from facegen.errors import UsageError
from facegen.explore.bank import Bank
from facegen.explore.family import average, children
from facegen.explore.find import Found, Search, find
from facegen.explore.query import Query, parse
from facegen.explore.screening import Readings, Screener
from facegen.explore.similar import Keep, similar
from facegen.explore.variants import named_dials, variants
from facegen.face import Face
from facegen.measure.detector import MEASURE_PX
from facegen.measure.measurer import load_measurer
from facegen.protocols import Measures
from facegen.service.crowds import Fill, Member, Told, tile_of
from facegen.service.queued import QueuedGenerator
from facegen.service.render import RenderService
from facegen.service.standing import Standings

_log = logging.getLogger(__name__)

PAGE = 16
"""So many people are found before a search rests."""
MOST_FOUND = 400
CHILDREN = 24
A_FEW = 4
SIMILAR = 12
PEOPLE_BLOCKS = 16
"""Of the bank: so many are read ahead, and similar people chosen from them."""
FIRST_PAUSE_SECONDS = 4.0
PAUSE_SECONDS = 0.4
NO_DIALS = "This network has no dials, so nobody can be looked for here. Choose among new people."


def measurer() -> Measures:
    """What measures; tests with drawn faces replace it."""
    return load_measurer()


class Finder:
    """Finds people for all visitors of a process.

    Args:
        service: Draws.
        generator: Of the service, with its mapping network.
        dials: Of its space.
    """

    def __init__(self, service: RenderService, generator: Any, dials: Any) -> None:
        self.service, self.generator, self.dials = service, generator, dials
        self.queued = QueuedGenerator(service)
        self._bank: Bank | None = None
        self._standings: Standings | None = None
        self._is_prepared = False
        self._guard = threading.Lock()

    def parse(self, text: str) -> Query:
        """A sentence as conditions.

        Raises:
            QueryError: it is not understood, or nobody can meet it.
            UsageError: there are no dials.
        """
        if not self.dials.names:
            raise UsageError(NO_DIALS)
        return parse(text, self.dials)

    def bank(self) -> Bank:
        """The people who are looked at, read once."""
        with self._guard:
            if self._bank is None:
                self._bank = Bank(Screener(self.generator, self.dials))
            return self._bank

    def standings(self) -> Standings:
        """What puts people on the map."""
        bank = self.bank()
        with self._guard:
            if self._standings is None:
                self._standings = Standings(bank, self.dials)
            return self._standings

    def prepare(self) -> None:
        """Read people ahead of the first search, in the pauses of everything else; once."""
        with self._guard:
            if self._is_prepared or not self.dials.names:
                return
            self._is_prepared = True
        threading.Thread(target=self._prepare, name="grow-bank", daemon=True).start()

    def _prepare(self) -> None:
        def rest() -> bool:
            time.sleep(PAUSE_SECONDS)
            while self.service.waiting:
                time.sleep(PAUSE_SECONDS)
            return False

        time.sleep(FIRST_PAUSE_SECONDS)
        try:
            self.bank().grow(PEOPLE_BLOCKS, stop=rest)
        except Exception:
            _log.exception("People could not be read ahead.")

    def found(self, query: Query) -> Fill:
        """People who are as a query says, confirmed on their pictures."""
        known: set[int] = set()

        def fill(told: Told, stop: Callable[[], bool]) -> Iterator[Member]:
            for one in self._search(query, known, told, stop):
                if one.face.seed is not None:
                    known.add(one.face.seed)
                words = words_of(query, one.values, self.dials)
                yield Member(one.face, words, tile_of(one.picture), values=one.values)

        return fill

    def _search(
        self, query: Query, known: set[int], told: Told, stop: Callable[[], bool]
    ) -> Iterator[Found]:
        """Search after search, each among other people, as long as they find somebody."""
        before = 0
        for part in range(MOST_FOUND // PAGE):
            search = find(
                query, self.bank(), picture=self._picture, measure=self._measure, count=PAGE,
                seed=part, without=frozenset(known), stop=stop, progress=lambda *_: tell(),
            )  # fmt: skip

            def tell(search: Search = search, before: int = before) -> None:
                told.looked_at = before + search.looked_at
                told.odds = str(search.odds) if search.looked_at else ""

            for one in search:
                tell()
                yield one
                if search.found >= search.count:
                    search.count += PAGE  # Whoever asks for one more wants more of them.
            tell()
            before += search.looked_at
            if stop() or not search.found:
                return

    def _picture(self, w_plus: np.ndarray) -> np.ndarray:
        return self.queued.render(w_plus, size=MEASURE_PX)

    def _measure(self, image: np.ndarray) -> Any:
        return measurer().measure(image, details=False)

    def average(self, faces: Sequence[Face]) -> Fill:
        """The person between some, and then those."""

        def fill(told: Told, stop: Callable[[], bool]) -> Iterator[Member]:
            yield Member(average(faces, generator=self.generator), "average", name="Average")
            yield from (Member(face, "one of them") for face in faces)

        return fill

    def children(self, a: Face, b: Face, seed: int) -> Fill:
        """Children of two, without end."""

        def fill(told: Told, stop: Callable[[], bool]) -> Iterator[Member]:
            for part in range(100):
                made = children(a, b, generator=self.generator, count=CHILDREN, seed=seed + part)
                yield from (
                    Member(face, name=f"Child {part * CHILDREN + i}")
                    for i, face in enumerate(made, 1)
                )

        return fill

    def variants(self, face: Face, names: Sequence[str], strength: float, seed: int) -> Fill:
        """One person with dials moved."""

        def fill(told: Told, stop: Callable[[], bool]) -> Iterator[Member]:
            yield Member(face, "as is", name=face.name)
            count = 0
            is_row = len(named_dials(names, self.dials)) == 1  # Even steps of the one dial.
            for part in range(1 if is_row else MOST_FOUND // A_FEW):
                made = variants(
                    face, self.dials, names, generator=self.generator, strength=strength,
                    count=3 * A_FEW if is_row else A_FEW, seed=seed + part,
                )  # fmt: skip
                for one in made:
                    count += 1
                    yield Member(one, name=f"Variant {count}")

        return fill

    def similar(self, face: Face, keep: Keep, seed: int) -> Fill:
        """People like one, confirmed on their pictures."""

        def fill(told: Told, stop: Callable[[], bool]) -> Iterator[Member]:
            yield Member(face, "as is", name=face.name)
            count = 0
            for part in range(MOST_FOUND // SIMILAR if keep == "person" else 1):
                for one in similar(
                    face, keep, generator=self.queued, dials=self.dials, measurer=measurer(),
                    people=() if keep == "person" else self._people(told, stop),
                    count=SIMILAR, seed=seed + part,
                ):  # fmt: skip
                    count += 1
                    name = f"Variant {count}" if keep == "person" else ""
                    yield Member(one.face, "", tile_of(one.image), name)

        return fill

    def _people(self, told: Told, stop: Callable[[], bool]) -> Iterator[Readings]:
        """The first people of the bank."""
        for index in range(PEOPLE_BLOCKS):
            if stop():
                return
            block = self.bank().block(index)
            told.looked_at += len(block)
            yield block


def words_of(query: Query, values: Mapping[str, float], dials: Any) -> str:
    """What was measured of what was asked for with numbers: "age 58, turn -14°"."""
    parts = []
    for one in query.conditions:
        unit = dials.spec(one.dial).unit
        if one.dial in values and unit in ("years", "deg"):
            number = f"{values[one.dial]:.0f}".replace("-", "\u2212")
            parts.append(f"{one.dial} {number}{'°' if unit == 'deg' else ''}")
    return ", ".join(parts)
