"""What somebody is to wear, as a value and as text: `#203040`, or the clothes of another face."""

from __future__ import annotations

from dataclasses import dataclass

from facegen.checks import is_colour, rgb_of
from facegen.errors import UsageError

COLOUR, FACE = "colour", "face"
KINDS = (FACE, COLOUR)


@dataclass(frozen=True)
class Clothing:
    """Clothes that somebody wears in place of their own.

    Attributes:
        kind: Of KINDS: those of another face, or their own in another colour.
        colour: "#rrggbb" in lower case, for a colour.
    """

    kind: str
    colour: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be worn.

        Raises:
            UsageError: no such kind, or no colour.
        """
        if self.kind not in KINDS:
            raise UsageError(f"Clothes are {' or '.join(KINDS)}, got '{self.kind[:40]}'.")
        if bool(self.colour) != (self.kind == COLOUR) or (
            self.colour and not is_colour(self.colour)
        ):
            raise UsageError(f"A colour is #rrggbb, such as #203040, got '{self.colour[:40]}'.")

    @classmethod
    def parse(cls, text: str) -> Clothing | None:
        """Read `#203040`; None for anything else.

        Raises:
            UsageError: it begins as a colour, and is none.
        """
        text = text.strip().lower()
        return cls(COLOUR, text) if text.startswith("#") else None

    @property
    def text(self) -> str:
        """As `parse` reads it; of another face the kind alone."""
        return self.colour or self.kind

    @property
    def told(self) -> str:
        """What was done, for people."""
        return f"clothes {self.colour}" if self.colour else "clothes of another face"

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour, 0 to 255 each."""
        return rgb_of(self.colour)
