"""Imports flow one way: a room imports only from rooms above it (see docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import facegen

PACKAGE = Path(facegen.__file__).parent
# Each room may import from rooms of a lower number, and from itself.
LEVELS = {
    "errors": 0, "version": 0, "protocols": 0,
    "paths": 1, "checks": 1, "files": 1, "cache": 1, "records": 1, "threads": 1,
    "masks": 1,
    "latents": 2, "images": 2, "nets": 2, "controls": 2, "backdrops": 2,
    "clothing": 2,
    "operations": 3, "operation_records": 4, "operation_texts": 4, "render_request": 4,
    "engines": 3, "formats": 3,
    "weights": 4,
    "networks": 5,
    "generator": 6,
    "face": 7, "measure": 7, "bench": 7,
    "directions": 8, "retouch": 8, "library": 8, "photos": 8,
    "editing": 9, "optimise": 9, "learning": 9,
    "pose": 10, "session": 10, "local": 10, "explore": 10, "invert": 10,
    "sweeps": 11,
    "datasets": 12, "service": 12, "easy": 12,
    "evaluation": 13,
    "cli": 14, "ui": 14,
}  # fmt: skip
SPECIAL = {"__init__", "__main__"}  # the package's front doors
FRONT_DOOR_ONLY = {"streamlit": {"ui"}, "click": {"cli"}}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """Modules imported at run time (imports for type checkers alone are left out)."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.add(child.module)
                found.update(f"{child.module}.{alias.name}" for alias in child.names)
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_flow_one_way(path):
    room = room_of(path)
    if room in SPECIAL:
        return
    assert room in LEVELS, f"{room} is a new room: give it a level here and in the docs"
    for module in imports_of(path):
        parts = module.split(".")
        if parts[0] in FRONT_DOOR_ONLY:
            assert room in FRONT_DOOR_ONLY[parts[0]], f"{module} imported in {room}"
        if parts[0] == "facegen" and len(parts) > 1 and parts[1] in LEVELS and parts[1] != room:
            assert LEVELS[parts[1]] < LEVELS[room], f"{room} must not import {module}"
