"""Reads tensors out of pickles without running anything they say.

A pickle is a program; loading one the usual way runs it. This reader interprets the stack machine
in Python with a fixed list of names, each bound to an inert function of ours that only records
what was said (`facegen.formats.pickle_records`). A name outside the list ends the reading. What
comes back is nested dicts and lists of plain values, `numpy` arrays, and `Record`s for rebuilt
objects.

Handles plain pickles with tensors or NumPy arrays inside (NVIDIA's checkpoints) and both formats
of `torch.save`. Memory stays within a few times the file's size, whatever the file claims.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from facegen.errors import BadFileError
from facegen.formats import pickle_records
from facegen.formats.pickle_records import Budget, Made, Record, Unreadable

__all__ = ["Record", "read_pickle"]

MAX_TENSOR_BYTES = 1 << 30
MAX_NESTING = 8
SHARE_OF_FILE = 3  # how often a file's bytes may be read again as files inside it
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
ZIP_MAGIC = b"PK\x03\x04"
TEXT_STARTS = (b"<!doctype", b"<html", b"<?xml", b"version https://git-lfs", b"{")


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
    if data[:64].lstrip().lower().startswith(TEXT_STARTS):
        raise BadFileError(
            f"{name} is not read: it is a text or a web page, not a checkpoint; fetch the file "
            "itself."
        )
    try:
        return pickle_records.resolve(_read(data, Budget(SHARE_OF_FILE * len(data)), nesting=0))
    except BadFileError:
        raise
    except pickle.UnpicklingError as err:
        raise BadFileError(f"{name} is not read: {pickle_records.printable(str(err))}.") from err
    except (
        ArithmeticError, AttributeError, EOFError, IndexError, KeyError, LookupError, MemoryError,
        OSError, RecursionError, RuntimeError, TypeError, UnicodeDecodeError, ValueError,
        struct.error, zipfile.BadZipFile,
    ) as err:  # fmt: skip
        raise BadFileError(
            f"{name} is no checkpoint, or it is cut off or damaged; fetch it again."
        ) from err


def _read(data: bytes, budget: Budget, *, nesting: int) -> Any:
    if nesting > MAX_NESTING:
        raise Unreadable("files are nested in files too deeply")
    if data.startswith(ZIP_MAGIC):
        return _read_torch_zip(data, budget, nesting=nesting)
    stream = io.BytesIO(data)
    first = _Reader(stream, {}, budget, nesting=nesting).load()
    if first == LEGACY_MAGIC:
        return _read_torch_legacy(stream, budget, nesting=nesting)
    return first


def _read_torch_zip(data: bytes, budget: Budget, *, nesting: int) -> Any:
    """`torch.save` since 1.6: a zip with data.pkl and one entry per storage."""
    storages: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        if any(m.compress_type != zipfile.ZIP_STORED for m in members):
            raise Unreadable("it is compressed, as no checkpoint is")
        if sum(m.file_size for m in members) > len(data):
            raise Unreadable("it claims to hold more than it has")
        index = [m.filename for m in members if m.filename.endswith("/data.pkl")]
        if len(index) != 1:
            raise Unreadable("it is a zip, but not one of PyTorch's")
        prefix = index[0].removesuffix("data.pkl") + "data/"
        for member in members:  # into memory alone: names are keys, never paths
            if member.filename.startswith(prefix):
                key = member.filename.removeprefix(prefix)
                storages[key] = np.frombuffer(archive.read(member), np.uint8)
        content = archive.read(index[0])
    return _Reader(io.BytesIO(content), storages, budget, nesting=nesting).load()


def _read_torch_legacy(stream: io.BytesIO, budget: Budget, *, nesting: int) -> Any:
    """`torch.save` before 1.6: pickles in a row, then the numbers of each storage."""
    storages: dict[str, np.ndarray] = {}
    for _ in range(2):  # protocol version, system information
        _Reader(stream, storages, budget, nesting=nesting).load()
    reader = _Reader(stream, storages, budget, nesting=nesting)
    content = reader.load()
    for key in _Reader(stream, storages, budget, nesting=nesting).load():
        (count,) = struct.unpack("<q", stream.read(8))
        size = count * np.dtype(reader.storage_dtypes[key]).itemsize
        raw = stream.read(size) if 0 <= size <= MAX_TENSOR_BYTES else b""
        if len(raw) != size:
            raise EOFError
        storages[key] = np.frombuffer(raw, np.uint8)
    return content


def _plain_keys(opcode: bytes, keys: slice) -> Callable[[Any], None]:
    """The step of an opcode that fills a dict or a set, after a look at what it will hash."""
    step = pickle._Unpickler.dispatch[opcode[0]]  # type: ignore[attr-defined]

    def load(reader: Any) -> None:
        for key in reader.stack[keys]:
            pickle_records.check_key(key)
        step(reader)

    return load


class _Reader(pickle._Unpickler):  # type: ignore[misc,name-defined]
    """The pure-Python stack machine: its memo is a dict, so a huge index allocates nothing."""

    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]

    def __init__(
        self,
        stream: io.BytesIO,
        storages: dict[str, np.ndarray],
        budget: Budget,
        *,
        nesting: int,
    ) -> None:
        super().__init__(stream, encoding="latin1")
        self._storages = storages
        self._budget = budget
        self._nesting = nesting
        self.storage_dtypes: dict[str, str] = {}
        self._names: dict[str, Callable[..., Any]] = {
            "collections.OrderedDict": self._fresh_dict,
            "builtins.set": self._fresh_set,
            "__builtin__.set": self._fresh_set,
            "_codecs.encode": self._encoded,
            "argparse.Namespace": Made("Namespace"),
            "dnnlib.util.EasyDict": Made("EasyDict"),
            "dnnlib.tflib.network.Network": Made("Network"),
            "torch_utils.persistence._reconstruct_persistent_obj": pickle_records.record,
            "torch._utils._rebuild_tensor_v2": pickle_records.tensor,
            "torch._utils._rebuild_parameter": pickle_records.parameter,
            "torch.storage._load_from_bytes": self._storage_from_bytes,
            "torch.Size": pickle_records.size,
            "numpy.dtype": pickle_records.numpy_dtype,
            "numpy.ndarray": Made("ndarray"),
        }
        for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            self._names[f"{module}.scalar"] = pickle_records.numpy_scalar
            self._names[f"{module}._reconstruct"] = pickle_records.numpy_array

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        if full in self._names:
            return self._names[full]
        if module == "torch" and name in pickle_records.TORCH_DTYPES:
            return name  # a marker, not a class: nothing can be made of it
        raise Unreadable(f"it wants to run '{full[:80]}', which is not needed for a face generator")

    def get_extension(self, code: int) -> None:
        raise Unreadable("it uses registered extensions")

    def persistent_load(self, pid: Any) -> pickle_records.Storage:
        """("storage", type, key, device, count, ...) of `torch.save`."""
        kind, type_name, key = pid[:3]
        if kind != "storage" or type_name not in pickle_records.TORCH_DTYPES:
            raise Unreadable("it refers to something that is not a tensor")
        self.storage_dtypes[str(key)] = pickle_records.TORCH_DTYPES[type_name]
        return pickle_records.Storage(
            pickle_records.TORCH_DTYPES[type_name], str(key), self._storages
        )

    def _storage_from_bytes(self, data: Any) -> pickle_records.Storage:
        """A storage that was pickled on its own: a file inside the file."""
        self._budget.spend_bytes(len(data))
        content = _read(data, self._budget, nesting=self._nesting + 1)
        if not isinstance(content, pickle_records.Storage):
            raise Unreadable("a tensor's numbers are something else")
        return content

    def _encoded(self, text: Any, encoding: Any = None) -> bytes:
        """What protocols before 3 call bytes: a text of the same numbers."""
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise Unreadable("a text is written in an unknown way")
        self._budget.spend_bytes(len(text))
        return text.encode("latin1")

    def _fresh_dict(self, *args: Any) -> dict[Any, Any]:
        if args and not isinstance(args[0], list | tuple | dict):
            raise Unreadable("a dict is built from something else")
        items = list(args[0].items() if isinstance(args[0], dict) else args[0]) if args else []
        self._budget.spend_items(1 + len(items))
        for key, _ in items:
            pickle_records.check_key(key)
        return dict(items)

    def _fresh_set(self, items: Any = ()) -> set[Any]:
        """What protocols before 4 call a set; modules of PyTorch hold empty ones."""
        if not isinstance(items, list | tuple):
            raise Unreadable("a set is built from something else")
        self._budget.spend_items(1 + len(items))
        for item in items:
            pickle_records.check_key(item)
        return set(items)

    # Objects are never made nor changed: only our functions are called, and dicts filled.

    def load_build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Record):
            target = target.state
        if isinstance(target, dict) and isinstance(state, dict):
            self._budget.spend_items(len(state))
            target.update(state)
        elif isinstance(target, pickle_records.DType | pickle_records.Array):
            target.build(state)
        elif not isinstance(target, dict) or state:
            raise Unreadable("it wants to set the state of an object")

    def load_newobj(self) -> None:
        """Options and old networks become plain values; nothing else is made."""
        arguments = self.stack.pop()
        kind = self.stack.pop()
        if not isinstance(kind, Made) or kind.name == "ndarray" or arguments:
            self._refuse()
        self.stack.append(kind.new())

    def load_bytearray8(self) -> None:
        """The original takes memory for as many bytes as are claimed; this for those there."""
        (size,) = struct.unpack("<Q", self.read(8))
        data = self.read(min(size, MAX_TENSOR_BYTES))
        if len(data) != size:
            raise EOFError
        self.append(bytearray(data))

    def _refuse(self) -> None:
        raise Unreadable("it wants to make an object")

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
        pickle.BYTEARRAY8[0]: load_bytearray8,
        pickle.SETITEM[0]: _plain_keys(pickle.SETITEM, slice(-2, -1)),
        pickle.SETITEMS[0]: _plain_keys(pickle.SETITEMS, slice(None, None, 2)),
        pickle.DICT[0]: _plain_keys(pickle.DICT, slice(None, None, 2)),
        pickle.ADDITEMS[0]: _plain_keys(pickle.ADDITEMS, slice(None)),
        pickle.FROZENSET[0]: _plain_keys(pickle.FROZENSET, slice(None)),
    }
