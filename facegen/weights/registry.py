"""The registry of models: what exists, its licence, where it comes from, its checksums."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from facegen.errors import ModelError
from facegen.paths import MODELS_DIR, weights_dir

REGISTRY_PATH = MODELS_DIR / "registry.json"


@dataclass(frozen=True)
class Member:
    """A file inside a package: its path there and its SHA-256 in full."""

    path: str
    sha256: str


@dataclass(frozen=True)
class ModelEntry:
    """One model.

    `kind` is "generator" for a network that makes faces (converted to safetensors) or "measure"
    for files that the measuring of faces reads. `space` names the latent space, None for the
    latter. Sizes are in megabytes.
    """

    name: str
    kind: str
    title: str
    purpose: str
    licence: str
    origin: str
    package: str
    version: str
    archive: str
    archive_sha256: str
    size_mb: float
    members: dict[str, Member]
    space: str | None = None
    resolution: int | None = None
    architecture: str | None = None
    converted_sha256: str | None = None

    @property
    def archive_path(self) -> Path:
        """Where the fetched package is kept."""
        return weights_dir() / self.archive

    @property
    def weights_path(self) -> Path:
        """Where the converted network is kept."""
        return weights_dir() / f"{self.name}.safetensors"

    @property
    def files_dir(self) -> Path:
        """Where members of the package are unpacked to."""
        return weights_dir() / self.name


@cache
def entries() -> tuple[ModelEntry, ...]:
    """Every registered model, in the order of the registry."""
    raw = json.loads(REGISTRY_PATH.read_text(encoding="utf-8"))
    return tuple(
        ModelEntry(**{**record, "members": {k: Member(**m) for k, m in record["members"].items()}})
        for record in raw["models"]
    )


def entry(name: str) -> ModelEntry:
    """The registered model of this name.

    Raises:
        ModelError: no such model; names the nearest.
    """
    known = {e.name: e for e in entries()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ModelError(f"No model is called '{name}'.{hint} Known: {', '.join(known)}.")
