"""Translations judged: what is counted of a folder, and the page that tells it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from facegen.datasets.spec import parse_spec
from facegen.datasets.translate import HAS, MADE
from facegen.evaluation.translations import as_markdown, judge_translations, write_report
from facegen.images import encode_png

SPEC = """
[age.old]
set = { age = 65 }
[smile.more]
set = { smile = "+1.5" }
[hair.grey]
set = { hair_gray = "yes" }
"""


class Realism:
    """Dark pictures are natural."""

    def is_natural(self, features):
        return bool(features < 100)


def picture(level: int) -> np.ndarray:
    return np.full((64, 64, 3), level, np.uint8)


def row(person, characteristic, value, outcome=MADE, **more):
    return {
        "person_number": person, "characteristic": characteristic, "to": value,
        "outcome": outcome, "met": True, "others_kept": None, "identity_distance": None,
        "file_name": None,
    } | more  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name, level in (("a", 50), ("b", 60), ("c", 200)):
        (tmp_path / f"{name}.png").write_bytes(encode_png(picture(level)))
    rows = [
        row(0, "age", "old", file_name="a.png", others_kept=0.95, identity_distance=0.3),
        row(1, "age", "old", file_name="b.png", others_kept=0.5, identity_distance=0.5, met=False),
        row(0, "smile", "more", HAS),
        row(1, "smile", "more", file_name="c.png", others_kept=1.0, identity_distance=0.2),
        row(0, "hair", "grey", HAS),
        row(1, "hair", "grey", HAS),
    ]
    return tmp_path, rows


@pytest.fixture
def spec(dials):
    return parse_spec(SPEC, dials)


def judged(folder, spec):
    out, rows = folder
    people = [("ann", 50), ("ben", 150)]
    editor = SimpleNamespace(picture=lambda face, **_: picture(face))
    return judge_translations(out, rows, spec, people, editor, Realism(), lambda x: x.mean())


def test_what_came_and_what_came_along_is_counted_for_each_value(folder, spec):
    old, more, grey = judged(folder, spec)
    assert (old.made, old.had, old.met, old.kept, old.natural) == (2, 0, 1, 1, 2)
    assert old.natural_before == 1, "one of the two faces looked odd before"
    assert old.identity == pytest.approx(0.4)
    assert (more.made, more.had, more.natural, more.natural_before) == (1, 1, 0, 0)
    assert (grey.made, grey.had) == (0, 2)


def test_the_page_tells_shares_of_all_pictures_beside_what_is_wanted(folder, spec):
    text = as_markdown(judged(folder, spec), 2, ["one.jpg"], "python -m facegen evaluate x")
    assert "| met | 67% | 90% |" in text
    assert "| rest kept | 67% | 90% |" in text
    assert "| natural | 67% (unedited 33%) | 98% |" in text
    assert "| hair: grey | 0 | 2 | – |" in text
    assert "pictures/one.jpg" in text


def test_the_page_and_its_sheets_are_written(folder, spec, tmp_path):
    out, rows = folder
    editor = SimpleNamespace(picture=lambda face, **_: picture(face))
    docs = tmp_path / "docs"
    path = write_report(
        judged(folder, spec), out, rows, spec, [("ann", 50), ("ben", 150)], editor,
        command="python -m facegen evaluate x", docs=docs,
    )  # fmt: skip
    assert path.read_text(encoding="utf-8").startswith("# Translations")
    assert (docs / "pictures" / "translations_1.jpg").stat().st_size > 1000
