"""The command line as a script sees it: exit codes, stdout, stderr."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from test_evaluation import measured

from facegen.cli import cli
from facegen.editing.dial_set import DialSet
from facegen.face import Face
from facegen.images import decode_image
from facegen.measure.measurer import load_measurer

pytestmark = pytest.mark.weights


@pytest.fixture(autouse=True)
def one_generator(generator, monkeypatch):
    """Commands share the loaded network: loading it anew costs a second each time."""
    for module in ("faces", "face_files"):
        monkeypatch.setattr(f"facegen.cli.{module}.load_generator", lambda *_, **__: generator)


def run(*args: str, code: int = 0):
    result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture(scope="module")
def faces(tmp_path_factory, generator):
    folder = tmp_path_factory.mktemp("faces")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facegen.cli.faces.load_generator", lambda *_, **__: generator)
        run("generate", "--seeds", "3-4", "--truncation", "0.7", "--out", folder, "--npz")
    return folder


def pixels(path):
    return np.asarray(Image.open(path))


def test_generate_writes_face_files_named_by_seed(faces, generator):
    names = sorted(path.name for path in faces.iterdir())
    assert names == ["seed0003.npz", "seed0003.png", "seed0004.npz", "seed0004.png"]
    face = Face.load(faces / "seed0004.png")
    assert (face.seed, face.psi) == (4, 0.7)
    assert np.array_equal(pixels(faces / "seed0004.png"), generator.render(face.w_plus))


def test_edit_without_a_change_keeps_every_pixel(faces, tmp_path):
    run("edit", faces / "seed0003.png", "--out", tmp_path / "same.png")
    assert np.array_equal(pixels(tmp_path / "same.png"), pixels(faces / "seed0003.png"))
    run("edit", faces / "seed0003.npz", "--out", tmp_path / "npz.png")
    assert np.array_equal(pixels(tmp_path / "npz.png"), pixels(faces / "seed0003.png"))


def test_pictures_come_in_other_formats_and_sizes(faces, tmp_path):
    source, whole = faces / "seed0003.png", pixels(faces / "seed0003.png")
    for name, size in (("a.jpg", 256), ("a.webp", 512), ("a.png", 256)):
        run("edit", source, "--size", size, "--out", tmp_path / name)
        seen = pixels(tmp_path / name)
        assert seen.shape == (size, size, 3)
        step = 1024 // size
        small = whole.reshape(size, step, size, step, 3).mean((1, 3))
        assert np.abs(seen - small).mean() < 2
        assert np.array_equal(Face.load(tmp_path / name).w_plus, Face.load(source).w_plus)
    run("edit", tmp_path / "a.jpg", "--out", tmp_path / "again.png")  # drawn anew, not enlarged
    assert np.array_equal(pixels(tmp_path / "again.png"), whole)
    run("edit", tmp_path / "a.png", "--size", 1024, "--out", tmp_path / "full.png")
    assert np.array_equal(pixels(tmp_path / "full.png"), whole)
    run("generate", "--seeds", "3", "--truncation", "0.7", "--format", "webp", "--size", "256",
        "--out", tmp_path / "more")  # fmt: skip
    assert pixels(tmp_path / "more" / "seed0003.webp").shape == (256, 256, 3)


def test_edit_moves_dials_and_keeps_the_story(faces, tmp_path):
    out = tmp_path / "edited.png"
    run("edit", faces / "seed0003.png", "--set", "smile=+2", "--set", "age=-10y", "--out", out)
    before, after = Face.load(faces / "seed0003.png"), Face.load(out)
    assert np.array_equal(after.base, before.base)
    assert not np.array_equal(pixels(out), pixels(faces / "seed0003.png"))
    dials = DialSet.load()
    deltas = {edit.dial: edit.delta for edit in after.edits}
    assert deltas["age"] == -10
    assert deltas["smile"] == pytest.approx(2 * dials.spec("smile").unit_per_sd)
    moved = dials.read(after.w_plus)["age"] - dials.read(before.w_plus)["age"]
    assert -20 < moved < -5


@pytest.mark.parametrize(("distance", "is_told"), [(0.7, True), (0.5, False)])
def test_a_locked_person_who_became_somebody_else_is_told(
    faces, tmp_path, monkeypatch, distance, is_told
):
    dials, seen = DialSet.load(own=False), []

    class Measurer:
        def measure(self, image, *, details):
            seen.append(image)
            is_first = len(seen) == 1
            return measured(dials, 0.0 if is_first else distance, age=30 if is_first else 60)

    monkeypatch.setattr("facegen.measure.measurer.load_measurer", Measurer)
    asked = ("--target", "age=60", "--lock", "identity", "--out", tmp_path / "a.png")
    told = run("edit", faces / "seed0003.png", *asked).output
    assert "measured 60.0" in told
    assert ("still comes out as somebody else" in told) == is_told


@pytest.mark.long
def test_glasses_leave_the_rest_of_the_picture_as_it_was(faces, tmp_path):
    out = tmp_path / "glasses.png"
    asked = ("--set", "glasses=+3", "--keep-rest", "--out", out)
    told = run("edit", faces / "seed0003.png", *asked).stderr
    assert "Changed: glasses" in told
    before, after = (
        decode_image(path.read_bytes(), name="face.png").astype(int)
        for path in (faces / "seed0003.png", out)
    )
    region = next(one for one in Face.load(out).operations if one.op == "keep_rest").region
    outside = region.at(len(before)) == 0
    assert 0.7 < outside.mean() < 0.98
    assert np.abs(after - before)[outside].max() <= 1
    assert np.abs(after - before)[~outside].mean() > 5
    dials = DialSet.load(own=False)
    seen = dials.in_units(load_measurer().measure(after.astype(np.uint8)).values)
    assert seen["glasses"] > dials.spec("glasses").yes_from
    again = run("edit", out, "--set", "lipstick=+2", "--out", tmp_path / "both.png").stderr
    assert "Changed" not in again
    assert [one.op for one in Face.load(tmp_path / "both.png").operations].count("keep_rest") == 1


@pytest.mark.long
def test_a_background_stays_while_dials_move_and_none_gives_the_own_one_back(faces, tmp_path):
    start, clear = faces / "seed0003.png", tmp_path / "clear.png"
    run("edit", start, "--background", "transparent", "--out", clear)
    assert decode_image(clear.read_bytes(), name="a", alpha=True)[0, 0, 3] == 0
    assert "background transparent" in run("show", clear).stdout
    named = tmp_path / "named.png"
    run("edit", clear, "--name", "Bo", "--out", named)
    same = (decode_image(path.read_bytes(), name="a", alpha=True) for path in (clear, named))
    assert np.array_equal(*same)
    assert Face.load(named).operations == Face.load(clear).operations
    both = tmp_path / "both.png"
    run("edit", named, "--set", "glasses=+3", "--keep-rest", "--out", both)
    assert [one.op for one in Face.load(both).operations] == ["dial", "keep_rest", "background"]
    assert Face.load(both).operations[2].person != Face.load(clear).operations[0].person
    assert decode_image(both.read_bytes(), name="a", alpha=True).shape[2] == 4
    own = tmp_path / "own.png"
    run("edit", clear, "--background", "none", "--out", own)
    pixels = (decode_image(path.read_bytes(), name="a").astype(int) for path in (start, own))
    assert np.abs(np.subtract(*pixels)).max() <= 1
    run("edit", start, "--background", faces / "seed0004.png", "--out", own)
    assert "of another face" in run("show", own).stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("blur=3", "by 0 to 1"), ("#12", "#rrggbb"), ("beach", "there is no file beach")],
)
def test_a_background_that_cannot_be_meant_is_refused(faces, tmp_path, text, sentence):
    out = tmp_path / "a.png"
    told = run("edit", faces / "seed0003.png", "--background", text, "--out", out, code=1)
    assert sentence in told.output
    assert not out.exists()


def test_a_network_that_draws_no_faces_is_not_edited_with_dials_for_faces(
    faces, tmp_path, generator, monkeypatch
):
    monkeypatch.setattr(generator, "why_not_face", "It draws cats, so dials for faces are off.")
    out = tmp_path / "cat.png"
    result = run("edit", faces / "seed0003.png", "--set", "smile=+1", "--out", out, code=1)
    assert "dials for faces are off" in result.stderr
    assert not out.exists()


def test_a_step_too_far_is_made_and_warned_of(faces, tmp_path):
    out = tmp_path / "far.png"
    result = run("edit", faces / "seed0003.png", "--set", "smile=+30", "--out", out)
    assert "Warning: smile stands at" in result.stderr
    assert Face.load(out).edits[0].dial == "smile"


def test_an_edit_and_its_opposite_give_the_picture_back(faces, tmp_path):
    there, back = tmp_path / "there.png", tmp_path / "back.png"
    run("edit", faces / "seed0003.png", "--set", "smile=+1", "--out", there)
    run("edit", there, "--set", "smile=-1", "--out", back)
    assert np.array_equal(pixels(back), pixels(faces / "seed0003.png"))


def test_files_of_other_kinds_are_told_where_they_belong(faces, tmp_path):
    direction, network = tmp_path / "way.npy", tmp_path / "net.safetensors"
    np.save(direction, np.eye(1, 512, dtype=np.float32))
    network.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    said = run("show", direction, code=1).output
    assert "way.npy is a direction, not a face" in said
    assert "facegen directions import" in said
    said = run("show", network, code=1).output
    assert "facegen models import" in said
    said = run("models", "import", faces / "seed0003.png", "--name", "mine", code=1).output
    assert "seed0003.png is a saved face, not a network" in said
    said = run("directions", "import", network, "--name", "their_way", code=1).output
    assert "net.safetensors is a network, not a direction" in said


def test_show_tells_what_is_inside(faces):
    facts = json.loads(run("show", faces / "seed0003.png", "--json").stdout)
    assert facts["seed"] == 3
    assert facts["space"] == "stylegan2-ffhq"
    assert "seed     3" in run("show", faces / "seed0003.png").stdout


@pytest.mark.parametrize(
    ("args", "code", "sentence"),
    [
        (["show", "nothing.png"], 1, "cannot be opened"),
        (["show", __file__], 1, "not a face file"),
        (["edit", "FACE", "--set", "smlie=+1", "--out", "x.png"], 1, "smile"),
        (["edit", "FACE", "--set", "smile", "--out", "x.png"], 1, "must look like"),
        (["edit", "FACE", "--set", "smile=+1deg", "--out", "x.png"], 1, "smile is in"),
        (["edit", "FACE", "--out", "x.gif"], 1, "saved as .png, .jpg or .webp"),
        (["generate", "--seeds", "7-3", "--out", "x"], 2, "must rise"),
        (["generate", "--seeds", "a", "--out", "x"], 2, "not a seed"),
        (["generate", "--seeds", "0-99999999", "--out", "x"], 2, "more than"),
        (["models", "fetch", "nonsense"], 1, "No model is called 'nonsense'"),
    ],
)
def test_failures_are_one_sentence_on_stderr(faces, tmp_path, monkeypatch, args, code, sentence):
    monkeypatch.chdir(tmp_path)
    args = [str(faces / "seed0003.png") if arg == "FACE" else arg for arg in args]
    result = run(*args, code=code)
    assert sentence in result.stderr
    assert result.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_models_are_listed_and_verified():
    rows = json.loads(run("models", "list", "--json").stdout)
    assert {"name", "licence", "size_mb", "fetched"} <= set(rows[0])
    rows = json.loads(run("models", "verify", "mobilestylegan-ffhq-1024", "--json").stdout)
    assert all(row["intact"] for row in rows)


def test_dials_are_listed():
    rows = json.loads(run("dials", "--json").stdout)
    assert {"yaw", "pitch", "age", "smile", "glasses"} <= {row["dial"] for row in rows}


def test_the_real_program_starts_and_fails_with_a_code():
    result = subprocess.run(
        [sys.executable, "-m", "facegen", "show", __file__], capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: test_cli.py is not a face file")


def test_measure_reads_what_the_dials_read(faces):
    (row,) = json.loads(run("measure", faces / "seed0003.png", "--json").stdout)
    read = DialSet.load().read(Face.load(faces / "seed0003.png").w_plus)
    assert abs(row["yaw"] - read["yaw"]) < 15
    assert abs(row["age"] - read["age"]) < 20


def test_measure_refuses_what_has_no_face(tmp_path):
    Image.new("RGB", (256, 256), "gray").save(tmp_path / "wall.png")
    Image.new("RGB", (300, 200), "gray").save(tmp_path / "wide.png")
    assert "No face was found in wall.png" in run("measure", tmp_path / "wall.png", code=1).stderr
    assert "No face was found in wide.png" in run("measure", tmp_path / "wide.png", code=1).stderr
    assert "cannot be opened" in run("measure", tmp_path / "none.png", code=1).stderr
