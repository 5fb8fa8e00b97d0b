"""`dials` and `directions`: what can be changed, learning it, judging it."""

from __future__ import annotations

import click

from facegen.cli.shared import json_option, print_json, print_table
from facegen.latents import BUNDLED_SPACE


@click.command()
@click.option("--space", default=BUNDLED_SPACE, show_default=True, help="Latent space.")
@json_option
def dials(*, space: str, as_json: bool) -> None:
    """List every dial: unit, natural range, what one step is."""
    from facegen.controls import dial
    from facegen.editing.dials import DialSet

    dial_set = DialSet.load(space)
    rows: list[dict[str, object]] = []
    for name in dial_set.names:
        spec = dial_set.spec(name)
        rows.append(
            {
                "dial": name,
                "group": dial(name).group,
                "label": dial(name).label,
                "unit": spec.unit,
                "one_step": round(float(spec.unit_per_sd), 3),
                "natural_low": round(float(spec.natural[0]), 2),
                "natural_high": round(float(spec.natural[1]), 2),
            }
        )
    if as_json:
        print_json(rows)
    else:
        print_table(rows)


@click.group()
def directions() -> None:
    """Learn and evaluate the directions behind the dials."""
