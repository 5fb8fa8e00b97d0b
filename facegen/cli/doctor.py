"""`doctor`: what is installed, what runs, what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform

import click

from facegen.cli.shared import json_option, print_json
from facegen.paths import weights_dir
from facegen.version import __version__
from facegen.weights import entries
from facegen.weights.fetch import is_fetched

PACKAGES = ("torch", "openvino", "streamlit", "numpy", "pillow", "scikit-learn", "dlib-bin",
            "opencv-python-headless", "onnxruntime")  # fmt: skip


@click.command()
@json_option
def doctor(*, as_json: bool) -> None:
    """Check this installation."""
    facts: dict[str, object] = {
        "facegen": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "weights": str(weights_dir()),
    }
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


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"
