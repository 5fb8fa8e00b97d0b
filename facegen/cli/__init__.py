"""The command line: results to stdout, chatter to stderr.

Exit codes: 0 done, 1 failed with one sentence on stderr, 2 wrong usage.
"""

from __future__ import annotations

import logging

import click

from facegen.cli.app import app
from facegen.cli.bench import bench
from facegen.cli.dataset import dataset
from facegen.cli.dials import dials, directions, measure
from facegen.cli.doctor import doctor
from facegen.cli.evaluate import evaluate
from facegen.cli.faces import edit, generate, show
from facegen.cli.models import models
from facegen.cli.own_dials import COMMANDS as OWN_DIALS
from facegen.cli.sweep import sweep
from facegen.errors import FacegenError
from facegen.version import __version__


class _Group(click.Group):
    """Turns expected failures into one sentence and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except FacegenError as err:
            raise click.ClickException(str(err)) from err


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="facegen")
@click.option("-v", "--verbose", is_flag=True, help="Say more on stderr.")
def cli(*, verbose: bool) -> None:
    """Design photorealistic faces of people who do not exist."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s")


for command in (
    app,
    generate,
    edit,
    show,
    measure,
    dials,
    directions,
    evaluate,
    models,
    bench,
    doctor,
    sweep,
    dataset,
):
    cli.add_command(command)
for command in OWN_DIALS:
    directions.add_command(command)


def _mark_examples(command: click.Command) -> None:
    r"""Turn the `\b` of raw docstrings into the character by which click keeps lines apart."""
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _mark_examples(inner)


_mark_examples(cli)


def main() -> None:
    """Entry point."""
    cli()
