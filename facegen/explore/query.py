"""What people ask for, in words or in comparisons, as conditions on measured values.

    "woman, 55-65, grey curly hair, no glasses, slight smile, looking left"
    "gender<-0.5 and 50<=age<=65 and glasses>1"

A sentence is a row of things that must all hold. Each is found by the words of
`facegen.explore.words`, an age or an angle by its number, a comparison by a dial's name
(`facegen.explore.grammar`). Nothing is evaluated: what is not known is an error that points at the
word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from facegen.controls import NOTHING_BETWEEN
from facegen.explore.grammar import Found, Grammar, QueryError
from facegen.explore.tokens import MOST_CHARACTERS
from facegen.explore.words import (
    HIGH,
    LOW,
    Sense,
    is_yes_or_no,
    spans_of,
)
from facegen.protocols import Moves

MOST_CONDITIONS = 24
MUCH_MORE_SD = 0.8
"""So far past the point where a thing is there it is there "very"."""
VERY_YEARS = 8.0
MISS_UNITS = {"years": 4.0, "deg": 3.0, "sd": 0.35}
"""Within so much of a single number is meant."""
Span = tuple[float | None, float | None]
NO_DIAL = "This network has no dial for {what}; leave it out."
# Things that nobody has at once: (dial, end), (dial, end).
NEVER_BOTH = (
    (("receding", HIGH), ("bangs", HIGH)),
    (("receding", HIGH), ("hair_length", HIGH)),
    (("receding", HIGH), ("hair_volume", HIGH)),
    (("hair_black", HIGH), ("hair_blond", HIGH)),
    (("hair_black", HIGH), ("hair_gray", HIGH)),
    (("hair_black", HIGH), ("hair_red", HIGH)),
    (("glasses", LOW), ("sunglasses", HIGH)),
    (("mouth_open", LOW), ("teeth", HIGH)),
)


@dataclass(frozen=True)
class Condition:
    """One measured value that must lie within bounds.

    Attributes:
        dial: Its dial.
        low, high: Bounds in the dial's unit: from low on, and below high; None for no bound.
        text: The words that asked for it.
    """

    dial: str
    low: float | None
    high: float | None
    text: str

    def meets(self, value: float) -> bool:
        """Whether a value lies within the bounds."""
        return (self.low is None or value >= self.low) and (self.high is None or value < self.high)


@dataclass(frozen=True)
class Query:
    """Conditions that must all hold, one a dial.

    Attributes:
        conditions: In the order in which their dials were named first.
        chips: The things asked for, each in words that can be parsed by themselves.
    """

    conditions: tuple[Condition, ...]
    chips: tuple[str, ...]

    def meets(self, readings: Mapping[str, float]) -> bool:
        """Whether all conditions hold.

        Args:
            readings: Dial -> value in its unit; what is not there meets nothing.
        """
        return not self.missed(readings)

    def missed(self, readings: Mapping[str, float]) -> tuple[Condition, ...]:
        """The conditions that do not hold."""
        return tuple(
            one
            for one in self.conditions
            if one.dial not in readings or not one.meets(readings[one.dial])
        )

    def __str__(self) -> str:
        """The chips in a row: a sentence with the same meaning."""
        return ", ".join(self.chips)


def parse(text: str, dials: Moves) -> Query:
    """Read a sentence.

    Args:
        text: In words or comparisons; up to 300 characters.
        dials: Of the face's space; they tell from where a thing is there.

    Raises:
        QueryError: empty, too long, a word that is not known, something that nobody can meet, or
            things that contradict each other. It points at the place.
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(
            f"A sentence may have {MOST_CHARACTERS} characters, got {len(text)}. Say less.",
            start=MOST_CHARACTERS, end=len(text),
        )  # fmt: skip
    return _Reader(text, dials).query()


class _Reader:
    """Makes conditions of what a sentence says."""

    def __init__(self, text: str, dials: Moves) -> None:
        self._text, self._dials = text, dials
        self._names = frozenset(getattr(dials, "names", ()))
        self._grammar = Grammar(text, self._names)

    def query(self) -> Query:
        """All conditions, those on one dial as one."""
        merged: dict[str, Condition] = {}
        ends: dict[tuple[str, int], Found] = {}
        chips: dict[str, None] = {}
        for found in self._grammar.findings():
            chip = self._grammar.words(found)
            chips.setdefault(chip)
            for sense, degree in found.read:
                one = self._condition(sense, degree, found, chip)
                known = merged.get(one.dial)
                merged[one.dial] = one if known is None else self._both(known, one, found)
                end = (-sense.end if found.negated else sense.end) or 0
                self._never_both(ends, (sense.dial, end), found)
                ends[sense.dial, end] = found
        if not merged:
            raise QueryError(
                'Say what to look for, such as "woman, 50-60, grey hair, glasses".',
                end=len(self._text),
            )
        if len(merged) > MOST_CONDITIONS:
            raise QueryError(
                f"At most {MOST_CONDITIONS} things can be asked for at once, got {len(merged)}; "
                "say less.", end=len(self._text),
            )  # fmt: skip
        return Query(tuple(merged.values()), tuple(chips))

    def _never_both(
        self, ends: Mapping[tuple[str, int], Found], new: tuple[str, int], found: Found
    ) -> None:
        for one, other in NEVER_BOTH:
            pair = {one: other, other: one}
            if new in pair and pair[new] in ends:
                before, now = self._grammar.words(ends[pair[new]]), self._grammar.words(found)
                raise self._grammar.error(
                    found.first, found.last,
                    f"Nobody has both: '{before}' and '{now}' contradict each other. Drop one.",
                )  # fmt: skip

    def _condition(self, sense: Sense, degree: int, found: Found, chip: str) -> Condition:
        if sense.dial not in self._names:
            raise self._grammar.error(found.first, found.last, NO_DIAL.format(what=f"'{chip}'"))
        if found.negated:
            if len(found.read) > 1:
                raise self._grammar.error(
                    found.first, found.last,
                    f"'{chip}' can be missed in more than one way; say what is meant instead.",
                )  # fmt: skip
            span = self._not(sense, found, chip)
        else:
            span = self._span(sense, degree)
        if span.low is not None and span.high is not None and span.low >= span.high:
            raise self._grammar.error(
                found.first, found.last,
                f"'{chip}' contradicts itself: nothing is from {span.low:g} on and below "
                f"{span.high:g}. Swap the two.",
            )  # fmt: skip
        spec = self._dials.spec(sense.dial)
        low, high = spec.safe
        if (span.low is not None and span.low > high) or (
            span.high is not None and span.high < low
        ):
            raise self._grammar.error(
                found.first, found.last,
                f"Nobody here is like '{chip}': {sense.dial} goes from {low:.4g} to {high:.4g} "
                f"({spec.unit}). Ask for less.",
            )  # fmt: skip
        return Condition(sense.dial, span.low, span.high, chip)

    def _span(self, sense: Sense, degree: int) -> Sense:
        """A sense as a span in the dial's unit."""
        if not sense.end or sense.dial not in self._names:
            return self._around(_very(sense) if degree == 1 else sense)
        if is_yes_or_no(sense.dial):
            no_below, since = self._clear(sense.dial)
            more = 0.0 if sense.dial in NOTHING_BETWEEN else MUCH_MORE_SD
            edges: dict[int, Span] = {
                0: (since, None),
                1: (since + more, None),
                -1: (since, since + more or None),
            }
            if sense.end == LOW:
                edges = {
                    0: (None, no_below),
                    1: (None, no_below - more),
                    -1: (no_below - more, no_below),
                }
            low, high = edges[degree] if more else edges[0]
            return Sense(sense.dial, 0, low, high)
        spans = spans_of(sense.dial, sense.end)
        return Sense(sense.dial, 0, *(spans.plain, spans.very, spans.slight)[degree])

    def _around(self, sense: Sense) -> Sense:
        """A single number means what lies near it."""
        if sense.low is None or sense.low != sense.high or sense.dial not in self._names:
            return sense
        near = MISS_UNITS.get(self._dials.spec(sense.dial).unit, MISS_UNITS["sd"])
        return Sense(sense.dial, 0, sense.low - near, sense.low + near)

    def _not(self, sense: Sense, found: Found, chip: str) -> Sense:
        if sense.end and is_yes_or_no(sense.dial):
            return self._span(Sense(sense.dial, -sense.end), 0)
        if sense.end:
            return Sense(sense.dial, 0, *spans_of(sense.dial, sense.end).no)
        span = self._around(sense)
        if span.low is None or span.high is None:
            return Sense(sense.dial, 0, span.high, span.low)
        raise self._grammar.error(
            found.first, found.last,
            f"'{chip}' leaves two ways, less and more; say which of the two is meant.",
        )  # fmt: skip

    def _clear(self, name: str) -> tuple[float, float]:
        """Below which value the thing is surely not there, and from which on it is."""
        spec = self._dials.spec(name)
        clear = getattr(spec, "clear", None)
        if clear is not None:
            return float(clear[0]), float(clear[1])
        since = getattr(spec, "yes_from", None)
        since = float(since) if since is not None else (0.0 if name == "gender" else 1.0)
        return since, since

    def _both(self, known: Condition, new: Condition, found: Found) -> Condition:
        low = max((x for x in (known.low, new.low) if x is not None), default=None)
        high = min((x for x in (known.high, new.high) if x is not None), default=None)
        if low is not None and high is not None and low >= high:
            raise self._grammar.error(
                found.first, found.last,
                f"'{known.text}' and '{new.text}' contradict each other: nobody is both. Drop one "
                "of the two.",
            )  # fmt: skip
        text = known.text if known.text == new.text else f"{known.text}, {new.text}"
        return Condition(known.dial, low, high, text)


def _very(sense: Sense) -> Sense:
    """An age with one bound, further on: "very old", "very young"."""
    if sense.dial != "age" or (sense.low is None) == (sense.high is None):
        return sense
    if sense.low is not None:
        return replace(sense, low=sense.low + VERY_YEARS)
    return replace(sense, high=max((sense.high or 0.0) - VERY_YEARS, 1.0))


def describe(condition: Condition, dials: Any) -> str:
    """A condition with its numbers: "age 55 to 65 years", "glasses from 0.26 sd on".

    Args:
        condition: Of a query.
        dials: Of its space.
    """
    unit, low, high = dials.spec(condition.dial).unit, condition.low, condition.high
    if low is not None and high is not None:
        return f"{condition.dial} {low:.3g} to {high:.3g} {unit}"
    if low is not None:
        return f"{condition.dial} from {low:.3g} {unit} on"
    return f"{condition.dial} below {high:.3g} {unit}"
