"""What all tests share: a home of their own, no network, and the bundled network loaded once.

A test sees neither the user's files nor the outside world. Those marked `weights` use the weights
that are on this machine, in the folder where the program itself would look for them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from facegen.editing.dial_set import DialSet
from facegen.face import Face
from facegen.generator import Generator
from facegen.paths import weights_dir

_MINE = ("FACEGEN_DATA", "FACEGEN_WEIGHTS", "FACEGEN_MODEL")
_HOMES = ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what cannot run without the bundled network, whoever forgot to."""
    for item in items:
        if "generator" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.weights)


@pytest.fixture(scope="session", autouse=True)
def isolated_home(tmp_path_factory) -> Iterator[Path]:
    """An empty home for the whole run; the weights stay where they are, to be read."""
    weights = weights_dir()
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in (*_HOMES, *_MINE):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("FACEGEN_WEIGHTS", str(weights))
        yield home


@pytest.fixture(autouse=True)
def isolated_data(isolated_home, tmp_path_factory, monkeypatch) -> Path:
    """A data folder for each test."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("FACEGEN_DATA", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse connections that leave this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _loopback_only(getattr(socket.socket, name)))
        yield


def _loopback_only(connect):
    def checked(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
            raise OSError(f"A test may not connect to {address[0]}.")
        return connect(self, address)

    return checked


def _is_loopback(host: str) -> bool:
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def generator(isolated_home) -> Generator:
    """The bundled generator with its fastest engine."""
    return Generator.load()


@pytest.fixture(scope="session")
def dials() -> DialSet:
    """The dials of the bundled space, without anybody's own."""
    return DialSet.load(own=False)


@pytest.fixture(scope="session")
def face(generator) -> Face:
    """Seed 7 at truncation 0.7."""
    return Face.from_seed(generator, 7)


@pytest.fixture(scope="session")
def picture(generator, face):
    """The picture of `face`, uint8 [1024, 1024, 3]."""
    return generator.render(face.w_plus)
