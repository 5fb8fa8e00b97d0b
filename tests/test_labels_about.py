"""What the About page says of the faces is what the labels hold."""

from __future__ import annotations

import re

import numpy as np
import pytest

from facegen.learning.labels import read_labels
from facegen.ui.pages.about import TEXT


@pytest.fixture(scope="module")
def labels():
    return read_labels()[1]


def percent(which: np.ndarray, among: np.ndarray | None = None) -> float:
    return 100 * float(which.mean() if among is None else which[among].mean())


def said(pattern: str) -> list[int]:
    """The numbers of the only place of the page where the pattern stands."""
    found = re.findall(pattern.replace(" ", r"\s+"), TEXT)
    assert len(found) == 1, f"'{pattern}' stands {len(found)} times on the page"
    groups = found[0] if isinstance(found[0], tuple) else (found[0],)
    return [int(group.replace(",", "")) for group in groups]


def test_the_number_of_faces_is_told(labels):
    assert said(r"Of ([\d,]+) faces") == [len(labels["age"])]


def test_the_ages_are_told(labels):
    age = labels["age"]
    young, old = said(r"(\d+) % look 20 to 39 years old and under (\d+) % look 60 or older")
    assert young == round(percent((age >= 20) & (age < 40)))
    assert old - 1 < percent(age >= 60) < old


def test_the_skin_tones_are_told(labels):
    skin = labels["skin"]
    light, dark = said(r"(\d+) % have light skin \(1 or 2 on a scale of 6\), (\d+) % dark skin")
    assert light == round(percent(skin <= 2))
    assert dark == round(percent(skin >= 5))


def test_glasses_and_age_are_told(labels):
    age, glasses = labels["age"], labels["glasses"] > 0
    older, younger = said(
        r"(\d+) % of the drawn people .{2,10}?40.{0,10}? wear glasses, (\d+) % of"
    )
    assert older == round(percent(glasses, age >= 40))
    assert younger == round(percent(glasses, age < 40))
