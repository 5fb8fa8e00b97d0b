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
from facegen.operations import MovePicture, UnknownOperation
from facegen.retouch.transform import Motion, move_picture
from facegen.service.queue import RenderQueue
from facegen.service.render import UNEXPECTED, RenderService

PATIENCE = 60  # seconds until a wait gives up


@pytest.fixture
def generator() -> FakeGenerator:
    return FakeGenerator()


@pytest.fixture
def service(generator: FakeGenerator) -> RenderService:
    return RenderService(generator)


def test_render_gives_a_jpeg_of_the_asked_size(service, generator):
    result = service.render(service.request(generator.w_from_seed(1)), session="a")
    assert Image.open(io.BytesIO(result.jpeg)).size == (1024, 1024)
    assert result.error is None
    assert not result.cached
    assert result.size == 1024


def test_equal_latents_are_rendered_once(service, generator):
    first = service.render(service.request(generator.w_from_seed(1)), session="a")
    again = service.render(service.request(generator.w_from_seed(1).copy()), session="b")
    assert again.cached
    assert again.jpeg == first.jpeg
    assert generator.rendered == 1


def test_preview_is_small_and_gives_the_full_picture_when_known(service, generator):
    w_plus = generator.w_from_seed(3)
    assert service.preview(service.request(w_plus), session="a").size == generator.preview_size
    service.render(service.request(w_plus), session="a")
    assert service.preview(service.request(w_plus), session="a").size == 1024


def test_image_is_what_the_generator_makes(service, generator):
    w_plus = generator.w_from_seed(3)
    assert np.array_equal(service.image(service.request(w_plus)), generator.render(w_plus))


def test_known_errors_come_back_as_their_sentence(service, generator, monkeypatch):
    def fail(w_plus, *, size):
        raise LatentError("The latent must have the shape (18, 512).")

    monkeypatch.setattr(generator, "render", fail)
    result = service.render(service.request(generator.w_from_seed(1)), session="a")
    assert result.jpeg is None
    assert result.error == "The latent must have the shape (18, 512)."


def test_a_crash_becomes_a_friendly_sentence_and_is_not_remembered(service, generator, monkeypatch):
    def fail(w_plus, *, size):
        raise RuntimeError("segment 7 exploded")

    request = service.request(generator.w_from_seed(1))
    with monkeypatch.context() as patch:
        patch.setattr(generator, "render", fail)
        assert service.render(request, session="a").error == UNEXPECTED
    assert service.render(request, session="a").error is None


class Gated(FakeGenerator):
    """Draws when `go` is set; `begun` says that it was asked to."""

    max_batch = 8

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go = threading.Event(), threading.Event()
        self.batches: list[int] = []

    def render(self, w_plus, *, size=1024):
        singles = w_plus if w_plus.ndim == 3 else w_plus[None]
        self.batches.append(len(singles))
        self.begun.set()
        assert self.go.wait(PATIENCE)
        drawn = np.stack([super(Gated, self).render(w, size=size) for w in singles])
        return drawn if w_plus.ndim == 3 else drawn[0]


def wait_until(is_so):
    """Wait for another thread, for as long as a busy machine may take."""
    for _ in range(PATIENCE * 1000):
        if is_so():
            return
        time.sleep(0.001)
    raise AssertionError("Waited in vain.")


def test_a_waiting_request_is_dropped_when_its_session_wants_something_newer():
    generator = Gated()
    generator.max_batch = 1
    service = RenderService(generator)
    results = {}

    def ask(name: str, session: str, seed: int) -> None:
        results[name] = service.render(
            service.request(generator.w_from_seed(seed)), session=session
        )

    threads = []
    for name, session, seed in [
        ("busy", "x", 1),
        ("old", "a", 2),
        ("new", "a", 3),
        ("other", "b", 4),
    ]:
        threads.append(threading.Thread(target=ask, args=(name, session, seed)))
        threads[-1].start()
        generator.begun.wait(PATIENCE)
        wait_until(lambda: service.waiting == len(threads) - 1)
    generator.go.set()
    for thread in threads:
        thread.join()
    assert results["old"].stale
    assert results["old"].jpeg is None
    assert all(results[name].jpeg for name in ("busy", "new", "other"))
    assert generator.rendered == 3


class SlowDraw:
    """Draws latents as they are; the first batch takes until `go` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.batches: list[tuple[object, list[int]]] = []

    def __call__(self, kind, w_pluses):
        self.batches.append((kind, [int(w[0]) for w in w_pluses]))
        self.go.wait(PATIENCE)
        if any(w[0] == 13 for w in w_pluses):
            raise LatentError("Thirteen is refused.")
        return [w * 2 for w in w_pluses]


def ask_all(queue, draw, wanted):
    """Ask for (kind, number) pairs one after the other while the network is busy."""
    answers = {}

    def ask(place, kind, number):
        try:
            image, _ = queue.ask(kind, np.array([number]), key=number)
            answers[place] = int(image[0])
        except LatentError as err:
            answers[place] = str(err)

    threads = []
    for place, (kind, number) in enumerate(wanted):
        threads.append(threading.Thread(target=ask, args=(place, kind, number)))
        threads[-1].start()
        wait_until(lambda: draw.batches and queue.waiting >= place)  # noqa: B023
    draw.go.set()
    for thread in threads:
        thread.join()
    return [answers[place] for place in range(len(wanted))]


def test_requests_are_served_one_by_one_in_the_order_of_arrival():
    draw = SlowDraw()
    queue = RenderQueue(draw)
    assert ask_all(queue, draw, [("full", n) for n in range(6)]) == [0, 2, 4, 6, 8, 10]
    assert draw.batches == [("full", [n]) for n in range(6)]
    assert queue.waiting == 0


def test_what_waits_for_the_same_kind_is_drawn_together():
    draw = SlowDraw()
    queue = RenderQueue(draw, lambda: 3)
    wanted = [("full", 0), ("full", 1), ("small", 2), ("full", 3), ("full", 4), ("full", 5)]
    assert ask_all(queue, draw, wanted) == [0, 2, 4, 6, 8, 10]
    # Who waited longest is next, whatever came with the one before.
    assert draw.batches == [("full", [0]), ("full", [1, 3, 4]), ("small", [2]), ("full", [5])]


def test_equal_requests_in_a_batch_are_drawn_once():
    draw = SlowDraw()
    wanted = [("full", 0), ("full", 7), ("full", 7), ("full", 8), ("full", 7)]
    assert ask_all(RenderQueue(draw, lambda: 2), draw, wanted) == [0, 14, 14, 16, 14]
    assert draw.batches == [("full", [0]), ("full", [7, 8])]


def test_a_refused_latent_spoils_nobody_elses_picture():
    draw = SlowDraw()
    wanted = [("full", 0), ("full", 1), ("full", 13), ("full", 3)]
    refused = "Thirteen is refused."
    assert ask_all(RenderQueue(draw, lambda: 8), draw, wanted) == [0, 2, refused, 6]


def test_simultaneous_sessions_share_a_batch(generator):
    """With an engine that draws batches, the service hands them over and parts the pictures."""

    gated = Gated()
    service = RenderService(gated)
    results = {}

    def ask(seed):
        w_plus = generator.w_from_seed(seed)
        request = service.request(w_plus).at(64)
        results[seed] = service.render(request, session=f"visitor {seed}")

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(6)]
    for place, thread in enumerate(threads):
        thread.start()
        wait_until(lambda: gated.batches and service.waiting == place)  # noqa: B023
    gated.go.set()
    for thread in threads:
        thread.join()
    assert gated.batches == [1, 5]
    alone = RenderService(FakeGenerator())
    for seed, result in results.items():
        request = alone.request(generator.w_from_seed(seed)).at(64)
        want = alone.render(request, session="x")
        assert result.jpeg == want.jpeg


def test_what_users_should_know_of_the_engine_is_passed_on(service, generator):
    assert service.notice is None
    generator.notice = "The graphics card does not answer any more."
    assert service.notice == "The graphics card does not answer any more."


def test_thumb_is_a_small_jpeg(service, generator):
    jpeg = service.thumb(service.request(generator.w_from_seed(1)))
    assert Image.open(io.BytesIO(jpeg)).size == (128, 128)


def test_what_is_done_in_a_picture_is_part_of_what_is_remembered(service, generator):
    w_plus = generator.w_from_seed(4)
    plain, rolled = service.request(w_plus), service.request(w_plus, operations=(MovePicture(20),))
    assert service.render(plain, session="a").jpeg != service.render(rolled, session="a").jpeg
    assert service.thumb(plain) != service.thumb(rolled)
    assert service.render(rolled, session="b").cached
    assert np.array_equal(
        service.image(rolled), move_picture(generator.render(w_plus), Motion(roll=20))
    )


def test_what_a_newer_version_did_is_one_sentence(service, generator):
    newer = (UnknownOperation("relight", "{}"),)
    request = service.request(generator.w_from_seed(4), operations=newer)
    result = service.render(request, session="a")
    assert result.jpeg is None
    assert "relight" in result.error
