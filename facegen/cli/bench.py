"""`bench`: every engine on this machine, side by side."""

from __future__ import annotations

import sys

import click

from facegen.cli.shared import json_option, model_option, print_json, print_table


@click.command()
@model_option
@click.option("--runs", type=click.IntRange(1, 1000), default=10, show_default=True)
@json_option
def bench(*, model: str, runs: int, as_json: bool) -> None:
    """Time full frames and previews of all engines, interleaved in one run.

    Differences are to the exact float32 PyTorch network, in 1/255.
    """
    from facegen.bench import run_bench

    rows = run_bench(model=model, runs=runs, log=lambda text: click.echo(text, err=True))
    if as_json:
        print_json(rows)
    else:
        print_table(rows)
    sys.stdout.flush()
