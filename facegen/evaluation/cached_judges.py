"""Draws latents and looks at them, with all instruments and judges; kept on disk as it grows.

What is kept is named by the latent, so a run that was cut off goes on where it stopped, and a
solver that changed is looked at anew.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from torch import inference_mode

from facegen.directions.store import npz_bytes
from facegen.editing.dial_set import DialSet
from facegen.evaluation.judges import Judgement, Judges
from facegen.evaluation.lite0 import EfficientNetLite0, load_lite0
from facegen.evaluation.packages import JUDGES_DIR
from facegen.evaluation.realism import picture_features
from facegen.files import write_atomic
from facegen.learning.samples import Sample, read_sample, sample_of, write_sample
from facegen.measure.classifiers import load_classifiers
from facegen.measure.detector import MEASURE_PX
from facegen.measure.face import channel_values
from facegen.measure.measurer import Measurement
from facegen.protocols import Generates

HASH_CHARS = 20
KEPT_PICTURES = 24
# What NumPy raises for a file that is missing, cut off, or not its own.
UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile)


@dataclass(frozen=True, eq=False)
class Judged:
    """What judges see that nothing steers by.

    Attributes:
        features: Of the whole picture, for `facegen.evaluation.realism`.
        judgement: Of the face; None where the instruments see none.
    """

    features: np.ndarray
    judgement: Judgement | None


class CachedJudges:
    """Looks at latents, each once.

    Args:
        generator: Draws them.
        dials: Give the units.
        cache: Folder that keeps what was seen.
        judges: Folder of the judges' packages.
    """

    def __init__(
        self, generator: Generates, dials: DialSet, cache: Path, *, judges: Path = JUDGES_DIR
    ) -> None:
        self.generator, self._dials, self._cache, self._folder = generator, dials, cache, judges
        self._pictures: OrderedDict[str, np.ndarray] = OrderedDict()
        self._judges: Judges | None = None
        self._lite0: EfficientNetLite0 | None = None

    def picture(self, w_plus: np.ndarray) -> np.ndarray:
        """The picture, uint8 [512, 512, 3]; the newest are remembered."""
        key = digest(w_plus)
        if key not in self._pictures:
            self._pictures[key] = self.generator.render(w_plus, size=MEASURE_PX)
            while len(self._pictures) > KEPT_PICTURES:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(key)
        return self._pictures[key]

    def measured(self, w_plus: np.ndarray) -> Measurement | None:
        """What the instruments find; None if no face."""
        sample = self._sample(w_plus)
        found = sample.detection
        if found is None:
            return None
        values = channel_values(sample.appearance, found, load_classifiers())
        return Measurement(values, found.landmarks / MEASURE_PX, found.descriptor)

    def see(self, w_plus: np.ndarray) -> Mapping[str, float] | None:
        """Dial -> value in its unit: what a closed loop asks for."""
        found = self.measured(w_plus)
        return None if found is None else self._dials.in_units(found.values)

    def judged(self, w_plus: np.ndarray) -> Judged:
        """What the judges see."""
        path = self._cache / "judged" / f"{digest(w_plus)}.npz"
        known = read_judged(path)
        if known is None:
            known = self._judge(w_plus)
            write_judged(path, known)
        return known

    def features(self, w_plus: np.ndarray) -> np.ndarray:
        """Features of the picture alone; without looking for a face."""
        path = self._cache / "features" / f"{digest(w_plus)}.npz"
        try:
            with np.load(path, allow_pickle=False) as data:
                kept: np.ndarray = data["features"]
                return kept
        except UNREADABLE:
            found = self._features(w_plus)
            write_atomic(path, npz_bytes({"features": found}))
            return found

    def _sample(self, w_plus: np.ndarray) -> Sample:
        path = self._cache / "measured" / f"{digest(w_plus)}.npz"
        found = read_sample(path)
        if found is None:
            found = sample_of(self.picture(w_plus))
            write_sample(path, found)
        return found

    def _judge(self, w_plus: np.ndarray) -> Judged:
        found = self._sample(w_plus).detection
        if found is None:
            return Judged(self._features(w_plus), None)
        if self._judges is None:
            self._judges = Judges(self._folder)
        judgement = self._judges.judge(self.picture(w_plus), found.landmarks)
        return Judged(self._features(w_plus), judgement)

    def _features(self, w_plus: np.ndarray) -> np.ndarray:
        if self._lite0 is None:
            self._lite0 = load_lite0(self._folder)
        with inference_mode():
            return picture_features(self._lite0, self.picture(w_plus))


def digest(w_plus: np.ndarray) -> str:
    """A short name of a latent."""
    data = np.ascontiguousarray(w_plus, np.float32).tobytes()
    return hashlib.sha256(data).hexdigest()[:HASH_CHARS]


def write_judged(path: Path, judged: Judged) -> None:
    """Keep what the judges saw of one picture."""
    arrays = {"features": judged.features}
    one = judged.judgement
    if one is not None:
        arrays |= {
            "numbers": np.array([one.age, one.male, one.yaw, one.pitch]),
            "identity": one.identity,
        }
    write_atomic(path, npz_bytes(arrays))


def read_judged(path: Path) -> Judged | None:
    """What was kept; None if nothing was, or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            if "numbers" not in data:
                return Judged(data["features"], None)
            age, male, yaw, pitch = data["numbers"].tolist()
            return Judged(data["features"], Judgement(age, male, data["identity"], yaw, pitch))
    except UNREADABLE:
        return None
