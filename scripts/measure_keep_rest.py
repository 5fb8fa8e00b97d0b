"""What it costs to keep the rest of a picture: `python -m scripts.measure_keep_rest`.

Regions are ovals and boxes where an aligned face has its parts. Every round draws a plain picture
and each region with its base known, as while a dial is dragged; times are of the processor (all
threads together) and of the clock, the least of all rounds. Differences are to the exact network on
0 to 255: inside of the mask, and outside to the plain picture of the base.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facegen.engines import Engine, make_engine
from facegen.generator import Generator
from facegen.latents import DEFAULT_MODEL
from facegen.masks import MASK_PX, Mask
from facegen.nets.stylegan2 import SkipPreview, StyleGAN2Synthesis
from facegen.nets.stylegan2_reference import ARCHITECTURES, config_f, random_synthesis
from facegen.nets.synthesis import Preview, Synthesis

REGIONS = {
    "eyes": [(0.39, 0.5, 0.26, 0.74)],
    "mouth": [(0.62, 0.78, 0.35, 0.65)],
    "lower face": [(0.5, 0.86, 0.24, 0.76)],
    "face": [(0.25, 0.86, 0.22, 0.78)],
    "head and hair": [(0.05, 0.86, 0.12, 0.88)],
    "whole person": [(0.05, 0.86, 0.12, 0.88), (0.7, 1.3, 0.0, 1.0)],
}
"""Ovals: top, bottom, left, right in fractions of the edge."""
SEEDS = (900_100, 900_101)
FEATHER = 0.12  # of an oval's radius


def region(name: str) -> Mask:
    """A mask with a soft edge."""
    y, x = (np.mgrid[:MASK_PX, :MASK_PX] + 0.5) / MASK_PX
    far = np.full((MASK_PX, MASK_PX), np.inf)
    for top, bottom, left, right in REGIONS[name]:
        down = (2 * y - top - bottom) / (bottom - top)
        along = (2 * x - left - right) / (right - left)
        far = np.minimum(far, np.hypot(down, along))
    return Mask.of(np.clip((1 - far) / FEATHER, 0, 1))


def memory_mb() -> float:
    """What the process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def timed(run: Callable[[], object]) -> tuple[float, float]:
    """(processor, clock) in milliseconds."""
    clock, processor = time.perf_counter(), time.process_time()
    run()
    return 1e3 * (time.process_time() - processor), 1e3 * (time.perf_counter() - clock)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--engine", default="openvino")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--parity", action="store_true", help="compare with the exact network")
    parser.add_argument("--architecture", help="measure such a network with random weights")
    options = parser.parse_args()

    if options.architecture:
        net: Synthesis = random_synthesis(config_f(ARCHITECTURES[options.architecture]))
        assert isinstance(net, StyleGAN2Synthesis)
        head: Preview = SkipPreview(net)
        rows = [np.random.RandomState(seed).randn(1, net.num_ws, net.w_dim) for seed in SEEDS]
        base, edited = (row.astype(np.float32) for row in rows)
    else:
        generator = Generator.load(options.model, engine="torch")
        net, head = generator.synthesis, generator.head
        base, edited = (generator.w_from_seed(seed)[None, : net.num_ws] for seed in SEEDS)
    engine = make_engine(options.engine, net, head)
    edited = base + 0.5 * (edited - base)
    masks = {name: region(name) for name in REGIONS}
    for kind, plain, blend in (
        ("full", engine.render, engine.blend),
        ("preview", engine.preview, engine.blend_preview),
    ):
        plain(base)
        before = memory_mb()
        first = timed(lambda blend=blend: blend(edited, base, masks["face"]))
        print(f"{kind}: first time {first[1]:.0f} ms, {memory_mb() - before:.0f} MB more")
        before = memory_mb()
        for k in range(20):
            blend(edited, base + 0.01 * (k + 1), masks["face"])
        print(f"{kind}: after 20 other bases {memory_mb() - before:.0f} MB more")
        runs: dict[str, Callable[[], object]] = {"plain": lambda plain=plain: plain(edited)}
        for name, mask in masks.items():
            runs[name] = lambda blend=blend, mask=mask: blend(edited, base, mask)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
        for round_ in range(options.rounds + 1):
            for name, run in runs.items():
                taken = timed(run)
                if round_:
                    times[name].append(taken)
        least = {name: np.min(taken, axis=0) for name, taken in times.items()}
        print("| region | share | processor ms | × plain | clock ms | × plain |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name, (processor, clock) in least.items():
            share = f"{masks[name].share:.0%}" if name in masks else ""
            of_plain = (processor / least["plain"][0], clock / least["plain"][1])
            print(
                f"| {name} | {share} | {processor:.1f} | {of_plain[0]:.2f} | {clock:.1f} | "
                f"{of_plain[1]:.2f} |",
                flush=True,
            )
    if options.parity:
        show_parity(engine, make_engine("torch", net, head), base, edited, masks)


def show_parity(
    engine: Engine, exact: Engine, base: np.ndarray, edited: np.ndarray, masks: dict[str, Mask]
) -> None:
    """Print the largest differences to the exact network and to the base."""
    for kind in ("blend", "blend_preview"):
        plain = engine.render if kind == "blend" else engine.preview
        for name, mask in masks.items():
            got = getattr(engine, kind)(edited, base, mask)[0].astype(int)
            want = getattr(exact, kind)(edited, base, mask)[0]
            outside = mask.at(len(got)) == 0
            far = np.abs(got - want)
            print(
                f"{kind} {name}: inside {far[~outside].max()} (mean {far[~outside].mean():.4f}), "
                f"outside {np.abs(got - plain(base)[0])[outside].max()}",
                flush=True,
            )


if __name__ == "__main__":
    main()
