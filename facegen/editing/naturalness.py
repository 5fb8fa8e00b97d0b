"""How natural a face is, in words."""

from __future__ import annotations

from dataclasses import dataclass

UNUSUAL_BELOW = 15.0
"""Per cent. Faces of seeds with the usual truncation have 90 and more; one large change, such as
an age of 60 for a young face, leads to 5 to 40."""
AT_THE_EDGE_BELOW = 2.0
"""Per cent. Below it pictures begin to melt; the dials of the app resist here."""


@dataclass(frozen=True)
class HowNatural:
    """What is said of a face.

    Attributes:
        percent: As `facegen.editing.dial_set.DialSet.naturalness` gives it.
        word: For everybody.
        is_far: Whether it is worth noticing.
    """

    percent: float
    word: str
    is_far: bool

    @property
    def sentence(self) -> str:
        """The number, and what it is."""
        share = f"{self.percent:.0f}" if self.percent >= 1 or self.percent == 0 else "fewer than 1"
        return (
            f"Of 100 faces that the network makes up freely, {share} are less natural than this one"
        )


def how_natural(percent: float) -> HowNatural:
    """The words for a naturalness in per cent."""
    if percent < AT_THE_EDGE_BELOW:
        return HowNatural(percent, "at the edge of what the network knows", True)
    if percent < UNUSUAL_BELOW:
        return HowNatural(percent, "unusual", True)
    return HowNatural(percent, "natural", False)
