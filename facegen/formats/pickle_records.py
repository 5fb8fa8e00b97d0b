"""What the names in a checkpoint stand for when it is read as data: values, and nothing that acts.

`facegen.formats.safe_pickle` binds the few names it allows to the functions here. Each checks its
arguments and returns a plain value or a description of an array; none keeps, calls or imports
anything it is given. Work that a file could ask for over and over is counted by a `Budget`.
"""

from __future__ import annotations

import math
import pickle
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MAX_ITEMS = 4_000_000
MAX_DIMENSIONS = 8
PLAIN_KEYS = (str, int, float, bytes, type(None))

TORCH_DTYPES = {
    "FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?",
}  # fmt: skip
NUMPY_KINDS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}


class Unreadable(pickle.UnpicklingError):
    """The rest of a sentence that starts with the file's name and 'is not read:'."""


@dataclass
class Budget:
    """How much a file may still ask for; shared by all that is nested in it.

    Attributes:
        items: Entries of dicts and sets that are copied.
        nbytes: Bytes that are decoded or read as a file of their own.
    """

    nbytes: int
    items: int = MAX_ITEMS

    def spend_items(self, count: int) -> None:
        """Raises Unreadable when too much is asked for."""
        self.items -= count
        if self.items < 0:
            raise Unreadable("it copies the same entries over and over")

    def spend_bytes(self, count: int) -> None:
        """Raises Unreadable when too much is asked for."""
        self.nbytes -= count
        if self.nbytes < 0:
            raise Unreadable("it unpacks to far more than its size")


@dataclass
class Record:
    """An object that a checkpoint wanted rebuilt: its class by name, and its attributes."""

    class_name: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Storage:
    """The numbers behind a tensor, or the promise of them until the file's end is read."""

    dtype: str
    key: str
    data: dict[str, np.ndarray]

    def array(self) -> np.ndarray:
        """All numbers, [N]."""
        try:
            return self.data[self.key].view(self.dtype)
        except (KeyError, ValueError) as err:
            raise Unreadable(f"the numbers of tensor {self.key} are missing") from err


@dataclass(frozen=True)
class Tensor:
    """A view on a storage; becomes an array once all storages are read."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> np.ndarray:
        """The numbers in the tensor's shape, read-only."""
        base = self.storage.array()
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.stride, strict=True))
        sizes_fit = min(self.shape, default=1) >= 0 and min(self.stride, default=0) >= 0
        if not sizes_fit or self.offset < 0 or math.prod(self.shape) > base.size:
            raise Unreadable("a tensor is larger than its numbers")
        if 0 in self.shape:
            return np.zeros(self.shape, base.dtype)
        if last >= base.size:
            raise Unreadable("a tensor reaches outside its numbers")
        steps = tuple(s * base.itemsize for s in self.stride)
        # A read-only view, not a copy: a million tensors over one storage cost nothing.
        return np.lib.stride_tricks.as_strided(
            base[self.offset :], self.shape, steps, writeable=False
        )


@dataclass
class DType:
    """NumPy's description of a number, by code ("f4"); the byte order arrives separately."""

    code: str
    order: str = "<"

    def dtype(self) -> np.dtype[Any]:
        """The real thing."""
        return np.dtype(self.code if self.code[-1] == "1" else self.order + self.code)

    def build(self, state: Any) -> None:
        """Take the state that NumPy writes: (version, byte order, then nothing for a number)."""
        if not isinstance(state, tuple) or len(state) < 5 or any(x is not None for x in state[2:5]):
            raise Unreadable("an array holds something other than numbers")
        if state[1] not in ("<", ">", "|", "="):
            raise Unreadable("an array has an unknown byte order")
        self.order = "<" if state[1] in ("|", "=") else str(state[1])


@dataclass
class Array:
    """A NumPy array that is still to be filled."""

    value: np.ndarray | None = None

    def build(self, state: Any) -> None:
        """Take the state that NumPy writes: (version, shape, type, Fortran order, bytes)."""
        if not isinstance(state, tuple) or len(state) != 5:
            raise Unreadable("an array is written in an unknown way")
        _, shape, dtype, fortran, raw = state
        if not isinstance(dtype, DType) or not isinstance(raw, bytes | bytearray):
            raise Unreadable("an array holds something other than numbers")
        kind = dtype.dtype()
        if any(not isinstance(n, int) or n < 0 for n in shape) or (
            math.prod(shape) * kind.itemsize != len(raw)
        ):
            raise Unreadable("an array is not as large as its numbers")
        self.value = np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")

    def array(self) -> np.ndarray:
        """The numbers."""
        if self.value is None:
            raise Unreadable("the numbers of an array are missing")
        return self.value


@dataclass(frozen=True)
class Made:
    """A class that may be named, and made without arguments: what stands for it then."""

    name: str

    def __call__(self, *_: Any) -> Any:
        """Nothing is made by calling."""
        raise Unreadable("it wants to make an object")

    def new(self) -> dict[str, Any] | Record:
        """Options are a dict; a network of TensorFlow's time is a record."""
        return Record(self.name) if self.name == "Network" else {}


def printable(text: str) -> str:
    """A sentence with names out of a file, which may hold anything."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def check_key(key: object) -> None:
    """Refuse keys that are no plain values: hashing nested tuples can take for ever."""
    if not isinstance(key, PLAIN_KEYS):
        raise Unreadable(f"it uses a {type(key).__name__} as a key")


def numpy_dtype(code: Any, *_: Any) -> DType:
    """`numpy.dtype(code, align, copy)`, for numbers."""
    if code not in NUMPY_KINDS:
        raise Unreadable("an array holds something other than numbers")
    return DType(str(code))


def numpy_scalar(dtype: Any, raw: Any = b"") -> float | int | bool:
    """`numpy.core.multiarray.scalar(dtype, bytes)`."""
    if not isinstance(dtype, DType) or not isinstance(raw, bytes):
        raise Unreadable("a number is written in an unknown way")
    if len(raw) != dtype.dtype().itemsize:
        raise Unreadable("a number is cut off")
    return np.frombuffer(raw, dtype.dtype())[0].item()  # type: ignore[no-any-return]


def numpy_array(*_: Any) -> Array:
    """`numpy.core.multiarray._reconstruct`: empty, until its state arrives."""
    return Array()


def record(meta: Any) -> Record:
    """NVIDIA's persistent object: the source code in `meta` is not even looked at."""
    state = meta.get("state") if isinstance(meta, dict) else None
    if not isinstance(state, dict) or meta.get("type") != "class":
        raise Unreadable("it holds a persistent object of an unknown kind")
    return Record(str(meta.get("class_name"))[:80], state)


def tensor(storage: Any, offset: int, shape: Any, stride: Any, *_: Any) -> Tensor:
    """`torch._utils._rebuild_tensor_v2`."""
    if not isinstance(storage, Storage):
        raise Unreadable("a tensor has no numbers")
    sizes, steps = tuple(map(int, shape)), tuple(map(int, stride))
    if len(sizes) != len(steps) or len(sizes) > MAX_DIMENSIONS:
        raise Unreadable("a tensor has an impossible shape")
    return Tensor(storage, int(offset), sizes, steps)


def parameter(value: Any, *_: Any) -> Any:
    """`torch._utils._rebuild_parameter`: the tensor itself."""
    return value


def size(sizes: Any = ()) -> tuple[int, ...]:
    """`torch.Size`."""
    return tuple(map(int, sizes))


def resolve(value: Any, seen: dict[int, Any] | None = None) -> Any:
    """Replace descriptions by arrays; shared and circular references stay shared."""
    seen = {} if seen is None else seen
    if value is None or isinstance(value, str | bytes | bytearray | int | float | complex):
        return value
    if id(value) in seen:
        return seen[id(value)]
    result: Any
    if isinstance(value, Storage | Tensor | Array):
        result = seen[id(value)] = value.array()
    elif isinstance(value, dict):
        result = seen[id(value)] = {}
        result.update({key: resolve(item, seen) for key, item in value.items()})
    elif isinstance(value, list):
        result = seen[id(value)] = []
        result.extend(resolve(item, seen) for item in value)
    elif isinstance(value, tuple):
        result = seen[id(value)] = tuple(resolve(item, seen) for item in value)
    elif isinstance(value, Record):
        result = seen[id(value)] = Record(value.class_name)
        result.state.update(resolve(value.state, seen))
    elif isinstance(value, set | frozenset | DType):
        result = value
    else:
        raise Unreadable(f"it holds a {type(value).__name__}, which is not data")
    return result
