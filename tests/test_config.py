"""`--config`: settings of sweeps and datasets out of files, and files that repeat them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from dataset_runner import MeanFace
from fakes import FakeGenerator

from facegen.cli import cli
from facegen.face import Face


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs commands with a network and instruments of the tests' own."""
    for command in ("sweep", "dataset"):
        monkeypatch.setattr(
            f"facegen.cli.{command}.load_generator", lambda *_, **__: FakeGenerator()
        )
    monkeypatch.setattr("facegen.measure.measurer.load_measurer", MeanFace)
    monkeypatch.chdir(tmp_path)
    fake = FakeGenerator()
    for seed, name in enumerate(("anna", "berta")):
        face = Face.from_seed(fake, seed)
        face.save(tmp_path / f"{name}.png", fake.render(face.w_plus, size=256))
    return lambda *args: CliRunner().invoke(cli, list(args))


def rows_of(out):
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def asked(out):
    return [row["requested_yaw"] for row in rows_of(out)]


@pytest.mark.long
def test_a_sweep_takes_its_settings_from_a_file_and_the_command_line_wins(run, tmp_path):
    (tmp_path / "a.toml").write_text(
        'yaw = [-10, 0]\nexpression = ["own"]\nsize = 256\nsheet = true\nno_measure = true\n'
    )
    done = run("sweep", "anna.png", "--config", "a.toml", "--out", "plain")
    assert done.exit_code == 0, done.output
    assert asked(tmp_path / "plain") == [-10, 0]
    assert (tmp_path / "plain" / "sheet.png").exists()
    done = run(
        "sweep", "anna.png", "--config", "a.toml", "--yaw", "5", "--no-sheet", "--out", "other"
    )
    assert done.exit_code == 0, done.output
    assert asked(tmp_path / "other") == [5]
    assert not (tmp_path / "other" / "sheet.png").exists()


def test_a_sweep_is_repeated_from_the_file_it_leaves(run, tmp_path):
    given = ["--yaw", "0:10:10", "--gaze", "5", "--size", "256", "--no-measure", "--open-loop"]
    assert run("sweep", "anna.png", *given, "--out", "one").exit_code == 0
    done = run("sweep", "anna.png", "--config", "one/sweep.toml", "--out", "two")
    assert done.exit_code == 0, done.output
    assert rows_of(tmp_path / "two") == rows_of(tmp_path / "one")
    assert (tmp_path / "two/sweep.toml").read_text() == (tmp_path / "one/sweep.toml").read_text()


@pytest.mark.long
def test_a_dataset_is_repeated_and_continued_from_the_file_it_leaves(run, tmp_path):
    given = ["--people", "2", "--max-angle", "10", "--step", "10", "--random", "1", "--size", "256"]
    done = run("dataset", *given, "--measure", "none", "--out", "one")
    assert done.exit_code == 0, done.output
    kept = tmp_path / "one" / "dataset.toml"
    for out in ("two", "one"):
        done = run("dataset", "--config", str(kept), "--out", out)
        assert done.exit_code == 0, done.output
    assert rows_of(tmp_path / "two") == rows_of(tmp_path / "one")
    before = kept.read_bytes()
    assert run("dataset", "--config", str(kept), "--seed", "9", "--out", "one").exit_code == 1
    assert kept.read_bytes() == before


@pytest.mark.long
def test_faces_that_are_named_stand_in_for_the_people_of_a_file(run, tmp_path):
    (tmp_path / "a.toml").write_text(
        'people = 50\nbalance = ["age", "gender"]\nmax_angle = 0\nrandom = 0\nsize = 256\n'
        'measure = "none"\n'
    )
    done = run("dataset", "berta.png", "--config", "a.toml", "--out", "out")
    assert done.exit_code == 0, done.output
    assert [row["person"] for row in rows_of(tmp_path / "out")] == ["berta"]
    again = run("dataset", "berta.png", "--config", "out/dataset.toml", "--out", "again")
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize("command", ["sweep", "dataset"])
def test_the_settings_are_printed_whole_and_nothing_needs_to_be_named(run, tmp_path, command):
    printed = run(command, "--print-config", "--size", "512", "--model", 'a"b\\c\x7f')
    assert printed.exit_code == 0, printed.output
    assert "size = 512" in printed.stdout
    (tmp_path / "a.toml").write_text(printed.stdout)
    again = run(command, "--config", "a.toml", "--print-config")
    assert again.stdout == printed.stdout
    assert run(command).exit_code != 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yow = 3", "Did you mean yaw?"),
        ("hold-person = 3", "Did you mean hold_person?"),
        ("colour = 1", "There are yaw, pitch"),
        ('out = "x"', "on the command line"),
        ("[sweep]\nyaw = 3", "no setting 'sweep'"),
        ("hold_person = 99", "hold_person must be a whole number <= 40"),
        ("size = 300", "'300' is not one of '256'"),
        ("yaw = true", "yaw must be a number"),
        ("yaw = []", "got ''"),
        ('sheet = "yes"', "sheet must be true or false"),
        ("yaw = nan", "NaN"),
        ("model = 2020-01-01", "date"),
        ("nonsense", "no TOML"),
        ("yaw = " + 5000 * "[", "a.toml"),
        ("yaw = " + 5000 * "9", "a.toml"),
        ("yaw = 1\nyaw = 2", "no TOML"),
        ('expression = ["grin"]', "grin"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(run, tmp_path, text, told):
    (tmp_path / "a.toml").write_text(text)
    done = run("sweep", "anna.png", "--config", "a.toml", "--out", "out")
    assert done.exit_code in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_files_that_are_none_are_refused_with_a_sentence(run, tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "b.toml").write_bytes(b"#" * 300_000)
    for name, told in (("a.toml", "UTF-8"), ("b.toml", "bytes"), ("c.toml", "cannot be read")):
        done = run("dataset", "--config", name, "--out", "out")
        assert done.exit_code == 1
        assert told in done.stderr
