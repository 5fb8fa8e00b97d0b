"""Makes a dataset of drawn faces, as a process that tests can kill: OUT [seconds a picture]."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import numpy as np  # noqa: E402
from fakes import FakeGenerator  # noqa: E402

from facegen.datasets.job import Plan, Tools, finish, is_finished, make_person, open_folder  # noqa: E402
from facegen.datasets.people import new_people  # noqa: E402
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
    generator = FakeGenerator(delay_s=delay_s)
    plan = Plan(max_angle=10, step=10, random=3, size=256, measure="none")
    people = new_people(generator, 2, seed=5, psi=0.7)
    open_folder(out, plan, people, generator.model)
    if not is_finished(out):
        for number, (name, face) in enumerate(people):
            make_person(out, plan, name, face, number, tools_of(generator))
        finish(out, plan, people)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
