"""Projecting pictures: numbers fall, cancelling keeps the best, bad input is refused."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.errors import LatentError, ModelError, UsageError
from facegen.invert.project import Projector

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def projector(generator):
    return Projector(generator)


def test_steps_bring_the_picture_nearer(projector, generator):
    crop = generator.render(generator.w_from_seed(3))
    losses = []
    found = projector.project(crop, steps=6, done=lambda step: losses.append(step.loss) or True)
    assert len(losses) == found.steps == 6
    assert losses[-1] < 0.8 * losses[0]
    assert found.w_plus.shape == (18, 512)
    assert not found.stopped


def test_stopping_keeps_the_best_so_far(projector, generator):
    crop = generator.render(generator.w_from_seed(3))
    found = projector.project(crop, steps=6, done=lambda step: step.number < 2)
    assert found.stopped
    assert found.steps == 2
    assert np.isfinite(found.w_plus).all()


def test_pictures_that_are_not_square_are_refused(projector):
    with pytest.raises(LatentError, match="square"):
        projector.project(np.zeros((128, 256, 3), np.uint8))


def test_absurd_numbers_of_steps_are_refused(projector):
    with pytest.raises(UsageError, match="1 to"):
        projector.project(np.zeros((256, 256, 3), np.uint8), steps=0)


def test_networks_without_gradients_are_refused():
    with pytest.raises(ModelError):
        Projector(object())
