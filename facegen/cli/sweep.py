"""`sweep`: one saved face from every side."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from facegen.cli.config import (
    ConfiguredCommand,
    Listed,
    NeededArgument,
    NeededOption,
    config_text,
)
from facegen.cli.shared import (
    count_progress,
    engine_option,
    hold_person_option,
    json_option,
    load_generator,
    model_option,
    open_face,
    print_json,
    yes_option,
)

SIZES = ["256", "512", "1024"]
DEGREES = Listed(float)
CONFIG_FILE = "sweep.toml"


def confirm_many(count: int, *, yes: bool, size: int) -> None:
    """Ask before making very many pictures."""
    from facegen.sweeps.grid import MANY

    if count > MANY and not yes:
        text = (
            f"That is {count:,} pictures, about {count * (size / 1024) ** 2 * 1.4 / 1000:,.1f} GB. "
            "Go on?"
        )
        click.confirm(text, abort=True, err=True)


@click.command(cls=ConfiguredCommand)
@click.argument("face", type=click.Path(path_type=Path), cls=NeededArgument)
@click.option(
    "--yaw",
    type=DEGREES,
    default="-40:40:10",
    show_default=True,
    metavar="FROM:TO:STEP",
    help="Degrees; both ends count. A list works too: -20,0,20.",
)
@click.option(
    "--pitch",
    type=DEGREES,
    default="0",
    show_default=True,
    metavar="FROM:TO:STEP",
    help="Degrees, chin up positive.",
)
@click.option(
    "--expression",
    "expressions",
    multiple=True,
    metavar="NAME[:STRENGTH]",
    help="happy, sad:0.5, … Repeatable; `own` keeps the face's.",
)
@click.option(
    "--gaze",
    type=DEGREES,
    default="",
    metavar="FROM:TO:STEP",
    help="Degrees the eyes look to the right of the camera, -20 to 20. [own]",
)
@click.option(
    "--gaze-up",
    type=DEGREES,
    default="",
    metavar="FROM:TO:STEP",
    help="Degrees the eyes look further up, -12 to 12. [own]",
)
@click.option(
    "--keep-rest/--no-keep-rest",
    help="Let expressions change the face alone: hair, clothes and background stay as they are "
    "without.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    cls=NeededOption,
    help="Folder for the pictures and sweep.toml, which repeats them; made if need be.",
)
@click.option("--size", type=click.Choice(SIZES), default="1024", show_default=True,
              help="Edge of the pictures, pixels.")  # fmt: skip
@click.option("--sheet/--no-sheet", help="Also write a contact sheet, sheet.png.")
@click.option("--gif/--no-gif", help="Also write sweep.gif, there and back.")
@click.option("--mp4/--no-mp4", help="Also write sweep.mp4 (H.264), there and back.")
@click.option("--webm/--no-webm", help="Also write sweep.webm (VP9), there and back.")
@click.option("--no-measure/--measure", help="Do not measure the finished pictures: faster.")
@click.option(
    "--open-loop/--closed-loop", help="Do not correct the angles by measuring previews first."
)
@hold_person_option
@yes_option
@model_option
@engine_option
@json_option
def sweep(
    face: Path,
    *,
    yaw: str,
    pitch: str,
    expressions: tuple[str, ...],
    gaze: str,
    gaze_up: str,
    keep_rest: bool,
    out: Path,
    size: str,
    sheet: bool,
    gif: bool,
    mp4: bool,
    webm: bool,
    no_measure: bool,
    open_loop: bool,
    person_steps: int,
    yes: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Turn a saved face through a grid of angles and expressions.

    \b
    python -m facegen sweep face.png --yaw -40:40:10 --pitch -15:15:15 --out turned --sheet
    python -m facegen sweep other.png --config turned/sweep.toml --out turned_too
    """
    from facegen.editing.dial_set import DialSet
    from facegen.files import make_folder, write_atomic
    from facegen.local.edit import load_local_editor
    from facegen.measure.measurer import load_measurer
    from facegen.optimise.identity import optimiser_of
    from facegen.sweeps.export import (
        frame_png,
        frame_record,
        json_lines,
        make_gif,
        sheet_png,
    )
    from facegen.sweeps.film import make_film
    from facegen.sweeps.grid import make_cells, parse_expression, parse_range
    from facegen.sweeps.sweep import Frame, Sweep

    named = [
        (None, 1.0) if text == "own" else parse_expression(text) for text in expressions or ["own"]
    ]
    cells = make_cells(
        parse_range(yaw, what="--yaw"),
        parse_range(pitch, what="--pitch"),
        named,
        parse_range(gaze, what="--gaze") if gaze else [None],
        parse_range(gaze_up, what="--gaze-up") if gaze_up else [None],
    )
    confirm_many(len(cells), yes=yes, size=int(size))
    opened = open_face(face)
    generator = load_generator(model, engine=engine)
    dials = DialSet.load(generator.space, own=False)
    turning = Sweep(
        generator,
        opened,
        dials,
        load_measurer(),
        size=int(size),
        measure="none" if no_measure else "all",
        close=not open_loop,
        optimiser=optimiser_of(generator, person_steps),
        keeper=load_local_editor(generator, dials) if keep_rest else None,
    )
    cells = turning.require_cells(cells)
    make_folder(out)  # where that fails, before minutes of work
    write_atomic(out / CONFIG_FILE, config_text().encode())
    records: list[dict[str, object]] = []
    frames: list[Frame] = []
    keep = sheet or gif or mp4 or webm
    with count_progress("Turning") as progress:
        for frame in turning.frames(cells):
            name = f"images/{frame.cell.stem(frame.index)}.png"
            write_atomic(out / name, frame_png(frame))
            records.append(frame_record(frame, file_name=name))
            frames += [frame] if keep else []
            progress(len(records), len(cells))
    write_atomic(out / "metadata.jsonl", json_lines(records))
    for wanted, name, make in (
        (sheet, "sheet.png", sheet_png), (gif, "sweep.gif", make_gif),
        (mp4, "sweep.mp4", make_film), (webm, "sweep.webm", partial(make_film, kind="webm")),
    ):  # fmt: skip
        if wanted:
            write_atomic(out / name, make(frames))
    missed = sum(not record["is_reachable"] for record in records)
    if missed:
        click.echo(
            f"Warning: {missed} of {len(records)} pictures miss their angles by more than 3 "
            "degrees, or show no face or open eyes to work on; metadata.jsonl marks them and holds "
            "the measured angles.",
            err=True,
        )
    if as_json:
        print_json({"pictures": len(records), "missed": missed, "folder": str(out)})
    else:
        click.echo(out)
