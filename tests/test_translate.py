"""Translations: the file that asks for them, and the folder that holds them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from test_local_edit import Dials, Measurer, Painter
from test_regions import Segments

from facegen.datasets import translate as job
from facegen.datasets.spec import parse_spec, read_spec, state, targets
from facegen.datasets.translate import FACELESS, HAS, LEFT_OUT, MADE, translate
from facegen.datasets.translation_sheet import by_value, sheet
from facegen.errors import BadFileError, FacegenError, SaveError, UsageError
from facegen.face import Face
from facegen.images import decode_image
from facegen.local.edit import LocalEditor

SPEC = """
size = 512

[glasses.with]
set = { glasses = "yes" }

[glasses.without]
set = { glasses = "no" }

[lips.red]
set = { lipstick = 2 }
only_from = ["pale"]

[lips.pale]
set = { lipstick = -1 }
"""


@pytest.fixture
def editor():
    return LocalEditor(Painter(), Dials(), Measurer(), lambda w_plus: Segments())


def face(**values: float) -> Face:
    return Face.from_w_plus(Dials().apply(np.zeros((18, 512), np.float32), values))


PEOPLE = [("plain", face()), ("wearing", face(glasses=3.0, lipstick=2.0))]


def rows_of(out):
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def test_a_file_says_what_is_wanted():
    spec = parse_spec(SPEC, Dials())
    assert [(one.characteristic, one.value) for one in spec.translations] == [
        ("glasses", "with"), ("glasses", "without"), ("lips", "red"), ("lips", "pale"),
    ]  # fmt: skip
    assert (spec.size, spec.keep_rest, spec.steps) == (512, True, ())


def test_words_become_numbers():
    values = parse_spec(
        '[a.b]\nset = { glasses = "yes", yaw = "min", lipstick = "+1.5" }', Dials()
    ).values_of("a")
    goals = targets(values["b"], {"lipstick": 0.25}, Dials())
    assert goals == {"glasses": pytest.approx(1.5), "yaw": -3.0, "lipstick": 1.75}


def test_from_is_what_a_face_has_or_is_nearest_to():
    lips = parse_spec(SPEC, Dials()).values_of("lips")
    assert [state(lips, {"lipstick": at}, Dials()) for at in (-2.0, -0.9, 1.0)] == [
        "pale", "pale", "red",
    ]  # fmt: skip
    glasses = parse_spec('[glasses.with]\nset = { glasses = "yes" }', Dials()).values_of("glasses")
    assert state(glasses, {"glasses": 0.0}, Dials()) == "other"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "got 0"),
        ("size = 512", "got 0"),
        ("nonsense", "no TOML"),
        ("[a.b]\nset = {}", "set"),
        ("[a.b]\nset = { glases = 1 }", "Did you mean glasses"),
        ("[a.b]\nset = { glasses = 9 }", r"\[a.b\].*can be set from"),
        ("[a.b]\nset = { glasses = inf }", "translations"),
        ("[a.b]\nset = { glasses = 2020-01-01 }", "translations"),
        ('[a.b]\nset = { yaw = "yes" }', "matter of degree"),
        ('[a.b]\nset = { yaw = "much" }', "cannot be set to 'much'"),
        ('[a.b]\nset = { yaw = 1 }\nlock = ["smiles"]', "smiles"),
        ('[a.b]\nset = { yaw = 1 }\nlock = ["yaw"]', "locked and asked to move"),
        ('[a.b]\nset = { yaw = 1 }\nonly_from = ["c"]', "no value of a"),
        ('[a.b]\nset = { yaw = 1 }\nregion = "ear"', "names the region 'ear'"),
        ("[a.b]\nset = { yaw = 1 }\nwhen = 3", "no field when"),
        ("colour = 1\n[a.b]\nset = { yaw = 1 }", "no field colour"),
        ("size = 300\n[a.b]\nset = { yaw = 1 }", "300"),
        ('["../up".b]\nset = { yaw = 1 }', "Names of characteristics"),
        ("[a]\nset = { yaw = 1 }", "translations"),
        ("[a.b]\nset = { yaw = true }", r"\[a.b\].*number or a text"),
        ("[a.b]\nset = { yaw = 1 }\n[a.b]\nset = { yaw = 2 }", "no TOML"),
        ("[a.other]\nset = { yaw = 1 }", "choose another name"),
        ("[a.b]\nset = { yaw = 1 }\n[A.b]\nset = { yaw = 2 }", "would be one file"),
        ('["a-b".c]\nset = { yaw = 1 }\n[a.b-c]\nset = { yaw = 2 }', "would be one file"),
        (
            "[a-b.c]\nset = { yaw = 1 }\n[a.c]\nset = { yaw = 2 }\n[a.b-other]\nset = { yaw = 3 }",
            "would be one file",
        ),
        ('[a.b]\nset = { glasses = "+99" }', r"\[a.b\].*moved by up to 8.0"),
        ("a = " + 5000 * "[", "nested"),
        ("size = " + 5000 * "9", "too long"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(text, told):
    with pytest.raises(FacegenError, match=told):
        parse_spec(text, Dials())


def test_files_that_are_no_text_or_too_large_are_refused(tmp_path):
    for data in (b"\xff\xfe\x00", b"#" * 300_000):
        (tmp_path / "a.toml").write_bytes(data)
        with pytest.raises(BadFileError, match=r"a\.toml"):
            read_spec(tmp_path / "a.toml", Dials())
    with pytest.raises(BadFileError, match="cannot be read"):
        read_spec(tmp_path / "none.toml", Dials())


@pytest.mark.long
def test_each_face_gets_what_it_has_not(editor, tmp_path):
    rows = translate(tmp_path / "out", parse_spec(SPEC, Dials()), PEOPLE, editor)
    told = {(row["person"], row["to"]): (row["outcome"], row["from"]) for row in rows}
    assert told == {
        ("plain", "with"): (MADE, "without"), ("plain", "without"): (HAS, "without"),
        ("plain", "red"): (MADE, "pale"), ("plain", "pale"): (MADE, "pale"),
        ("wearing", "with"): (HAS, "with"), ("wearing", "without"): (MADE, "with"),
        ("wearing", "red"): (HAS, "red"), ("wearing", "pale"): (MADE, "red"),
    }  # fmt: skip
    assert rows_of(tmp_path / "out") == rows
    made = [row for row in rows if row["outcome"] == MADE]
    assert all(row["met"] for row in made)
    assert made[0]["file_name"] == "images/00000-plain/glasses-without-to-with.png"
    assert (tmp_path / "out" / "manifest.parquet").exists()
    assert not (tmp_path / "out" / ".records").exists()


def test_only_what_was_asked_changes(editor, tmp_path):
    rows = translate(tmp_path, parse_spec(SPEC, Dials()), PEOPLE[:1], editor)
    path = tmp_path / rows[0]["file_name"]
    made, image = Face.load(path), decode_image(path.read_bytes(), name="a.png")
    outside = made.keep.region.at(512) == 0
    assert np.array_equal(image[outside], editor.picture(PEOPLE[0][1])[outside])
    assert json.loads(rows[0]["asked"])["glasses"] == pytest.approx(1.5)
    assert json.loads(rows[0]["before"])["glasses"] == pytest.approx(0.0, abs=0.2)
    assert json.loads(rows[0]["after"])["glasses"] > 1.0
    assert rows[0]["region"] == "glasses"
    assert abs(rows[0]["worst_other_sd"]) < 0.2
    assert rows[0]["others_kept"] == 1.0


def test_without_keeping_the_rest_all_of_the_picture_may_change(editor, tmp_path):
    spec = parse_spec("keep_rest = false\n" + SPEC, Dials())
    rows = translate(tmp_path, spec, PEOPLE[:1], editor)
    assert rows[0]["region"] == "everything"
    assert abs(rows[0]["worst_other_sd"]) > 0.5


@pytest.mark.long
def test_a_job_that_was_cut_off_goes_on_and_ends_with_the_same_bytes(editor, tmp_path, monkeypatch):
    spec = parse_spec(SPEC, Dials())
    translate(tmp_path / "whole", spec, PEOPLE, editor)

    calls = []

    class CutOff(Exception):
        pass

    def cut(out, *rest):
        calls.append(out)
        if len(calls) == 3:
            raise CutOff
        return made(out, *rest)

    made = job._made
    monkeypatch.setattr(job, "_made", cut)
    with pytest.raises(CutOff):
        translate(tmp_path / "cut", spec, PEOPLE, editor)
    lost = next((tmp_path / "cut" / "images").rglob("*.png"))
    lost.write_bytes(b"torn")  # made anew
    monkeypatch.undo()
    done = []
    translate(tmp_path / "cut", spec, PEOPLE, editor, done=done.append)
    assert sum(done) == 8
    assert rows_of(tmp_path / "cut") == rows_of(tmp_path / "whole")
    for path in (tmp_path / "whole").rglob("*.png"):
        twin = tmp_path / "cut" / path.relative_to(tmp_path / "whole")
        assert np.array_equal(
            decode_image(twin.read_bytes(), name="a"), decode_image(path.read_bytes(), name="b")
        )


@pytest.mark.long
def test_a_finished_folder_is_left_as_it_is_and_another_job_refused(editor, tmp_path):
    spec = parse_spec(SPEC, Dials())
    first = translate(tmp_path, spec, PEOPLE, editor)
    looks = editor._generator.looks
    assert translate(tmp_path, spec, PEOPLE, editor) == first
    assert editor._generator.looks == looks
    with pytest.raises(UsageError, match="other people or settings"):
        translate(tmp_path, spec, PEOPLE[:1], editor)


@pytest.mark.long
def test_values_for_others_are_left_out_and_steps_are_kept(editor, tmp_path):
    spec = parse_spec('steps = ["latent", "mask"]\n' + SPEC, Dials())
    wearing = [("nude", face(lipstick=-3.0)), ("red", face(lipstick=0.9))]
    rows = translate(tmp_path, spec, wearing, editor)
    told = {(row["person"], row["to"]): row["outcome"] for row in rows}
    assert told["nude", "red"] == MADE
    assert told["red", "red"] == LEFT_OUT
    folder = tmp_path / "images" / "00000-nude" / "steps"
    assert Face.load(folder / "lips-pale-to-red-latent.png").edits
    assert decode_image((folder / "lips-pale-to-red-mask.png").read_bytes(), name="m").max() == 255


@pytest.mark.long
def test_the_sheet_and_the_numbers_by_value(editor, tmp_path):
    spec = parse_spec(SPEC, Dials())
    rows = translate(tmp_path, spec, PEOPLE, editor)
    picture = decode_image(sheet(tmp_path, rows, spec, PEOPLE, editor), name="sheet.jpg")
    assert picture.shape == (18 + 2 * 160, 5 * 160, 3)
    glasses, without = by_value(rows, spec)[:2]
    assert (glasses[MADE], glasses[HAS], glasses["met"]) == (1, 1, 1)
    assert glasses["others_kept"] == 1.0
    assert without[MADE] == 1


def test_a_picture_without_a_face_is_told_of_and_nothing_is_lost(editor, tmp_path):
    editor.measurer.measure = lambda image, details=True: None
    rows = translate(tmp_path, parse_spec(SPEC, Dials()), PEOPLE[:1], editor)
    assert {row["outcome"] for row in rows} == {FACELESS}
    assert len(rows_of(tmp_path)) == 4


def test_a_region_of_ones_own_choice(editor, tmp_path):
    spec = parse_spec('[eyes.made_up]\nset = { lipstick = 2 }\nregion = "eyes"', Dials())
    row = translate(tmp_path, spec, PEOPLE[:1], editor)[0]
    assert row["region"] == "eyes"
    assert not row["met"]  # lips are measured


def test_a_manifest_that_was_cut_off_is_told_of_and_made_anew_without_it(editor, tmp_path):
    spec = parse_spec("[glasses.with]\nset = { glasses = 2 }", Dials())
    first = translate(tmp_path, spec, PEOPLE[:1], editor)
    table = tmp_path / "metadata.jsonl"
    whole = table.read_bytes()
    for data in (whole[:50], b"", whole + whole, b"[1]\n", b"\xff\xfe"):
        table.write_bytes(data)
        with pytest.raises(BadFileError, match=r"metadata\.jsonl is damaged. Remove it"):
            translate(tmp_path, spec, PEOPLE[:1], editor)
    table.unlink()
    assert translate(tmp_path, spec, PEOPLE[:1], editor)[0]["met"] == first[0]["met"]


def test_a_picture_that_was_thrown_away_is_told_of_on_the_sheet(editor, tmp_path):
    spec = parse_spec("[glasses.with]\nset = { glasses = 2 }", Dials())
    rows = translate(tmp_path, spec, PEOPLE[:1], editor)
    (tmp_path / rows[0]["file_name"]).unlink()
    picture = decode_image(sheet(tmp_path, rows, spec, PEOPLE[:1], editor), name="sheet.jpg")
    assert abs(int(picture[60, 300, 0]) - 236) < 4


def test_a_job_file_that_cannot_be_read_is_told_of(editor, tmp_path):
    (tmp_path / "translations.json").mkdir()
    with pytest.raises(SaveError, match="cannot be read"):
        translate(tmp_path, parse_spec(SPEC, Dials()), PEOPLE, editor)


def test_names_of_people_lead_nowhere_else(editor, tmp_path):
    out = tmp_path / "out"
    people = [("../../x", face()), ("..", face()), ("a" * 300, face()), ("a" * 300, face())]
    rows = translate(out, parse_spec("[a.b]\nset = { glasses = 2 }", Dials()), people, editor)
    assert len({row["file_name"] for row in rows}) == 4
    assert all((out / row["file_name"]).resolve().is_relative_to(out) for row in rows)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
