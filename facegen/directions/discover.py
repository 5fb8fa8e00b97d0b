"""Directions nobody asked for: found in the faces' spread, or in the network's weights.

- "pca" (GANSpace: Härkönen et al. 2020, arXiv 2004.02546): the principal components of w over
  generated faces. One unit is one standard deviation of that component.
- "sefa" (Shen & Zhou 2021, arXiv 2007.06600): the unit vectors n for which the modulation weights
  A of the chosen rows give the largest |A n|: eigenvectors of A'A. Nothing is sampled for them;
  only the unit, one standard deviation of the faces along n, needs the population.

Both act on a range of rows: 0:4 moves pose and large shapes, 4:8 features, 8:18 colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facegen.directions.examples import Learned, checked_rows
from facegen.directions.foreign import scaled
from facegen.directions.population import population_of
from facegen.directions.user_dials import OwnDial, from_learned
from facegen.errors import UsageError
from facegen.latents import NUM_WS, W_DIM
from facegen.paths import DIRECTIONS_DIR
from facegen.protocols import Maps

METHODS = ("pca", "sefa")
DEFAULT_COUNT, MOST = 10, 100
STRIP_UNITS = (-4.0, -2.0, 0.0, 2.0, 4.0)
_KEY = re.compile(r"(pca|sefa):(\d{1,3})(?:@(\d{1,2}):(\d{1,2}))?")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A direction that was found.

    Attributes:
        key: "pca:3@0:8": method, number counted from 0, rows.
        share: Of the whole: variance explained, or of the modulation's change.
        learned: Vector, reading, range, and what it moves most (`learned.moves`).
    """

    key: str
    share: float
    learned: Learned

    def keep(self, space: str, *, name: str, title: str = "") -> OwnDial:
        """A dial of the user's own; write it with `facegen.directions.user_dials.save_own`.

        Raises:
            UsageError: a dial cannot have that name.
        """
        method = self.key.split(":")[0]
        return from_learned(
            self.learned, name=name, title=title, space=space, kind=method, source=self.key
        )


def candidates(
    generator: Maps,
    *,
    method: str = "pca",
    count: int = DEFAULT_COUNT,
    rows: tuple[int, int] = (0, NUM_WS),
    folder: Path = DIRECTIONS_DIR,
) -> list[Candidate]:
    """The strongest directions, the strongest first; about a second.

    Args:
        generator: For "sefa" it must hold its networks (`synthesis`).
        method: One of METHODS.
        count: How many, up to MOST.
        rows: Rows they act on; for "sefa" also those whose weights are looked at.
        folder: Where the named dials are.

    Raises:
        UsageError: an unknown method, count or rows, or a network without modulation weights.
    """
    if method not in METHODS:
        raise UsageError(f"The method is {' or '.join(METHODS)}, got '{method}'.")
    if not 1 <= count <= MOST:
        raise UsageError(f"From 1 to {MOST} directions can be listed, got {count}.")
    rows = checked_rows(rows)
    population = population_of(generator)
    if method == "pca":
        strength, vectors = np.linalg.eigh(population.covariance)
    else:
        weights = modulation_weights(generator, rows)
        strength, vectors = np.linalg.eigh(weights.T @ weights)
    strength, vectors = strength[::-1], vectors[:, ::-1]
    found = []
    for index in range(count):
        vector = vectors[:, index]
        # Eigenvectors have no sign of their own: the largest number is made positive.
        vector = vector * np.sign(vector[np.argmax(np.abs(vector))])
        learned = scaled(
            np.tile(vector, (NUM_WS, 1)), population, rows=rows, space=generator.space,
            folder=folder,
        )  # fmt: skip
        share = float(strength[index] / strength.sum())
        found.append(Candidate(f"{method}:{index}@{rows[0]}:{rows[1]}", share, learned))
    return found


def candidate(
    generator: Maps,
    key: str,
    *,
    rows: tuple[int, int] = (0, NUM_WS),
    folder: Path = DIRECTIONS_DIR,
) -> Candidate:
    """The candidate of a key such as "pca:3" or "pca:3@0:8"; rows in the key count.

    Raises:
        UsageError: not such a key.
    """
    match = _KEY.fullmatch(key)
    if not match or int(match[2]) >= MOST:
        raise UsageError(f"A direction is named like pca:3 or sefa:0@0:8, got '{key[:40]}'.")
    if match[3] is not None:
        rows = (int(match[3]), int(match[4]))
    number = int(match[2])
    return candidates(
        generator, method=match[1], count=number + 1, rows=rows, folder=folder
    )[number]  # fmt: skip


def modulation_weights(generator: Any, rows: tuple[int, int]) -> np.ndarray:
    """The weights of all style modulations that read rows in a range, float64 [C, 512].

    Each channel's weights are scaled to length 1, so that no layer outweighs the others.

    Args:
        generator: With `synthesis` of a kind known here: the bundled student's, or a StyleGAN2.
        rows: First row, and one past the last.

    Raises:
        UsageError: the network has none there, or is of another kind.
    """
    synthesis = getattr(generator, "synthesis", None)
    first, last = rows
    found = [
        np.asarray(weight.detach().cpu().numpy(), np.float64)
        for row, weight in ([] if synthesis is None else _modulations(synthesis))
        if first <= row < last
    ]
    found = [weight for weight in found if weight.ndim == 2 and weight.shape[1] == W_DIM]
    if not found:
        raise UsageError(
            f"This network has no modulation weights on the rows {first}:{last}; choose other "
            "rows, or the method pca."
        )
    weights = np.concatenate(found)
    return weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-12)


def _modulations(synthesis: Any) -> Iterator[tuple[int, Any]]:
    """(row of w_plus that is read, weight [C, 512]) of every modulation."""
    if hasattr(synthesis, "conv0") and hasattr(synthesis, "to_img"):  # the bundled student
        yield 0, synthesis.conv0.modulation.weight
        for index, block in enumerate(synthesis.blocks):
            row = 2 * index + 1
            yield row, block.up.weight
            yield row, block.conv1.modulation.weight
            yield row + 1, block.conv2.modulation.weight
        yield 2 * len(synthesis.blocks) + 1, synthesis.to_img.modulation.weight
    else:
        yield from _stylegan2_modulations(synthesis)


def _stylegan2_modulations(synthesis: Any) -> Iterator[tuple[int, Any]]:
    row = 0
    for block in synthesis.children():
        if not hasattr(block, "num_conv"):
            return  # of a kind that is not known here
        layers = [block.conv1] if block.is_first else [block.conv0, block.conv1]
        for offset, layer in enumerate(layers):
            yield row + offset, layer.affine.weight
        row += len(layers)


def strip(
    generator: Any,
    base: np.ndarray,
    found: Sequence[Candidate],
    *,
    units: Sequence[float] = STRIP_UNITS,
    size: int = 256,
) -> np.ndarray:
    """Pictures of candidates, one row each, one column a step.

    Args:
        generator: Renders; `size` is a size it can make.
        base: The face, [18, 512].
        found: Candidates.
        units: Steps, in units.
        size: Edge of one picture in pixels.

    Returns:
        uint8 [len(found) * size, len(units) * size, 3].
    """
    rows = []
    for one in found:
        steps = [base + np.float32(step) * one.learned.vector for step in units]
        rows.append(np.concatenate([generator.render(w, size=size) for w in steps], axis=1))
    return np.concatenate(rows)
