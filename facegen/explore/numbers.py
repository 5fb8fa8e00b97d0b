"""Ages, angles and comparisons in a sentence.

Each reader is given the tokens and a place, and gives what is said there and the place of its last
token, or None where nothing of its kind stands.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from facegen.explore.tokens import COMPARISONS, Token
from facegen.explore.words import Sense

Reading = tuple[tuple[Sense, ...], int]

ABOUT_YEARS = 5.0
TENS = {"twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0,
        "seventy": 70.0}  # fmt: skip
DECADES = {"twenties": 20.0, "thirties": 30.0, "forties": 40.0, "fifties": 50.0, "sixties": 60.0,
           "seventies": 70.0}  # fmt: skip
PART_OF_DECADE = {"early": (0.0, 4.0), "mid": (3.0, 7.0), "middle": (3.0, 7.0), "late": (6.0, 10.0)}
FROM_ON = frozenset({"over", "above", "older", "from", "minimum", "past", "beyond"})
UP_TO = frozenset({"under", "below", "younger", "until", "maximum"})
ABOUT = frozenset({"about", "around", "circa", "ca", "roughly", "approximately", "near", "~"})
AGE_WORDS = frozenset({"age", "aged", "ages", "between", "in", "her", "his", "their", "the", "of",
                       "is", "at"})  # fmt: skip
AFTER_AGE = frozenset({"years", "year", "old", "yo", "y", "yrs", "o", "-", "/", "aged", "of",
                       "age", "olds"})  # fmt: skip
OLDER_AFTER = frozenset({"older", "over", "up", "more", "above", "plus"})
YOUNGER_AFTER = frozenset({"younger", "under", "less", "below"})
DIRECTIONS = {"left": ("yaw", -1.0), "right": ("yaw", 1.0), "up": ("pitch", 1.0),
              "down": ("pitch", -1.0)}  # fmt: skip
TO = frozenset({"-", "to", "and", "till", "until"})
NUMBER_WORDS = frozenset(
    word
    for words in (
        TENS,
        DECADES,
        PART_OF_DECADE,
        FROM_ON,
        UP_TO,
        ABOUT,
        AGE_WORDS,
        AFTER_AGE,
        OLDER_AFTER,
        YOUNGER_AFTER,
        TO,
        ("degrees", "degree", "deg", "than", "least", "most"),
    )
    for word in words
    if len(word) > 2
)
"""Words that mean something beside a number alone."""


def read_comparison(tokens: Sequence[Token], at: int, names: Collection[str]) -> Reading | None:
    """`age>=50`, `50<=age<=65`, `-0.5 > gender`, `smile = 1`: a dial's name and its bounds."""
    low, high, place = None, None, at
    number, after = _signed(tokens, place)
    if number is not None and _is_sign(tokens, after) and _is_name(tokens, after + 1, names):
        low, high = _bounds(number, _flipped(tokens[after].text))
        place = after + 1
    elif not (_is_name(tokens, at, names) and _is_sign(tokens, at + 1)):
        return None
    name, last = tokens[place].text, place
    if _is_sign(tokens, place + 1):
        number, after = _signed(tokens, place + 2)
        if number is None:
            return None
        more_low, more_high = _bounds(number, tokens[place + 1].text)
        low = more_low if low is None else low if more_low is None else max(low, more_low)
        high = more_high if high is None else high if more_high is None else min(high, more_high)
        last = after - 1
    return ((Sense(name, 0, low, high),), last)


def read_number(tokens: Sequence[Token], at: int) -> Reading | None:
    """An age in years ("over 60", "in her twenties", "55-65") or an angle ("20 degrees left")."""
    return _angle(tokens, at) or _age(tokens, at)


def _angle(tokens: Sequence[Token], at: int) -> Reading | None:
    if _number(tokens, at) is None or _word(tokens, at + 1) not in ("degrees", "degree", "deg"):
        return None
    place = at + 2
    while _word(tokens, place) in ("to", "the", "toward", "towards"):
        place += 1
    if _word(tokens, place) not in DIRECTIONS:
        return None
    dial, sign = DIRECTIONS[tokens[place].text]
    angle = sign * (_number(tokens, at) or 0.0)
    return ((Sense(dial, 0, angle, angle),), place)


def _age(tokens: Sequence[Token], at: int) -> Reading | None:
    place, bound, about, part = at, "", False, None
    while place < len(tokens):
        word = tokens[place].text
        if word in FROM_ON:
            bound = "from"
        elif word in UP_TO:
            bound = "to"
        elif word in ABOUT:
            about = True
        elif word in PART_OF_DECADE and _is_age(
            tokens, _skip(tokens, place + 1, {"-", "to", "in"})
        ):
            part = PART_OF_DECADE[word]
        elif word in ("at", "up") and _word(tokens, place + 1) in ("least", "most", "to"):
            bound = "from" if tokens[place + 1].text == "least" else "to"
            place += 1
        elif word not in AGE_WORDS and not (word in ("than", "-") and place > at):
            break
        place += 1
    first = _years(tokens, place)
    if first is None or (place > at and tokens[at].text == "-"):
        return None
    years, last = first
    if _word(tokens, last + 1) in ("s", "ties") or tokens[last].text in DECADES:
        return _decade(tokens, at, years, last, part)
    second = _years(tokens, last + 2) if _word(tokens, last + 1) in TO else None
    ends_here = second is None or (
        _word(tokens, last + 1) == "and" and not _has_between(tokens, at)
    )
    if not ends_here and second is not None and not bound:
        span: tuple[float | None, float | None] = (min(years, second[0]), max(years, second[0]))
        last = second[1]
    elif bound:
        span = (years, None) if bound == "from" else (None, years)
    elif about or _word(tokens, last + 1) in ("ish",):
        span = (years - ABOUT_YEARS, years + ABOUT_YEARS)
        last += 1 if _word(tokens, last + 1) == "ish" else 0
    else:
        span = (years, years)
    last = _after_age(tokens, last)
    if not bound and span == (years, years):
        if _word(tokens, last + 1) == "+":
            span, last = (years, None), last + 1
        elif _word(tokens, last + 1) in ("or", "and") and not _is_age(tokens, last + 3):
            if _word(tokens, last + 2) in OLDER_AFTER:
                span, last = (years, None), last + 2
            elif _word(tokens, last + 2) in YOUNGER_AFTER:
                span, last = (None, years), last + 2
    return ((Sense("age", 0, *span),), last)


def _decade(
    tokens: Sequence[Token], at: int, years: float, last: int, part: tuple[float, float] | None
) -> Reading | None:
    if years % 10:
        return None
    from_years, to_years = part or (0.0, 10.0)
    last += 0 if tokens[last].text in DECADES else 1
    return ((Sense("age", 0, years + from_years, years + to_years),), last)


def _after_age(tokens: Sequence[Token], last: int) -> int:
    """The last of the words "years old" and the like after a number."""
    place = last
    while _word(tokens, place + 1) in AFTER_AGE:
        place += 1
    # What follows may begin something else: "60 - grey hair", "60 of ...".
    while place > last and tokens[place].text in ("-", "/", "of"):
        place -= 1
    return place


def _years(tokens: Sequence[Token], at: int) -> tuple[float, int] | None:
    """A number of years and its last token."""
    number = _number(tokens, at)
    if number is not None:
        return (number, at)
    word = _word(tokens, at)
    if word in DECADES:
        return (DECADES[word], at)
    if word in TENS:
        return (TENS[word], at)
    return None


def _is_age(tokens: Sequence[Token], at: int) -> bool:
    return _years(tokens, at) is not None


def _has_between(tokens: Sequence[Token], at: int) -> bool:
    return any(token.text == "between" for token in tokens[at : at + 4])


def _skip(tokens: Sequence[Token], at: int, words: Collection[str]) -> int:
    while _word(tokens, at) in words:
        at += 1
    return at


def _bounds(number: float, sign: str) -> tuple[float | None, float | None]:
    if sign in ("<", "<="):
        return (None, number)
    return (number, None) if sign in (">", ">=") else (number, number)


def _flipped(sign: str) -> str:
    return sign.translate(str.maketrans("<>", "><"))


def _signed(tokens: Sequence[Token], at: int) -> tuple[float | None, int]:
    """A number with its sign, and the place after it."""
    sign = {"-": -1.0, "+": 1.0}.get(_word(tokens, at))
    place = at if sign is None else at + 1
    number = _number(tokens, place)
    return (None, at) if number is None else ((sign or 1.0) * number, place + 1)


def _number(tokens: Sequence[Token], at: int) -> float | None:
    return tokens[at].number if 0 <= at < len(tokens) else None


def _word(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""


def _is_sign(tokens: Sequence[Token], at: int) -> bool:
    return _word(tokens, at) in COMPARISONS


def _is_name(tokens: Sequence[Token], at: int, names: Collection[str]) -> bool:
    return _word(tokens, at) in names
