"""What `import facegen` gives: what is documented, with types, at once."""

from __future__ import annotations

import ast
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import facegen

SOURCE = Path(facegen.__file__)
HEAVY = ("torch", "openvino", "sklearn", "cv2", "streamlit", "onnxruntime", "dlib", "scipy",
         "pandas", "pyarrow")  # fmt: skip


def loaded(code: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded after some code."""
    report = "\nimport sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-c", code + report]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_import_facegen_loads_nothing_heavy():
    modules = loaded("import facegen")
    assert "facegen" in modules
    assert not modules & {*HEAVY, "numpy", "PIL", "click"}


@pytest.mark.weights
def test_show_loads_nothing_heavy(generator, face, picture, tmp_path):
    path = tmp_path / "x.png"
    face.save(path, picture)
    code = f"from facegen.cli import cli; cli(['show', {str(path)!r}], standalone_mode=False)"
    assert not loaded(code) & {*HEAVY, "http", "tarfile", "msgspec"}


def test_the_command_line_starts_without_anything_heavy():
    code = "from facegen.cli import cli; cli(['--help'], standalone_mode=False)"  # all commands
    assert not loaded(code) & set(HEAVY)


def test_what_is_exported_is_what_is_documented():
    told = facegen.__doc__ or ""
    for name in facegen.__all__:
        assert name in dir(facegen)
        if name != "__version__":
            assert f"`{name}`" in told, f"{name} is exported and not in the package's docstring"
            assert getattr(facegen, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        facegen.nothing  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded_late():
    """Every late name is imported for type checkers from the module it is loaded from."""
    seen = {
        alias.name: node.module
        for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    for name, module in facegen._LATE.items():
        assert seen[name] == module
    assert (SOURCE.parent / "py.typed").exists()
    assert typing.get_type_hints(facegen.Face.save)["return"] is type(None)
