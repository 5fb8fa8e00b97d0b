"""What is looked for in the library: words of names and tags, and numbers of dials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from facegen.errors import UsageError

MAX_TEXT = 400
MAX_WORDS = 20
Range = tuple[float | None, float | None]
_CONDITION = re.compile(r"([A-Za-z]\w{0,79})\s*(<=|>=|<|>|=)\s*([-+]?\d{1,9}(?:\.\d{1,9})?)(?!\S)")


@dataclass(frozen=True)
class Search:
    """Words that all stand in the name or the tags, and ranges in which dials stand.

    Attributes:
        words: In any order, as `str.casefold` makes them.
        ranges: Dial -> lowest and highest number, both included; None is open.
    """

    words: tuple[str, ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def sql(self) -> tuple[list[str], list[object]]:
        """Conditions on the table of people, and the values for their question marks.

        They use `casefold`, which `facegen.library.schema.open_file` provides: SQLite alone knows
        the small letters of English only.
        """
        conditions: list[str] = []
        values: list[object] = []
        for word in self.words:
            conditions.append(
                "(instr(casefold(name), ?) OR EXISTS (SELECT 1 FROM tags WHERE person = people.id "
                "AND instr(casefold(tag), ?)))"
            )
            values += [word, word]
        for dial, (low, high) in self.ranges.items():
            ends = [(">=", low), ("<=", high)]
            given = [(sign, end) for sign, end in ends if end is not None]
            numbers = "".join(f" AND value {sign} ?" for sign, _ in given)
            conditions.append(
                f"EXISTS (SELECT 1 FROM readings WHERE node = head AND dial = ?{numbers})"
            )
            values += [dial, *(end for _, end in given)]
        return conditions, values


def parse_search(text: str) -> Search:
    """Read what somebody typed: `anna age>50 smile<=1`.

    >>> parse_search("Anna age>=50 age<60").ranges
    {'age': (50.0, 60.0)}

    Raises:
        UsageError: it is too long, or a sign has no number.
    """
    if len(text) > MAX_TEXT:
        raise UsageError(f"A search has at most {MAX_TEXT} characters.")
    ranges: dict[str, Range] = {}
    for name, sign, number in _CONDITION.findall(text):
        dial = name.lower()
        low, high = ranges.get(dial, (None, None))
        value = float(number)
        if sign in (">", ">=", "="):
            low = value if low is None else max(low, value)
        if sign in ("<", "<=", "="):
            high = value if high is None else min(high, value)
        ranges[dial] = low, high
    words = _CONDITION.sub(" ", text).casefold().split()
    for word in words:
        if any(sign in word for sign in "<>="):
            raise UsageError(f"'{word[:40]}' is no condition; write a dial and a number: age>50.")
    return Search(tuple(words[:MAX_WORDS]), ranges)
