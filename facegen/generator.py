"""The generator: z -> w -> w_plus -> picture, by the fastest engine the machine has.

The PyTorch networks are the exact, differentiable reference; `render` and `preview` go through
an engine (see `facegen.engines`) that agrees with them within 2/255 on every pixel.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, overload

import numpy as np
import torch
from torch import Tensor

from facegen.checks import require_finite, require_shape
from facegen.errors import ModelError, SaveError, UsageError
from facegen.files import write_atomic
from facegen.images import area_downscale
from facegen.latents import (
    DEFAULT_MODEL,
    DEFAULT_PSI,
    NUM_WS,
    W_AVG_SAMPLES,
    W_AVG_SEED,
    broadcast_w,
    truncate,
    z_from_seed,
)
from facegen.networks import Networks, load_networks
from facegen.paths import cache_dir

if TYPE_CHECKING:
    from facegen.engines import Engine
    from facegen.operations import KeepRest


log = logging.getLogger(__name__)


class Generator:
    """A loaded face generator.

    Use `Generator.load`. Methods take numpy arrays or tensors and do not change them; all but
    `synthesize` run without gradients. One instance may be shared by threads: the engine
    serialises what must not overlap.

    A w_plus has 18 rows whichever the network, so that a face opens in every network of its space.
    A network for pictures below 1024 px reads the first `num_ws` of them.

    Attributes:
        model: Registered name.
        space: Id of the latent space; latents and directions of the same space apply.
        num_ws: Rows of w_plus that the network reads.
        w_dim, z_dim, img_resolution: Sizes, named as NVIDIA's code does.
        w_avg: Mean of w, float32 [w_dim]: what came with the model, else over 10,000 draws of
            seed 123.
        why_not_face: Why the dials for faces do not apply to this network, as a sentence; None if
            nothing is known against them.
    """

    def __init__(self, networks: Networks, engine: Engine, *, model: str) -> None:
        self.model = model
        self.space = networks.space
        self.why_not_face = networks.why_not_face
        self.mapping = networks.mapping
        self.synthesis = networks.synthesis
        self.head = networks.head
        self.engine = engine
        self.z_dim = self.mapping.z_dim
        self.w_dim = self.mapping.w_dim
        self.num_ws = self.synthesis.num_ws
        self.img_resolution = self.synthesis.img_resolution
        self.w_avg = self._average_w() if networks.w_avg is None else networks.w_avg

    @classmethod
    def load(
        cls,
        model: str = DEFAULT_MODEL,
        *,
        device: str = "cpu",
        engine: str = "auto",
        progress: Callable[[int, int], None] | None = None,
    ) -> Generator:
        """Load a registered or imported model; a registered one is fetched on first use.

        Args:
            model: Its name.
            device: "cpu" or "cuda"; where the exact PyTorch networks live.
            engine: Name of the engine for `render` and `preview`, or "auto".
            progress: Called with (bytes done, bytes in all) while fetching.

        Raises:
            ModelError: unknown, damaged or not to be fetched, or the device does not exist.
        """
        # Imported here: engines bring OpenVINO, which takes half a second to import.
        from facegen.engines import make_engine

        if device.startswith("cuda") and not torch.cuda.is_available():
            raise ModelError("No CUDA device can be used here; leave --device at cpu.")
        networks = load_networks(model, progress)
        for net in (networks.mapping, networks.synthesis, networks.head):
            net.to(device)
        runner = make_engine(engine, networks.synthesis, networks.head)
        return cls(networks, runner, model=model)

    @property
    def engine_name(self) -> str:
        """Name of the engine behind `render`."""
        return self.engine.name

    @property
    def max_batch(self) -> int:
        """How many pictures `render` draws faster together than one by one."""
        return self.engine.max_batch

    @property
    def notice(self) -> str | None:
        """What the user should know of a GPU that failed; None while all is well."""
        return getattr(self.engine, "notice", None)

    @property
    def preview_size(self) -> int:
        """Edge of a preview in pixels."""
        return self.engine.preview_size

    @property
    def can_keep(self) -> bool:
        """Whether `render` can keep the rest of a picture."""
        return self.synthesis.can_blend

    @property
    def device(self) -> torch.device:
        """Where the exact networks live."""
        return self.synthesis.device

    @overload
    def map(self, z: np.ndarray) -> np.ndarray: ...

    @overload
    def map(self, z: Tensor) -> Tensor: ...

    def map(self, z: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Z [N, 512] -> w [N, 512] without truncation; numpy gives numpy, a tensor a tensor."""
        if isinstance(z, Tensor):
            return self.mapping(z.to(self.device))
        with torch.inference_mode():
            w = self.mapping(torch.from_numpy(np.asarray(z, np.float32)).to(self.device))
        return w.cpu().numpy()

    def w_from_seed(self, seed: int, psi: float = DEFAULT_PSI) -> np.ndarray:
        """The w_plus, [18, w_dim], of a seed truncated toward the average face.

        Raises:
            UsageError: the seed or psi is out of range.
        """
        w = truncate(self.map(z_from_seed(seed, z_dim=self.z_dim)), self.w_avg, psi)
        return broadcast_w(w)[0]

    def synthesize(self, w_plus: np.ndarray | Tensor) -> Tensor:
        """The exact picture, [N, 3, S, S] in about [-1, 1], differentiable in w_plus.

        Args:
            w_plus: [N, 18, w_dim]; rows beyond `num_ws` are not read and may be missing.
        """
        if not isinstance(w_plus, Tensor):
            w_plus = torch.from_numpy(np.asarray(w_plus, np.float32))
        return self.synthesis(w_plus[:, : self.num_ws].to(self.device))

    def render(
        self, w_plus: np.ndarray, *, size: int | None = None, keep: KeepRest | None = None
    ) -> np.ndarray:
        """The picture as uint8 RGB.

        Args:
            w_plus: [18, w_dim], or [N, 18, w_dim] for a batch; rows beyond `num_ws` are not read
                and may be missing.
            size: Edge in pixels: the full size (default), the preview size (rendered cheaply),
                or a power of two below the full size (the full picture, averaged down).
            keep: Outside of its mask the picture is that of its latent, from 256 px up to the last
                bit; where less is asked for, pixels at the mask's edge hold a part of both.

        Returns:
            [size, size, 3], or [N, size, size, 3] for a batch.

        Raises:
            LatentError: wrong shape or values that are not finite.
            UsageError: a size that cannot be made.
            ModelError: the network cannot keep the rest (`can_keep` tells).
        """
        batch = self._checked(w_plus)
        size = size or self.img_resolution
        if size < 16 or size > self.img_resolution or self.img_resolution % size:
            raise UsageError(
                f"A picture can be {self.img_resolution} px or a half, quarter, … of it, got "
                f"{size}."
            )
        is_preview = size == self.preview_size
        if keep is None or keep.region.is_whole:
            images = self.engine.preview(batch) if is_preview else self.engine.render(batch)
        else:
            images = self._kept(batch, keep, is_preview=is_preview)
        images = area_downscale(images, size)
        return images[0] if w_plus.ndim == 2 else images

    def _kept(self, batch: np.ndarray, keep: KeepRest, *, is_preview: bool) -> np.ndarray:
        """Pictures with the rest kept, at full or at preview size."""
        if not self.can_keep:
            raise ModelError(
                f"The network {self.model} cannot keep the rest of a picture while it draws a part "
                "of it anew. Open the face with another network, or edit it without keeping."
            )
        base, mask = self._checked(keep.w_plus), keep.region
        draw = self.engine.preview if is_preview else self.engine.render
        blend = self.engine.blend_preview if is_preview else self.engine.blend
        if mask.is_empty or np.array_equal(batch, np.broadcast_to(base, batch.shape)):
            return np.repeat(draw(base), len(batch), axis=0)
        return blend(batch, base, mask)

    def preview(self, w_plus: np.ndarray) -> np.ndarray:
        """A smaller picture made several times faster: see `render`."""
        return self.render(w_plus, size=self.preview_size)

    def _checked(self, w_plus: np.ndarray) -> np.ndarray:
        batch = np.array(w_plus, np.float32)  # a copy: callers may hold read-only arrays
        batch = batch[None] if batch.ndim == 2 else batch
        advice = "Use Face.load or Generator.w_from_seed to get one."
        rows = self.num_ws if batch.ndim == 3 and batch.shape[1] == self.num_ws else NUM_WS
        require_shape(batch, (None, rows, self.w_dim), what="w_plus", advice=advice)
        batch = batch[:, : self.num_ws]
        require_finite(batch, what="w_plus", advice=advice)
        return np.ascontiguousarray(batch)

    def _average_w(self) -> np.ndarray:
        """The mean of w; of the same weights it is kept, since it takes a second."""
        told = hashlib.sha256(self.device.type.encode())
        for tensor in self.mapping.state_dict().values():
            told.update(tensor.cpu().numpy().tobytes())
        path = cache_dir() / "w_avg" / f"{told.hexdigest()[:20]}.npy"
        with suppress(OSError, ValueError, EOFError):
            kept = np.load(path, allow_pickle=False)
            is_whole = isinstance(kept, np.ndarray) and kept.shape == (self.w_dim,)
            if is_whole and kept.dtype == np.float32 and np.isfinite(kept).all():
                return kept
        made, out = self._averaged(), io.BytesIO()
        np.save(out, made, allow_pickle=False)
        with suppress(SaveError):  # Then it is made again the next time.
            write_atomic(path, out.getvalue())
        return made

    def _averaged(self) -> np.ndarray:
        z = np.random.RandomState(W_AVG_SEED).randn(W_AVG_SAMPLES, self.z_dim)
        # float64 mean: the average must not depend on how a machine orders its sums.
        return self.map(z.astype(np.float32)).mean(axis=0, dtype=np.float64).astype(np.float32)
