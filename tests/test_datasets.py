"""Datasets: complete, readable, and the same whether killed or not."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import dataset_runner
import numpy as np
import pytest
from click.testing import CliRunner
from dataset_runner import tools_of
from fakes import FakeGenerator
from PIL import Image

from facegen.cli import cli
from facegen.datasets.folder import finish, open_folder
from facegen.datasets.job import draw_task, load_tools, make_person, tasks, write_made
from facegen.datasets.local_runner import make_here, make_in_processes
from facegen.datasets.people import BALANCE, bin_of, new_people, open_people
from facegen.datasets.plan import Plan
from facegen.datasets.ray_runner import make_on_ray
from facegen.directions.make_user_dial import make_own
from facegen.directions.user_dials import own_bytes, save_own
from facegen.editing.dial_set import DialSet
from facegen.errors import FacegenError, SaveError, UsageError
from facegen.face import Face
from facegen.operations import UnknownOperation

RUNNER = Path(dataset_runner.__file__)
KILLS = 10
DRAW_S = 0.03


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "data"
    dataset_runner.main(out, 0.0)
    return out


def test_manifest_and_pictures_match(whole):
    rows = [json.loads(line) for line in (whole / "metadata.jsonl").read_text().splitlines()]
    pictures = sorted(str(p.relative_to(whole)) for p in whole.rglob("*.png"))
    assert sorted(row["file_name"] for row in rows) == pictures
    assert len(rows) == 2 * (9 + 3)
    grid, rest = rows[:9], rows[9:12]
    assert [row["requested_yaw"] for row in grid[:3]] == [-10, 0, 10]
    assert {row["part"] for row in rest} == {"random"}
    for row in rows[:3]:
        face = Face.load(whole / row["file_name"])
        assert face.space == row["space"]
        assert Image.open(whole / row["file_name"]).size == (256, 256)
    assert not list(whole.rglob("*.part"))
    assert not (whole / ".records").exists()


def test_the_table_holds_the_same_as_the_lines(whole):
    table = pytest.importorskip("pyarrow.parquet").read_table(whole / "manifest.parquet")
    rows = [json.loads(line) for line in (whole / "metadata.jsonl").read_text().splitlines()]
    assert table.column("file_name").to_pylist() == [row["file_name"] for row in rows]
    assert table.column("requested_yaw").to_pylist() == [row["requested_yaw"] for row in rows]


def test_an_image_folder_loader_finds_every_picture_and_one_schema(whole):
    """The rules of Hugging Face's ImageFolder: file_name beside metadata.jsonl, one type a key."""
    rows = [json.loads(line) for line in (whole / "metadata.jsonl").read_text().splitlines()]
    assert all((whole / row["file_name"]).is_file() for row in rows)
    assert len({row["file_name"] for row in rows}) == len(rows) == len(list(whole.rglob("*.png")))
    kinds: dict[str, set[str]] = {}
    for row in rows:
        assert row.keys() == rows[0].keys()
        for key, value in row.items():
            kinds.setdefault(key, set()).add("number" if type(value) in (int, float) else
                                             type(value).__name__)  # fmt: skip
    assert all(len(found - {"NoneType"}) <= 1 for found in kinds.values()), kinds
    assert {"requested_yaw", "requested_gaze", "landmarks", "seed"} <= set(kinds)


@pytest.mark.long
def test_hugging_face_loads_it(whole, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")  # read when the package is imported
    from datasets import load_dataset

    loaded = load_dataset("imagefolder", data_dir=str(whole), cache_dir=str(tmp_path))
    first = loaded["train"][0]
    assert len(loaded["train"]) == 24
    assert first["image"].size == (256, 256)
    assert first["requested_yaw"] == -10


@pytest.mark.long
def test_tasks_in_any_order_make_the_same_bytes(whole, tmp_path):
    out, generator = tmp_path / "data", FakeGenerator()
    plan = Plan(max_angle=10, step=10, random=3, size=256, measure="none", batch=2)
    people = new_people(generator, 2, seed=5, psi=0.7)
    open_folder(out, plan, people, generator.model)
    waiting = tasks(out, plan, people, most=5)
    assert sorted(len(task.indices) for task in waiting) == [2, 2, 5, 5, 5, 5]
    for task in reversed(waiting):
        for made in draw_task(plan, task, tools_of(generator)):
            write_made(out, made)
    assert tasks(out, plan, people) == []
    finish(out, plan, people)
    assert contents(out) == contents(whole)


def test_without_ray_its_engine_is_refused_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    plan, people = Plan(size=256), new_people(FakeGenerator(), 1, seed=5, psi=0.7)
    with pytest.raises(UsageError, match="Ray is not installed"):
        make_on_ray(tmp_path, plan, people, model="fake-1024")


@pytest.mark.slow
def test_two_workers_of_a_ray_cluster_go_on_and_make_the_same_bytes(whole, tmp_path):
    pytest.importorskip("ray")
    out, generator = tmp_path / "data", FakeGenerator()
    plan = Plan(max_angle=10, step=10, random=3, size=256, measure="none")
    people = new_people(generator, 2, seed=5, psi=0.7)
    open_folder(out, plan, people, generator.model)
    first = tasks(out, plan, people, most=4)[1]
    for made in draw_task(plan, first, tools_of(generator)):
        write_made(out, made)
    done: list[int] = []
    make_on_ray(
        out, plan, people, model="fake-1024", workers=2, load=dataset_runner.load_tools,
        done=done.append,
    )  # fmt: skip
    assert done[0] == len(first.indices)
    assert sum(done) == finish(out, plan, people) == 24
    assert contents(out) == contents(whole)
    with pytest.raises(UsageError, match="No Ray cluster answers"):
        make_on_ray(
            tmp_path, Plan(size=256), people, model="x", address="127.0.0.1:1",
            load=dataset_runner.load_tools,
        )  # fmt: skip


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.long
def test_killed_at_random_moments_it_ends_with_the_same_bytes(whole, tmp_path):
    out = tmp_path / "data"
    rng = random.Random(3)
    killed, codes = 0, []
    with subprocess.Popen(
        [sys.executable, str(RUNNER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as runner:
        while 0 not in codes:
            runner.stdin.write(f"{out}\t{DRAW_S}\n")
            runner.stdin.flush()
            pid = int(runner.stdout.readline())
            if killed < KILLS:
                before = len(list(out.rglob("*.png")))
                while len(list(out.rglob("*.png"))) <= before and is_alive(pid):
                    time.sleep(0.001)
                time.sleep(rng.uniform(0, 1.2 * DRAW_S))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            codes.append(int(runner.stdout.readline()))
            killed += codes[-1] == -signal.SIGKILL
        runner.stdin.close()
    assert codes == [-signal.SIGKILL] * KILLS + [0]
    assert contents(out) == contents(whole)


@pytest.mark.long
def test_a_torn_picture_is_made_anew(whole, tmp_path):
    out = tmp_path / "data"
    generator = FakeGenerator()
    plan = Plan(max_angle=0, step=5, random=1, size=512, measure="none")
    people = new_people(generator, 1, seed=5, psi=0.7)
    open_folder(out, plan, people, generator.model)
    make_person(out, plan, *people[0], 0, tools_of(generator))
    before = contents(out)
    picture = next(out.rglob("*.png"))
    picture.write_bytes(picture.read_bytes()[:100])
    generator.rendered = 0
    make_person(out, plan, *people[0], 0, tools_of(generator))
    assert generator.rendered == 1
    assert contents(out) == before
    assert finish(out, plan, people) == 2


def test_another_job_in_the_folder_is_refused(whole):
    generator = FakeGenerator()
    people = new_people(generator, 2, seed=5, psi=0.7)
    before = contents(whole)
    with pytest.raises(UsageError, match="other people or settings"):
        open_folder(whole, Plan(max_angle=20, size=256), people, generator.model)
    assert contents(whole) == before


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    generator = FakeGenerator()
    people = new_people(generator, 1, seed=5, psi=0.7)
    with pytest.raises(UsageError, match="not empty"):
        open_folder(tmp_path, Plan(size=256), people, generator.model)
    (tmp_path / "file").write_text("")
    with pytest.raises(SaveError, match="folder"):
        open_folder(tmp_path / "file", Plan(size=256), people, generator.model)


@pytest.mark.long
def test_a_full_disk_is_one_sentence_and_what_was_finished_stays(whole, tmp_path, monkeypatch):
    from facegen.datasets import job

    out = tmp_path / "data"
    generator = FakeGenerator()
    plan = Plan(max_angle=10, step=10, random=0, size=256, measure="none")
    people = new_people(generator, 1, seed=5, psi=0.7)
    open_folder(out, plan, people, generator.model)
    real, count = job.write_atomic, [0]

    def failing(path, data):
        count[0] += 1
        if count[0] > 4:
            raise SaveError(f"{path.name} could not be written (No space left on device).")
        real(path, data)

    monkeypatch.setattr(job, "write_atomic", failing)
    with pytest.raises(SaveError, match="No space left"):
        make_person(out, plan, *people[0], 0, tools_of(generator))
    monkeypatch.undo()
    assert len(list(out.rglob("*.png"))) == 2
    make_person(out, plan, *people[0], 0, tools_of(generator))
    assert finish(out, plan, people) == 9


def test_files_that_are_no_faces_are_named_and_left_out(tmp_path):
    generator = FakeGenerator()
    face = Face.from_seed(generator, 3)
    face.save(tmp_path / "anna.png", generator.render(face.w_plus, size=256), npz=True)
    (tmp_path / "notes.txt").write_text("x")
    Image.new("RGB", (64, 64)).save(tmp_path / "holiday.png")
    said: list[str] = []
    people = open_people([tmp_path], generator.space, warn=said.append)
    assert [name for name, _ in people] == ["anna"]
    assert len(said) == 2
    assert all(name in " ".join(said) for name in ("notes.txt", "holiday.png"))
    with pytest.raises(FacegenError, match=r"holiday\.png"):
        open_people([tmp_path / "holiday.png"], generator.space)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="No face was found"):
        open_people([tmp_path / "empty"], generator.space)


def test_a_face_that_cannot_be_drawn_is_left_out_before_the_work_begins(tmp_path):
    generator = FakeGenerator()
    face = Face.from_seed(generator, 3)
    newer = replace(face, operations=(UnknownOperation("relight", '{"op": "relight"}'),))
    for name, one in (("anna", face), ("newer", newer)):
        one.save(tmp_path / f"{name}.png", generator.render(face.w_plus, size=256))
    said: list[str] = []
    people = open_people([tmp_path], generator.space, warn=said.append)
    assert [name for name, _ in people] == ["anna"]
    assert "newer.png is left out" in said[0]
    with pytest.raises(FacegenError, match=r"newer\.png.*relight"):
        open_people([tmp_path / "newer.png"], generator.space)


def test_a_face_of_another_space_is_refused(tmp_path):
    generator = FakeGenerator()
    face = Face.from_w_plus(np.zeros(512, np.float32), space="space-elsewhere")
    face.save(tmp_path / "far.png", generator.render(face.w_plus, size=256))
    with pytest.raises(FacegenError, match="space-elsewhere"):
        open_people([tmp_path / "far.png"], generator.space)


@pytest.mark.weights
def test_balance_evens_out_who_is_drawn(generator):
    dials = DialSet.load(generator.space)

    def share_of_women(people):
        return np.mean([bin_of(dials.read(f.w_plus), ["gender"])[0] == 0 for _, f in people])

    def spread(people):
        bins = [bin_of(dials.read(f.w_plus), ["age"])[0] for _, f in people]
        return np.bincount(bins, minlength=len(BALANCE["age"][1]) + 1)

    plain = new_people(generator, 16, seed=960000, psi=0.9)
    balanced = new_people(
        generator, 16, seed=960000, psi=0.9, balance=["age", "gender"], dials=dials
    )
    assert share_of_women(balanced) == pytest.approx(0.5, abs=0.13)
    assert spread(balanced).min() > spread(plain).min()
    assert len({name for name, _ in balanced}) == 16
    with pytest.raises(UsageError, match="knows age"):
        new_people(generator, 2, seed=0, psi=0.7, balance=["shoes"], dials=dials)


def test_super_resolution_is_said_to_be_missing():
    with pytest.raises(UsageError, match="No super-resolution model"):
        Plan(size=2048, upscale="sr")


@pytest.mark.long
def test_upscaled_pictures_have_the_size_asked_for(tmp_path):
    generator = FakeGenerator()
    plan = Plan(max_angle=0, step=5, random=0, size=2048, upscale="bilinear", measure="none")
    people = new_people(generator, 1, seed=5, psi=0.7)
    open_folder(tmp_path / "x", plan, people, generator.model)
    make_person(tmp_path / "x", plan, *people[0], 0, tools_of(generator))
    assert Image.open(next(tmp_path.rglob("*.png"))).size == (2048, 2048)


@pytest.mark.slow
@pytest.mark.weights
def test_the_real_command_killed_and_resumed_gives_the_same_bytes(generator, tmp_path):
    face = Face.from_seed(generator, 950_006)
    face.save(tmp_path / "her.png", generator.render(face.w_plus))
    options = ["--max-angle", "20", "--step", "20", "--random", "3", "--size", "512"]
    command = [sys.executable, "-m", "facegen", "dataset", str(tmp_path / "her.png"), *options]
    subprocess.run([*command, "--out", str(tmp_path / "whole")], check=True, capture_output=True)
    killed = subprocess.Popen([*command, "--out", str(tmp_path / "cut")])
    while len(list((tmp_path / "cut").rglob("*.png"))) < 2:
        assert killed.poll() is None
        time.sleep(0.02)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    subprocess.run([*command, "--out", str(tmp_path / "cut")], check=True, capture_output=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    assert len(list((tmp_path / "cut").rglob("*.png"))) == 6


def test_a_dataset_of_another_version_is_not_mixed_with_this_one(tmp_path):
    out, generator = tmp_path / "data", FakeGenerator()
    plan, people = Plan(size=256), new_people(FakeGenerator(), 1, seed=5, psi=0.7)
    open_folder(out, plan, people, generator.model)
    begun = json.loads((out / "dataset.json").read_text())
    (out / "dataset.json").write_text(json.dumps(begun | {"format": 1}))
    with pytest.raises(UsageError, match="another version"):
        open_folder(out, plan, people, generator.model)
    (out / "dataset.json").write_text(json.dumps(begun))  # the same, written otherwise
    with pytest.raises(UsageError, match="other people or settings"):
        open_folder(out, plan, people, generator.model)


def test_steps_that_hold_the_person_are_part_of_the_job():
    assert Plan().to_record()["person_steps"] == 0
    assert Plan(person_steps=5).to_record()["person_steps"] == 5
    assert "batch" not in Plan(person_steps=5, batch=4).to_record()


@pytest.fixture
def own_dial():
    """A dial of the user's own, in their data folder."""
    fake = FakeGenerator()
    truth = np.random.RandomState(0).randn(512).astype(np.float32)
    faces = sorted((fake.w_from_seed(seed, 0.8) for seed in range(60)), key=lambda w: w[0] @ truth)
    dial = make_own(fake, faces[-20:], faces[:20], name="thing")
    save_own(dial)
    return dial


def test_own_dials_choose_people_only_when_they_are_asked_to(own_dial, dials):
    generator = FakeGenerator()
    asked = {"seed": 0, "psi": 0.7, "balance": ["thing"]}
    people = new_people(generator, 10, dials=DialSet.load(generator.space), **asked)
    assert sum(own_dial.read(face.w_plus) > 0 for _, face in people) == 5
    with pytest.raises(UsageError, match="knows age, gender, skin, pose, got 'thing'"):
        new_people(generator, 10, dials=dials, **asked)
    with pytest.raises(UsageError, match="pass them"):
        new_people(generator, 10, **asked)


@pytest.mark.weights
def test_the_command_names_the_own_dials_it_chose_people_by(own_dial, tmp_path, monkeypatch):
    monkeypatch.setattr("facegen.cli.dataset.load_generator", lambda *_, **__: FakeGenerator())
    asked = ["dataset", "--people", "2", "--max-angle", "0", "--random", "0", "--size", "256"]

    def run(out, *more):
        return CliRunner().invoke(cli, [*asked, *more, "--out", str(tmp_path / out)])

    assert "knows age" in run("no", "--balance", "thing").output
    assert "is for --balance" in run("no", "--own-dials").output
    result = run("yes", "--balance", "gender,thing", "--own-dials")
    assert result.exit_code == 0, result.output
    job = json.loads((tmp_path / "yes" / "dataset.json").read_text())
    digest = hashlib.sha256(own_bytes(own_dial)).hexdigest()
    assert job["own_dials"] == {"thing": digest}
    assert not (tmp_path / "no").exists()


@pytest.mark.slow
@pytest.mark.weights
def test_two_processes_make_the_same_bytes_as_one(generator, tmp_path):
    plan = Plan(max_angle=0, step=10, random=1, size=256, measure="none")
    people = new_people(generator, 1, seed=5, psi=0.7)
    for name in ("one", "two"):
        open_folder(tmp_path / name, plan, people, generator.model)
    done: list[int] = []
    make_here(tmp_path / "one", plan, people, load_tools(generator.model), done=done.append)
    make_in_processes(
        tmp_path / "two", plan, people, model=generator.model, workers=2, done=done.append
    )
    assert sum(done) == 2 * 2
    for name in ("one", "two"):
        finish(tmp_path / name, plan, people)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
