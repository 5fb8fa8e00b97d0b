"""A sentence as words, numbers and signs, each with its place in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_CHARACTERS = 300
COMPARISONS = ("<=", ">=", "==", "<", ">", "=")
_SIGNS = {"≤": "<=", "≥": ">=", "–": "-", "—": "-", "−": "-", "‒": "-", "°": "degrees", "…": "-",
          "≈": "~"}  # fmt: skip
_PIECE = re.compile(
    r"(?P<number>\d{1,9}(?:\.\d{1,9})?)"
    r"|(?P<dial>[a-z]+(?:_[a-z0-9]+)+)"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)"
    r"|(?P<sign><=|>=|==|[^\w\s])"
    r"|(?P<other>\S)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    """A piece of a text.

    Attributes:
        text: In lower case, signs in plain ASCII.
        start, end: Where it stands in the text.
        number: Its value; None for what is no number.
    """

    text: str
    start: int
    end: int
    number: float | None = None


def tokens_of(text: str) -> list[Token]:
    """Cut a text into pieces; white space is left out.

    >>> [token.text for token in tokens_of("Woman, 55–65, age>=50")]
    ['woman', ',', '55', '-', '65', ',', 'age', '>=', '50']
    """
    found = []
    for piece in _PIECE.finditer(text):
        word = piece[0].lower().replace("’", "'")
        number = float(word) if piece["number"] else None
        found.append(Token(_SIGNS.get(word, word), piece.start(), piece.end(), number))
    return found
