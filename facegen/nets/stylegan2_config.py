"""The sizes of a StyleGAN2 network, as a checked value that goes into a model's record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from facegen.errors import ModelError
from facegen.records import RecordError, parse_record

RESOLUTIONS = (32, 64, 128, 256, 512, 1024)
MAX_CHANNELS = 4096
MAX_WIDTH = 4096
MAX_MAPPING_LAYERS = 64


@dataclass(frozen=True)
class StyleGAN2Config:
    """What decides the shapes and the arithmetic of a StyleGAN2 generator.

    Attributes:
        z_dim, w_dim: Lengths of z and w.
        mapping_layers: Fully connected layers from z to w.
        lr_multiplier: Learning-rate multiplier of the mapping network, part of its gains.
        img_resolution: Edge of the picture, 32 to 1024.
        channels: Feature channels by resolution, 4 to `img_resolution`.
        num_fp16_res: How many of the highest resolutions ran in half precision in training.
        conv_clamp: Clamp of every layer's output, None for no clamp.

    Raises:
        ModelError: a size that no such network has.
    """

    z_dim: int
    w_dim: int
    mapping_layers: int
    lr_multiplier: float
    img_resolution: int
    channels: Mapping[int, int]
    num_fp16_res: int = 0
    conv_clamp: float | None = None

    def __post_init__(self) -> None:
        if self.img_resolution not in RESOLUTIONS:
            raise _wrong("img_resolution", self.img_resolution, "a power of two from 32 to 1024")
        for field in ("z_dim", "w_dim"):
            if not _is_count(getattr(self, field), MAX_WIDTH):
                raise _wrong(field, getattr(self, field), f"1 to {MAX_WIDTH}")
        if not _is_count(self.mapping_layers, MAX_MAPPING_LAYERS):
            raise _wrong("mapping_layers", self.mapping_layers, f"1 to {MAX_MAPPING_LAYERS}")
        if not _is_positive(self.lr_multiplier):
            raise _wrong("lr_multiplier", self.lr_multiplier, "a positive number")
        if tuple(sorted(self.channels)) != self.resolutions or not all(
            _is_count(n, MAX_CHANNELS) for n in self.channels.values()
        ):
            raise _wrong("channels", dict(self.channels), "a count for each resolution from 4 px")
        if not isinstance(self.num_fp16_res, int) or not 0 <= self.num_fp16_res <= 9:
            raise _wrong("num_fp16_res", self.num_fp16_res, "0 to 9")
        if self.conv_clamp is not None and not _is_positive(self.conv_clamp):
            raise _wrong("conv_clamp", self.conv_clamp, "a positive number or null")

    @property
    def resolutions(self) -> tuple[int, ...]:
        """4, 8, … up to the picture's."""
        return tuple(2**i for i in range(2, self.img_resolution.bit_length()))

    @property
    def num_ws(self) -> int:
        """Rows of w_plus that the network reads."""
        return 2 * len(self.resolutions)

    def to_record(self) -> dict[str, Any]:
        """The fields for a JSON record, `num_ws` among them."""
        channels = {str(resolution): n for resolution, n in self.channels.items()}
        return {**asdict(self), "channels": channels, "num_ws": self.num_ws}

    @classmethod
    def from_json(cls, text: str | bytes) -> StyleGAN2Config:
        """Read the fields out of a JSON record; others in it are left alone.

        Raises:
            ModelError: a field is missing or wrong.
        """
        try:
            config = parse_record(text, cls)
            num_ws = parse_record(text, _Rows).num_ws
        except RecordError as err:
            raise ModelError(
                f"A model's record does not tell its sizes: {err}. Import the model again."
            ) from err
        if num_ws not in (None, config.num_ws):
            raise _wrong("num_ws", num_ws, str(config.num_ws))
        return config


@dataclass(frozen=True)
class _Rows:
    """The one field of a record that follows from the others."""

    num_ws: int | None = None


def _is_count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


def _wrong(field: str, got: object, wanted: str) -> ModelError:
    return ModelError(
        f"{field} of a StyleGAN2 network should be {wanted}, got {str(got)[:80]}; import the "
        "model again."
    )
