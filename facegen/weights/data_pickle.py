"""Reads tensors out of pickles without running anything they say.

A pickle is a program; loading one the usual way runs it. This reader interprets the stack machine
in Python with a fixed list of names, each bound to an inert function of ours that only records
what was said. A name outside the list ends the reading. What comes back is nested dicts and lists
of plain values, `numpy` arrays, and `Record`s for rebuilt objects.

Handles plain pickles with tensors inside (NVIDIA's checkpoints) and both formats of `torch.save`.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from facegen.errors import BadFileError

MAX_TENSOR_BYTES = 1 << 30
MAX_NESTING = 8
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
ZIP_MAGIC = b"PK\x03\x04"
DTYPES = {
    "FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1",
    "BoolStorage": "?",
}  # fmt: skip


@dataclass
class Record:
    """An object that a checkpoint wanted rebuilt: its class by name, and its attributes."""

    class_name: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Storage:
    """The numbers behind a tensor, or the promise of them until the file's end is read."""

    dtype: str
    key: str
    data: dict[str, np.ndarray]

    def array(self) -> np.ndarray:
        try:
            return self.data[self.key].view(self.dtype)
        except (KeyError, ValueError) as err:
            raise pickle.UnpicklingError(f"the numbers of tensor {self.key} are missing") from err


@dataclass(frozen=True)
class _Tensor:
    """A view on a storage; becomes an array once all storages are read."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> np.ndarray:
        base = self.storage.array()
        last = self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.stride, strict=True))
        sizes_fit = min(self.shape, default=1) >= 0 and min(self.stride, default=0) >= 0
        if not sizes_fit or self.offset < 0 or math.prod(self.shape) > base.size:
            raise pickle.UnpicklingError("a tensor is larger than its numbers")
        if 0 in self.shape:
            return np.zeros(self.shape, base.dtype)
        if last >= base.size:
            raise pickle.UnpicklingError("a tensor reaches outside its numbers")
        steps = tuple(s * base.itemsize for s in self.stride)
        # A read-only view, not a copy: a million tensors over one storage cost nothing.
        return np.lib.stride_tricks.as_strided(
            base[self.offset :], self.shape, steps, writeable=False
        )


def read_pickle(data: bytes, *, name: str) -> Any:
    """Read a checkpoint as data.

    Args:
        data: The whole file.
        name: File name for errors.

    Returns:
        Nested dicts, lists, plain values, numpy arrays and `Record`s.

    Raises:
        BadFileError: a name outside the list, a damaged file, or one that asks for too much.
    """
    try:
        return _resolve(_read(data, nesting=0), seen={})
    except BadFileError:
        raise
    except pickle.UnpicklingError as err:
        raise BadFileError(f"{name} is not read: {err}.") from err
    except (
        ArithmeticError, AttributeError, EOFError, IndexError, KeyError, LookupError, MemoryError,
        OSError, RecursionError, TypeError, UnicodeDecodeError, ValueError, struct.error,
        zipfile.BadZipFile,
    ) as err:  # fmt: skip
        raise BadFileError(
            f"{name} is cut off or damaged ({type(err).__name__}); fetch it again."
        ) from err


def _read(data: bytes, *, nesting: int) -> Any:
    if nesting > MAX_NESTING:
        raise pickle.UnpicklingError("files are nested in files too deeply")
    if data.startswith(ZIP_MAGIC):
        return _read_torch_zip(data, nesting=nesting)
    stream = io.BytesIO(data)
    first = _Reader(stream, {}, nesting=nesting).load()
    if first == LEGACY_MAGIC:
        return _read_torch_legacy(stream, nesting=nesting)
    return first


def _read_torch_zip(data: bytes, *, nesting: int) -> Any:
    """`torch.save` since 1.6: a zip with data.pkl and one entry per storage."""
    storages: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(m.compress_type != zipfile.ZIP_STORED for m in members):
            raise pickle.UnpicklingError("it is compressed, as no checkpoint is")
        if sum(m.file_size for m in members) > len(data):
            raise pickle.UnpicklingError("it claims to hold more than it has")
        index = [m.filename for m in members if m.filename.endswith("/data.pkl")]
        if len(index) != 1:
            raise pickle.UnpicklingError("it is a zip, but not one of PyTorch's")
        prefix = index[0].removesuffix("data.pkl") + "data/"
        for member in members:
            if member.filename.startswith(prefix):
                key = member.filename.removeprefix(prefix)
                storages[key] = np.frombuffer(archive.read(member), np.uint8)
        content = archive.read(index[0])
    return _Reader(io.BytesIO(content), storages, nesting=nesting).load()


def _read_torch_legacy(stream: io.BytesIO, *, nesting: int) -> Any:
    """`torch.save` before 1.6: pickles in a row, then the numbers of each storage."""
    storages: dict[str, np.ndarray] = {}
    for _ in range(2):  # protocol version, system information
        _Reader(stream, storages, nesting=nesting).load()
    reader = _Reader(stream, storages, nesting=nesting)
    content = reader.load()
    for key in _Reader(stream, storages, nesting=nesting).load():
        (count,) = struct.unpack("<q", stream.read(8))
        size = count * np.dtype(reader.storage_dtypes[key]).itemsize
        raw = stream.read(size) if 0 <= size <= MAX_TENSOR_BYTES else b""
        if len(raw) != size:
            raise EOFError
        storages[key] = np.frombuffer(raw, np.uint8)
    return content


class _Reader(pickle._Unpickler):  # type: ignore[misc,name-defined]
    """The pure-Python stack machine: its memo is a dict, so a huge index allocates nothing."""

    stack: list[Any]

    def __init__(
        self, stream: io.BytesIO, storages: dict[str, np.ndarray], *, nesting: int
    ) -> None:
        super().__init__(stream, encoding="latin1")
        self._storages = storages
        self._nesting = nesting
        self.storage_dtypes: dict[str, str] = {}
        self._names: dict[str, Callable[..., Any] | type] = {
            "collections.OrderedDict": _fresh_dict,
            "builtins.set": _fresh_set,
            "__builtin__.set": _fresh_set,
            "argparse.Namespace": _namespace,
            "dnnlib.util.EasyDict": _fresh_dict,
            "torch_utils.persistence._reconstruct_persistent_obj": _record,
            "torch._utils._rebuild_tensor_v2": _tensor,
            "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
            "torch.storage._load_from_bytes": self._storage_from_bytes,
            "torch.Size": lambda sizes=(): tuple(sizes),
        }

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in self._names:
            return self._names[full]
        if module == "torch" and name in DTYPES:
            return name  # a marker, not a class: nothing can be made of it
        raise pickle.UnpicklingError(
            f"it wants to run '{full[:80]}', which is not needed for a face generator"
        )

    def get_extension(self, code: int) -> None:
        raise pickle.UnpicklingError("it uses registered extensions")

    def persistent_load(self, pid: Any) -> _Storage:
        """("storage", type, key, device, count, ...) of `torch.save`."""
        kind, type_name, key = pid[:3]
        if kind != "storage" or type_name not in DTYPES:
            raise pickle.UnpicklingError("it refers to something that is not a tensor")
        self.storage_dtypes[str(key)] = DTYPES[type_name]
        return _Storage(DTYPES[type_name], str(key), self._storages)

    def _storage_from_bytes(self, data: bytes) -> _Storage:
        """A storage that was pickled on its own: a file inside the file."""
        content = _read(data, nesting=self._nesting + 1)
        if not isinstance(content, _Storage):
            raise pickle.UnpicklingError("a tensor's numbers are something else")
        return content

    # Objects are never made nor changed: only our functions are called, and dicts filled.

    def load_build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, dict) and isinstance(state, dict):
            target.update(state)
        elif not isinstance(target, dict) or state:
            raise pickle.UnpicklingError("it wants to set the state of an object")

    def load_newobj(self) -> None:
        """Training options (`argparse.Namespace`) become a dict; nothing else is made."""
        arguments = self.stack.pop()
        if self.stack.pop() is not _namespace or arguments:
            self._refuse()
        self.stack.append({})

    def _refuse(self) -> None:
        raise pickle.UnpicklingError("it wants to make an object")

    dispatch: ClassVar[dict[int, Any]] = {
        **pickle._Unpickler.dispatch,  # type: ignore[attr-defined]
        pickle.BUILD[0]: load_build,
        pickle.INST[0]: _refuse,
        pickle.OBJ[0]: _refuse,
        pickle.NEWOBJ[0]: load_newobj,
        pickle.NEWOBJ_EX[0]: _refuse,
        pickle.EXT1[0]: _refuse,
        pickle.EXT2[0]: _refuse,
        pickle.EXT4[0]: _refuse,
    }


def _fresh_dict(*args: Any) -> dict[Any, Any]:
    if args and not isinstance(args[0], list | tuple | dict):
        raise pickle.UnpicklingError("a dict is built from something else")
    return dict(*args[:1])


def _fresh_set(items: Any = ()) -> set[Any]:
    """What protocols before 4 call a set; modules of PyTorch hold empty ones."""
    if not isinstance(items, list | tuple):
        raise pickle.UnpicklingError("a set is built from something else")
    return set(items)


def _namespace(*_: Any) -> None:
    raise pickle.UnpicklingError("it wants to make an object")


def _record(meta: dict[str, Any]) -> Record:
    """NVIDIA's persistent object: the source code in `meta` is not even looked at."""
    state = meta.get("state")
    if meta.get("type") != "class" or not isinstance(state, dict):
        raise pickle.UnpicklingError("it holds a persistent object of an unknown kind")
    return Record(str(meta.get("class_name")), state)


def _tensor(storage: _Storage, offset: int, shape: Any, stride: Any, *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage):
        raise pickle.UnpicklingError("a tensor without numbers")
    sizes, steps = tuple(int(n) for n in shape), tuple(int(n) for n in stride)
    if len(sizes) != len(steps) or len(sizes) > 8:
        raise pickle.UnpicklingError("a tensor of an impossible shape")
    return _Tensor(storage, int(offset), sizes, steps)


def _resolve(value: Any, seen: dict[int, Any]) -> Any:
    """Replace tensors by arrays; shared and circular references stay shared."""
    if isinstance(value, _Tensor):
        if id(value) not in seen:
            seen[id(value)] = value.array()
        return seen[id(value)]
    if isinstance(value, _Storage):
        return value.array()
    if id(value) in seen:
        return seen[id(value)]
    if isinstance(value, dict):
        result: Any = seen.setdefault(id(value), {})
        result.update({key: _resolve(item, seen) for key, item in value.items()})
        return result
    if isinstance(value, list):
        result = seen.setdefault(id(value), [])
        result.extend(_resolve(item, seen) for item in value)
        return result
    if isinstance(value, tuple):
        return tuple(_resolve(item, seen) for item in value)
    if isinstance(value, Record):
        result = seen.setdefault(id(value), Record(value.class_name))
        result.state.update(_resolve(value.state, seen))
        return result
    if value is None or isinstance(value, str | bytes | bytearray | int | float | bool | complex):
        return value
    if isinstance(value, set | frozenset):
        return value
    raise pickle.UnpicklingError(f"it holds a {type(value).__name__}, which is not data")
