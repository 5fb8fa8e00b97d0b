"""A photograph's latent in one look, and in a few more at what became of it.

A head of ours over the maps of a face network (`facegen.measure.picture_maps`), taught on the
generator's own pictures (`facegen.learning.train_encoder`): the idea of pSp (Richardson et al.
2021, arXiv 2008.00951). Rounds of feedback look at the picture and at its rendition and correct the
latent by their difference, as ReStyle does (Alaluf et al. 2021, arXiv 2104.02699). What it gives
and costs: docs/notes/encoder.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from facegen.directions.encoder_weights import LARGEST_INPUT, EncoderWeights, read_encoder
from facegen.directions.natural import NUM_GROUPS, Natural, bent, read_natural
from facegen.directions.regressor import read_regressor, spread_groups
from facegen.errors import ModelError
from facegen.latents import BUNDLED_SPACE, W_DIM
from facegen.measure.picture_maps import PictureMaps, load_picture_maps
from facegen.protocols import Renders
from facegen.threads import one_torch_thread

USUAL_PERCENT = 50
"""Results are brought to where this share of the faces without truncation lie nearer, if beyond."""


@dataclass(frozen=True, eq=False)
class EncoderStep:
    """A latent on the way.

    Attributes:
        w_plus: float32 [18, 512].
        rendition: Its picture as it was looked at, uint8 [S, S, 3]; None after the last round,
            whose picture nothing has looked at.
    """

    w_plus: np.ndarray
    rendition: np.ndarray | None


class Encoder:
    """Finds latents of aligned pictures. Use `load_encoder`.

    Args:
        generator: Draws renditions, at preview size.
        weights: What was learned.
        natural: The cloud of faces.
        maps: The network that looks.
    """

    def __init__(
        self, generator: Renders, weights: EncoderWeights, natural: Natural, maps: PictureMaps
    ) -> None:
        self._generator, self._weights = generator, weights
        self._natural, self._maps = natural, maps

    @property
    def num_rounds(self) -> int:
        """Rounds of feedback that were learned."""
        return len(self._weights.rounds)

    def encode(self, crop: np.ndarray, *, rounds: int | None = None) -> np.ndarray:
        """The latent of a picture.

        Args:
            crop: uint8 [S, S, 3] RGB of 64 px and more, aligned as FFHQ is
                (`facegen.photos.align`).
            rounds: Of feedback; all that were learned unless given.

        Returns:
            w_plus, float32 [18, 512]; within a group of `ROW_GROUPS` all rows are alike.

        Raises:
            LatentError: not such a picture.
        """
        *_, last = self.encode_steps(crop, rounds=rounds)
        return last.w_plus

    def encode_steps(self, crop: np.ndarray, *, rounds: int | None = None) -> Iterator[EncoderStep]:
        """As `encode`, with every latent on the way: the first guess, then one for each round.

        Raises:
            LatentError: as `encode`.
        """
        heads = self._weights.rounds[:rounds]
        seen = self._numbers(crop)
        found = self._applied(self._weights.first, seen)
        for head in heads:
            w_plus = self._latent(found)
            rendition = self._generator.preview(w_plus)
            yield EncoderStep(w_plus, rendition)
            found = found + self._applied(head, seen - self._numbers(rendition))
        yield EncoderStep(self._latent(found), None)

    def _numbers(self, picture: np.ndarray) -> torch.Tensor:
        maps = [torch.from_numpy(found)[None] for found in self._maps.of(picture)]
        with one_torch_thread(), torch.inference_mode():
            return self._weights.reduction(maps).clamp(-LARGEST_INPUT, LARGEST_INPUT)

    def _applied(self, head: torch.nn.Module, numbers: torch.Tensor) -> np.ndarray:
        with one_torch_thread(), torch.inference_mode():
            found: np.ndarray = head(numbers)[0].numpy()
        return found.reshape(NUM_GROUPS, W_DIM)

    def _latent(self, whitened: np.ndarray) -> np.ndarray:
        """The w_plus of whitened groups [6, 512], not farther out than faces are."""
        distance = float(np.square(whitened).mean())
        farthest = float(self._natural.reach[USUAL_PERCENT])
        whitened = whitened * min(1.0, np.sqrt(farthest / max(distance, 1e-9)))
        groups = bent(whitened @ self._natural.axes.T + self._natural.mean)
        return spread_groups(groups).astype(np.float32)


def load_encoder(generator: Renders) -> Encoder:
    """The encoder of a generator.

    Raises:
        ModelError: nothing was learned for its latent space, or the file is damaged.
        InstallationError: the file is missing.
    """
    if generator.space != BUNDLED_SPACE:
        raise ModelError(
            f"Photographs can be turned into latents of the space {BUNDLED_SPACE} alone, and "
            f"{generator.model} has another ({generator.space}). Choose a network of that space."
        )
    natural = read_natural(generator.space, read_regressor(generator.space))
    return Encoder(generator, read_encoder(), natural, load_picture_maps())
