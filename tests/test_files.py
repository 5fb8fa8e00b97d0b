"""File names after people: every script stays, nothing that harms a file system does."""

import unicodedata

import pytest

from facegen.datasets.folder import folder_of
from facegen.files import MAX_STEM_BYTES, file_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Zoë", "Zoë"),
        ("李雷", "李雷"),
        ("अनिता देवी", "अनिता-देवी"),  # vowel signs are marks, not letters
        ("Ольга Б.", "Ольга-Б"),
        ("مریم", "مریم"),
        ("O'Brien, J. R.", "O-Brien-J-R"),
        ("seed_0007", "seed_0007"),
        ("Zoe\u0308", "Zoë"),  # decomposed, as macOS writes
        ("Ze\u200bro\u202egnp", "Zerognp"),  # unseen, and turning the direction of writing
        ("../../etc/passwd", "etc-passwd"),
        ("-rf", "rf"),
        ("a\x00b\\c:d*e?f", "a-b-c-d-e-f"),
        ("con", "con_"),
        ("LPT¹", "LPT¹_"),
        ("Connie", "Connie"),
        ("\u0301a", "a"),
        ("\ud800x", "x"),
        ("…", "face"),
        ("", "face"),
    ],
)
def test_a_file_is_called_as_the_person_in_any_script(name, stem):
    assert file_stem(name) == unicodedata.normalize("NFC", stem)


@pytest.mark.parametrize("name", ["x" * 300, "李" * 80, "é" * 200, "😀李" * 60, "e\u0301" * 200])
def test_long_names_are_cut_between_characters(name, tmp_path):
    stem = file_stem(name)
    assert MAX_STEM_BYTES - 4 < len(stem.encode()) <= MAX_STEM_BYTES
    assert unicodedata.is_normalized("NFC", stem)
    (tmp_path / f"{stem}-1000.png").touch()
    assert len(list(tmp_path.iterdir())) == 1


def test_folders_of_datasets_are_called_so_too():
    assert folder_of("李雷 / Zoë", 3) == "00003-李雷-Zoë"
    assert folder_of("seed0003", 0) == "00000-seed0003"
    assert folder_of("…", 1) == "00001-person"
