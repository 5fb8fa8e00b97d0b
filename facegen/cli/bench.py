"""`bench`: every engine on this machine, side by side."""

from __future__ import annotations

import sys

import click

from facegen.cli.shared import json_option, model_option, print_json, print_table


@click.command()
@model_option
@click.option(
    "--architecture",
    help="A StyleGAN2 network with random weights in place of a model: stylegan2-config-f, or "
    "stylegan2-config-f-256 and so on for smaller pictures.",
)
@click.option("--runs", type=click.IntRange(1, 1000), default=10, show_default=True,
              help="Pictures that each median is of.")  # fmt: skip
@json_option
def bench(*, model: str, architecture: str | None, runs: int, as_json: bool) -> None:
    """Time full frames and previews of all engines, interleaved in one run.

    Differences are to the exact float32 PyTorch network, in 1/255. Speed is against the published
    graph of the bundled network, and against the plain PyTorch form of a StyleGAN2 network.
    """
    from facegen.bench.run import describe_floors, run_bench

    def say(text: str) -> None:
        click.echo(text, err=True)

    rows = run_bench(model=model, architecture=architecture, runs=runs, log=say)
    if as_json:
        print_json(rows)
    else:
        print_table(rows)
        say(describe_floors(model=model, architecture=architecture))
    sys.stdout.flush()
