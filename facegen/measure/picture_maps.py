"""What the network behind dlib's descriptor sees in a whole aligned picture, as small maps.

The descriptor looks at a chip around the face alone. Its convolutions are run here over all of a
256 px picture aligned as FFHQ's are, in which the face has about the chip's size, so what they were
taught to tell on millions of photographs (King 2017) is told of hair, neck and background too. The
maps of three depths are averaged to a few cells each; beside them stand a thumbnail, for colours,
and the descriptor of the chip where faces are in such pictures.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from facegen.measure.descriptor import CHIP_PX, CONFIG, FastDescriptor, descriptor_weights
from facegen.measure.detector import at_size
from facegen.nets.descriptor import BLOCKS, MEAN_RGB, SCALE, conv_places

if TYPE_CHECKING:
    import openvino as ov

PICTURE_PX = 256
MAP_SHAPES = ((64, 8, 8), (128, 7, 7), (256, 6, 6))
"""Channels, rows and columns of the maps."""
THUMBNAIL_PX = 24
CHIP_CORNER, CHIP_EDGE = (41.0, 66.0), 177.0
"""Where faces are in an aligned picture of 256 px, cut as dlib cuts its chips."""
_LAST_BLOCK = 12  # of the descriptor's blocks that are run; the last halves 6 cells to 2


class PictureMaps:
    """The network over whole pictures, loaded once. Use `load_picture_maps`.

    Raises:
        ModelError, BadFileError: its file cannot be had or is damaged.
    """

    def __init__(self) -> None:
        import openvino as ov

        config: dict[str, Any] = {**CONFIG, "INFERENCE_NUM_THREADS": 1}
        compiled = ov.Core().compile_model(_graph(descriptor_weights()), "CPU", config)
        self._request = compiled.create_infer_request()
        self._describe = FastDescriptor(threads=1)
        self._lock = threading.Lock()

    def of(self, image: np.ndarray) -> tuple[np.ndarray, ...]:
        """The maps of a picture aligned as FFHQ's are, uint8 [H, H, 3] RGB.

        Returns:
            float32 arrays: three of `MAP_SHAPES`; the thumbnail, [3, 24, 24] in [-1, 1]; the
            descriptor, [128].

        Raises:
            LatentError: not such a picture.
        """
        picture = at_size(image, PICTURE_PX)
        with self._lock:
            found = self._request.infer(picture[None])
            maps = [np.array(found[k][0]) for k in range(len(MAP_SHAPES))]
        small = cv2.resize(picture, (THUMBNAIL_PX,) * 2, interpolation=cv2.INTER_AREA)
        thumbnail = small.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1
        step = CHIP_EDGE / CHIP_PX
        back = np.array([[step, 0.0, CHIP_CORNER[0]], [0.0, step, CHIP_CORNER[1]]])
        chip = cv2.warpAffine(
            picture, back, (CHIP_PX, CHIP_PX), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return (*maps, thumbnail, self._describe.describe(chip))


@lru_cache(maxsize=1)
def load_picture_maps() -> PictureMaps:
    """The network, loaded on first use.

    Raises:
        ModelError, BadFileError: as `PictureMaps`.
    """
    return PictureMaps()


def _graph(weights: dict[str, np.ndarray]) -> ov.Model:
    """Picture, bytes [1, 256, 256, 3] -> maps of `MAP_SHAPES`."""
    import openvino as ov
    import openvino.opset13 as op
    from openvino.opset1 import max_pool  # later versions give places as a second output

    places = conv_places()

    def const(values: np.ndarray) -> Any:
        return op.constant(np.ascontiguousarray(values, np.float32))

    def conv(x: Any, index: int) -> Any:
        stride, pad = [places[index].stride] * 2, [places[index].padding] * 2
        x = op.convolution(x, const(weights[f"convs.{index}.weight"]), stride, pad, pad, [1, 1])
        return op.add(x, const(weights[f"convs.{index}.bias"][None, :, None, None]))

    def fitted(x: Any, channels: int, edge: int) -> Any:
        """Cut to [1, ..., edge, edge]; missing channels are zero."""
        have = list(x.get_output_shape(0))
        ends, steps = op.constant(np.array([edge, edge])), op.constant(np.array([1, 1]))
        axes = op.constant(np.array([2, 3]))
        x = op.slice(x, op.constant(np.array([0, 0])), ends, steps, axes)
        more = np.array([0, channels - have[1], 0, 0])
        return op.pad(x, op.constant(0 * more), op.constant(more), "constant") if more[1] else x

    def averaged(x: Any, cells: int) -> Any:
        edge = x.get_output_shape(0)[2]
        window = -(-edge // cells)
        pad = (window * cells - edge) // 2
        return op.avg_pool(x, [window] * 2, [pad] * 2, [pad] * 2, [window] * 2, True)

    picture = op.parameter([1, PICTURE_PX, PICTURE_PX, 3], np.uint8, name="picture")
    x = op.transpose(op.convert(picture, "f32"), op.constant(np.array([0, 3, 1, 2])))
    x = op.subtract(x, const(np.array(MEAN_RGB)[None, :, None, None]))
    x = op.relu(conv(op.multiply(x, const(np.array(1 / SCALE))), 0))
    x = max_pool(x, [2, 2], [0, 0], [0, 0], [3, 3])
    ends = []
    for i, (channels, halves) in enumerate(BLOCKS[: _LAST_BLOCK + 1]):
        if halves:
            ends.append(x)
        y = conv(op.relu(conv(x, 2 * i + 1)), 2 * i + 2)
        if halves:  # the branches differ by a row where the edge is even; the last is left out
            x = op.avg_pool(x, [2, 2], [0, 0], [0, 0], [2, 2], False)
            edge = min(x.get_output_shape(0)[2], y.get_output_shape(0)[2])
            x, y = fitted(x, channels, edge), fitted(y, channels, edge)
        x = op.relu(op.add(x, y))
    ends = [*ends[1:], x]
    outputs = [averaged(end, cells) for end, (_, cells, _) in zip(ends, MAP_SHAPES, strict=True)]
    return ov.Model(outputs, [picture], "picture maps")
