"""`doctor`: what is installed, what runs, what is missing."""

from __future__ import annotations

import difflib
import importlib.metadata
import importlib.util
import os
import platform
from pathlib import Path

import click

from facegen.cli.shared import json_option, print_json
from facegen.paths import VARIABLES, data_dir, is_in_checkout, weights_dir
from facegen.version import __version__
from facegen.weights import entries
from facegen.weights.fetch import is_fetched

PACKAGES = ("torch", "openvino", "streamlit", "numpy", "pillow", "pi-heif", "scikit-learn",
            "dlib-bin", "opencv-python-headless", "onnxruntime")  # fmt: skip


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Check this installation."""
    facts: dict[str, object] = {
        "facegen": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "data": _folder(data_dir()),
        "weights": _folder(weights_dir()),
    }
    facts |= {f"variable {name}": value for name, value in _variables().items()}
    facts |= {f"package {name}": _version(name) for name in PACKAGES}
    facts |= {f"model {m.name}": "ready" if is_fetched(m) else "not fetched" for m in entries()}
    if importlib.util.find_spec("torch"):
        import torch

        facts["cuda"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    if as_json:
        print_json(facts)
    else:
        for key, value in facts.items():
            click.echo(f"{key:<34} {value}")


def _folder(path: Path) -> str:
    """A folder of the user's, and what is special about it."""
    made = next((place for place in (path, *path.parents) if place.exists()), path)
    if not os.access(made, os.W_OK):
        return f"{path} (cannot be written; set FACEGEN_DATA to another)"
    if is_in_checkout(path):
        return f"{path} (where earlier versions kept them; move it to {data_dir()} if you like)"
    return str(path)


def _variables() -> dict[str, str]:
    """The program's environment variables that are set; unknown ones with a hint."""
    found: dict[str, str] = {}
    for name in sorted(name for name in os.environ if name.startswith("FACEGEN_")):
        if name in VARIABLES:
            found[name] = os.environ[name]
        else:
            near = difflib.get_close_matches(name, VARIABLES, n=1)
            found[name] = "not known here" + (f"; did you mean {near[0]}?" if near else "")
    return found


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
