"""`combine`, `children`, `variants` and `similar`: faces out of faces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.face_files import drawn, edits_of, generator_for, write_faces
from facegen.cli.shared import (
    count_progress,
    engine_option,
    folder_option,
    json_option,
    lock_option,
    model_option,
    npz_option,
    open_face,
    picture_option,
    size_option,
)
from facegen.errors import UsageError
from facegen.face import Face, clean_name
from facegen.images import at_edge, picture_kind
from facegen.latents import MAX_SEED
from facegen.operation_texts import describe
from facegen.operations import BOUND_OPERATIONS, Operation

if TYPE_CHECKING:
    from facegen.editing.dial_set import DialSet
    from facegen.explore.screening import Readings
    from facegen.generator import Generator

MOST = 1000
LEAST_BLOCKS = 8
"""Of a bank: 32,768 people, read in a few seconds the first time."""
KEPT = ["person", "type", "look"]
Command = Callable[..., Any]


class Weights(click.ParamType):
    """'1,1,2': numbers, one for each face."""

    name = "weights"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[float]:
        """Parse; a wrong text is a usage error."""
        if isinstance(value, list):
            return value
        try:
            return [float(part) for part in str(value).split(",")]
        except ValueError:
            self.fail(f"'{value}' are not weights; write one number a face, as in 1,1,2.", param,
                      ctx)  # fmt: skip


def many_faces(what: str) -> Callable[[Command], Command]:
    """The options of a command that writes a folder of faces."""
    options = (
        click.option(
            "--count", type=click.IntRange(1, MOST), default=12, show_default=True,
            help=f"How many {what}.",
        ),
        click.option(
            "--seed", type=click.IntRange(0, MAX_SEED), default=0, show_default=True,
            help="The same seed gives the same again; another one gives others.",
        ),
        folder_option, npz_option, model_option, engine_option, json_option,
    )  # fmt: skip

    def with_options(command: Command) -> Command:
        for option in reversed(options):  # Help lists them in the order of the list.
            command = option(command)
        return command

    return with_options


@click.command()
@click.argument("faces", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--weights", type=Weights(), help="One for each face, such as 1,1,2. [all alike]")
@click.option(
    "--plain",
    is_flag=True,
    help="The mean of the latents: of many people nearly the average face.",
)
@click.option("--name", help="Name of the person, kept in the file. [the parents' names]")
@picture_option
@size_option
@npz_option
@model_option
@engine_option
def combine(
    faces: tuple[Path, ...],
    *,
    weights: list[float] | None,
    plain: bool,
    name: str | None,
    out: Path,
    size: int | None,
    npz: bool,
    model: str,
    engine: str,
) -> None:
    r"""Make the face between two or more, as distinct as they are.

    \b
    python -m facegen combine a.png b.png c.png --weights 1,1,2 --out between.png

    What was done in the parents' pictures, such as a wink, is not passed on.
    """
    from facegen.explore.family import average, check_parents

    picture_kind(out)  # before any work
    parents = _parents(faces, [out])
    check_parents(parents, weights)
    generator = generator_for(parents[0], model=model, engine=engine)
    face = average(parents, weights, generator=generator, plain=plain, name=name)
    face.save(out, at_edge(drawn(face, generator), size), npz=npz)
    click.echo(out)


@click.command()
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option(
    "--variation",
    type=click.FloatRange(0, 1),
    default=0.4,
    show_default=True,
    help="How much of each comes from neither parent.",
)
@many_faces("children")
def children(
    first: Path,
    second: Path,
    *,
    count: int,
    seed: int,
    variation: float,
    out: Path,
    npz: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Write children of two faces: OUT/child01.png and so on.

    \b
    python -m facegen children a.png b.png --count 12 --out children

    Each child mixes its parents differently: pose and shape, features, and colours from one, from
    the other or from both.
    """
    from facegen.explore.family import check_parents
    from facegen.explore.family import children as children_of

    paths = _numbered(out, "child", count)
    parents = _parents((first, second), paths)
    check_parents(parents)
    generator = generator_for(parents[0], model=model, engine=engine)
    made = children_of(*parents, generator=generator, count=count, seed=seed, variation=variation)
    _write(made, paths, generator, npz=npz, as_json=as_json)


@click.command()
@click.argument("face", type=click.Path(path_type=Path))
@click.option(
    "--dials",
    "names",
    default="",
    metavar="NAMES",
    help="Dials or groups of dials, such as age,smile or hair,light. [all]",
)
@click.option(
    "--strength",
    type=click.FloatRange(0, 3, min_open=True),
    default=0.5,
    show_default=True,
    help="How far they move, in standard deviations.",
)
@lock_option
@many_faces("variants")
def variants(
    face: Path,
    *,
    names: str,
    strength: float,
    locks: tuple[str, ...],
    count: int,
    seed: int,
    out: Path,
    npz: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Write variants of a face, some of its dials moved: OUT/variant01.png and so on.

    \b
    python -m facegen variants a.png --dials hair,light --lock identity --out variants

    One dial moves in even steps, up to the strength to either side; several move as people differ
    in them. The moves are in the files and can be taken back.
    """
    from facegen.explore.variants import variants as variants_of

    paths = _numbered(out, "variant", count)
    opened = _opened(face, paths)
    _tell_of_loss(face, [e for e in opened.operations if isinstance(e, BOUND_OPERATIONS)])
    generator = generator_for(opened, model=model, engine=engine)
    wanted = [part.strip() for part in names.split(",") if part.strip()]
    made = variants_of(
        opened, _dials_of(generator), wanted, generator=generator, strength=strength,
        count=count, seed=seed, hold=locks,
    )  # fmt: skip
    _write(made, paths, generator, npz=npz, as_json=as_json)


@click.command()
@click.argument("face", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=click.Choice(KEPT),
    default="look",
    show_default=True,
    help="person: the same one with other hair, age and light. type: others of the same age, sex, "
    "skin and hair. look: those who look most alike, whoever they are.",
)
@many_faces("people")
def similar(
    face: Path,
    *,
    keep: str,
    count: int,
    seed: int,
    out: Path,
    npz: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Write people similar to a face, confirmed on their pictures: OUT/type01.png and so on.

    \b
    python -m facegen similar a.png --keep type --count 12 --out others

    The same person has a distance below 0.6 by dlib's descriptor, others of a type above. A seed
    matters for `--keep person` alone.
    """
    from facegen.explore.similar import similar as similar_to
    from facegen.measure.measurer import load_measurer

    paths = _numbered(out, keep, count)
    opened = _opened(face, paths)
    generator = generator_for(opened, model=model, engine=engine)
    dials = _dials_of(generator)
    found = similar_to(
        opened,
        keep,  # type: ignore[arg-type]  # click knows the choices
        generator=generator,
        dials=dials,
        measurer=load_measurer(),
        people=() if keep == "person" else _people(generator, dials),
        count=count,
        seed=seed,
    )
    pieces = (
        (path, one.face, drawn(one.face, generator),
         {"seed": one.face.seed, "distance": round(one.distance, 3)})
        for path, one in zip(paths, found, strict=False)
    )  # fmt: skip
    written = write_faces(pieces, out, "Looking", count, npz=npz, as_json=as_json)
    if written < count:
        click.echo(f"Warning: {written} of {count} were found; ask for fewer.", err=True)


def _opened(path: Path, written: Iterable[Path]) -> Face:
    """The face of a file.

    Raises:
        BadFileError: it is missing, damaged, or of another kind.
        UsageError: it would be written over.
    """
    if path.resolve() in {place.resolve() for place in written}:
        raise UsageError(
            f"{path} is a face to begin with and would be written over; choose another --out."
        )
    return open_face(path)


def _parents(paths: Sequence[Path], written: Sequence[Path]) -> list[Face]:
    """Faces to mix, named after their files where they have no name."""
    faces = []
    for path in paths:
        face = _opened(path, written)
        _tell_of_loss(path, face.pixel_operations)
        faces.append(replace(face, name=face.name or clean_name(path.stem)))
    return faces


def _tell_of_loss(path: Path, done: Sequence[Operation]) -> None:
    if done:
        told = ", ".join(describe(entry) for entry in done)
        click.echo(f"Warning: not passed on from {path}: {told}.", err=True)


def _dials_of(generator: Generator) -> DialSet:
    from facegen.editing.dial_set import DialSet

    return DialSet.load(generator.space)


def _people(generator: Generator, dials: DialSet) -> list[Readings]:
    """Whom to choose from."""
    from facegen.explore.bank import Bank
    from facegen.explore.screening import Screener

    bank = Bank(Screener(generator, dials))
    blocks = max(bank.count(), LEAST_BLOCKS)
    with count_progress("Reading people") as progress:
        parts = []
        for index in range(blocks):
            parts.append(bank.block(index))
            progress(index + 1, blocks)
    return parts


def _numbered(folder: Path, word: str, count: int) -> list[Path]:
    digits = max(2, len(str(count)))
    return [folder / f"{word}{number:0{digits}d}.png" for number in range(1, count + 1)]


def _write(
    faces: Sequence[Face], paths: Sequence[Path], generator: Generator, *, npz: bool, as_json: bool
) -> None:
    """Draw and write faces, and tell of each."""
    pieces = (
        (path, face, drawn(face, generator), edits_of(face) if face.edits else {})
        for path, face in zip(paths, faces, strict=True)
    )
    write_faces(
        pieces, paths[0].parent, "Drawing", len(paths), npz=npz, as_json=as_json
    )  # fmt: skip
