"""Sweeps: ranges, frames, what is handed out, the command line."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from fakes import FakeGenerator
from PIL import Image
from test_regions import Segments, average_landmarks

from facegen.cli import cli
from facegen.editing.faces import edit_face
from facegen.errors import ModelError, OutOfRangeError, UsageError
from facegen.face import Face
from facegen.images import DIGITAL_SOURCE_TYPE
from facegen.local.edit import LocalEditor
from facegen.measure.measurer import Measurement
from facegen.operations import UnknownOperation
from facegen.retouch.apply import draw
from facegen.service.render import RenderService
from facegen.service.sweep_job import SweepJob
from facegen.sweeps.export import contact_sheet, make_gif, make_zip
from facegen.sweeps.grid import (
    Cell,
    dataset_grid,
    make_cells,
    parse_expression,
    parse_range,
    random_cells,
)
from facegen.sweeps.sweep import Sweep, is_retouched


class Eyes:
    """Instruments that see what they are told."""

    def __init__(self) -> None:
        self.full = 0

    def angles(self, image):
        return Measurement({"yaw": 0.0, "pitch": 0.0, "roll": 0.0}, np.zeros((68, 2)))

    def measure(self, image, *, details=True):
        self.full += 1
        values = {"yaw": 1.0, "pitch": 2.0, "roll": 0.0}
        return Measurement(values, np.zeros((68, 2)), np.full(128, 0.01, np.float32))


class Doubtful(Eyes):
    """Instruments whose looks do not agree."""

    def angles(self, image):
        return replace(super().angles(image), doubt=9.0)

    def measure(self, image, *, details=True):
        return replace(super().measure(image), doubt=9.0)


def test_frames_on_which_landmarks_find_no_hold_are_marked(fake, person, dials):
    for eyes, sure in ((Eyes(), True), (Doubtful(), False)):
        (frame,) = Sweep(fake, person, dials, eyes, size=64, close=False).frames([Cell(0, 0)])
        assert frame.measurement is not None
        assert frame.is_reachable == sure


def test_places_that_landmarks_doubt_teach_no_map_and_are_not_retouched(fake, person, dials):
    sure, doubtful = (Sweep(fake, person, dials, eyes, size=64) for eyes in (Eyes(), Doubtful()))
    assert sure.face_of(Cell(20, 0))[0].w_plus.tolist() != (
        doubtful.face_of(Cell(20, 0))[0].w_plus.tolist()
    )  # one believes that 1 degree of yaw is always seen, the other has seen nothing
    plain, sad = doubtful.frames([Cell(0, 0), Cell(0, 0, gaze_up=9)])
    assert np.array_equal(plain.image, sad.image)
    assert not sad.is_reachable


def test_faces_of_a_newer_version_are_not_turned_without_what_was_done_to_them(fake, person, dials):
    unknown = replace(person, operations=(UnknownOperation("relight", '{"op": "relight"}'),))
    for face in (unknown, replace(person, weights="tuned")):
        with pytest.raises(ModelError, match="Update facegen"):
            Sweep(fake, face, dials, Eyes(), size=64)


class Looking(Eyes):
    """Instruments that see the average face in every picture."""

    def angles(self, image):
        return replace(super().angles(image), landmarks=average_landmarks())


def keeping(fake, face, dials):
    keeper = LocalEditor(fake, dials, Looking(), lambda w_plus: Segments())
    return Sweep(fake, face, dials, Looking(), size=512, close=False, keeper=keeper)


@pytest.mark.parametrize("yaw", [None, 20])
def test_an_expression_leaves_what_is_around_the_face(fake, person, dials, yaw):
    sweep = keeping(fake, person, dials)
    still, happy = sweep.frames([Cell(yaw), Cell(yaw, expression="happy")])
    assert still.face.keep is None
    outside = happy.face.keep.region.at(512) == 0
    assert 0.3 < outside.mean() < 0.9
    assert np.array_equal(happy.image[outside], still.image[outside])
    assert not np.array_equal(happy.image, still.image)
    again = draw(happy.face.request(model=fake.model, size=512), fake)
    assert np.array_equal(again, happy.image)


def test_what_a_face_keeps_of_its_rest_is_turned_along(fake, person, dials):
    keeper = keeping(fake, person, dials).keeper
    edited = edit_face(dials, person, {"glasses": 3.0})
    face = keeper.keep(person, edited, ["glasses"])
    plain, kept = (next(keeping(fake, one, dials).frames([Cell(20)])) for one in (person, face))
    outside = kept.face.keep.region.at(512) == 0
    assert np.abs(kept.image[outside].astype(int) - plain.image[outside]).mean() < 2
    assert not np.array_equal(kept.image, plain.image)


def test_frames_that_could_not_be_held_are_marked(fake, person, dials):
    class Lost:
        def hold(self, face, **asked):
            return None

    sweep = Sweep(fake, person, dials, Eyes(), size=64, close=False)
    assert sweep.face_of(Cell(20, 0))[1]
    sweep._holder = Lost()
    face, is_reachable = sweep.face_of(Cell(20, 0))
    assert not is_reachable
    assert face.w_plus.shape == person.w_plus.shape


def test_frames_are_held_at_the_same_time_and_come_in_order(fake, person, dials):
    together = threading.Barrier(2, timeout=60)

    class Holds:
        def hold(self, face, **asked):
            together.wait()  # until another frame is being held too
            return face, True

    sweep = Sweep(fake, person, dials, Eyes(), size=64, close=False, held_at_once=2)
    cells = [Cell(yaw, 0) for yaw in (-20, -10, 10, 20)]
    plain = [frame.face.w_plus for frame in sweep.frames(cells)]
    sweep._holder = Holds()
    frames = list(sweep.frames(cells))
    assert [frame.cell.yaw for frame in frames] == [-20, -10, 10, 20]
    assert all(np.array_equal(a.face.w_plus, b) for a, b in zip(frames, plain, strict=True))


def test_a_sweep_that_is_ended_holds_no_further_frames(fake, person, dials):
    asked = []

    class Holds:
        def hold(self, face, **angles):
            asked.append(angles["yaw"])
            return face, True

    sweep = Sweep(fake, person, dials, Eyes(), size=64, close=False, held_at_once=2)
    sweep._holder = Holds()
    cells = [Cell(yaw, 0) for yaw in range(1, 31)]
    assert list(sweep.frames(cells, is_cancelled=lambda: True)) == []
    frames = sweep.frames(cells)
    next(frames)
    frames.close()
    assert len(set(asked)) < 12  # a few that were begun, or waited to be, not thirty


def test_pulled_brows_are_not_measured_as_a_nod(fake, person, monkeypatch, dials):
    from facegen.sweeps import sweep as sweep_module

    class Nodding(Eyes):
        def measure(self, image, *, details=True):
            return replace(super().measure(image), values={"yaw": 9.0, "pitch": 9.0, "roll": 9.0})

    monkeypatch.setattr(
        sweep_module, "plan_expression", lambda done, *_, find, **__: (find(done.image), done)[1]
    )
    cells = [Cell(0, 0), Cell(0, 0, "sad")]
    plain, sad = Sweep(fake, person, dials, Nodding(), size=64, close=False).frames(cells)
    assert plain.measurement.values["pitch"] == 9
    assert [sad.measurement.values[name] for name in ("yaw", "pitch", "roll")] == [0, 0, 9]
    sweep = Sweep(fake, person, dials, Nodding(), size=64, close=False, measure="none")
    assert all(frame.measurement is None for frame in sweep.frames(cells))


def test_a_gaze_that_fails_does_not_take_the_expression_away(fake, person, dials, monkeypatch):
    from facegen.pose import finish
    from facegen.sweeps import sweep as sweep_module

    monkeypatch.setattr(finish, "turn_eyes", lambda *_: None)
    monkeypatch.setattr(
        sweep_module, "plan_expression", lambda done, *_, **__: replace(done, image=done.image + 1)
    )
    cells = [Cell(0, 0, "happy"), Cell(0, 0, "happy", gaze=5)]
    plain, looking = Sweep(fake, person, dials, Eyes(), size=64, close=False).frames(cells)
    assert np.array_equal(looking.image, plain.image + 1)
    assert not looking.is_reachable
    assert plain.is_reachable


def test_nothing_asked_of_the_eyes_or_of_an_expression_is_no_retouching():
    assert not is_retouched(Cell(0, 0, gaze_up=0.0))
    assert not is_retouched(Cell(0, 0, "sad", 0.0))
    assert is_retouched(Cell(0, 0, "sad", 0.5))


@pytest.fixture
def fake():
    return FakeGenerator()


@pytest.fixture
def person(fake):
    return Face.from_seed(fake, 3)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("-40:40:20", [-40, -20, 0, 20, 40]),
        ("-10:15:10", [-10, 0, 10]),
        ("20:-20:-20", [20, 0, -20]),
        ("0:0:5", [0]),
        ("-20:20", [-20, -10, 0, 10, 20]),
        ("7.5", [7.5]),
        ("-20,0,20", [-20, 0, 20]),
        ("0:0.3:0.1", [0, 0.1, 0.2, 0.3]),
    ],
)
def test_ranges_include_both_ends(text, values):
    assert parse_range(text) == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-40:40:0", "not 0"),
        ("-40:40:-10", "empty"),
        ("40:-40:10", "empty"),
        ("a:b:c", "looks like"),
        ("", "looks like"),
        ("nan:1:1", "looks like"),
        ("0:1:0.000001", "more than 1000"),
        ("1:2:3:4", "looks like"),
    ],
)
def test_bad_ranges_get_one_sentence(text, says):
    with pytest.raises(UsageError, match=says):
        parse_range(text)


def test_cells_stand_in_the_rows_of_a_sheet():
    cells = make_cells([-10, 0, 10], [-5, 5], [(None, 1.0), ("happy", 0.5)])
    assert len(cells) == 12
    assert [(c.yaw, c.pitch, c.expression) for c in cells[:4]] == [
        (-10, -5, None), (0, -5, None), (10, -5, None), (-10, 5, None)
    ]  # fmt: skip
    assert cells[-1].expression == "happy"
    assert len({cell.stem(i) for i, cell in enumerate(cells)}) == 12


def test_expressions_have_strengths():
    assert parse_expression("happy:0.5") == ("happy", 0.5)
    for text in ("happy:2", "happy:x", "happy:nan"):
        with pytest.raises(UsageError):
            parse_expression(text)


def test_random_cells_follow_the_seed_alone():
    def draw(seed, person):
        return random_cells(
            20, max_angle=30, expressions=["happy", "sad"], seed=seed, person=person
        )

    assert draw(1, 0) == draw(1, 0)
    assert draw(1, 0) != draw(2, 0)
    assert draw(1, 0) != draw(1, 1)
    assert all(abs(c.yaw) <= 30 and abs(c.pitch) <= 15 for c in draw(1, 0))
    assert len(dataset_grid(40, 5)) == 17 * 7


def test_frames_come_in_order_with_what_was_measured(fake, person, dials):
    eyes = Eyes()
    cells = make_cells([-20, 0, 20], [0])
    frames = list(Sweep(fake, person, dials, eyes, size=256, close=False).frames(cells))
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert frames[0].image.shape == (256, 256, 3)
    assert frames[2].measurement.values["pitch"] == 2.0
    assert frames[2].identity == 0.0
    assert eyes.full == 4  # three frames and the frontal one
    again = list(Sweep(fake, person, dials, eyes, size=256, close=False).frames(cells))
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, again, strict=True))


def test_what_cannot_be_drawn_is_refused_before_the_first_picture(fake, person, dials):
    sweep = Sweep(fake, person, dials, None)
    for cells, says in (
        ([], "empty"),
        ([Cell(0, 0), Cell(60, 0)], "yaw can be set"),
        ([Cell(0, 0, "disgusted")], "not available"),
    ):
        with pytest.raises((UsageError, OutOfRangeError), match=says):
            list(sweep.frames(cells))
    assert fake.rendered == 0


def test_a_cancelled_sweep_ends_after_the_picture_under_way(fake, person, dials):
    frames = []
    cells = make_cells([0, 5, 10, 15, 20], [0])
    for frame in Sweep(fake, person, dials, None).frames(cells, is_cancelled=lambda: bool(frames)):
        frames.append(frame)
    assert 0 < len(frames) < 5


def test_a_folder_that_cannot_be_written_is_told_before_any_picture(
    fake, person, tmp_path, monkeypatch
):
    monkeypatch.setattr("facegen.cli.sweep.load_generator", lambda *_, **__: fake)
    monkeypatch.setattr("facegen.measure.measurer.load_measurer", lambda: Eyes())
    monkeypatch.setattr(Sweep, "frames", lambda *_, **__: pytest.fail("A picture was drawn."))
    source, in_the_way = tmp_path / "face.png", tmp_path / "file"
    person.save(source, fake.render(person.w_plus))
    in_the_way.write_text("not a folder")
    done = CliRunner().invoke(
        cli, ["sweep", str(source), "--yaw", "5", "--out", str(in_the_way / "turned"), "--yes"]
    )
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr


def test_the_zip_holds_faces_and_a_manifest_that_matches(fake, person, dials):
    frames = list(Sweep(fake, person, dials, Eyes(), size=256).frames(make_cells([-5, 5], [0])))
    data = make_zip(frames)
    assert data == make_zip(frames)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        rows = [json.loads(line) for line in archive.read("metadata.jsonl").splitlines()]
        assert {row["file_name"] for row in rows} | {"metadata.jsonl"} == set(archive.namelist())
        png = archive.read(rows[0]["file_name"])
    assert np.array_equal(Face.from_bytes(png, name="a.png").w_plus, frames[0].face.w_plus)
    assert DIGITAL_SOURCE_TYPE.encode() in png


def test_sheet_and_gif_show_every_picture(fake, person, dials):
    frames = list(Sweep(fake, person, dials, None, size=256).frames(make_cells([-5, 0, 5], [0, 5])))
    assert contact_sheet(frames, edge=100).shape == (2 * 130, 300, 3)
    gif = Image.open(io.BytesIO(make_gif(frames)))
    assert gif.n_frames == 2 * 6 - 2
    with pytest.raises(UsageError, match="no picture"):
        contact_sheet([])


def test_a_job_of_the_page_ends_with_files(fake, person, dials):
    service = RenderService(fake)
    cells = make_cells([-5, 0, 5], [0])
    job = SweepJob(service, person, cells, size=256, dials=dials, measurer=Eyes()).start()
    job.wait(120)
    assert job.is_done
    assert job.error is None
    assert len(job.shots) == job.total == 3
    with zipfile.ZipFile(io.BytesIO(job.file_of("zip")())) as archive:
        assert len(archive.namelist()) == 4
    assert job.file_of("sheet")().startswith(b"\x89PNG")


def test_a_job_of_the_page_keeps_what_an_expression_leaves(fake, person, dials):
    cells = make_cells([None], [None], [(None, 1.0), ("happy", 1.0)])
    job = SweepJob(
        RenderService(fake), person, cells, size=512, dials=dials, measurer=Looking(),
        keeper=keeping(fake, person, dials).keeper,
    ).start()  # fmt: skip
    job.wait(120)
    assert job.error is None
    still, happy = (shot.frame.face for shot in job.shots)
    assert still.keep is None
    assert np.array_equal(happy.keep.w_plus, still.w_plus)


@pytest.mark.weights
def test_the_command_writes_pictures_and_says_what_they_show(generator, tmp_path, monkeypatch):
    monkeypatch.setattr("facegen.cli.sweep.load_generator", lambda *_, **__: generator)
    face = Face.from_seed(generator, 950_006)
    face.save(tmp_path / "her.png", generator.render(face.w_plus))

    def run(*args):
        return CliRunner().invoke(cli, ["sweep", str(tmp_path / "her.png"), *args])

    out = tmp_path / "out"
    result = run("--yaw", "-20:20:20", "--out", str(out), "--size", "512", "--sheet")
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    assert len(rows) == 3
    for row in rows:
        assert (out / row["file_name"]).exists()
        assert row["measured_yaw"] == pytest.approx(row["requested_yaw"], abs=5)
    assert Image.open(out / "sheet.png").width == 3 * 192
    for args, says in (
        (("--yaw", "-20:20:0"), "not 0"),
        (("--yaw", "20:-20:10"), "empty"),
        (("--yaw", "70"), "yaw can be set"),
        (("--expression", "disgusted"), "not available"),
        (("--yaw", "-45:45:0.1", "--pitch", "-20:20:0.1"), "Go on?"),
    ):
        result = run(*args, "--out", str(tmp_path / "no"))
        assert result.exit_code == 1, result.output
        assert says in result.output
        assert "Traceback" not in result.output
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(("size", "looked_at"), [(256, 256), (512, 512), (1024, 512)])
def test_angles_are_put_right_in_the_picture_that_is_handed_out(
    fake, person, size, looked_at, dials
):
    """At 256 px another network draws: the last look must be at its picture."""
    sizes = []
    fake.render = lambda w_plus, size: sizes.append(size) or np.zeros((size, size, 3), np.uint8)
    Sweep(fake, person, dials, Eyes(), size=size)._whole(person.w_plus)
    assert sizes == [looked_at]
