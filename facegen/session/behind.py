"""What a visitor put behind somebody: the wish, from which every picture's own mask is found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from facegen.backdrops import BLUR, COLOUR, FACE, KINDS, USUAL_BLUR, Backdrop
from facegen.errors import UsageError
from facegen.operations import Background
from facegen.session.wishes import SEED, Wish, seed_of

STRENGTH_DIGITS = 2


@dataclass(frozen=True)
class Behind(Wish):
    """A background that somebody is put before.

    Attributes:
        backdrop: Which.
        seed: Of whom it is, where it is another's; None if a file told it.
        saved: As a file told it, with the latent of the other.
        is_as_saved: Whether the picture is still that of the file: then the file's mask holds.
    """

    backdrop: Backdrop
    seed: int | None = None
    saved: Background | None = None
    is_as_saved: bool = False

    @classmethod
    def of_file(cls, background: Background, *, is_as_saved: bool, text: str = "") -> Behind:
        """The background of a face file.

        Args:
            background: As the file tells it.
            is_as_saved: Whether its mask holds.
            text: What became of it since, as `text`.

        Raises:
            UsageError: a text that cannot be meant.
        """
        backdrop = background.backdrop
        blur = Backdrop.parse(text.partition(",")[2])
        if not is_as_saved and backdrop.kind == FACE and blur is not None:
            backdrop = Backdrop(FACE, blur.strength)
        return cls(backdrop, None, background, is_as_saved)

    @property
    def told(self) -> str:
        """For people."""
        told = self.backdrop.told
        return told[0].upper() + told[1:]

    @property
    def is_anothers(self) -> bool:
        """Whether it is that of another face."""
        return self.backdrop.kind == FACE

    @property
    def text(self) -> str:
        """As a link tells it."""
        if self.backdrop.kind != FACE:
            return self.backdrop.text
        return f"{self._whose},{BLUR}={self.backdrop.strength:g}"


def of_link(text: str) -> Behind | None:
    """The background of a link; None for one that it cannot tell, or that cannot be meant."""
    whose, _, rest = text.partition(",")
    word, _, number = whose.partition(":")
    try:
        if word != SEED:
            backdrop = Backdrop.parse(text)
            return None if backdrop is None else Behind(backdrop)
        blur = Backdrop.parse(rest) or Backdrop(BLUR)
        seed = seed_of(number)
        return None if seed is None else Behind(Backdrop(FACE, blur.strength), seed)
    except UsageError:
        return None


def asked(event: object, now: Behind | None, fresh_seed: int) -> tuple[bool, Behind | None]:
    """Read what the browser asks for.

    Args:
        event: From outside: `kind` (empty for the face's own background), and perhaps `strength`,
            `colour` and `another`, whether it is to be the background of somebody new.
        now: As it is.
        fresh_seed: Of somebody new.

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
    try:
        backdrop = _backdrop(str(kind), event)
    except (UsageError, OverflowError):  # a whole number of hundreds of digits
        return False, now
    if kind != FACE:
        return True, Behind(backdrop)
    if event.get("another") is True or now is None or now.backdrop.kind != FACE:
        return True, Behind(backdrop, fresh_seed)
    if backdrop == now.backdrop:
        return True, now
    return True, replace(now.moved_on(), backdrop=backdrop)


def _backdrop(kind: str, event: Mapping[str, Any]) -> Backdrop:
    if kind == COLOUR:
        return Backdrop(COLOUR, colour=str(event.get("colour", ""))[:20].lower())
    strength = event.get("strength")
    if kind not in (BLUR, FACE):
        return Backdrop(kind)
    is_number = isinstance(strength, int | float) and not isinstance(strength, bool)
    if not is_number or not math.isfinite(float(strength)):  # type: ignore[arg-type]
        return Backdrop(BLUR, USUAL_BLUR) if kind == BLUR else Backdrop.of_another()
    return Backdrop(kind, round(min(max(float(strength), 0.0), 1.0), STRENGTH_DIGITS))  # type: ignore[arg-type]
