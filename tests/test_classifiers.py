"""Classifiers learned from labels: their numbers, and how they are scored."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.measure.classifiers import (
    CONTRAST,
    EDGES,
    FOLD_SEED,
    FOLDS,
    PENALTY,
    balanced_accuracy,
    fit_classifiers,
)

FACES, LENGTH = 240, EDGES + CONTRAST + 30 + 128 + 68 * 4 + 2 + 2


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.RandomState(1)
    x = rng.randn(FACES, LENGTH).astype(np.float32)
    shown = (x[:, :200].mean(axis=1) > 0).astype(float)
    shown[::17] = np.nan
    labels = {"shown": shown, "noise": (rng.rand(FACES) > 0.5).astype(float),
              "rare": np.full(FACES, np.nan)}  # fmt: skip
    x[:, -2] = np.where(np.isfinite(shown), 3 * shown, 0)
    return x.astype(np.float64), labels, *fit_classifiers(x, labels)


def closed_form(z, y):
    """Ridge weights of features z in many more dimensions than faces, and the level."""
    alpha = np.linalg.solve(z @ z.T + PENALTY * np.eye(len(z)), y - y.mean())
    return z.T @ alpha, y.mean()


def test_they_are_ridge_regressions_and_scores_come_from_fits_that_did_not_see_the_face(fitted):
    x, labels, classifiers, unseen = fitted
    assert classifiers.names == ("shown", "noise")  # a label without enough faces is left out
    y = labels["shown"]
    known = np.isfinite(y)
    z = (x - classifiers.mean) * classifiers.scale
    weights, level = closed_form(z[known], y[known])
    assert np.allclose(classifiers.weights[:, 0], weights, rtol=1e-9, atol=1e-12)
    assert np.allclose(classifiers.predict(x)[:, 0], z @ weights + level)
    fold = np.random.RandomState(FOLD_SEED).randint(0, FOLDS, FACES) == 2
    weights, level = closed_form(z[known & ~fold], y[known & ~fold])
    assert np.allclose(unseen["shown"][known & fold], z[known & fold] @ weights + level)


def test_their_scores_tell_what_is_there_from_noise(fitted):
    _, _, classifiers, _ = fitted
    assert classifiers.auc[0] > 0.9
    assert classifiers.balanced[0] > 0.8
    assert abs(classifiers.auc[1] - 0.5) < 0.12
    assert abs(classifiers.balanced[1] - 0.5) < 0.12


def test_balanced_accuracy_counts_both_classes_alike():
    rng = np.random.RandomState(0)
    positive = np.arange(400) % 10 == 0
    folds = rng.randint(0, 5, 400)
    assert balanced_accuracy(positive + 0.1 * rng.rand(400), positive, folds) == 1
    assert balanced_accuracy(rng.rand(400), positive, folds) == pytest.approx(0.5, abs=0.1)
