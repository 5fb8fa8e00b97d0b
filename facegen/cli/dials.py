"""`dials`, `measure`, `directions`: what can be changed, measuring it, learning it, judging it."""

from __future__ import annotations

from pathlib import Path

import click

from facegen.cli.own_dials import COMMANDS as OWN_DIALS
from facegen.cli.shared import (
    count_progress,
    json_option,
    load_generator,
    model_option,
    needs_checkout,
    print_json,
    print_table,
)
from facegen.errors import BadFileError, FacegenError, UsageError
from facegen.latents import BUNDLED_SPACE


@click.command()
@click.option("--space", default=BUNDLED_SPACE, show_default=True, help="Latent space.")
@json_option
def dials(*, space: str, as_json: bool) -> None:
    """List every dial: unit, natural range, what one step is."""
    from facegen.editing.dial_set import DialSet

    dial_set = DialSet.load(space)
    rows: list[dict[str, object]] = []
    for name in dial_set.names:
        spec = dial_set.spec(name)
        rows.append(
            {
                "dial": name,
                "group": dial_set.entry(name).group,
                "label": dial_set.entry(name).label,
                "unit": spec.unit,
                "one_step": round(float(spec.unit_per_sd), 3),
                "natural_low": round(float(spec.natural[0]), 2),
                "natural_high": round(float(spec.natural[1]), 2),
            }
        )
    if as_json:
        print_json(rows)
    else:
        print_table(rows)


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
@click.option("--landmarks", "with_landmarks", is_flag=True, help="Add the 68 points to --json.")
def measure(images: tuple[Path, ...], *, as_json: bool, with_landmarks: bool) -> None:
    r"""Measure the faces in each picture: angles, age, shapes, and what classifiers see.

    Any JPEG, PNG, WebP, AVIF or HEIC; every face in it is measured, the largest first. Faces that
    are not aligned as in FFHQ are rotated and cropped first. What each number means:
    docs/guides/measure.md.

    \b
    python -m facegen measure faces/seed0003.png holiday.jpg --json
    """
    rows: list[dict[str, object]] = []
    failures: list[FacegenError] = []
    for path in images:
        try:
            rows += _measured_rows(path, with_landmarks=as_json and with_landmarks)
        except BadFileError as err:
            failures.append(err)
    if as_json and (rows or not failures):
        print_json(rows)
    for row in rows if not as_json else ():
        click.echo(f"{row.pop('file')}: face {row.pop('face')} of {row.pop('faces')}")
        for name, value in row.items():
            click.echo(f"  {name:<18} {value}")
    for failure in failures[:-1]:
        click.echo(f"Error: {failure}", err=True)
    if failures:
        raise failures[-1]


def _measured_rows(path: Path, *, with_landmarks: bool) -> list[dict[str, object]]:
    from facegen.measure.measurer import load_measurer
    from facegen.photos.intake import open_photo

    picture = open_photo(path).image
    found = load_measurer().measure_all(picture)
    if not found:
        raise BadFileError(f"No face was found in {path.name}; is it turned far away, or small?")
    rows = []
    for number, face in enumerate(found, start=1):
        row: dict[str, object] = {
            "file": str(path),
            "face": number,
            "faces": len(found),
            "box": [round(float(edge)) for edge in face.box],
            **{name: round(value, 3) for name, value in face.measurement.values.items()},
        }
        if with_landmarks:
            row["landmarks"] = face.landmarks.round(1).tolist()
        rows.append(row)
    return rows


@click.group()
def directions() -> None:
    """Learn and evaluate the directions behind the dials."""


for command in OWN_DIALS:
    directions.add_command(command)


@directions.command("learn")
@model_option
@click.option("--samples", type=int, help="Faces to learn from; the labelled ones come first.")
@click.option("--mixed", type=int, help="Faces mixed from several people, to tell rows apart.")
def learn_directions(*, model: str, samples: int | None, mixed: int | None) -> None:
    """Learn every dial again and write directions/. Takes an hour on two cores; resumable."""
    from facegen.learning.learn import DEFAULT_MIXED, DEFAULT_SAMPLES, learn

    needs_checkout("directions learn")
    generator = load_generator(model)
    with count_progress("Measuring faces") as progress:
        names = learn(
            generator,
            samples=DEFAULT_SAMPLES if samples is None else samples,
            mixed=DEFAULT_MIXED if mixed is None else mixed,
            progress=progress,
        )
    click.echo(f"{len(names)} dials in directions/{generator.space}")


@directions.command("classifiers")
@model_option
def renew_classifiers_command(*, model: str) -> None:
    """Learn the classifiers again from the labelled faces; dials and units stay. Resumable.

    Writes facegen/measure/classifiers.npz; `directions probabilities` comes after it. Takes ten
    minutes on two cores.
    """
    from facegen.learning.renew_classifiers import renew_classifiers

    needs_checkout("directions classifiers")
    generator = load_generator(model)
    with count_progress("Measuring labelled faces") as progress:
        fitted = renew_classifiers(generator, progress=progress)
    rows = zip(fitted.names, fitted.scores, fitted.balanced, fitted.auc, strict=True)
    print_table(
        [
            {"channel": name, "correlation": round(float(r), 3), "balanced": round(float(b), 3),
             "auc": round(float(a), 3)}
            for name, r, b, a in rows
        ]
    )  # fmt: skip


@directions.command("segments")
@model_option
def learn_segments_command(*, model: str) -> None:
    """Learn to read segments from the features, from directions/labels/segments/taught.

    Writes models/segments/MODEL.safetensors. Takes a quarter of an hour on one core.
    """
    from facegen.learning.learn_segments import (
        TAUGHT_DIR,
        labelled_faces,
        learn_segments,
        save_head,
    )

    needs_checkout("directions segments")
    generator = load_generator(model)
    faces = labelled_faces(TAUGHT_DIR)
    with count_progress("Reading features") as progress:
        head = learn_segments(generator, faces, progress=progress)
    facts = {"command": "python -m facegen directions segments", "faces": str(len(faces))}
    click.echo(save_head(head, generator.model, facts=facts))


@directions.command("probabilities")
@model_option
@click.option("--faces", type=int, help="The first so many labelled faces; all by default.")
@click.option("--docs", is_flag=True, help="Also write the table into docs/results/measure.md.")
def learn_probabilities(*, model: str, faces: int | None, docs: bool) -> None:
    """Learn what the classifiers' scores mean, from the labelled faces. Resumable.

    Writes facegen/measure/probabilities.json: for each yes-or-no channel the probability that a
    score stands for and the score from which the answer is yes.
    """
    needs_checkout("directions probabilities")
    from facegen.learning.probabilities import learn_probabilities, write_table
    from facegen.measure.probabilities import write_probabilities

    generator = load_generator(model)
    with count_progress("Measuring labelled faces") as progress:
        fits = learn_probabilities(generator, faces=faces, progress=progress)
    command = "python -m facegen directions probabilities" + (f" --faces {faces}" if faces else "")
    write_probabilities({name: fit.channel for name, fit in fits.items()}, command)
    if docs:
        write_table(fits, command)
    print_table(
        [
            {
                "channel": name,
                "balanced": round(fit.channel.balanced, 3),
                "at_half": round(fit.at_half, 3),
                "threshold": round(fit.channel.threshold, 3),
                "probability_there": round(fit.channel.probability(fit.channel.threshold), 3),
                "error": round(fit.channel.error, 3),
                "error_of_score": None if fit.raw_error is None else round(fit.raw_error, 3),
                "error_isotonic": round(fit.isotonic_error, 3),
            }
            for name, fit in fits.items()
        ]
    )


@directions.command("evaluate")
@model_option
@click.option("--faces", type=int, help="Faces never used for learning, from seed 900000 on.")
def evaluate_directions(*, model: str, faces: int | None) -> None:
    """Judge every dial on rendered edits and write docs/results/dials.md. Resumable."""
    from facegen.editing.dial_set import DialSet
    from facegen.evaluation.judge import DEFAULT_FACES, evaluate
    from facegen.evaluation.report import write_report

    needs_checkout("directions evaluate")
    generator = load_generator(model)
    dials = DialSet.load(generator.space, own=False)
    with count_progress("Judging dials") as progress:
        verdict = evaluate(generator, dials, faces=faces or DEFAULT_FACES, progress=progress)
    click.echo(write_report(generator, verdict, dials))


@directions.command("compare")
@click.argument("pairs", nargs=-1, metavar="[DIAL=FILE]...")
@model_option
@click.option("--faces", type=click.IntRange(min=1), default=32, show_default=True,
              help="Faces to edit.")  # fmt: skip
@click.option(
    "--boundaries",
    is_flag=True,
    help="Compare with plain boundaries (InterFaceGAN's method) learned from the same labels.",
)
@click.option("--markdown", is_flag=True, help="Print the table of docs/results/comparison.md.")
@json_option
def compare_directions(
    *,
    pairs: tuple[str, ...],
    model: str,
    faces: int,
    boundaries: bool,
    markdown: bool,
    as_json: bool,
) -> None:
    r"""Compare other people's directions with our dials, at equal change on pictures.

    \b
    python -m facegen directions compare age=their_age.npy smile=their_smile.npy
    python -m facegen directions compare --boundaries
    """
    from facegen.directions.foreign import read_foreign
    from facegen.editing.dial_set import DialSet
    from facegen.evaluation.compare import as_markdown, boundaries_from_labels, compare

    generator = load_generator(model)
    dials = DialSet.load(generator.space, own=False)
    foreign = boundaries_from_labels(generator) if boundaries else {}
    for pair in pairs:
        name, _, file = pair.partition("=")
        dials.spec(name)
        if not file:
            raise UsageError(f"A direction to compare looks like age=their_age.npy, got '{pair}'.")
        foreign[name] = read_foreign(Path(file))
    if not foreign:
        raise UsageError("Name at least one DIAL=FILE, or ask for --boundaries.")
    with count_progress("Comparing") as progress:
        found = compare(generator, dials, foreign, faces=faces, progress=progress)
    rows: list[dict[str, object]] = [
        {
            "dial": one.name,
            "whose": whose,
            "faces": result.faces,
            "reached": round(reached, 2),
            "moved": round(result.moved, 2),
            "mean_leak": round(result.mean_leak, 3),
            "worst": f"{result.worst} {result.worst_leak:+.2f}",
            "scatter": round(result.scatter, 3),
            "distance": round(result.distance, 3),
        }
        for one in found
        for whose, result, reached in (
            ("ours", one.ours, one.reached_ours),
            ("theirs", one.theirs, one.reached_theirs),
        )
    ]
    if markdown:
        click.echo(as_markdown(found))
    elif as_json:
        print_json(rows)
    else:
        print_table(rows)
