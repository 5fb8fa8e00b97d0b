"""Draws on a CUDA GPU: half precision in the high resolutions, and whole pictures as CUDA graphs.

The networks are those that `Synthesis.fast` gives. A picture is some two hundred small kernels,
whose launching would take longer than running them; so each batch size is recorded once into a
graph, from a fixed input to finished bytes, and replayed. Where recording fails the same code runs
plainly.

Everything but the recording runs on a CPU as well, which is how it is tested.
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from facegen.engines.keeping import kept_outside
from facegen.engines.torch_engine import TorchEngine
from facegen.nets.synthesis import Preview, Synthesis

if TYPE_CHECKING:
    from facegen.masks import Mask

MAX_BATCH = 16
WARM_UP = 3
TRIALS = 5

log = logging.getLogger(__name__)

Draw = Callable[[Tensor], Tensor]


class CudaEngine:
    """Pictures from a GPU. Safe to share between threads; one batch at a time.

    Args:
        net: The exact network, on any device; it is copied.
        head: What draws its previews.
        device: A CUDA device; "cpu" for tests.
        dtype: Of features in the high resolutions.
        polyphase: How to up-sample, see `Synthesis.fast`; None to take the faster way,
            found by trying both.
        max_batch: Most pictures drawn at once; a power of two.
    """

    name = "cuda"

    def __init__(
        self,
        net: Synthesis,
        head: Preview,
        *,
        device: str = "cuda",
        dtype: torch.dtype = torch.float16,
        polyphase: bool | None = None,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self.preview_size = head.size_px
        self.max_batch = max_batch
        self._device = torch.device(device)
        self._has_graphs = self._device.type == "cuda"
        self._shape = (net.num_ws, net.w_dim)
        self._lock = threading.Lock()
        self._programs: dict[tuple[str, int], Draw] = {}
        self._given = (net, head)
        self._exact: TorchEngine | None = None
        # One pool of memory for all graphs: they never run at the same time.
        self._pool = torch.cuda.graph_pool_handle() if self._has_graphs else None
        if polyphase is None:
            polyphase = self._polyphase_is_faster(net, head, dtype) if self._has_graphs else True
        self._draws = self._ways(net, head, dtype, polyphase=polyphase)

    def render(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run("full", w_plus)

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """See `Engine`."""
        return self._run("preview", w_plus)

    def blend(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`: drawn by the exact network, one picture after the other."""
        pictures = self._exact_engine().blend(w_plus, w_base, mask)
        return kept_outside(pictures, self.render(w_base), mask)

    def blend_preview(self, w_plus: np.ndarray, w_base: np.ndarray, mask: Mask) -> np.ndarray:
        """See `Engine`."""
        pictures = self._exact_engine().blend_preview(w_plus, w_base, mask)
        return kept_outside(pictures, self.preview(w_base), mask)

    def _exact_engine(self) -> TorchEngine:
        """The exact network on this device, brought there when it is first needed."""
        with self._lock:
            if self._exact is None:
                net, head = copy.deepcopy(self._given)
                self._exact = TorchEngine(net.to(self._device), head.to(self._device))
            return self._exact

    def free(self) -> None:
        """Give back the memory of recorded batches; they are recorded again when needed."""
        with self._lock:
            self._programs.clear()
            self._exact = None
            if self._has_graphs:
                torch.cuda.empty_cache()

    def _run(self, kind: str, w_plus: np.ndarray) -> np.ndarray:
        pictures = []
        with self._lock, torch.inference_mode():
            for start in range(0, len(w_plus), self.max_batch):
                batch = torch.from_numpy(w_plus[start : start + self.max_batch])
                size = 1 << (len(batch) - 1).bit_length()  # few sizes: each takes memory
                padded = torch.cat([batch, batch[:1].expand(size - len(batch), -1, -1)])
                drawn = self.program(kind, size)(padded)
                pictures.append(drawn[: len(batch)].cpu().numpy())
        return np.concatenate(pictures)

    def program(self, kind: str, size: int) -> Draw:
        """Draws [size, num_ws, w_dim] to bytes on the device; "full" or "preview". Not locked."""
        if (kind, size) not in self._programs:
            self._programs[kind, size] = self._made(self._draws[kind], size)
        return self._programs[kind, size]

    def _made(self, draw: Draw, size: int) -> Draw:
        if self._has_graphs:
            try:
                return _recorded(draw, (size, *self._shape), self._device, self._pool)
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError as err:  # if the card is gone, drawing plainly says so
                log.info("No CUDA graph for %d pictures at once (%s).", size, err)
        return lambda w: draw(w.to(self._device))

    def _ways(
        self, net: Synthesis, head: Preview, dtype: torch.dtype, *, polyphase: bool
    ) -> dict[str, Draw]:
        """Functions from w_plus to bytes [N, S, S, 3], for full pictures and previews."""
        fast = net.fast(dtype=dtype, polyphase=polyphase).to(self._device)
        base = copy.deepcopy(net).to(self._device) if head.reads_layers else fast
        small = copy.deepcopy(head).to(self._device)
        return {"full": lambda w: as_bytes(fast(w)), "preview": lambda w: as_bytes(small(base, w))}

    def _polyphase_is_faster(self, net: Synthesis, head: Preview, dtype: torch.dtype) -> bool:
        """Time both ways of up-sampling on a single picture."""
        if not net.has_polyphase:
            return True
        seconds = {}
        w = torch.randn(1, *self._shape, device=self._device)
        for polyphase in (True, False):
            draw = self._ways(net, head, dtype, polyphase=polyphase)["full"]
            for trial in range(WARM_UP + TRIALS):
                if trial == WARM_UP:
                    torch.cuda.synchronize(self._device)
                    start = time.perf_counter()
                draw(w)
            torch.cuda.synchronize(self._device)
            seconds[polyphase] = time.perf_counter() - start
            del draw
            torch.cuda.empty_cache()
        return seconds[True] <= seconds[False]


def as_bytes(img: Tensor) -> Tensor:
    """[N, 3, S, S] in [-1, 1] -> [N, S, S, 3] uint8 on the same device, values outside clipped."""
    scaled = (img.float() * 127.5 + 127.5).round_().clamp_(0, 255)
    return scaled.permute(0, 2, 3, 1).contiguous().byte()


def is_lost(err: BaseException) -> bool:
    """Whether an error says that the GPU cannot be used any more (not that memory is short)."""
    if isinstance(err, torch.cuda.OutOfMemoryError):
        return False
    accelerator = getattr(torch, "AcceleratorError", None)
    if accelerator is not None and isinstance(err, accelerator):
        return True
    text = str(err)
    words = ("CUDA", "cuDNN", "CUDNN", "cuBLAS", "CUBLAS", "NVIDIA", "device-side")
    return isinstance(err, RuntimeError) and any(word in text for word in words)


def _recorded(draw: Draw, shape: tuple[int, ...], device: torch.device, pool: Any) -> Draw:
    """`draw` as a CUDA graph for inputs of one shape."""
    w = torch.randn(shape, device=device)
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):  # libraries choose their kernels and take their workspace
            draw(w)
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
        out = draw(w)

    def replay(given: Tensor) -> Tensor:
        w.copy_(given)
        graph.replay()
        return out

    return replay
