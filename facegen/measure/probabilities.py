"""What a classifier's score means: the probability that a face has it, and from where to say so.

The classifiers (`facegen.measure.classifiers`) are regressions: their scores rank faces well, but
0.5 is no threshold and a score is no probability. `probabilities.json` has, per yes-or-no channel,
a line through the logit (Platt 1999) and the score from which a face is said to have it. Both are
fitted by `facegen.learning.probabilities` on scores of faces that the classifier did not see.
Scores themselves stay as they are: the dials' units are defined on them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from facegen.errors import BadFileError
from facegen.files import write_atomic

PROBABILITIES_FILE = Path(__file__).with_name("probabilities.json")
FORMAT = 1
DIGITS = 5


@dataclass(frozen=True)
class YesNo:
    """One channel as a question with two answers.

    Attributes:
        question: What "yes" means, as a phrase.
        slope, offset: The probability is sigmoid(slope * score + offset), among natural faces.
        threshold: The score from which the answer is yes: where both answers are right equally
            often in the mean (balanced accuracy). For rare things the probability there is
            below a half.
        yes, no: Mean score of the faces labelled so.
        faces, share: How many faces were labelled, and which share of them yes.
        balanced: Balanced accuracy at thresholds chosen on other faces.
        auc: Area under the ROC curve.
        error: Mean difference between probability and frequency in ten bins of equal size, each
            face judged by a line fitted on others.
    """

    question: str
    slope: float
    offset: float
    threshold: float
    yes: float
    no: float
    faces: int
    share: float
    balanced: float
    auc: float
    error: float

    def probability(self, score: float) -> float:
        """The probability, 0 to 1, that a natural face with this score has it."""
        logit = max(min(self.slope * score + self.offset, 60.0), -60.0)
        return 1 / (1 + math.exp(-logit))

    def score(self, probability: float) -> float:
        """The score at which a natural face has it with this probability, between 0 and 1."""
        return (math.log(probability / (1 - probability)) - self.offset) / self.slope

    def is_yes(self, score: float) -> bool:
        """Whether a face with this score is said to have it."""
        return score >= self.threshold


def write_probabilities(
    channels: Mapping[str, YesNo], command: str, path: Path = PROBABILITIES_FILE
) -> None:
    """Write the file; `command` made the numbers."""
    rows = {
        name: {
            key: round(value, DIGITS) if isinstance(value, float) else value
            for key, value in asdict(one).items()
        }
        for name, one in channels.items()
    }
    lines = ",\n".join(f'  "{name}": {json.dumps(row)}' for name, row in rows.items())
    text = f'{{\n "format": {FORMAT},\n "made_by": {json.dumps(command)},\n'
    write_atomic(path, f'{text} "channels": {{\n{lines}\n }}\n}}\n'.encode())


@lru_cache(maxsize=2)
def load_probabilities(path: Path = PROBABILITIES_FILE) -> Mapping[str, YesNo]:
    """Channel -> what its scores mean; channels that are no yes-or-no question are not in it.

    Raises:
        BadFileError: the file is missing or damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["channels"]
        channels = {str(name): YesNo(**row) for name, row in rows.items()}
        sound = all(math.isfinite(v) for c in channels.values() for v in (c.slope, c.threshold))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        raise BadFileError(f"{path.name} cannot be read ({err}). Restore it.") from err
    if not channels or not sound:
        raise BadFileError(f"{path.name} holds no usable numbers. Restore it.")
    return channels
