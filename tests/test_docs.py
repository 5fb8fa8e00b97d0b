"""Documents tell the truth about names: links, paths, modules and commands in them exist."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import click
import pytest

from facegen.cli import cli
from scripts import draw_architecture

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "directions").rglob("*.md")]
)
SOURCES = sorted(
    path
    for folder, pattern in (
        ("facegen", "*.py"), ("scripts", "*.py"), ("tests", "*.py"),
        ("facegen", "*.css"), ("facegen", "*.js"), (".streamlit", "*"), (".", "Makefile"),
    )
    for path in (ROOT / folder).rglob(pattern)
    if path.is_file() and ".venv" not in path.parts
)  # fmt: skip
MADE_BY_USERS = {
    "metadata.jsonl", "manifest.parquet", "dataset.json", "translations.json",
    "sheet.png", "sheet.jpg", "sweep.gif", "sweep.mp4", "sweep.webm", "sweep.toml", "dataset.toml",
    "gpu.json", "gpu.md", "stylegan2-ffhq-1024.sha256", "face.png", "library.json", "gpu/report.md",
}  # fmt: skip
"""Files that commands write, which a page may name."""
FOLDERS = ("facegen/", "scripts/", "tests/", "docs/", ".streamlit/")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
QUOTED = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w./-]+\.(?:py|md|js|css|html|toml|csv|svg|sh|jsonl?|parquet|safetensors)")
DOTTED = re.compile(r"facegen(?:\.\w+)+")
COMMAND = re.compile(r"(?:python -m facegen|^facegen|`facegen) ([^`\n|#]*)", re.MULTILINE)
SCRIPT = re.compile(r"python -m scripts\.(\w+)")
DOCUMENT = re.compile(r"docs/[\w/.-]+\.md")


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tracked_names() -> frozenset[str]:
    """The last parts of the paths of all files that belong to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return frozenset(Path(line).name for line in listed.stdout.splitlines())


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles)


def is_there(name: str) -> bool:
    """Whether a file that a page names exists; a name without a folder may lie anywhere."""
    if name in MADE_BY_USERS or re.search(r"[A-Z]{3,}", Path(name).stem):
        return True  # NAME.json stands for a file of the user's
    return (ROOT / name).exists() if "/" in name else name in tracked_names()


def has_name(dotted: str) -> bool:
    """Whether `facegen.a.b.name` is a module, or a name that a module defines."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        module = ROOT.joinpath(*parts[:count])
        source = module.with_suffix(".py") if count > 1 else module / "__init__.py"
        source = source if source.is_file() else module / "__init__.py"
        if source.is_file():
            rest = parts[count:]
            return not rest or rest[0] in defined_in(source)
    return False


@cache
def defined_in(source: Path) -> frozenset[str]:
    names = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
    return frozenset(names)


def test_the_pages_are_found():
    assert {"README.md", "docs/README.md", "docs/architecture.md"} <= set(map(page_id, PAGES))
    assert len(SOURCES) > 200


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_inside_the_repository_resolve(page):
    for match in LINK.finditer(page.read_text(encoding="utf-8")):
        target, _, anchor = (match[1] or match[2]).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page_id(page)} links to {target}, which does not exist"
        if anchor:
            assert anchor in anchors(path), f"{page_id(page)} links to {target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_and_modules_that_a_page_names_exist(page):
    for quoted in QUOTED.findall(page.read_text(encoding="utf-8")):
        if FILE.fullmatch(quoted) or (
            quoted.startswith(FOLDERS) and re.fullmatch(r"[\w./-]+", quoted)
        ):
            assert is_there(quoted), f"{page_id(page)} names {quoted}, which does not exist"
        if DOTTED.fullmatch(quoted):
            assert has_name(quoted), f"{page_id(page)} names {quoted}, which does not exist"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_that_a_page_shows_exist_with_their_options(page):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for script in SCRIPT.findall(text):
        assert (ROOT / "scripts" / f"{script}.py").is_file(), f"{page_id(page)} runs {script}"
    for line in COMMAND.findall(text):
        command: click.Command = cli
        words = line.split()
        while words and isinstance(command, click.Group):
            assert words[0] in command.commands, f"{page_id(page)} shows 'facegen {line}'"
            command = command.commands[words.pop(0)]
        known = {name for option in command.params for name in option.opts}
        for word in words[: words.index("--")] if "--" in words else words:
            if word.startswith("--"):
                assert word.split("=")[0] in known, f"{page_id(page)} shows '{word}' in '{line}'"


def test_pages_that_comments_and_help_texts_name_exist():
    for source in SOURCES:
        for name in DOCUMENT.findall(source.read_text(encoding="utf-8")):
            assert (ROOT / name).is_file(), f"{page_id(source)} names {name}, which does not exist"


@pytest.mark.parametrize(
    "dotted",
    ["facegen.ui.darkroom", "facegen.pose.head_pose.no_such_name", "facegen.editing.dials"],
)
def test_a_module_that_moved_away_is_noticed(dotted):
    assert not has_name(dotted)


def test_the_picture_and_table_of_the_architecture_are_those_of_the_code():
    again = "run python -m scripts.draw_architecture"
    assert draw_architecture.PICTURE.read_text(encoding="utf-8") == draw_architecture.picture(), (
        again
    )
    assert draw_architecture.PAGE.read_text(encoding="utf-8") == draw_architecture.page(), again


def test_every_page_is_listed_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*/*.md"):
        assert f"({page.relative_to(ROOT / 'docs')})" in index, f"{page_id(page)} is not listed"
