"""The README's commands do what it says: they are run in their order, in an empty folder.

Those that are not run are named here with the reason, and are only read: every option exists.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
from checkpoint_files import nvidia_pickle, small_network
from click.testing import CliRunner

from facegen.cli import cli
from facegen.images import decode_image, encode_jpeg
from facegen.paths import weights_dir

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAM = re.compile(r"^(python -m )?facegen ")

NOT_RUN = {
    "make run": "installs and starts a server; test_package and test_browser start the app",
    "make check": "runs these tests",
    "make test": "runs these tests",
    "pip install .": "downloads; test_package installs the wheel",
    "facegen app": "starts a server; test_package starts the installed one",
    "python -m facegen sweep faces/seed0003.png --yaw -40:40:10 --pitch -15:15:15 --out sweep":
        "27 measured pictures take minutes; test_sweep runs a small one",
    "python -m facegen dataset --people 3 --max-angle 20 --step 10 --random 5 --out data":
        "90 measured pictures take minutes; test_datasets runs small ones",
    'python -m facegen sample --where "woman, 50-65, glasses" --count 4 --out women':
        "reads thousands of people the first time; test_find looks among few",
    "python -m facegen bench": "times all engines for a minute; test_bench runs a small one",
}  # fmt: skip


def commands() -> list[str]:
    """Every line of the README's shell blocks, without its comment."""
    lines = (
        line for kind, text in BLOCK.findall(README) if kind == "sh" for line in text.split("\n")
    )
    return [re.sub(r"\s+#.*", "", line) for line in lines if line.strip()]


def run(command: str) -> str:
    """What a command of the program prints to stdout; it must succeed."""
    result = CliRunner().invoke(cli, shlex.split(PROGRAM.sub("", command)))
    assert result.exit_code == 0, f"{command}\n{result.output}"
    return result.stdout


def test_every_block_says_what_it_is():
    """A block without a kind would not be looked at here."""
    assert {kind for kind, _ in BLOCK.findall(README)} == {"sh", "python"}


def test_what_is_not_run_still_stands_there():
    assert set(NOT_RUN) <= set(commands())


@pytest.mark.parametrize("line", commands())
def test_a_command_is_understood(line):
    words = shlex.split(line)
    if words[0] == "make":
        told = subprocess.run(
            ["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, check=False
        )
        assert told.returncode == 0, told.stderr
    elif PROGRAM.match(line):
        words = shlex.split(PROGRAM.sub("", line + " "))
        command: click.Command = cli
        while words and isinstance(command, click.Group):
            assert words[0] in command.commands, line
            command = command.commands[words.pop(0)]
        context = click.Context(command)
        command.make_parser(context).parse_args(words)
    else:
        assert line in NOT_RUN


@pytest.mark.weights
def test_the_commands_run_one_after_another(tmp_path, monkeypatch, picture):
    weights = tmp_path / "weights"  # what is imported must not land among the user's
    weights.mkdir()
    for path in weights_dir().iterdir():
        (weights / path.name).symlink_to(path)
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(weights))
    monkeypatch.chdir(tmp_path)
    Path("my-stylegan2.pkl").write_bytes(nvidia_pickle(small_network()))
    Path("holiday.jpg").write_bytes(encode_jpeg(picture))
    printed = {line: run(line) for line in commands() if line not in NOT_RUN}
    assert sorted(path.name for path in Path("faces").glob("*.png")) == [
        f"seed{seed:04d}.png" for seed in range(8)
    ]
    assert decode_image(Path("edited.jpg").read_bytes(), name="edited").shape == picture.shape
    faces = [Path("faces/seed0003.png"), Path("younger.png"), Path("older.png")]
    pictures = [decode_image(path.read_bytes(), name=path.name) for path in faces]
    assert all(picture.shape == (1024, 1024, 3) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 3

    def said(start: str) -> str:
        (text,) = (text for line, text in printed.items() if line.startswith(start))
        return text

    assert "smile +2" in said("python -m facegen show younger.png")
    assert "age" in said("python -m facegen measure younger.png")
    assert "mobilestylegan-ffhq-1024" in said("python -m facegen models list")
    assert "torch" in said("python -m facegen doctor")
    assert "mine" in run("facegen models list")
