"""Stands in for what finds and makes people, for drawn faces: quick, without the learned dials."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from facegen.errors import UsageError
from facegen.explore.crowd_map import Axis, CrowdMap
from facegen.explore.find import Found, Odds
from facegen.explore.similar import Similar
from facegen.face import Face
from facegen.operations import DELTA_DIGITS, DialMove
from facegen.service.standing import Standing

PSI = 0.7
MOST_LOOKED_AT = 3000


@dataclass
class FakeSearch:
    """Looks at the seeds one by one; as `facegen.explore.find.Search`."""

    query: Any
    bank: Any
    picture: Callable[[np.ndarray], np.ndarray]
    count: int
    without: frozenset[int]
    stop: Callable[[], bool]
    progress: Callable[[int, int], None]
    looked_at: int = 0
    seed: int = 0
    found: int = 0

    @property
    def odds(self) -> Odds:
        return Odds(self.found, self.looked_at)

    def __iter__(self) -> Iterator[Found]:
        generator, dials = self.bank.generator, self.bank.dials
        first = self.seed * MOST_LOOKED_AT
        for seed in range(first, first + MOST_LOOKED_AT):
            if self.stop() or self.found >= self.count:
                return
            face = Face.from_seed(generator, seed, PSI)
            values = dials.read(face.w_plus)
            self.looked_at += 1
            self.progress(self.found, self.count)
            if seed in self.without or not self.query.meets(values):
                continue
            time.sleep(0.02)
            picture = self.picture(face.w_plus)
            self.found += 1
            yield Found(face, None, values, picture, "seed", 1.0, seed)


def find(query: Any, bank: Any, *, measure: object, **wishes: Any) -> FakeSearch:
    return FakeSearch(query, bank, **wishes)


def bank(screener: Any) -> Any:
    def grow(*_: object, stop: Callable[[], bool]) -> int:
        return 0

    return SimpleNamespace(**vars(screener), grow=grow, block=lambda index: [])


def average(faces: list[Face], *, generator: Any) -> Face:
    if len({face.w_plus.tobytes() for face in faces}) < 2:
        raise UsageError("All of these are the same face, so nothing lies between them.")
    mean = np.mean([face.w_plus for face in faces], axis=0)
    return Face.from_w_plus(mean, space=generator.space, model=generator.model)


def children(a: Face, b: Face, *, generator: Any, count: int, seed: int) -> list[Face]:
    shares = np.random.RandomState(seed).rand(count)
    return [
        Face.from_w_plus(
            s * a.w_plus + (1 - s) * b.w_plus, space=generator.space, model=generator.model
        )
        for s in shares
    ]


def variants(
    face: Face, dials: Any, names: Any, *, generator: Any, strength: float, count: int, seed: int
) -> list[Face]:
    steps = np.round(strength * np.random.RandomState(seed).randn(count), DELTA_DIGITS).tolist()
    return [
        face.edited(dials.apply(face.base, {"smile": step}), (DialMove("smile", step),))
        for step in steps
    ]


def similar(
    face: Face, keep: str, *, generator: Any, dials: Any, count: int, seed: int, **_: Any
) -> Iterator[Similar]:
    made = variants(face, dials, (), generator=generator, strength=1.0, count=count, seed=seed)
    for one in made:
        yield Similar(one, generator.render(one.w_plus, size=256), None, 0.3)


class FakeStandings:
    """As `facegen.service.standing.Standings`: age to the right, sex upward."""

    AXES = ("age", "gender")

    def __init__(self, bank: Any, dials: Any) -> None:
        self._generator, self._dials = bank.generator, dials

    def map(self) -> CrowdMap:
        x = Axis(("age: younger",), ("age: older",), {"age": 1.0}, 0.5)
        y = Axis(("gender: feminine",), ("gender: masculine",), {"gender": 1.0}, 0.4)
        empty = np.zeros((0, 2), np.float32)
        return CrowdMap(np.zeros(0, np.int64), empty, x, y, self.AXES, np.zeros(2), np.eye(2))

    def _stand(self, latents: list[np.ndarray]) -> Standing:
        read = [self._dials.read(w_plus) for w_plus in latents]
        values = {name: np.array([one[name] for one in read]) for name in self._dials.names}
        points = [((one["age"] - 34) / 4, 4 * one["gender"]) for one in read]
        return Standing(np.array(points, np.float32).reshape(-1, 2), values)

    def others(self) -> Standing:
        return self._stand([self._generator.w_from_seed(seed, PSI) for seed in range(60)])

    def gallery(self, gallery: Any) -> Standing:
        seeds = range(gallery.first, gallery.first + 200)
        return self._stand([self._generator.w_from_seed(seed, PSI) for seed in seeds])

    def members(self, members: list[Any]) -> Standing:
        return self._stand([member.face.w_plus for member in members])


def put(setattr_: Any = setattr) -> None:
    """Put them in; takes a monkeypatch's `setattr` or nothing."""
    from facegen.service import finding

    for name, value in (
        ("find", find),
        ("Bank", bank),
        ("Screener", lambda generator, dials: SimpleNamespace(generator=generator, dials=dials)),
        ("average", average),
        ("children", children),
        ("variants", variants),
        ("named_dials", lambda names, dials: tuple(names) or ("smile", "age")),
        ("similar", similar),
        ("measurer", lambda: None),
        ("Standings", FakeStandings),
    ):
        setattr_(finding, name, value)
