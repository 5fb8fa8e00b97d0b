"""Whether anything about somebody who was made is out of the ordinary that nobody asked for.

Whoever is led to what was asked can pay for it elsewhere: red hair in a red room with red skin, a
head that lies on its side. People of seeds differ in all that is measured as well, but hardly ever
by so much in one thing. So all measurements that were not asked for, and do not go along with what
was, are held against the spread of natural faces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from facegen.directions.recipes import RECIPES, same_things
from facegen.directions.regressor import Regressor
from facegen.explore.query import Query

ORDINARY_SD = 3.4
"""So far from the average, in standard deviations, six of seven natural faces have nothing."""
STRANGE_SD = 4.5
"""Whoever has something further out is never given; of natural faces one in twenty has."""
CORRUPTED = "artifact"
CORRUPTED_COUNTS = 1.6
"""What tells of a picture that is corrupted counts so many times."""


def unasked(query: Query, reading: Regressor) -> list[int]:
    """The measurements that a query does not ask for, by their places in the regressor."""
    asked: set[str] = set()
    for one in query.conditions:
        asked.add(one.dial)
        if one.dial in RECIPES:
            asked |= {RECIPES[one.dial].channel, *same_things(one.dial)}
    return [k for k, name in enumerate(reading.names) if name not in asked]


class Ordinary:
    """Holds what was measured against natural faces.

    Args:
        query: What is asked for.
        reading: Of the space: it knows the spread of all measurements.
    """

    def __init__(self, query: Query, reading: Regressor) -> None:
        places = unasked(query, reading)
        self._names: Sequence[str] = [reading.names[k] for k in places]
        self._mean, self._spread = reading.mean[places], np.array(reading.spread[places])
        if CORRUPTED in self._names:
            self._spread[self._names.index(CORRUPTED)] /= CORRUPTED_COUNTS

    def strangest(self, measured: Mapping[str, float]) -> float:
        """How far out the most unusual thing is, in standard deviations.

        Args:
            measured: Channel -> number, as `Measurement.values`; those that lack do not count.
        """
        values = np.array([measured.get(name, np.nan) for name in self._names])
        away = np.abs(values - self._mean) / self._spread
        return float(np.nanmax(away, initial=0.0, where=~np.isnan(away)))
