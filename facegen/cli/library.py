"""`library`: the people that are kept on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.shared import (
    json_option,
    load_generator,
    model_option,
    print_json,
    print_table,
)
from facegen.errors import FacegenError, UsageError

if TYPE_CHECKING:
    from facegen.library.exchange import Draw, Read
    from facegen.library.store import Library, Person

words_argument = click.argument("words", nargs=-1, metavar="[WORDS]...")
numbers_argument = click.argument("numbers", nargs=-1, required=True, type=int, metavar="NUMBER...")


@click.group()
def library() -> None:
    r"""People that you keep: names, tags, favourites, search, folders of face files.

    \b
    python -m facegen library add faces/*.png --tag friends
    python -m facegen library list friends "age>50"
    python -m facegen library export out friends
    """


def _open() -> Library:
    from facegen.library.store import Library

    found = Library()
    if found.notice:
        click.echo(found.notice, err=True)
    return found


@library.command("list")
@words_argument
@click.option("--favourites", is_flag=True, help="Only those with a star.")
@json_option
def list_people(*, words: tuple[str, ...], favourites: bool, as_json: bool) -> None:
    r"""Who is there: all, or those whose name or tags have the words and whose dials the numbers.

    \b
    python -m facegen library list
    python -m facegen library list anna "age>=50" "smile<1"
    """
    found = _found(_open(), words, favourites)
    rows: list[dict[str, object]] = [
        {"number": person.id, "name": person.name, "star": person.is_favourite,
         "tags": list(person.tags), "steps": person.steps, "changed": person.changed[:19]}
        for person in found
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("Nobody is there." if not words else "Nobody meets that.", err=True)
    else:
        print_table(
            [row | {"star": "*" if row["star"] else "", "tags": ", ".join(person.tags)}
             for row, person in zip(rows, found, strict=True)]
        )  # fmt: skip


@library.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option("--tag", "tags", multiple=True, help="A tag for all of them; may be repeated.")
def add(*, files: tuple[Path, ...], tags: tuple[str, ...]) -> None:
    r"""Keep the faces in files: PNG or npz, saved by this program, or public latents (npz).

    Somebody who is there already is not kept twice: another face of theirs becomes a step.

    \b
    python -m facegen library add anna.png --tag friends
    """
    from facegen.library.exchange import add_file

    kept, failed = _open(), 0
    draw, read = _late_draw(), _reader()
    for path in files:
        try:
            person = add_file(kept, path, draw=draw, read=read, tags=tags)
            click.echo(f"{person.id}  {person.name}")
        except FacegenError as err:
            failed += 1
            click.echo(f"{path.name}: {err}", err=True)
    _require_all(failed, len(files))


@library.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@words_argument
@click.option("--favourites", is_flag=True, help="Only those with a star.")
@model_option
def export_to(*, folder: Path, words: tuple[str, ...], favourites: bool, model: str) -> None:
    r"""Write people as face files into a folder: PNG with the face inside, and library.json.

    No file that is there is written over.

    \b
    python -m facegen library export out
    python -m facegen library export out friends "age>50"
    """
    from facegen.library.exchange import export_people

    kept = _open()
    people = _found(kept, words, favourites)
    if not people:
        raise UsageError("Nobody meets that, so nothing was written; see `library list`.")
    for path in export_people(kept, people, folder, _late_draw(model)):
        click.echo(str(path))


@library.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
def import_from(*, folder: Path) -> None:
    r"""Keep every face file of a folder, with the stars and tags that its library.json tells.

    \b
    python -m facegen library import out
    """
    from facegen.library.exchange import import_people

    failed = count = 0
    for path, came in import_people(_open(), folder, draw=_late_draw(), read=_reader()):
        count += 1
        if isinstance(came, FacegenError):
            failed += 1
            click.echo(f"{path.name}: {came}", err=True)
        else:
            click.echo(f"{came.id}  {came.name}")
    if not count:
        raise UsageError(f"There is no PNG or npz in {folder}.")
    _require_all(failed, count)


@library.command()
@numbers_argument
@click.option("--undo", is_flag=True, help="Bring them back.")
@click.option("--for-good", is_flag=True, help="Delete at once all who were removed so far.")
def remove(*, numbers: tuple[int, ...], undo: bool, for_good: bool) -> None:
    r"""Take people out of sight; --undo brings them back, --for-good makes it last.

    \b
    python -m facegen library remove 3 5
    python -m facegen library remove 3 --undo
    """
    if undo and for_good:
        raise UsageError("--undo and --for-good exclude each other; choose one.")
    kept = _open()
    for number in numbers:
        person = kept.person(number)
        (kept.put_back if undo else kept.remove)(number)
        click.echo(f"{number}  {person.name}: {'back' if undo else 'removed'}")
    if for_good:
        click.echo(f"{kept.forget_removed()} deleted for good")


@library.command()
@click.argument("number", type=int)
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@click.option("--name", default=None, help="Rename, too.")
@click.option("--star/--no-star", default=None, help="Make a favourite, or not.")
def tag(*, number: int, tags: tuple[str, ...], name: str | None, star: bool | None) -> None:
    r"""Give a person exactly these tags; without any, tags stay where a name or star is given.

    \b
    python -m facegen library tag 3 friends grey
    python -m facegen library tag 3 --name "Anna" --star
    """
    kept = _open()
    if tags or (name is None and star is None):
        kept.set_tags(number, tags)
    if name is not None:
        kept.rename(number, name)
    if star is not None:
        kept.star(number, star)
    person = kept.person(number)
    click.echo(f"{number}  {person.name}: {', '.join(person.tags) or 'no tags'}")


def _found(kept: Library, words: tuple[str, ...], favourites: bool) -> list[Person]:
    from facegen.library.search import parse_search

    return kept.people(parse_search(" ".join(words)), favourites=favourites)


def _late_draw(model: str | None = None) -> Draw:
    """What draws a face; the network is loaded when the first is drawn."""
    from facegen.latents import DEFAULT_MODEL
    from facegen.retouch.apply import draw

    loaded: list[Any] = []

    def make(face: Any) -> Any:
        if not loaded:
            loaded.append(load_generator(model or DEFAULT_MODEL))
        generator = loaded[0]
        face.require_space(generator.space)
        request = face.request(model=generator.model, size=generator.img_resolution)
        return draw(request, generator)

    return make


def _reader() -> Read:
    """What reads a face's dials; those of another space are kept without numbers."""
    from facegen.editing.dial_set import DialSet

    known: dict[str, Any] = {}

    def read(face: Any) -> dict[str, float]:
        if face.space not in known:
            try:
                known[face.space] = DialSet.load(face.space, own=False)
            except FacegenError:
                known[face.space] = None
        dials = known[face.space]
        return {} if dials is None else dials.read(face.w_plus)

    return read


def _require_all(failed: int, count: int) -> None:
    if failed:
        raise FacegenError(f"{failed} of {count} files were left out; the others are kept.")
