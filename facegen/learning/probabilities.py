"""Learn what the classifiers' scores mean, from the labelled faces.

Scores are those of classifiers that did not see the face (five folds by seed), so they are as
uncertain as scores of new faces. A line through the logit is fitted on them; how good it is is
judged again by folds, and compared with isotonic regression, which has more freedom.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from facegen.errors import ModelError, UsageError
from facegen.files import write_atomic
from facegen.latents import LABELS_PSI
from facegen.learning.labels import read_labels
from facegen.learning.learn import CACHE_DIR
from facegen.learning.samples import both_features, scan
from facegen.measure.classifiers import (
    FOLD_SEED,
    FOLDS,
    Classifiers,
    balanced_accuracy,
    fit_classifiers,
    load_classifiers,
)
from facegen.measure.probabilities import YesNo
from facegen.paths import ROOT
from facegen.protocols import Generates, Progress

MEASURE_DOC = ROOT / "docs" / "results" / "measure.md"
HEADING = "## Probabilities"
FEWEST = 200
BINS = 10
CANDIDATES = 400
SAME_WEIGHTS = 0.999
# Channel -> (the label from which the answer is yes, what yes means). Labels of two values
# need no other number; graded ones are cut where a person would start to say yes.
QUESTIONS: Mapping[str, tuple[float, str]] = {
    "gender": (0.5, "looks male"),
    "hat": (0.5, "wears a hat"),
    "glasses": (0.5, "wears glasses, clear or dark"),
    "sunglasses": (0.5, "wears dark glasses"),
    "hair_blond": (0.5, "has blond hair"),
    "hair_black": (0.5, "has black hair"),
    "hair_gray": (0.5, "has grey or white hair"),
    "hair_red": (0.5, "has red hair"),
    "hair_length": (2.5, "has long hair"),
    "curls": (1.5, "has curly hair"),
    "bangs": (0.5, "has a fringe"),
    "receding": (0.5, "has a receding hairline or is bald"),
    "beard": (0.5, "has a beard, or part of one"),
    "mustache": (0.5, "has a moustache"),
    "goatee": (0.5, "has a goatee"),
    "sideburns": (0.5, "has sideburns"),
    "stubble": (0.5, "has stubble"),
    "makeup": (0.5, "wears make-up"),
    "lipstick": (0.5, "wears lipstick"),
    "smile": (0.5, "smiles"),
    "teeth": (0.5, "shows teeth"),
    "double_chin": (0.5, "has a double chin"),
    "cheekbones": (0.5, "has high cheekbones"),
    "rosy_cheeks": (0.5, "has rosy cheeks"),
    "pointy_nose": (0.5, "has a pointed nose"),
    "arched_brows": (0.5, "has arched brows"),
    "narrow_eyes": (0.5, "has narrow eyes"),
    "oval_face": (0.5, "has an oval face"),
    "earrings": (0.5, "wears earrings"),
    "necklace": (0.5, "wears a necklace"),
    "outdoors": (0.5, "is outdoors"),
    "bg_busy": (0.5, "stands before a busy background"),
}


@dataclass(frozen=True)
class Fit:
    """What was learned of one channel, and what came of the other way.

    Attributes:
        channel: The answer.
        at_half: Balanced accuracy if a score of half the label's way counts as yes, as before.
        raw_error: Mean difference between score and frequency, as `YesNo.error`; None where
            labels are graded, so that a score is no share.
        isotonic_error: The same for isotonic regression, by folds.
    """

    channel: YesNo
    at_half: float
    raw_error: float | None
    isotonic_error: float


def learn_probabilities(
    generator: Generates,
    *,
    faces: int | None = None,
    cache: Path = CACHE_DIR,
    progress: Progress | None = None,
) -> dict[str, Fit]:
    """Learn all channels of QUESTIONS from the labelled faces.

    Args:
        generator: The bundled one: the labels tell of its faces.
        faces: As many of the labelled faces, the first ones; None takes all. Fewer make the
            classifiers that are asked weaker than those in use, and so the numbers cautious.
        cache: Where measured faces are kept, the same as for learning the dials.
        progress: Called with (faces done, faces in all).

    Raises:
        UsageError: too few faces.
        ModelError: the classifiers in use are others than these faces teach.
    """
    seeds, labels = read_labels()
    if faces is not None and not FEWEST <= faces <= len(seeds):
        raise UsageError(f"Take {FEWEST} to {len(seeds)} labelled faces, got {faces}.")
    seeds = seeds[:faces]
    seen = scan(
        generator,
        seeds.tolist(),
        lambda seed: generator.w_from_seed(seed, LABELS_PSI),
        cache=cache,
        progress=progress,
    )
    pairs = [(k, seen[seed]) for k, seed in enumerate(seeds.tolist())]
    found = [(k, one) for k, one in pairs if one.detection is not None]
    rows = [k for k, _ in found]
    x, mirrored = both_features([one for _, one in found])
    known = {name: values[rows] for name, values in labels.items()}
    fitted, unseen = fit_classifiers(x, known, mirrored=mirrored)
    if faces is None:
        require_in_use(fitted, load_classifiers(), x)
    unseen = in_units_of(load_classifiers(), fitted, unseen, x)
    folds = np.random.RandomState(FOLD_SEED).randint(0, FOLDS, len(x))
    return {
        name: fit_channel(unseen[name], known[name], folds, cut, question)
        for name, (cut, question) in QUESTIONS.items()
        if name in unseen
    }


def write_table(fits: Mapping[str, Fit], command: str, path: Path = MEASURE_DOC) -> None:
    """Replace the table of docs/results/measure.md, from its heading to the next.

    Raises:
        ModelError: the document has no such heading.
    """
    text = path.read_text(encoding="utf-8")
    head, mark, rest = text.partition(f"{HEADING}\n")
    if not mark:
        raise ModelError(f"{path.name} has no heading '{HEADING}'; put it back.")
    _, following, tail = rest.partition("\n## ")
    write_atomic(path, f"{head}{as_markdown(fits, command)}{following}{tail}".encode())


def as_markdown(fits: Mapping[str, Fit], command: str) -> str:
    """The section of docs/results/measure.md, from its heading; `command` made the numbers."""
    faces = max(fit.channel.faces for fit in fits.values())
    lines = [
        HEADING,
        "",
        f"`{command}`",
        "",
        "A classifier's score is a regression on labels: it ranks faces, but 0.5 is no threshold "
        "and the score no probability. `YesNo` (`facegen/measure/probabilities.py`) turns it into "
        f"both, by Platt's line, fitted on the scores of up to {faces} labelled faces by "
        "classifiers that did not see them (five folds by seed). Scores stay as they are, because "
        "the dials' units are defined on them. The probability is that of an unedited face "
        f"(truncation {LABELS_PSI}); the threshold is where balanced accuracy is best, so for rare "
        "things the probability there is below a half. *Balanced* is measured at thresholds chosen "
        "on other folds, *at half* where a score halfway between the labels counted as yes; "
        "*error* is the mean difference between what is told and how often it is so, in ten bins "
        "of equal size, each face told by what was fitted on other folds.",
        "",
        "| channel | yes means | share | threshold | probability there | balanced | at half | area "
        "under curve | error | of the score itself | isotonic |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, fit in fits.items():
        one = fit.channel
        raw = "–" if fit.raw_error is None else f"{fit.raw_error:.3f}"
        lines.append(
            f"| {name} | {one.question} | {one.share:.0%} | {one.threshold:.2f} | "
            f"{one.probability(one.threshold):.2f} | {one.balanced:.2f} | {fit.at_half:.2f} | "
            f"{one.auc:.3f} | {one.error:.3f} | {raw} | {fit.isotonic_error:.3f} |"
        )
    return "\n".join([*lines, ""])


def require_in_use(fitted: Classifiers, in_use: Classifiers, x: np.ndarray) -> None:
    """Check that two sets of classifiers say the same of faces with features [N, D].

    Raises:
        ModelError: they do not, so what is learned of the one is not true of the other.
    """
    ours, theirs = fitted.predict(x), in_use.predict(x)
    for k, name in enumerate(fitted.names):
        other = theirs[:, in_use.names.index(name)] if name in in_use.names else None
        if other is None or np.corrcoef(ours[:, k], other)[0, 1] < SAME_WEIGHTS:
            raise ModelError(
                f"The classifier of {name} in use is not the one that these faces teach. Learn "
                "them again with `python -m facegen directions classifiers`, then this."
            )


def in_units_of(
    in_use: Classifiers, fitted: Classifiers, unseen: Mapping[str, np.ndarray], x: np.ndarray
) -> dict[str, np.ndarray]:
    """Scores of fits that did not see the face, counted as the classifiers in use count.

    Args:
        in_use: Whose scores differ from those of `fitted` by a factor and an offset.
        fitted: Whose folds gave `unseen`.
        unseen: Channel -> [N].
        x: Features [N, D].
    """
    ours, theirs = fitted.predict(x), in_use.predict(x)
    lines = {
        name: np.polyfit(ours[:, k], theirs[:, in_use.names.index(name)], 1)
        for k, name in enumerate(fitted.names)
    }
    return {name: np.polyval(lines[name], scores) for name, scores in unseen.items()}


def fit_channel(
    scores: np.ndarray, labels: np.ndarray, folds: np.ndarray, cut: float, question: str
) -> Fit:
    """Learn one channel.

    Args:
        scores: [N], of classifiers that did not see the face.
        labels: [N], NaN where unknown.
        folds: [N] integers, by face.
        cut: The label from which the answer is yes.
        question: What yes means.
    """
    known = np.isfinite(labels)
    graded = bool(np.nanmax(labels) > 1 or np.nanmin(labels) < 0)
    scores, folds, yes = scores[known], folds[known], labels[known] > cut
    by_line, by_steps = np.zeros(len(scores)), np.zeros(len(scores))
    for fold in np.unique(folds):
        inside, outside = folds == fold, folds != fold
        slope, offset = fit_line(scores[outside], yes[outside])
        by_line[inside] = 1 / (1 + np.exp(-(slope * scores[inside] + offset)))
        steps = IsotonicRegression(out_of_bounds="clip").fit(scores[outside], yes[outside])
        by_steps[inside] = steps.predict(scores[inside])
    slope, offset = fit_line(scores, yes)
    balanced = balanced_accuracy(scores, yes, folds)
    called = scores >= cut
    return Fit(
        YesNo(
            question=question,
            slope=slope,
            offset=offset,
            threshold=best_threshold(scores, yes),
            yes=float(scores[yes].mean()),
            no=float(scores[~yes].mean()),
            faces=len(scores),
            share=float(yes.mean()),
            balanced=balanced,
            auc=float(roc_auc_score(yes, scores)),
            error=calibration_error(by_line, yes),
        ),
        at_half=float((called[yes].mean() + (~called[~yes]).mean()) / 2),
        raw_error=None if graded else calibration_error(scores, yes),
        isotonic_error=calibration_error(by_steps, yes),
    )


def fit_line(scores: np.ndarray, yes: np.ndarray) -> tuple[float, float]:
    """Slope and offset of the logit, by maximum likelihood on smoothed labels (Platt 1999)."""
    positives = int(yes.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(yes) - positives + 2)
    # A soft label is both answers with weights that add up to 1.
    weights = np.concatenate([np.where(yes, high, low), 1 - np.where(yes, high, low)])
    both = np.concatenate([scores, scores])[:, None]
    answers = np.repeat([True, False], len(scores))
    line = LogisticRegression(C=1e6, max_iter=1000).fit(both, answers, sample_weight=weights)
    return float(line.coef_[0, 0]), float(line.intercept_[0])


def best_threshold(scores: np.ndarray, yes: np.ndarray) -> float:
    """The score from which on yes gives the best balanced accuracy; the middle of equal ones."""
    tried = np.quantile(scores, np.linspace(0.002, 0.998, CANDIDATES))
    above = scores[None] >= tried[:, None]
    right = above[:, yes].mean(axis=1) + (~above[:, ~yes]).mean(axis=1)
    return float(np.median(tried[right >= right.max() - 1e-9]))


def calibration_error(told: np.ndarray, yes: np.ndarray) -> float:
    """Mean difference between what was told and how often it was so, in bins of equal size."""
    order = np.argsort(told, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    return float(np.mean([abs(told[part].mean() - yes[part].mean()) for part in bins]))
