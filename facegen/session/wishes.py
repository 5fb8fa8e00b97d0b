"""What a visitor wants done in a picture, from which every picture's own mask is found.

Common to backgrounds (`facegen.session.behind`) and clothes (`facegen.session.worn`).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from facegen.latents import MAX_SEED

if TYPE_CHECKING:
    from typing import Self

SEED, FILE = "seed", "file"
"""In a link: what is that of the person of a seed, or of one that only a file tells."""
DIGEST_DIGITS = 10


class Wish:
    """A wish; its classes are frozen dataclasses.

    Attributes:
        seed: Of whom it is, where it is another's; None if a file told it.
        saved: As a file told it, an operation with the latent of the other.
        is_as_saved: Whether the picture is still that of the file: then the file's mask holds.
    """

    seed: int | None
    saved: Any
    is_as_saved: bool

    @property
    def is_anothers(self) -> bool:
        """Whether it is taken from another face."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """As a link tells it."""
        raise NotImplementedError

    @cached_property
    def digest(self) -> str:
        """Equal for equal pictures."""
        held = repr(self.saved) if self.is_as_saved or self._is_of_file else ""
        return hashlib.sha256(f"{self.text}|{held}".encode()).hexdigest()[:DIGEST_DIGITS]

    def moved_on(self) -> Self:
        """What is left of it when the picture changes."""
        if not self.is_as_saved:
            return self
        saved = self.saved if self._is_of_file else None
        return replace(self, saved=saved, is_as_saved=False)  # type: ignore[type-var]

    @property
    def _is_of_file(self) -> bool:
        return self.is_anothers and self.seed is None

    @property
    def _whose(self) -> str:
        return FILE if self.seed is None else f"{SEED}:{self.seed}"


def seed_of(text: str) -> int | None:
    """The seed of a text from outside; None if it is none."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_SEED))
    return int(text) if is_number and int(text) <= MAX_SEED else None
