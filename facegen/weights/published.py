"""Models that are fetched from where they were published, once the user accepts their licence.

Nobody vouches for such a file's bytes beforehand, so its checksum is pinned when it has been
imported for the first time; another file under the same address is refused from then on.
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path

from facegen.errors import BadFileError, FetchError, ModelError
from facegen.files import file_sha256, write_atomic
from facegen.paths import weights_dir
from facegen.protocols import Progress
from facegen.weights.download import download
from facegen.weights.imported import ImportedModel, Say, import_checkpoint
from facegen.weights.registry import entry


def fetch_published(
    name: str,
    progress: Progress | None = None,
    *,
    file: Path | None = None,
    again: bool = False,
    say: Say = lambda _: None,
) -> ImportedModel | None:
    """Download and import a published network.

    The caller has shown the licence and had it accepted.

    Args:
        name: A registered model with an address.
        progress: Called with (bytes done, bytes in all).
        file: The published file, already at hand.
        again: Fetch anew and replace what is there; if that fails, what is there stays.
        say: Told each step.

    Returns:
        The model; None if it was here already.

    Raises:
        ModelError: no such model, or it has no address.
        FetchError: it cannot be had, or is another file than the one pinned.
        BadFileError: what came is not the network.
    """
    model = entry(name)
    if model.url is None:
        raise ModelError(f"{name} has no address to fetch it from.")
    if model.converted_sha256 and model.weights_path.exists() and not again:
        return None
    if file is not None and not file.is_file():
        raise FetchError(f"{file} is not a file; name the fetched {Path(model.url).name}.")
    folder = weights_dir() / f"{name}.download"
    source = file or folder / Path(model.url).name
    if not source.exists():
        try:
            download(model.url, source, progress=progress)
        except FetchError:
            with suppress(OSError):
                folder.rmdir()  # if nothing came
            raise
    try:
        sha256 = file_sha256(source)
        _check_pin(name, sha256)
        imported = import_checkpoint(
            source, name=name, again=True, licence=model.licence, origin=model.url, say=say
        )
    except (BadFileError, FetchError):
        shutil.rmtree(folder, ignore_errors=True)  # whole, and not what was wanted
        raise
    write_atomic(pin_path(name), f"{sha256}  {Path(model.url).name}\n".encode())
    shutil.rmtree(folder, ignore_errors=True)
    return imported


def pin_path(name: str) -> Path:
    """Where the checksum of the file that was first imported is kept, as `sha256sum` writes it."""
    return weights_dir() / f"{name}.sha256"


def _check_pin(name: str, sha256: str) -> None:
    path = pin_path(name)
    if not path.exists():
        return
    match = re.match(r"([0-9a-f]{64})\s", path.read_text(encoding="ascii", errors="replace"))
    if not match or match[1] != sha256:
        pinned = match[1][:12] if match else "nothing readable"
        raise FetchError(
            f"{name} should have SHA-256 {pinned}… as when it was first imported, got "
            f"{sha256[:12]}…. If you trust the new file, delete {path} and fetch it again."
        )
