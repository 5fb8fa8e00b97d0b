"""Models that users bring: a safetensors file and a JSON record beside it in the weights folder.

`NAME.safetensors` holds float32 tensors: `mapping.fc<i>.weight` and `.bias` as published,
`synthesis.*` as `facegen.nets.stylegan2` names them, and `w_avg`. `NAME.json` holds the network's
sizes (`StyleGAN2Config`), its latent space, whether it draws faces, where it came from, its
licence, and the SHA-256 of the safetensors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta
from safetensors import SafetensorError

from facegen.errors import BadFileError, FacegenError, ModelError, SaveError
from facegen.files import atomic_path, file_sha256, write_atomic
from facegen.formats.stylegan2 import effective_mapping, read_checkpoint, write_checkpoint
from facegen.latents import KNOWN_SPACES, NUM_WS, W_DIM, space_id, space_signature
from facegen.nets.stylegan2_config import StyleGAN2Config
from facegen.paths import weights_dir
from facegen.records import parse_record

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
MAX_RECORD_BYTES = 1 << 20
ARCHITECTURE = "stylegan2"
LICENCE = (
    "That of the imported file, which this program does not know. Published face networks mostly "
    "descend from FFHQ (CC BY-NC-SA 4.0) and NVIDIA's code: non-commercial use only."
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Facts:
    """What a record says besides the network's sizes.

    The space names a folder of directions, so it must be a plain name.
    """

    name: str
    architecture: Literal["stylegan2"]
    space: Annotated[str, Meta(pattern=rf"^(?:{NAME_PATTERN.pattern})\Z")]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    signature: tuple[float, ...] = ()
    is_face: bool | None = None
    why_not_face: str | None = None
    licence: str = LICENCE
    origin: str = ""
    made_by: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedModel:
    """The record of an imported model.

    Attributes:
        name: Its name, also of its files.
        config: Sizes of the network.
        space: Id of its latent space.
        signature: What the space is recognised by, see `facegen.latents.space_signature`.
        sha256: Of the safetensors.
        is_face: Whether it draws faces; None if that could not be told.
        why_not_face: The reason, if it does not.
        licence, origin: For people; the origin names the source file and its SHA-256.
        made_by: The kind of file it came from.
        notes: What that file left open and how it was filled in.
    """

    name: str
    config: StyleGAN2Config
    space: str
    signature: tuple[float, ...]
    sha256: str
    is_face: bool | None = None
    why_not_face: str | None = None
    licence: str = LICENCE
    origin: str = ""
    made_by: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def weights_path(self) -> Path:
        """The safetensors."""
        return weights_dir() / f"{self.name}.safetensors"

    @property
    def rows(self) -> str:
        """Which rows of a saved latent the network reads, as a sentence."""
        if self.config.num_ws >= NUM_WS:
            return f"All {NUM_WS} rows of a latent are read."
        return (
            f"The first {self.config.num_ws} of a latent's {NUM_WS} rows are read; the others are "
            "kept in the file."
        )

    def to_record(self) -> dict[str, Any]:
        """The JSON record."""
        own = asdict(self)
        del own["config"]
        fixed = {"kind": "generator", "architecture": ARCHITECTURE, "rows": self.rows}
        return {**own, **fixed, **self.config.to_record()}


def import_checkpoint(
    file: Path,
    *,
    name: str,
    again: bool = False,
    licence: str = LICENCE,
    origin: str | None = None,
    say: Say = lambda _: None,
) -> ImportedModel:
    """Convert a foreign StyleGAN2 checkpoint into a model of this program.

    Args:
        file: NVIDIA's, rosinality's, a plain state dict, or safetensors.
        name: What to call it: letters, digits, dot, dash and underscore.
        again: Replace a model of this name.
        licence: What the user must know.
        origin: Where it comes from; None for the file's name.
        say: Told each step.

    Raises:
        BadFileError: the file is not a StyleGAN2 generator that can be run; says why.
        ModelError: the name is wrong or taken.
        SaveError: the disk is full.
    """
    check_name(name)
    target = weights_dir() / f"{name}.safetensors"
    if not again and (target.exists() or record_path(name).exists()):
        raise ModelError(
            f"A model is called '{name}' already; choose another --name, or replace it with "
            "--again."
        )
    say(f"Reading {file.name} as data; nothing in it is run.")
    checkpoint = read_checkpoint(file)
    if checkpoint.config.w_dim != W_DIM:
        raise BadFileError(
            f"{file.name} is not imported: its latents have {checkpoint.config.w_dim} numbers, and "
            f"this program's {W_DIM}."
        )
    source = f"{origin or file.name} (SHA-256 {file_sha256(file)})"
    mapping = effective_mapping(checkpoint.tensors, checkpoint.config)
    space = space_id(mapping, known=_known_spaces(name))
    say(f"Writing {target.name}.")
    try:
        with atomic_path(target) as part:
            write_checkpoint(checkpoint, part)
            sha256 = file_sha256(part)
    except (OSError, SafetensorError) as err:
        raise SaveError(
            f"{target} could not be written ({err}). Nothing was changed; free some space or set "
            "FACEGEN_WEIGHTS to another folder."
        ) from err
    model = ImportedModel(
        name=name,
        config=checkpoint.config,
        space=space,
        signature=space_signature(mapping),
        sha256=sha256,
        licence=licence,
        origin=source,
        made_by=checkpoint.made_by,
        notes=checkpoint.notes,
    )
    write_record(model)
    return model


def judged(model: ImportedModel, is_face: bool | None, why_not: str | None) -> ImportedModel:
    """Keep in the record whether the model draws faces, and why not."""
    model = replace(model, is_face=is_face, why_not_face=why_not)
    write_record(model)
    return model


def remove_imported(name: str) -> None:
    """Delete an imported model's two files.

    Raises:
        ModelError: no imported model has this name.
    """
    check_name(name)
    if not record_path(name).exists():
        raise ModelError(f"No imported model is called '{name}'; see `models list`.")
    (weights_dir() / f"{name}.safetensors").unlink(missing_ok=True)
    record_path(name).unlink()


def check_name(name: str) -> None:
    """Raises ModelError for a name that is no plain file name."""
    if not NAME_PATTERN.fullmatch(name):
        raise ModelError(
            f"A model's name has up to 64 letters, digits, dots, dashes or underscores and starts "
            f"with a letter or digit, got '{name[:80]}'."
        )


def record_path(name: str) -> Path:
    """Where a model's record lies."""
    return weights_dir() / f"{name}.json"


def write_record(model: ImportedModel) -> None:
    """Write the record beside the weights."""
    text = json.dumps(model.to_record(), indent=2, ensure_ascii=False)
    write_atomic(record_path(model.name), text.encode())


def read_record(name: str) -> ImportedModel:
    """Read and check a record.

    Raises:
        ModelError: no such model, or the record is damaged.
    """
    path = record_path(name)
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            raise ValueError("too large")
        data = path.read_bytes()
        facts = parse_record(data, _Facts)
        if facts.name != name:
            raise ValueError("of another model")
        why = facts.why_not_face or ("It draws no faces." if facts.is_face is False else None)
        return ImportedModel(
            name=name,
            config=StyleGAN2Config.from_json(data),
            space=facts.space,
            signature=facts.signature,
            sha256=facts.sha256,
            is_face=facts.is_face,
            why_not_face=why,
            licence=facts.licence,
            origin=facts.origin,
            made_by=facts.made_by,
            notes=facts.notes,
        )
    except (OSError, ValueError, FacegenError) as err:
        raise ModelError(
            f"The record {path.name} is missing or damaged ({err}); import the model again."
        ) from err


def imported_models() -> list[ImportedModel]:
    """All models with an intact record, by name."""
    found = []
    for path in sorted(weights_dir().glob("*.json")):
        try:
            check_name(path.stem)
            found.append(read_record(path.stem))
        except ModelError:  # told when the model is asked for by name
            continue
    return found


def _known_spaces(name: str) -> dict[str, tuple[float, ...]]:
    """The bundled space, then those of imported models other than `name`."""
    others = {m.space: m.signature for m in imported_models() if m.name != name}
    return {**others, **KNOWN_SPACES}
