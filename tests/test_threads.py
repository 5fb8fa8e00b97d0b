"""Nothing that claims reproducible bytes depends on how many threads there are."""

from __future__ import annotations

import threading

import pytest
import torch

from facegen.threads import one_torch_thread
from scripts.same_bytes import digests


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def count_in_a_new_thread() -> int:
    found = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


def test_one_thread_is_for_the_caller_alone(three_threads):
    go, ready, found = threading.Event(), threading.Event(), []

    def other():
        found.append(torch.get_num_threads())
        ready.set()
        go.wait()
        found.append(torch.get_num_threads())

    thread = threading.Thread(target=other)
    thread.start()
    ready.wait()
    with one_torch_thread():
        assert torch.get_num_threads() == 1
        assert count_in_a_new_thread() == 3
        with one_torch_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
        assert count_in_a_new_thread() == 3
        go.set()
        thread.join()
    assert torch.get_num_threads() == 3
    assert count_in_a_new_thread() == 3
    assert found == [3, 3]


def test_the_count_comes_back_after_an_error(three_threads):
    with pytest.raises(ZeroDivisionError), one_torch_thread():
        1 / 0  # noqa: B018
    assert torch.get_num_threads() == 3


@pytest.mark.weights
def test_a_held_person_is_the_same_bytes_with_one_two_and_four_threads():
    """Its latents, previews, landmarks, edits and gradients, each in a process of its own."""
    found = [digests(["held_person"], threads=threads) for threads in (1, 2, 4)]
    assert found[1] == found[0]
    assert found[2] == found[0]


@pytest.mark.weights
def test_previews_are_the_same_bytes_on_one_core_and_on_more():
    """Sweeps find their angles in previews; OpenVINO takes as many threads as there are cores."""
    found = [digests(["previews"], threads=1, cores=cores) for cores in (1, None)]
    assert found[0] == found[1]
