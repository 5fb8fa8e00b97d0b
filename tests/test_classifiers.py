"""Classifiers learned from labels: their numbers, and how they are scored."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from facegen.directions.store import read_direction, write_direction
from facegen.latents import BUNDLED_SPACE
from facegen.learning.renew_classifiers import renew_ranges, with_units
from facegen.measure.appearance import HAIR
from facegen.measure.classifiers import (
    CONTRAST,
    EDGES,
    FOLD_SEED,
    FOLDS,
    HAIR_PAIRS,
    PENALTY,
    Classifiers,
    balanced_accuracy,
    fit_classifiers,
)

FACES = 240
LENGTH = HAIR + HAIR_PAIRS + EDGES + CONTRAST + 30 + 128 + 68 * 4 + 2 + 2


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


def test_a_face_and_its_mirror_image_read_alike_and_look_the_other_way():
    rng = np.random.RandomState(2)
    x = rng.randn(120, LENGTH)
    mirrored = x.copy()
    mirrored[:, 1::2] *= -1  # what is odd in a face changes its sign
    labels = {"smile": x[:, :50:2].sum(axis=1), "gaze": x[:, 1:50:2].sum(axis=1)}
    labels["smile"][::9] = np.nan
    classifiers, unseen = fit_classifiers(x, labels, mirrored=mirrored)
    plain, other = classifiers.predict(x), classifiers.predict(mirrored)
    assert np.allclose(plain[:, 0], other[:, 0])
    assert np.allclose(plain[:, 1], -other[:, 1])
    assert unseen["gaze"].shape == (120,)


def test_a_mirror_image_does_not_tell_the_label_of_a_face_that_is_to_be_judged_unseen():
    rng = np.random.RandomState(4)
    x = rng.randn(120, LENGTH)
    labels = {"noise": rng.randn(120)}
    _, unseen = fit_classifiers(x, labels, mirrored=x.copy())
    assert abs(np.corrcoef(unseen["noise"], labels["noise"])[0, 1]) < 0.3


def test_new_classifiers_keep_the_units_that_the_dials_count_in():
    rng = np.random.RandomState(3)
    fitted = Classifiers(
        ("smile", "new"), np.zeros(4), np.ones(4), rng.randn(4, 2), np.zeros(2), *np.ones((3, 2))
    )
    x = rng.randn(500, 4)
    scores = fitted.predict(x)
    regressor = SimpleNamespace(
        names=("smile", "yaw"), mean=np.array([0.7, 0]), spread=np.array([0.2, 1])
    )
    unseen = {name: scores[:, k] for k, name in enumerate(fitted.names)}
    kept = with_units(fitted, unseen, regressor).predict(x)
    assert kept[:, 0].mean() == pytest.approx(0.7)
    assert kept[:, 0].std() == pytest.approx(0.2)
    assert np.allclose(kept[:, 1], scores[:, 1])  # nothing is known of it
    assert np.corrcoef(kept[:, 0], scores[:, 0])[0, 1] == pytest.approx(1)


def test_natural_ranges_are_measured_anew_and_the_direction_stays(tmp_path):
    before = read_direction(BUNDLED_SPACE, "hair_red")
    write_direction(before, folder=tmp_path)
    scores = np.linspace(-1, 4, 1000)
    renew_ranges(BUNDLED_SPACE, "hair_red", scores, folder=tmp_path)
    after = read_direction(BUNDLED_SPACE, "hair_red", folder=tmp_path)
    assert after.meta.natural == pytest.approx((-0.95, 3.95), abs=0.01)
    assert after.meta.safe[0] < -0.95 < 3.95 < after.meta.safe[1]
    assert np.array_equal(after.vector, before.vector)
    assert replace(after.meta, natural=before.meta.natural, safe=before.meta.safe) == before.meta
