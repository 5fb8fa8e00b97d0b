"""Which models exist: registered ones and those a user brought, with licence and checksums."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from facegen.errors import ModelError
from facegen.files import make_folder
from facegen.paths import MODELS_DIR, shipped, weights_dir
from facegen.records import parse_record
from facegen.weights.imported import (
    ARCHITECTURE,
    NAME_PATTERN,
    ImportedModel,
    imported_models,
    read_record,
    record_path,
)

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
    latter or while it is not known. Sizes are in megabytes.

    A model comes as a package (`package` to `members`), or from `url`, or from a file of the
    user's (`imported`). The latter two have a record beside their weights once they are there.
    """

    name: str
    kind: str
    title: str
    purpose: str
    licence: str
    origin: str
    size_mb: float
    package: str = ""
    version: str = ""
    archive: str = ""
    archive_sha256: str = ""
    members: dict[str, Member] = field(default_factory=dict)
    space: str | None = None
    resolution: int | None = None
    architecture: str | None = None
    converted_sha256: str | None = None
    url: str | None = None
    imported: bool = False
    is_face: bool | None = True
    why_not_face: str | None = None

    @property
    def has_record(self) -> bool:
        """Whether a record beside the weights describes the network."""
        return self.imported or self.url is not None

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


def weights_folder() -> Path:
    """The folder of weights, made if need be.

    Raises:
        SaveError: it cannot be made or written.
    """
    return make_folder(
        weights_dir(), advice="Set FACEGEN_DATA (or FACEGEN_WEIGHTS) to a folder of yours."
    )


def entries() -> tuple[ModelEntry, ...]:
    """Every registered model, in the order of the registry, then the imported ones by name."""
    records = {model.name: model for model in imported_models()}
    known = [
        _with_record(entry, records.pop(entry.name, None)) if entry.url else entry
        for entry in registered()
    ]
    names = {entry.name for entry in known}
    return (*known, *(_of_record(model) for name, model in records.items() if name not in names))


def entry(name: str) -> ModelEntry:
    """The registered or imported model of this name.

    Raises:
        ModelError: no such model (names the nearest), or its record is damaged.
    """
    known = {e.name: e for e in entries()}
    if name in known:
        return known[name]
    if NAME_PATTERN.fullmatch(name) and record_path(name).exists():
        read_record(name)  # says what is wrong with it
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise ModelError(f"No model is called '{name}'.{hint} Known: {', '.join(known)}.")


@dataclass(frozen=True)
class _Registry:
    """The registry's file."""

    models: tuple[ModelEntry, ...]


@cache
def registered() -> tuple[ModelEntry, ...]:
    """The models of the registry alone."""
    return parse_record(shipped(REGISTRY_PATH).read_bytes(), _Registry).models


def _with_record(entry: ModelEntry, model: ImportedModel | None) -> ModelEntry:
    """What a fetched model's record adds to its entry."""
    if model is None:
        return entry
    return replace(
        entry,
        space=model.space,
        resolution=model.config.img_resolution,
        converted_sha256=model.sha256,
        is_face=model.is_face,
        why_not_face=model.why_not_face,
    )


def _of_record(model: ImportedModel) -> ModelEntry:
    """The entry of a model that a user brought."""
    edge = model.config.img_resolution
    size = model.weights_path.stat().st_size if model.weights_path.exists() else 0
    what = {None: "", True: "Draws faces.", False: model.why_not_face or "Draws no faces."}
    bare = ModelEntry(
        name=model.name,
        kind="generator",
        title=f"StyleGAN2, {edge}×{edge}, imported",
        purpose=f"Imported StyleGAN2 network, {edge} px. {what[model.is_face]}".strip(),
        licence=model.licence,
        origin=model.origin,
        size_mb=round(size / 1e6, 1),
        architecture=ARCHITECTURE,
        imported=True,
    )
    return _with_record(bare, model)
