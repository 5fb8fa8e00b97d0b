"""Where files lie: the program's own, the user's, and what a wrong setting says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from facegen import files, paths
from facegen.cli import cli
from facegen.directions import user_dials
from facegen.errors import FacegenError, InstallationError, ModelError, SaveError, UsageError
from facegen.service import loading
from facegen.weights import registry


@pytest.fixture
def checkout(tmp_path, monkeypatch) -> Path:
    """An empty checkout in place of this one; no variable is set."""
    place = tmp_path / "checkout"
    place.mkdir()
    monkeypatch.setattr(paths, "ROOT", place)
    monkeypatch.setattr(paths, "IN_CHECKOUT", True)
    for name in paths.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(paths.platformdirs, "user_data_path", lambda *_, **__: tmp_path / "user")
    return place


def test_what_users_make_goes_to_their_data_folder(checkout, tmp_path):
    assert paths.weights_dir() == tmp_path / "user" / "weights"
    assert user_dials.own_folder("a") == tmp_path / "user" / "directions" / "a" / "own"
    (checkout / "models" / "weights").mkdir(parents=True)  # empty: nothing to stay with
    assert paths.weights_dir() == tmp_path / "user" / "weights"


def test_one_variable_moves_all(checkout, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEGEN_DATA", str(tmp_path / "mine"))
    assert paths.weights_dir() == tmp_path / "mine" / "weights"
    assert paths.own_dials_dir("a").is_relative_to(tmp_path / "mine")
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path / "big"))
    assert paths.weights_dir() == tmp_path / "big"


def test_what_an_earlier_version_kept_in_the_checkout_is_found(checkout, tmp_path, monkeypatch):
    weights, own = checkout / "models" / "weights", checkout / "directions" / "a" / "own"
    for file in (weights / "net.safetensors", own / "hat.npz"):
        file.parent.mkdir(parents=True)
        file.touch()
    assert paths.weights_dir() == weights
    assert user_dials.own_folder("a") == own
    assert user_dials.own_folder("b").is_relative_to(tmp_path / "user")
    told = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)
    assert "where earlier versions kept them" in told["weights"]
    monkeypatch.setenv("FACEGEN_DATA", str(tmp_path / "mine"))
    assert paths.weights_dir() == tmp_path / "mine" / "weights"


def test_dials_beside_other_named_ones_lie_beside_them(tmp_path):
    assert user_dials.own_folder("a", tmp_path) == tmp_path / "a" / "own"


@pytest.mark.parametrize("variable", ["FACEGEN_DATA", "FACEGEN_WEIGHTS"])
@pytest.mark.parametrize("value", [__file__, "~nobody-of-this-name/x", "x" * 5000])
def test_a_variable_that_names_no_folder_is_told_in_one_sentence(variable, value, monkeypatch):
    monkeypatch.delenv("FACEGEN_WEIGHTS", raising=False)
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(cli, ["models", "list"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {variable} should name a folder, got '{value[:20]}")
    assert result.stderr.count("\n") == 1
    with pytest.raises(UsageError):
        paths.weights_dir()


def test_an_empty_variable_is_none(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("FACEGEN_DATA", " ")
    assert paths.data_dir() == tmp_path / "user"


def test_doctor_tells_a_variable_that_nobody_reads(monkeypatch):
    monkeypatch.setenv("FACEGEN_DATE", "x")
    told = json.loads(CliRunner().invoke(cli, ["doctor", "--json"]).stdout)
    assert told["variable FACEGEN_DATE"] == "not known here; did you mean FACEGEN_DATA?"


def test_a_model_that_does_not_exist_is_told_with_its_variable(monkeypatch):
    monkeypatch.setenv("FACEGEN_MODEL", "nonsense")
    with pytest.raises(ModelError, match=r"No model .*'nonsense'.* FACEGEN_MODEL asks for it\.$"):
        loading.load_parts(lambda *_: None)


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match=r"cannot be written \(Not a directory\)\. Choose another"):
        files.make_folder(tmp_path / "file" / "inside")
    monkeypatch.setattr(files.os, "access", lambda *_: False)  # root may write anywhere
    monkeypatch.setenv("FACEGEN_WEIGHTS", str(tmp_path / "w"))
    result = CliRunner().invoke(cli, ["models", "fetch"])
    assert result.exit_code == 1
    assert "cannot be written (Permission denied). Set FACEGEN_DATA" in result.stderr


def test_a_missing_file_of_the_program_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    monkeypatch.setattr(paths, "IN_CHECKOUT", False)
    monkeypatch.setattr(
        registry, "REGISTRY_PATH", tmp_path / "facegen" / "_data" / "models" / "registry.json"
    )
    registry.registered.cache_clear()
    try:
        with pytest.raises(
            InstallationError,
            match=r"^facegen/_data/models/registry\.json belongs to facegen and is missing in "
            r".*; install facegen again\.$",
        ):
            registry.registered()
    finally:
        registry.registered.cache_clear()


def test_an_installed_package_is_not_written(monkeypatch):
    monkeypatch.setattr("facegen.cli.shared.IN_CHECKOUT", False)
    for command in ("learn", "evaluate"):
        result = CliRunner().invoke(cli, ["directions", command])
        assert result.exit_code == 1
        assert "run it in a checkout" in result.stderr


def test_shipped_data_are_there():
    assert paths.shipped(paths.MODELS_DIR / "registry.json").is_file()
    with pytest.raises(FacegenError, match="restore it with git"):
        paths.shipped(paths.MODELS_DIR / "nothing.json")
