"""facegen: design photorealistic faces of people who do not exist.

    import facegen as fg

    gen = fg.load()  # a network and its dials; fetched the first time
    face = gen.face(seed=7).edit(age=60, lock="identity")
    face.readings["age"]
    image = gen.render(face)  # uint8, 1024 x 1024 x 3
    gen.sweep(face, yaw=range(-30, 31, 10)).sheet("turned.png")

Public names, each loaded when it is first used:

- `load`: a `FaceGenerator`: a generator with its dials.
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
    from facegen.easy import FaceGenerator, load
    from facegen.editing.dial_set import DialSet
    from facegen.errors import FacegenError
    from facegen.face import Face
    from facegen.generator import Generator

_LATE = {
    "DialSet": "facegen.editing.dial_set",
    "Face": "facegen.face",
    "FacegenError": "facegen.errors",
    "Generator": "facegen.generator",
    "FaceGenerator": "facegen.easy",
    "load": "facegen.easy",
}

__all__ = [
    "DialSet",
    "Face",
    "FaceGenerator",
    "FacegenError",
    "Generator",
    "__version__",
    "load",
]


def __getattr__(name: str) -> object:
    """Load a public name: `facegen show` must not wait for PyTorch."""
    if name not in _LATE:
        raise AttributeError(f"module 'facegen' has no attribute '{name}'")
    value = getattr(importlib.import_module(_LATE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
