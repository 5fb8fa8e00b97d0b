"""Which results are the same bytes whatever the number of threads: `python -m scripts.same_bytes`.

Every part is computed in a process of its own for 1, 2 and 4 threads set from outside
(OMP_NUM_THREADS), again with 2, and on one core alone; the table shows the first digits of
SHA-256. Ends with an error when a part that promises the same bytes differs: all but
`torch_engine`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
SETTINGS = {
    "1 thread": {"threads": 1, "cores": None},
    "2 threads": {"threads": 2, "cores": None},
    "4 threads": {"threads": 4, "cores": None},
    "2 again": {"threads": 2, "cores": None},
    "2, one core": {"threads": 2, "cores": 1},
}
SEED = 700_001
SIZE = 256
SHOWN_DIGITS = 10


@cache
def _generator():
    from facegen.generator import Generator

    return Generator.load()


@cache
def _face():
    from facegen.face import Face

    return replace(Face.from_seed(_generator(), SEED), created="2026-01-01T00:00:00+00:00")


@cache
def _turned():
    from facegen.pose.head_pose import pose_face

    return pose_face(_face(), _dials(), yaw=-25, pitch=5)


@cache
def _dials():
    from facegen.editing.dial_set import DialSet

    return DialSet.load(_generator().space, own=False)


@cache
def _measurer():
    from facegen.measure.measurer import load_measurer

    return load_measurer()


def latents() -> object:
    z = np.random.RandomState(3).randn(64, 512).astype(np.float32)
    return [_generator().w_from_seed(seed) for seed in range(8)], _generator().map(z)


def pictures() -> object:
    faces = [_face(), _turned()]
    return [(_generator().render(f.w_plus), _generator().preview(f.w_plus)) for f in faces]


def previews() -> object:
    return [_generator().preview(_generator().w_from_seed(seed, 0.9)) for seed in range(24)]


def torch_engine() -> object:
    """The exact network in PyTorch, on as many threads as there are."""
    from facegen.engines import make_engine

    engine = make_engine("torch", _generator().synthesis, _generator().head)
    return engine.render(_face().w_plus[None]), engine.preview(_face().w_plus[None])


def imported_network() -> object:
    """A StyleGAN2 network of 256 px with random weights, run as an imported one is."""
    import torch

    from facegen.engines import make_engine
    from facegen.nets.stylegan2 import SkipPreview, StyleGAN2Synthesis

    torch.manual_seed(1)
    net = StyleGAN2Synthesis(img_resolution=256, channel_base=8192, channel_max=256)
    net.requires_grad_(False).eval()
    w_plus = np.random.RandomState(3).randn(2, net.num_ws, 512).astype(np.float32)
    head = SkipPreview(net)
    head.size_px = 128
    engine = make_engine("openvino", net, head)
    return engine.render(w_plus), engine.preview(w_plus)


def measured() -> object:
    found = []
    for face in (_face(), _turned()):
        seen = _measurer().measure(_generator().render(face.w_plus, size=512))
        found.append((sorted(seen.values.items()), seen.landmarks, seen.descriptor))
    return found


def edits() -> object:
    asked = ({"age": 12.0, "smile": 1.0}, {"yaw": 20.0}, {"glasses": 2.0, "identity": 0.0})
    changed = [_dials().apply(_face().w_plus, deltas) for deltas in asked]
    return changed, [sorted(_dials().read(w).items()) for w in changed], _turned().w_plus


def held_person() -> object:
    from facegen.optimise.identity import IdentityOptimiser

    optimiser = IdentityOptimiser(_generator(), 2)
    seen = [_measurer().angles(_generator().preview(f.w_plus)) for f in (_face(), _turned())]
    goal = optimiser.describe(_face().w_plus, seen[0].landmarks)
    return goal, optimiser.bring_back(_turned().w_plus, seen[1].landmarks, goal)


def made_dials() -> object:
    """A dial from examples, and directions found in the spread of faces and in the weights."""
    from facegen.directions import discover
    from facegen.directions.make_user_dial import make_own

    read = {seed: float(_generator().w_from_seed(seed)[0, 7]) for seed in range(40)}
    order = sorted(read, key=read.__getitem__)
    low, high = ([_generator().w_from_seed(s) for s in part] for part in (order[:20], order[20:]))
    own = make_own(_generator(), high, low, name="my_dial", title="Mine")
    found = [c for m in discover.METHODS for c in discover.candidates(_generator(), method=m)]
    dials = [own, *(one.learned for one in found)]
    return [(d.vector, d.weights, sorted(d.moves.items())) for d in dials]


def learned() -> object:
    """The regressor, what holds a person, and the classifiers, from numbers drawn at random."""
    from facegen.directions.population import population_of
    from facegen.directions.regressor import ROW_GROUPS, read_regressor
    from facegen.learning.learn import learn_keepers
    from facegen.learning.train_regressor import fit_regressor
    from facegen.measure.classifiers import fit_classifiers, load_classifiers

    rng = np.random.RandomState(0)
    groups = rng.randn(900, len(ROW_GROUPS), 512)
    channels = {"a": rng.randn(900) + groups[:, 0, 0], "b": groups[:, 1, 3]}
    descriptors = groups[:, 2, :128] + rng.randn(900, 128)
    regressor = fit_regressor(
        groups, channels, descriptors, np.ones(900, bool), np.zeros(512), epochs=2
    )
    x = rng.randn(150, len(load_classifiers().mean)).astype(np.float32)
    classifiers, _ = fit_classifiers(x, {"c": (x[:, 0] > 0).astype(float)})
    covariance = population_of(_generator()).covariance
    keepers = learn_keepers(read_regressor(_generator().space), covariance)
    layers = (regressor.linear, regressor.w1, regressor.w2, regressor.w3)
    return covariance, keepers, layers, classifiers.weights, classifiers.predict(x)


def sweep() -> object:
    """Every file that `sweep --hold-person 3` writes."""
    from facegen.cli import cli

    with tempfile.TemporaryDirectory() as folder:
        face, out = Path(folder) / "face.png", Path(folder) / "out"
        _face().save(face, _generator().render(_face().w_plus))
        asked = ["--yaw", "-20:20:20", "--hold-person", "3", "--size", str(SIZE), "--sheet"]
        cli(["sweep", str(face), *asked, "--out", str(out)], standalone_mode=False)
        return face.read_bytes(), _files(out)


def dataset() -> object:
    """Every file of a small dataset with retouched pictures and all measurements."""
    from facegen.cli import cli

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        asked = ["--people", "1", "--max-angle", "10", "--step", "10", "--random", "3"]
        cli(["dataset", *asked, "--size", str(SIZE), "--out", str(out)], standalone_mode=False)
        return _files(out)


def _files(folder: Path) -> list[tuple[str, bytes]]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(str(path.relative_to(folder)), path.read_bytes()) for path in paths]


PARTS: dict[str, Callable[[], object]] = {
    part.__name__: part
    for part in (
        latents, pictures, previews, torch_engine, imported_network, measured, edits, held_person,
        made_dials, learned, sweep, dataset,
    )
}  # fmt: skip

NOT_PROMISED = {"torch_engine"}  # the slow reference takes all cores; a level apart at most


def digest(value: object) -> str:
    """SHA-256 of nested lists of arrays, bytes and numbers."""
    found = hashlib.sha256()

    def add(one: object) -> None:
        if isinstance(one, (list, tuple)):
            for item in one:
                add(item)
        elif isinstance(one, np.ndarray):
            found.update(f"{one.dtype}{one.shape}".encode() + np.ascontiguousarray(one).tobytes())
        else:
            found.update(one if isinstance(one, bytes) else repr(one).encode())

    add(value)
    return found.hexdigest()


def digests(parts: list[str], *, threads: int, cores: int | None = None) -> dict[str, str]:
    """What a process with so many threads makes of each part."""
    command = [sys.executable, "-m", "scripts.same_bytes", "--print", *parts]
    variables = {"OMP_NUM_THREADS": str(threads)}
    if cores is not None and hasattr(os, "sched_getaffinity"):
        chosen = ",".join(str(core) for core in sorted(os.sched_getaffinity(0))[:cores])
        variables["FACEGEN_CORES"] = chosen
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--print", action="store_true", help="compute here and print as JSON")
    chosen = parser.parse_args()
    parts = chosen.parts or list(PARTS)
    if chosen.print:
        cores = os.environ.get("FACEGEN_CORES")
        if cores:
            os.sched_setaffinity(0, [int(core) for core in cores.split(",")])
        found = {name: digest(PARTS[name]()) for name in parts}
        print(json.dumps(found))
        return
    print(f"| | {' | '.join(SETTINGS)} | |\n| --- {'| --- ' * len(SETTINGS)}| --- |")
    rows = {name: digests(parts, **setting) for name, setting in SETTINGS.items()}
    differing = []
    for part in parts:
        found = [row[part] for row in rows.values()]
        is_same = len(set(found)) == 1
        if not is_same and part not in NOT_PROMISED:
            differing.append(part)
        cells = [f"`{one[:SHOWN_DIGITS]}`" for one in found]
        print(f"| {part} | {' | '.join(cells)} | {'same' if is_same else '**differs**'} |")
    if differing:
        sys.exit(f"These depend on the number of threads: {', '.join(differing)}.")


if __name__ == "__main__":
    main()
