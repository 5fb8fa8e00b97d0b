"""Checkpoints are read as data: real attacks fail, real files open."""

from __future__ import annotations

import argparse
import builtins
import io
import os
import pickle
import sys
import types
import zipfile
from functools import cache

import numpy as np
import pytest
import torch
from checkpoint_files import Call, typed_storage

from facegen.errors import BadFileError
from facegen.formats.safe_pickle import Record, read_pickle


def nvidia_file(state: dict) -> bytes:
    """A pickle as NVIDIA's persistence module writes it, around our own state."""
    module = types.ModuleType("torch_utils.persistence")
    package = types.ModuleType("torch_utils")

    def _reconstruct_persistent_obj(meta):
        raise AssertionError("the source in the file must never run")

    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    _reconstruct_persistent_obj.__module__ = "torch_utils.persistence"
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    meta = {
        "type": "class",
        "version": 6,
        "module_src": "import os; os.system('touch attacked')",
        "class_name": "Generator",
        "state": state,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch_utils", package)
        patch.setitem(sys.modules, "torch_utils.persistence", module)
        return pickle.dumps({"G_ema": Call(_reconstruct_persistent_obj, meta), "n": 3})


TENSORS = {
    "a": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4),
    "half": torch.ones(5, dtype=torch.float16),
    "scalar": torch.tensor(2.5),
    "transposed": torch.arange(6, dtype=torch.float32).reshape(2, 3).T,
    "empty": torch.zeros(0, 4),
}


def assert_tensors(read):
    assert set(read) == set(TENSORS)
    for key, tensor in TENSORS.items():
        assert np.array_equal(read[key], tensor.numpy()), key


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_save_opens(zipped):
    buffer = io.BytesIO()
    torch.save(TENSORS, buffer, _use_new_zipfile_serialization=zipped)
    assert_tensors(read_pickle(buffer.getvalue(), name="x.pt"))


def test_parameters_and_ordered_dicts_open():
    net = torch.nn.Linear(3, 2)
    buffer = io.BytesIO()
    torch.save(net.state_dict(), buffer)
    read = read_pickle(buffer.getvalue(), name="x.pt")
    assert np.array_equal(read["weight"], net.weight.detach().numpy())


def test_an_nvidia_checkpoint_opens_without_running_its_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read = read_pickle(nvidia_file({"_parameters": TENSORS, "_init_kwargs": {"z_dim": 512}}),
                       name="x.pkl")  # fmt: skip
    generator = read["G_ema"]
    assert isinstance(generator, Record)
    assert generator.class_name == "Generator"
    assert_tensors(generator.state["_parameters"])
    assert list(tmp_path.iterdir()) == []


@cache
def attacks() -> dict[str, bytes]:
    buffer = io.BytesIO()
    torch.save({"x": Call(os.system, "touch attacked")}, buffer)
    zipped = buffer.getvalue()
    buffer = io.BytesIO()
    np.save(buffer, np.array([Call(os.system, "touch attacked")], object))
    array = np.array([Call(os.system, "touch attacked")], object)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}))
        archive.writestr("archive/data/0", bytes(300_000_000))
    storage = typed_storage(torch.zeros(4))
    nested = Call(torch.storage._load_from_bytes, pickle.dumps(Call(os.system, "touch attacked")))
    return {
        "os.system": pickle.dumps(Call(os.system, "touch attacked")),
        "eval": pickle.dumps(Call(builtins.eval, "__import__('os').system('touch attacked')")),
        "getattr": pickle.dumps(Call(getattr, Call(__import__, "os"), "system")),
        "nested reduce": pickle.dumps({"a": [{"b": Call(os.system, "touch attacked")}]}),
        "object array": pickle.dumps(array),
        "inside a tensor's bytes": pickle.dumps(nested),
        "in torch.save": zipped,
        "in an nvidia file": nvidia_file({"x": Call(os.system, "touch attacked")}),
        "zip of death": bomb.getvalue(),
        "protocol 0": b"cos\nsystem\n(S'touch attacked'\ntR.",
        "a name in two lines": b"\x80\x04\x8c\x02os\x8c\x06sys\ntm\x93)R.",
        "inst opcode": b"(S'touch attacked'\nios\nsystem\n.",
        "obj opcode": b"(cos\nsystem\nS'touch attacked'\no.",
        "an allowed name's attribute": b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__"
        b"\x93)R.",
        "a huge memo": b"\x80\x04r\xff\xff\xff\x7f.",
        "a huge string": b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        "deep": b"\x80\x04" + b"(" * 100_000 + b".",
        "storage of nothing": pickle.dumps(Call(
            torch._utils._rebuild_tensor_v2, storage, 0, (10**9, 10**9), (1, 1), False, {}
        )),
        "more than its numbers": pickle.dumps(Call(
            torch._utils._rebuild_tensor_v2, storage, 0, (10**6, 10**6), (0, 0), False, {}
        )),
        "negative stride": pickle.dumps(Call(
            torch._utils._rebuild_tensor_v2, storage, 3, (4,), (-1,), False, {}
        )),
        "state on an object": pickle.dumps(Call(torch.Size, (1,)))[:-1] + b"}b.",
        "empty": b"",
        "text": b"hello",
    }  # fmt: skip


@pytest.mark.parametrize("name", list(attacks()))
def test_attacks_end_in_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadFileError, match=r"x\.pkl is (not read|no checkpoint)") as caught:
        read_pickle(attacks()[name], name="x.pkl")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_cut_off_anywhere_is_refused():
    buffer = io.BytesIO()
    torch.save(TENSORS, buffer, _use_new_zipfile_serialization=False)
    whole = buffer.getvalue()
    for length in range(1, len(whole) - 1, 37):
        with pytest.raises(BadFileError):
            read_pickle(whole[:length], name="x.pt")


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_the_sets_that_modules_hold_are_read(protocol):
    state = {"_non_persistent_buffers_set": set(), "names": {"a", "b"}}
    assert read_pickle(pickle.dumps(state, protocol), name="x.pkl") == state


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_training_options_become_a_dict(protocol):
    options = argparse.Namespace(size=64, path="faces")
    data = pickle.dumps({"args": options, "n": 1}, protocol)
    assert read_pickle(data, name="x.pt") == {"args": {"size": 64, "path": "faces"}, "n": 1}


def test_a_checkpoint_with_options_opens():
    out = io.BytesIO()
    torch.save({"g_ema": {"w": torch.ones(2)}, "args": argparse.Namespace(size=64)}, out)
    found = read_pickle(out.getvalue(), name="x.pt")
    assert found["args"] == {"size": 64}
    assert np.array_equal(found["g_ema"]["w"], np.ones(2))


def test_options_and_sets_are_no_way_in():
    for attack in (Call(argparse.Namespace, "os"), Call(set, "os.system")):
        with pytest.raises(BadFileError, match="make an object|built from something else"):
            read_pickle(pickle.dumps(attack, 2), name="x.pkl")


def test_only_options_are_made_anew():
    data = b"\x80\x02cbuiltins\nset\n)\x81."  # NEWOBJ of a set
    with pytest.raises(BadFileError, match="make an object"):
        read_pickle(data, name="x.pkl")
    data = b"\x80\x02cargparse\nNamespace\n(K\x01t\x81."  # with arguments
    with pytest.raises(BadFileError, match="make an object"):
        read_pickle(data, name="x.pkl")
