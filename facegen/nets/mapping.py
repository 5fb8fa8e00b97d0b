"""The mapping network z -> w of StyleGAN2 (Karras et al. 2020, arXiv 1912.04958).

Eight fully connected layers in the published face models. Weights are kept *effective*: the
equalised learning rate of the training code (gain lr / sqrt(in_features) on weights, lr on
biases) is folded in when a checkpoint is converted, so that networks from different sources can
be compared number by number.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LRELU_SLOPE = 0.2
LRELU_GAIN = math.sqrt(2.0)
NORM_EPS = 1e-8


class Mapping(nn.Module):
    """Fully connected layers with leaky ReLU on a z normalised to unit mean square.

    Args:
        num_layers: Number of fully connected layers.
        z_dim: Length of z.
        w_dim: Length of w.
    """

    def __init__(self, *, num_layers: int = 8, z_dim: int = 512, w_dim: int = 512) -> None:
        super().__init__()
        self.z_dim = z_dim
        self.w_dim = w_dim
        sizes = [z_dim] + [w_dim] * num_layers
        self.fc = nn.ModuleList(nn.Linear(sizes[i], sizes[i + 1]) for i in range(num_layers))

    def forward(self, z: Tensor) -> Tensor:
        """Map z, [N, z_dim], to w, [N, w_dim], without truncation."""
        x = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + NORM_EPS)
        for layer in self.fc:
            x = F.leaky_relu(layer(x), LRELU_SLOPE) * LRELU_GAIN
        return x
