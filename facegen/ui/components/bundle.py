"""ES modules in one text: Streamlit takes the script of a component as a single string."""

from __future__ import annotations

import re
from pathlib import Path

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |let |async |function |class )", re.MULTILINE)
_NAME = re.compile(r"^(?:export )?(?:const|let|(?:async )?function|class) (\w+)", re.MULTILINE)


def bundled(path: Path) -> str:
    """The script of a module with all that it imports before it, each module once.

    Only imports of the form `import { a, b } from "./file.js";` are understood, one a line, without
    renaming; so a name must be unique among the modules that come together.

    Args:
        path: The module that exports the component's function as its default.

    Raises:
        ValueError: two modules use the same name, or import one another.
    """
    texts: dict[Path, str] = {}
    _collect(path, texts, ())
    owners: dict[str, Path] = {}
    for module, text in texts.items():
        for name in _NAME.findall(text):
            if name in owners:
                raise ValueError(
                    f"'{name}' stands in {owners[name].name} and in {module.name}, which are put "
                    "into one script; rename one of them."
                )
            owners[name] = module
    *others, last = (_IMPORT.sub("", text) for text in texts.values())
    return "\n".join([*(_EXPORT.sub("", text) for text in others), last])


def _collect(path: Path, texts: dict[Path, str], above: tuple[Path, ...]) -> None:
    """Put a module's text behind those of the modules that it imports."""
    if path in above:
        raise ValueError(f"{path.name} and {above[-1].name} import one another.")
    if path in texts:
        return
    text = path.read_text(encoding="utf-8")
    for name in _IMPORT.findall(text):
        _collect(path.parent / name, texts, (*above, path))
    texts[path] = text
