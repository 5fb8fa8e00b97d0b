"""Classifiers for what only an eye can judge, from blocks of picture features.

Each is a ridge regression on the labels' own coding: 0 and 1 give a score that is near 0 or 1,
graded labels give a grade, ages give years. Blocks are standardised and weighted to count alike,
whatever their length. Linear, so a face costs a millisecond once its features are known. They are
fitted on faces and their mirror images alike, so that they do not care which way one looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from facegen.errors import BadFileError
from facegen.measure.appearance import HAIR, mirrored_appearance
from facegen.measure.detector import Detection
from facegen.measure.pose import fit_pose, load_shape
from facegen.threads import one_blas_thread

CLASSIFIERS_FILE = Path(__file__).with_name("classifiers.npz")
PENALTY = 3.0
FOLDS = 5
FOLD_SEED = 1
MIN_SAMPLES = 50
NUM_THRESHOLDS = 197
HAIR_PAIRS = (HAIR - 1) * HAIR // 2
EDGES = 16 * 16 * 8
CONTRAST = 16 * 16
SIDED = ("gaze", "light_label")
"""Labels that tell left from right: of the mirror image they have the other sign."""


@dataclass(frozen=True, eq=False)
class Classifiers:
    """Linear classifiers over the features of `features`.

    Attributes:
        names: Channels, K of them.
        mean, scale: Of the features, [D]; the blocks' weights are folded into scale.
        weights: [D, K].
        bias: [K].
        scores: Cross-validated correlation with the labels, [K].
        balanced, auc: Cross-validated balanced accuracy (each fold at the threshold that is best
            on the other folds) and area under the ROC curve, for labels above their mean against
            the others, [K].
    """

    names: tuple[str, ...]
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: np.ndarray
    scores: np.ndarray
    balanced: np.ndarray
    auc: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Scores [N, K] of features [N, D]."""
        return ((x - self.mean) * self.scale) @ self.weights + self.bias

    def scaled(self, factor: np.ndarray, offset: np.ndarray) -> Classifiers:
        """The same with scores times factor plus offset, [K] each."""
        return replace(self, weights=self.weights * factor, bias=self.bias * factor + offset)


def features(appearance: np.ndarray, detection: Detection) -> np.ndarray:
    """All features of one face as one row; its blocks are named by `block_slices`.

    Args:
        appearance: What `facegen.measure.appearance.appearance` gave.
        detection: What the instruments found.
    """
    hair = appearance[: HAIR - 1].astype(np.float32)
    # What is red or blond is no straight line through colours, lightness and texture.
    pairs = np.outer(hair, hair)[np.triu_indices(HAIR - 1)]
    pose, front = fit_pose(detection.landmarks, load_shape())
    geometry = np.concatenate(
        [front.ravel() * 100, detection.landmarks.ravel() / 5, [pose.yaw, pose.pitch]]
    )
    nets = np.array([detection.age, np.clip(detection.male, -6, 6)])
    return np.concatenate(
        [
            appearance[:HAIR].astype(np.float32), pairs, appearance[HAIR:].astype(np.float32),
            detection.descriptor, geometry, nets,
        ]
    ).astype(np.float32)  # fmt: skip


def mirrored_features(appearance: np.ndarray, detection: Detection) -> np.ndarray:
    """`features` of the mirror image."""
    return features(mirrored_appearance(appearance), detection.mirrored())


def block_slices(length: int) -> dict[str, slice]:
    """Where each block of features lies in a row of this length."""
    tail = 128 + 68 * 4 + 2 + 2
    edges = HAIR + HAIR_PAIRS
    ends = {
        "hair": HAIR,
        "hair_pairs": edges,
        "edges": edges + EDGES,
        "contrast": edges + EDGES + CONTRAST,
        "colours": length - tail,
        "descriptor": length - tail + 128,
        "geometry": length - 2,
        "networks": length,
    }
    starts = [0, *list(ends.values())[:-1]]
    names = zip(starts, ends.items(), strict=True)
    return {name: slice(start, end) for start, (name, end) in names}


def fit_classifiers(
    x: np.ndarray, labels: Mapping[str, np.ndarray], *, mirrored: np.ndarray | None = None
) -> tuple[Classifiers, dict[str, np.ndarray]]:
    """Fit all channels.

    Args:
        x: Features [N, D].
        labels: Channel -> [N], NaN where unknown.
        mirrored: Features of the mirror images, [N, D], to learn from as well.

    Returns:
        The classifiers, and per channel the scores [N] of classifiers that did not see the face
        (for a face without a label, of the one fitted on all).
    """
    # Imported here: they take a second, and only learning needs them.
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import PredefinedSplit

    one_blas_thread()
    x = x.astype(np.float64)
    other = x if mirrored is None else mirrored.astype(np.float64)
    both = np.concatenate([x, other])
    mean, scale = both.mean(axis=0), 1.0 / (both.std(axis=0) + 1e-6)
    for block in block_slices(x.shape[1]).values():
        scale[block] /= np.sqrt(max(block.stop - block.start, 16))
    # A ridge on faces and mirror images is one on what they have in common, or, for sided labels,
    # on what sets them apart: half as many rows.
    common = ((x + other) / 2 - mean) * scale
    apart = common if mirrored is None else (x - other) / 2 * scale
    grams = [common @ common.T, apart @ apart.T]
    folds = np.random.RandomState(FOLD_SEED).randint(0, FOLDS, len(x))
    names = [
        name
        for name, y in labels.items()
        if np.isfinite(y).sum() >= MIN_SAMPLES and np.nanstd(y) > 0
    ]
    weights, bias, scores, unseen = [], [], [], {}
    balanced, auc = [], []
    for name in names:
        y = labels[name]
        known = np.flatnonzero(np.isfinite(y))
        is_odd = name in SIDED and mirrored is not None
        z, gram = (apart, grams[1]) if is_odd else (common, grams[0])
        alpha, offset = _dual(gram, y, known, level=0.0 if is_odd else None)
        out = gram[:, known] @ alpha + offset
        for inside, outside in PredefinedSplit(folds[known]).split():
            train, test = known[inside], known[outside]
            part, level = _dual(gram, y, train, level=0.0 if is_odd else None)
            out[test] = gram[np.ix_(test, train)] @ part + level
        unseen[name] = out
        weights.append(z[known].T @ alpha)
        bias.append(offset)
        scores.append(float(np.corrcoef(out[known], y[known])[0, 1]))
        positive = y[known] > y[known].mean()
        balanced.append(balanced_accuracy(out[known], positive, folds[known]))
        auc.append(float(roc_auc_score(positive, out[known])))
    fitted = Classifiers(
        tuple(names), mean, scale, np.stack(weights, axis=1), np.array(bias), np.array(scores),
        np.array(balanced), np.array(auc),
    )  # fmt: skip
    return fitted, unseen


def _dual(
    gram: np.ndarray, y: np.ndarray, rows: np.ndarray, *, level: float | None = None
) -> tuple[np.ndarray, float]:
    """Weights of the rows, and the level they are about: the rows' mean unless it is known."""
    from sklearn.kernel_ridge import KernelRidge

    level = float(y[rows].mean()) if level is None else level
    model = KernelRidge(alpha=PENALTY, kernel="precomputed")
    return model.fit(gram[np.ix_(rows, rows)], y[rows] - level).dual_coef_, level


def balanced_accuracy(scores: np.ndarray, positive: np.ndarray, folds: np.ndarray) -> float:
    """Mean of the two classes' shares judged rightly; no face helps to choose its threshold.

    Args:
        scores: [N].
        positive: [N] bool.
        folds: [N] integers; each fold's threshold is the best one on the other folds.
    """
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import PredefinedSplit

    called = np.zeros(len(scores), bool)
    for outside, inside in PredefinedSplit(folds).split():
        thresholds = np.quantile(scores[outside], np.linspace(0.01, 0.99, NUM_THRESHOLDS))
        above = scores[outside][None] >= thresholds[:, None]
        hits = above[:, positive[outside]].mean(axis=1)
        passes = (~above[:, ~positive[outside]]).mean(axis=1)
        called[inside] = scores[inside] >= thresholds[int(np.argmax(hits + passes))]
    return float(balanced_accuracy_score(positive, called))


def pack(classifiers: Classifiers) -> dict[str, np.ndarray]:
    """Arrays for a file; float16 weights lose nothing that the labels hold."""
    size = np.abs(classifiers.weights).max(axis=0)
    return {
        "names": np.array(classifiers.names),
        "mean": classifiers.mean.astype(np.float32),
        "scale": classifiers.scale.astype(np.float32),
        "weights": (classifiers.weights / size).astype(np.float16),
        "size": size.astype(np.float32),
        "bias": classifiers.bias.astype(np.float32),
        "scores": classifiers.scores.astype(np.float32),
        "balanced": classifiers.balanced.astype(np.float32),
        "auc": classifiers.auc.astype(np.float32),
    }


@lru_cache(maxsize=2)
def load_classifiers(path: Path = CLASSIFIERS_FILE) -> Classifiers:
    """The fitted classifiers.

    Raises:
        BadFileError: the file is missing or damaged.
    """
    one_blas_thread()
    try:
        with np.load(path, allow_pickle=False) as data:
            names = tuple(str(name) for name in data["names"])
            weights = data["weights"].astype(np.float64) * data["size"]
            fitted = Classifiers(
                names, data["mean"], data["scale"], weights, data["bias"], data["scores"],
                data["balanced"], data["auc"],
            )  # fmt: skip
    except (OSError, ValueError, KeyError, EOFError) as err:
        raise BadFileError(f"{path.name} cannot be read ({err}). Restore it.") from err
    if weights.shape != (len(fitted.mean), len(names)) or not np.isfinite(weights).all():
        raise BadFileError(f"{path.name} does not fit together. Restore it.")
    return fitted
