"""What the encoder learned, as a file: `models/encoder/MODEL.safetensors`, in half precision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from facegen.directions.regressor import ROW_GROUPS
from facegen.errors import ModelError
from facegen.files import write_atomic
from facegen.latents import DEFAULT_MODEL, W_DIM
from facegen.nets.encoder_head import Head, Reduction
from facegen.paths import MODELS_DIR, shipped

ENCODER_FILE = MODELS_DIR / "encoder" / f"{DEFAULT_MODEL}.safetensors"
OUTPUTS = len(ROW_GROUPS) * W_DIM
MOST_ROUNDS = 4
LARGEST_INPUT = 8.0
"""Standardised numbers are cut here: what is stranger than anything generated says nothing."""


@dataclass(frozen=True, eq=False)
class EncoderWeights:
    """All parts of the encoder.

    Attributes:
        reduction: Maps of a picture -> standardised numbers.
        first: These -> whitened groups of rows.
        rounds: For each round of feedback, the difference of these numbers between the picture and
            the rendition -> the change of the whitened groups.
    """

    reduction: Reduction
    first: Head
    rounds: tuple[Head, ...]


def write_encoder(weights: EncoderWeights, path: Path = ENCODER_FILE, **facts: str) -> None:
    """Write a file; equal weights give equal bytes.

    Args:
        weights: What was learned.
        path: Where to.
        facts: How, for its metadata.
    """
    parts = {"reduction": weights.reduction, "first": weights.first}
    parts |= {f"rounds.{k}": head for k, head in enumerate(weights.rounds)}
    state = {
        f"{part}.{key}": (value if key.endswith(("mean", "scale", "bias")) else value.half())
        for part, module in parts.items()
        for key, value in module.state_dict().items()
    }
    tensors = {key: value.detach().contiguous() for key, value in state.items()}
    write_atomic(path, save(tensors, metadata=facts))


def read_encoder(path: Path = ENCODER_FILE) -> EncoderWeights:
    """Read a file.

    Raises:
        ModelError: it is damaged, or holds something else.
        InstallationError: it is missing.
    """
    try:
        with safe_open(shipped(path), framework="pt") as file:
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as err:
        raise ModelError(f"{path.name} of the encoder is damaged; restore it with git.") from err
    try:
        if not all(torch.isfinite(value).all() for value in tensors.values()):
            raise ValueError("numbers that are not finite")
        reduction = _reduction(_below(tensors, "reduction"))
        first = _head(_below(tensors, "first"), len(reduction.mean))
        count = sum(f"rounds.{k}.code.weight" in tensors for k in range(MOST_ROUNDS))
        rounds = tuple(
            _head(_below(tensors, f"rounds.{k}"), len(reduction.mean)) for k in range(count)
        )
    except (KeyError, ValueError, RuntimeError) as err:
        raise ModelError(
            f"{path.name} holds no encoder as this version reads it ({err}); restore it with git."
        ) from err
    return EncoderWeights(reduction, first, rounds)


def _below(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    marker = f"{part}."
    return {k.removeprefix(marker): v for k, v in tensors.items() if k.startswith(marker)}


def _reduction(state: dict[str, Tensor]) -> Reduction:
    matrices = [state[f"matrices.{k}"] for k in range(len(state) - 2)]
    channels = [(matrix.shape[1], matrix.shape[0]) for matrix in matrices]
    reduction = Reduction(channels, len(state["mean"]))
    reduction.load_state_dict(state)
    return reduction.requires_grad_(False).eval()


def _head(state: dict[str, Tensor], length: int) -> Head:
    head = Head(length, len(state["code.weight"]), OUTPUTS)
    head.load_state_dict(state)
    return head.requires_grad_(False).eval()
