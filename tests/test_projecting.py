"""Finding a person behind the page: progress, stopping, and others who go first."""

from __future__ import annotations

import io
import threading
import time

import numpy as np
import pytest
from fake_projector import FakeProjector
from fakes import FakeGenerator
from PIL import Image

from facegen.errors import UsageError
from facegen.service import projecting
from facegen.service.projecting import ProjectionJob, steps_for
from facegen.service.render import RenderService
from facegen.service.turns import Turns

PATIENCE = 60  # seconds until a wait gives up
CROP = np.full((256, 256, 3), 90, np.uint8)


@pytest.fixture
def service() -> RenderService:
    return RenderService(FakeGenerator())


@pytest.fixture
def made(monkeypatch):
    """Every projector that was loaded; `made.options` are those of the next one."""

    class Made(list):
        options: dict = {}  # noqa: RUF012

    found = Made()

    def load(generator):
        found.append(FakeProjector(generator, **found.options))
        return found[-1]

    monkeypatch.setattr(projecting, "load_projector", load)
    return found


def until(is_so) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)


def test_a_person_is_found_with_a_picture_and_numbers(service, made):
    job = ProjectionJob(service, CROP, steps=6).start()
    job.wait(PATIENCE)
    assert job.is_done
    assert job.error is None
    assert (job.step, job.of, job.found.steps) == (6, 6, 6)
    assert not job.found.stopped
    assert job.found.numbers["identity"] == 0.91
    goal = made[0]._goal(CROP)
    assert np.allclose(job.found.w_plus, goal, atol=1e-5)
    assert np.array_equal(job.found.image, service.generator.render(job.found.w_plus))
    assert Image.open(io.BytesIO(job.jpeg)).size == (512, 512)
    with pytest.raises(ValueError, match="read-only"):
        job.found.w_plus[0, 0] = 1.0


def test_the_first_look_is_shown_before_the_first_step(service, made):
    made.options = {"step_s": 0.3}
    job = ProjectionJob(service, CROP, steps=4).start()
    until(lambda: job.jpeg is not None)
    assert job.step == 0
    first = job.jpeg
    until(lambda: job.jpeg != first)
    job.stop()
    job.wait(PATIENCE)


def test_stopping_keeps_the_best_so_far_and_makes_no_further_step(service, made):
    made.options = {"step_s": 0.02}
    job = ProjectionJob(service, CROP, steps=1000).start()
    until(lambda: job.step >= 3)
    assert job.seconds_left > 1
    job.stop()
    job.wait(PATIENCE)
    assert job.is_done
    assert job.error is None
    assert job.found.stopped
    assert 3 <= job.found.steps < 1000
    steps = made[0].steps_made
    assert job.found.steps == steps
    time.sleep(0.1)
    assert made[0].steps_made == steps


def test_a_failure_is_a_sentence_and_the_next_one_gets_its_turn(service, made):
    made.options = {"breaks_at": 3}
    job = ProjectionJob(service, CROP, steps=6).start()
    job.wait(PATIENCE)
    assert job.is_done
    assert job.found is None
    assert job.error == "The network is gone; choose another one."
    made.options = {}
    again = ProjectionJob(service, CROP, steps=2).start()
    again.wait(PATIENCE)
    assert again.found is not None


def test_a_defect_is_told_without_its_text(service, monkeypatch):
    def broken(generator):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(projecting, "load_projector", broken)
    job = ProjectionJob(service, CROP, steps=2).start()
    job.wait(PATIENCE)
    assert job.error == projecting.UNEXPECTED


def test_two_visitors_go_on_in_turn(service, made, monkeypatch):
    monkeypatch.setattr(projecting, "_turns", Turns(1))
    made.options = {"step_s": 0.02}
    one = ProjectionJob(service, CROP, steps=40).start()
    until(lambda: one.step >= 2)
    other = ProjectionJob(service, CROP // 2, steps=40).start()
    until(lambda: other.step >= 10)
    assert not one.is_done
    assert one.step < 30, "the first one waits for the second"
    for job in (one, other):
        job.stop()
        job.wait(PATIENCE)
        assert job.found.stopped


def test_a_projector_that_lets_one_in_at_a_time_stops_nobody(service, made, monkeypatch):
    monkeypatch.setattr(projecting, "_turns", Turns(1))
    inside, plain = threading.Lock(), FakeProjector.project

    def one_at_a_time(self, crop, **options):
        with inside:
            return plain(self, crop, **options)

    monkeypatch.setattr(FakeProjector, "project", one_at_a_time)
    made.options = {"step_s": 0.01}
    jobs = [ProjectionJob(service, CROP // n, steps=20).start() for n in (1, 2, 3)]
    for job in jobs:
        job.wait(PATIENCE)
        assert job.found.steps == 20


def test_what_a_judge_tells_comes_along_and_a_broken_one_costs_nothing(service, made):
    seen = []

    def judge(crop, image):
        seen.append((crop.shape, image.shape))
        return {"identity": 0.5}

    job = ProjectionJob(service, CROP, steps=2, judge=judge).start()
    job.wait(PATIENCE)
    assert seen == [((256, 256, 3), (1024, 1024, 3))]
    assert job.found.numbers["identity"] == 0.5
    job = ProjectionJob(service, CROP, steps=2, judge=lambda crop, image: 1 / 0).start()
    job.wait(PATIENCE)
    assert job.found.numbers["structure"] == 0.62


def test_one_that_waits_for_its_turn_can_be_stopped(service, made, monkeypatch):
    turns = Turns(1)
    monkeypatch.setattr(projecting, "_turns", turns)
    turns.take()
    job = ProjectionJob(service, CROP, steps=3).start()
    until(lambda: job.is_waiting)
    job.stop()
    job.wait(PATIENCE)
    assert job.is_done
    assert job.found is None
    assert job.error == projecting.STOPPED_EARLY
    assert not made


def test_whoever_draws_goes_first_but_not_for_ever(service, made, monkeypatch):
    monkeypatch.setattr(projecting, "MOST_PAUSE_SECONDS", 0.5)
    job = ProjectionJob(service, CROP, steps=1000).start()
    until(lambda: job.step >= 1)
    seed, end, pictures = 0, time.monotonic() + 2.2, 0
    before = job.step
    while time.monotonic() < end:  # a hand that drags
        seed += 1
        service.preview(service.request(service.generator.w_from_seed(seed)), session="dragging")
        pictures += 1
        time.sleep(0.05)
    during = job.step - before
    job.stop()
    job.wait(PATIENCE)
    assert 1 <= during <= 8
    assert pictures > 10


def test_the_environment_may_ask_for_a_number_of_steps(monkeypatch):
    assert steps_for(60) == 60
    monkeypatch.setenv(projecting.STEPS_VARIABLE, "3")
    assert steps_for(60) == 3
    monkeypatch.setenv(projecting.STEPS_VARIABLE, "many")
    with pytest.raises(UsageError, match="is a number of steps"):
        steps_for(60)


def test_turns_go_to_who_has_waited_longest():
    turns, order = Turns(1), []
    turns.take()

    def work(name):
        turns.take()
        order.append(name)
        turns.give()

    threads = []
    for name in range(5):
        threads.append(threading.Thread(target=work, args=(name,)))
        threads[-1].start()
        until(lambda name=name: turns.waiting == name + 1)
    turns.give()
    for thread in threads:
        thread.join(PATIENCE)
    assert order == [0, 1, 2, 3, 4]
