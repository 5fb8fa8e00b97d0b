"""`app`: the sliders in the browser."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from typing import Any

import click

from facegen.paths import DATA, PACKAGE, shipped

DEFAULT_PORT = 8501


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port on this machine.",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[-- STREAMLIT OPTIONS]")
def app(*, port: int, options: tuple[str, ...]) -> None:
    r"""Open the app in the browser; Ctrl-C ends it.

    \b
    facegen app
    facegen app --port 8600 -- --server.headless true
    """
    settings = tomllib.loads(shipped(DATA / ".streamlit" / "config.toml").read_text("utf-8"))
    command = [
        sys.executable, "-m", "facegen.ui.serve", "run", str(PACKAGE / "ui" / "__main__.py"),
        *flags(settings), f"--server.port={port}", *options,
    ]  # fmt: skip
    sys.stdout.flush()
    os.execv(sys.executable, command)


def flags(settings: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Settings as options of `streamlit run`, which reads a file only where it is started.

    >>> list(flags({"server": {"port": 1}, "theme": {"dark": {"font": "x"}}, "a": {"b": True}}))
    ['--server.port=1', '--theme.dark.font=x', '--a.b=true']
    """
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from flags(value, f"{prefix}{name}.")
        else:
            yield f"--{prefix}{name}={str(value).lower() if isinstance(value, bool) else value}"
