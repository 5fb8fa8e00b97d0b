"""`align` and `paste`: faces out of photographs, and edited ones back into them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facegen.cli.shared import count_progress, json_option, print_json
from facegen.errors import FacegenError, UsageError

if TYPE_CHECKING:
    from facegen.photos.put_back import Where
    from facegen.photos.save import Metadata

CROP_SIZES = ("256", "512", "1024")
WHERE = ("changed", "face", "head")
METADATA = ("no-location", "all", "none")
"""As `facegen.photos` has them, which takes OpenCV to import."""


@click.command()
@click.argument(
    "photos", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PHOTO..."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the crops; an unfinished one is continued.",
)
@click.option(
    "--face",
    type=click.IntRange(1),
    default=None,
    help="Only this face of each photo; 1 is the largest. Otherwise all.",
)
@click.option(
    "--size",
    type=click.Choice(CROP_SIZES),
    default="1024",
    show_default=True,
    help="Edge of the crops in pixels.",
)
@json_option
def align(
    photos: tuple[Path, ...], *, out: Path, face: int | None, size: str, as_json: bool
) -> None:
    r"""Cut faces out of photographs, turned and framed as those of FFHQ.

    PHOTO is a JPEG, PNG, WebP, AVIF or HEIC, or a folder of them. Beside each crop a small JSON
    says where in the photo it lies, so that `paste` can put it back. What stands in the way of a
    good result is told on stderr.

    Use photographs of real people only with their consent. They stay on this machine.

    \b
    python -m facegen align holiday.jpg --out crops
    python -m facegen align holidays --face 1 --size 512 --out crops
    """
    from facegen.photos.crops import align_photo, photos_in

    def tell(text: str) -> None:
        click.echo(text, err=True)

    named = photos_in(photos, warn=tell)
    rows: list[dict[str, object]] = []
    failures: list[FacegenError] = []
    with count_progress("Aligning") as progress:
        for count, (name, path) in enumerate(named.items(), start=1):
            try:
                crops = align_photo(path, name, out, size=int(size), face=face)
            except FacegenError as err:
                failures.append(err)
                crops = []
            for crop, record in crops:
                rows.append(
                    {"file": str(crop), "photo": str(path), "face": record.face,
                     "faces": record.faces, "eyes_px": record.eyes_px,
                     "warnings": list(record.warnings)}
                )  # fmt: skip
                if not as_json:
                    click.echo(crop)
                for warning in record.warnings:
                    tell(f"{path.name}, face {record.face}: {warning}")
            progress(count, len(named))
    if as_json:
        print_json(rows)
    for failure in failures[:-1]:
        tell(f"Error: {failure}")
    if failures:
        raise failures[-1]


@click.command()
@click.argument("crop", type=click.Path(path_type=Path))
@click.argument("photo", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The JPEG, PNG, WebP or AVIF to write. PNG keeps every pixel that was not edited.",
)
@click.option(
    "--where",
    type=click.Choice(WHERE),
    default="changed",
    show_default=True,
    help="What of the crop is put back: what was changed in it, or all of the face or head, for "
    "a crop that was made anew.",
)
@click.option(
    "--reconstruction",
    type=click.Path(path_type=Path),
    default=None,
    help="The crop as a network redrew it, before the edit: only what differs from it is edited.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path),
    default=None,
    help="The JSON that `align` wrote, if it does not lie beside CROP under its name.",
)
@click.option(
    "--metadata",
    type=click.Choice(METADATA),
    default="no-location",
    show_default=True,
    help="What stays of the photo's EXIF: all but place, owner and serial numbers; all; nothing.",
)
@click.option("--no-grain", is_flag=True, help="Do not give the photo's grain to what is put in.")
@json_option
def paste(
    crop: Path,
    photo: Path,
    *,
    out: Path,
    where: Where,
    reconstruction: Path | None,
    record: Path | None,
    metadata: Metadata,
    no_grain: bool,
    as_json: bool,
) -> None:
    r"""Put an edited crop back into its photograph, at the photo's own resolution.

    CROP is a picture that `align` wrote, edited with any program and saved in any format; its
    record CROP.json lies beside it. Only what was changed is put back, with a soft edge; the rest
    of PHOTO stays as it is. The result is marked as edited with AI (IPTC), and PHOTO is never
    written over.

    Use photographs of real people only with their consent. They stay on this machine.

    \b
    python -m facegen paste crops/holiday-1.png holiday.jpg --out edited.jpg
    python -m facegen paste retouched.jpg holiday.jpg --record crops/holiday-1.json --out edited.png
    """
    from facegen.files import write_atomic
    from facegen.photos.crops import paste_crop
    from facegen.photos.intake import open_photo
    from facegen.photos.save import encode_photo, output_format

    kind = output_format(out)
    for taken in (crop, photo):
        if out.exists() and taken.exists() and out.samefile(taken):
            raise UsageError(f"{out} would be written over {taken.name}; choose another --out.")
    picture = open_photo(photo)
    done = paste_crop(
        picture, photo, open_photo(crop), record or crop.with_suffix(".json"),
        reconstruction=None if reconstruction is None else open_photo(reconstruction),
        where=where, grain=not no_grain,
        warn=lambda text: click.echo(text, err=True),
    )  # fmt: skip
    write_atomic(out, encode_photo(done.image, picture, kind, metadata=metadata))
    if as_json:
        share = float((done.mask > 0).sum()) / (done.image.shape[0] * done.image.shape[1])
        print_json({"file": str(out), "box": list(done.box), "share": round(share, 6)})
        return
    if not done.mask.any():
        click.echo("Nothing is changed in that crop, so the photo stays as it is.", err=True)
    click.echo(out)
