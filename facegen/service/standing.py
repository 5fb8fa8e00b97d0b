"""Where people stand among others: the points of the map of a crowd.

The map itself, with what its axes mean, is made once of the first people of the bank
(`facegen.explore.crowd_map`), so it is the same for every crowd; each crowd is put into it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from facegen.explore.bank import Bank
from facegen.explore.crowd_map import CrowdMap, crowd_map
from facegen.latents import MAX_SEED
from facegen.service.crowds import Gallery, Member

NEW_SHOWN = 1000
"""People of a gallery on its map."""
OTHERS_SHOWN = 600
"""People among whom found ones are shown."""


@dataclass(frozen=True, eq=False)
class Standing:
    """People on the map.

    Attributes:
        points: x to the right and y upward, in standard deviations, float32 [N, 2].
        values: Dial -> their values in its unit, [N].
    """

    points: np.ndarray
    values: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.points)


class Standings:
    """Puts people into the map of a network.

    Args:
        bank: Its people; read on first use.
        dials: Of its space.
    """

    def __init__(self, bank: Bank, dials: Any) -> None:
        self._bank, self._dials = bank, dials
        self._made: CrowdMap | None = None
        self._guard = threading.Lock()

    def map(self) -> CrowdMap:
        """The map, made on first use: a second."""
        with self._guard:
            if self._made is None:
                self._made = crowd_map([self._bank.block(0)], self._dials)
            return self._made

    def others(self) -> Standing:
        """People to compare with."""
        some = self._bank.block(0).take(range(OTHERS_SHOWN))
        return self._placed(some.names, some.values)

    def gallery(self, gallery: Gallery) -> Standing:
        """The first people of a gallery, in its order."""
        count = min(NEW_SHOWN, MAX_SEED + 1 - gallery.first)
        some = self._bank.screener.read(range(gallery.first, gallery.first + count))
        return self._placed(some.names, some.values)

    def members(self, members: Sequence[Member]) -> Standing:
        """Some people: as measured on their pictures, else as predicted."""
        read = [self._read(member) for member in members]
        # A prediction tells dials of a user's own, a picture does not.
        first = tuple(read[0]) if read else self.map().names
        names = tuple(name for name in first if all(name in values for values in read))
        rows = [[values[name] for name in names] for values in read]
        return self._placed(names, np.array(rows, np.float32).reshape(len(rows), len(names)))

    def _read(self, member: Member) -> Mapping[str, float]:
        if member.values is not None:
            return member.values
        found: Mapping[str, float] = self._dials.read(member.face.w_plus)
        return found

    def _placed(self, names: Sequence[str], values: np.ndarray) -> Standing:
        columns = [names.index(name) for name in self.map().names]
        by_name = {name: values[:, k] for k, name in enumerate(names)}
        return Standing(self.map().place(values[:, columns]), by_name)
