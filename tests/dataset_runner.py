"""Makes datasets of drawn faces, each in a process that tests can kill.

For each line "OUT<tab>seconds a picture" on its input a copy of this process makes that dataset;
its number is printed, and how it ended. Copies begin at once, where a new interpreter takes
seconds to import what it needs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import numpy as np  # noqa: E402
from fakes import FakeGenerator  # noqa: E402

from facegen.datasets.folder import finish, is_finished, open_folder  # noqa: E402
from facegen.datasets.job import Tools, make_person  # noqa: E402
from facegen.datasets.people import new_people  # noqa: E402
from facegen.datasets.plan import Plan  # noqa: E402
from facegen.editing.dial_set import DialSet  # noqa: E402
from facegen.measure.measurer import Measurement  # noqa: E402
from facegen.measure.pose import load_shape  # noqa: E402


class MeanFace:
    """Instruments that see the mean face in every picture."""

    def angles(self, image: np.ndarray) -> Measurement:
        return Measurement({"yaw": 0.0, "pitch": 0.0, "roll": 0.0}, 0.5 + 0.3 * load_shape()[:, :2])

    def measure(self, image: np.ndarray, *, details: bool = True) -> Measurement:
        return self.angles(image)


def load_tools(model: str) -> Tools:
    """What a worker on a cluster draws and measures with."""
    return tools_of(FakeGenerator())


def tools_of(generator: FakeGenerator) -> Tools:
    """What pictures of this generator are made with."""
    return Tools(generator, DialSet.load(generator.space, own=False), MeanFace())


def main(out: Path, delay_s: float) -> None:
    generator = FakeGenerator(delay_s=delay_s, preview_delay_s=delay_s)
    plan = Plan(max_angle=10, step=10, random=3, size=256, measure="none")
    people = new_people(generator, 2, seed=5, psi=0.7)
    open_folder(out, plan, people, generator.model)
    if not is_finished(out):
        for number, (name, face) in enumerate(people):
            make_person(out, plan, name, face, number, tools_of(generator))
        finish(out, plan, people)


def serve() -> None:
    tools_of(FakeGenerator())  # read once, for all copies
    for line in sys.stdin:
        out, delay_s = line.split("\t")
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                main(Path(out), float(delay_s))
                code = 0
            finally:
                os._exit(code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
