"""A copy of the bundled dials in a folder of the test's own, where dials can be kept."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from facegen.latents import BUNDLED_SPACE, LABELS_PSI
from facegen.learning.labels import read_labels
from facegen.paths import DIRECTIONS_DIR


def copy_dials(place: Path) -> Path:
    """The folder to pass as `folder`."""
    place.mkdir(parents=True, exist_ok=True)
    target = place / BUNDLED_SPACE
    shutil.copytree(DIRECTIONS_DIR / BUNDLED_SPACE, target, ignore=shutil.ignore_patterns("own"))
    return place


def labelled_faces(generator, label: str, *, each: int = 20, draw: int = 1):
    """Latents of faces that have it, that have it not, and of 200 others with their labels."""
    seeds, labels = read_labels()
    values = labels[label]
    rng = np.random.RandomState(draw)
    has, has_not = (rng.permutation(seeds[values == word]) for word in (1, 0))
    rest = np.concatenate([has[each : each + 100], has_not[each : each + 100]])
    truth = np.repeat([True, False], [len(has[each : each + 100]), 100])

    def latents(chosen):
        return [generator.w_from_seed(int(seed), LABELS_PSI) for seed in chosen]

    return latents(has[:each]), latents(has_not[:each]), latents(rest), truth
