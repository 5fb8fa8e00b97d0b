"""Scores as answers: probabilities are as frequent as they say, thresholds are the best ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from facegen.cli import cli
from facegen.errors import BadFileError, ModelError
from facegen.learning.labels import read_labels
from facegen.learning.probabilities import (
    QUESTIONS,
    as_markdown,
    best_threshold,
    calibration_error,
    fit_channel,
    fit_line,
    require_in_use,
    write_table,
)
from facegen.measure.classifiers import Classifiers, load_classifiers
from facegen.measure.probabilities import load_probabilities, write_probabilities


@pytest.fixture(scope="module")
def scored():
    """Scores of a rare thing, as a regression gives them, and whether it is there."""
    rng = np.random.RandomState(0)
    yes = rng.uniform(size=4000) < 0.1
    return 0.05 + 0.4 * yes + 0.12 * rng.randn(4000), yes, rng.randint(0, 5, 4000)


@pytest.fixture(scope="module")
def fit(scored):
    scores, yes, folds = scored
    labels = np.where(np.arange(len(yes)) % 50 == 0, np.nan, yes.astype(float))
    return fit_channel(scores, labels, folds, 0.5, "has it")


def test_probabilities_are_as_frequent_as_they_say(scored, fit):
    scores, yes, _ = scored
    told = np.array([fit.channel.probability(score) for score in scores])
    assert told.mean() == pytest.approx(yes.mean(), abs=0.01)
    sure = told > 0.8
    assert yes[sure].mean() == pytest.approx(told[sure].mean(), abs=0.05)
    assert fit.channel.error < 0.02 < fit.raw_error


def test_the_threshold_balances_both_answers(scored, fit):
    scores, yes, _ = scored
    one = fit.channel
    called = np.array([one.is_yes(score) for score in scores])
    balanced = (called[yes].mean() + (~called[~yes]).mean()) / 2
    assert one.balanced == pytest.approx(balanced, abs=0.02)
    assert one.balanced > fit.at_half + 0.2
    assert 0.2 < one.threshold < 0.3
    assert one.probability(one.threshold) < 0.5  # it is rare


def test_unknown_labels_are_left_out(scored, fit):
    assert fit.channel.faces == len(scored[0]) * 49 // 50
    assert fit.channel.yes == pytest.approx(0.45, abs=0.01)
    assert fit.channel.no == pytest.approx(0.05, abs=0.01)


def test_a_line_is_found_where_the_logit_is_one():
    rng = np.random.RandomState(1)
    scores = rng.randn(20_000)
    yes = rng.uniform(size=20_000) < 1 / (1 + np.exp(-(2 * scores - 1)))
    assert fit_line(scores, yes) == pytest.approx((2, -1), abs=0.1)


def test_of_equally_good_thresholds_the_middle_is_taken():
    scores = np.concatenate([np.linspace(0, 0.2, 100), np.linspace(0.8, 1, 100)])
    threshold = best_threshold(scores, np.arange(200) >= 100)
    assert 0.2 < threshold < 0.81


def test_error_is_the_distance_from_what_is_so():
    yes = np.arange(1000) % 2 == 0
    assert calibration_error(np.full(1000, 0.5), yes) == pytest.approx(0, abs=0.01)
    assert calibration_error(np.full(1000, 0.9), yes) == pytest.approx(0.4, abs=0.01)


def test_other_classifiers_than_those_in_use_are_refused():
    rng = np.random.RandomState(2)
    x = rng.randn(50, 4)

    def of(weights):
        ones = np.ones(2)
        return Classifiers(("a", "b"), np.zeros(4), np.ones(4), weights, np.zeros(2), *[ones] * 3)

    weights = rng.randn(4, 2)
    require_in_use(of(weights), of(weights), x)
    with pytest.raises(ModelError, match="classifier of b in use is not the one"):
        require_in_use(of(weights), of(weights * [1, -1]), x)


def test_every_question_is_about_labels_and_has_a_classifier():
    _, labels = read_labels()
    for name, (cut, question) in QUESTIONS.items():
        known = labels[name][np.isfinite(labels[name])]
        assert known.min() < cut < known.max()
        assert question
        assert name in load_classifiers().names


def test_the_file_in_use_answers_every_question():
    known = load_probabilities()
    assert set(known) == set(QUESTIONS)
    for name, one in known.items():
        assert one.no < one.threshold < one.yes, name
        assert one.balanced > 0.7, name
        assert one.slope > 0, name
        assert one.error < 0.05, name
        assert one.probability(1e9) == pytest.approx(1) != one.probability(-1e9)


def test_a_file_written_is_read_again(fit, tmp_path):
    path = tmp_path / "probabilities.json"
    write_probabilities({"hat": fit.channel}, "a command", path)
    found = load_probabilities(path)["hat"]
    assert found.threshold == pytest.approx(fit.channel.threshold, abs=1e-5)
    assert found.question == "has it"
    assert json.loads(path.read_text())["made_by"] == "a command"


@pytest.mark.parametrize("text", ["", "{}", '{"channels": {}}', '{"channels": {"hat": {"a": 1}}}'])
def test_a_damaged_file_is_a_sentence(tmp_path, text):
    path = tmp_path / "probabilities.json"
    path.write_text(text)
    with pytest.raises(BadFileError, match="Restore it"):
        load_probabilities(path)


def test_the_table_replaces_the_one_before(fit, tmp_path):
    path = tmp_path / "measure.md"
    path.write_text("# A\n\n## Probabilities\n\nformer text\n\n## After\n\nkept\n")
    for _ in range(2):
        write_table({"hat": fit}, "a command", path)
    text = path.read_text()
    assert text.count("| hat | has it |") == text.count("## Probabilities") == 1
    assert "former text" not in text
    assert text.endswith("|\n\n## After\n\nkept\n")
    path.write_text("# A\n")
    with pytest.raises(ModelError, match="no heading"):
        write_table({"hat": fit}, "a command", path)
    assert "`a command`" in as_markdown({"hat": fit}, "a command")


def test_too_few_faces_are_a_sentence(monkeypatch):
    monkeypatch.setattr("facegen.cli.dials.load_generator", lambda *_, **__: None)
    result = CliRunner().invoke(cli, ["directions", "probabilities", "--faces", "3"])
    assert result.exit_code == 1
    assert "Take 200 to 1764 labelled faces, got 3." in result.output
