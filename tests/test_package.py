"""The package as others install it: built, installed elsewhere, run outside of the checkout."""

from __future__ import annotations

import email
import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tomllib
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

import facegen
from facegen.cli import app as app_command
from facegen.cli import cli

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--no-build-isolation", "-w", folder, ROOT], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """An environment with the wheel in it; what it needs is borrowed from this one."""
    place = tmp_path_factory.mktemp("installed") / "env"
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    subprocess.run([*command, "--no-index", wheel], check=True)
    packages = next(place.glob("lib/python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return place


def run(installed, *arguments, folder) -> subprocess.CompletedProcess[str]:
    """Run the installed `facegen`; the checkout is not on its path."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(
        [installed / "bin" / "facegen", *arguments],
        capture_output=True, text=True, cwd=folder, env=environment, check=False,
    )  # fmt: skip


@pytest.mark.wheel
def test_the_wheel_holds_what_is_needed_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        meta = email.message_from_bytes(
            file.read(next(name for name in names if name.endswith("METADATA")))
        )
        entry = file.read(next(name for name in names if name.endswith("entry_points.txt")))
    tracked = subprocess.run(
        ["git", "ls-files", "directions", "models", "facegen", ".streamlit"],
        capture_output=True, text=True, cwd=ROOT, check=True,
    ).stdout.splitlines()  # fmt: skip
    wanted = {p if p.startswith("facegen/") else f"facegen/_data/{p}" for p in tracked}
    inside = {name for name in names if name.startswith("facegen/")}
    assert inside == wanted
    assert all(name.startswith(("facegen/", "facegen-")) for name in names)
    assert meta["Version"] == facegen.__version__
    assert meta["License-Expression"] == "MIT"
    assert meta["Requires-Python"] == ">=3.11"
    declared = {re.split(r"[=\[]", line)[0] for line in meta.get_all("Requires-Dist")}
    assert {"torch", "scipy", "pyarrow", "platformdirs", "streamlit"} <= declared
    assert b"facegen = facegen.cli:main" in entry


@pytest.mark.wheel
def test_installed_it_finds_its_data_and_writes_to_the_users_folder(installed, tmp_path):
    told = run(installed, "doctor", "--json", folder=tmp_path)
    assert told.returncode == 0, told.stderr
    facts = json.loads(told.stdout)
    assert facts["facegen"] == facegen.__version__
    assert facts["data"] == os.environ["FACEGEN_DATA"]
    dials = json.loads(run(installed, "dials", "--json", folder=tmp_path).stdout)
    assert len(dials) > 50
    refused = run(installed, "directions", "learn", folder=tmp_path)
    assert "run it in a checkout" in refused.stderr


@pytest.mark.wheel
@pytest.mark.weights
def test_installed_it_makes_and_shows_faces(installed, tmp_path):
    made = run(installed, "generate", "--seeds", "7", "--out", "faces", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    picture = next((tmp_path / "faces").glob("*.png"))
    shown = run(installed, "show", str(picture), "--json", folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["seed"] == 7


@pytest.mark.wheel
def test_a_wheel_without_its_data_names_the_file(installed, tmp_path):
    registry = next(installed.rglob("_data/models/registry.json"))
    directions = next(installed.rglob("_data/directions"))
    for path, command in ((registry, ["models", "list"]), (directions, ["dials"])):
        hidden = path.with_name("hidden")
        path.rename(hidden)
        try:
            failed = run(installed, *command, folder=tmp_path)
        finally:
            hidden.rename(path)
        assert failed.returncode == 1
        assert re.fullmatch(
            rf"Error: facegen/_data/\S*{path.name} belongs to facegen and is missing in \S+; "
            r"install facegen again\.\n",
            failed.stderr,
        ), failed.stderr


@pytest.mark.wheel
def test_the_installed_app_starts(installed, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "log.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [installed / "bin" / "facegen", "app", "--port", str(port),
             "--", "--server.headless=true"],
            cwd=tmp_path, stdout=output, stderr=output,
        )  # fmt: skip
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        while True:
            assert server.poll() is None, log.read_text(encoding="utf-8")
            try:
                with opener.open(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                    assert answer.read() == b"ok"
                    break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                continue
    finally:
        server.kill()
        server.wait()


def test_app_starts_streamlit_with_the_settings_of_the_checkout(monkeypatch):
    started = []
    monkeypatch.setattr(app_command.os, "execv", lambda path, command: started.append(command))
    result = CliRunner().invoke(cli, ["app", "--port", "8600", "--", "--server.headless=true"])
    assert result.exit_code == 0, result.output
    (command,) = started
    assert Path(command[4]).is_file()
    assert "--server.fileWatcherType=none" in command
    assert "--theme.dark.primaryColor=#bd5730" in command
    assert command[-2:] == ["--server.port=8600", "--server.headless=true"]


def test_the_version_is_in_one_place_and_in_the_changelog():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert titles[0] == "Unreleased"
    assert titles[1] == facegen.__version__
