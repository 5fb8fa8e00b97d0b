"""Measures everything about drawing on a GPU in one go, in a few minutes.

    python -m scripts.measure_gpu --out gpu
    python -m scripts.measure_gpu --model my-ffhq --out gpu
    python -m scripts.measure_gpu --tiny --out gpu    # on the processor: does the script work?

Times our engine against the plain PyTorch form of the same network in one interleaved run, for the
bundled network and a StyleGAN2 of config-f (random weights unless --model names an imported one),
at batches of 1, 4 and 16; how far half precision is from float32; forward and backward through the
exact network; peak memory; what the queue delivers to many visitors; and the floors of arithmetic
and memory at rates measured on the same device. Writes OUT.json and OUT.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facegen.bench.roofline import Rates, rates_of
from facegen.engines.cuda_engine import CudaEngine
from facegen.images import area_downscale
from facegen.latents import DEFAULT_MODEL, NUM_WS
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.mobilestylegan_preview import PreviewHead
from facegen.nets.stylegan2 import SkipPreview, StyleGAN2Synthesis
from facegen.nets.stylegan2_reference import config_f, random_synthesis, reference_forward
from facegen.nets.synthesis import Preview, Synthesis
from facegen.networks import load_networks
from facegen.service.render import RenderService

Row = dict[str, object]
BATCHES = (1, 4, 16)
CHECKED = 8  # pictures compared with float32
CLOSE = 3 / 127.5  # 3/255 on the network's scale
WARM_UP = 3
VISITORS, EACH = 16, 4
PSI = 0.7


def main(argv: list[str] | None = None) -> list[Row]:
    """Measure, write both files, and give the rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", help="An imported StyleGAN2 network; default: random weights.")
    parser.add_argument("--out", type=Path, default=Path("gpu"))
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--tiny", action="store_true", help="Small networks on the processor.")
    args = parser.parse_args(argv)
    if not args.tiny and not torch.cuda.is_available():
        parser.error("no CUDA device can be used here; --tiny tries the script without one")
    device = "cpu" if args.tiny else "cuda"
    rates = {str(dtype)[6:]: rates_of(device, dtype) for dtype in (torch.float32, torch.float16)}
    facts: Row = {
        "device": "processor" if args.tiny else torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "rates": {name: vars(rate) for name, rate in rates.items()},
        "tiny": args.tiny,
    }
    rows: list[Row] = []
    for name, net, head, w_pluses in _networks(args.model, tiny=args.tiny, device=device):
        print(f"{name} …", flush=True)
        row: Row = {"network": name, **_floors(net, rates)}
        row |= _speed(net, head, w_pluses, device=device, runs=2 if args.tiny else args.runs)
        row |= _difference(net, head, w_pluses, device=device)
        row |= _gradients(net, w_pluses, device=device, runs=2 if args.tiny else 10)
        row |= _queue(net, head, w_pluses, device=device)
        rows.append(row)
        if device == "cuda":
            torch.cuda.empty_cache()
    args.out.with_suffix(".json").write_text(json.dumps({"facts": facts, "rows": rows}, indent=1))
    args.out.with_suffix(".md").write_text(_markdown(facts, rows))
    print(_markdown(facts, rows))
    return rows


def _networks(
    model: str | None, *, tiny: bool, device: str
) -> list[tuple[str, Synthesis, Preview, Tensor]]:
    """(name, exact network, head, latents) of what is measured."""
    rng = torch.Generator().manual_seed(1)
    if tiny:
        sizes = replace(config_f(32), channels=dict.fromkeys((4, 8, 16, 32), 16))
        small = random_synthesis(sizes)
        mobile = MobileSynthesis(channels=(16, 16, 16))
        for value in mobile.parameters():
            value.data = 0.1 * torch.randn(value.shape, generator=rng)
        found: list[tuple[str, Synthesis, Preview]] = [("StyleGAN2", small, SkipPreview(small))]
        found += [("MobileStyleGAN", mobile.requires_grad_(False), PreviewHead())]
    else:
        bundled = load_networks(DEFAULT_MODEL)
        found = [(DEFAULT_MODEL, bundled.synthesis, bundled.head)]
        if model is None:
            random = random_synthesis(config_f())
            found += [("StyleGAN2 config-f, random weights", random, SkipPreview(random))]
        else:
            other = load_networks(model)
            found += [(model, other.synthesis, other.head)]
    z = torch.randn(max(BATCHES), 512, generator=rng)
    latents = []
    for name, net, head in found:
        w = z
        if name in (DEFAULT_MODEL, model):
            networks = bundled if name == DEFAULT_MODEL else other
            with torch.inference_mode():
                w = networks.mapping(z)
                average = networks.mapping(torch.randn(4096, 512, generator=rng)).mean(0)
            w = average + PSI * (w - average)
        w_plus = w[:, None].repeat(1, net.num_ws, 1).clone()
        latents.append((name, net.to(device), head.to(device), w_plus.to(device)))
    return latents


def _floors(net: Synthesis, rates: dict[str, Rates]) -> Row:
    """The least a picture takes on this device, in milliseconds."""
    work = net.work()
    row: Row = {"macs": work.macs, "values": work.values}
    for name, itemsize in (("float32", 4), ("float16", 2)):
        arithmetic, memory = rates[name].floors_ms(work, itemsize=itemsize)
        row[f"floor_arithmetic_{name}_ms"] = arithmetic
        row[f"floor_memory_{name}_ms"] = memory
    return row


def _plain(net: Synthesis) -> Callable[[Tensor], Tensor]:
    """The plain form; MobileStyleGAN's exact network is it."""
    if isinstance(net, StyleGAN2Synthesis):
        return lambda w: reference_forward(net, w)
    return net


def _speed(net: Synthesis, head: Preview, w: Tensor, *, device: str, runs: int) -> Row:
    """Milliseconds per picture, plain form and ours side by side, and the memory at its peak."""
    row: Row = {}
    ways: dict[str, Callable[[Tensor], object]] = {"reference": torch.inference_mode()(_plain(net))}
    kinds = {"ours": None, "polyphase": True, "transposed": False}
    for kind, polyphase in kinds.items():
        if kind != "ours" and not isinstance(net, StyleGAN2Synthesis):
            continue
        engine = CudaEngine(net, head, device=device, polyphase=polyphase)
        ways[kind] = partial(_on_device, engine)
        if kind == "ours":
            ways["ours, bytes on the host"] = partial(_to_host, engine)
    for batch in BATCHES:
        some = w[:batch]
        times: dict[str, list[float]] = {name: [] for name in ways}
        for name, run in ways.items():
            if device == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
            try:
                with torch.inference_mode():
                    for _ in range(WARM_UP):
                        run(some)
            except torch.cuda.OutOfMemoryError:
                del times[name]
            if device == "cuda":
                row[f"{name}, peak GB at {batch}"] = torch.cuda.max_memory_allocated() / 1e9
        with torch.inference_mode():
            for _ in range(runs):
                for name in times:
                    times[name].append(_milliseconds(partial(ways[name], some), device))
        for name, values in times.items():
            row[f"{name}, ms at {batch}"] = float(np.median(values)) / batch
        if "reference" in times and "ours" in times:
            ratio = np.median(times["reference"]) / np.median(times["ours"])
            row[f"speed at {batch}"] = float(ratio)
    return row


def _on_device(engine: CudaEngine, w: Tensor) -> Tensor:
    return engine.program("full", len(w))(w)


def _to_host(engine: CudaEngine, w: Tensor) -> np.ndarray:
    return engine.render(w.cpu().numpy())


def _difference(net: Synthesis, head: Preview, w: Tensor, *, device: str) -> Row:
    """How far ours is from float32 without shortcuts, as shares of pixels."""
    some = w[:CHECKED]
    was = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with torch.inference_mode():
            exact = torch.cat([net(x[None]) for x in some]).clamp(-1, 1).cpu()
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = was
    engine = CudaEngine(net, head, device=device)
    found: Row = {}
    for batch in (1, len(some)):
        parts = [engine.render(x.cpu().numpy()) for x in some.split(batch)]
        got = torch.from_numpy(np.concatenate(parts)).permute(0, 3, 1, 2) / 127.5 - 1
        diff = (got - exact).abs()
        found[f"largest difference in 1/255, batch {batch}"] = float(diff.max()) * 127.5
        close = (diff.amax(dim=1) <= CLOSE).float().mean()
        found[f"share of pixels within 3/255, batch {batch}"] = float(close)
    return found


def _gradients(net: Synthesis, w: Tensor, *, device: str, runs: int) -> Row:
    """Forward without gradients, and backward to w_plus, of the exact network in milliseconds."""
    forward, both = [], []
    x = w[:1].clone().requires_grad_(True)

    def there() -> None:
        with torch.no_grad():
            net(x)

    def and_back() -> None:
        torch.autograd.grad(net(x).square().mean(), x)

    for trial in range(WARM_UP + runs):
        times = _milliseconds(there, device), _milliseconds(and_back, device)
        if trial >= WARM_UP:
            forward.append(times[0])
            both.append(times[1])
    one, all_ = float(np.median(forward)), float(np.median(both))
    return {"exact forward ms": one, "forward and backward ms": all_,
            "forward and backward / forward": all_ / one}  # fmt: skip


class _Drawing:
    """What `RenderService` needs, around an engine."""

    model, engine_name = "measured", "cuda"

    def __init__(self, engine: CudaEngine, net: Synthesis) -> None:
        self._engine, self._num_ws = engine, net.num_ws
        self.img_resolution = net.img_resolution
        self.preview_size = engine.preview_size
        self.max_batch = engine.max_batch

    def render(self, w_plus: np.ndarray, *, size: int = 0) -> np.ndarray:
        batch = (w_plus if w_plus.ndim == 3 else w_plus[None])[:, : self._num_ws]
        images = area_downscale(self._engine.render(batch), size or self.img_resolution)
        return images if w_plus.ndim == 3 else images[0]

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        return self.render(w_plus, size=self.img_resolution)


def _queue(net: Synthesis, head: Preview, w: Tensor, *, device: str) -> Row:
    """Pictures per second that the service gives to many visitors at once, JPEGs included."""
    engine = CudaEngine(net, head, device=device)
    for size in (1, 2, 4, 8, 16):
        engine.render(np.repeat(w[:1].cpu().numpy(), size, axis=0))
    found: Row = {}
    rng = np.random.RandomState(0)
    for visitors in (1, VISITORS):
        service = RenderService(_Drawing(engine, net))
        missing = ((0, 0), (0, NUM_WS - w.shape[1]), (0, 0))  # rows that small networks lack
        pictures = np.pad(w.cpu().numpy(), missing)
        asked = [
            [(w_plus + 0.01 * rng.standard_normal(w_plus.shape)).astype(np.float32)
             for _ in range(EACH)]
            for w_plus in pictures[:visitors]
        ]  # fmt: skip
        start = time.perf_counter()
        with ThreadPoolExecutor(visitors) as pool:
            for visit in [pool.submit(_visit, service, str(n), asked[n]) for n in range(visitors)]:
                visit.result()  # raises what went wrong
        seconds = time.perf_counter() - start
        found[f"pictures/s for {visitors} visitors"] = visitors * EACH / seconds
    return found


def _visit(service: RenderService, name: str, w_pluses: list[np.ndarray]) -> None:
    for w_plus in w_pluses:
        service.render(service.request(w_plus), session=name)


def _milliseconds(run: Callable[[], object], device: str) -> float:
    if device == "cpu":
        start = time.perf_counter()
        run()
        return 1000 * (time.perf_counter() - start)
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end)


def _markdown(facts: Row, rows: list[Row]) -> str:
    """All numbers as one table, networks side by side."""
    names = [str(row["network"]) for row in rows]
    lines = [
        f"{facts['device']}, torch {facts['torch']}, {facts['date']}.",
        "",
        "| measured | " + " | ".join(names) + " |",
        "| --- |" + " ---: |" * len(names),
    ]
    for key in dict.fromkeys(key for row in rows for key in row if key != "network"):
        values = [row.get(key) for row in rows]
        cells = ["–" if v is None else f"{v:,.6g}" for v in values]
        lines.append(f"| {key} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
