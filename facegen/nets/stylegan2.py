"""StyleGAN2's synthesis network (Karras et al. 2020, arXiv 1912.04958) in plain PyTorch.

Skip architecture, any resolution, no extension to compile. Parameters carry the names that
NVIDIA's PyTorch checkpoints use, so that a state dict loads as it is. Instead of building a
weight for every sample, features are scaled by the style before and by the demodulation after a
shared convolution (their appendix B says the two are equal); this is exact and needs no grouped
convolution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.stylegan2_config import StyleGAN2Config
from facegen.nets.synthesis import PART_EDGE, Preview, Synthesis, Work
from facegen.nets.window import FIRST_FIXED_ROW, WINDOW_PX, Box, Part, Window

if TYPE_CHECKING:
    import openvino as ov

    from facegen.masks import Mask
    from facegen.nets.blend_graphs import BlendGraphs
    from facegen.nets.stylegan2_fast import FastStyleGAN2

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2.0)
DEMOD_EPS = 1e-8
FIR_TAPS = (1.0, 3.0, 3.0, 1.0)
PREVIEW_PX = 256

NoiseMode = Literal["const", "random", "none"]


def fir_kernel() -> Tensor:
    """The separable low-pass filter [1, 3, 3, 1], [4, 4], summing to one."""
    taps = torch.tensor(FIR_TAPS)
    kernel = taps[:, None] * taps[None, :]
    return kernel / kernel.sum()


def fir_filter(x: Tensor, kernel: Tensor, *, pad: tuple[int, int], gain: float) -> Tensor:
    """Convolve every channel with `kernel`, padding (before, after) on both axes."""
    before, after = pad
    channels = x.shape[1]
    weight = (kernel * gain).to(x.dtype)[None, None].expand(channels, 1, -1, -1)
    if before != after:
        x = F.pad(x, (before, after, before, after))
        before = 0
    return F.conv2d(x, weight, padding=before, groups=channels)


def upsample2(x: Tensor, kernel: Tensor) -> Tensor:
    """Double the size: zeros between the samples, then the filter."""
    n, c, h, w = x.shape
    spread = x.new_zeros(n, c, h, 2, w, 2)
    spread[:, :, :, 0, :, 0] = x
    return fir_filter(spread.reshape(n, c, 2 * h, 2 * w), kernel, pad=(2, 1), gain=4.0)


class Affine(nn.Module):
    """w -> styles, with the equalised learning rate of the training code."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(channels, w_dim))
        self.bias = nn.Parameter(torch.ones(channels))

    def forward(self, w: Tensor) -> Tensor:
        """[N, w_dim] -> [N, channels]."""
        return F.linear(w, self.weight / math.sqrt(self.weight.shape[1]), self.bias)


class SynthesisLayer(nn.Module):
    """Modulated, demodulated 3x3 convolution, optionally to double size; noise; leaky ReLU."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        w_dim: int,
        resolution: int,
        up: bool,
        conv_clamp: float | None,
    ) -> None:
        super().__init__()
        self.up = up
        self.conv_clamp = conv_clamp
        self.affine = Affine(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", fir_kernel())

    def forward(
        self,
        x: Tensor,
        w: Tensor,
        *,
        noise_mode: NoiseMode,
        rng: torch.Generator | None,
        window: Window | None = None,
    ) -> Tensor:
        """[N, in_channels, S, S], [N, w_dim] -> [N, out_channels, S or 2 S, ...].

        `window` says where in the whole the result lies, where x is but a part.
        """
        styles = self.affine(w)
        power = self.weight.square().sum(dim=(2, 3))  # [O, I]
        # The activation's gain is folded into all that goes into it.
        demod = LRELU_GAIN * torch.rsqrt(styles.square() @ power.T + DEMOD_EPS)  # [N, O]
        x = x * styles[:, :, None, None]
        if self.up:
            x = F.conv_transpose2d(x, self.weight.transpose(0, 1), stride=2)
            x = fir_filter(x, self.resample_filter, pad=(1, 1), gain=4.0)
        else:
            x = F.conv2d(x, self.weight, padding=1)
        if noise_mode == "none":
            x = x * demod[:, :, None, None]
        else:
            noise = self.noise_const if window is None else window.of(self.noise_const)
            if noise_mode == "random":
                shape = (x.shape[0], 1, *x.shape[2:])
                noise = torch.randn(shape, generator=rng).to(x)  # on the CPU: same everywhere
            noise = noise * (LRELU_GAIN * self.noise_strength)
            x = torch.addcmul(noise, x, demod[:, :, None, None])
        # In place: autograd needs no value from before, and large new tensors cost more than sums.
        x = F.leaky_relu_(x.add_(LRELU_GAIN * self.bias[:, None, None]), LRELU_SLOPE)
        return x if self.conv_clamp is None else x.clamp(-self.conv_clamp, self.conv_clamp)


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to RGB, without demodulation."""

    def __init__(self, in_channels: int, *, w_dim: int, conv_clamp: float | None) -> None:
        super().__init__()
        self.conv_clamp = conv_clamp
        self.affine = Affine(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(3, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, in_channels, S, S], [N, w_dim] -> [N, 3, S, S]."""
        styles = self.affine(w) / math.sqrt(self.weight.shape[1])
        # A weight for every sample: a product of matrices, where a convolution to three channels
        # takes its slowest path, above all backwards.
        weight = self.weight[:, :, 0, 0] * styles[:, None, :]  # [N, 3, I]
        x = (weight @ x.flatten(2)).unflatten(2, x.shape[2:]) + self.bias[:, None, None]
        return x if self.conv_clamp is None else x.clamp(-self.conv_clamp, self.conv_clamp)


class SynthesisBlock(nn.Module):
    """One resolution: (up-sampling convolution,) convolution, and its share of the picture."""

    resample_filter: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        w_dim: int,
        resolution: int,
        conv_clamp: float | None,
    ) -> None:
        super().__init__()
        self.resolution = resolution
        self.is_first = in_channels == 0
        layer = partial(SynthesisLayer, w_dim=w_dim, resolution=resolution, conv_clamp=conv_clamp)
        self.register_buffer("resample_filter", fir_kernel())
        if self.is_first:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = layer(in_channels, out_channels, up=True)
        self.conv1 = layer(out_channels, out_channels, up=False)
        self.torgb = ToRGB(out_channels, w_dim=w_dim, conv_clamp=conv_clamp)

    @property
    def convs(self) -> tuple[SynthesisLayer, ...]:
        """The convolutions in their order."""
        return (self.conv1,) if self.is_first else (self.conv0, self.conv1)

    @property
    def num_conv(self) -> int:
        """Convolutions, and so rows of w_plus read besides the one of `torgb`."""
        return len(self.convs)

    def forward(
        self,
        x: Tensor | None,
        img: Tensor | None,
        ws: Tensor,
        *,
        noise_mode: NoiseMode,
        rng: torch.Generator | None,
        window: Window | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Features and picture of the block before, and num_conv + 1 rows -> the same, doubled.

        `window` says where in the whole the result lies, where they are but a part.
        """
        layer = {"noise_mode": noise_mode, "rng": rng, "window": window}
        if x is None:
            x = self.const.expand(ws.shape[0], -1, -1, -1)
        else:
            x = self.conv0(x, ws[:, 0], **layer)
        x = self.conv1(x, ws[:, self.num_conv - 1], **layer)
        rgb = self.torgb(x, ws[:, self.num_conv])
        return x, rgb if img is None else upsample2(img, self.resample_filter) + rgb


class StyleGAN2Synthesis(Synthesis):
    """w_plus -> picture.

    Args:
        img_resolution: A power of two, 32 to 1024.
        w_dim: Length of w.
        channel_base: Channels at a resolution are channel_base / resolution, at most channel_max.
        channel_max: See above. Config-f is 32768 and 512.
        channels: Channels by resolution, from 4 px upwards, in place of the two above.
        conv_clamp: Clamp of every layer's output, None for no clamp.
    """

    has_polyphase = True
    can_blend = True

    def __init__(
        self,
        *,
        img_resolution: int,
        w_dim: int = 512,
        channel_base: int = 32768,
        channel_max: int = 512,
        channels: Mapping[int, int] | None = None,
        conv_clamp: float | None = 256.0,
    ) -> None:
        super().__init__()
        self.img_resolution = img_resolution
        self.w_dim = w_dim
        resolutions = [2**i for i in range(2, img_resolution.bit_length())]
        self.num_ws = 2 * len(resolutions)
        self.conv_clamp = conv_clamp
        in_channels = 0
        for resolution in resolutions:
            if channels is None:
                out_channels = min(channel_base // resolution, channel_max)
            else:
                out_channels = channels[resolution]
            block = SynthesisBlock(
                in_channels, out_channels, w_dim=w_dim, resolution=resolution,
                conv_clamp=conv_clamp,
            )  # fmt: skip
            self.add_module(f"b{resolution}", block)
            in_channels = out_channels

    @classmethod
    def from_config(cls, config: StyleGAN2Config) -> StyleGAN2Synthesis:
        """The network of a model's record, its weights still random."""
        return cls(
            img_resolution=config.img_resolution,
            w_dim=config.w_dim,
            channels=config.channels,
            conv_clamp=config.conv_clamp,
        )

    def blocks(self) -> Iterator[SynthesisBlock]:
        """The blocks from 4 px upwards."""
        for block in self.children():
            assert isinstance(block, SynthesisBlock)
            yield block

    def forward(
        self,
        w_plus: Tensor,
        *,
        noise_mode: NoiseMode = "const",
        rng: torch.Generator | None = None,
        size_px: int | None = None,
    ) -> Tensor:
        """[N, num_ws, w_dim] -> RGB picture in about [-1, 1], [N, 3, S, S].

        Args:
            w_plus: Latents, one row per layer.
            noise_mode: "const" adds the trained noise, "random" a fresh draw, "none" nothing.
            rng: Source of random noise; None uses PyTorch's global one.
            size_px: Stop at this resolution: what the blocks up to there add to the picture.
        """
        x: Tensor | None = None
        img: Tensor | None = None
        row = 0
        for block in self.blocks():
            rows = w_plus[:, row : row + block.num_conv + 1]
            x, img = block(x, img, rows, noise_mode=noise_mode, rng=rng)
            row += block.num_conv
            if img.shape[-1] == size_px:
                break
        assert img is not None
        return img

    def blend(self, w_plus: Tensor, w_base: Tensor, mask: Mask) -> Tensor:
        """See `Synthesis`; see `facegen.nets.stylegan2_blend` for how."""
        from facegen.nets.stylegan2_blend import blend

        return blend(self, w_plus, w_base, mask)

    def picture_part(self, w_plus: Tensor, box: Box) -> Part:
        """See `Synthesis`: from WINDOW_PX on only a window is computed."""
        fixed = w_plus[:, FIRST_FIXED_ROW:].detach()
        w_plus = torch.cat([w_plus[:, :FIRST_FIXED_ROW], fixed], dim=1)
        x: Tensor | None = None
        img: Tensor | None = None
        window: Window | None = None
        row = 0
        for block in self.blocks():
            rows = w_plus[:, row : row + block.num_conv + 1]
            if block.resolution > WINDOW_PX:
                assert x is not None
                assert img is not None
                if window is None:
                    window = Window.around(box)
                    x, img = window.of(x), window.of(img)
                window = window.times(2)
            x, img = block(x, img, rows, noise_mode="const", rng=None, window=window)
            row += block.num_conv
        assert img is not None
        factor = max(self.img_resolution // PART_EDGE, 1)
        img = img if factor == 1 else F.avg_pool2d(img, factor)
        left, top = (0, 0) if window is None else (window.left // factor, window.top // factor)
        return Part(img, left=left, top=top, edge=self.img_resolution // factor)

    def fast(self, *, dtype: torch.dtype = torch.float16, polyphase: bool = True) -> FastStyleGAN2:
        """See `Synthesis`."""
        from facegen.nets.stylegan2_fast import FastStyleGAN2

        return FastStyleGAN2(self, dtype=dtype, polyphase=polyphase)

    def openvino_graph(self) -> ov.Model:
        """See `Synthesis`."""
        from facegen.nets.stylegan2_openvino import stylegan2_graph

        return stylegan2_graph(self, size_px=self.img_resolution)

    def blend_graphs(self) -> BlendGraphs:
        """See `Synthesis`."""
        from facegen.nets.stylegan2_blend_openvino import stylegan2_blend_graphs

        return stylegan2_blend_graphs(self)

    def work(self) -> Work:
        """See `Synthesis`."""
        macs = values = 0
        for block in self.blocks():
            area = block.resolution**2
            for layer in block.convs:
                outputs, inputs = layer.weight.shape[:2]
                before = area // 4 if layer.up else area
                macs += layer.weight.numel() * before
                if layer.up:
                    macs += layer.resample_filter.numel() * outputs * area
                values += inputs * before + outputs * area + layer.weight.numel()
            macs += block.torgb.weight.numel() * area
            values += 3 * area
        return Work(macs, values)

    def plain_form(self) -> Callable[[Tensor], Tensor]:
        """See `Synthesis`."""
        from facegen.nets.stylegan2_reference import reference_forward

        return partial(reference_forward, self)


class SkipPreview(Preview):
    """The picture that the blocks up to 256 px have made: the skip architecture gives it.

    It lacks what later blocks add: the finest detail, and some contrast.
    """

    def __init__(self, net: StyleGAN2Synthesis) -> None:
        super().__init__()
        self.size_px = min(PREVIEW_PX, net.img_resolution)

    def forward(self, net: Synthesis, w_plus: Tensor) -> Tensor:
        """Preview of `net` for [N, num_ws, w_dim], [N, 3, size_px, size_px]."""
        return net(w_plus, size_px=self.size_px)

    def blend(self, net: Synthesis, w_plus: Tensor, w_base: Tensor, mask: Mask) -> Tensor:
        """See `Preview`."""
        from facegen.nets.stylegan2_blend import blend

        assert isinstance(net, StyleGAN2Synthesis)
        return blend(net, w_plus, w_base, mask, size_px=self.size_px)

    def openvino_graph(self, net: Synthesis) -> ov.Model:
        """See `Preview`."""
        from facegen.nets.stylegan2_openvino import stylegan2_graph

        assert isinstance(net, StyleGAN2Synthesis)
        return stylegan2_graph(net, size_px=self.size_px)

    def blend_graphs(self, net: Synthesis) -> BlendGraphs:
        """See `Preview`."""
        from facegen.nets.stylegan2_blend_openvino import stylegan2_blend_graphs

        assert isinstance(net, StyleGAN2Synthesis)
        return stylegan2_blend_graphs(net, preview_px=self.size_px)


def effective_mapping(
    state: dict[str, Tensor], *, lr_multiplier: float = 0.01
) -> dict[str, Tensor]:
    """Fold the training code's gains into NVIDIA's mapping weights.

    Args:
        state: `mapping.fc<i>.weight` [out, in] and `mapping.fc<i>.bias` [out], as published.
        lr_multiplier: Learning-rate multiplier of the mapping network.

    Returns:
        State dict of `facegen.nets.mapping.Mapping`.
    """
    folded = {}
    i = 0
    while f"mapping.fc{i}.weight" in state:
        weight = state[f"mapping.fc{i}.weight"]
        folded[f"fc.{i}.weight"] = weight * (lr_multiplier / math.sqrt(weight.shape[1]))
        folded[f"fc.{i}.bias"] = state[f"mapping.fc{i}.bias"] * lr_multiplier
        i += 1
    return folded
