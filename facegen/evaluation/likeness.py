"""Whether two pictures show one person, by two judges that nothing learns from or steers by.

A picture counts as the person when it is nearer to the original than 95 of 100 strangers are, by
each judge for itself: judges differ in what a cosine means, but not in who is nearer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.evaluation.judges import Judges
from facegen.evaluation.mobilefacenet import MobileFaceNet
from facegen.evaluation.packages import JUDGES_DIR
from facegen.measure.detector import MEASURE_PX, at_size, load_instruments

JUDGES = ("faceres", "MobileFaceNet")
NEARER_THAN = 0.95

Identity = Mapping[str, np.ndarray]
"""Judge -> a vector of length 1."""


class IdentityJudges:
    """Both judges, loaded once.

    Raises:
        ModelError: a package is not here.
    """

    def __init__(self, folder: Path = JUDGES_DIR) -> None:
        self._faceres, self._mobile = Judges(folder), MobileFaceNet(folder)

    def identity(self, image: np.ndarray) -> Identity | None:
        """Who is in a picture, uint8 [H, H, 3] RGB; None if no face is found."""
        picture = at_size(image, MEASURE_PX)
        found = load_instruments().detect(picture, describe=False)
        if found is None:
            return None
        judged = self._faceres.judge(picture, found.landmarks)
        return {
            "faceres": judged.identity,
            "MobileFaceNet": self._mobile.identity(picture, found.landmarks),
        }


@dataclass(frozen=True)
class Likeness:
    """How alike a result and its original are, by one judge.

    Attributes:
        cosine: Of the two, at most 1.
        nearer: Share of strangers that are farther from the original, 0 to 1.
    """

    cosine: float
    nearer: float

    @property
    def is_same(self) -> bool:
        """Whether it counts as the same person."""
        return self.nearer >= NEARER_THAN


NOBODY = Likeness(-1.0, 0.0)


def likeness(
    original: Identity, result: Identity | None, strangers: Sequence[Identity]
) -> dict[str, Likeness]:
    """How alike a result is, by each judge; where no face was found in it, not at all."""
    if result is None:
        return dict.fromkeys(JUDGES, NOBODY)
    found = {}
    for judge in JUDGES:
        others = np.array([one[judge] @ original[judge] for one in strangers])
        cosine = float(result[judge] @ original[judge])
        found[judge] = Likeness(cosine, float((others < cosine).mean()))
    return found
