"""The library of people on one's own machine: kept, found, gone back in, and never lost."""

from __future__ import annotations

import json
import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from facegen.cli import cli
from facegen.errors import BadFileError, FacegenError, SaveError, UsageError
from facegen.face import Face
from facegen.images import encode_png
from facegen.library import schema, store
from facegen.library.exchange import INDEX, add_file, export_people, import_people
from facegen.library.schema import LibraryError
from facegen.library.search import parse_search
from facegen.library.store import Library, key_of
from facegen.operations import DialMove


def a_face(number: int, name: str = "", step: float = 0.0) -> Face:
    """Somebody; `step` is how far a dial was moved."""
    base = np.random.RandomState(number).randn(18, 512).astype(np.float32)
    moves = (DialMove("age", step),) if step else ()
    return Face(w_plus=base + np.float32(step), base=base, operations=moves, name=name)


def picture(face: Face) -> np.ndarray:
    value = int(abs(float(face.w_plus[0, 0])) * 50) % 255
    return np.full((64, 64, 3), value, np.uint8)


@pytest.fixture
def library(tmp_path) -> Library:
    return Library(tmp_path / "data" / "library.sqlite")


def names(people) -> list[str]:
    return [person.name for person in people]


def test_a_face_comes_back_to_the_last_bit(library):
    face = a_face(1, "Ada", step=0.5)
    person = library.add(face, thumb=b"jpeg", readings={"age": 40.0}, what="age +0.5")
    back = Library(library.path)
    found = back.face(person.head)
    assert np.array_equal(found.w_plus, face.w_plus)
    assert np.array_equal(found.base, face.base)
    assert found.edits == face.edits
    assert found.name == "Ada"
    assert back.thumb(person.head) == b"jpeg"
    assert back.readings(person.head) == {"age": 40.0}


def test_the_history_is_a_tree_that_one_can_go_back_in(library):
    first, second, third = (a_face(1, "Ada", step=step) for step in (0.0, 0.5, 1.0))
    person = library.add(first)
    library.add(second, what="age +0.5")
    library.add(third, what="age +1")
    one, two, three = library.history(person.id)
    assert [one.parent, two.parent, three.parent] == [None, one.id, two.id]
    library.go_to(person.id, two.id)
    library.add(a_face(1, step=2.0), what="another way")
    *_, four = library.history(person.id)
    assert four.parent == two.id
    assert library.person(person.id).head == four.id
    library.add(a_face(1, step=3.0), parent=first)
    assert library.history(person.id)[-1].parent == one.id
    assert library.person(person.id).steps == 5
    with pytest.raises(UsageError):
        library.go_to(person.id, 10**6)


def test_nobody_is_kept_twice(library):
    person = library.add(a_face(1, "Ada"))
    assert library.add(a_face(1, "Somebody else")).id == person.id
    assert names(library.people()) == ["Ada"]
    assert library.person(person.id).steps == 1
    assert library.find(a_face(1)).id == person.id
    assert library.find(a_face(2)) is None


def test_search_by_words_tags_stars_and_numbers(library):
    for number, (name, age, tags) in enumerate(
        [("Anna Smith", 61, ["Grey", "friends"]), ("Anna Jones", 30, []), ("100% _Bob_", 65, ["x"])]
    ):
        library.add(a_face(number, name), readings={"age": age}, tags=tags)

    def found(text: str, **more) -> list[str]:
        return names(library.people(parse_search(text), **more))

    assert found("") == ["100% _Bob_", "Anna Jones", "Anna Smith"]
    assert found("anna") == ["Anna Jones", "Anna Smith"]
    assert found("SMITH anna") == ["Anna Smith"]
    assert found("friends grey") == ["Anna Smith"]
    assert found("age>50") == ["100% _Bob_", "Anna Smith"]
    assert found("anna age>=61 age<=61") == ["Anna Smith"]
    assert found("age=30") == ["Anna Jones"]
    assert found("Age>50 age<62") == ["Anna Smith"]
    with pytest.raises(UsageError, match="'agee'. Perhaps 'age'"):
        found("agee>50")
    assert found("100%") == found("_b") == ["100% _Bob_"]
    assert found("%") == ["100% _Bob_"]  # No pattern, a character.
    assert found("' OR 1=1 --".replace("1=1", "1")) == []
    library.star(library.people(parse_search("jones"))[0].id, True)
    assert found("", favourites=True) == ["Anna Jones"]


def test_small_and_capital_letters_of_any_language_are_one(library):
    library.add(a_face(1, "Änne Ørsted"), tags=["GROSS", "Größe"])
    for text in ("änne", "ØRSTED", "grösse", "GRÖSSE", "gross"):
        assert names(library.people(parse_search(text))) == ["Änne Ørsted"], text


def test_a_step_that_was_corrected_stays_one_step(library):
    first, turned, corrected = a_face(1, "Ada"), a_face(1, step=1.0), a_face(1, step=1.1)
    library.add(first)
    library.add(turned, thumb=b"old", readings={"age": 40.0})
    person = library.add(a_face(1, step=2.0), parent=turned)
    library.mend(turned, corrected, thumb=None, readings={"age": 41.5})
    one, two, three = library.history(person.id)
    assert [two.parent, three.parent] == [one.id, two.id]
    assert np.array_equal(library.face(two.id).w_plus, corrected.w_plus)
    assert library.thumb(two.id) == b"old"
    assert library.readings(two.id) == {"age": 41.5}
    assert library.person(person.id).head == three.id
    library.mend(corrected, first, thumb=b"new", readings={"age": 30.0})  # It is there already.
    assert library.person(person.id).steps == 3
    assert library.readings(one.id) == {"age": 30.0}
    library.mend(a_face(2), a_face(2), thumb=None, readings={"age": 1.0})
    assert names(library.people()) == ["Ada"]


@pytest.mark.parametrize("text", ["age>", "age>fifty", "<5", "a" * 500])
def test_a_search_that_cannot_be_read_points_at_the_word(text):
    with pytest.raises(UsageError):
        parse_search(text)


def test_hostile_names_are_only_names(library):
    name = "<script>'; DROP TABLE people; --\x00\n\u202e../../etc"
    person = library.add(a_face(1, name))
    library.set_tags(person.id, ["<b>", "'; --", "  ", "x" * 500])
    assert "\n" not in library.person(person.id).name
    assert all(len(tag) <= 40 for tag in library.person(person.id).tags)
    library.rename(person.id, "   ")
    assert library.person(person.id).name.startswith("<script>")
    with pytest.raises(UsageError):
        library.set_tags(person.id, [str(number) for number in range(100)])
    assert "<b>" in library.person(person.id).tags  # What cannot be done changes nothing.


def test_who_was_removed_can_come_back_until_it_is_made_to_last(library):
    person = library.add(a_face(1, "Ada"))
    library.remove(person.id)
    assert library.people() == []
    library.put_back(person.id)
    assert names(library.people()) == ["Ada"]
    library.remove(person.id)
    assert library.forget_removed() == 1
    with pytest.raises(UsageError):
        library.person(person.id)


def test_steps_are_bounded_and_what_does_not_fit_is_told(library, monkeypatch):
    monkeypatch.setattr(store, "MAX_NODES", 2)
    library.add(a_face(1, "Ada"))
    library.add(a_face(1, step=1.0))
    with pytest.raises(UsageError, match="most"):
        library.add(a_face(1, step=2.0))
    assert library.people()[0].steps == 2


# -- bad files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["text", "cut", "empty pages"])
def test_a_damaged_library_is_put_aside_and_a_new_one_begun(library, damage):
    for number in range(5):
        library.add(a_face(number, f"P{number}"))
    library.close()
    data = library.path.read_bytes()
    if damage == "text":
        data = b"this is no database at all, and long enough to be one" * 100
    elif damage == "cut":
        data = data[: len(data) // 3]
    else:
        data = data[:4096] + bytes(len(data) - 4096)
    library.path.write_bytes(data)
    again = Library(library.path)
    assert "damaged" in again.notice
    (aside,) = library.path.parent.glob("library-damaged-*.sqlite")
    assert aside.name in again.notice
    assert aside.read_bytes()[:4096] == data[:4096]
    again.add(a_face(9, "New"))
    assert names(Library(library.path).people()) == ["New"]


def test_another_programs_file_and_a_newer_library_stay(tmp_path):
    path = tmp_path / "library.sqlite"
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        other.execute("CREATE TABLE things (x)")
    with pytest.raises(LibraryError, match="newer"):
        Library(path)
    assert list(tmp_path.glob("*damaged*")) == []
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 0")
    assert "put aside" in Library(path).notice


def test_a_locked_library_is_told_and_nothing_is_put_aside(library, monkeypatch):
    library.add(a_face(1, "Ada"))
    monkeypatch.setattr(schema, "BUSY_SECONDS", 0.05)
    waiting = Library(library.path)
    other = sqlite3.connect(library.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LibraryError, match="another program"):
        waiting.add(a_face(2, "Bob"))
    with pytest.raises(LibraryError, match="another program"):
        Library(library.path)
    assert names(waiting.people()) == ["Ada"]  # Reading goes on.
    other.execute("ROLLBACK")
    waiting.add(a_face(2, "Bob"))
    assert list(library.path.parent.glob("*damaged*")) == []


def test_a_full_disk_changes_nothing(library):
    library.add(a_face(1, "Ada"))
    pages = library._database.execute("PRAGMA page_count").fetchone()[0]
    library._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SaveError, match="full"):
        library.add(a_face(2, "Bob"))
    assert names(library.people()) == ["Ada"]
    library._database.execute("PRAGMA max_page_count = 100000")
    library.add(a_face(2, "Bob"))
    assert names(Library(library.path).people()) == ["Bob", "Ada"]


def test_a_library_that_cannot_be_written_is_told_and_stays(library):
    library.add(a_face(1, "Ada"))
    library._database.execute("PRAGMA query_only = ON")  # As on a disk that may only be read.
    with pytest.raises(SaveError, match="cannot be written"):
        library.add(a_face(2, "Bob"))
    assert names(library.people()) == ["Ada"]


def test_a_folder_where_the_file_should_be_is_told(tmp_path):
    (tmp_path / "library.sqlite").mkdir()
    with pytest.raises(SaveError, match="cannot be written"):
        Library(tmp_path / "library.sqlite")
    assert list(tmp_path.iterdir()) == [tmp_path / "library.sqlite"]


def test_a_file_where_the_folder_should_be_is_told(tmp_path):
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(FacegenError):
        Library(tmp_path / "data" / "library.sqlite")


def test_two_programs_keep_people_at_once(library):
    other, problems = Library(library.path), []

    def keep(into: Library, first: int) -> None:
        try:
            for number in range(first, first + 15):
                into.add(a_face(number, f"P{number}"))
        except Exception as err:
            problems.append(err)

    threads = [threading.Thread(target=keep, args=args) for args in ((library, 0), (other, 10))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(names(library.people())) == sorted(f"P{number}" for number in range(25))


# -- folders --------------------------------------------------------------------------------------


def test_a_library_travels_as_a_folder_of_face_files(library, tmp_path):
    library.add(a_face(1, "Ada <b>"), tags=["friends"])
    library.star(library.add(a_face(2, "Ada b", step=0.5)).id, True)
    out = tmp_path / "out"
    paths = list(export_people(library, library.people(), out, picture))
    assert [path.name for path in paths] == ["Ada-b.png", "Ada-b-2.png"]
    assert np.array_equal(Face.load(paths[0]).w_plus, a_face(2, step=0.5).w_plus)
    index = json.loads((out / INDEX).read_text())
    assert [entry["file"] for entry in index["people"]] == [path.name for path in paths]
    again = list(export_people(library, library.people()[:1], out, picture))
    assert [path.name for path in again] == ["Ada-b-3.png"]  # Nothing is written over.

    other = Library(tmp_path / "other.sqlite")
    came = dict(import_people(other, out, read=lambda face: {"age": 50.0}))
    assert not any(isinstance(what, Exception) for what in came.values())
    assert sorted(names(other.people())) == ["Ada <b>", "Ada b"]
    assert names(other.people(favourites=True)) == ["Ada b"]
    assert names(other.people(parse_search("friends age>40"))) == ["Ada <b>"]
    assert other.thumb(other.people()[0].head)[:2] == b"\xff\xd8"


def test_a_bad_file_in_a_folder_costs_only_itself(library, tmp_path):
    a_face(1, "Ada").save(tmp_path / "ada.png", picture(a_face(1)))
    (tmp_path / "photo.png").write_bytes(encode_png(np.zeros((64, 64, 3), np.uint8)))
    (tmp_path / "cut.npz").write_bytes(a_face(2).to_npz()[:500])
    (tmp_path / INDEX).write_text('{"facegen_library": 1, "people": [{"file": 5}]}')
    came = {path.name: what for path, what in import_people(library, tmp_path)}
    assert [name for name, what in came.items() if isinstance(what, FacegenError)] == [
        "cut.npz", "photo.png",
    ]  # fmt: skip
    assert names(library.people()) == ["Ada"]
    with pytest.raises(BadFileError):
        list(import_people(library, tmp_path / "nowhere"))
    with pytest.raises(BadFileError, match="not from a library"):
        list(export_people(library, library.people(), tmp_path, picture))
    assert "5" in (tmp_path / INDEX).read_text()


def test_a_person_is_known_by_the_face_they_began_with():
    assert key_of(a_face(1)) == key_of(a_face(1, "Other", step=1.0))
    assert key_of(a_face(1)) != key_of(a_face(2))
    assert key_of(a_face(1)) != key_of(replace(a_face(1), space="elsewhere"))


# -- the command ----------------------------------------------------------------------------------


def run(*args: str | Path):
    return CliRunner().invoke(cli, ["library", *map(str, args)])


def test_the_command_adds_lists_tags_and_removes(tmp_path):
    path = tmp_path / "ada.png"
    a_face(1, "Ada").save(path, picture(a_face(1)))
    assert "Nobody" in run("list").stderr
    assert run("add", path, "--tag", "friends").stdout == "1  Ada\n"
    (row,) = json.loads(run("list", "frie", "--json").stdout)
    assert row["name"] == "Ada"
    assert row["tags"] == ["friends"]
    assert run("tag", "1", "--name", "Ada B", "--star").exit_code == 0
    (row,) = json.loads(run("list", "--favourites", "--json").stdout)
    assert row["name"] == "Ada B"
    assert row["tags"] == ["friends"]
    assert run("remove", "1").exit_code == 0
    assert json.loads(run("list", "--json").stdout) == []
    assert run("remove", "1", "--undo").exit_code == 0
    assert "Ada B" in run("list").stdout


def test_the_command_explains_what_it_cannot_do(tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    for args in (["add", bad], ["tag", "99", "x"], ["list", "age>"], ["import", tmp_path / "no"],
                 ["export", tmp_path / "out", "nobody"], ["remove", "99"]):  # fmt: skip
        found = run(*args)
        assert found.exit_code in (1, 2)
        assert "Error: " in found.stderr
        assert "Traceback" not in found.output


def test_a_face_file_can_be_kept_without_any_network(library, tmp_path):
    path = tmp_path / "ada.npz"
    path.write_bytes(a_face(1, "Ada").to_npz())
    person = add_file(library, path)
    assert library.thumb(person.head) is None
