"""Aggregating data: edit faces with freshly learned dials, and measure where that really leads.

A solver seeks out the regressor's mistakes: of two latents that read alike it cannot tell the one
that looks so. Pictures of its own edits show the regressor just these latents (imitation learning
knows this as dataset aggregation: Ross et al. 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.directions.natural import Natural
from facegen.directions.regressor import Regressor, group_means
from facegen.directions.solver import Settler
from facegen.directions.store import Direction
from facegen.latents import LABELS_PSI
from facegen.learning.cached_measurer import open_cached_measurer
from facegen.protocols import Generates

ROUNDS: tuple[tuple[int, ...], ...] = (
    tuple(range(100_100, 100_132)),
    tuple(range(100_132, 100_168)),
)
"""Faces of each round; the second is edited with what was learned from the first."""
WIDEST_SD = 2.0


@dataclass(frozen=True, eq=False)
class MeasuredEdits:
    """Measured edits: mean rows [N, 6, 512], name -> [N], descriptors [N, 128], which faces."""

    groups: np.ndarray
    channels: dict[str, np.ndarray]
    descriptors: np.ndarray
    text: str


def measure_edits(
    generator: Generates,
    regressor: Regressor,
    directions: Sequence[Direction],
    natural: Natural,
    *,
    cache: Path,
    seeds: Sequence[int],
) -> MeasuredEdits:
    """Move every dial of every face by a random amount, and measure.

    Args:
        generator: Generates.
        regressor: As learned from the training faces.
        directions: Likewise.
        natural: Where the faces are.
        cache: Folder that keeps what was measured.
        seeds: Faces that neither the training faces nor the evaluation has.
    """
    names = [direction.meta.name for direction in directions]
    steps = np.stack([d.vector * np.float32(d.meta.unit_per_sd) for d in directions])
    settler = Settler(regressor, names, steps, natural)
    rng = np.random.RandomState(seeds[0])
    latents, values, descriptors = [], [], []
    with open_cached_measurer(generator, cache) as measurer:
        for seed in seeds:
            base = generator.w_from_seed(seed, LABELS_PSI)
            edits = []
            for name in names:
                moved = settler.settle(base, {name: rng.uniform(-WIDEST_SD, WIDEST_SD)})
                edits.append((base + moved).astype(np.float32))
            for edit, found in zip(edits, measurer.measure(edits), strict=True):
                if found is not None and found.descriptor is not None:
                    latents.append(edit)
                    values.append(found.values)
                    descriptors.append(found.descriptor)
    channels = {name: np.array([one[name] for one in values]) for name in regressor.names}
    groups = group_means(np.stack(latents))
    text = f"{len(seeds)} faces, seeds {seeds[0]}-{seeds[-1]}"
    return MeasuredEdits(groups, channels, np.stack(descriptors), text)
