"""Thread counts that results do not depend on.

Libraries choose their algorithms and split their sums by the number of their threads, and with it
the last bits of a result change; what is iterated carries them to the pixels. What must give the
same bytes everywhere is computed on one thread: measured, that is also the faster way beside other
work (docs/results/performance.md).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


def one_blas_thread() -> None:
    """Let BLAS use one thread from now on, in this process.

    Limits every BLAS that is loaded (NumPy and SciPy bring one each), so call it after the imports.
    Threads that wait for one another beside a busy network turn the 4 ms of a solved edit into 100
    (docs/notes/app.md).
    """
    threadpool_limits(limits=1, user_api="blas")


def usable_cores() -> int:
    """How many cores this process may use, 1 or more."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Compute with PyTorch on one thread inside; what other threads compute keeps its count.

    `torch.set_num_threads` sets the count of the calling thread, and that of threads which use
    PyTorch for the first time later on; a helper thread puts the latter back at once.
    """
    import torch

    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    helper = threading.Thread(target=torch.set_num_threads, args=(before,))
    helper.start()
    helper.join()
    try:
        yield
    finally:
        torch.set_num_threads(before)
