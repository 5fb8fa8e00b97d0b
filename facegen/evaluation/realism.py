"""How natural a picture looks, by a network that knows nothing of latents.

Features of a picture by EfficientNet-Lite0 are compared with those of unedited faces: the distance
is Mahalanobis's, under a covariance shrunk as Ledoit & Wolf (2004) do it. What a distance means is
read off other unedited faces: a picture at 0.99 lies farther out than 99 % of them. It is a
measure of being usual as much as of being whole: people who are rare among the unedited faces lie
farther out, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.covariance import LedoitWolf

from facegen.errors import UsageError
from facegen.evaluation.lite0 import EfficientNetLite0, to_input

FEWEST = 20
LIMIT = 0.99


def picture_features(net: EfficientNetLite0, image: np.ndarray) -> np.ndarray:
    """Features of a picture, uint8 [H, H, 3] RGB, as float32 [D].

    Means over the last map (what is seen), then means and spreads over a middle one (what it is
    made of).
    """
    maps = {name: found[0].numpy() for name, found in net.maps(to_input(image)).items()}
    middle = maps["middle"]
    parts = [maps["last"].mean(axis=(1, 2)), middle.mean(axis=(1, 2)), middle.std(axis=(1, 2))]
    return np.concatenate(parts).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Realism:
    """Distances from natural faces. Use `learn_realism`.

    Attributes:
        mean: [D], of natural faces.
        whiten: [D, D]; the distance is the length of (features - mean) @ whiten.
        distances: Of natural faces that neither was learned from, rising, [N].
    """

    mean: np.ndarray
    whiten: np.ndarray
    distances: np.ndarray

    def distance(self, features: np.ndarray) -> float:
        """How far a picture lies from the natural faces."""
        return float(np.linalg.norm((features - self.mean) @ self.whiten))

    def percentile(self, features: np.ndarray) -> float:
        """The share of natural faces that lie nearer, 0 to 1."""
        nearer = np.searchsorted(self.distances, self.distance(features), side="left")
        return float(nearer / len(self.distances))

    @property
    def limit(self) -> float:
        """The distance beyond which a picture counts as unnatural: 99 % of natural ones within."""
        return float(np.quantile(self.distances, LIMIT))

    def is_natural(self, features: np.ndarray) -> bool:
        """Whether a picture lies within the limit."""
        return bool(self.distance(features) <= self.limit)


def learn_realism(learned: np.ndarray, held_out: np.ndarray) -> Realism:
    """Learn what natural faces look like.

    Args:
        learned: Features of natural faces, [N, D].
        held_out: Of others, [M, D]: they say what a distance means.

    Raises:
        UsageError: too few of them.
    """
    if min(len(learned), len(held_out)) < FEWEST:
        raise UsageError(
            f"Realism needs at least {FEWEST} natural faces to learn from and as many to judge by, "
            f"got {len(learned)} and {len(held_out)}."
        )
    shrunk = LedoitWolf().fit(learned.astype(np.float64))
    values, vectors = np.linalg.eigh(shrunk.covariance_)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-12 * values.max()))
    mean = learned.mean(axis=0)
    distances = np.sort(np.linalg.norm((held_out - mean) @ whiten, axis=1))
    return Realism(mean, whiten, distances)
