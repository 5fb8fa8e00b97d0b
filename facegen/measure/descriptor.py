"""The face descriptor without dlib's slow network: an OpenVINO graph, and PyTorch for gradients.

Both are made from the file that dlib reads and give its numbers (docs/results/measure.md). The
batch normalisations, which the file stores as scales and shifts, are folded into the convolutions.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from facegen.errors import BadFileError, LatentError
from facegen.formats.dlib import DlibLayer, read_network
from facegen.nets.descriptor import (
    BLOCKS,
    CHIP_PX,
    DESCRIPTOR,
    MEAN_RGB,
    SCALE,
    ConvPlace,
    DescriptorNet,
    conv_places,
)
from facegen.weights import ensure_files

if TYPE_CHECKING:
    from torch import Tensor

CHIP_PADDING = 0.25
# dlib halves a picture by this filter, and takes half of a place minus this for its place below.
HALVING = (1, 4, 6, 4, 1)
HALVING_SHIFT = (1.25, 0.75)
TRUNCATED = 0.5  # what cutting a level or a chip to whole numbers takes away in the mean
CONFIG = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
NUM_LANDMARKS = 68


def folded_weights(layers: list[DlibLayer]) -> dict[str, np.ndarray]:
    """The weights of `DescriptorNet`, by its own names, from a file's layers.

    Raises:
        BadFileError: another network.
    """
    convs = [layer for layer in layers if layer.kind == "con"]
    affines = [layer for layer in layers if layer.kind == "affine"]
    last = layers[-1] if layers else DlibLayer("none")
    places = conv_places()
    width = BLOCKS[-1][0]
    if len(convs) != len(places) or len(affines) != len(places) or last.kind != "fc":
        raise BadFileError("This is not the descriptor network of 29 layers; fetch it again.")
    if last.params.size != width * DESCRIPTOR:
        raise BadFileError("The descriptor network's last layer has another size; fetch it again.")
    weights = {"project.weight": last.params.reshape(width, DESCRIPTOR).T.copy()}
    for i, (place, conv, affine) in enumerate(zip(places, convs, affines, strict=True)):
        kernel, bias = _kernel(place, conv)
        if affine.params.size != 2 * place.outputs:
            raise BadFileError(f"Layer {i} of the descriptor network is of another size.")
        scale, shift = affine.params.reshape(2, place.outputs)
        weights[f"convs.{i}.weight"] = kernel * scale[:, None, None, None]
        weights[f"convs.{i}.bias"] = bias * scale + shift
    return weights


def _kernel(place: ConvPlace, layer: DlibLayer) -> tuple[np.ndarray, np.ndarray]:
    size, step, pad = (place.window,) * 2, (place.stride,) * 2, (place.padding,) * 2
    shape = (place.outputs, place.inputs, *size)
    count = int(np.prod(shape))
    if layer.numbers != (place.outputs, *size, *step, *pad):
        raise BadFileError("A layer of the descriptor network is of another kind; fetch it again.")
    if layer.params.size != count + place.outputs:
        raise BadFileError("A layer of the descriptor network is of another size; fetch it again.")
    return layer.params[:count].reshape(shape), layer.params[count:]


@lru_cache(maxsize=1)
def descriptor_weights() -> dict[str, np.ndarray]:
    """The weights of `DescriptorNet`, by its own names, float32; read once.

    Raises:
        ModelError, BadFileError: its file cannot be had or is damaged.
    """
    return folded_weights(read_network(Path(ensure_files("dlib-face")["descriptor"])))


@lru_cache(maxsize=2)
def load_descriptor_net(device: str = "cpu") -> DescriptorNet:
    """The network in PyTorch, frozen; gradients reach the picture, not the weights.

    Raises:
        ModelError, BadFileError: its file cannot be had or is damaged.
    """
    import torch

    net = DescriptorNet()
    state = {key: torch.from_numpy(value) for key, value in descriptor_weights().items()}
    net.load_state_dict(state | {"mean": net.mean})
    return net.requires_grad_(False).eval().to(device)


class FastDescriptor:
    """The network as an OpenVINO graph.

    Args:
        threads: As many; None leaves it to OpenVINO (one per core).

    Raises:
        ImportError: OpenVINO is missing.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        import openvino as ov

        config: dict[str, Any] = dict(CONFIG)
        if threads is not None:
            config["INFERENCE_NUM_THREADS"] = threads
        compiled = ov.Core().compile_model(_graph(descriptor_weights()), "CPU", config)
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()

    def describe(self, chip: np.ndarray) -> np.ndarray:
        """A face chip, uint8 [150, 150, 3] RGB -> float32 [128]."""
        with self._lock:
            return np.array(self._request.infer(chip[None])[0][0])


def _graph(weights: dict[str, np.ndarray]) -> Any:
    """Chip, bytes [1, 150, 150, 3] -> [1, 128]."""
    import openvino as ov
    import openvino.opset13 as op
    from openvino.opset1 import max_pool  # later versions give places as a second output

    def const(values: np.ndarray) -> Any:
        return op.constant(np.ascontiguousarray(values, np.float32))

    def conv(x: Any, index: int) -> Any:
        stride, pad = [places[index].stride] * 2, [places[index].padding] * 2
        kernel = const(weights[f"convs.{index}.weight"])
        x = op.convolution(x, kernel, stride, pad, pad, [1, 1])
        return op.add(x, const(weights[f"convs.{index}.bias"][None, :, None, None]))

    def grown(x: Any, shape: list[int]) -> Any:
        have = list(x.get_output_shape(0))
        if have == shape:
            return x
        ends = np.array([size - one for size, one in zip(shape, have, strict=True)])
        return op.pad(x, op.constant(0 * ends), op.constant(ends), "constant")

    places = conv_places()
    chip = op.parameter([1, CHIP_PX, CHIP_PX, 3], np.uint8, name="chip")
    x = op.transpose(op.convert(chip, "f32"), op.constant(np.array([0, 3, 1, 2])))
    x = op.subtract(x, const(np.array(MEAN_RGB)[None, :, None, None]))
    x = op.relu(conv(op.multiply(x, const(np.array(1 / SCALE))), 0))
    x = max_pool(x, [2, 2], [0, 0], [0, 0], [3, 3])
    for i, (_, halves) in enumerate(BLOCKS):
        y = conv(op.relu(conv(x, 2 * i + 1)), 2 * i + 2)
        if halves:
            x = op.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], False)
        sizes = zip(x.get_output_shape(0), y.get_output_shape(0), strict=True)
        shape = [max(pair) for pair in sizes]
        x = op.relu(op.add(grown(x, shape), grown(y, shape)))
    x = op.reduce_mean(x, op.constant(np.array([2, 3])), False)
    return ov.Model([op.matmul(x, const(weights["project.weight"]), False, True)], [chip], "face")


def chip_corners(landmarks: np.ndarray) -> np.ndarray:
    """Where dlib cuts the descriptor's chip: its top-left, top-right and bottom-left corner.

    Args:
        landmarks: [68, 2] in pixels.

    Returns:
        float64 [3, 2], pixels of the same picture.
    """
    import dlib

    if landmarks.shape != (NUM_LANDMARKS, 2) or not np.isfinite(landmarks).all():
        raise LatentError(f"Landmarks must be [68, 2] finite numbers, got {landmarks.shape}.")
    points = dlib.points()
    for x, y in np.round(landmarks).astype(int):
        points.append(dlib.point(int(x), int(y)))
    seen = dlib.full_object_detection(dlib.rectangle(0, 0, 1, 1), points)
    details = dlib.get_face_chip_details(seen, CHIP_PX, CHIP_PADDING)
    rect = details.rect
    middle = np.array([(rect.left() + rect.right()) / 2, (rect.top() + rect.bottom()) / 2])
    half = np.array([(rect.right() - rect.left()) / 2, (rect.bottom() - rect.top()) / 2])
    c, s = np.cos(details.angle), np.sin(details.angle)
    turn = np.array([[c, -s], [s, c]])
    return middle + (half * [[-1, -1], [1, -1], [-1, 1]]) @ turn.T


def descriptor_torch(images: Tensor, landmarks: np.ndarray) -> Tensor:
    """Descriptors that gradients pass through, to the pictures.

    The chips are cut where the landmarks say, by one fixed similarity each: moving landmarks are
    not differentiated.

    Args:
        images: [N, 3, H, W] RGB in [-1, 1].
        landmarks: [N, 68, 2] in pixels of these pictures (those of `Detection` are of 512 px).

    Returns:
        [N, 128].
    """
    import torch
    from torch.nn import functional

    steps = np.arange(CHIP_PX) / (CHIP_PX - 1)
    chips = []
    for image, points in zip(images, np.asarray(landmarks, np.float64), strict=True):
        corner, right, below = chip_corners(points)
        place = corner + steps[None, :, None] * (right - corner)
        place = place + steps[:, None, None] * (below - corner)
        level = image[None] * 127.5 + 127.5
        area = float(np.linalg.norm(right - corner) * np.linalg.norm(below - corner))
        while area / 4 > CHIP_PX**2:
            level = _halved(level) - TRUNCATED
            place, area = place / 2 - HALVING_SHIFT, area / 4
        height, width = level.shape[2:]
        grid = torch.as_tensor((2 * place + 1) / [width, height] - 1).to(level)[None]
        chip = functional.grid_sample(level, grid, padding_mode="zeros", align_corners=False)
        chips.append(chip - TRUNCATED)
    return load_descriptor_net(str(images.device))(torch.cat(chips).clamp(0, 255))


def _halved(picture: Tensor) -> Tensor:
    """[1, 3, H, W] -> half of each side, as dlib's pyramid does it."""
    import torch
    from torch.nn import functional

    taps = torch.tensor(HALVING, dtype=picture.dtype, device=picture.device) / sum(HALVING)
    kernel = (taps[:, None] * taps)[None, None].expand(3, 1, -1, -1)
    return functional.conv2d(picture, kernel, stride=2, groups=3)
