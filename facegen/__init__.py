"""facegen: design photorealistic faces of people who do not exist.

    import facegen as fg

    face = fg.Face.load("person.png")  # a face file carries its latent
    generator = fg.Generator.load()  # fetches the network the first time
    image = generator.render(face.w_plus)  # uint8, 1024 x 1024 x 3

Public names, each loaded when it is first used:

- `Face`: a person as a value: a latent with its story, saved in and opened from files.
- `Generator`: seed -> latent -> picture, on the fastest engine of this machine.
- `DialSet`: where a face stands on every dial, and moving it.
- `FacegenError`: the base of every failure that a user can cause or cure; its text is a sentence.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from facegen.version import __version__

if TYPE_CHECKING:
    from facegen.editing.dial_set import DialSet
    from facegen.errors import FacegenError
    from facegen.face import Face
    from facegen.generator import Generator

_LATE = {
    "DialSet": "facegen.editing.dial_set",
    "Face": "facegen.face",
    "FacegenError": "facegen.errors",
    "Generator": "facegen.generator",
}

__all__ = ["DialSet", "Face", "FacegenError", "Generator", "__version__"]


def __getattr__(name: str) -> object:
    """Load a public name: `facegen show` must not wait for PyTorch."""
    if name not in _LATE:
        raise AttributeError(f"module 'facegen' has no attribute '{name}'")
    value = getattr(importlib.import_module(_LATE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
