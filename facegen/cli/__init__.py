"""The command line: results to stdout, chatter to stderr.

Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import logging
from collections import UserDict
from importlib import import_module

import click

from facegen.errors import FacegenError
from facegen.version import __version__

_MODULES = {
    "app": "app",
    "generate": "faces",
    "edit": "faces",
    "show": "faces",
    "measure": "dials",
    "dials": "dials",
    "directions": "dials",
    "evaluate": "evaluate",
    "models": "models",
    "bench": "bench",
    "doctor": "doctor",
    "sample": "explore",
    "combine": "family",
    "children": "family",
    "variants": "family",
    "similar": "family",
    "library": "library",
    "depth": "depth",
    "sweep": "sweep",
    "dataset": "dataset",
    "translate": "translate",
    "align": "photos",
    "paste": "photos",
    "project": "project",
}


class _Commands(UserDict[str, click.Command]):
    """Imports a command's module when it is asked for: `show` must not wait for the others."""

    def __init__(self) -> None:
        super().__init__({name: click.Command(name) for name in _MODULES})  # to be replaced

    def __getitem__(self, name: str) -> click.Command:
        command = getattr(import_module(f"facegen.cli.{_MODULES[name]}"), name)
        _mark_examples(command)
        return command


class _Group(click.Group):
    """Turns expected failures into one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FacegenError as err:
            raise click.ClickException(str(err)) from err


@click.group(
    cls=_Group, commands=_Commands(), context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="facegen")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
def cli(*, verbose: bool) -> None:
    """Design photorealistic faces of people who do not exist."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s")


def _mark_examples(command: click.Command) -> None:
    r"""Turn the `\b` of raw docstrings into the character by which click keeps lines apart."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _mark_examples(inner)


def main() -> None:
    """Entry point."""
    cli()
