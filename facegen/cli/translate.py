"""`translate`: every face to every wanted characteristic, all else as it was."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from facegen.cli.shared import (
    count_progress,
    engine_option,
    json_option,
    load_generator,
    model_option,
    print_json,
    yes_option,
)
from facegen.cli.sweep import confirm_many


@click.command()
@click.argument("faces", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--spec",
    "spec_file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="TOML that names characteristics and what sets them; docs/guides/local.md.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the pictures; an unfinished one is continued.",
)
@click.option(
    "--originals",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of aligned crops of photographs, called as the FACES that were found in them: "
    "what is edited goes into the photograph.",
)
@click.option("--sheet", is_flag=True, help="Also write a sheet of all pictures, sheet.jpg.")
@yes_option
@model_option
@engine_option
@json_option
def translate(
    faces: tuple[Path, ...],
    *,
    spec_file: Path,
    out: Path,
    originals: Path | None,
    sheet: bool,
    yes: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Translate faces to every characteristic of a file, all else equal.

    FACES are face files or folders of them. What a face has already is not made again; the
    manifest says so. If it is interrupted, the same command continues where it stopped.

    \b
    python -m facegen translate faces --spec translations.toml --out translated
    """
    from facegen.datasets.domain import Originals
    from facegen.datasets.people import open_people
    from facegen.datasets.spec import read_spec
    from facegen.datasets.translate import MADE, translate
    from facegen.datasets.translation_sheet import by_value
    from facegen.datasets.translation_sheet import sheet as make_sheet
    from facegen.editing.dial_set import DialSet
    from facegen.files import write_atomic
    from facegen.local.edit import load_local_editor

    generator = load_generator(model, engine=engine)
    dials = DialSet.load(generator.space, own=False)
    spec = read_spec(spec_file, dials)
    people = open_people(faces, generator.space, warn=lambda text: click.echo(text, err=True))
    crops = Originals.of(originals, [name for name, _ in people])
    total = len(people) * len(spec.translations)
    confirm_many(total, yes=yes, size=spec.size)
    editor = load_local_editor(generator, dials)
    finished = 0
    with count_progress("Translating") as progress:

        def done(more: int) -> None:
            nonlocal finished
            finished += more
            progress(finished, total)

        rows = translate(out, spec, people, editor, originals=crops, done=done)
    if sheet:
        write_atomic(out / "sheet.jpg", make_sheet(out, rows, spec, people, editor))
    counts = Counter(row["outcome"] for row in rows)
    missed = sum(row["outcome"] == MADE and not row["met"] for row in rows)
    if as_json:
        facts = {"folder": str(out), "outcomes": dict(counts), "missed": missed}
        print_json({**facts, "values": by_value(rows, spec)})
        return
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    click.echo(f"{told}; {missed} of those made miss what was asked", err=True)
    click.echo(out)
