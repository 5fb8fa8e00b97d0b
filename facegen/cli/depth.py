"""`depth`: how far each pixel of a portrait lies in front of or behind the eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facegen.cli.shared import (
    count_progress,
    engine_option,
    json_option,
    load_generator,
    model_option,
    print_json,
)
from facegen.errors import FacegenError, UsageError

if TYPE_CHECKING:
    from facegen.generator import Generator
    from facegen.local.depth import Depth


@click.command()
@click.argument("faces", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The PNG to write for one face; for several a folder, where each is NAME-depth.png.",
)
@click.option(
    "--size",
    type=click.Choice(["256", "512", "1024"]),
    default="512",
    show_default=True,
    help="Edge of the depth in pixels.",
)
@model_option
@engine_option
@json_option
def depth(
    faces: tuple[Path, ...], *, out: Path, size: str, model: str, engine: str, as_json: bool
) -> None:
    r"""Write the depth of portraits: grey PNGs of 16 bits, near is bright.

    FACES are face files or any pictures; of a photograph that is not aligned, the depth is that of
    the crop of its largest face as `align` cuts it. Black is a plane 25 cm behind the eyes, white
    10 cm before them, as a head of average size has it.

    \b
    python -m facegen depth faces/seed0007.png --out depth.png
    python -m facegen depth faces/*.png --size 1024 --out depths
    """
    from facegen.files import make_folder, write_atomic

    one = out.suffix.lower() == ".png"
    if one and len(faces) > 1:
        raise UsageError(f"{out.name} holds one depth, got {len(faces)} faces; give a folder.")
    if not one and out.suffix:
        raise UsageError(f"A depth is written as .png, got {out.name}; name it {out.stem}.png.")
    places = [out] if one else [out / f"{path.stem}-depth.png" for path in faces]
    if len(set(places)) < len(places):
        raise UsageError("Two of these files have one name; write their depths to two folders.")
    if not one:
        make_folder(out)
    generator: Generator | None = None
    rows: list[dict[str, object]] = []
    failures: list[FacegenError] = []
    with count_progress("Depth") as progress:
        for count, (path, place) in enumerate(zip(faces, places, strict=True), 1):
            try:
                if _is_face(path):
                    generator = generator or load_generator(model, engine=engine)
                    found, source = _of_face(path, generator, int(size))
                else:
                    found, source = _of_picture(path, int(size))
                write_atomic(place, found.to_png(source_type=source))
            except FacegenError as err:
                told = str(err) if path.name in str(err) else f"{path.name}: {err}"
                failures.append(type(err)(told))
                continue
            finally:
                progress(count, len(faces))
            rows.append(
                {
                    "file": str(place),
                    "face": str(path),
                    "nearest_cm": round(float(found.cm.max()), 2),
                    "cm_per_edge": round(1 / found.mesh.placement.scale, 2),
                }
            )
            if not as_json:
                click.echo(place)
    if as_json:
        print_json(rows)
    for failure in failures[:-1]:
        click.echo(f"Error: {failure}", err=True)
    if failures:
        raise failures[-1]


def _is_face(path: Path) -> bool:
    from facegen.formats.sniff import FACES, sniff

    return sniff(path, path.name) in FACES


def _of_face(path: Path, generator: Generator, size: int) -> tuple[Depth, str | None]:
    from facegen.cli.shared import open_face
    from facegen.images import DIGITAL_SOURCE_TYPE
    from facegen.local.depth import of_face

    face = open_face(path).require_space(generator.space)
    return of_face(face, generator, size=size), DIGITAL_SOURCE_TYPE


def _of_picture(path: Path, size: int) -> tuple[Depth, str | None]:
    from facegen.images import EDITED_SOURCE_TYPE
    from facegen.local.depth import of_photograph
    from facegen.photos.intake import open_photo

    return of_photograph(open_photo(path).image, size=size), EDITED_SOURCE_TYPE
