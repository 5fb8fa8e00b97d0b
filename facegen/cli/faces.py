"""`generate`, `edit` and `show`: faces in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from facegen.cli.face_files import Piece, drawn, edits_of, generator_for, write_faces
from facegen.cli.shared import (
    SeedRange,
    engine_option,
    folder_option,
    json_option,
    load_generator,
    lock_option,
    model_option,
    npz_option,
    open_face,
    png_option,
    print_json,
)
from facegen.face import Face, clean_name
from facegen.images import decode_image
from facegen.latents import DEFAULT_PSI
from facegen.operations import BOUND_OPERATIONS, DialMove, describe

if TYPE_CHECKING:
    from facegen.editing.dial_set import DialSet
    from facegen.measure.measurer import Measurement


@click.command()
@click.option("--seeds", type=SeedRange(), required=True, help="Such as 0-7 or 1,2,5-10.")
@click.option(
    "--truncation",
    type=click.FloatRange(-2, 2),
    default=DEFAULT_PSI,
    show_default=True,
    help="psi: 0 the average face, 1 the full variety.",
)
@folder_option
@npz_option
@model_option
@engine_option
@json_option
def generate(
    *,
    seeds: list[int],
    truncation: float,
    out: Path,
    npz: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Write one face file per seed: OUT/seed0007.png and so on.

    \b
    python -m facegen generate --seeds 0-7 --truncation 0.7 --out faces
    """
    generator = load_generator(model, engine=engine)

    def piece(seed: int) -> Piece:
        face = Face.from_seed(generator, seed, truncation)
        path = out / f"seed{seed:04d}.png"
        return path, face, generator.render(face.w_plus), {"seed": seed, "psi": truncation}

    write_faces(map(piece, seeds), out, "Generating", len(seeds), npz=npz, as_json=as_json)


@click.command()
@click.argument("face", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="DIAL=STEP",
    help="Move a dial: smile=+2 (standard deviations), yaw=+15deg, age=-10y. Repeatable.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="DIAL=VALUE",
    help="Set a dial to an absolute reading in its unit: age=60, yaw=15. Repeatable.",
)
@lock_option
@click.option(
    "--quick",
    is_flag=True,
    help="Do not measure the picture to come nearer to the targets.",
)
@click.option("--name", help="Name of the person, kept in the file.")
@png_option
@npz_option
@model_option
@engine_option
def edit(
    face: Path,
    *,
    settings: tuple[str, ...],
    targets: tuple[str, ...],
    locks: tuple[str, ...],
    quick: bool,
    name: str | None,
    out: Path,
    npz: bool,
    model: str,
    engine: str,
) -> None:
    r"""Move dials on a saved face and write the result.

    \b
    python -m facegen edit faces/seed0007.png --set smile=+2 --set age=-1 --out young.png
    python -m facegen edit faces/seed0007.png --target age=60 --lock smile --out older.png

    Targets are measured on the picture and corrected (eight pictures at most); where one is
    missed, what is in its way is looked for (six more for each). --quick trusts the prediction.
    """
    before = open_face(face)
    after = before
    if settings or targets or locks or before.edits:
        after = _edited(before, settings, targets, locks, quick=quick, model=model, engine=engine)
    if not np.array_equal(before.w_plus, after.w_plus):
        after = _finished(before, after, model=model, engine=engine)
    if name is not None:
        after = replace(after, name=clean_name(name))
    after.save(out, _picture(face, before, after, model=model, engine=engine), npz=npz)
    click.echo(out)


def _edited(
    before: Face,
    settings: Sequence[str],
    targets: Sequence[str],
    locks: Sequence[str],
    *,
    quick: bool,
    model: str,
    engine: str,
) -> Face:
    """The face with dials moved and aimed; says what was measured and what stands too far out."""
    from facegen.editing.dial_set import DialSet
    from facegen.editing.faces import (
        FACELESS,
        SOMEBODY_ELSE,
        edit_face,
        parse_settings,
        parse_targets,
        reach_on_picture,
        reach_targets,
        what_is_missed,
    )
    from facegen.editing.locks import IDENTITY
    from facegen.editing.obstacles import Obstacle, find_obstacles
    from facegen.measure.measurer import SAME_PERSON

    dials = DialSet.load(before.space)
    steps, wanted = parse_settings(settings, dials), parse_targets(targets)
    moved = edit_face(dials, before, steps)
    seen: Mapping[str, float] = {}
    start: Mapping[str, float] | None = None
    obstacles: Mapping[str, Obstacle] = {}
    if wanted and not quick:
        pictures = Pictures(before, dials, model=model, engine=engine)
        start = pictures.see(before.w_plus)
        moved, seen = reach_on_picture(dials, moved, before, wanted, locks, pictures.see)
        for dial, value in wanted.items():
            if dial in seen:
                click.echo(f"{dial}: wanted {value:g}, measured {seen[dial]:.1f}", err=True)
        if not seen:
            click.echo(f"Warning: {FACELESS}", err=True)
        if IDENTITY in locks and pictures.distance(before.w_plus, moved.w_plus) >= SAME_PERSON:
            click.echo(f"Warning: {SOMEBODY_ELSE}", err=True)
        obstacles = find_obstacles(dials, moved, wanted, seen, pictures.see)
    elif wanted or locks:
        moved = reach_targets(dials, moved, before, wanted, locks, partly=True)
    told = what_is_missed(
        dials, before, moved, steps, wanted, locks, (start or {}, seen), obstacles
    )
    for sentence in told:
        click.echo(f"Warning: {sentence}", err=True)
    return moved


class Pictures:
    """Renders latents of a face's space and measures them, each once."""

    def __init__(self, face: Face, dials: DialSet, *, model: str, engine: str) -> None:
        from facegen.measure.measurer import load_measurer

        self._generator = generator_for(
            face, model=model, engine=engine, draws_faces=bool(face.edits)
        )
        self._measurer, self._dials = load_measurer(), dials
        self._known: dict[bytes, Measurement | None] = {}  # The face itself is asked for thrice.

    def see(self, w_plus: np.ndarray) -> dict[str, float] | None:
        """Dial -> value in its unit; None if no face is seen."""
        found = self._measured(w_plus)
        return None if found is None else self._dials.in_units(found.values)

    def distance(self, w_plus: np.ndarray, other: np.ndarray) -> float:
        """How far apart the two are as persons; 0 where no face is seen to tell by."""
        a, b = self._measured(w_plus), self._measured(other)
        return 0.0 if a is None or b is None else a.distance(b)

    def _measured(self, w_plus: np.ndarray) -> Measurement | None:
        key = w_plus.tobytes()
        if key not in self._known:
            image = self._generator.render(w_plus, size=512)
            self._known[key] = self._measurer.measure(image, details=False)
        return self._known[key]


def _picture(path: Path, before: Face, after: Face, *, model: str, engine: str) -> np.ndarray:
    """The picture of `after`; what is unchanged keeps the saved pixels whatever drew them."""
    is_same = before.pixel_operations == after.pixel_operations
    is_same = is_same and np.array_equal(before.w_plus, after.w_plus)
    if is_same and path.suffix.lower() == ".png":
        return decode_image(path.read_bytes(), name=path.name)
    generator = generator_for(after, model=model, engine=engine, draws_faces=bool(after.edits))
    return drawn(after, generator)


def _finished(before: Face, after: Face, *, model: str, engine: str) -> Face:
    """`after`, with what was done in the picture of `before` done in its own; says what is lost."""
    wanted = before.pixel_operations
    if not any(isinstance(entry, BOUND_OPERATIONS) for entry in wanted):
        return after
    from facegen.editing.dial_set import DialSet
    from facegen.measure.measurer import load_measurer
    from facegen.pose.finish import refitted

    generator = generator_for(after, model=model, engine=engine, draws_faces=bool(after.edits))
    done = refitted(
        after,
        DialSet.load(after.space),
        wanted,
        draw=lambda face: generator.render(face.w_plus),
        find=load_measurer().find_landmarks,
    )
    if not done.is_done:
        told = ", ".join(describe(entry) for entry in wanted)
        click.echo(f"Warning: not all of this could be done again: {told}.", err=True)
    return after.finished(done.operations)


@click.command()
@click.argument("face", type=click.Path(path_type=Path))
@json_option
def show(face: Path, *, as_json: bool) -> None:
    """Show what is in a face file."""
    opened = open_face(face)
    facts = {
        "file": str(face),
        "name": opened.name or None,
        "space": opened.space,
        "model": opened.model or None,
        "seed": opened.seed,
        "psi": opened.psi,
        "created": opened.created,
        "w_plus": list(opened.w_plus.shape),
        **edits_of(opened),
        "operations": [describe(entry) for entry in opened.operations],
    }
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        if key == "edits":  # among the operations
            continue
        if key == "operations":
            for entry in opened.operations:
                kind = "edit" if isinstance(entry, DialMove) else "done"
                click.echo(f"{kind:<8} {describe(entry)}")
        elif value is not None:
            click.echo(f"{key:<8} {value}")
