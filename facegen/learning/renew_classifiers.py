"""Learn the classifiers anew and keep the dials: instruments improve more often than dials do.

The regressor and the directions count in standard scores of the classifiers that they were learned
from. New classifiers are made to have the same mean and spread over the labelled faces, so a
standard deviation stays one; where the dials' natural ranges end is measured anew. What a dial was
learned to move is then not exactly what is measured, which looking at the picture makes up for;
`facegen.learning.learn` learns all of it together.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from facegen.controls import DIALS
from facegen.directions.recipes import RECIPES
from facegen.directions.regressor import Regressor, read_regressor
from facegen.directions.store import Direction, npz_bytes, read_direction, write_direction
from facegen.files import write_atomic
from facegen.latents import LABELS_PSI
from facegen.learning.labels import read_labels
from facegen.learning.learn import CACHE_DIR, ranges
from facegen.learning.samples import both_features, scan
from facegen.measure.classifiers import (
    CLASSIFIERS_FILE,
    Classifiers,
    fit_classifiers,
    load_classifiers,
    pack,
)
from facegen.paths import DIRECTIONS_DIR
from facegen.protocols import Generates, Progress


def renew_classifiers(
    generator: Generates,
    *,
    cache: Path = CACHE_DIR,
    path: Path = CLASSIFIERS_FILE,
    progress: Progress | None = None,
) -> Classifiers:
    """Learn the classifiers from the labelled faces, in the units of those before, and write them.

    The dials' natural ranges are written too; `learn_probabilities` comes after it.

    Args:
        generator: The bundled one: the labels tell of its faces.
        cache: Where measured faces are kept, the same as for learning the dials.
        path: The file to write.
        progress: Called with (faces done, faces in all).

    Raises:
        ModelError: the instruments are not installed.
        BadFileError: the labels or the regressor cannot be read.
    """
    seeds, labels = read_labels()
    seen = scan(
        generator,
        seeds.tolist(),
        lambda seed: generator.w_from_seed(seed, LABELS_PSI),
        cache=cache,
        progress=progress,
    )
    rows = [k for k, seed in enumerate(seeds.tolist()) if seen[seed].detection is not None]
    x, mirrored = both_features([seen[int(seeds[k])] for k in rows])
    known = {name: values[rows] for name, values in labels.items()}
    fitted, unseen = fit_classifiers(x, known, mirrored=mirrored)
    regressor = read_regressor(generator.space)
    fitted = with_units(fitted, unseen, regressor)
    write_atomic(path, npz_bytes(pack(fitted)))
    load_classifiers.cache_clear()
    for entry in DIALS:
        channel = RECIPES[entry.name].channel
        if channel in unseen:
            scores = unseen[channel]
            renew_ranges(generator.space, entry.name, (scores - scores.mean()) / scores.std())
    return fitted


def renew_ranges(
    space: str, dial: str, scores: np.ndarray, *, folder: Path = DIRECTIONS_DIR
) -> None:
    """Write where a dial's natural and safe ranges end, of standard scores of natural faces [N]."""
    direction = read_direction(space, dial, folder=folder)
    meta = direction.meta
    natural, safe = ranges(dial, scores * meta.unit_per_sd + meta.mean)
    meta = replace(meta, natural=natural, safe=safe)
    write_direction(Direction(meta, direction.vector), folder=folder)


def with_units(
    fitted: Classifiers, unseen: dict[str, np.ndarray], regressor: Regressor
) -> Classifiers:
    """The classifiers with the means and spreads that a regressor knows.

    Args:
        fitted: In the labels' own units.
        unseen: Channel -> scores [N] of natural faces by fits that did not see them.
        regressor: Its channels' means and spreads are wanted.
    """
    factor, offset = np.ones(len(fitted.names)), np.zeros(len(fitted.names))
    for k, name in enumerate(fitted.names):
        if name in regressor.names:
            place = regressor.names.index(name)
            factor[k] = regressor.spread[place] / unseen[name].std()
            offset[k] = regressor.mean[place] - factor[k] * unseen[name].mean()
    return fitted.scaled(factor, offset)
