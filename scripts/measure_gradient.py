"""What holding a person costs by the number of threads: `python -m scripts.measure_gradient`.

One gradient of `facegen.optimise.identity` with 1 and 2 threads, with the cores free and beside a
process on every core that counts without end; rounds are interleaved. "Results" counts the
different latents that came out of the same input. A table for docs/results/pose.md.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from contextlib import nullcontext

import torch

from facegen import DialSet, Face, Generator
from facegen.measure.measurer import load_measurer
from facegen.optimise import identity
from facegen.pose.head_pose import pose_face
from scripts.test_everywhere import busy_cores

SEED = 700_001
YAW = -25.0
STEPS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    generator = Generator.load()
    face = Face.from_seed(generator, SEED)
    turned = pose_face(face, DialSet.load(generator.space), yaw=YAW, pitch=0.0)
    seen = [load_measurer().angles(generator.preview(one.w_plus)) for one in (face, turned)]
    optimiser = identity.IdentityOptimiser(generator, STEPS)
    goal = optimiser.describe(face.w_plus, seen[0].landmarks)
    identity.one_torch_thread = nullcontext  # the number of threads is what is measured here

    print("| cores | threads | median s | min s | processor s | results |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for cores, work in (("free", nullcontext), ("busy", busy_cores)):
        walls, busies, found = ({n: [] for n in chosen.threads} for _ in range(3))
        with work():
            for _ in range(1 + chosen.rounds):
                for threads in chosen.threads:
                    torch.set_num_threads(threads)
                    begun, spent = time.perf_counter(), time.process_time()
                    kept = optimiser.bring_back(turned.w_plus, seen[1].landmarks, goal)
                    walls[threads].append((time.perf_counter() - begun) / STEPS)
                    busies[threads].append((time.process_time() - spent) / STEPS)
                    found[threads].append(hashlib.sha256(kept.tobytes()).hexdigest())
        for n in chosen.threads:
            wall, busy = walls[n][1:], busies[n][1:]  # the first round warms up
            print(
                f"| {cores} | {n} | {statistics.median(wall):.2f} | {min(wall):.2f} "
                f"| {statistics.median(busy):.2f} | {len(set(found[n]))} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
