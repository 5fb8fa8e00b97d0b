"""`models import`, `remove`, `list`, `verify` of networks that the user brings."""

from __future__ import annotations

import json
import sys
from functools import cache

import numpy as np
import pytest
import torch
from checkpoint_files import golden, nvidia_pickle, small_network, torch_file
from click.testing import CliRunner

from facegen.cli import cli
from facegen.cli.imported import draws_faces
from facegen.errors import BadFileError, ModelError, SaveError
from facegen.generator import Generator
from facegen.latents import BUNDLED_SPACE, KNOWN_SPACES, space_id
from facegen.weights import ensure_model, entry, verify_model
from facegen.weights.imported import import_checkpoint, read_record, record_path


@cache
def checkpoints():
    """The same network from NVIDIA's code, and as a state dict in half precision."""
    half = {key: value.half() for key, value in small_network().items()}
    return nvidia_pickle(small_network()), torch_file(half)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty weights folder, with two checkpoints beside it."""
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path / "weights"))
    (tmp_path / "weights").mkdir()
    for name, data in zip(("net.pkl", "half.pt"), checkpoints(), strict=True):
        (tmp_path / name).write_bytes(data)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(cli, ["models", *map(str, arguments)])


@pytest.mark.long
def test_import_list_verify_use_remove(folder):
    done = run("import", folder / "net.pkl", "--name", "my-net")
    assert done.exit_code == 0, done.output
    for told in ("64 px", "8 layers", "first 10 of a latent's 18 rows", "Licence:", "space-"):
        assert told in done.output
    listed = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert listed["my-net"]["imported"]
    assert listed["my-net"]["fetched"]
    assert "my-net  (" in run("list").output
    assert "True" in run("verify", "my-net").output

    generator = Generator.load("my-net")
    w_plus = generator.w_from_seed(3, 0.7)
    assert w_plus.shape == (18, 512)
    assert generator.render(w_plus).shape == (64, 64, 3)
    assert generator.space == entry("my-net").space

    assert run("remove", "my-net").exit_code == 0
    assert list((folder / "weights").iterdir()) == []
    assert "No model is called 'my-net'" in run("verify", "my-net").output


def test_an_import_never_replaces_unasked(folder):
    import_checkpoint(folder / "net.pkl", name="my-net")
    before = entry("my-net").weights_path.read_bytes()
    refused = run("import", folder / "half.pt", "--name", "my-net")
    assert refused.exit_code == 1
    assert "called 'my-net' already" in refused.output
    assert entry("my-net").weights_path.read_bytes() == before
    import_checkpoint(folder / "half.pt", name="my-net", again=True)
    assert entry("my-net").weights_path.read_bytes() != before


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "x" * 65, "a b"])
def test_a_name_is_no_path(folder, name):
    with pytest.raises(ModelError, match="letters, digits"):
        import_checkpoint(folder / "net.pkl", name=name)
    assert list((folder / "weights").iterdir()) == []


def test_a_registered_name_is_taken(folder):
    refused = run("import", folder / "net.pkl", "--name", "mobilestylegan-ffhq-1024")
    assert refused.exit_code == 2
    assert "registered" in refused.output


def test_removing_keeps_registered_models(folder):
    assert "No imported model" in run("remove", "mobilestylegan-ffhq-1024").output


def test_a_refused_file_leaves_nothing(folder):
    (folder / "small.pkl").write_bytes(nvidia_pickle(golden()[0]))
    with pytest.raises(BadFileError, match="64 numbers, and this program's 512"):
        import_checkpoint(folder / "small.pkl", name="my-net")
    (folder / "page.pkl").write_bytes(b"<!DOCTYPE html><html>404</html>")
    refused = run("import", folder / "page.pkl", "--name", "my-net")
    assert refused.exit_code == 1
    assert "web page" in refused.output
    assert list((folder / "weights").iterdir()) == []


def test_a_full_disk_leaves_nothing(folder, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("facegen.weights.imported.write_checkpoint", full)
    with pytest.raises(SaveError, match="No space left.*Nothing was changed"):
        import_checkpoint(folder / "net.pkl", name="my-net")
    assert list((folder / "weights").iterdir()) == []


def test_damage_is_told_with_the_way_out(folder):
    model = import_checkpoint(folder / "net.pkl", name="my-net")
    data = bytearray(model.weights_path.read_bytes())
    data[-3] ^= 1
    model.weights_path.write_bytes(data)
    with pytest.raises(ModelError, match=r"damaged.*models import FILE --name my-net --again"):
        ensure_model("my-net")
    assert verify_model("my-net") == [(model.weights_path, False)]
    assert "Damaged: my-net" in run("verify").output
    record_path("my-net").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"record my-net\.json is missing or damaged"):
        entry("my-net")
    assert run("list").exit_code == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [("space", "../../x"), ("name", "other"), ("channels", {"4": 8}), ("conv_clamp", "big"),
     ("img_resolution", 48), ("is_face", "yes"), ("sha256", "0"), ("z_dim", None)],
)  # fmt: skip
def test_a_record_that_was_tampered_with_is_refused(folder, key, value):
    import_checkpoint(folder / "net.pkl", name="my-net")
    record = json.loads(record_path("my-net").read_text(encoding="utf-8"))
    record_path("my-net").write_text(json.dumps({**record, key: value}), encoding="utf-8")
    with pytest.raises(ModelError, match="missing or damaged"):
        read_record("my-net")


@pytest.mark.long
def test_a_half_precision_copy_has_the_space_of_the_first(folder):
    whole = import_checkpoint(folder / "net.pkl", name="whole")
    half = import_checkpoint(folder / "half.pt", name="half")
    assert whole.sha256 != half.sha256
    assert whole.space == half.space
    (folder / "other.pkl").write_bytes(nvidia_pickle(small_network(seed=1)))
    assert import_checkpoint(folder / "other.pkl", name="other").space != whole.space


def test_spaces_met_before_are_recognised_where_rounding_parts_them():
    rng = np.random.RandomState(4)
    for _ in range(2000):
        weights = {"fc.0.weight": rng.randn(8, 8), "fc.0.bias": rng.randn(8)}
        near = {key: value * (1 + 1e-3 * rng.randn(*value.shape)) for key, value in weights.items()}
        if space_id(weights) != space_id(near):
            break
    else:
        pytest.fail("no pair was parted")
    from facegen.latents import space_signature

    known = {**KNOWN_SPACES, space_id(weights): space_signature(weights)}
    assert space_id(near, known) == space_id(weights)


@pytest.mark.weights
def test_a_network_with_the_bundled_mapping_shares_its_space(folder, generator):
    state = small_network()
    for i, layer in enumerate(generator.mapping.fc):
        state[f"mapping.fc{i}.weight"] = (layer.weight * 512**0.5 / 0.01).half().float()
        state[f"mapping.fc{i}.bias"] = (layer.bias / 0.01).half().float()
    (folder / "ffhq.pkl").write_bytes(nvidia_pickle(state))
    model = import_checkpoint(folder / "ffhq.pkl", name="ffhq-64")
    assert model.space == BUNDLED_SPACE
    w = Generator.load("ffhq-64").w_from_seed(5, 1.0)
    assert np.abs(w - generator.w_from_seed(5, 1.0)).max() < 0.02


class Painter:
    """A generator that draws what it is given."""

    def __init__(self, pictures, full=None):
        self.pictures = pictures
        self.full = full or pictures
        self.preview_size = pictures[0].shape[0]

    def w_from_seed(self, seed, psi):
        return seed

    def preview(self, seed):
        return self.pictures[seed % len(self.pictures)]

    def render(self, seed):
        return self.full[seed % len(self.full)]


@pytest.mark.weights
def test_faces_are_told_from_other_things(generator, face):
    pytest.importorskip("dlib")
    portrait = generator.preview(face.w_plus)
    noise = np.random.RandomState(0).randint(0, 255, portrait.shape, np.uint8)
    assert draws_faces(Painter([portrait, portrait, noise])) == (True, None)
    is_face, reason = draws_faces(Painter([noise, noise, portrait]))
    assert is_face is False
    assert "only 4 of 13" in reason
    assert "dials for faces are off" in reason
    poor_previews = Painter([noise], full=[generator.render(face.w_plus)])
    assert draws_faces(poor_previews) == (True, None)


def test_without_a_detector_it_stays_open(monkeypatch):
    monkeypatch.setitem(sys.modules, "dlib", None)
    assert draws_faces(Painter([np.zeros((256, 256, 3), np.uint8)])) == (None, None)


def test_pictures_too_small_to_judge_stay_open():
    assert draws_faces(Painter([np.zeros((32, 32, 3), np.uint8)])) == (None, None)


def test_a_conditional_network_is_refused_by_the_command(folder):
    state = {**small_network(), "mapping.embed.weight": torch.zeros(512, 4)}
    (folder / "c.pkl").write_bytes(nvidia_pickle(state, c_dim=4))
    refused = run("import", folder / "c.pkl", "--name", "c")
    assert refused.exit_code == 1
    assert "conditional" in refused.output
