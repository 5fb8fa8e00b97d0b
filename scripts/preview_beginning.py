"""What the preview head is before it is trained: as much of the network as its width allows.

Used by `scripts.train_preview`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from facegen.nets.haar import haar_upsample
from facegen.nets.mobilestylegan import MobileSynthesis, block_rows
from facegen.nets.mobilestylegan_colours import COLOUR_PX
from facegen.nets.mobilestylegan_openvino import HAAR, SLOPE
from facegen.nets.mobilestylegan_preview import (
    CONV2_ROW,
    KEPT_CHANNELS,
    LAST_CHANNELS,
    MID_CHANNELS,
    NUM_BLOCKS,
    TRUNK_CHANNELS,
    PreviewHead,
    block_at,
)

RANKED = 8  # faces that channels are ranked on
PIXELS = 512  # of each face at 64 px that the trunk is fitted to
RIDGE = 1e-4  # of the mean square of the trunk's inputs
AVERAGES_COUNT = 3.0  # how much more than details; they carry the colours


@torch.no_grad()
def first_head(net: MobileSynthesis, w_plus: Tensor) -> PreviewHead:
    """A head that copies the network as far as its width allows.

    Channels are ranked by the mean square of what they send on through the next 1x1 convolution,
    over the faces of `w_plus`, and scaled to a mean square of 1.
    """
    rng = torch.Generator().manual_seed(0)
    head = PreviewHead()
    for value in head.tone.parameters():  # as PyTorch begins a linear layer
        bound = head.tone.in_features**-0.5
        nn.init.uniform_(value, -bound, bound, generator=rng)
    block, after = block_at(net, NUM_BLOCKS), block_at(net, NUM_BLOCKS + 1)
    x = all_features(net, w_plus[:RANKED])
    head.kept = _best(x, block.conv1.pointwise, KEPT_CHANNELS)
    left_out = torch.ones(x.shape[1], dtype=torch.bool)
    left_out[head.kept] = False
    head.colours.left_out = left_out.nonzero()[:, 0]
    x = x[:, head.kept]
    w_ranked = w_plus[:RANKED]
    rms = _rms(x)
    head.input_scale = 1 / rms
    pointwise = block.conv1.pointwise[:, head.kept]
    x = F.conv2d(x, pointwise) + block.conv1.noise + block.conv1.bias[:, None, None]
    x = F.leaky_relu(x, SLOPE)
    style = block.conv2.modulation
    y = x * style(w_ranked[:, CONV2_ROW])[:, :, None, None]
    y = F.conv2d(y, block.conv2.depthwise, padding=1, groups=y.shape[1])
    mid = _best(y, block.conv2.pointwise, MID_CHANNELS)
    mid_rms = _rms(x[:, mid])
    head.pointwise1.copy_(pointwise[mid] * rms[:, None, None] / mid_rms[:, None, None, None])
    head.bias1.copy_(block.conv1.bias[mid] / mid_rms)
    head.noise1.copy_(1 / mid_rms)
    head.style2.weight.copy_(style.weight[mid])
    head.style2.bias.copy_(style.bias[mid])
    head.conv2.depthwise.copy_(block.conv2.depthwise[mid])
    y = F.conv2d(y, block.conv2.pointwise) + block.conv2.noise
    y = F.leaky_relu(y + block.conv2.bias[:, None, None], SLOPE)
    row = 2 * NUM_BLOCKS + 3
    up_style = after.up(w_ranked[:, row])
    y = haar_upsample(y * up_style[:, :, None, None])
    y = y * after.conv1.modulation(w_ranked[:, row])[:, :, None, None]
    y = F.conv2d(y, after.conv1.depthwise, padding=1, groups=y.shape[1])
    last = _best(y, after.conv1.pointwise, LAST_CHANNELS)
    bands = torch.stack([last, *(y.shape[1] + 3 * last + i for i in range(3))], dim=1)
    gain = up_style.mean(dim=0)[bands]  # [LAST_CHANNELS, subband]
    kernel = block.conv2.pointwise[:, mid, 0, 0][bands] * gain[:, :, None] * mid_rms
    to_pixels = torch.from_numpy(HAAR)
    kernel = torch.einsum("pb,cbk->cpk", to_pixels, kernel).flatten(0, 1)
    bias = torch.einsum("pb,cb->cp", to_pixels, block.conv2.bias[bands] * gain).flatten()
    x = x[:, mid] / mid_rms[:, None, None]
    x = x * head.style2(w_ranked[:, CONV2_ROW])[:, :, None, None]
    x = F.conv2d(x, head.conv2.depthwise, padding=1, groups=x.shape[1])
    x = F.pixel_shuffle(F.conv2d(x, kernel[:, :, None, None], bias), 2)
    scale = _rms(x).repeat_interleave(4)
    head.conv2.pointwise.copy_((kernel / scale[:, None])[:, :, None, None])
    nn.init.normal_(head.shift2.weight, std=0.001, generator=rng)
    head.conv2.bias.copy_(bias / scale)
    nn.init.normal_(head.style3.weight, std=0.004, generator=rng)
    nn.init.ones_(head.style3.bias)
    for conv, gain_out in ((head.conv3, 1.0), (head.to_img, 0.3)):
        nn.init.normal_(conv.depthwise, std=0.05, generator=rng)
        conv.depthwise[:, :, 1, 1] += 1.0
        std = gain_out * conv.pointwise.shape[1] ** -0.5
        nn.init.normal_(conv.pointwise, std=std, generator=rng)
    return head


@torch.no_grad()
def all_features(net: MobileSynthesis, w_plus: Tensor) -> Tensor:
    """What the exact network's block at 128 px convolves pointwise first, [N, 128, 128, 128]."""
    block = block_at(net, NUM_BLOCKS)
    row, *_ = block_rows(NUM_BLOCKS)
    x = net.features(w_plus, num_blocks=NUM_BLOCKS)
    x = haar_upsample(x * block.up(w_plus[:, row])[:, :, None, None])
    x = x * block.conv1.modulation(w_plus[:, row])[:, :, None, None]
    return F.conv2d(x, block.conv1.depthwise, padding=1, groups=x.shape[1])


@torch.no_grad()
def fit_trunk(head: PreviewHead, net: MobileSynthesis, w_plus: Tensor) -> None:
    """Leave out the inputs of the last layer at 64 px that matter least; refit it to the others.

    One input after another is left out: the one without which the outputs, each weighted by how
    strongly the mean face's style passes it on, lose least once the others make up for it.
    """
    block, after = block_at(net, NUM_BLOCKS - 1), block_at(net, NUM_BLOCKS)
    row1, row2, _ = block_rows(NUM_BLOCKS - 1)
    rng = torch.Generator().manual_seed(0)
    seen = []
    for w in w_plus[:, None]:
        x = net.features(w, num_blocks=NUM_BLOCKS - 1)
        x = block.conv1(haar_upsample(x * block.up(w[:, row1])[:, :, None, None]), w[:, row1])
        x = x * block.conv2.modulation(w[:, row2])[:, :, None, None]
        x = F.conv2d(x, block.conv2.depthwise, padding=1, groups=x.shape[1])[0].flatten(1).T
        seen.append(x[torch.randperm(len(x), generator=rng)[:PIXELS]])
    inputs = torch.cat(seen).double()
    gram = inputs.T @ inputs
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    row, *_ = block_rows(NUM_BLOCKS)
    mean = w_plus[:, row].mean(dim=0, keepdim=True)
    bands = head.kept_subbands(after.up.out_features // 4)
    style = (after.conv1.modulation(mean)[0, head.kept] * head.input_scale).abs()
    weight = torch.cat([AVERAGES_COUNT * style, style.repeat_interleave(3)])
    weight = (weight * after.up(mean)[0, bands].abs()).double()
    kernel = block.conv2.pointwise[:, :, 0, 0].double()
    left, inverse = torch.arange(len(gram)), torch.linalg.inv(gram)
    rest = kernel[bands].T * weight
    while len(left) > TRUNK_CHANNELS:
        lost = rest.square().sum(dim=1) / inverse.diagonal()
        out = int(lost.argmin())
        share = inverse[:, out] / inverse[out, out]
        rest = rest - share[:, None] * rest[out]
        inverse = inverse - share[:, None] * inverse[out]
        keep = torch.arange(len(left)) != out
        left, rest, inverse = left[keep], rest[keep], inverse[keep][:, keep]
    head.middle = left
    refit = torch.linalg.solve(gram[left][:, left], gram[left] @ kernel.T).T.float()
    head.trunk.copy_(refit[bands, :, None, None])
    head.trunk_left_out.copy_(refit[head.colours.left_out, :, None, None])


@torch.no_grad()
def begin_chain(head: PreviewHead, net: MobileSynthesis) -> None:
    """The network's own kernels, as seen at 32 px; a half for each inverse Haar transform."""
    chain = head.colours
    layers = []
    for index in range(NUM_BLOCKS, NUM_BLOCKS + 3):
        block = block_at(net, index)
        factor = block.conv1.noise.shape[-1] // COLOUR_PX
        out = None if index == NUM_BLOCKS + 2 else block_at(net, index + 1).up.out_features // 4
        layers.append((0.5 * at_lower_size(block.conv1.depthwise, factor), block.conv1, None))
        layers.append((at_lower_size(block.conv2.depthwise, factor), block.conv2, out))
    for k, (depthwise, conv, out) in enumerate(layers):
        pointwise = conv.pointwise[:out]
        if k == 0:
            depthwise = depthwise[chain.left_out]
            kept = pointwise[:, head.kept] / head.input_scale[:, None, None]
            pointwise = torch.cat([kept, pointwise[:, chain.left_out]], dim=1)
        chain.depthwise[k].copy_(depthwise)
        chain.pointwise[k].copy_(pointwise)
        chain.bias[k].copy_(conv.bias[:out])
    chain.pointwise[-1].copy_(0.5 * net.to_img.pointwise[:3])
    chain.bias[-1].copy_(0.5 * net.to_img.bias[:3])


def at_lower_size(kernel: Tensor, factor: int) -> Tensor:
    """A depthwise kernel [C, 1, 3, 3] for averages of `factor` x `factor` equal pixels."""
    spread = torch.zeros(3, 3)  # [neighbour at the lower size, tap]
    for pixel in range(factor):
        for tap in (-1, 0, 1):
            spread[(pixel + tap) // factor + 1, tap + 1] += 1 / factor
    return torch.einsum("ai,bj,czij->czab", spread, spread, kernel)


def _rms(x: Tensor) -> Tensor:
    """Root mean square of each channel, [C]."""
    return x.square().mean(dim=(0, 2, 3)).sqrt()


def _best(x: Tensor, kernel: Tensor, count: int) -> Tensor:
    """Channels of x that send most through the 1x1 `kernel`, in rising order."""
    power = _rms(x).square() * kernel[:, :, 0, 0].square().sum(dim=0)
    return power.argsort(descending=True)[:count].sort().values
