"""What a reader of one kind of checkpoint hands on: tensors by NVIDIA's names, and plain facts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Tensors = dict[str, np.ndarray]

DEFAULT_LR_MULTIPLIER = 0.01


class NotThisNetwork(Exception):
    """The rest of a sentence that starts with the file's name and 'is not imported:'."""


@dataclass(frozen=True)
class Facts:
    """What shapes do not tell; the fields are those of `StyleGAN2Config`."""

    lr_multiplier: float = DEFAULT_LR_MULTIPLIER
    num_fp16_res: int = 0
    conv_clamp: float | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """A generator in a file.

    Attributes:
        tensors: By NVIDIA's names below the generator, with `w_avg` at the top.
        facts: What shapes do not tell.
        made_by: The kind of file, for people.
        notes: What the file left open and how it was filled in.
    """

    tensors: Tensors
    facts: Facts
    made_by: str
    notes: tuple[str, ...] = field(default=())


def arrays_below(state: dict[object, object], marker: str) -> Tensors:
    """Arrays of a flat state dict whose names share the prefix that stands before `marker`.

    Training frameworks put prefixes such as "module." or "decoder." before a network's names; of
    several such networks, the averaged one ("ema") is taken.
    """
    prefixes = [k.removesuffix(marker) for k in state if isinstance(k, str) and k.endswith(marker)]
    if not prefixes:
        return {}
    prefix = max(prefixes, key=lambda text: "ema" in text)
    return {
        k.removeprefix(prefix): v
        for k, v in state.items()
        if isinstance(k, str) and k.startswith(prefix) and isinstance(v, np.ndarray)
    }
