"""Checkpoints made to do harm: each ends in one sentence, in little time and memory."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import time
import tracemalloc
import zipfile
from functools import cache

import numpy as np
import pytest
import torch
from checkpoint_files import (
    Call,
    nvidia_modules,
    nvidia_pickle,
    small_network,
    torch_file,
    typed_storage,
)

from facegen.errors import BadFileError
from facegen.formats.stylegan2 import read_checkpoint

MAX_EXTRA_BYTES = 64 << 20
MAX_S = 60.0  # of the processor, not of the clock: what squares or worse takes hours
TB = 1 << 40


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def doubled(times: int) -> bytes:
    """Tuples of tuples, each twice in the next: 2 ** times of them when walked."""
    step = b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1])
                    for i in range(times))  # fmt: skip
    return b"\x80\x02)q\x00" + step


def zipped(members: dict[str, bytes], kind=zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def lying_zip() -> bytes:
    """A stored entry whose header claims a terabyte."""
    data = zipped({"archive/data.pkl": pickle.dumps({}), "archive/data/0": b"1234"})
    size = struct.pack("<II", 4, 4)
    return data.replace(size, struct.pack("<II", 0xFFFFFFF0, 0xFFFFFFF0))


def claims(shape, stride=(1,)) -> bytes:
    """`torch.save` of a tensor of four numbers that claims another shape."""
    storage = typed_storage(torch.zeros(4))
    return pickle.dumps(Call(torch._utils._rebuild_tensor_v2, storage, 0, shape, stride, False, {}))


def numpy_array(dtype: bytes, shape: bytes, raw: bytes) -> bytes:
    """An array as NumPy pickles it, of any type and shape."""
    return (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01" + shape + b"cnumpy\ndtype\n" + dtype + b"\x89\x88\x87R(K\x03U\x01<NNNJ\xff\xff"
        b"\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + raw + b"tb."
    )  # fmt: skip


def legacy_storage(count: int) -> bytes:
    """The old format of `torch.save`, its one storage claiming `count` numbers."""
    data = torch_file({"a": torch.zeros(4)}, zipped=False)
    return data.replace(struct.pack("<q", 4) + bytes(16), struct.pack("<q", count) + bytes(16))


def easy_dict_with_arguments() -> bytes:
    return b"\x80\x02cdnnlib.util\nEasyDict\n(K\x01t\x81."


def network_called() -> bytes:
    return b"\x80\x02cdnnlib.tflib.network\nNetwork\n)R."


def contains_itself() -> bytes:
    with nvidia_modules() as names:
        state: dict = {"_modules": {}, "_parameters": {}}
        data = pickle.dumps(Call(names.rebuild, {"type": "class", "class_name": "G",
                                                 "state": state}), 2)  # fmt: skip
    # state["_modules"]["a"] = the object itself, put in by the machine's memo
    return data[:-1] + b"q\xc8h\xc8}" + text("_modules") + b"}" + text("a") + b"h\xc8ssb."


@cache
def attacks() -> dict[str, tuple[bytes, str]]:
    """File and what the sentence says, by name."""
    run = Call(os.system, "touch attacked")
    pairs = (
        b"(" + b"".join(b"K" + bytes([i % 256]) + b"K\x01\x86" for i in range(20_000)) + b"tq\x01"
    )
    same_dict = b"ccollections\nOrderedDict\nq\x02h\x01\x85R0"
    storage = torch_file(typed_storage(torch.zeros(250_000)), zipped=False)
    load = b"ctorch.storage\n_load_from_bytes\n"
    inner = b"B" + struct.pack("<I", len(storage)) + storage
    network = nvidia_pickle(small_network())
    return {
        "subprocess": (pickle.dumps(Call(subprocess.call, ["touch", "attacked"])), "wants to run"),
        "posix": (b"cposix\nsystem\n(S'touch attacked'\ntR.", "wants to run 'posix.system'"),
        "numpy runs code": (b"cnumpy.testing._private.utils\nrunstring\n)R.", "wants to run"),
        "torch runs code": (b"ctorch.hub\nload\n)R.", "wants to run"),
        "torch.load": (b"ctorch\nload\n)R.", "wants to run"),
        "a method of ours": (b"\x80\x04\x8c\x08argparse\x8c\x14Namespace.__init__.x\x93.",
                             "wants to run"),
        "in an nvidia file": (
            nvidia_pickle({"synthesis.b4.const": torch.zeros(2, 4, 4)})[:-1] + b"cos\nsystem\n.",
            "wants to run"),
        "object array": (pickle.dumps(np.array([run], object)), "other than numbers"),
        "object scalar": (numpy_array(b"U\x02O8", b"K\x01\x85", b"C\x08" + bytes(8)),
                          "other than numbers"),
        "array of a terabyte": (numpy_array(b"U\x02f4", b"\x8a\x06" + TB.to_bytes(6, "little")
                                            + b"\x85", b"C\x04abcd"), "not as large"),
        "array of a negative edge": (numpy_array(b"U\x02f4", b"J\xff\xff\xff\xffJ\xff\xff\xff\xff"
                                                 b"\x86", b"C\x04abcd"), "not as large"),
        "tensor of a terabyte": (claims((TB // 4,)), "larger than its numbers"),
        "tensor of a terabyte by repetition": (claims((2**19, 2**19), (0, 0)),
                                               "larger than its numbers"),
        "legacy storage of a terabyte": (legacy_storage(TB // 4), "cut off"),
        "legacy storage of a negative size": (legacy_storage(-1), "cut off"),
        "bytearray of a terabyte": (b"\x80\x05\x96" + struct.pack("<Q", TB) + b"abc.", "cut off"),
        "bytes of a terabyte": (b"\x80\x04\x8e" + struct.pack("<Q", TB) + b"abc.", "cut off"),
        "frame of a terabyte": (b"\x80\x04\x95" + struct.pack("<Q", TB) + b"abc.", "cut off"),
        "doubling tuples": (doubled(60) + b".", "no StyleGAN2"),
        "doubling tuples as a key": (b"\x80\x02}" + doubled(60)[2:] + b"K\x01s.", "as a key"),
        "doubling tuples in a set": (b"\x80\x04\x8f(" + doubled(60)[2:] + b"\x90.", "as a key"),
        "copying dicts over and over": (b"\x80\x02" + pairs + same_dict * 2000 + b"N.",
                                        "over and over"),
        "one inner file over and over": (
            b"\x80\x03" + load + b"q\x01" + inner + b"\x85q\x020" + b"h\x01h\x02R0" * 300 + b"N.",
            "far more than its size"),
        "zip of death": (zipped({"archive/data.pkl": pickle.dumps({}),
                                 "archive/data/0": bytes(200_000_000)}, zipfile.ZIP_DEFLATED),
                         "compressed"),
        "lying zip": (lying_zip(), "more than it has|cut off"),
        "zip with a path": (zipped({"archive/data.pkl": pickle.dumps({}),
                                    "archive/data/../../../attacked": b"x",
                                    "/tmp/attacked": b"x"}), "no StyleGAN2"),
        "zip of something else": (zipped({"word/document.xml": b"x"}), "not one of PyTorch's"),
        "two indexes": (zipped({"a/data.pkl": pickle.dumps({}), "b/data.pkl": pickle.dumps({})}),
                        "not one of PyTorch's"),
        "options with arguments": (easy_dict_with_arguments(), "make an object"),
        "an old network called": (network_called(), "make an object"),
        "a network in itself": (contains_itself(), "contains itself|no StyleGAN2|not built"),
        "half of a file": (network[: len(network) // 2], "cut off"),
        "all but its end": (network[:-4], "cut off"),
        "text named .pkl": (b"Not the weights you are looking for.\n", "cut off|not read"),
        "html": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
        "html after space": (b"\n\n  <HTML><body>", "web page"),
        "json": (b'{"message": "rate limit"}', "text or a web page"),
        "a pointer to a large file": (b"version https://git-lfs.github.com/spec/v1\noid", "text"),
        "empty": (b"", "cut off"),
        "zeros": (bytes(4096), "cut off|not read"),
        "safetensors of a terabyte": (
            struct.pack("<Q", 72) + b'{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":'
            b"[0,4]}}   ", "cut off, damaged"),
        "safetensors with a huge header": (struct.pack("<Q", TB) + b'{"a":1}', "cut off, damaged"),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(attacks()))
def test_it_ends_in_one_sentence_with_little_work_and_memory(tmp_path, monkeypatch, name):
    data, sentence = attacks()[name]
    (tmp_path / "x.pkl").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    begun = time.thread_time()
    try:
        with pytest.raises(BadFileError, match=sentence) as caught:
            read_checkpoint(tmp_path / "x.pkl")
        took = time.thread_time() - begun
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "x.pkl" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert peak < 5 * len(data) + MAX_EXTRA_BYTES
    assert took < MAX_S
    assert [p.name for p in tmp_path.iterdir()] == ["x.pkl"]


def test_a_checkpoint_larger_than_any_is_not_read(tmp_path):
    with (tmp_path / "x.pkl").open("wb") as file:
        file.truncate(5 << 30)  # takes no space on the disk
    with pytest.raises(BadFileError, match="more than any StyleGAN2 checkpoint"):
        read_checkpoint(tmp_path / "x.pkl")


def test_many_names_for_the_same_numbers_are_not_unfolded(tmp_path):
    """A network of gigabytes whose tensors all show the same few numbers is refused."""
    state = {"synthesis.b4.const": torch.zeros(4, 4, 4)}
    one = torch.zeros(1)
    for edge in (4, 8, 16, 32):
        for conv in ("conv0", "conv1")[edge == 4 :]:
            state[f"synthesis.b{edge}.{conv}.weight"] = one.expand(4096, 4096, 3, 3)
            state[f"synthesis.b{edge}.{conv}.affine.weight"] = one.expand(4096, 512)
        state[f"synthesis.b{edge}.torgb.weight"] = one.expand(3, 4096, 1, 1)
    state["mapping.fc0.weight"] = one.expand(512, 512)
    (tmp_path / "x.pt").write_bytes(torch_file(state))
    with pytest.raises(BadFileError, match="larger than"):
        read_checkpoint(tmp_path / "x.pt")
