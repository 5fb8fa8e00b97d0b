"""From a model's file to its networks, whichever the architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facegen.errors import ModelError
from facegen.latents import space_id
from facegen.nets.mapping import Mapping
from facegen.nets.mobilestylegan import MobileSynthesis
from facegen.nets.mobilestylegan_preview import PreviewHead
from facegen.nets.stylegan2 import SkipPreview, StyleGAN2Synthesis, effective_mapping
from facegen.nets.synthesis import Preview, Synthesis
from facegen.paths import MODELS_DIR, shipped
from facegen.weights import ensure_model, entry
from facegen.weights.imported import ImportedModel, read_record

STYLEGAN2 = "stylegan2"

State = dict[str, Tensor]


@dataclass(frozen=True)
class Networks:
    """The parts of a generator, on the CPU, without gradients for the weights.

    Attributes:
        mapping: z -> w.
        synthesis: w_plus -> picture.
        head: Draws previews.
        space: Id of the latent space.
        w_avg: The mean of w that came with the model, [w_dim]; None if it has to be computed.
        why_not_face: Why the dials for faces do not apply, as a sentence; None if they may.
    """

    mapping: Mapping
    synthesis: Synthesis
    head: Preview
    space: str
    w_avg: np.ndarray | None = None
    why_not_face: str | None = None


def load_networks(model: str, progress: Callable[[int, int], None] | None = None) -> Networks:
    """Load a registered or imported model; a registered one is fetched on first use.

    Args:
        model: Its name.
        progress: Called with (bytes done, bytes in all) while fetching.

    Raises:
        ModelError: unknown, damaged or not to be fetched.
    """
    path = ensure_model(model, progress)
    tensors = load_file(path)
    if entry(model).architecture == STYLEGAN2:
        networks = _stylegan2(read_record(model), tensors)
    else:
        networks = _mobilestylegan(model, tensors)
    for net in (networks.mapping, networks.synthesis, networks.head):
        net.requires_grad_(False).eval()
    return networks


def load_head(model: str) -> PreviewHead:
    """The preview head trained for a MobileStyleGAN model; it lies in the repository.

    Raises:
        ModelError: it is missing or does not fit.
    """
    path = shipped(MODELS_DIR / "heads" / f"{model}.safetensors")
    head = PreviewHead()
    try:
        tensors = load_file(path)
        head.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=True)
    except (OSError, RuntimeError, SafetensorError) as err:
        raise ModelError(
            f"The preview head {path} is damaged; restore it with git, or install facegen again."
        ) from err
    return head.requires_grad_(False).eval()


def _mobilestylegan(model: str, tensors: State) -> Networks:
    mapping, synthesis = Mapping(), MobileSynthesis()
    state = _with_prefix(tensors, "mapping.")
    _fill(mapping, state, model)
    _fill(synthesis, _with_prefix(tensors, "synthesis."), model)
    return Networks(mapping, synthesis, load_head(model), _space(state))


def _stylegan2(record: ImportedModel, tensors: State) -> Networks:
    config = record.config
    mapping = Mapping(num_layers=config.mapping_layers, z_dim=config.z_dim, w_dim=config.w_dim)
    state = effective_mapping(tensors, lr_multiplier=config.lr_multiplier)
    _fill(mapping, state, record.name)
    synthesis = StyleGAN2Synthesis.from_config(config)
    _fill(synthesis, _with_prefix(tensors, "synthesis."), record.name)
    w_avg = tensors.get("w_avg")
    return Networks(
        mapping,
        synthesis,
        SkipPreview(synthesis),
        record.space,
        w_avg=None if w_avg is None else w_avg.float().numpy(),
        why_not_face=record.why_not_face if record.is_face is False else None,
    )


def _fill(net: Mapping | Synthesis, state: State, model: str) -> None:
    try:
        net.load_state_dict(state, strict=True)
    except RuntimeError as err:
        raise ModelError(f"{model} does not fit this program's network ({err}).") from err


def _space(mapping_state: State) -> str:
    return space_id({key: value.numpy() for key, value in mapping_state.items()})


def _with_prefix(tensors: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
