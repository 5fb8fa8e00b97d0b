"""StyleGAN2's synthesis for drawing alone: half precision where it is safe, few passes over memory.

Same numbers as `facegen.nets.stylegan2` up to rounding, no gradients. What it does differently:

- From `half_from` pixels upwards features are kept in a shorter type. They cannot overflow: every
  layer is clamped, and what multiplies them has length one. For a single picture that is the
  modulated and demodulated weight; for a batch, features are scaled by styles divided by their
  largest, weights by theirs, and the product comes back after the convolution in float32 numbers
  (what NVIDIA's code calls pre-normalisation).
- A single picture has its style and demodulation put into the weights, which are smaller than the
  features; bias rides along with the convolution.
- Up-sampling may be one polyphase convolution: transposed 3x3 convolution and 4x4 filter together
  are a 6x6 window, whose four phases are four 3x3 windows side by side. It has four times the
  products and half the passes over memory, so matrix units like it and CPUs do not.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.stylegan2 import (
    DEMOD_EPS,
    LRELU_GAIN,
    LRELU_SLOPE,
    Affine,
    StyleGAN2Synthesis,
    SynthesisBlock,
    SynthesisLayer,
    ToRGB,
    fir_filter,
    fir_kernel,
)
from facegen.nets.synthesis import Synthesis

SAFE_CLAMP = 256.0  # of layers in half precision that were trained without a clamp
HALF_BLOCKS = 4  # NVIDIA's choice: the four highest resolutions
UP_GAIN = 4.0


class FastStyleGAN2(Synthesis):
    """w_plus -> picture, for drawing.

    Args:
        net: The exact network; its weights are copied, on its device.
        dtype: Of features in the `HALF_BLOCKS` highest resolutions.
        polyphase: Up-sample with one polyphase convolution.
    """

    def __init__(
        self,
        net: StyleGAN2Synthesis,
        *,
        dtype: torch.dtype = torch.float16,
        polyphase: bool = True,
    ) -> None:
        super().__init__()
        self.img_resolution = net.img_resolution
        self.num_ws = net.num_ws
        self.w_dim = net.w_dim
        half_from = net.img_resolution >> (HALF_BLOCKS - 1)
        self.blocks = nn.ModuleList(
            _Block(
                block,
                dtype=dtype if block.resolution >= half_from else torch.float32,
                polyphase=polyphase,
            )
            for block in net.blocks()
        )
        self.requires_grad_(False).eval()

    @torch.inference_mode()
    def forward(self, w_plus: Tensor, *, size_px: int | None = None) -> Tensor:
        """As `StyleGAN2Synthesis.forward` with constant noise; float32."""
        x: Tensor | None = None
        img: Tensor | None = None
        row = 0
        for block in self.blocks:
            assert isinstance(block, _Block)
            x, img = block(x, img, w_plus[:, row:])
            row += len(block.layers)
            if img.shape[-1] == size_px:
                break
        assert img is not None
        return img


class _Block(nn.Module):
    """One resolution."""

    phases: Tensor
    const: Tensor | None

    def __init__(self, block: SynthesisBlock, *, dtype: torch.dtype, polyphase: bool) -> None:
        super().__init__()
        self.dtype = dtype
        layers = [block.conv1] if block.is_first else [block.conv0, block.conv1]
        self.layers = nn.ModuleList(_Layer(x, dtype=dtype, polyphase=polyphase) for x in layers)
        self.torgb = _ToRGB(block.torgb)
        const = _last(block.const.detach()[None]) if block.is_first else None
        self.register_buffer("const", const)
        self.register_buffer("phases", doubling_kernel().to(block.resample_filter.device))

    def forward(self, x: Tensor | None, img: Tensor | None, rows: Tensor) -> tuple[Tensor, Tensor]:
        if x is None:
            assert self.const is not None
            x = self.const.expand(len(rows), -1, -1, -1)
        x = x.to(self.dtype, memory_format=torch.channels_last)
        for i, layer in enumerate(self.layers):
            x = layer(x, rows[:, i])
        rgb = self.torgb(x, rows[:, len(self.layers)])
        if img is not None:
            doubled = F.conv2d(img, self.phases, padding=1, groups=img.shape[1])
            rgb = rgb.add_(F.pixel_shuffle(doubled, 2))
        return x, rgb


class _Layer(nn.Module):
    """A `SynthesisLayer` with all that does not depend on w made ready."""

    kernel: Tensor
    unit_kernel: Tensor
    unit: Tensor
    power: Tensor
    bias: Tensor
    noise: Tensor
    fir: Tensor

    def __init__(self, layer: SynthesisLayer, *, dtype: torch.dtype, polyphase: bool) -> None:
        super().__init__()
        self.affine = _Style(layer.affine)
        self.phases = 4 if layer.up and polyphase else 1
        self.transposed = layer.up and not polyphase
        half = dtype != torch.float32
        self.clamp = layer.conv_clamp or (SAFE_CLAMP if half else None)
        weight = layer.weight.detach()
        kernel = polyphase_kernel(weight) if self.phases == 4 else weight
        unit = kernel.abs().amax(dim=(1, 2, 3)) * math.sqrt(kernel[0].numel())
        ready = {
            "kernel": _last(kernel),
            "unit_kernel": _last((kernel / unit[:, None, None, None]).to(dtype)),
            "unit": unit,
            "power": weight.square().sum(dim=(2, 3)).T.contiguous(),  # [I, O]
            "bias": (LRELU_GAIN * layer.bias.detach()).repeat(self.phases).to(dtype),
            "noise": (LRELU_GAIN * layer.noise_const * layer.noise_strength.detach()).to(dtype),
            "fir": layer.resample_filter,
        }
        for name, value in ready.items():
            self.register_buffer(name, value)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, I, S, S], [N, w_dim] -> [N, O, S or 2 S, ...]."""
        styles = self.affine(w)
        demod = LRELU_GAIN * torch.rsqrt(styles.square() @ self.power + DEMOD_EPS)
        demod = demod.repeat(1, self.phases)
        x = self._one(x, styles, demod) if len(x) == 1 else self._many(x, styles, demod)
        if self.phases == 4:
            x = _to_space(x)
        x = F.leaky_relu_(x.add_(self.noise), LRELU_SLOPE)
        return x if self.clamp is None else x.clamp_(-self.clamp, self.clamp)

    def _one(self, x: Tensor, styles: Tensor, demod: Tensor) -> Tensor:
        """A single picture: its weight is made, in float32, and then shortened."""
        kernel = self.kernel * styles[0, :, None, None] * demod[0, :, None, None, None]
        return self._convolve(x, kernel.to(x.dtype), self.bias)

    def _many(self, x: Tensor, styles: Tensor, demod: Tensor) -> Tensor:
        """Several pictures share a weight; features are scaled before and after."""
        largest = styles.abs().amax(dim=1, keepdim=True)
        x = x * (styles / largest).to(x.dtype)[:, :, None, None]
        x = self._convolve(x, self.unit_kernel, None)
        after = (demod * largest * self.unit).to(x.dtype)
        return torch.addcmul(self.bias[:, None, None], x, after[:, :, None, None])

    def _convolve(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        if not self.transposed:
            return F.conv2d(x, kernel, bias, padding=1)
        x = F.conv_transpose2d(x, kernel.transpose(0, 1), stride=2)
        x = fir_filter(x, self.fir, pad=(1, 1), gain=UP_GAIN)
        return x if bias is None else x.add_(bias[:, None, None])


class _ToRGB(nn.Module):
    """`ToRGB`: a product of matrices, in the type of the features; the picture is float32."""

    weight: Tensor
    bias: Tensor

    def __init__(self, layer: ToRGB) -> None:
        super().__init__()
        self.affine = _Style(layer.affine)
        self.clamp = layer.conv_clamp
        weight = layer.weight.detach()[:, :, 0, 0] / math.sqrt(layer.weight.shape[1])
        self.register_buffer("weight", weight)
        self.register_buffer("bias", layer.bias.detach()[:, None, None].clone())

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """[N, I, S, S], [N, w_dim] -> [N, 3, S, S]."""
        weight = (self.weight * self.affine(w)[:, None, :]).to(x.dtype)
        rgb = (weight @ x.flatten(2)).unflatten(2, x.shape[2:]).float() + self.bias
        return rgb if self.clamp is None else rgb.clamp_(-self.clamp, self.clamp)


class _Style(nn.Module):
    """An `Affine` with its gain folded in."""

    weight: Tensor
    bias: Tensor

    def __init__(self, affine: Affine) -> None:
        super().__init__()
        weight = affine.weight.detach() / math.sqrt(affine.weight.shape[1])
        self.register_buffer("weight", weight)
        self.register_buffer("bias", affine.bias.detach().clone())

    def forward(self, w: Tensor) -> Tensor:
        """[N, w_dim] -> [N, C]."""
        return F.linear(w, self.weight, self.bias)


def polyphase_kernel(weight: Tensor) -> Tensor:
    """Transposed 3x3 convolution of stride 2 and the low-pass filter as one plain convolution.

    Args:
        weight: [O, I, 3, 3].

    Returns:
        [4 * O, I, 3, 3]: all channels of the top left pixel, then of the top right, …
    """
    outputs, inputs = weight.shape[:2]
    fir = (UP_GAIN * fir_kernel()).to(weight)
    wide = F.conv_transpose2d(weight.reshape(-1, 1, 3, 3), fir[None, None])  # 6x6 windows
    wide = wide.reshape(outputs, inputs, 6, 6)
    kernel = weight.new_zeros(4, outputs, inputs, 3, 3)
    for phase in range(4):
        down, right = divmod(phase, 2)
        # Neighbour p - 1 of an input pixel reaches output phase a by tap a + 4 - 2 p.
        rows = [down + 4 - 2 * p for p in range(3)]
        columns = [right + 4 - 2 * p for p in range(3)]
        kernel[phase] = wide[:, :, rows][:, :, :, columns]
    return kernel.reshape(4 * outputs, inputs, 3, 3)


def doubling_kernel() -> Tensor:
    """Doubles an RGB picture by the low-pass filter: [12, 1, 3, 3], then `pixel_shuffle`."""
    phases = torch.tensor([[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]])
    kernel = torch.einsum("ap,bq->abpq", phases, phases).reshape(4, 1, 3, 3)
    return kernel.repeat(3, 1, 1, 1)


def _to_space(x: Tensor) -> Tensor:
    """[N, 4 * C, S, S] in the order of `polyphase_kernel` -> [N, C, 2 S, 2 S].

    One copy from channels-last to channels-last, which `pixel_shuffle` is not everywhere.
    """
    n, channels, h, w = x.shape
    x = x.permute(0, 2, 3, 1).reshape(n, h, w, 2, 2, channels // 4)
    x = x.transpose(2, 3).reshape(n, 2 * h, 2 * w, channels // 4)
    return x.permute(0, 3, 1, 2)


def _last(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)
