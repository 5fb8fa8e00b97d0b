"""More like this: people similar to a face, each confirmed on the picture.

Three kinds. The same *person* with other hair, of another age and in another light: variants with
the person held (`facegen.explore.variants`), kept where dlib's descriptor still takes both pictures
for one person. Others of the same *type*: people whose readings on age, sex, skin, hair and the
like are those of the face, and whom the descriptor takes for somebody else. And those who *look*
most like the face: the nearest by the descriptor, whoever they are.

The last two are looked for among screened people (`facegen.explore.screening`): predictions choose,
pictures decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from facegen.editing.dial_set import DialSet
from facegen.editing.locks import IDENTITY
from facegen.errors import UsageError
from facegen.explore.screening import Readings
from facegen.explore.variants import variants
from facegen.face import Face
from facegen.latents import DEFAULT_PSI, MAX_SEED
from facegen.measure.detector import MEASURE_PX
from facegen.measure.measurer import SAME_PERSON, Measurement
from facegen.protocols import Generates, Measures

Keep = Literal["person", "type", "look"]
KEPT = ("person", "type", "look")
MOST_SIMILAR = 1000
TRIES = 4
"""So many pictures are looked at for each person asked for, at most."""
CHANGES = ("hair", "age", "light")
HELD = (IDENTITY, "gender", "glasses", "hat")
STRENGTHS = (1.0, 1.0, 0.7, 0.5)
"""In turn: what made somebody else of the person is asked for more softly."""
TYPE: Mapping[str, float] = {
    "age": 2.0, "gender": 2.0, "skin": 1.5, "chubby": 1.0, "glasses": 1.0, "sunglasses": 1.0,
    "hat": 1.0, "hair_length": 1.0, "hair_volume": 0.5, "curls": 1.0, "bangs": 0.7, "receding": 0.7,
    "hair_blond": 1.0, "hair_black": 1.0, "hair_red": 1.0, "hair_gray": 1.0,
    "beard": 1.0, "mustache": 0.7,
}  # fmt: skip
"""What makes a type: dial -> how much it counts."""
ANSWERS = ("gender", "glasses", "sunglasses", "hat", "beard")
"""Of these, what is there or not must be the same."""
NEAR_TYPE = 0.75
"""Standard deviations by which somebody of the type differs at most, on weighted average."""
PREDICTED_STRANGERS = 0.45
"""Predicted descriptors lie nearer to each other than those of pictures: of people of a type who
are this far apart by prediction, half are strangers (0.6) on the picture; of all of them, a
quarter."""
THE_SAME = 0.05
"""Of descriptors: nearer than that is the face itself."""


@dataclass(frozen=True, eq=False)
class Similar:
    """Somebody similar, as their picture shows them.

    Attributes:
        face: Who.
        image: Their picture, uint8 [512, 512, 3].
        measurement: Of it.
        distance: Of dlib's descriptors from the face asked about; below 0.6 is one person.
    """

    face: Face
    image: np.ndarray
    measurement: Measurement
    distance: float


def similar(
    face: Face,
    keep: Keep,
    *,
    generator: Generates,
    dials: DialSet,
    measurer: Measures,
    people: Iterable[Readings] = (),
    psi: float = DEFAULT_PSI,
    count: int = 12,
    seed: int = 0,
) -> Iterator[Similar]:
    """People similar to a face, as they are found.

    Args:
        face: Of the generator's space; not changed.
        keep: What they share with the face: "person", "type" or "look".
        generator: Draws them.
        dials: Of its space.
        measurer: Looks at the pictures.
        people: Whom to choose from for "type" and "look", in parts, such as a bank's blocks.
        psi: Truncation that `people` were read at.
        count: How many, 1 to 1000. Fewer come where that many are not found.
        seed: For "person": other seeds give other hair, ages and light.

    Raises:
        UsageError: an argument outside its range, no face is seen on the face's picture, or nobody
            to choose from.
        SpaceMismatchError: the face is of another space.
    """
    if keep not in KEPT:
        raise UsageError(f"What is kept is one of {', '.join(KEPT)}; got '{keep}'.")
    if not 1 <= count <= MOST_SIMILAR:
        raise UsageError(f"There can be 1 to {MOST_SIMILAR} similar people, got {count}.")
    face.require_space(generator.space)
    look = _Look(generator, measurer)
    own = look.at(face, None)
    if own is None:
        raise UsageError(
            "No face is seen on the picture of this face, so nobody can be compared with it. "
            "Choose another, or turn it back to the front."
        )
    if keep == "person":
        return _same_person(face, own, look, dials, count, seed)
    return _others(face, own, look, dials, people, psi, count, keep)


class _Look:
    """Draws faces and measures them."""

    def __init__(self, generator: Generates, measurer: Measures) -> None:
        self.generator, self._measurer = generator, measurer

    def at(self, face: Face, other: Measurement | None) -> Similar | None:
        """A face as its picture shows it, beside another; None if no face is seen."""
        image = self.generator.render(face.w_plus, size=MEASURE_PX)
        found = self._measurer.measure(image, details=False)
        if found is None:
            return None
        return Similar(face, image, found, 0.0 if other is None else found.distance(other))


def _same_person(
    face: Face, own: Similar, look: _Look, dials: DialSet, count: int, seed: int
) -> Iterator[Similar]:
    made = 0
    for attempt in range(TRIES * count):
        variant = variants(
            face,
            dials,
            CHANGES,
            generator=look.generator,
            strength=STRENGTHS[attempt // count],
            count=1,
            seed=(seed * MOST_SIMILAR * TRIES + attempt) % (MAX_SEED + 1),
            hold=HELD,
        )[0]
        found = look.at(variant, own.measurement)
        if found is not None and THE_SAME < found.distance < SAME_PERSON:
            yield found
            made += 1
        if made == count:
            return


def _others(
    face: Face,
    own: Similar,
    look: _Look,
    dials: DialSet,
    people: Iterable[Readings],
    psi: float,
    count: int,
    keep: Keep,
) -> Iterator[Similar]:
    """Those of the type, or who look like the face, the best predicted first."""
    kind = _Type(dials, dials.in_units(own.measurement.values))
    predicted = _descriptor(dials, face.w_plus)
    best, looked_at = _Best(TRIES * count), 0
    for some in people:
        looked_at += len(some)
        apart = np.linalg.norm(some.descriptors - predicted, axis=1)
        if keep == "type":
            others = np.flatnonzero(apart >= PREDICTED_STRANGERS)
            best.offer(some.seeds[others], kind.distances(some.names, some.values[others]))
        else:
            best.offer(some.seeds, apart)
    if not looked_at:
        raise UsageError("There is nobody to choose from; give people that were screened.")
    tried = (
        look.at(Face.from_seed(look.generator, seed, psi), own.measurement)
        for seed in best.seeds.tolist()
    )
    seen = (found for found in tried if found is not None and found.distance > THE_SAME)
    if keep == "look":
        yield from sorted(seen, key=lambda found: found.distance)[:count]
        return
    confirmed = (
        found
        for found in seen
        if found.distance >= SAME_PERSON and kind.is_met(dials.in_units(found.measurement.values))
    )
    yield from islice(confirmed, count)


class _Type:
    """Measures how far people are from somebody's type."""

    def __init__(self, dials: DialSet, seen: Mapping[str, float]) -> None:
        self._names = [name for name in TYPE if name in seen]
        self._seen = np.array([seen[name] for name in self._names])
        self._sd = np.array([dials.spec(name).unit_per_sd for name in self._names])
        weights = np.array([TYPE[name] for name in self._names])
        self._weights = weights / weights.sum()
        self._yes_from = {
            name: since
            for name in self._names
            if (since := dials.spec(name).yes_from) is not None and name in ANSWERS
        }
        self._answers = {name: seen[name] >= since for name, since in self._yes_from.items()}

    def distances(self, names: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Weighted root mean squares, in standard deviations, of people's readings [N, D]."""
        columns = [names.index(name) for name in self._names]
        away = (values[:, columns] - self._seen) / self._sd
        return np.sqrt(np.square(away) @ self._weights)

    def is_met(self, seen: Mapping[str, float]) -> bool:
        """Whether somebody is of the type, by their picture."""
        values = np.array([[seen[name] for name in self._names]])
        same = all(
            (seen[name] >= since) == self._answers[name] for name, since in self._yes_from.items()
        )
        return same and float(self.distances(self._names, values)[0]) <= NEAR_TYPE


class _Best:
    """The seeds with the smallest distances of all that were offered, the smallest first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.seeds, self._distances = np.zeros(0, np.int64), np.zeros(0)

    def offer(self, seeds: np.ndarray, distances: np.ndarray) -> None:
        """Take those that are better."""
        together = np.concatenate([self._distances, distances])
        both = np.concatenate([self.seeds, seeds])
        order = np.argsort(together, kind="stable")[: self._count]
        self.seeds, self._distances = both[order], together[order]


def _descriptor(dials: DialSet, w_plus: np.ndarray) -> np.ndarray:
    """Dlib's descriptor as predicted from a latent, [128]."""
    reading = dials.regressor
    scores = reading.scores(reading.contributions(w_plus[None]))[0]
    own = slice(len(reading.names), None)
    return np.asarray(scores[own] * reading.spread[own] + reading.mean[own])
