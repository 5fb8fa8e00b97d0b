"""What all tests share: the bundled network, loaded once, and a few of its faces."""

from __future__ import annotations

import pytest

from facegen.face import Face
from facegen.generator import Generator


@pytest.fixture(scope="session")
def generator() -> Generator:
    """The bundled generator with its fastest engine."""
    return Generator.load()


@pytest.fixture(scope="session")
def face(generator) -> Face:
    """Seed 7 at truncation 0.7."""
    return Face.from_seed(generator, 7)


@pytest.fixture(scope="session")
def picture(generator, face):
    """The picture of `face`, uint8 [1024, 1024, 3]."""
    return generator.render(face.w_plus)
