"""Previews agree with the full picture that was shown before them."""

from __future__ import annotations

import io

import numpy as np
from fakes import FakeGenerator
from PIL import Image

from facegen.images import encode_jpeg, resized
from facegen.masks import Mask
from facegen.operations import KeepRest
from facegen.service.preview_match import Beginning
from facegen.service.render import RenderService


class Tinted(FakeGenerator):
    """The small network sees everything 20 levels too red."""

    def preview(self, w_plus):
        drawn = super().preview(w_plus).astype(int)
        return np.clip(drawn + np.array([20, 0, 0]), 0, 255).astype(np.uint8)


def off(service, generator, w_plus, session):
    """How far a preview is from the full picture, of 255."""
    shown = service.preview(service.request(w_plus), session=session)
    picture = np.asarray(Image.open(io.BytesIO(shown.jpeg))).astype(float)
    assert len(picture) == generator.preview_size
    return np.abs(picture - FakeGenerator.preview(generator, w_plus)).mean()


def test_a_preview_near_the_picture_last_shown_agrees_with_it():
    generator = Tinted()
    service = RenderService(generator)
    start = generator.w_from_seed(3)
    service.render(service.request(start), session="a")
    near = start + np.float32(0.002)
    assert off(service, generator, near, "b") > 5  # Somebody else was shown nothing yet.
    assert off(service, generator, near, "a") < 3.5
    assert off(service, generator, near, "b") > 5  # Nor does one visitor get another's.


def test_what_was_wrong_on_another_person_says_nothing():
    generator = Tinted()
    service = RenderService(generator)
    service.render(service.request(generator.w_from_seed(3)), session="a")
    far = generator.w_from_seed(3) + np.float32(1.0)
    assert off(service, generator, far, "a") == off(service, generator, far, "b")


def test_a_preview_is_mended_only_where_nothing_moved():
    start = np.full((64, 64, 3), 100, np.uint8)
    full = np.full((256, 256, 3), 120, np.uint8)
    beginning = Beginning.of(encode_jpeg(full, quality=95), start)
    now = start.copy()
    now[:, 32:] = 220
    mended = beginning.mend(now).astype(int)
    assert np.abs(mended[:, :24] - 120).max() <= 2
    assert np.abs(mended[:, 40:] - 220).max() <= 2


def test_where_the_rest_is_kept_a_preview_agrees_with_it_however_far_the_edit():
    generator = Tinted()
    service = RenderService(generator)
    start = generator.w_from_seed(3)
    service.render(service.request(start), session="a")
    left = np.zeros((256, 256), bool)
    left[:, :128] = True
    keep = KeepRest.of(start, Mask.of(left))
    shown = service.preview(
        service.request(start + np.float32(2.0), operations=(keep,)), session="a"
    )
    picture = np.asarray(Image.open(io.BytesIO(shown.jpeg))).astype(float)
    right = (picture - FakeGenerator.preview(generator, start))[:, 140:]
    assert np.abs(right).mean() < 3.5


def test_a_drag_begins_with_the_picture_that_was_there(generator):
    service = RenderService(generator)
    start = generator.w_from_seed(970_004, 0.7)
    service.render(service.request(start), session="a")
    near = start + np.float32(0.004)
    full = resized(generator.render(near), generator.preview_size).astype(float)
    misses = {}
    for session in ("a", "b"):
        jpeg = service.preview(service.request(near), session=session).jpeg
        misses[session] = np.abs(np.asarray(Image.open(io.BytesIO(jpeg))) - full).mean()
    assert misses["a"] < 0.7 * misses["b"]
