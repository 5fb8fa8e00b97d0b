"""facegen: design photorealistic faces of people who do not exist.

from facegen import Face, Generator

generator = Generator.load()
face = Face.from_seed(generator, 7)
face.save("person.png", generator.render(face.w_plus))
again = Face.load("person.png")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facegen.errors import FacegenError
from facegen.face import Face
from facegen.version import __version__

if TYPE_CHECKING:
    from facegen.editing.dial_set import DialSet
    from facegen.generator import Generator

__all__ = ["DialSet", "Face", "FacegenError", "Generator", "__version__"]


def __getattr__(name: str) -> object:
    """Load what needs PyTorch only when it is used: `facegen show` must start at once."""
    if name == "Generator":
        from facegen.generator import Generator

        return Generator
    if name == "DialSet":
        from facegen.editing.dial_set import DialSet

        return DialSet
    raise AttributeError(f"module 'facegen' has no attribute '{name}'")
