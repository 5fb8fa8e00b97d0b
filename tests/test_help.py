"""What `--help` prints, for every command there is."""

from __future__ import annotations

import click
import pytest

from facegen.cli import cli


def commands(command=cli, path=("facegen",)):
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))


@pytest.fixture(params=commands(), ids=lambda item: " ".join(item[0]))
def helped(request) -> tuple[click.Command, list[str]]:
    path, command = request.param
    context = click.Context(command, info_name=" ".join(path), max_content_width=200)
    context.terminal_width = 200
    return command, command.get_help(context).splitlines()


def test_help_says_what_it_does(helped):
    command, lines = helped
    assert command.get_short_help_str()
    assert lines[0].startswith("Usage: facegen")


def test_examples_stand_on_lines_of_their_own(helped):
    _, lines = helped
    for line in lines:
        assert "\\b" not in line
        assert all(c.isprintable() for c in line)
        assert line.count("python -m facegen") <= 1
        assert "python -m facegen" not in line or line.strip().startswith("python") or "`" in line


def test_every_choice_of_an_option_is_explained(helped):
    command, _ = helped
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{option.name} has no help"
