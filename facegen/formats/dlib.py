"""Reads the descriptor network that dlib wrote, as data: layer names, sizes, numbers.

The format, as far as this network needs it: an integer is one byte that holds its sign (the top
bit) and its length, then that many bytes, lowest first; a floating-point number is two such
integers, mantissa and exponent of two; a text is its length and its bytes; a tensor is a version,
four lengths and raw float32 numbers. A network is its layers' version numbers from the outside in,
then the layers from the inside out, each with what training left behind. Every length is checked
against what the file still holds before anything is read, and the file must end with the network.

Source: the format of King's dlib (http://dlib.net), by the names and order of its fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facegen.errors import BadFileError

MAX_FILE_BYTES = 64 << 20
MAX_LAYERS = 500
MAX_NAME = 64
INPUT_LAYER = b"input_rgb_image_sized"
FILTERS_TAGS = ("con_4",)
PLAIN_TAGS = ("relu_", "add_prev_")


@dataclass(frozen=True, eq=False)
class DlibLayer:
    """One layer.

    Attributes:
        kind: "con", "affine", "relu", "max_pool", "avg_pool", "add_prev" or "fc".
        numbers: con: filters, rows, columns, strides and paddings (y, x); pools: window, strides,
            paddings; fc: outputs, inputs; others: none.
        params: float32 [P]; con: kernels then biases; affine: scales then shifts; fc: weights
            [inputs, outputs]; others: none.
    """

    kind: str
    numbers: tuple[int, ...] = ()
    params: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))


def read_network(path: Path) -> list[DlibLayer]:
    """The layers of a network file, from the picture to the descriptor.

    Raises:
        BadFileError: not such a file, or damaged.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadFileError(f"{path.name} is too large to be the descriptor network.")
        data = path.read_bytes()
    except OSError as err:
        raise BadFileError(f"{path.name} cannot be opened ({err.strerror}).") from err
    return parse_network(data, name=path.name)


def parse_network(data: bytes, *, name: str) -> list[DlibLayer]:
    """As `read_network`, of bytes."""
    cursor = _Cursor(data, name)
    start = data.find(bytes([1, len(INPUT_LAYER)]) + INPUT_LAYER, 0, 4096)
    if start < 0:
        raise cursor.damaged("no input layer")
    cursor.at = start + 2 + len(INPUT_LAYER)
    for _ in range(3):  # mean red, green, blue: the published ones, known to `nets.descriptor`
        cursor.float_number()
    cursor.integer()
    cursor.integer()  # rows and columns of the chip
    layers: list[DlibLayer] = []
    while cursor.at < len(data):
        if len(layers) == MAX_LAYERS:
            raise cursor.damaged("too many layers")
        layers.append(cursor.layer())
        cursor.flags()
        for _ in range(3):  # gradients and the cached output
            cursor.tensor()
        if len(layers) == 1:
            cursor.integer()  # pictures per sample
    return layers


class _Cursor:
    """A place in the bytes; every method moves it past what it returns."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.at = 0

    def damaged(self, why: str) -> BadFileError:
        return BadFileError(
            f"{self.name} is not the descriptor network ({why} at byte {self.at}); fetch it again."
        )

    def take(self, count: int) -> bytes:
        if count < 0 or count > len(self.data) - self.at:
            raise self.damaged("cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self) -> int:
        head = self.take(1)[0]
        if not 1 <= head & 0x7F <= 8:
            raise self.damaged("no number")
        value = int.from_bytes(self.take(head & 0x7F), "little")
        return -value if head & 0x80 else value

    def float_number(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > 1100:
            raise self.damaged("no finite number")
        return float(mantissa) * 2.0**exponent

    def text(self) -> str:
        length = self.integer()
        if not 0 < length <= MAX_NAME:
            raise self.damaged("no name")
        return self.take(length).decode("latin-1")

    def tensor(self) -> np.ndarray:
        if self.integer() != 2:
            raise self.damaged("unknown tensor")
        count = 1
        for _ in range(4):
            length = self.integer()
            if not 0 <= length <= MAX_FILE_BYTES:
                raise self.damaged("no length")
            count *= length
        values = np.frombuffer(self.take(4 * count), "<f4").astype(np.float32)
        if not np.isfinite(values).all():
            raise self.damaged("numbers that are not finite")
        return values

    def alias(self) -> None:
        """The shape of a part of a tensor."""
        if self.integer() != 1:
            raise self.damaged("unknown part")
        for _ in range(4):
            self.integer()

    def integers(self, count: int) -> tuple[int, ...]:
        return tuple(self.integer() for _ in range(count))

    def flags(self) -> None:
        if set(self.take(3)) - set(b"01"):
            raise self.damaged("no flags")

    def layer(self) -> DlibLayer:
        tag = self.text()
        if tag in FILTERS_TAGS:
            params, numbers = self.tensor(), self.integers(7)
            self.alias()
            self.alias()
            for _ in range(4):
                self.float_number()
            return DlibLayer("con", numbers, params)
        if tag == "affine_":
            params = self.tensor()
            self.alias()
            self.alias()
            self.integer()
            return DlibLayer("affine", (), params)
        if tag == "fc_2":
            numbers, params = self.integers(2), self.tensor()
            self.alias()
            self.alias()
            self.integer()
            for _ in range(4):
                self.float_number()
            return DlibLayer("fc", numbers, params)
        if tag in ("max_pool_2", "avg_pool_2"):
            return DlibLayer(tag.removesuffix("_2"), self.integers(6))
        for plain in PLAIN_TAGS:
            if tag.startswith(plain):
                return DlibLayer(plain.removesuffix("_"))
        raise self.damaged("unknown layer")
