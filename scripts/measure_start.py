"""Measure how long Python and the command line take to start: `python -m scripts.measure_start`.

Prints medians on a warm disk, of the wall clock and of processor time; the latter does not suffer
from other work on the machine. A table for docs/results/performance.md.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from facegen import Face, Generator

RUNS = 15
WARM_UP = 2


def measure(command: list[str]) -> tuple[float, float]:
    """Median (wall, processor) seconds of a command."""
    wall, busy = [], []
    for index in range(WARM_UP + RUNS):
        before, begun = os.times(), time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        spent, after = time.perf_counter() - begun, os.times()
        if index >= WARM_UP:
            wall.append(spent)
            busy.append(
                after.children_user - before.children_user
                + after.children_system - before.children_system
            )  # fmt: skip
    return statistics.median(wall), statistics.median(busy)


def main() -> None:
    """Print the table."""
    generator = Generator.load()
    face = Face.from_seed(generator, 7)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.png"
        face.save(path, generator.render(face.w_plus))
        rows = {
            "Python alone": [sys.executable, "-c", "pass"],
            "`import facegen`": [sys.executable, "-c", "import facegen"],
            "`import facegen; facegen.Face`": [
                sys.executable,
                "-c",
                "import facegen; facegen.Face",
            ],
            "`facegen show x.png`": [sys.executable, "-m", "facegen", "show", str(path)],
        }
        print("| | wall clock | processor |\n| --- | ---: | ---: |")
        for name, command in rows.items():
            wall, busy = measure(command)
            print(f"| {name} | {wall:.2f} s | {busy:.2f} s |")


if __name__ == "__main__":
    main()
