"""People who are as somebody says: screened by their seeds, confirmed on their pictures.

`find` looks at what is predicted of many seeds (`facegen.explore.bank`), draws and measures those
who meet the query most surely, and gives those whose pictures do. Where too few are met with, it
goes on from people who come near it, no two of them alike, and leads them there until the picture
shows it (`facegen.explore.solving`; where that does not help, `facegen.explore.making`). Between
two pictures it can be stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from facegen.errors import UsageError
from facegen.explore.bank import BLOCK, BLOCKS, Bank
from facegen.explore.choosing import Chooser, Crowd, nearest_people
from facegen.explore.found import Found, Odds
from facegen.explore.making import Led, Start
from facegen.explore.ordinary import ORDINARY_SD, STRANGE_SD, Ordinary
from facegen.explore.query import Query
from facegen.explore.screening import Readings, chances, shortfalls
from facegen.explore.solving import Sampled, Solver
from facegen.face import Face
from facegen.latents import MAX_SEED
from facegen.measure.measurer import SAME_PERSON, Measurement
from facegen.protocols import Progress

USUAL_COUNT = 16
USUAL_PEOPLE = 16 * BLOCK
"""So many seeds are looked at unless the query is met often."""
MOST_COUNT = 10_000
ENOUGH = 3.0
"""So many times the wanted people must be expected among the sure ones before looking ends."""
SURE = 0.5
LEAST_SURE = 0.25
"""Below this chance a picture is better spent on making somebody."""
LEAST_CHANCE = 0.02
"""Below this chance nobody is drawn, also where nobody is made."""
TWINS, TWINS_MADE = 0.3, 0.45
"""People whose descriptors lie nearer than this are not both given: from seeds, and made ones."""
MOST_DRAWN, MOST_DRAWN_EACH = 100, 25
"""Pictures at most, and so many more for each person wanted: then it was looked for enough."""
PATIENT_STARTS, LEAST_WON = 6, 0.25
"""After so many starts of which fewer were led to the query, the dials are moved instead."""
UNLIKE = 0.68
"""At first only people are given who are so unlike the others; less and less of it is asked …"""
PATIENCE, PATIENCE_MADE = 24, 96
"""… until so many pictures are drawn; those who had to wait come when it is their turn."""
NEAR_KEPT = 256
"""People of a block who are kept as starts."""
MAX_SEARCHES = (MAX_SEED + 1) // (BLOCK * BLOCKS)

Picture = Callable[[np.ndarray], np.ndarray]
"""Draws a w_plus [18, 512]: uint8 [H, H, 3]."""
Measure = Callable[[np.ndarray], Measurement | None]
"""Measures a picture; None where no face is seen."""


@dataclass
class Search(Iterator[Found]):
    """A search on its way: iterate over it; look at its attributes at any time.

    Attributes:
        query: What is looked for.
        bank: Of people; its screener knows the network, the dials and psi.
        picture: Draws.
        measure: Measures a picture; descriptors are needed.
        count: How many people are wanted.
        diverse: Whether people whom dlib would call the same (nearer than 0.6) are left out.
        make: Whether people may be made where too few are found.
        seed: Each number looks at other people: 16,384 numbers, of 262,144 people each.
        people: How many seeds to look at, at most. None: 65,536 for up to 16 people, more for more.
        without: Seeds to leave out: shown already.
        stop: Asked between pictures and blocks; True ends the search.
        progress: Called with (people found, people wanted), after each picture and block.
        looked_at: Seeds whose readings were looked at.
        drawn: Pictures drawn and measured.
        tried, confirmed: People from seeds drawn, and those of them who met it.
        found: How many people were given so far.
    """

    query: Query
    bank: Bank
    picture: Picture
    measure: Measure
    count: int = USUAL_COUNT
    diverse: bool = False
    make: bool = True
    seed: int = 0
    people: int | None = None
    without: Collection[int] = ()
    stop: Callable[[], bool] = lambda: False
    progress: Progress | None = None
    looked_at: int = 0
    drawn: int = 0
    tried: int = 0
    confirmed: int = 0
    found: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.count <= MOST_COUNT:
            raise UsageError(f"From 1 to {MOST_COUNT} people can be looked for, got {self.count}.")
        if not 0 <= self.seed <= MAX_SEED:
            raise UsageError(f"A seed must be a whole number from 0 to {MAX_SEED}.")
        if self.people is not None and self.people < 1:
            raise UsageError(f"At least one person must be looked at, got {self.people}.")
        share = max(self.count / USUAL_COUNT, 1.0)
        usual = min(int(USUAL_PEOPLE * share), BLOCKS * BLOCK)
        self._most_people = usual if self.people is None else self.people
        self._dials = self.bank.screener.dials
        self._expected = self._predicted = 0.0
        self._blocks = 0
        self._solver = Solver(self.bank.screener)
        self._crowd = Crowd()
        self._waiting: list[tuple[Found, np.ndarray]] = []
        self._ordinary = Ordinary(self.query, self._dials.regressor)
        self._strange: list[tuple[float, tuple[Found, np.ndarray]]] = []
        self._is_making, self._drawn_before = False, 0
        self._starts: list[Start] = []
        self._near: list[Readings] = []
        self._used: set[int] = {int(seed) for seed in self.without}
        self._people = self._run()

    def __iter__(self) -> Search:
        """Itself."""
        return self

    def __next__(self) -> Found:
        """The next person; draws as many pictures as it takes."""
        return next(self._people)

    @property
    def odds(self) -> Odds:
        """How often the query is met: what readings tell, put right by what pictures confirmed."""
        # Two pseudo-trials that went as predicted keep a handful of pictures from deciding.
        right = (self.confirmed + 2.0) / (self._predicted + 2.0)
        return Odds(self._expected * min(right, 2.0), self.looked_at)

    # --- the steps ---------------------------------------------------------------------------

    def _run(self) -> Iterator[Found]:
        """From seeds as long as that goes well, then by making people."""
        least = LEAST_SURE if self.make else LEAST_CHANCE
        while not self._is_over():
            candidates = self._look(least)
            if candidates is None:
                break
            yield from self._confirm(candidates, least)
        if self.make and not self._is_over():
            self._is_making, self._drawn_before = True, self.drawn
            yield from self._make()
        if not self.stop():
            yield from self._admitted(self._least_apart)
        if not self.stop():  # The less ordinary, where there are not enough others.
            self._waiting += [one for _, one in sorted(self._strange, key=lambda pair: pair[0])]
            yield from self._admitted(self._least_apart)

    def _is_over(self) -> bool:
        most_drawn = MOST_DRAWN + MOST_DRAWN_EACH * self.count  # More may be wanted meanwhile.
        return self.found >= self.count or self.drawn >= most_drawn or self.stop()

    def _look(self, least: float) -> Readings | None:
        """Blocks until enough people are expected among the sure; those who may meet the query."""
        parts: list[Readings] = []
        expected = 0.0
        wanted = ENOUGH * (self.count - self.found)
        while expected < wanted and self.looked_at < self._most_people and not self.stop():
            block = self.bank.block(self.seed % MAX_SEARCHES * BLOCKS + self._blocks)
            self._blocks += 1
            if len(block) > (left := self._most_people - self.looked_at):
                block = block.take(range(left))
            self.looked_at += len(block)
            chance = chances(self.query, block, self.bank.screener.errors)
            self._expected += float(chance.sum())
            expected += float(chance[chance >= SURE].sum())
            parts.append(block.take(np.flatnonzero(chance >= least)))
            if self.make:
                short = shortfalls(self.query, block, self.bank.screener.errors)
                self._near.append(block.take(np.argsort(short, kind="stable")[:NEAR_KEPT]))
            self._tell()
        return Readings.joined(parts) if parts else None

    def _confirm(self, candidates: Readings, least: float) -> Iterator[Found]:
        """Draw those who meet the query most surely, unlike those found before."""
        chance = chances(self.query, candidates, self.bank.screener.errors)
        free = np.array([seed not in self._used for seed in candidates.seeds.tolist()], bool)
        descriptors = candidates.descriptors
        chooser = Chooser(self._crowd, descriptors)
        while free.any() and not self._is_over():
            index = chooser.choose(chance * free)
            if chance[index] < least:
                break
            free[index] = False
            seed = int(candidates.seeds[index])
            self._used.add(seed)
            face = self._face(seed)
            image, measured, values = self._see(face.w_plus)
            self.tried += 1
            self._predicted += float(chance[index])
            is_met = self._is_met(measured, values)
            self.confirmed += is_met
            if is_met and measured:
                one = Found(face, measured, values, image, "seed", float(chance[index]), seed)
                self._waiting.append((one, descriptors[index]))
            elif measured is not None:
                start = Start(face, dict(values), True, descriptors[index])
                self._starts.append(start)
            yield from self._admitted(self._apart)
            self._tell()

    def _make(self) -> Iterator[Found]:
        """Lead people who come near the query to it."""
        begun = won = 0
        for start in self._all_starts():
            if self._is_over():
                return
            is_moved = begun >= PATIENT_STARTS and won < LEAST_WON * begun
            begun += not is_moved
            loop = self._led(start, is_moved=is_moved)
            while not loop.done and not self.stop():
                image, measured, values = self._see(loop.w_plus)
                if measured and self._is_met(measured, values):
                    strangest = self._ordinary.strangest(measured.values)
                    won += not is_moved and strangest <= ORDINARY_SD
                    face = self._made(start, loop)
                    one = Found(face, measured, values, image, "made", 0.0, start.face.seed)
                    somebody = (one, self._predicted_descriptor(loop.w_plus))
                    if strangest <= ORDINARY_SD:
                        self._waiting.append(somebody)
                    elif strangest <= STRANGE_SD:
                        self._strange.append((strangest, somebody))
                    break
                loop.saw(values if measured is not None else None)
                self._tell()
            yield from self._admitted(self._apart)
            self._tell()

    def _led(self, start: Start, *, is_moved: bool) -> Sampled | Led:
        """What leads a start to the query: the solver, or the dials where that does not help."""
        if is_moved:
            return Led(self.query, self._dials, self.bank.screener.errors, start)
        assert start.face.seed is not None, "people start from seeds"
        return Sampled(self._solver, self.query, start.face.seed, self._crowd.since(0))

    def _made(self, start: Start, loop: Sampled | Led) -> Face:
        """Somebody who was led somewhere, as a face of the network's."""
        if isinstance(loop, Led):
            return start.face.edited(loop.w_plus, loop.moves())
        w_plus = loop.w_plus
        return replace(start.face, w_plus=w_plus, base=w_plus, seed=None, psi=None)

    def _predicted_descriptor(self, w_plus: np.ndarray) -> np.ndarray:
        screener = self.bank.screener
        found: np.ndarray = screener.readings([0], screener.scores(w_plus[:1])).descriptors[0]
        return found

    def _all_starts(self) -> Iterator[Start]:
        """Those drawn who missed the query, then the nearest of all looked at, no two alike."""
        missed = sorted(self._starts, key=lambda one: self._misses(one.values))
        yield from missed[: 2 * self.count]
        if not self._near:
            return
        near = Readings.joined(self._near)
        short = shortfalls(self.query, near, self.bank.screener.errors)
        for index in nearest_people(near, short, self._crowd, without=self._used):
            self._used.add(int(near.seeds[index]))
            face = self._face(int(near.seeds[index]))
            yield Start(face, near.person(index), False, near.descriptors[index])

    def _misses(self, values: Mapping[str, float]) -> float:
        """How far measured values are from meeting the query, in standard deviations."""
        far = 0.0
        for one in self.query.missed(values):
            unit = self._dials.spec(one.dial).unit_per_sd
            value = values.get(one.dial, np.inf)
            low = -np.inf if one.low is None else one.low
            high = np.inf if one.high is None else one.high
            far += max(low - value, value - high, 0.0) / unit
        return far

    def _admitted(self, apart: float) -> Iterator[Found]:
        """Those of the people who wait who are that far from everybody given."""
        while self._waiting and self.found < self.count:
            far = self._crowd.nearest([one.descriptor for one, _ in self._waiting])
            furthest = int(np.argmax(far))
            if far[furthest] < apart:
                break
            one, predicted = self._waiting.pop(furthest)
            self._crowd.add(one.descriptor, predicted)
            self.found += 1
            yield one
        # Nobody moves further from those who are there: who is too near now stays so.
        far = self._crowd.nearest([one.descriptor for one, _ in self._waiting])
        self._waiting = [
            who for who, away in zip(self._waiting, far, strict=True) if away >= self._least_apart
        ]

    @property
    def _least_apart(self) -> float:
        if self.diverse:
            return SAME_PERSON
        return TWINS_MADE if self._is_making else TWINS

    @property
    def _apart(self) -> float:
        """How unlike the others somebody must be now."""
        patience = PATIENCE_MADE if self._is_making else PATIENCE
        left = max(1.0 - (self.drawn - self._drawn_before) / patience, 0.0)
        least = self._least_apart
        return least + left * max(UNLIKE - least, 0.0)

    def _face(self, seed: int) -> Face:
        generator, psi = self.bank.screener.generator, self.bank.screener.psi
        w_plus = generator.w_from_seed(seed, psi)
        return Face(
            w_plus, w_plus, space=generator.space, model=generator.model, seed=seed, psi=psi
        )

    def _see(
        self, w_plus: np.ndarray
    ) -> tuple[np.ndarray, Measurement | None, Mapping[str, float]]:
        image = self.picture(w_plus)
        measured = self.measure(image)
        self.drawn += 1
        return image, measured, {} if measured is None else self._dials.in_units(measured.values)

    def _is_met(self, measured: Measurement | None, values: Mapping[str, float]) -> bool:
        if measured is None or measured.descriptor is None:
            return False
        return self.query.meets(values)

    def _tell(self) -> None:
        if self.progress:
            self.progress(self.found, self.count)


def find(
    query: Query, bank: Bank, *, picture: Picture, measure: Measure, **wishes: object
) -> Search:
    """Look for people.

    Args:
        query: From `facegen.explore.query.parse`.
        bank: Of people.
        picture: Draws a w_plus [18, 512].
        measure: Measures a picture, with the descriptor.
        wishes: count, diverse, make, seed, people, without, stop, progress: see `Search`.

    Returns:
        An iterator over `Found` that may be left at any time.

    Raises:
        UsageError: a number outside its range.
    """
    return Search(query, bank, picture, measure, **wishes)  # type: ignore[arg-type]


__all__ = ["Found", "Odds", "Search", "find"]
