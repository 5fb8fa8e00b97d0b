"""Which way of learning a dial from 20 + 20 examples tells unseen faces apart best?

    python -m scripts.compare_own_methods

Draws 20 faces with and 20 without a label judged by eye, learns, and scores all other labelled
faces; area under the ROC curve, the mean of several draws. The readings that the chosen method
uses do not contain the label in question, nor those that are the same thing: as if the user asked
for something the program does not know. Nothing is rendered.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from facegen.directions import examples
from facegen.directions.examples import Features
from facegen.directions.linear import ridge
from facegen.directions.population import Population, named_readings, population_of
from facegen.directions.recipes import RECIPES, same_things
from facegen.directions.regressor import ROW_GROUPS
from facegen.generator import Generator
from facegen.latents import LABELS_PSI, truncate, z_from_seed
from facegen.learning.labels import read_labels
from facegen.paths import DIRECTIONS_DIR

LABELS = (
    "glasses", "hat", "beard", "bangs", "curls", "hair_blond", "smile", "gender", "lipstick",
    "earrings", "double_chin", "bg_busy",
)  # fmt: skip
EACH = 20
Method = Callable[[np.ndarray, np.ndarray], np.ndarray]


def plain_methods(population: Population) -> dict[str, Method]:
    """Methods that know nothing but w and its covariance: (x [N, 512], y) -> weights [512]."""
    values, vectors = np.linalg.eigh(population.covariance)

    def gap(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return x[y > 0].mean(axis=0) - x[y < 0].mean(axis=0)

    def discriminant(shrinkage: float) -> Method:
        scale = 1.0 / (values + shrinkage * values.mean())
        return lambda x, y: vectors @ (scale * (vectors.T @ gap(x, y)))

    def logistic(c: float) -> Method:
        return lambda x, y: LogisticRegression(C=c, max_iter=1000).fit(x, y).coef_[0]

    def plain_ridge(noise: float) -> Method:
        return lambda x, y: ridge(x, y, noise * np.square(x).sum() / len(y), intercept=True)

    return {
        "difference of the means": gap,
        "discriminant, population covariance + 0.03": discriminant(0.03),
        "discriminant, population covariance + 1": discriminant(1.0),
        "logistic regression of w, C 0.01": logistic(0.01),
        "logistic regression of w, C 1": logistic(1.0),
        "ridge of w, 0.1": plain_ridge(0.1),
        "ridge of w, 1": plain_ridge(1.0),
    }


def same_as(label: str) -> set[str]:
    """Measurements that must not help with a label."""
    left_out = {label}
    for dial, recipe in RECIPES.items():
        if recipe.channel == label:
            left_out |= {dial, *same_things(dial)}
    return left_out | {RECIPES[name].channel for name in left_out if name in RECIPES}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=8)
    parser.add_argument("--folder", type=Path, default=DIRECTIONS_DIR)
    parser.add_argument("--grid", action="store_true", help="Try other shares of the features.")
    args = parser.parse_args()
    generator = Generator.load()
    population = population_of(generator)
    readings = named_readings(generator.space, folder=args.folder)
    seeds, labels = read_labels()
    z = np.concatenate([z_from_seed(int(seed)) for seed in seeds])
    w = truncate(generator.map(z), generator.w_avg, LABELS_PSI) - population.mean
    groups = np.tile(w, (1, len(ROW_GROUPS)))
    plain = plain_methods(population)
    shares = [(examples.PLAIN, examples.NOISE)]
    if args.grid:
        shares = [(p, n) for p in (0.5, 1.0, 2.0) for n in (0.1, 0.3, 1.0)]
    results: dict[str, dict[str, list[float]]] = {}
    for label in LABELS:
        values = labels[label]
        known = np.isfinite(values)
        has = known & (np.nan_to_num(values) > (1 if label == "curls" else 0))
        features = {
            "readings, descriptor and w": Features.of(
                population, readings, without=sorted(same_as(label))
            ),
            "the same, the label's own reading among them": Features.of(population, readings),
        }
        for draw in range(args.draws):
            rng = np.random.RandomState(draw)
            chosen = np.concatenate([
                rng.choice(np.flatnonzero(has), EACH, replace=False),
                rng.choice(np.flatnonzero(known & ~has), EACH, replace=False),
            ])  # fmt: skip
            y = np.r_[np.ones(EACH), -np.ones(EACH)]
            rest = known.copy()
            rest[chosen] = False
            for name, method in plain.items():
                score = roc_auc_score(has[rest], w[rest] @ method(w[chosen], y))
                results.setdefault(name, {}).setdefault(label, []).append(score)
            for name, one in features.items():
                for examples.PLAIN, examples.NOISE in shares:
                    weights = one.fit(groups[chosen], y).reshape(len(ROW_GROUPS), -1).sum(axis=0)
                    text = f"{name} ({examples.PLAIN:g}, {examples.NOISE:g})"
                    score = roc_auc_score(has[rest], w[rest] @ weights)
                    results.setdefault(text, {}).setdefault(label, []).append(score)
    print("| method | " + " | ".join(LABELS) + " | mean |")
    print("| --- |" + " ---: |" * (len(LABELS) + 1))
    for name, per_label in results.items():
        means = [float(np.mean(per_label[label])) for label in LABELS]
        cells = [*means, float(np.mean(means))]
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in cells) + " |")


if __name__ == "__main__":
    main()
