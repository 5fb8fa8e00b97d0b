"""What is to be behind somebody, as a value and as text: `blur=0.6`, `#8090a0`, `transparent`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from facegen.checks import is_colour, rgb_of
from facegen.errors import UsageError

BLUR, COLOUR, FACE, TRANSPARENT = "blur", "colour", "face", "transparent"
KINDS = (BLUR, COLOUR, FACE, TRANSPARENT)
USUAL_BLUR = 0.5
ANOTHER_BLUR = 0.1


@dataclass(frozen=True)
class Backdrop:
    """A background that somebody is put before.

    Attributes:
        kind: Of KINDS: their own one blurred, one colour, that of another face, or none at all.
        strength: Of the blur, 0 to 1; that of another face can be blurred, too.
        colour: "#rrggbb" in lower case, for one colour.
    """

    kind: str
    strength: float = 0.0
    colour: str = ""

    @classmethod
    def of_another(cls) -> Backdrop:
        """That of another face, a little blurred: where its person stood it has no details."""
        return cls(FACE, ANOTHER_BLUR)

    def __post_init__(self) -> None:
        """Refuse what cannot be put there.

        Raises:
            UsageError: no such kind, a strength out of range, or no colour.
        """
        if self.kind not in KINDS:
            raise UsageError(f"A background is {', '.join(KINDS)}, got '{self.kind[:40]}'.")
        if not (math.isfinite(self.strength) and 0 <= self.strength <= 1):
            raise UsageError(f"A background is blurred by 0 to 1, got {self.strength:g}.")
        if bool(self.colour) != (self.kind == COLOUR) or (
            self.colour and not is_colour(self.colour)
        ):
            raise UsageError(f"A colour is #rrggbb, such as #8090a0, got '{self.colour[:40]}'.")

    @classmethod
    def parse(cls, text: str) -> Backdrop | None:
        """Read `blur`, `blur=0.6`, `#8090a0` or `transparent`; None for anything else.

        Raises:
            UsageError: it begins so, and cannot be meant.
        """
        text = text.strip().lower()
        kind, _, number = text.partition("=")
        if kind == BLUR:
            try:
                return cls(BLUR, float(number) if "=" in text else USUAL_BLUR)
            except ValueError as err:
                raise UsageError(
                    f"A background is blurred by a number from 0 to 1, got '{number[:40]}'."
                ) from err
        if text.startswith("#"):
            return cls(COLOUR, colour=text)
        return cls(TRANSPARENT) if text == TRANSPARENT else None

    @property
    def text(self) -> str:
        """As `parse` reads it; of another face the kind alone."""
        if self.kind == COLOUR:
            return self.colour
        return f"{BLUR}={self.strength:g}" if self.kind == BLUR else self.kind

    @property
    def told(self) -> str:
        """What was done, for people."""
        if self.kind == COLOUR:
            return f"background {self.colour}"
        if self.kind == TRANSPARENT:
            return "background transparent"
        whose = "of another face" if self.kind == FACE else "its own"
        return f"background {whose}" + (f", blurred by {self.strength:g}" if self.strength else "")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour, 0 to 255 each."""
        return rgb_of(self.colour)
