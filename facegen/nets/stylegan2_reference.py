"""StyleGAN2's synthesis in the plain form: the yardstick that faster forms are timed against.

As the paper and the common code write it: a weight is built for every sample (modulated, then
demodulated) and applied as a grouped convolution, up-sampling is a transposed convolution and then
a filter, and noise, bias, activation, gain and clamp follow one by one. Same numbers as
`facegen.nets.stylegan2`; nothing but benchmarks and tests uses it.

Networks with random weights serve where only the time counts, or that two ways agree.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from facegen.nets.mapping import Mapping
from facegen.nets.stylegan2 import (
    DEMOD_EPS,
    LRELU_GAIN,
    LRELU_SLOPE,
    Affine,
    StyleGAN2Synthesis,
    SynthesisLayer,
    ToRGB,
    fir_filter,
    upsample2,
)
from facegen.nets.stylegan2_config import RESOLUTIONS, StyleGAN2Config

CHANNEL_BASE, CHANNEL_MAX = 32768, 512
# Config-f by name: without a number the full size, else smaller pictures.
ARCHITECTURES = {
    f"stylegan2-config-f{'' if edge == 1024 else f'-{edge}'}": edge for edge in RESOLUTIONS
}


def config_f(img_resolution: int = 1024) -> StyleGAN2Config:
    """The sizes of NVIDIA's published face network, or of one for smaller pictures."""
    edges = [2**i for i in range(2, img_resolution.bit_length())]
    return StyleGAN2Config(
        z_dim=512,
        w_dim=512,
        mapping_layers=8,
        lr_multiplier=0.01,
        img_resolution=img_resolution,
        channels={edge: min(CHANNEL_BASE // edge, CHANNEL_MAX) for edge in edges},
        conv_clamp=256.0,
    )


def random_synthesis(config: StyleGAN2Config, *, seed: int = 1) -> StyleGAN2Synthesis:
    """A network with random weights, noise and biases, its pictures mostly within the range."""
    rng = torch.Generator().manual_seed(seed)
    net = StyleGAN2Synthesis.from_config(config)
    for block in net.blocks():
        drawn: list[Tensor] = [block.const] if block.is_first else []
        for layer in block.convs:
            drawn += [layer.affine.weight, layer.weight, layer.noise_const]
        for value in (*drawn, block.torgb.affine.weight, block.torgb.weight):
            value.data = torch.randn(value.shape, generator=rng)
        block.torgb.weight.data *= 0.3
    for key, value in net.named_parameters():
        if key.endswith("noise_strength"):
            value.data = torch.tensor(0.1)
        elif key.endswith("bias") and "affine" not in key:
            value.data = 0.1 * torch.randn(value.shape, generator=rng)
    return net.requires_grad_(False).eval()


def random_mapping(config: StyleGAN2Config) -> Mapping:
    """A mapping network with random weights."""
    rng = torch.Generator().manual_seed(0)
    mapping = Mapping(num_layers=config.mapping_layers, z_dim=config.z_dim, w_dim=config.w_dim)
    for value in mapping.parameters():
        value.data = torch.randn(value.shape, generator=rng) / math.sqrt(config.w_dim)
    return mapping.requires_grad_(False).eval()


def reference_forward(net: StyleGAN2Synthesis, w_plus: Tensor) -> Tensor:
    """As `net(w_plus)` with constant noise, in the plain form.

    Args:
        net: The weights.
        w_plus: [N, num_ws, w_dim].

    Returns:
        [N, 3, S, S].
    """
    x: Tensor | None = None
    img: Tensor | None = None
    row = 0
    for block in net.blocks():
        if x is None:
            x = block.const.expand(len(w_plus), -1, -1, -1)
        else:
            x = _layer(block.conv0, x, w_plus[:, row])
        row += block.num_conv
        x = _layer(block.conv1, x, w_plus[:, row - 1])
        rgb = _torgb(block.torgb, x, w_plus[:, row])
        img = rgb if img is None else upsample2(img, block.resample_filter) + rgb
    assert img is not None
    return img


def _layer(layer: SynthesisLayer, x: Tensor, w: Tensor) -> Tensor:
    weight = _modulated(layer.weight, layer.affine, w)
    weight = weight * torch.rsqrt(weight.square().sum(dim=(2, 3, 4), keepdim=True) + DEMOD_EPS)
    x = _grouped(x, weight, up=layer.up)
    if layer.up:
        x = fir_filter(x, layer.resample_filter, pad=(1, 1), gain=4.0)
    x = x + layer.noise_const * layer.noise_strength
    x = x + layer.bias[:, None, None]
    x = F.leaky_relu(x, LRELU_SLOPE) * LRELU_GAIN
    return x if layer.conv_clamp is None else x.clamp(-layer.conv_clamp, layer.conv_clamp)


def _torgb(layer: ToRGB, x: Tensor, w: Tensor) -> Tensor:
    weight = _modulated(layer.weight, layer.affine, w) / math.sqrt(layer.weight.shape[1])
    x = _grouped(x, weight, up=False) + layer.bias[:, None, None]
    return x if layer.conv_clamp is None else x.clamp(-layer.conv_clamp, layer.conv_clamp)


def _modulated(weight: Tensor, affine: Affine, w: Tensor) -> Tensor:
    """[O, I, K, K] and [N, w_dim] -> [N, O, I, K, K]."""
    return weight * affine(w)[:, None, :, None, None]


def _grouped(x: Tensor, weight: Tensor, *, up: bool) -> Tensor:
    """[N, I, H, W] with a weight for every sample, [N, O, I, K, K]: one group per sample."""
    n, o, i, k, _ = weight.shape
    x = x.reshape(1, n * i, *x.shape[2:])
    if up:
        weight = weight.transpose(1, 2).reshape(n * i, o, k, k)
        x = F.conv_transpose2d(x, weight, stride=2, groups=n)
    else:
        x = F.conv2d(x, weight.reshape(n * o, i, k, k), padding=k // 2, groups=n)
    return x.reshape(n, o, *x.shape[2:])
