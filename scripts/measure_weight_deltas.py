"""Ways to draw one face with weights of its own, measured on the bundled network.

A tuned face brings changes to some weights. Measured here, each way's memory and first picture in a
process of its own:

- constants: the graph as it is, without any change (what the others are compared with);
- inputs: the changed convolutions' weights are inputs of the graph;
- low rank: the graph keeps its constants, and each changed convolution has a branch beside it,
  of rank RANK, whose two small matrices are inputs;
- second graph: the graph is built and compiled anew with the changed weights, without a cache of
  compiled models, with one that does not know it, and with one that does;
- torch: the exact network, with changed weights copied in.

    python -m scripts.measure_weight_deltas [--blocks 4] [--rounds 15]
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import openvino as ov
import openvino.opset13 as op
import torch

from facegen.engines.openvino_engine import CONFIG
from facegen.images import to_uint8
from facegen.nets.mobilestylegan import MobileSynthesis, block_rows
from facegen.networks import load_networks

MODEL = "mobilestylegan-ffhq-1024"
WAYS = ("constants", "inputs", "low rank", "second graph", "second graph, cache cold",
        "second graph, cache warm", "torch")  # fmt: skip
PACED = ("constants", "inputs", "low rank", "torch")
RANK = 8
CHANGE = 0.02  # of the weights' standard deviation
WARM_UP = 2
PACE = "pace"

Draw = Callable[[np.ndarray], np.ndarray]


class Clock(NamedTuple):
    """Milliseconds on the clock, and of all processors together: these hold under load."""

    wall_ms: float
    cpu_ms: float

    @classmethod
    def now(cls) -> Clock:
        """The present; differences count."""
        return cls(1000 * time.perf_counter(), 1000 * time.process_time())

    def __sub__(self, other: Clock) -> Clock:
        return Clock(self.wall_ms - other.wall_ms, self.cpu_ms - other.cpu_ms)


class Tuned(NamedTuple):
    """A network with changed weights, and what was added to each: key -> (B [O, r], A [r, I])."""

    net: MobileSynthesis
    deltas: dict[str, tuple[np.ndarray, np.ndarray]]


def tuned(net: MobileSynthesis, blocks: int) -> Tuned:
    """Change the pointwise convolutions of the first blocks by matrices of rank RANK."""
    rng = np.random.RandomState(0)
    changed, deltas = copy.deepcopy(net), {}
    state = changed.state_dict()
    for key in pointwise_keys(blocks):
        weight = state[key]
        size = CHANGE * float(weight.std()) / np.sqrt(RANK)
        b = rng.randn(weight.shape[0], RANK).astype(np.float32)
        a = (size * rng.randn(RANK, weight.shape[1])).astype(np.float32)
        weight += torch.from_numpy(b @ a)[:, :, None, None]
        deltas[key] = (b, a)
    return Tuned(changed, deltas)


def pointwise_keys(blocks: int) -> list[str]:
    """The changed weights, in the order in which they are used."""
    return [f"blocks.{i}.conv{k}.pointwise" for i in range(blocks) for k in (1, 2)]


def pointwise_nodes(model: ov.Model, count: int) -> list[Any]:
    """The graph's first pointwise convolutions in the order in which they are used."""
    nodes = [
        node
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Convolution" and list(node.input(1).get_shape())[2:] == [1, 1]
    ]
    return nodes[:count]


def rows_written(net: MobileSynthesis, model: ov.Model, keys: list[str]) -> list[np.ndarray]:
    """For each changed weight, which of its rows the graph's convolution writes, in its order."""
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    orders = []
    for key, node in zip(keys, pointwise_nodes(model, len(keys)), strict=True):
        stored = node.input_value(1).get_node().data
        want = state[key]
        place = {row.tobytes(): index for index, row in enumerate(want)}
        orders.append(np.array([place[row.tobytes()] for row in stored]))
    return orders


def with_inputs(model: ov.Model, count: int) -> list[Any]:
    """Turn constant weights into inputs."""
    added = []
    for node in pointwise_nodes(model, count):
        weights = op.parameter(list(node.input(1).get_shape()), np.float32)
        node.input(1).replace_source_output(weights.output(0))
        added.append(weights)
    model.add_parameters(added)
    return added


def with_branches(model: ov.Model, count: int) -> list[Any]:
    """Give each convolution a low-rank branch whose matrices are inputs."""
    added = []
    ones, zeros = [1, 1], [0, 0]
    for node in pointwise_nodes(model, count):
        outputs, inputs = list(node.input(1).get_shape())[:2]
        readers = list(node.output(0).get_target_inputs())
        down = op.parameter([RANK, inputs, 1, 1], np.float32)
        up = op.parameter([outputs, RANK, 1, 1], np.float32)
        narrow = op.convolution(node.input_value(0), down, ones, zeros, zeros, ones)
        whole = op.add(node, op.convolution(narrow, up, ones, zeros, zeros, ones))
        for reader in readers:
            reader.replace_source_output(whole.output(0))
        added += [down, up]
    model.add_parameters(added)
    return added


def compiled(model: ov.Model, cache: str | None = None) -> ov.InferRequest:
    core = ov.Core()
    config = CONFIG | ({"CACHE_DIR": cache} if cache else {})
    return core.compile_model(model, "CPU", config).create_infer_request()


def prepare(way: str, net: MobileSynthesis, blocks: int, cache: str) -> Callable[[Tuned], Draw]:
    """What is there before a tuned face comes -> what is done when it comes."""
    keys = pointwise_keys(blocks)
    if way == "torch":
        mine = copy.deepcopy(net)
        for kernel in mine.parameters():
            if kernel.ndim == 4:
                kernel.data = kernel.data.contiguous(memory_format=torch.channels_last)

        def swap(face: Tuned) -> Draw:
            state, new = mine.state_dict(), face.net.state_dict()
            for key in keys:
                state[key].copy_(new[key])
            return lambda w: to_uint8(mine(torch.from_numpy(w)))

        return swap
    if way.startswith("second graph"):
        where = cache if "cache" in way else None

        def build(face: Tuned) -> Draw:
            return runner(compiled(face.net.openvino_graph(), where), [])

        return build
    model = net.openvino_graph()
    orders = rows_written(net, model, keys)
    if way == "inputs":
        with_inputs(model, len(keys))
    elif way == "low rank":
        with_branches(model, len(keys))
    request = compiled(model)

    def feed(face: Tuned) -> Draw:
        extra: list[np.ndarray] = []
        state = face.net.state_dict()
        for key, order in zip(keys, orders, strict=True):
            if way == "inputs":
                extra.append(state[key].numpy()[order])
            elif way == "low rank":
                b, a = face.deltas[key]
                extra += [a[:, :, None, None], np.ascontiguousarray(b[order])[:, :, None, None]]
        return runner(request, extra)

    return feed


def runner(request: ov.InferRequest, extra: list[np.ndarray]) -> Draw:
    for index, array in enumerate(extra):
        request.set_input_tensor(index + 1, ov.Tensor(np.ascontiguousarray(array)))

    def draw(w: np.ndarray) -> np.ndarray:
        request.set_input_tensor(0, ov.Tensor(w))
        request.infer()
        return np.array(request.get_output_tensor(0).data)

    return draw


@torch.inference_mode()
def measure(way: str, *, blocks: int, cache: str) -> dict[str, object]:
    """One way, in this process."""
    net = load_networks(MODEL).synthesis
    assert isinstance(net, MobileSynthesis)
    w = np.random.RandomState(1).randn(1, net.num_ws, net.w_dim).astype(np.float32) * 0.3
    face = tuned(net, blocks)
    if way.startswith("second graph") or way == "torch":
        base = compiled(net.openvino_graph())  # what draws everybody else stays
        runner(base, [])(w)
    before = rss_mb()
    start = Clock.now()
    come = prepare(way, net, blocks, cache)
    start_up = Clock.now() - start
    start = Clock.now()
    draw = come(face)
    picture = draw(w)
    first = Clock.now() - start
    after = rss_mb()
    changed = face.net if way != "constants" else net
    want = to_uint8(changed(torch.from_numpy(w)))
    return {
        "way": way,
        "first_ms": first.wall_ms,
        "first_cpu_ms": first.cpu_ms,
        "start_up_ms": start_up.cpu_ms,
        "mb": after - before,
        "off": int(np.abs(picture.astype(int) - want).max()),
    }


@torch.inference_mode()
def pace(blocks: int, rounds: int) -> dict[str, dict[str, float]]:
    """Way -> what a picture takes once a face is there; all ways in turn, round by round.

    A second graph is as fast as the first.
    """
    net = load_networks(MODEL).synthesis
    assert isinstance(net, MobileSynthesis)
    w = np.random.RandomState(1).randn(1, net.num_ws, net.w_dim).astype(np.float32) * 0.3
    face = tuned(net, blocks)
    draws = {way: prepare(way, net, blocks, "")(face) for way in PACED}
    spent: dict[str, list[Clock]] = {way: [] for way in draws}
    for index in range(WARM_UP + rounds):
        for way, draw in draws.items():
            start = Clock.now()
            draw(w)
            if index >= WARM_UP:
                spent[way].append(Clock.now() - start)
    return {
        way: {
            "ms": float(np.median([one.wall_ms for one in ones])),
            "best_ms": min(one.wall_ms for one in ones),
            "cpu_ms": float(np.median([one.cpu_ms for one in ones])),
            "best_cpu_ms": min(one.cpu_ms for one in ones),
        }
        for way, ones in spent.items()
    }


def rss_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    """Measure all ways and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=4, help="Changed blocks, from 8 px up.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=0, help="0 leaves it to the libraries.")
    parser.add_argument("--way", choices=(*WAYS, PACE), help=argparse.SUPPRESS)
    parser.add_argument("--cache", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.way:
        if args.threads:
            CONFIG["INFERENCE_NUM_THREADS"] = str(args.threads)
            torch.set_num_threads(args.threads)
        found = (
            pace(args.blocks, args.rounds)
            if args.way == PACE
            else measure(args.way, blocks=args.blocks, cache=args.cache)
        )
        print(json.dumps(found))
        return
    edge = 4 * 2**args.blocks
    load = os.getloadavg()[0]
    print(f"{MODEL}, pointwise convolutions up to {edge} px (rows 0 to "
          f"{block_rows(args.blocks - 1)[1]}), {len(pointwise_keys(args.blocks))} weights; "
          f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load "
          f"{load:.1f}, OpenVINO {ov.__version__.split('-')[0]}\n")  # fmt: skip
    with tempfile.TemporaryDirectory() as cache:

        def run(way: str) -> dict[str, Any]:
            command = [sys.executable, "-m", "scripts.measure_weight_deltas", "--way", way,
                       "--blocks", str(args.blocks), "--rounds", str(args.rounds),
                       "--cache", cache, "--threads", str(args.threads)]  # fmt: skip
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            return found

        table(run(PACE), {"ms": "ms a picture", "best_ms": "best", "cpu_ms": "CPU ms a picture",
                          "best_cpu_ms": "best"})  # fmt: skip
        print()
        table({way: run(way) for way in WAYS}, {
            "first_ms": "ms to a new face's first picture", "first_cpu_ms": "CPU ms to it",
            "start_up_ms": "CPU ms at start-up", "mb": "MB more", "off": "off, 1/255",
        })  # fmt: skip


def table(rows: dict[str, dict[str, Any]], columns: dict[str, str]) -> None:
    """Print rows as Markdown."""
    print("| way | " + " | ".join(columns.values()) + " |")
    print("| --- |" + " ---: |" * len(columns))
    for way, row in rows.items():
        print(f"| {way} | " + " | ".join(f"{row[key]:.0f}" for key in columns) + " |", flush=True)


if __name__ == "__main__":
    main()
