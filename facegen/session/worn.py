"""What a visitor dressed somebody in: the wish, from which each picture's clothes are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facegen.clothing import COLOUR, FACE, KINDS, Clothing
from facegen.errors import UsageError
from facegen.operations import Clothes
from facegen.session.wishes import SEED, Wish, seed_of


@dataclass(frozen=True)
class Worn(Wish):
    """Clothes that somebody wears in place of their own; see `Wish`.

    Attributes:
        clothing: Which.
    """

    clothing: Clothing
    seed: int | None = None
    saved: Clothes | None = None
    is_as_saved: bool = False

    @property
    def is_anothers(self) -> bool:
        """Whether they are those of another face."""
        return self.clothing.kind == FACE

    @property
    def told(self) -> str:
        """For people."""
        told = self.clothing.told
        return told[0].upper() + told[1:]

    @property
    def text(self) -> str:
        """As a link tells it."""
        return self._whose if self.is_anothers else self.clothing.text


def of_link(text: str) -> Worn | None:
    """The clothes of a link; None for such as it cannot tell, or that cannot be meant."""
    word, _, number = text.partition(":")
    if word == SEED:
        seed = seed_of(number)
        return None if seed is None else Worn(Clothing(FACE), seed)
    try:
        clothing = Clothing.parse(text)
    except UsageError:
        return None
    return None if clothing is None else Worn(clothing)


def asked(event: object, now: Worn | None, fresh_seed: int) -> tuple[bool, Worn | None]:
    """Read what the browser asks for.

    Args:
        event: From outside: `kind` (empty for the face's own clothes), and perhaps `colour`.
        now: As it is.
        fresh_seed: Of somebody new, whose clothes each press takes.

    Returns:
        Whether that can be meant, and what is wanted.
    """
    if not isinstance(event, Mapping):
        return False, now
    kind = event.get("kind")
    if kind == "":
        return True, None
    if kind not in KINDS:
        return False, now
    if kind == FACE:
        return True, Worn(Clothing(FACE), fresh_seed)
    try:
        return True, Worn(Clothing(COLOUR, str(event.get("colour", ""))[:20].lower()))
    except UsageError:
        return False, now
