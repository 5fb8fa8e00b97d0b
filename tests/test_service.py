"""The render service: caches, fairness, and errors as sentences."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
from fakes import FakeGenerator
from PIL import Image

from facegen.errors import LatentError
from facegen.service import UNEXPECTED, BoundedCache, FairLock, RenderService, latent_key


@pytest.fixture
def generator() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture
def service(generator: FakeGenerator) -> RenderService:
    return RenderService(generator)


def test_render_gives_a_jpeg_of_the_asked_size(service, generator):
    result = service.render(generator.w_from_seed(1), session="a")
    assert Image.open(io.BytesIO(result.jpeg)).size == (1024, 1024)
    assert result.error is None
    assert not result.cached
    assert result.size == 1024


def test_equal_latents_are_rendered_once(service, generator):
    first = service.render(generator.w_from_seed(1), session="a")
    again = service.render(generator.w_from_seed(1).copy(), session="b")
    assert again.cached
    assert again.jpeg == first.jpeg
    assert generator.rendered == 1


def test_different_latents_have_different_names(generator):
    assert latent_key(generator.w_from_seed(1)) != latent_key(generator.w_from_seed(2))
    assert latent_key(generator.w_from_seed(1)) == latent_key(generator.w_from_seed(1))


def test_preview_is_small_and_gives_the_full_picture_when_known(service, generator):
    w_plus = generator.w_from_seed(3)
    assert service.preview(w_plus, session="a").size == generator.preview_size
    service.render(w_plus, session="a")
    assert service.preview(w_plus, session="a").size == 1024


def test_image_is_what_the_generator_makes(service, generator):
    w_plus = generator.w_from_seed(3)
    assert np.array_equal(service.image(w_plus), generator.render(w_plus))


def test_known_errors_come_back_as_their_sentence(service, generator, monkeypatch):
    def fail(w_plus, *, size):
        raise LatentError("The latent must have the shape (18, 512).")

    monkeypatch.setattr(generator, "render", fail)
    result = service.render(generator.w_from_seed(1), session="a")
    assert result.jpeg is None
    assert result.error == "The latent must have the shape (18, 512)."


def test_a_crash_becomes_a_friendly_sentence_and_is_not_remembered(service, generator, monkeypatch):
    def fail(w_plus, *, size):
        raise RuntimeError("segment 7 exploded")

    with monkeypatch.context() as patch:
        patch.setattr(generator, "render", fail)
        assert service.render(generator.w_from_seed(1), session="a").error == UNEXPECTED
    assert service.render(generator.w_from_seed(1), session="a").error is None


def test_a_waiting_request_is_dropped_when_its_session_wants_something_newer(generator):
    generator.delay_s = 0.2
    service = RenderService(generator)
    results = {}

    def ask(name: str, session: str, seed: int) -> None:
        results[name] = service.render(generator.w_from_seed(seed), session=session)

    threads = []
    for name, session, seed in [
        ("busy", "x", 1),
        ("old", "a", 2),
        ("new", "a", 3),
        ("other", "b", 4),
    ]:
        threads.append(threading.Thread(target=ask, args=(name, session, seed)))
        threads[-1].start()
        time.sleep(0.03)
    for thread in threads:
        thread.join()
    assert results["old"].stale
    assert results["old"].jpeg is None
    assert all(results[name].jpeg for name in ("busy", "new", "other"))
    assert generator.rendered == 3


def test_requests_are_served_in_the_order_of_arrival():
    lock, served = FairLock(), []

    def enter(name: int) -> None:
        with lock:
            served.append(name)

    with lock:
        threads = [threading.Thread(target=enter, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        assert lock.waiting == 6
    for thread in threads:
        thread.join()
    assert served == list(range(6))


def test_caches_are_bounded():
    cache: BoundedCache[int] = BoundedCache(3)
    for n in range(5):
        cache.put((n,), n)
        cache.get((2,))
    assert len(cache) == 3
    assert cache.get((2,)) == 2
    assert cache.get((0,)) is None


def test_thumb_is_a_small_jpeg(service, generator):
    jpeg = service.thumb(generator.w_from_seed(1))
    assert Image.open(io.BytesIO(jpeg)).size == (128, 128)
