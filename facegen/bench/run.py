"""Times every way to run a generator, side by side in one run.

Rounds are interleaved (each engine once per round), so that a machine whose speed drifts slows
all alike. The yardstick, ratio 1, is the published OpenVINO graph for the bundled network (its
frame as float32, without the conversion to bytes that our engines include), and the plain PyTorch
form for a StyleGAN2 network (`facegen.nets.stylegan2_reference`).
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable

import numpy as np
import torch

from facegen.bench.roofline import rates_of
from facegen.engines import make_engine
from facegen.errors import ModelError, UsageError
from facegen.generator import Generator
from facegen.latents import DEFAULT_MODEL
from facegen.nets.stylegan2 import SkipPreview
from facegen.nets.stylegan2_reference import (
    ARCHITECTURES,
    config_f,
    random_mapping,
    random_synthesis,
)
from facegen.networks import Networks, load_networks
from facegen.weights import ir_paths

WARM_UP = 2
CHECK_SEEDS = (900_100, 900_101)
PSI = 0.7
YARDSTICKS = ("openvino-published", "reference")

Run = Callable[[np.ndarray], np.ndarray]
Row = dict[str, object]


def run_bench(
    *,
    model: str = DEFAULT_MODEL,
    architecture: str | None = None,
    runs: int = 10,
    log: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Measure all engines that run here.

    Args:
        model: Registered or imported generator.
        architecture: A key of `ARCHITECTURES`: measure such a network with random weights instead.
        runs: Rounds after the warm-up.
        log: Told what happens.

    Returns:
        One row per engine and size: engine, model, size, median_ms, min_ms, p90_ms,
        speed (of full frames, against the yardstick; of previews against the same engine's full
        frame as speed_vs_full), and max_diff, mean_diff to the exact network in 1/255.

    Raises:
        UsageError: no such architecture.
        ModelError: no such model.
    """
    if architecture:
        networks, model = _random(architecture), f"{architecture} (random)"
        runner = make_engine("torch", networks.synthesis, networks.head)
        generator = Generator(networks, runner, model=model)
    else:
        generator = Generator.load(model, engine="torch")
    candidates = _candidates(generator, log)
    w_pluses = [generator.w_from_seed(seed, PSI) for seed in CHECK_SEEDS]
    times: dict[tuple[str, int], list[float]] = {key: [] for key in candidates}
    for round_ in range(WARM_UP + runs):
        log(f"round {round_ + 1} of {WARM_UP + runs}")
        for key, run in candidates.items():
            start = time.perf_counter()
            run(w_pluses[round_ % len(w_pluses)])
            if round_ >= WARM_UP:
                times[key].append((time.perf_counter() - start) * 1000)
    full = generator.img_resolution
    exact = {size: [_exact(generator, w, size) for w in w_pluses] for _, size in candidates}
    rows: list[Row] = []
    for (engine, size), run in candidates.items():
        median = float(np.median(times[engine, size]))
        diffs = [
            np.abs(_on_255(run(w)) - want) for w, want in zip(w_pluses, exact[size], strict=True)
        ]
        reference = next((times[name, full] for name in YARDSTICKS if (name, full) in times), None)
        rows.append(
            {
                "engine": engine,
                "model": model,
                "size": size,
                "median_ms": round(median, 1),
                "min_ms": round(min(times[engine, size]), 1),
                "p90_ms": round(float(np.percentile(times[engine, size], 90)), 1),
                "speed": (
                    round(float(np.median(reference)) / median, 2)
                    if reference and size == full
                    else None
                ),
                "speed_vs_full": (
                    round(float(np.median(times[engine, full])) / median, 2)
                    if size != full
                    else None
                ),
                "max_diff": round(float(max(d.max() for d in diffs)), 2),
                "mean_diff": round(float(np.mean([d.mean() for d in diffs])), 4),
            }
        )
    return rows


def describe_floors(*, model: str = DEFAULT_MODEL, architecture: str | None = None) -> str:
    """What a picture needs at best on this processor, as a sentence; measures its rates."""
    networks = _random(architecture) if architecture else load_networks(model)
    work, rates = networks.synthesis.work(), rates_of()
    arithmetic, memory = rates.floors_ms(work)
    return (
        f"One picture: {work.macs / 1e9:.1f} billion products, {4 * work.values / 1e9:.2f} GB of "
        f"features and weights. At {rates.flops / 1e9:.0f} GFLOP/s and {rates.bytes / 1e9:.0f} "
        f"GB/s, measured here just now, that is {arithmetic:.0f} and {memory:.0f} ms at best."
    )


def _random(architecture: str) -> Networks:
    """Networks of an architecture with random weights."""
    if architecture not in ARCHITECTURES:
        raise UsageError(
            f"No architecture is called '{architecture}'. Known: {', '.join(ARCHITECTURES)}."
        )
    config = config_f(ARCHITECTURES[architecture])
    net = random_synthesis(config)
    w_avg = np.zeros(config.w_dim, np.float32)
    return Networks(random_mapping(config), net, SkipPreview(net), space="random", w_avg=w_avg)


def _candidates(generator: Generator, log: Callable[[str], None]) -> dict[tuple[str, int], Run]:
    """(engine, size) -> function from w_plus [18, 512] to a picture."""
    full, small = generator.img_resolution, generator.preview_size
    found: dict[tuple[str, int], Run] = {}
    net, head, rows = generator.synthesis, generator.head, generator.num_ws
    plain = net.plain_form()
    if plain is not None:
        found[("reference", full)] = _plain(plain, net.num_ws)
    elif importlib.util.find_spec("openvino"):
        found[("openvino-published", full)] = _published(generator.model, exact=True)
        found[("openvino-published-default", full)] = _published(generator.model, exact=False)
        found[("openvino-converted", full)] = _converted(generator)
    for name in ("torch", "openvino", "cuda"):
        try:
            engine = make_engine(name, net, head)
        except ModelError as err:
            log(str(err))
            continue
        found[(name, full)] = lambda w, draw=engine.render: draw(w[None, :rows])[0]  # type: ignore[misc]
        if small != full:
            found[(name, small)] = lambda w, draw=engine.preview: draw(w[None, :rows])[0]  # type: ignore[misc]
    return found


def _plain(form: Callable[[torch.Tensor], torch.Tensor], rows: int) -> Run:
    """The plain form, on the processor."""

    @torch.inference_mode()
    def run(w: np.ndarray) -> np.ndarray:
        return form(torch.from_numpy(w[None, :rows])).numpy()

    return run


def _published(model: str, *, exact: bool) -> Run:
    """The published graph as it is: one w for all layers in, a float picture out.

    `exact` asks for float32; without it OpenVINO takes bfloat16 where the processor has it.
    """
    import openvino as ov

    config = {"PERFORMANCE_HINT": "LATENCY"}
    if exact:
        config["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = ov.Core().compile_model(ir_paths(model)["synthesis_xml"], "CPU", config)
    request = compiled.create_infer_request()
    return lambda w: request.infer([w[:1]], share_outputs=True)[0]


def _converted(generator: Generator) -> Run:
    """OpenVINO's own conversion of our PyTorch network."""
    import openvino as ov

    example = torch.zeros(1, generator.num_ws, generator.w_dim)
    model = ov.convert_model(
        generator.synthesis, example_input=example, input=[tuple(example.shape)]
    )
    config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = ov.Core().compile_model(model, "CPU", config).create_infer_request()
    return lambda w: request.infer([w[None]], share_outputs=True)[0]


def _on_255(picture: np.ndarray) -> np.ndarray:
    """Bytes, or a float picture [1, 3, S, S] in [-1, 1], as float32 [S, S, 3] on 0 to 255."""
    if picture.dtype == np.uint8:
        return picture.astype(np.float32)
    return (picture[0].transpose(1, 2, 0) * 127.5 + 127.5).clip(0, 255)


def _exact(generator: Generator, w_plus: np.ndarray, size: int) -> np.ndarray:
    """The exact picture on the scale 0 to 255, not rounded, averaged down to `size`."""
    with torch.inference_mode():
        img = (generator.synthesize(w_plus[None]) * 127.5 + 127.5).clamp(0, 255)
        img = torch.nn.functional.avg_pool2d(img, generator.img_resolution // size)
    return img[0].permute(1, 2, 0).cpu().numpy()
