"""`models import` and `models remove`: networks that the user brings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from facegen.formats.sniff import NETWORKS, require_kind
from facegen.latents import BUNDLED_SPACE
from facegen.weights.imported import (
    LICENCE,
    ImportedModel,
    import_checkpoint,
    judged,
    remove_imported,
)
from facegen.weights.registry import registered

if TYPE_CHECKING:
    import numpy as np

    from facegen.generator import Generator

NUM_JUDGED = 16
JUDGED_PSI = 0.7
LOOKED_AT_PX = 256
MIN_PX = 64


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="What to call it.")
@click.option("--again", is_flag=True, help="Replace a model of this name.")
@click.option("--licence", default=LICENCE, help="The licence, kept with the model.")
def import_model(file: Path, *, name: str, again: bool, licence: str) -> None:
    r"""Import a StyleGAN2 checkpoint; nothing in it is run.

    NVIDIA's pickles (PyTorch and TensorFlow), rosinality's .pt, plain state dicts, safetensors.

    \b
    python -m facegen models import ffhq.pkl --name my-ffhq
    python -m facegen generate --model my-ffhq --seeds 0-7
    """
    if name in {model.name for model in registered()}:
        raise click.UsageError(f"{name} is a registered model; choose another --name.")
    require_kind(file, file.name, NETWORKS, wanted="a network")
    model = import_checkpoint(file, name=name, again=again, licence=licence, say=_say)
    finish_import(model)


@click.command("remove")
@click.argument("name")
def remove_model(name: str) -> None:
    """Delete an imported model from the weights folder."""
    remove_imported(name)
    click.echo(f"{name}: removed")


def finish_import(model: ImportedModel) -> None:
    """See whether an imported network draws faces, and tell all that matters about it."""
    from facegen.generator import Generator

    _say("Looking at its pictures.")
    model = judged(model, *draws_faces(Generator.load(model.name)))
    config = model.config
    channels = ", ".join(f"{n} at {edge} px" for edge, n in config.channels.items())
    click.echo(f"{model.name}: imported from {model.made_by}")
    click.echo(f"  StyleGAN2, {config.img_resolution} px; channels {channels}")
    click.echo(f"  Mapping: {config.mapping_layers} layers. {model.rows}")
    click.echo(f"  Latent space: {model.space}. {_about_dials(model)}")
    for note in model.notes:
        click.echo(f"  Note: {note}.")
    click.echo(f"  Licence: {model.licence}")


def draws_faces(generator: Generator) -> tuple[bool | None, str | None]:
    """Look for faces in pictures of 16 seeds.

    Returns:
        (True, None) if at least half show one; (False, the reason) if not; (None, None) if there
        is no detector, or the pictures are too small for it.
    """
    try:
        import dlib
    except ImportError:
        return None, None
    from facegen.measure.detector import at_size

    if generator.preview_size < MIN_PX:
        return None, None
    detector = dlib.get_frontal_face_detector()

    def shows_face(picture: np.ndarray) -> bool:
        small = at_size(picture, LOOKED_AT_PX)
        return bool(detector(small, 0) or detector(small, 1))

    found = missed = 0
    # Previews first; they may lack contrast, so that nothing is ruled out by them.
    for draw in (generator.preview, generator.render):
        found = missed = 0
        for seed in range(NUM_JUDGED):
            if shows_face(draw(generator.w_from_seed(seed, JUDGED_PSI))):
                found += 1
            else:
                missed += 1
            if 2 * missed > NUM_JUDGED:
                break
        if 2 * missed <= NUM_JUDGED:
            break
    if 2 * missed <= NUM_JUDGED:
        return True, None
    return False, (
        f"A face was found in only {found} of {found + missed} of its pictures, so it seems to "
        "draw something else; dials for faces are off."
    )


def _about_dials(model: ImportedModel) -> str:
    if model.is_face is False:
        return model.why_not_face or "Dials for faces are off."
    if model.space == BUNDLED_SPACE:
        sure = "" if model.is_face else " Whether it draws faces could not be checked."
        return f"It is the bundled model's: saved faces and all dials apply.{sure}"
    return (
        "It is not the bundled model's: its faces are other people, and neither saved faces nor "
        "the dials of the bundled model apply. `python -m facegen directions learn --model "
        f"{model.name}` learns dials for it."
    )


def _say(text: str) -> None:
    click.echo(text, err=True)
