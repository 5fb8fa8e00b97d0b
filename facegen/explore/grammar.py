"""Finds in a sentence what is said: which words belong together, what is negated, how much.

Words are read from left to right, the longest row of words first; an adjective belongs to the next
noun that it goes with ("long grey hair"), or to the noun before it ("eyes closed"). "No" reaches
one thing, and what "or" adds to it; a comma or a joining word ends what is graded.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, replace

from facegen.errors import UsageError
from facegen.explore.numbers import NUMBER_WORDS, read_comparison, read_number
from facegen.explore.tokens import tokens_of
from facegen.explore.words import (
    ALSO_ALONE,
    COLOURS,
    FILLERS,
    NOT,
    SHADES,
    SLIGHT,
    VERY,
    Sense,
    adjectives,
    nouns,
    phrases,
    vocabulary,
)

LONGEST_RUN = 8
LONGEST_PHRASE = 5
LONGEST_SHOWN = 40
ENDS = frozenset({",", ";", "and", "with", "but", "or", "nor", "&", "+", "."})
SAY_NOTHING = frozenset("-.:!?")


class QueryError(UsageError):
    """A sentence that cannot be understood or met.

    Attributes:
        start, end: Where in the text the trouble is, in characters.
        near: Known words that are spelled much like it.
    """

    def __init__(
        self, message: str, *, start: int = 0, end: int = 0, near: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.start, self.end, self.near = start, end, near


@dataclass(frozen=True)
class Found:
    """What some words say.

    Attributes:
        read: Senses, each with its degree: 1 "very", -1 "slightly", 0 plain.
        first, last: The tokens.
        negated: Whether all of it is not to be so.
        after: The token to go on at; None for the one behind `last`.
    """

    read: tuple[tuple[Sense, int], ...]
    first: int
    last: int
    negated: bool = False
    after: int | None = None

    def graded(self, degree: int) -> Found:
        """The same with a degree for all that has none."""
        return replace(self, read=tuple((sense, own or degree) for sense, own in self.read))

    @property
    def is_graded(self) -> bool:
        """Whether a degree is said of some of it."""
        return any(degree for _, degree in self.read)


class Grammar:
    """Reads one sentence.

    Args:
        text: The sentence.
        names: Of the dials that there are.
    """

    def __init__(self, text: str, names: Collection[str]) -> None:
        self._text, self._names = text, frozenset(names)
        self._tokens = tokens_of(text)
        self._found: list[Found] = []

    def findings(self) -> list[Found]:
        """All that is said, in order.

        Raises:
            QueryError: a word that is not known or says nothing where it stands.
        """
        at, since, negated, degree, said_degree = 0, 0, False, 0, -1
        while at < len(self._tokens):
            word = self._tokens[at].text
            if word in ENDS:
                self._degree_of_last(degree, said_degree)
                negated = word in ("or", "nor") and bool(self._found) and self._found[-1].negated
                if word == "or" and not negated:
                    raise self.error(
                        at,
                        at,
                        "All that is named must hold at once, so 'or' cannot be meant; look for "
                        "the two one after the other.",
                    )
                degree, at = 0, at + 1
                continue
            found = self._read(at)
            if found is not None:
                first = since if negated else found.first
                if degree:
                    first = min(first, said_degree)
                found = found if negated else found.graded(degree)
                self._found.append(replace(found, first=first, negated=negated))
                at = since = found.last + 1 if found.after is None else found.after
                negated, degree = False, 0
            elif word in NOT:
                negated, since, at = True, at, at + 1
            elif word in SLIGHT | VERY:
                degree, said_degree, at = (-1 if word in SLIGHT else 1), at, at + 1
            elif word in FILLERS | SAY_NOTHING:
                at += 1
            else:
                raise self._unknown(at)
        self._degree_of_last(degree, said_degree)
        return self._found

    def words(self, found: Found) -> str:
        """The words as they were typed, in one piece that can be parsed by itself."""
        first, last = self._tokens[found.first], self._tokens[found.last]
        typed = " ".join(self._text[first.start : last.end].split())
        if found.negated and first.text not in NOT:
            return f"no {typed.removeprefix('or ').removeprefix('nor ')}"
        return typed

    def error(self, first: int, last: int, message: str, near: tuple[str, ...] = ()) -> QueryError:
        """An error that points from one token to another."""
        start, end = self._tokens[first].start, self._tokens[last].end
        return QueryError(message, start=start, end=end, near=near)

    def _degree_of_last(self, degree: int, at: int) -> None:
        """Where a word of degree stands behind the thing: "smiling broadly"."""
        if not degree:
            return
        if not self._found or self._found[-1].last != at - 1 or self._found[-1].is_graded:
            raise self._unknown(at)
        self._found[-1] = replace(self._found[-1].graded(degree), last=at)

    def _read(self, at: int) -> Found | None:
        number = read_comparison(self._tokens, at, self._names) or read_number(self._tokens, at)
        if number is not None:
            senses, last = number
            return _plain(senses, at, last)
        return (
            self._phrase(at, least=2)
            or self._described_noun(at)
            or self._noun_described(at)
            or self._phrase(at, least=1)
        )

    def _phrase(self, at: int, *, least: int) -> Found | None:
        """The longest row of words that say something by themselves."""
        words: list[str] = []
        best, place = None, at
        while place < len(self._tokens) and len(words) < LONGEST_PHRASE:
            token = self._tokens[place]
            if token.text != "-":
                words.append(token.text)
                senses = phrases().get(tuple(words))
                if senses and len(words) >= least:
                    best = _plain(senses, at, place)
            elif not words:
                return None
            place += 1
        return best

    def _described_noun(self, at: int) -> Found | None:
        """Adjectives and their noun: "long, very curly grey hair"."""
        if self._tokens[at].text in FILLERS:
            return None
        end = min(len(self._tokens), at + LONGEST_RUN)
        for place in range(at + 1, end):
            noun = nouns().get(self._tokens[place].text)
            if noun is None:
                continue
            read = self._adjectives(noun, at, place)
            if read:
                found = Found(read, at, place)
                return replace(found, after=place) if noun in ALSO_ALONE else found
        return None

    def _noun_described(self, at: int) -> Found | None:
        """A noun and what it is like: "eyes closed", "looking slightly to the left"."""
        noun = nouns().get(self._tokens[at].text)
        if noun is None or noun in ALSO_ALONE:
            return None
        end = at + 1
        while end < min(len(self._tokens), at + LONGEST_RUN):
            word = self._tokens[end].text
            is_part = word in adjectives()[noun] or nouns().get(word) == noun or word == "-"
            if not (is_part or word in SLIGHT | VERY | FILLERS) or word in ("with", "but"):
                break
            if word == "and" and not self._goes_on(noun, end + 1):
                break
            end += 1
        while end > at + 1 and self._tokens[end - 1].text not in adjectives()[noun]:
            end -= 1
        read = self._adjectives(noun, at + 1, end)
        return Found(read, at, end - 1) if read else None

    def _goes_on(self, noun: str, at: int) -> bool:
        """Whether another adjective of the noun follows, and no noun of its own after it."""
        words = [token.text for token in self._tokens[at : at + 2]]
        known = adjectives()[noun]
        return bool(words) and words[0] in known and (len(words) < 2 or words[1] not in nouns())

    def _adjectives(self, noun: str, first: int, end: int) -> tuple[tuple[Sense, int], ...]:
        """Senses of the words between two places with their degree; empty if one does not fit."""
        known = adjectives()[noun]
        read: list[tuple[Sense, int]] = []
        degree = 0
        for place in range(first, end):
            word = self._tokens[place].text
            after = self._tokens[place + 1].text if place + 1 < len(self._tokens) else ""
            if word in SHADES and after in COLOURS:
                continue
            if word in known:
                read += [(sense, degree) for sense in known[word]]
                degree = 0
            elif word in SLIGHT or word in VERY:
                degree = -1 if word in SLIGHT else 1
            elif word not in FILLERS and word not in (",", "-") and nouns().get(word) != noun:
                return ()
        return tuple(read)

    def _first_unknown(self, at: int) -> int:
        """The word that is not known, of what stands together from a place on; else the place."""
        known = vocabulary() | NUMBER_WORDS | self._names
        place = at
        while place < len(self._tokens) and self._tokens[place].text not in ENDS:
            word = self._tokens[place].text
            is_strange = word not in known and self._tokens[place].number is None
            if is_strange and (place == at or word[0].isalpha()):
                return place
            place += 1
        return at

    def _unknown(self, at: int) -> QueryError:
        """Nothing can be made of the words from a place on."""
        at = self._first_unknown(at)
        word = self._tokens[at].text
        shown = "".join(c if c.isprintable() else "?" for c in word)[:LONGEST_SHOWN]
        words = sorted(vocabulary() | NUMBER_WORDS | self._names)
        near = tuple(difflib.get_close_matches(word, words, n=3, cutoff=0.72))
        fitting = sorted(
            f"{word} {noun}" for noun, known in adjectives().items()
            if word in known and noun != "looking"
        )  # fmt: skip
        if word in SLIGHT | VERY:
            why = f"'{shown}' of what? Put it before a word such as smiling, or leave it out."
            near = ()
        elif word in nouns():
            known = sorted(adjectives()[nouns()[word]])[:6]
            why = f"'{shown}' alone says nothing; say what it is like: {', '.join(known)}."
            near = ()
        elif fitting:
            why = f"'{shown}' of what? Say {' or '.join(fitting[:4])}."
            near = tuple(fitting[:4])
        elif word in NUMBER_WORDS:
            why = f"'{shown}' needs a number with it, as in over 60, 20-30 or in her late fifties."
            near = ()
        elif near:
            why = f"'{shown}' is not known here. Did you mean {' or '.join(near)}?"
        else:
            why = (
                f"'{shown}' is not known here. Known are the names and ends of the dials, such as "
                "old, man, grey hair, glasses, smiling."
            )
        return self.error(at, at, why, near)


def _plain(senses: tuple[Sense, ...], first: int, last: int) -> Found:
    return Found(tuple((sense, 0) for sense in senses), first, last)
