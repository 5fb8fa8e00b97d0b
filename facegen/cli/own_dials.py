"""`directions make|import|discover|keep|list|remove`: dials of the user's own."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from facegen.cli.shared import (
    SeedRange,
    count_progress,
    json_option,
    load_generator,
    model_option,
    print_json,
    print_table,
)
from facegen.errors import BadFileError, FacegenError, UsageError
from facegen.face import Face
from facegen.files import write_atomic
from facegen.formats.sniff import has_twin
from facegen.images import PICTURE_KINDS, encode_png
from facegen.latents import BUNDLED_SPACE, DEFAULT_PSI, NUM_WS

if TYPE_CHECKING:
    from facegen.directions.user_dials import OwnDial

FACE_FILES = (*PICTURE_KINDS, ".npz", ".npy", ".pt")
STRIP_PX = 256


class Rows(click.ParamType):
    """'0:8': the rows of w_plus from the first to before the second."""

    name = "rows"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, int]:
        """Parse; a wrong text is a usage error."""
        if isinstance(value, tuple):
            return value
        first, _, last = str(value).partition(":")
        if not (first.isdigit() and last.isdigit() and int(first) < int(last) <= NUM_WS):
            self.fail(f"'{value}' must look like 0:8, within 0:{NUM_WS}.", param, ctx)
        return int(first), int(last)


rows_option = click.option(
    "--rows", type=Rows(), default="0:18", show_default=True,
    help="Rows to act on: 0:4 pose and large shapes, 4:8 features, 8:18 colours.",
)  # fmt: skip
name_option = click.option("--name", required=True, help="Name of the dial, e.g. freckles.")
title_option = click.option("--title", default="", help="What the app shows.")
replace_option = click.option(
    "--replace", "replace_old", is_flag=True, help="Replace your dial of the same name."
)
space_option = click.option("--space", default=BUNDLED_SPACE, show_default=True, help="Space.")


@click.command("make")
@name_option
@title_option
@click.option("--with", "with_seeds", type=SeedRange(), help="Seeds of faces that have it: 3,17.")
@click.option("--without", "without_seeds", type=SeedRange(), help="Seeds of faces that do not.")
@click.option("--with-dir", type=click.Path(path_type=Path), help="Folder of face files with it.")
@click.option("--without-dir", type=click.Path(path_type=Path), help="Folder of faces without.")
@click.option("--truncation", type=float, default=DEFAULT_PSI, show_default=True,
              help="The truncation at which you looked at the seeds.")  # fmt: skip
@rows_option
@replace_option
@model_option
def make(
    *, name: str, title: str, with_seeds: list[int] | None, without_seeds: list[int] | None,
    with_dir: Path | None, without_dir: Path | None, truncation: float, rows: tuple[int, int],
    replace_old: bool, model: str,
) -> None:  # fmt: skip
    r"""Make a dial from about 20 faces that have something and 20 that do not.

    \b
    python -m facegen directions make --name wet_hair --with 3,17,29 --without 4,5,6
    python -m facegen directions make --name wet_hair --with-dir yes --without-dir no
    """
    from facegen.directions.make_user_dial import make_own
    from facegen.directions.user_dials import checked_name

    checked_name(name)  # before anything that takes time
    generator = load_generator(model)

    def gather(seeds: list[int] | None, folder: Path | None) -> list[np.ndarray]:
        found = [generator.w_from_seed(seed, truncation) for seed in seeds or []]
        return found + (folder_latents(folder, generator.space) if folder else [])

    has, has_not = gather(with_seeds, with_dir), gather(without_seeds, without_dir)
    start = time.perf_counter()
    with count_progress("Learning") as progress:
        dial = make_own(
            generator, has, has_not, name=name, title=title, rows=rows, progress=progress
        )
    took = time.perf_counter() - start
    _save(dial, replace_old=replace_old)
    click.echo(f"held-out score {dial.score:.2f} (1 is perfect, 0.5 is chance), {took:.1f} s")
    if dial.score is not None and dial.score < 0.65:
        click.echo("Warning: examples left out are hardly told apart; give more, or clearer, "
                   "ones.", err=True)  # fmt: skip


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@name_option
@title_option
@rows_option
@click.option("--licence", default="not stated", show_default=True, help="Of the file, as text.")
@click.option("--measure", is_flag=True, help="Render 8 faces, measure, and set the unit by it.")
@replace_option
@model_option
def import_command(
    file: Path, *, name: str, title: str, rows: tuple[int, int], licence: str, measure: bool,
    replace_old: bool, model: str,
) -> None:  # fmt: skip
    r"""Make a dial of a direction's file: .npy, .npz or .pt, or a dial that facegen wrote.

    \b
    python -m facegen directions import stylegan2_smile.npy --name their_smile --rows 0:8
    """
    from facegen.directions.foreign import import_direction, in_picture_units, measure_on_pictures
    from facegen.directions.user_dials import checked_name
    from facegen.formats.sniff import DIRECTIONS, Kind, require_kind

    checked_name(name)
    require_kind(file, file.name, DIRECTIONS | {Kind.FACE}, wanted="a direction")
    generator = load_generator(model)
    dial = import_direction(generator, file, name=name, title=title, rows=rows, licence=licence)
    if measure:
        seen = measure_on_pictures(generator, dial)
        dial = in_picture_units(dial, seen)
        click.echo(f"measured on {seen.faces} faces", err=True)
    _save(dial, replace_old=replace_old)


@click.command("discover")
@click.option("--method", type=click.Choice(["pca", "sefa"]), default="pca", show_default=True,
              help="Spread of the faces, or the network's weights.")  # fmt: skip
@click.option("--count", type=click.IntRange(1, 100), default=10, show_default=True,
              help="Directions to find.")  # fmt: skip
@rows_option
@click.option("--strip", type=click.Path(dir_okay=False, path_type=Path),
              help="Write a picture: one row each, from low to high.")  # fmt: skip
@click.option("--seed", type=int, default=7, show_default=True, help="The face of the picture.")
@click.option("--truncation", type=float, default=DEFAULT_PSI, show_default=True,
              help="Of the face of the picture.")  # fmt: skip
@click.option("--units", type=click.FloatRange(0.1, 20), default=3.0, show_default=True,
              help="How far the picture goes to each side.")  # fmt: skip
@model_option
@json_option
def discover(
    *, method: str, count: int, rows: tuple[int, int], strip: Path | None, seed: int,
    truncation: float, units: float, model: str, as_json: bool,
) -> None:  # fmt: skip
    r"""List directions found in the faces' spread or in the network's weights.

    \b
    python -m facegen directions discover --method sefa --rows 0:8 --strip sefa.png
    """
    from facegen.directions.discover import candidates
    from facegen.directions.discover import strip as draw
    from facegen.directions.population import sentence_of

    generator = load_generator(model)
    found = candidates(generator, method=method, count=count, rows=rows)
    if strip is not None:
        base = generator.w_from_seed(seed, truncation)
        steps = [units * step for step in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        picture = draw(generator, base, found, units=steps, size=STRIP_PX)
        write_atomic(strip, encode_png(picture, texts={}))
    table: list[dict[str, object]] = [
        {"key": one.key, "share": round(one.share, 4), "moves": sentence_of(one.learned.moves)}
        for one in found
    ]
    if as_json:
        print_json(table)
    else:
        print_table(table)
        if strip is not None:
            click.echo(strip)


@click.command("keep")
@click.argument("key")
@name_option
@title_option
@rows_option
@replace_option
@model_option
def keep(
    key: str, *, name: str, title: str, rows: tuple[int, int], replace_old: bool, model: str
) -> None:
    r"""Keep a discovered direction as a dial.

    \b
    python -m facegen directions keep pca:3 --rows 0:8 --name long_face
    """
    from facegen.directions.discover import candidate
    from facegen.directions.user_dials import checked_name

    checked_name(name)
    generator = load_generator(model)
    found = candidate(generator, key, rows=rows)
    _save(found.keep(generator.space, name=name, title=title), replace_old=replace_old)


@click.command("list")
@space_option
@json_option
def list_command(*, space: str, as_json: bool) -> None:
    """List your own dials, where their files are, and what each moves."""
    from facegen.directions.population import sentence_of
    from facegen.directions.user_dials import damaged_own, list_own, own_folder

    table: list[dict[str, object]] = [
        {
            "dial": name,
            "kind": dial.kind,
            "rows": f"{dial.rows[0]}:{dial.rows[1]}",
            "score": dial.score,
            "moves": sentence_of(dial.moves),
            "source": dial.source,
        }
        for name, dial in list_own(space).items()
    ]
    for sentence in damaged_own(space).values():
        click.echo(f"Warning: {sentence}", err=True)
    if as_json:
        print_json(table)
    elif table:
        print_table(table)
        click.echo(f"Files to share: {own_folder(space)}")
    else:
        click.echo("No dials of your own yet; `directions make` and `directions import` make them.")


@click.command("remove")
@click.argument("name")
@space_option
def remove(name: str, *, space: str) -> None:
    """Delete one of your own dials."""
    from facegen.directions.user_dials import remove_own

    click.echo(f"removed {remove_own(name, space)}")


def folder_latents(folder: Path, space: str) -> list[np.ndarray]:
    """The latents, [18, 512] each, of all face files in a folder, each face once.

    Raises:
        BadFileError: it cannot be read, or holds pictures without a latent.
        SpaceMismatchError: a face of another space.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as err:
        raise BadFileError(f"The folder {folder} cannot be opened ({err.strerror}).") from err
    faces, bad = [], []
    for path in files:
        if path.suffix.lower() not in FACE_FILES or has_twin(path):
            continue
        try:
            faces.append(Face.load(path))
        except FacegenError as err:
            bad.append(str(err))
    if bad:
        raise BadFileError(
            f"{len(bad)} of {len(bad) + len(faces)} files in {folder} hold no latent, so they "
            f"cannot be examples; use faces saved by facegen, or seeds. The first: {bad[0]}"
        )
    if not faces:
        raise UsageError(f"There are no face files in {folder} ({', '.join(FACE_FILES)}).")
    return [face.require_space(space).w_plus for face in faces]


def _save(dial: OwnDial, *, replace_old: bool) -> None:
    from facegen.directions.population import sentence_of
    from facegen.directions.user_dials import save_own

    path = save_own(dial, replace_old=replace_old)
    click.echo(path)
    click.echo(f"one unit moves: {sentence_of(dial.moves)}")
    low, high = dial.natural
    click.echo(f"natural range {low:.1f} to {high:.1f}; use it as --set {dial.name}=+2")


COMMANDS = (make, import_command, discover, keep, list_command, remove)
