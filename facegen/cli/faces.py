"""`generate`, `edit` and `show`: faces in a terminal."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click
import numpy as np

from facegen.cli.backgrounds import before_background, wanted_background
from facegen.cli.clothes import in_clothes, wanted_clothes
from facegen.cli.face_files import Piece, drawn, edits_of, generator_for, write_faces
from facegen.cli.project import paste_edited, require_paste
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
    print_json,
    size_option,
)
from facegen.errors import UsageError
from facegen.face import Face, clean_name
from facegen.images import PICTURE_KINDS, at_edge, decode_image, picture_kind
from facegen.latents import DEFAULT_PSI
from facegen.operation_texts import describe
from facegen.operations import (
    BOUND_OPERATIONS,
    Background,
    Clothes,
    ContinueBackground,
    DialMove,
    KeepRest,
)

if TYPE_CHECKING:
    from facegen.editing.dial_set import DialSet
    from facegen.generator import Generator
    from facegen.local.edit import LocalEditor, Look
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
@click.option(
    "--format",
    "ending",
    type=click.Choice([ending[1:] for ending in PICTURE_KINDS if ending != ".jpeg"]),
    default="png",
    show_default=True,
    help="Of the pictures; the face is inside of each.",
)
@size_option
@npz_option
@model_option
@engine_option
@json_option
def generate(
    *,
    seeds: list[int],
    truncation: float,
    out: Path,
    ending: str,
    size: int | None,
    npz: bool,
    model: str,
    engine: str,
    as_json: bool,
) -> None:
    r"""Write one face file per seed: OUT/seed0007.png and so on.

    \b
    python -m facegen generate --seeds 0-7 --truncation 0.7 --out faces
    python -m facegen generate --seeds 0-7 --format webp --size 512 --out small
    """
    generator = load_generator(model, engine=engine)

    def piece(seed: int) -> Piece:
        face = Face.from_seed(generator, seed, truncation)
        path = out / f"seed{seed:04d}.{ending}"
        picture = at_edge(generator.render(face.w_plus), size)
        return path, face, picture, {"seed": seed, "psi": truncation}

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
    "--keep-rest",
    is_flag=True,
    help="Change the regions of these dials alone; the rest of the picture stays to the last bit.",
)
@click.option(
    "--mixup",
    is_flag=True,
    help="With --keep-rest: what hair that becomes shorter or a narrower face uncovers is the "
    "picture's own background, drawn on.",
)
@click.option(
    "--background",
    metavar="WHICH",
    help="What is behind the person: blur or blur=0.6 (0 to 1), a colour such as #8090a0, "
    "transparent, a face file for the background of another, or none for their own.",
)
@click.option(
    "--clothes",
    metavar="WHICH",
    help="What they wear: seed:42 or a face file for the clothes of another, a colour such as "
    "#203040, or none for their own.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Do not measure the picture to come nearer to the targets.",
)
@click.option("--name", help="Name of the person, kept in the file.")
@click.option(
    "--paste-back",
    type=click.Path(path_type=Path),
    metavar="PHOTO",
    help="FACE was found on this photo by `project`: put what the edit changes back into it; --out "
    "is the photo to write.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The picture to write: .png, .jpg or .webp, each with the face inside; with --paste-back "
    "the photo, .jpg, .png, .webp or .avif.",
)
@size_option
@npz_option
@model_option
@engine_option
def edit(
    face: Path,
    *,
    settings: tuple[str, ...],
    targets: tuple[str, ...],
    locks: tuple[str, ...],
    keep_rest: bool,
    mixup: bool,
    background: str | None,
    clothes: str | None,
    quick: bool,
    name: str | None,
    paste_back: Path | None,
    out: Path,
    size: int | None,
    npz: bool,
    model: str,
    engine: str,
) -> None:
    r"""Move dials on a saved face, dress it, put it before a background, and write the result.

    Without any of that it writes the same face as another kind of picture, or a smaller one.

    \b
    python -m facegen edit faces/seed0007.png --set smile=+2 --set age=-1 --out young.png
    python -m facegen edit faces/seed0007.png --target age=60 --lock smile --out older.png
    python -m facegen edit faces/seed0007.png --set glasses=+2 --keep-rest --out glasses.png
    python -m facegen edit faces/seed0007.png --background blur=0.6 --out portrait.png
    python -m facegen edit faces/seed0007.png --clothes "#203040" --out blue.png
    python -m facegen edit faces/seed0007.png --size 512 --out small.webp
    python -m facegen edit people/holiday-1.png --set age=+20y --paste-back holiday.jpg --out x.jpg

    Targets are measured on the picture and corrected (eight pictures at most); where one is
    missed, what is in its way is looked for (six more for each). --quick trusts the prediction.
    """
    if mixup and not keep_rest:
        raise UsageError("--mixup is for edits that keep the rest; give --keep-rest with it.")
    before = open_face(face)
    if paste_back is None:
        picture_kind(out)  # before minutes of work
    else:
        require_paste(face, paste_back, out, is_small=size is not None, npz=npz)
    wanted = None if background is None else wanted_background(background, before)
    dress = None if clothes is None else wanted_clothes(clothes, before)
    after = before
    if settings or targets or locks or before.edits:
        after = _edited(
            before, settings, targets, locks,
            keep_rest=keep_rest, mixup=mixup, quick=quick, model=model, engine=engine,
        )  # fmt: skip
    if not np.array_equal(before.w_plus, after.w_plus):
        after = _finished(before, after, model=model, engine=engine)
    after = in_clothes(before, after, dress, model=model, engine=engine)
    after = before_background(before, after, wanted, model=model, engine=engine)
    if name is not None:
        after = replace(after, name=clean_name(name))
    picture = _picture(face, before, after, size=size, model=model, engine=engine)
    if paste_back is not None:
        generator = generator_for(after, model=model, engine=engine)
        paste_edited(face, paste_back, out, picture, generator.render(after.base))
        click.echo(out)
        return
    after.save(out, at_edge(picture, size), npz=npz)
    click.echo(out)


def _edited(
    before: Face,
    settings: Sequence[str],
    targets: Sequence[str],
    locks: Sequence[str],
    *,
    keep_rest: bool,
    mixup: bool,
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
    local = {**steps, **wanted} if keep_rest else {}
    seen: Mapping[str, float] = {}
    start: Mapping[str, float] | None = None
    obstacles: Mapping[str, Obstacle] = {}
    pictures = Pictures(before, dials, local, model=model, engine=engine)
    if wanted and not quick:
        start = pictures.see(before.w_plus)
        moved, seen = reach_on_picture(pictures.dials, moved, before, wanted, locks, pictures.see)
        for dial, value in wanted.items():
            if dial in seen:
                click.echo(f"{dial}: wanted {value:g}, measured {seen[dial]:.1f}", err=True)
        if not seen:
            click.echo(f"Warning: {FACELESS}", err=True)
        if IDENTITY in locks and pictures.distance(before.w_plus, moved.w_plus) >= SAME_PERSON:
            click.echo(f"Warning: {SOMEBODY_ELSE}", err=True)
        obstacles = find_obstacles(pictures.dials, moved, wanted, seen, pictures.see)
    elif wanted or locks:
        moved = reach_targets(dials, moved, before, wanted, locks, partly=True)
    told = what_is_missed(
        dials, before, moved, steps, wanted, locks, (start or {}, seen), obstacles
    )
    for sentence in told:
        click.echo(f"Warning: {sentence}", err=True)
    kept = pictures.keep(moved)
    return pictures.mixed(kept) if mixup else kept


class Pictures:
    """Renders latents of a face's space and measures them, each once.

    Args:
        face: Before the edit.
        dials: Of its space.
        local: Dials that change their regions alone.
        model: What draws; loaded when the first picture is asked for.
        engine: How to run it.
    """

    def __init__(
        self, face: Face, dials: DialSet, local: Collection[str], *, model: str, engine: str
    ) -> None:
        self._face, self._own, self._local = face, dials, local
        self._model, self._engine = model, engine
        self._known: dict[bytes, Measurement | None] = {}  # The face itself is asked for thrice.
        self._keeps = bool(local) or any(isinstance(one, KeepRest) for one in face.operations)

    @cached_property
    def _generator(self) -> Generator:
        is_edited = bool(self._face.edits)
        return generator_for(
            self._face, model=self._model, engine=self._engine, draws_faces=is_edited
        )

    @cached_property
    def _editor(self) -> LocalEditor:
        from facegen.local.edit import load_local_editor

        return load_local_editor(self._generator, self._own)

    @cached_property
    def _look(self) -> Look:
        from facegen.local.edit import Look

        return Look(self._editor, self._face, self._local)

    @property
    def dials(self) -> DialSet:
        """The face's own; where a part of the picture is kept, they remember what was asked."""
        return cast("DialSet", self._look.dials) if self._keeps else self._own

    def keep(self, after: Face) -> Face:
        """The edited face, with what is to stay of the picture before; says what changes."""
        if not self._keeps:
            return after
        kept = self._editor.keep(self._face, after, self._local)
        keep = kept.keep
        if not self._local:
            return kept
        told = ", ".join(self._editor.table.labels(self._local))
        share = "all" if keep is None else f"{keep.region.share:.0%}"
        click.echo(f"Changed: {told}; {share} of the picture", err=True)
        return kept

    def mixed(self, face: Face) -> Face:
        """The face, so that its edits uncover the background that is kept."""
        return self._editor.mixed(face) if face.keep is not None else face

    def see(self, w_plus: np.ndarray) -> dict[str, float] | None:
        """Dial -> value in its unit; None if no face is seen."""
        found = self._measured(w_plus)
        return None if found is None else self._own.in_units(found.values)

    def distance(self, w_plus: np.ndarray, other: np.ndarray) -> float:
        """How far apart the two are as persons; 0 where no face is seen to tell by."""
        a, b = self._measured(w_plus), self._measured(other)
        return 0.0 if a is None or b is None else a.distance(b)

    def _measured(self, w_plus: np.ndarray) -> Measurement | None:
        key = w_plus.tobytes()
        if self._keeps:
            return self._look.measured(w_plus)
        if key not in self._known:
            from facegen.measure.measurer import load_measurer

            image = self._generator.render(w_plus, size=512)
            self._known[key] = load_measurer().measure(image, details=False)
        return self._known[key]


def _picture(
    path: Path, before: Face, after: Face, *, size: int | None, model: str, engine: str
) -> np.ndarray:
    """The picture of `after`; what is unchanged keeps the saved pixels whatever drew them."""
    is_same = before.pixel_operations == after.pixel_operations
    is_same = is_same and np.array_equal(before.w_plus, after.w_plus)
    if is_same and path.suffix.lower() == ".png":
        saved = decode_image(path.read_bytes(), name=path.name, alpha=True)
        if size is None or size <= len(saved):
            return saved
    generator = generator_for(after, model=model, engine=engine, draws_faces=bool(after.edits))
    return drawn(after, generator)


def _finished(before: Face, after: Face, *, model: str, engine: str) -> Face:
    """`after`, with what was done in the picture of `before` done in its own; says what is lost."""
    keep = after.keep
    mixed = tuple(one for one in after.operations if isinstance(one, ContinueBackground))
    others = KeepRest | ContinueBackground | Clothes | Background
    wanted = tuple(one for one in before.pixel_operations if not isinstance(one, others))
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
        draw=lambda face: generator.render(face.w_plus, keep=keep),
        find=load_measurer().find_landmarks,
    )
    if not done.is_done:
        told = ", ".join(describe(entry) for entry in wanted)
        click.echo(f"Warning: not all of this could be done again: {told}.", err=True)
    return after.finished((*([keep] if keep else ()), *mixed, *done.operations))


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
