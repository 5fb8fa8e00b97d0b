"""Scripts of components are put together out of modules of one purpose."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from facegen.ui.components.bundle import bundled
from facegen.ui.components.view import asset_path

ENTRIES = sorted(
    path.name
    for path in asset_path("").glob("*.js")
    if "export default" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_script_has_all_it_needs_and_one_export(name, tmp_path):
    script = bundled(asset_path(name))
    assert not re.search(r"^import ", script, re.MULTILINE)
    assert re.findall(r"^export (\w+)", script, re.MULTILINE) == ["default"]
    node = shutil.which("node")
    if node:
        path = tmp_path / "script.mjs"
        path.write_text(script, encoding="utf-8")
        subprocess.run([node, "--check", str(path)], check=True)


def test_every_module_is_used():
    used = set(ENTRIES)
    for path in asset_path("").glob("*.js"):
        used |= set(re.findall(r'from "\./([\w.-]+)"', path.read_text(encoding="utf-8")))
    assert used == {path.name for path in asset_path("").glob("*.js")}


def test_a_module_comes_once_and_before_what_needs_it(tmp_path):
    (tmp_path / "c.js").write_text("export const c = 1;\n")
    (tmp_path / "b.js").write_text('import { c } from "./c.js";\nexport const b = c;\n')
    (tmp_path / "a.js").write_text(
        'import { b } from "./b.js";\nimport { c } from "./c.js";\n'
        "export default function () { return b + c; }\n"
    )
    script = bundled(tmp_path / "a.js")
    assert [line for line in script.splitlines() if line] == [
        "const c = 1;", "const b = c;", "export default function () { return b + c; }",
    ]  # fmt: skip


def test_names_that_clash_and_circles_are_told(tmp_path):
    (tmp_path / "b.js").write_text("export const reach = 1;\nconst memory = 2;\n")
    (tmp_path / "a.js").write_text('import { reach } from "./b.js";\nconst memory = reach;\n')
    with pytest.raises(ValueError, match=r"'memory' stands in b\.js and in a\.js"):
        bundled(tmp_path / "a.js")
    (tmp_path / "b.js").write_text('import { memory } from "./a.js";\n')
    with pytest.raises(ValueError, match="import one another"):
        bundled(tmp_path / "a.js")
